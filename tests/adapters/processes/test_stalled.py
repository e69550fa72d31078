"""A lease whose money fails on its way: it is held out of the days, and nobody else waits for it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, ClassVar
from uuid import UUID, uuid5

import pytest

from adapters.postgres.reading.reader import LedgerBroken
from adapters.processes.firing import Firing, Round, Settling, SomethingFailed
from adapters.processes.held import Held, Stalled
from adapters.processes.parking import Parking, Unsettled
from api.compose import Running
from api.roles.days import MoneyUnderway
from domain.kernel.process import FAILED
from domain.leasing.admission import lease_stream as lease_of
from domain.leasing.lease.commands import ServeDemand
from domain.leasing.lease.events.money import PaymentPosted
from domain.leasing.lease.rules.decider import LEASE
from domain.payments.lease_payments import LEASE_PAYMENTS
from tests.adapters.processes.test_held import BAD, FIRST, GOOD, LATER, kinds, leases, parked, pays, stumbling
from tests.adapters.processes.test_made_up import Died
from tests.adapters.processes.world import TENANT, World, given
from tests.domain.contracts.contract.contracts import ASSEMBLED

BILLED, NEXT = date(2005, 5, 1), date(2005, 5, 2)
LATE, MENDED = date(2005, 6, 1), date(2005, 6, 2)
POSTING = "process:payments"


async def since(pool: Any) -> dict[UUID, date]:
    return await Held(pool, TENANT).since()


async def test_nobody_else_waits_for_a_lease_whose_money_fails(world: World, pool: Any) -> None:
    """The days close and the others are billed; the lease is not taken for one that has not paid."""
    await leases(world, LATER)
    await pays(world.program, "in time", 40_000, LATER)
    with stumbling(actor=POSTING):
        closed = await world.end_of_day.catch_up(LATE)
    assert closed[-1].day == LATE
    assert ("lease.late_fee_assessed.v1", "2005-05-31") in await kinds(world.program, GOOD)
    assert await kinds(world.program, BAD) == []
    assert await since(pool) == {BAD: LATER}
    ((key, code, facts, _),) = parked(world.program)
    money = uuid5(TENANT, "in time")
    assert (key, code) == (f"held:payment:{money.hex}:posted", "process.held")
    assert f'"behind":"payment:{money.hex}:posted"' in facts
    await world.end_of_day.close(MENDED)
    assert parked(world.program) == []
    fees = [on for kind, on in await kinds(world.program, BAD) if kind == "lease.late_fee_assessed.v1"]
    assert fees == ["2005-05-31"]


async def test_what_comes_behind_money_that_fails_waits_for_it(world: World) -> None:
    """Both arrive when it does, in their order."""
    await leases(world)
    await pays(world.program, "first", 10_000, FIRST)
    await pays(world.program, "second", 20_000, FIRST)
    with stumbling(actor=POSTING):
        await world.end_of_day.catch_up(FIRST)
        await pays(world.program, "third", 30_000, BILLED)
        await world.end_of_day.catch_up(BILLED)
    await world.end_of_day.catch_up(NEXT)
    events = [stored.parsed().event() for stored in await world.program.reader.stream(BAD)]
    assert [one.amount_fen for one in events if isinstance(one, PaymentPosted)] == [10_000, 20_000, 30_000]
    assert await world.days.parked(TENANT) == []


DEMANDED, CURE_BY = date(2005, 5, 5), date(2005, 5, 21)
A_DAY = timedelta(days=1)


async def died(*_: object) -> None:
    raise Died


@pytest.mark.parametrize("dies", [False, True], ids=["lives", "dies"])
@pytest.mark.parametrize("actor", [POSTING, "timer:"])
async def test_who_paid_in_time_is_not_judged_for_days_that_he_was_held_out_of(
    world: World, monkeypatch: pytest.MonkeyPatch, actor: str, dies: bool
) -> None:
    """What came behind the fault, in the period of a demand, is there before the evening on which the period ends, also
    where the run dies that lets it in.
    """
    await leases(world, date(2005, 4, 29))
    await world.end_of_day.catch_up(DEMANDED - A_DAY)
    await given(world.program, LEASE, BAD, "demand", ServeDemand(cure_by=CURE_BY), DEMANDED)
    with stumbling(actor=actor):
        await pays(world.program, "first", 10_000, DEMANDED)
        await world.end_of_day.catch_up(DEMANDED + A_DAY)
        await pays(world.program, "rest", 190_000, CURE_BY)
        await world.end_of_day.catch_up(CURE_BY + A_DAY)
    with monkeypatch.context() as patched:
        if dies:
            patched.setattr(Held, "release", died)
            with pytest.raises(Died):
                await world.end_of_day.catch_up(CURE_BY + 2 * A_DAY)
    await world.end_of_day.catch_up(CURE_BY + 2 * A_DAY)
    told = [kind for kind, _ in await kinds(world.program, BAD)]
    assert told.count("lease.payment_posted.v1") == 2
    assert "lease.cure_expired.v1" not in told
    assert await world.days.parked(TENANT) == []


async def test_what_comes_while_a_day_is_interrupted_is_there_when_it_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lease was held out of this very day, by a run that died."""
    await leases(world, date(2005, 4, 29))
    await world.end_of_day.catch_up(DEMANDED - A_DAY)
    await given(world.program, LEASE, BAD, "demand", ServeDemand(cure_by=CURE_BY), DEMANDED)
    await world.end_of_day.catch_up(CURE_BY)
    with stumbling(actor=POSTING), monkeypatch.context() as patched:
        await pays(world.program, "first", 10_000, CURE_BY)
        patched.setattr(Held, "since", died)
        with pytest.raises(Died):
            await world.end_of_day.catch_up(CURE_BY + A_DAY)
        await pays(world.program, "rest", 190_000, CURE_BY)
        await world.settle()
    await world.end_of_day.catch_up(CURE_BY + A_DAY)
    assert "lease.cure_expired.v1" not in [kind for kind, _ in await kinds(world.program, BAD)]
    assert await world.days.parked(TENANT) == []


async def test_days_are_made_up_for_with_those_alone_who_were_out_of_them(
    world: World, pool: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when the last of them cannot go on; and whose money fails meanwhile is out from the new day on."""
    lived, followed = list[tuple[date, bool]](), set[date]()
    rounds, follow = Firing.rounds, Settling.follow

    async def told(firing: Firing, on: Round) -> None:
        lived.append((on.day, bool(on.among)))
        await rounds(firing, on)

    async def from_day(settling: Settling, day: date) -> set[UUID]:
        followed.add(day)
        return await follow(settling, day)

    await leases(world)
    with stumbling():
        await world.end_of_day.catch_up(BILLED)
        await pays(world.program, "meanwhile", 10_000, BILLED)
        await world.end_of_day.close(NEXT)
    monkeypatch.setattr(Firing, "rounds", told)
    monkeypatch.setattr(Settling, "follow", from_day)
    today = NEXT + A_DAY
    with stumbling(actor=POSTING):
        await world.end_of_day.close(today)
    assert (today, False) in lived
    assert {among for day, among in lived if day < today} == {True}
    assert followed == {today}
    assert list(await since(pool)) == [BAD]


class Begun:
    """A reader of first events that there need not be."""

    def __init__(self, found: Any) -> None:
        self.found = found

    async def first(self, stream: UUID) -> Any:
        if isinstance(self.found, Exception):
            raise self.found
        return self.found

    def parsed(self) -> Any:
        return self

    def event(self) -> Any:
        return ASSEMBLED


class Following:
    """A subscription of which only what is parked is asked."""

    name: ClassVar[str] = LEASE_PAYMENTS.name

    def __init__(self, pool: Any) -> None:
        self.parking = Parking(pool, self.name)


async def underway(pool: Any, stream: UUID, reader: Any) -> MoneyUnderway:
    """Something failed of a stream, and the one who asks whose it is."""
    following: Any = Following(pool)
    await following.parking.settle({7: 0}, [Unsettled(7, "payments:7", TENANT, stream, FAILED())], ())
    return MoneyUnderway([following], reader, TENANT)


@pytest.mark.usefixtures("world")
async def test_what_fails_of_a_contract_is_of_its_lease(pool: Any) -> None:
    contract = UUID(int=5)
    found: Any = Begun(None)
    found.found = found
    assert await (await underway(pool, contract, found)).stalled() == [Stalled(lease_of(contract), 7, "payments:7")]


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("first", [None, LedgerBroken("position 1: expected an event")])
async def test_whose_money_it_is_nobody_knows(pool: Any, first: Any) -> None:
    """Then nobody is judged: the day stays open, and the error names the key."""
    money = await underway(pool, UUID(int=5), Begun(first))
    with pytest.raises(SomethingFailed, match="failed 1, such as payments:7; run it again"):
        await money.stalled()


async def test_a_lease_of_which_a_timer_is_held_too_waits_for_both(world: World, program: Running, pool: Any) -> None:
    """One row is enough: it is made up for when nothing keeps it any more."""
    await leases(world)
    with stumbling():
        await world.end_of_day.catch_up(BILLED)
    before = await since(pool)
    await pays(program, "meanwhile", 10_000, BILLED)
    with stumbling(actor=POSTING), stumbling():
        await world.end_of_day.catch_up(date(2005, 5, 4))
    assert await since(pool) == before
    with stumbling(actor=POSTING):
        await world.end_of_day.close(date(2005, 5, 5))
    assert [on for kind, on in await kinds(program, BAD) if kind == "lease.bill_issued.v1"] == ["2005-04-30"]
    await world.end_of_day.close(date(2005, 5, 6))
    assert parked(program) == []
    assert await world.days.parked(TENANT) == []
