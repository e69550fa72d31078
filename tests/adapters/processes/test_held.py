"""A lease whose timers cannot be fired: it is held out of the days, nobody else is, and it makes up for them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import date
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID, uuid5

import pytest

from adapters.connectors.payments.scenarios import by_seed
from adapters.postgres.connections import connect
from adapters.postgres.ledger import Ledger, Request
from adapters.processes.held import TIMERS_PROCESS
from api.compose import Base, Running, base, running
from api.settings import Settings
from domain.calendar.calendar import calendar_stream
from domain.kernel.command import Command
from domain.kernel.timer import Timer
from domain.leasing.lease.refusals import BILL_NOT_NEXT
from domain.payments.payment.commands import InitiatePayment, RecordSucceeded
from domain.payments.payment.rules import PAYMENT
from domain.payments.payment.values import CollectionPolicy
from domain.registry import TIMER_KINDS
from projections.accounting.journal import JOURNAL, trial_balance
from projections.engine.runner import Runner
from tests.adapters.processes.world import (
    TENANT,
    World,
    a_world,
    contents,
    given,
    grant,
    lease_stream,
    make_lease,
)
from tests.ledger import ORIGIN
from tests.sampling import seeds

FIRST, MENDED, LAST = date(2005, 4, 27), date(2005, 6, 2), date(2005, 6, 30)
LATER = date(2005, 5, 29)
"""Opened here, a calendar is late for the first bills, and shortly before interest, second bills and late fees."""
BAD, GOOD = lease_stream(1), lease_stream(2)
COUNTER = CollectionPolicy(channels=("counter",), retries=0, spacing_days=(1,))
CALM = by_seed("calm", failures_pct=0, pending_pct=0, lost_pct=0, partial_pct=0, charged_back_pct=0)


@contextmanager
def stumbling(stream: UUID = BAD, actor: str = "timer:") -> Iterator[None]:
    """Whatever is due on a stream raises, and says what a person gave."""
    real = Ledger.execute

    async def stumbles(ledger: Ledger, decider: Any, asked: Request) -> Any:
        if asked.stream == stream and asked.context.actor.id.startswith(actor):
            raise ZeroDivisionError("Zhang San, 110101199003071234")
        return await real(ledger, decider, asked)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Ledger, "execute", stumbles)
        yield


async def leases(world: World, opened: date = FIRST) -> None:
    """Three leases of which the bills are due at the end of April, and the calendar."""
    for number in (1, 2, 3):
        await make_lease(world.program, number)
    await world.end_of_day.open(opened)


async def kinds(program: Running, stream: UUID) -> list[tuple[str, str]]:
    """Type and business date of the events of a stream that ends of days made."""
    return [(kind, on) for kind, on, _ in (await contents(program)).get(stream, []) if on > str(FIRST)]


def parked(program: Running) -> list[tuple[Any, ...]]:
    """Key, code, facts and tries of the timers that are parked."""
    with connect(program.url) as connection:
        return connection.execute(
            "SELECT key, code, facts, tries FROM read.parked WHERE process = %s", (TIMERS_PROCESS,)
        ).fetchall()


async def test_a_lease_whose_timer_raises_stops_nobody_else(world: World) -> None:
    """The day closes, the others are billed; the row has code, type and place, and nothing that a person gave."""
    await leases(world)
    with stumbling():
        closed = await world.end_of_day.catch_up(date(2005, 5, 1))
    assert closed[-1].day == date(2005, 5, 1)
    assert await kinds(world.program, BAD) == []
    assert ("lease.bill_issued.v1", "2005-05-01") in await kinds(world.program, GOOD)
    ((key, code, facts, tries),) = parked(world.program)
    assert key == f"timer:interest_accrual:{BAD.hex}:2005-04-30:0"
    assert (code, tries) == ("process.failed", 2)
    assert '"error":"ZeroDivisionError"' in facts
    assert '"at":"tests.adapters.processes.test_held:' in facts
    assert "Zhang" not in facts


async def test_what_is_due_later_waits_and_is_made_up_under_its_own_days(world: World) -> None:
    """Nothing of the lease is done before what it stumbled over; then all is, in order."""
    await leases(world, LATER)
    with stumbling(actor="timer:bill"):
        await world.end_of_day.catch_up(date(2005, 6, 1))
        assert await kinds(world.program, BAD) == [], "the interest behind it was not earned"
    await world.end_of_day.close(MENDED)
    assert parked(world.program) == []
    assert await kinds(world.program, BAD) == [
        ("lease.bill_issued.v1", "2005-05-29"),
        ("lease.interest_accrued.v1", "2005-05-31"),
        ("lease.bill_issued.v1", "2005-05-31"),
        ("lease.late_fee_assessed.v1", "2005-05-31"),
    ]


async def test_on_demand_it_is_tried_at_once(world: World) -> None:
    await leases(world)
    with stumbling():
        await world.end_of_day.catch_up(date(2005, 5, 3))
        assert (await world.end_of_day.make_up()).accepted == 0
        assert [one.process for one in await world.days.retry(TENANT)] == [TIMERS_PROCESS]
    assert await world.days.retry(TENANT) == []
    assert (await world.end_of_day.make_up()).accepted == 0, "all is done"
    assert [on for _, on in await kinds(world.program, BAD)] == ["2005-04-30", "2005-04-30"]


async def test_a_refusal_of_what_stays_due_is_a_fault(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger says that the bill is due and the lease says no: the bill is parked, and what follows on it waits."""
    await leases(world, LATER)

    async def refuses(ledger: Ledger, decider: Any, asked: Request) -> Any:
        if asked.stream == BAD and asked.key.startswith("timer:bill"):
            return BILL_NOT_NEXT(expected=1, got=2)
        return await real(ledger, decider, asked)

    real = Ledger.execute
    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "execute", refuses)
        await world.end_of_day.catch_up(date(2005, 5, 31))
    ((key, code, facts, _),) = parked(world.program)
    assert (key, code) == (f"timer:bill:{BAD.hex}:2005-04-30:1", "lease.bill_not_next")
    assert '"expected":"1"' in facts
    assert await kinds(world.program, BAD) == []
    await world.end_of_day.catch_up(date(2005, 6, 1))
    assert len(await kinds(world.program, BAD)) == 4


async def test_a_command_that_cannot_be_made_is_parked(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await leases(world)
    kind = TIMER_KINDS["bill"]

    def fails(timer: Timer, day: date) -> Command:
        if timer.stream == BAD:
            raise ZeroDivisionError
        assert kind.command is not None
        return kind.command(timer, day)

    with monkeypatch.context() as patched:
        patched.setitem(TIMER_KINDS, "bill", replace(kind, command=fails))
        await world.end_of_day.catch_up(date(2005, 5, 1))
        assert [key for key, *_ in parked(world.program)] == [f"timer:bill:{BAD.hex}:2005-04-30:1"]
        assert ("lease.bill_issued.v1", "2005-05-01") in await kinds(world.program, GOOD)


async def test_a_lease_that_is_held_out_is_not_debited(world: World) -> None:
    """What it owes is not worked out; it is debited as soon as it has made up for its days."""
    await leases(world, LATER)
    await world.end_of_day.catch_up(date(2005, 5, 30))
    await grant(world.program, BAD, date(2005, 5, 31))
    with stumbling():
        await world.end_of_day.close(date(2005, 5, 31))
    assert await debited(world.program) == []
    await world.end_of_day.close(date(2005, 6, 1))
    assert await debited(world.program) == ["2005-06-01"]


async def debited(program: Running) -> list[str]:
    """The business dates on which anything was debited."""
    found = await contents(program)
    return [on for events in found.values() for kind, on, _ in events if kind == "payment.attempt_started.v1"]


async def test_a_payment_that_cannot_be_begun_holds_out_its_lease_only(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are debited, the day closes; the lease is debited on the next one."""
    await leases(world)
    for lease in (BAD, GOOD):
        await grant(world.program, lease)
    real = Ledger.execute

    async def stumbles(ledger: Ledger, decider: Any, asked: Request) -> Any:
        if asked.about == BAD and asked.context.actor.id == "collection":
            raise ZeroDivisionError
        return await real(ledger, decider, asked)

    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "execute", stumbles)
        await world.end_of_day.catch_up(date(2005, 5, 3))
    assert ("lease.payment_posted.v1", "2005-05-03") in await kinds(world.program, GOOD)
    assert len(parked(world.program)) == 1
    await world.end_of_day.catch_up(date(2005, 5, 4))
    assert ("lease.payment_posted.v1", "2005-05-04") in await kinds(world.program, BAD)
    assert parked(world.program) == []


def owed(events: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """Bills, interest and money of a lease, in whatever order."""
    return sorted(one for one in events if one[0] != "lease.late_fee_assessed.v1")


class Told:
    """What a ledger says in the end: its streams, and what its accounts hold."""

    def __init__(self, streams: dict[UUID, list[tuple[str, str, str]]], books: list[tuple[str, int]]) -> None:
        self.streams, self.books = streams, books


async def told(program: Running) -> Told:
    """All but the calendar, which counts what was done on which day, and provisions, which judge what was known."""
    streams = {stream: events for stream, events in (await contents(program)).items() if stream != _CALENDAR}
    streams = {stream: events for stream, events in streams.items() if not events[0][0].startswith("provision")}
    with connect(program.url) as connection:
        Runner(connection, (JOURNAL,), shard=0).prepare()
        Runner(connection, (JOURNAL,), shard=0).catch_up()
        balance = trial_balance(connection, TENANT, currency="CNY", shard=0)
    return Told(streams, [(one.account, one.balance_fen) for one in balance.accounts])


_CALENDAR = calendar_stream(TENANT)


async def lived(program: Running, tmp_path: Path, random: Random | None, *, hurt: bool) -> Told:
    """Leases until July; where it is hurt, runs are cancelled again and again, and until June the timers of one lease
    stumble and the money of another one.

    Both lessees pay a part of the first bill before, and more long after it.
    """
    async with a_world(program, CALM, tmp_path, streams_in_flight=3) as world:
        await leases(world, LATER)
        for lease in (BAD, GOOD):
            await pays(program, f"{lease} in time", 40_000, LATER, lease)
    for last, stumbles in ((date(2005, 6, 1), hurt), (LAST, False)):
        for _ in range(200):
            async with a_world(program, CALM, tmp_path, streams_in_flight=3) as world:
                with ExitStack() as faults:
                    if stumbles:
                        faults.enter_context(stumbling())
                        faults.enter_context(stumbling(GOOD, "process:payments"))
                    run = asyncio.create_task(world.end_of_day.catch_up(last))
                    if random is not None:
                        await asyncio.wait([run], timeout=random.uniform(0.3, 2.5))
                        run.cancel()
                    with suppress(asyncio.CancelledError):
                        await run
                        break
        else:
            raise AssertionError("expected the story to end within 200 runs")
        if last != LAST:
            for lease in (BAD, GOOD):
                await pays(program, f"{lease} late", 150_000, last, lease)
    return await told(program)


async def pays(program: Running, name: str, fen: int, day: date, lease: UUID = BAD) -> None:
    """The lessee pays at a counter."""
    payment = uuid5(TENANT, name)
    ask = InitiatePayment(lease=lease, bill=None, amount_fen=fen, policy=COUNTER)
    paid = RecordSucceeded(attempt=1, amount_fen=fen, value_date=day, ref="f" * 64)
    for command in (ask, paid):
        await given(program, PAYMENT, payment, f"{name} {type(command).__name__}", command, day)


@pytest.mark.usefixtures("inline")
@pytest.mark.parametrize("seed", seeds(1))
async def test_mended_it_is_as_if_nothing_had_happened(composed: Base, server: Any, tmp_path: Path, seed: int) -> None:
    """Same bills, fees and books under the same days, however often runs were killed; money that came waited."""
    async with running(composed) as program:
        hurt = await lived(program, tmp_path / "hurt", Random(seed), hurt=True)
    with server.ledger() as other:
        values: dict[str, Any] = {"database_url": other, "data": tmp_path / "calm", "origin": ORIGIN}
        with base(Settings(**values)) as calm:
            async with running(calm) as program:
                control = await lived(program, tmp_path / "calm banks", None, hurt=False)
    assert hurt.books == control.books
    assert hurt.streams.keys() == control.streams.keys()
    for stream, events in control.streams.items():
        if stream not in (BAD, GOOD):
            assert hurt.streams[stream] == events
    assert sorted(hurt.streams[BAD]) == sorted(control.streams[BAD]), "late fees too"
    assert sorted(hurt.streams[GOOD]) == sorted(control.streams[GOOD]), "late fees too"
