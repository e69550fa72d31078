"""Dispatching many commands: in order within a stream, once each, and without asking the database where it need not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from adapters.postgres.reading.reader import Reader, StreamBroken
from adapters.processes import dispatch as dispatching
from adapters.processes.dispatch import Dispatch, Dispatched, context, dispatch_all, dispatched_since
from api.compose import Running
from chain.entry import Entry
from domain.kernel.command import Command
from domain.kernel.process import FAILED
from domain.kernel.refusal import Refusal
from domain.leasing.lease.commands import AccrueInterest, AssessLateFees, IssueBill, PostPayment
from domain.leasing.lease.rules.decider import LEASE
from tests.adapters.processes.world import FIRST, TENANT, contents, given, lease_stream, make_lease

DUE = date(2005, 6, 30)


def dispatch(stream: UUID, key: str, command: Command, *, by: str = "test", doubtful: bool = False) -> Dispatch:
    return Dispatch(
        decider=LEASE,
        stream=stream,
        key=key,
        command=command,
        context=context(TENANT, DUE, by, stream),
        doubtful=doubtful,
    )


async def dispatched(program: Running, *dispatches: Dispatch, streams_in_flight: int = 8) -> Dispatched:
    return await dispatch_all(program.ledger, program.reader, dispatches, streams_in_flight=streams_in_flight)


@pytest.mark.parametrize("streams_in_flight", [1, 64])
async def test_order_is_kept_within_a_stream(program: Running, streams_in_flight: int) -> None:
    """Bills have to be dispatched one after the other; any other order would be refused."""
    streams = [await make_lease(program, number) for number in range(4)]
    dispatches = [dispatch(stream, f"{stream}:{n}", IssueBill(number=n)) for n in (1, 2) for stream in streams]
    done = await dispatched(program, *dispatches, streams_in_flight=streams_in_flight)
    assert (done.accepted, done.repeated, done.refused) == (8, 0, {})


async def test_again_changes_nothing(program: Running) -> None:
    stream = await make_lease(program, 0)
    dispatches = [dispatch(stream, f"bill:{n}", IssueBill(number=n)) for n in (1, 2)]
    await dispatched(program, *dispatches[:1])
    done = await dispatched(program, *dispatches)
    assert (done.accepted, done.repeated) == (1, 1)
    before = await contents(program)
    again = await dispatched(program, *dispatches)
    assert (again.accepted, again.repeated) == (0, 2)
    assert await contents(program) == before


async def test_a_refusal_leaves_the_others_alone_and_is_told(program: Running) -> None:
    stream, other = await make_lease(program, 0), await make_lease(program, 1)
    wrong = dispatch(stream, "wrong", IssueBill(number=9))
    done = await dispatched(
        program, wrong, dispatch(stream, "after", IssueBill(number=1)), dispatch(other, "x", IssueBill(number=1))
    )
    assert (done.accepted, done.refused) == (2, {"lease.bill_not_next": 1})
    assert [(one.key, refusal.code) for one, refusal in done.refusals] == [("wrong", "lease.bill_not_next")]


def test_counts_add_up() -> None:
    one, other = Dispatched(accepted=1, repeated=2, idle=3), Dispatched(accepted=10, repeated=20, idle=30)
    one.refused["a"] = other.refused["a"] = 1
    one.add(other)
    assert (one.accepted, one.repeated, one.idle, one.refused) == (11, 22, 33, {"a": 2})


class Counting:
    """Counts the questions to a reader's method."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> None:
        self.asked = 0
        real: Callable[..., Any] = getattr(owner, name)

        async def counted(*arguments: Any, **named: Any) -> Any:
            self.asked += 1
            return await real(*arguments, **named)

        monkeypatch.setattr(owner, name, counted)


async def test_a_doubtful_refusal_on_the_newest_version_asks_nobody(
    program: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = await make_lease(program, 1)
    questions = Counting(monkeypatch, program.reader, "command")
    done = await dispatched(program, dispatch(stream, "late", AssessLateFees(up_to=FIRST), doubtful=True))
    assert done.refused == {"lease.nothing_to_assess": 1}
    assert questions.asked == 0
    sure = await dispatched(program, dispatch(stream, "late", AssessLateFees(up_to=FIRST)))
    assert sure.refused == done.refused
    assert questions.asked == 1


async def test_a_doubtful_refusal_on_an_old_version_is_asked_again(program: Running) -> None:
    """Another program dispatched the first bill; only the database knows that the second one is next."""
    stream = await make_lease(program, 1)
    await program.ledger.load(LEASE, stream)
    old = program.ledger.states._cached[stream]
    await given(program, LEASE, stream, "bill", IssueBill(number=1), DUE)
    program.ledger.states._cached[stream] = old
    wish = dispatch(stream, "second", IssueBill(number=2), doubtful=True)
    assert isinstance(LEASE.decide(wish.command, old.state, wish.context), Refusal)
    assert (await dispatched(program, wish)).accepted == 1


async def test_a_doubtful_wish_that_is_granted_is_granted(program: Running) -> None:
    stream = await make_lease(program, 0)
    done = await dispatched(program, dispatch(stream, "accrue", AccrueInterest(up_to=date(2005, 4, 20)), doubtful=True))
    assert (done.accepted, done.refused) == (1, {})


async def test_cold_streams_are_loaded_together(program: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """More streams than the pool has connections: some at a time by one query, and none of them by itself."""
    monkeypatch.setattr(dispatching, "LOADED_AHEAD", 10)
    streams = [await make_lease(program, number) for number in range(24)]
    program.ledger.states._cached.clear()
    together, alone = (Counting(monkeypatch, program.reader, name) for name in ("entries_of", "stream"))
    dispatches = [dispatch(stream, f"{stream}:{n}", IssueBill(number=n)) for n in (1, 2) for stream in streams]
    assert (await dispatched(program, *dispatches, streams_in_flight=1_000)).accepted == 48
    assert (together.asked, alone.asked) == (3, 0)


async def test_streams_that_cannot_be_loaded_together_are_loaded_alone(
    program: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that cannot be replayed is its own command's failure, and the others' bills are issued."""
    streams = [await make_lease(program, number) for number in range(3)]
    program.ledger.states._cached.clear()

    async def broken(_: list[UUID]) -> dict[UUID, list[Entry]]:
        raise StreamBroken("expected number 2, got 3")

    real = Reader.stream_entries

    async def one_is_broken(reader: Reader, stream: UUID, *, after: int = 0) -> AsyncIterator[Entry]:
        if stream == streams[0]:
            raise StreamBroken("expected number 2, got 3")
        async for entry in real(reader, stream, after=after):
            yield entry

    monkeypatch.setattr(program.reader, "entries_of", broken)
    monkeypatch.setattr(Reader, "stream_entries", one_is_broken)
    dispatches = [dispatch(stream, f"{stream}", IssueBill(number=1)) for stream in streams]
    done = await dispatched(program, *dispatches)
    assert (done.accepted, [one.key for one, _ in done.refusals]) == (2, [f"{streams[0]}"])
    assert done.refused == {FAILED.code: 1}


async def test_what_was_issued_since_is_counted_by_command(program: Running) -> None:
    """Not by event, as one command may lead to several; other actors and other tenants do not count."""
    stream = await make_lease(program, 1)
    position = await program.reader.size()
    pay = PostPayment(payment=UUID(int=5), amount_fen=7, value_date=FIRST)
    mine = [
        dispatch(stream, "bill", IssueBill(number=1), by="timer:bill"),
        dispatch(stream, "pay", pay, by="timer:pay"),
    ]
    await dispatched(program, *mine, dispatch(stream, "next", IssueBill(number=2), by="somebody"))
    assert await dispatched_since(program.reader, TENANT, position, "timer:") == 2
    assert await dispatched_since(program.reader, TENANT, position, "timer:bill") == 1
    assert await dispatched_since(program.reader, UUID(int=1), position, "timer:") == 0
    assert await dispatched_since(program.reader, TENANT, await program.reader.size(), "timer:") == 0


async def test_a_wrong_payload_under_a_known_key_is_not_executed(program: Running) -> None:
    stream = await make_lease(program, 0)
    first = dispatch(stream, "k", IssueBill(number=1))
    await dispatched(program, first)
    assert (await dispatched(program, replace(first, command=IssueBill(number=2)))).repeated == 1
    assert lease_stream(0) == stream
