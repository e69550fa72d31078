"""Executing commands: cold and cached, stale and contended, repeated and refused."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
from msgspec.structs import replace

from adapters.postgres.connections import connect
from adapters.postgres.ledger import Ledger, Request, payload
from adapters.postgres.reading import states
from adapters.postgres.reading.reader import Reader
from adapters.postgres.writing.sequencer import Appended, KeyReused, VersionConflict
from adapters.system import new_id
from api.compose import Running
from chain.entry import command_id
from domain.intake.application.commands import DraftApplication, RouteToLane, StartVerification, WithdrawApplication
from domain.intake.application.events import ApplicationSubmitted, RoutedToLane
from domain.intake.application.refusals import UNKNOWN
from domain.intake.application.rules import APPLICATION
from domain.intake.application.state import ApplicationPhase
from domain.kernel.command import Command
from domain.kernel.decider import ABSENT, DECIDERS, PRESENT, Decider, Rule, State
from domain.kernel.refusal import Refusal
from tests.adapters.postgres.stored import check_whole
from tests.adapters.postgres.story import ANONYMOUS, SUBMIT, TENANT, context, draft_about, request, toys

AGAIN = ApplicationSubmitted()


def another(program: Running) -> Ledger:
    """A second process on the same ledger, with a cache of its own."""
    return Ledger(program.writer, program.reader, program.vault, keys=program.keys, new_id=new_id)


async def appended(ledger: Ledger, stream: UUID, command: Command, **rest: object) -> Appended:
    told = await ledger.execute(APPLICATION, request(stream, command, **rest))  # type: ignore[arg-type]
    assert isinstance(told, Appended), told
    return told


async def drafted(ledger: Ledger) -> UUID:
    stream = new_id()
    await appended(ledger, stream, ANONYMOUS)
    return stream


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[tuple[UUID, int]]:
    """Which streams were read, behind which version."""
    seen: list[tuple[UUID, int]] = []
    original = Reader.stream

    async def spy(self: Reader, stream: UUID, *, after: int = 0, up_to_position: int | None = None) -> object:
        seen.append((stream, after))
        return await original(self, stream, after=after, up_to_position=up_to_position)

    monkeypatch.setattr(Reader, "stream", spy)
    return seen


async def test_cold_load_replays_cached_load_does_not(program: Running, reads: list[tuple[UUID, int]]) -> None:
    stream = await drafted(program.ledger)
    reads.clear()
    await appended(program.ledger, stream, SUBMIT)
    assert reads == []
    cold = another(program)
    assert (await cold.load(APPLICATION, stream))[1].phase is ApplicationPhase.SUBMITTED
    assert reads == [(stream, 0)]
    await appended(cold, stream, StartVerification())
    assert reads == [(stream, 0)]


async def test_new_streams_are_not_read(program: Running, reads: list[tuple[UUID, int]]) -> None:
    await appended(program.ledger, new_id(), ANONYMOUS, new=True)
    assert reads == []


async def test_wrong_claim_that_a_stream_is_new_is_found_out(program: Running) -> None:
    stream = await drafted(program.ledger)
    refused = await another(program).execute(APPLICATION, request(stream, ANONYMOUS, new=True))
    assert isinstance(refused, Refusal)
    assert (await program.reader.versions([stream]))[stream] == 1


async def test_stale_cache_of_a_second_process_catches_up(program: Running) -> None:
    other = another(program)
    stream = await drafted(program.ledger)
    await other.load(APPLICATION, stream)
    await appended(program.ledger, stream, SUBMIT)
    told = await appended(other, stream, StartVerification())
    assert told.seq == 3


async def test_whoever_asks_for_a_state_gets_it_as_the_ledger_has_it(program: Running) -> None:
    """Another process wrote since; who acts on the answer without appending would never find out."""
    other = another(program)
    stream = await drafted(program.ledger)
    await other.load(APPLICATION, stream)
    await appended(program.ledger, stream, SUBMIT)
    version, state = await other.load(APPLICATION, stream)
    assert (version, state.phase) == (2, ApplicationPhase.SUBMITTED)


async def test_stale_yes_is_decided_again(program: Running) -> None:
    """What the old state allowed, the new one refuses; the answer is the refusal, not a conflict."""
    other = another(program)
    stream = await drafted(program.ledger)
    await other.load(APPLICATION, stream)
    await appended(program.ledger, stream, WithdrawApplication(reason="changed_mind"))
    told = await other.execute(APPLICATION, request(stream, SUBMIT))
    assert isinstance(told, Refusal)


async def test_stale_no_is_not_believed(program: Running) -> None:
    """What the old state refused, the new one allows."""
    other = another(program)
    stream = await drafted(program.ledger)
    await other.load(APPLICATION, stream)
    await appended(program.ledger, stream, SUBMIT)
    assert isinstance(await other.execute(APPLICATION, request(stream, StartVerification())), Appended)


async def test_refusal_writes_nothing_and_keeps_no_key(program: Running) -> None:
    stream = await drafted(program.ledger)
    refused = await program.ledger.execute(APPLICATION, request(stream, StartVerification(), key="k"))
    assert isinstance(refused, Refusal)
    assert await program.reader.size() == 1
    await appended(program.ledger, stream, SUBMIT)
    assert (await appended(program.ledger, stream, StartVerification(), key="k")).seq == 3


async def test_same_key_same_command(program: Running) -> None:
    stream = await drafted(program.ledger)
    first = await appended(program.ledger, stream, SUBMIT, key="k")
    again = await appended(program.ledger, stream, SUBMIT, key="k")
    elsewhere = await appended(another(program), stream, SUBMIT, key="k")
    assert (first.replayed, again.replayed, elsewhere.replayed) == (False, True, True)
    assert first.position == again.position == elsewhere.position == 2
    assert await program.reader.size() == 2


async def test_same_key_at_the_same_time(program: Running) -> None:
    stream = await drafted(program.ledger)
    wanted = [program.ledger, another(program)] * 10
    told = await asyncio.gather(*[appended(which, stream, SUBMIT, key="k") for which in wanted])
    assert [one.replayed for one in told].count(False) == 1
    assert await program.reader.size() == 2


@pytest.mark.parametrize("same_stream", [True, False])
async def test_same_key_other_command(program: Running, same_stream: bool) -> None:
    stream = await drafted(program.ledger)
    await appended(program.ledger, stream, SUBMIT, key="k")
    other = request(stream, StartVerification(), key="k") if same_stream else request(new_id(), ANONYMOUS, key="k")
    with pytest.raises(KeyReused):
        await program.ledger.execute(APPLICATION, other)
    assert await program.reader.size() == 2


async def test_personal_values_are_part_of_the_command(program: Running) -> None:
    stream, subject = new_id(), new_id()
    await appended(program.ledger, stream, draft_about(subject), key="k")
    await appended(program.ledger, stream, draft_about(subject), key="k")
    with pytest.raises(KeyReused):
        await appended(program.ledger, stream, draft_about(subject, name="李四"), key="k")


def test_payload_tells_stream_kind_and_fields_apart() -> None:
    one = request(new_id(), SUBMIT)
    others = [
        replace(one, stream=new_id()),
        replace(one, command=StartVerification()),
        replace(one, command=RouteToLane(lane="a")),
        replace(one, command=RouteToLane(lane="b")),
    ]
    assert len({payload(each) for each in [one, *others]}) == 5
    assert payload(replace(one, key="other", context=context(one.stream), expected=3)) == payload(one)


async def test_expected_version(program: Running) -> None:
    stream = await drafted(program.ledger)
    assert (await appended(program.ledger, stream, SUBMIT, expected=1)).version == 2
    with pytest.raises(VersionConflict, match="expected version 1, got 2"):
        await appended(program.ledger, stream, StartVerification(), expected=1)
    with pytest.raises(VersionConflict, match="expected version 7, got 2"):
        await appended(program.ledger, stream, StartVerification(), expected=7)
    assert await program.reader.size() == 2


async def test_expected_version_that_the_cache_has_not_seen(program: Running) -> None:
    other = another(program)
    stream = await drafted(program.ledger)
    await other.load(APPLICATION, stream)
    await appended(program.ledger, stream, SUBMIT)
    assert (await appended(other, stream, StartVerification(), expected=2)).seq == 3


async def test_repeated_command_with_the_version_it_saw(program: Running) -> None:
    """A client that lost the answer repeats If-Match too; the key answers first."""
    stream = await drafted(program.ledger)
    first = await appended(program.ledger, stream, SUBMIT, key="k", expected=1)
    again = await appended(program.ledger, stream, SUBMIT, key="k", expected=1)
    assert (again.position, again.replayed) == (first.position, True)


@pytest.fixture
def doing_nothing() -> Iterator[Callable[[bool], Decider[State]]]:
    """An aggregate that has nothing to say, or nothing more after its first event."""
    name = "quiet_in_ledger_tests"

    def make(first: bool) -> Decider[State]:
        return Decider(
            name=name,
            initial=State(),
            rules={
                type(SUBMIT): Rule(
                    ABSENT | PRESENT, UNKNOWN, lambda _, state, __: (AGAIN,) if first and not state.version else ()
                )
            },
            evolve={ApplicationSubmitted: lambda state, _: state},
        )

    yield make
    DECIDERS.pop(name, None)


async def test_command_that_changes_nothing(
    program: Running, doing_nothing: Callable[[bool], Decider[State]], url: str
) -> None:
    quiet = doing_nothing(False)
    await drafted(program.ledger)
    stream = new_id()
    for _ in range(2):
        told = await program.ledger.execute(quiet, request(stream, SUBMIT, key="k"))
        assert isinstance(told, Appended)
        assert (told.events, told.version, told.last_position) == (0, 0, 1)
    assert await program.reader.command(request(stream, SUBMIT).context.tenant, "k", system=True) is None
    with connect(url) as connection:
        check_whole(connection, events=1)


async def test_nothing_to_change_is_not_believed_of_a_stale_state(
    program: Running, doing_nothing: Callable[[bool], Decider[State]]
) -> None:
    once = doing_nothing(True)
    stream, other = new_id(), another(program)
    first = await program.ledger.execute(once, request(stream, SUBMIT, key="k"))
    again = await other.execute(once, request(stream, SUBMIT, key="k"))
    later = await other.execute(once, request(stream, SUBMIT))
    assert isinstance(first, Appended)
    assert isinstance(again, Appended)
    assert isinstance(later, Appended)
    assert (first.events, first.replayed, again.events, again.replayed) == (1, False, 1, True)
    assert (later.events, later.version, later.last_position) == (0, 1, 1)


async def test_append_without_events_is_a_mistake(program: Running) -> None:
    with pytest.raises(ValueError, match="expected at least one event, got none"):
        await program.ledger.append(toys(events=0))


async def test_cache_keeps_what_was_used_last(
    program: Running, reads: list[tuple[UUID, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(states, "CACHED_STREAMS", 2)
    first, second = await drafted(program.ledger), await drafted(program.ledger)
    await program.ledger.states.load(APPLICATION, first)
    third = await drafted(program.ledger)
    reads.clear()
    for stream in (first, third, second):
        assert (await program.ledger.states.load(APPLICATION, stream))[0] == 1
    assert reads == [(second, 0)]


async def test_catching_up_never_takes_the_cache_back(program: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands of one stream run interleaved; whoever reads slowly must not overwrite what others have learnt."""
    stream = await drafted(program.ledger)
    has_read, may_go_on = asyncio.Event(), asyncio.Event()
    original = Reader.stream

    async def slow(self: Reader, stream: UUID, *, after: int = 0) -> object:
        found = await original(self, stream, after=after)
        has_read.set()
        await may_go_on.wait()
        return found

    monkeypatch.setattr(Reader, "stream", slow)
    refused = asyncio.create_task(program.ledger.execute(APPLICATION, request(stream, StartVerification())))
    await has_read.wait()
    monkeypatch.undo()
    await appended(program.ledger, stream, SUBMIT)
    may_go_on.set()
    assert isinstance(await refused, Appended)
    assert (await program.ledger.load(APPLICATION, stream))[0] == 3


async def test_many_are_loaded_as_one_is(program: Running, reads: list[tuple[UUID, int]]) -> None:
    streams = [await drafted(program.ledger) for _ in range(5)]
    await appended(program.ledger, streams[0], SUBMIT)
    cold, one_by_one = another(program), another(program)
    known = new_id()
    await cold.states.load_many(APPLICATION, [*streams, known])
    reads.clear()
    loaded = [await cold.states.load(APPLICATION, stream) for stream in (*streams, known)]
    assert reads == []
    assert loaded == [await one_by_one.states.load(APPLICATION, stream) for stream in (*streams, known)]
    assert [version for version, _ in loaded] == [2, 1, 1, 1, 1, 0]


async def test_loading_many_never_takes_the_cache_back(program: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a command learnt while the streams were read is newer."""
    stream = await drafted(program.ledger)
    cold = another(program)
    original = Reader.entries_of

    async def slow(self: Reader, streams: list[UUID]) -> object:
        found = await original(self, streams)
        await appended(cold, stream, SUBMIT)
        return found

    monkeypatch.setattr(Reader, "entries_of", slow)
    await cold.states.load_many(APPLICATION, [stream])
    assert (await cold.load(APPLICATION, stream))[0] == 2


class Lanes(State, frozen=True, kw_only=True):
    lanes: tuple[str, ...] = ()


@pytest.fixture
def lanes() -> Iterator[Decider[Lanes]]:
    """An aggregate that remembers every lane it was routed to, in order."""
    name = "lanes_in_ledger_tests"
    yield Decider(
        name=name,
        initial=Lanes(),
        rules={RouteToLane: Rule(ABSENT | PRESENT, UNKNOWN, lambda command, _, __: (RoutedToLane(lane=command.lane),))},
        evolve={RoutedToLane: lambda state, event: Lanes(lanes=(*state.lanes, event.lane))},
    )
    del DECIDERS[name]


async def test_repeated_command_teaches_a_stale_cache_nothing(program: Running, lanes: Decider[Lanes]) -> None:
    """Its events stand elsewhere in the stream than where the stale state would have put them."""
    stream, other = new_id(), another(program)
    await other.load(lanes, stream)
    for lane in ("first", "second"):
        await program.ledger.execute(lanes, request(stream, RouteToLane(lane=lane), key=lane))
    told = await other.execute(lanes, request(stream, RouteToLane(lane="second"), key="second"))
    assert isinstance(told, Appended)
    assert (told.seq, told.replayed) == (2, True)
    version, state = await other.load(lanes, stream)
    assert state.lanes == ("first", "second")[:version]


async def test_events_carry_context_and_command(program: Running) -> None:
    wanted = request(new_id(), ANONYMOUS)
    await program.ledger.execute(APPLICATION, wanted)
    [stored] = await program.reader.stream(wanted.stream)
    entry = stored.parsed()
    assert (entry.tenant, entry.actor, entry.correlation) == (
        wanted.context.tenant,
        wanted.context.actor,
        wanted.context.correlation,
    )
    assert (entry.occurred_at, entry.business_date) == ("2026-11-21T08:00:00.000000Z", wanted.context.business_date)


async def test_the_cause_commits_to_key_and_payload(program: Running) -> None:
    """Whoever changes the key or the digest of a command behind the ledger's back contradicts its events."""
    wanted = request(new_id(), ANONYMOUS, key="k")
    await program.ledger.execute(APPLICATION, wanted)
    [stored] = await program.reader.stream(wanted.stream)
    digest = program.keys.digest(payload(wanted))
    assert stored.parsed().cause == command_id(TENANT, "k", digest, system=True)
    for tenant, key, said, system in ((new_id(), "k", digest, True), (TENANT, "other", digest, True),
                                      (TENANT, "k", digest[::-1], True), (TENANT, "k", digest, False)):  # fmt: skip
        assert command_id(tenant, key, said, system=system) != stored.parsed().cause
    assert stored.parsed().cause.version == 8


async def test_first_outcome_under_a_key(program: Running) -> None:
    stream = new_id()
    assert await program.ledger.repeated(TENANT, "key", DraftApplication, ANONYMOUS, None) is None
    asked = {"what": "was given"}
    request = Request(stream=stream, key="key", command=ANONYMOUS, context=context(stream), asked=asked, system=False)
    first = await program.ledger.execute(APPLICATION, request)
    again = await program.ledger.repeated(TENANT, "key", DraftApplication, asked, None)
    assert again is not None
    assert again.replayed
    assert (again.stream, again.position) == (stream, getattr(first, "position", None))
    with pytest.raises(KeyReused):
        await program.ledger.repeated(TENANT, "key", DraftApplication, ANONYMOUS, None)
    with pytest.raises(KeyReused):
        await program.ledger.repeated(TENANT, "key", DraftApplication, asked, new_id())
