"""Making up for timers that could not be fired: what else is parked meanwhile, days that are ending, runs that die."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from adapters.postgres.connections import connect
from adapters.postgres.ledger import Ledger, Request
from adapters.processes.held import Held, Unfired
from adapters.processes.parking import Parking, Unsettled
from api.compose import Running
from api.roles.steps.collection import CollectDue
from domain.calendar.calendar import CalendarPhase
from domain.kernel.process import FAILED, HELD
from domain.payments.lease_payments import LEASE_PAYMENTS
from domain.payments.payment.commands import InitiatePayment, RecordSucceeded
from domain.payments.payment.rules import PAYMENT
from tests.adapters.processes.test_held import BAD, COUNTER, GOOD, kinds, leases, parked, stumbling
from tests.adapters.processes.world import TENANT, World, cash, given

DAY = date(2005, 5, 3)
MADE_UP = [("lease.interest_accrued.v1", "2005-04-30"), ("lease.bill_issued.v1", "2005-04-30")]


class Died(BaseException):
    """The process is gone."""


def held_since(program: Running) -> list[str]:
    """The first days that are to be made up for."""
    with connect(program.url) as connection:
        rows = connection.execute("SELECT facts::jsonb->>'day' FROM read.parked WHERE process = 'timers'").fetchall()
    return [day for (day,) in rows]


async def pays(program: Running, lease: Any, day: date) -> None:
    """The lessee pays at a counter."""
    payment, fen = cash(lease, "counter"), 10_000
    ask = InitiatePayment(lease=lease, bill=None, amount_fen=fen, policy=COUNTER)
    paid = RecordSucceeded(attempt=1, amount_fen=fen, value_date=day, ref="f" * 64)
    for command in (ask, paid):
        await given(program, PAYMENT, payment, type(command).__name__, command, day)


async def test_money_that_fails_stops_no_other_lease(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asking for another try once ended in an error that named one key, and nobody's days were made up for."""
    await leases(world)
    with stumbling():
        await world.end_of_day.catch_up(DAY)
    await pays(world.program, GOOD, DAY)
    real = Ledger.execute

    async def stumbles(ledger: Ledger, decider: Any, asked: Request) -> Any:
        if asked.stream == GOOD:
            raise ZeroDivisionError
        return await real(ledger, decider, asked)

    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "execute", stumbles)
        left = await world.days.retry(TENANT)
    assert sorted((one.process, one.stream) for one in left) == [("payments", GOOD), ("timers", GOOD)]
    assert await kinds(world.program, BAD) == MADE_UP
    assert await world.days.retry(TENANT) == []


async def test_nothing_is_made_up_amid_a_day(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of a day died behind its timers: what the lease missed is made up for by the next one, in order."""
    await leases(world)

    async def dies(*_: object) -> int:
        raise Died

    with stumbling():
        await world.end_of_day.catch_up(date(2005, 5, 1))
        with monkeypatch.context() as patched:
            patched.setattr(CollectDue, "run", dies)
            with pytest.raises(Died):
                await world.end_of_day.catch_up(DAY)
    assert (await world.end_of_day.state()).phase is CalendarPhase.CLOSING
    assert [one.process for one in await world.days.retry(TENANT)] == ["timers"]
    assert await kinds(world.program, BAD) == []
    await world.end_of_day.catch_up(DAY)
    assert await kinds(world.program, BAD) == MADE_UP
    assert parked(world.program) == []


async def test_days_that_are_made_up_for_are_behind_a_run_that_dies(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await leases(world)
    with stumbling():
        await world.end_of_day.catch_up(DAY)
    assert held_since(world.program) == ["2005-04-30"]

    async def dies(*_: object) -> None:
        raise Died

    with monkeypatch.context() as patched:
        patched.setattr(Held, "release", dies)
        with pytest.raises(Died):
            await world.end_of_day.make_up()
    assert held_since(world.program) == [str(DAY)], "of the last day nobody knows that it is done"
    assert await world.days.retry(TENANT) == []
    assert await kinds(world.program, BAD) == MADE_UP


async def test_what_waits_for_a_lease_that_stays_out_waits_on(world: World, pool: Any) -> None:
    """Only what waited for those that go on has its turn."""
    held, parking = Held(pool, TENANT), Parking(pool, LEASE_PAYMENTS.name)
    unfired = [Unfired(f"timer:{stream.hex}", stream, FAILED()) for stream in (BAD, GOOD)]
    await held.park(DAY, 1, unfired)
    left = [Unsettled(at, stream.hex, TENANT, stream, HELD()) for at, stream in enumerate((BAD, GOOD), start=2)]
    await parking.settle({2: 0, 3: 0}, left, ())
    await held.release([BAD])
    assert list(await held.since()) == [BAD]
    assert list(await parking.due(10)) == [3]
