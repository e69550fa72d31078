"""The strict mapper: registered types, canonical bodies, nothing personal, nothing believed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from eventsourcing.persistence import DataError, MapperDeserialisationError, NotSupportedError, StoredEvent

from adapters.eventsourcing import LedgerAggregate, LedgerEvent, StrictMapper, VersionGap, events_after, projector
from adapters.system import new_id
from domain.intake.application.events import ApplicationDrafted, ApplicationSubmitted, RoutedToLane
from domain.intake.application.rules import APPLICATION
from domain.intake.application.state import ApplicationPhase
from domain.kernel import event as kernel_events
from domain.kernel.decider import DECIDERS, Decider, State
from domain.kernel.event import Event, decode_body
from tests.adapters.postgres.story import ANONYMOUS, context

STREAM = UUID("01890000-0000-7000-8000-000000000001")
OTHER = UUID("01890000-0000-7000-8000-000000000002")
MAPPER = StrictMapper()


def drafted() -> ApplicationDrafted:
    [event] = APPLICATION.decide(ANONYMOUS, APPLICATION.initial, context(STREAM))  # type: ignore[misc]
    assert isinstance(event, ApplicationDrafted)
    return event


@pytest.mark.parametrize("event", [drafted(), ApplicationSubmitted(), RoutedToLane(lane="manual")])
def test_there_and_back(event: Event) -> None:
    stored = MAPPER.to_stored_event(LedgerEvent(STREAM, 3, event))
    assert (stored.originator_id, stored.originator_version) == (STREAM, 3)
    assert "domain" not in stored.topic
    assert decode_body(stored.topic, stored.state) == event
    assert MAPPER.to_domain_event(stored) == LedgerEvent(STREAM, 3, event)


def test_stored_form_is_type_and_canonical_body() -> None:
    stored = MAPPER.to_stored_event(LedgerEvent(STREAM, 1, RoutedToLane(lane="manual")))
    assert stored == StoredEvent(STREAM, 1, "application.routed_to_lane.v1", b'{"lane":"manual"}')


def test_personal_values_are_refused_by_name_only() -> None:
    event: Any = drafted()
    with_name = type(event)(
        **{f: getattr(event, f) for f in event.__struct_fields__} | {"subject": OTHER, "name": "王"}
    )
    with pytest.raises(NotSupportedError, match=r"got \['name'\]; Ledger.execute seals them") as caught:
        MAPPER.to_stored_event(LedgerEvent(STREAM, 1, with_name))
    assert "王" not in str(caught.value)


class Unregistered(Event, frozen=True):
    """Nobody knows it."""


@dataclass(frozen=True)
class Foreign:
    """A domain event of the library's own kind."""

    originator_id: UUID
    originator_version: int


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (LedgerEvent(STREAM, 1, Unregistered()), "not registered"),
        (LedgerEvent(STREAM, 1, RoutedToLane(lane=7)), r"RoutedToLane: .*\$.lane"),  # type: ignore[arg-type]
        (Foreign(STREAM, 1), "expected a LedgerEvent, got Foreign"),
    ],
)
def test_what_is_not_a_valid_event_is_refused(event: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        MAPPER.to_stored_event(event)


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        (StoredEvent(STREAM, 1, "builtins:dict", b"{}"), "registered event types, got 'builtins:dict'"),
        (StoredEvent(STREAM, 1, "application.submitted.v9", b"{}"), "registered event types"),
        (StoredEvent(STREAM, 1, "application.submitted.v1", b'{"x":1}'), "unknown field"),
        (StoredEvent(STREAM, 1, "application.routed_to_lane.v1", b"{}"), "missing required field"),
        (StoredEvent(STREAM, 1, "application.submitted.v1", b"{"), "version 1 of"),
        (StoredEvent(STREAM, 1, "application.routed_to_lane.v1", b'{"lane":"\xff"}'), "utf-8"),
        (StoredEvent(STREAM, 0, "application.submitted.v1", b"{}"), "a version from 1"),
        (StoredEvent("text", 1, "application.submitted.v1", b"{}"), "expected a UUID"),
    ],
)
def test_what_is_read_is_checked(stored: StoredEvent, said: str) -> None:
    with pytest.raises(MapperDeserialisationError, match=said):
        MAPPER.to_domain_event(stored)


@pytest.fixture
def renamed() -> Iterator[None]:
    """An older version of a type, which called the lane a queue."""
    kernel_events.upcaster("application.routed.v1", "application.routed_to_lane.v1")(
        lambda body: {"lane": body["queue"]}
    )
    yield
    del kernel_events._UPCASTERS["application.routed.v1"]


@pytest.mark.usefixtures("renamed")
def test_older_bodies_are_upcast() -> None:
    stored = StoredEvent(STREAM, 1, "application.routed.v1", b'{"queue":"manual"}')
    assert MAPPER.to_domain_event(stored) == LedgerEvent(STREAM, 1, RoutedToLane(lane="manual"))


APPLICATION_OF = projector(APPLICATION)


def test_projector_folds_and_goes_on() -> None:
    first = APPLICATION_OF(None, events_after(None, STREAM, [drafted()]))
    assert first is not None
    second = APPLICATION_OF(first, events_after(first, STREAM, [ApplicationSubmitted()]))
    assert second is not None
    assert (second.id, second.version, second.state.phase) == (STREAM, 2, ApplicationPhase.SUBMITTED)
    assert APPLICATION_OF(second, []) is second
    assert APPLICATION_OF(None, []) is None


@pytest.mark.parametrize(
    ("before", "stream", "version"),
    [(None, STREAM, 2), (1, STREAM, 1), (1, STREAM, 3), (1, OTHER, 2)],
)
def test_projector_refuses_what_does_not_follow(before: int | None, stream: UUID, version: int) -> None:
    aggregate = None if before is None else LedgerAggregate(STREAM, before, APPLICATION.initial)
    with pytest.raises(VersionGap, match=f"got {version} of {stream}"):
        APPLICATION_OF(aggregate, [LedgerEvent(stream, version, ApplicationSubmitted())])


def test_projector_of_any_decider() -> None:
    counting = Decider(
        name="counting_in_tests", initial=State(), rules={}, evolve={ApplicationSubmitted: lambda state, _: state}
    )
    try:
        counted = projector(counting)(None, events_after(None, new_id(), [ApplicationSubmitted()] * 5))
    finally:
        del DECIDERS["counting_in_tests"]
    assert counted is not None
    assert counted.state.version == counted.version == 5
