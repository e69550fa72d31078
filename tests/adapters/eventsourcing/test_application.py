"""The library's own tools, working on aggregates that commands of ours have written."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from threading import Thread
from typing import Any
from uuid import UUID

import pytest
from eventsourcing.application import AggregateNotFoundError
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import (
    InfrastructureFactoryError,
    IntegrityError,
    NotSupportedError,
    Tracking,
)
from eventsourcing.popo import POPOTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner

from adapters.eventsourcing import (
    LedgerAggregate,
    LedgerApplication,
    LedgerEvent,
    LedgerFactory,
    events_after,
    projector,
)
from adapters.postgres.writing.sequencer import Appended
from adapters.system import new_id
from api.compose import Base, Running, running
from chain.entry import check_canonical, parse
from domain.intake.application.commands import StartVerification
from domain.intake.application.events import ApplicationSubmitted
from domain.intake.application.rules import APPLICATION
from domain.intake.application.state import ApplicationPhase, ApplicationState
from tests.adapters.postgres.story import ANONYMOUS, START, SUBMIT, TENANT, context, draft_about, request

APPLICATION_OF = projector(APPLICATION)


def environment(url: str) -> dict[str, str]:
    return {"LEASELEDGER_DATABASE_URL": url, "LEASELEDGER_TENANT": str(TENANT)}


@pytest.fixture
def application(url: str) -> Iterator[LedgerApplication]:
    with LedgerApplication(environment(url)) as started:
        yield started


async def submitted(program: Running, *, subject: UUID | None = None) -> UUID:
    """An application that was drafted and handed in by commands of ours."""
    stream = new_id()
    for command in (draft_about(subject) if subject else ANONYMOUS, SUBMIT):
        assert isinstance(await program.ledger.execute(APPLICATION, request(stream, command)), Appended)
    return stream


def get(application: LedgerApplication, stream: UUID, version: int | None = None) -> LedgerAggregate[ApplicationState]:
    found: LedgerAggregate[ApplicationState] = application.repository.get(
        stream, version=version, projector_func=APPLICATION_OF
    )
    return found


async def test_repository_replays_what_commands_wrote(program: Running, application: LedgerApplication) -> None:
    stream = await submitted(program, subject=new_id())
    found = get(application, stream)
    assert (found.id, found.version) == (stream, 2)
    assert found.state == (await program.ledger.load(APPLICATION, stream))[1]
    assert found.state.phase is ApplicationPhase.SUBMITTED


async def test_repository_gives_earlier_versions(program: Running, application: LedgerApplication) -> None:
    stream = await submitted(program)
    assert get(application, stream, version=1).state.phase is ApplicationPhase.DRAFT


def test_repository_does_not_know_a_new_stream(application: LedgerApplication) -> None:
    with pytest.raises(AggregateNotFoundError):
        get(application, new_id())


async def test_cached_repository_catches_up(program: Running, url: str) -> None:
    stream = new_id()
    await program.ledger.execute(APPLICATION, request(stream, ANONYMOUS))
    with LedgerApplication(environment(url) | {"AGGREGATE_CACHE_MAXSIZE": "10"}) as application:
        assert get(application, stream).version == 1
        await program.ledger.execute(APPLICATION, request(stream, SUBMIT))
        assert get(application, stream).version == 2


async def test_saved_events_are_entries_that_our_commands_go_on_from(
    program: Running, application: LedgerApplication
) -> None:
    stream = new_id()
    await program.ledger.execute(APPLICATION, request(stream, ANONYMOUS))
    [recording] = application.save(
        *events_after(get(application, stream), stream, [ApplicationSubmitted()]), context=context(stream)
    )
    assert recording.notification.id == 2
    [_, stored] = await program.reader.stream(stream)
    entry = parse(stored.entry)
    check_canonical(stored.entry, entry, entry.event())
    assert (entry.type, entry.tenant, entry.actor.id) == ("application.submitted.v1", TENANT, "key_1")
    assert entry.occurred_at == "2026-11-21T08:00:00.000000Z"
    appended = await program.ledger.execute(APPLICATION, request(stream, StartVerification()))
    assert isinstance(appended, Appended)
    assert appended.seq == 3


async def test_a_stale_save_is_a_conflict(program: Running, application: LedgerApplication) -> None:
    stream = await submitted(program)
    with pytest.raises(IntegrityError, match="expected version 1, got 2"):
        application.save(LedgerEvent(stream, 2, ApplicationSubmitted()))


async def test_the_same_command_saves_once(program: Running, application: LedgerApplication) -> None:
    stream = new_id()
    await program.ledger.execute(APPLICATION, request(stream, ANONYMOUS))
    once = {"context": context(stream, START), "command": new_id()}
    event = LedgerEvent(stream, 2, ApplicationSubmitted())
    assert application.save(event, **once)[0].notification.id == 2
    assert application.save(event, **once)[0].notification.id == 2
    assert await program.reader.size() == 2


async def test_notification_log_shows_sections(program: Running, application: LedgerApplication) -> None:
    for _ in range(6):
        await submitted(program)
    first = application.notification_log["1,10"]
    assert (first.id, first.next_id) == ("1,10", "11,20")
    assert [item.topic for item in first.items][:2] == ["application.drafted.v1", "application.submitted.v1"]
    last = application.notification_log["11,20"]
    assert (last.id, last.next_id, [item.id for item in last.items]) == ("11,12", None, [11, 12])


class Submissions(POPOTrackingRecorder):
    """Counts submissions of each application, as a read model of the library's kind."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[UUID] = []


class CountSubmissions(Projection[Submissions]):
    """Fills `Submissions`."""

    name = "submissions"
    topics = ("application.submitted.v1",)

    def process_event(self, domain_event: DomainEventProtocol[UUID], tracking: Tracking) -> None:
        assert isinstance(domain_event, LedgerEvent)
        assert isinstance(domain_event.event, ApplicationSubmitted)
        self.view.insert_tracking(tracking)
        self.view.seen.append(domain_event.originator_id)


def runner(url: str) -> ProjectionRunner[LedgerApplication, Submissions]:
    return ProjectionRunner(
        application_class=LedgerApplication,
        projection_class=CountSubmissions,
        view_class=Submissions,
        env=environment(url),
    )


async def test_projection_runner_follows(program: Running, url: str) -> None:
    before = [await submitted(program) for _ in range(3)]
    with runner(url) as running_projection:
        after = [await submitted(program) for _ in range(3)]
        await asyncio.to_thread(running_projection.wait, 12, timeout=30.0)
        assert running_projection.view.seen == before + after
        assert running_projection.view.max_tracking_id("Ledger") == 12


def test_projection_runner_stops_while_it_waits(url: str) -> None:
    with runner(url) as waiting:
        Thread(target=waiting.stop).start()
        waiting.run_forever()
    assert waiting.is_interrupted.is_set()


async def test_runner_sees_every_event_of_concurrent_writers(composed: Base, url: str) -> None:
    with runner(url) as follower:
        async with running(composed) as one, running(composed) as other:
            streams = await asyncio.gather(*[submitted(which) for which in [one, other] * 40])
        await asyncio.to_thread(follower.wait, follower.app.recorder.max_notification_id(), timeout=30.0)
        assert sorted(follower.view.seen) == sorted(streams)


def test_factory_needs_url_and_tenant() -> None:
    with pytest.raises(InfrastructureFactoryError, match="expected LEASELEDGER_DATABASE_URL and LEASELEDGER_TENANT"):
        LedgerFactory({}).application_recorder()


@pytest.mark.parametrize("kind", ["aggregate_recorder", "tracking_recorder", "process_recorder"])
def test_factory_makes_no_other_recorder(kind: str) -> None:
    factory: Any = LedgerFactory({})
    with pytest.raises(NotSupportedError):
        getattr(factory, kind)()
