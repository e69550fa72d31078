"""The end of a day: timers in order and once, day by day, whatever interrupts it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pytest

from adapters.connectors.payments.scenarios import Rule, by_seed
from adapters.postgres.ledger import Request
from adapters.processes.dispatch import context, end_of
from adapters.processes.end_of_day import EndOfDay, EndOfDayRefused
from adapters.processes.firing import DueTimers, EndOfDayError, Settling, SomethingFailed, fire
from adapters.processes.held import Stalled
from api.compose import Base, Running, base, running
from api.roles.read_models import ReadModels
from api.settings import Settings
from domain.calendar.calendar import CALENDAR, CalendarPhase, StartEndOfDay, calendar_stream
from domain.kernel.timer import Timer
from domain.kernel.times import business_date
from domain.leasing.lease.commands import IssueBill
from domain.leasing.lease.rules.decider import LEASE
from domain.registry import TIMER_KINDS
from tests.adapters.processes.world import (
    ALONE,
    FIRST,
    TENANT,
    World,
    a_world,
    contents,
    grant,
    lease_stream,
    make_lease,
    tell,
)
from tests.ledger import ORIGIN
from tests.sampling import seeds

LAST = date(2005, 6, 6)
STORY_FIRST = date(2005, 4, 27)
STORY_LAST = date(2005, 5, 12)


def plain(program: Running, timers: DueTimers, settling: Settling = ALONE) -> EndOfDay:
    """Timers only."""
    return EndOfDay(program.ledger, program.reader, timers, TENANT, settling)


async def bills(program: Running) -> list[tuple[str, str]]:
    """(business date, number) of every dispatched bill."""
    told = await contents(program)
    return [(on, body) for events in told.values() for kind, on, body in events if kind == "lease.bill_issued.v1"]


async def test_a_bill_is_issued_on_its_day(program: Running, models: ReadModels) -> None:
    """Due on 1 May, two days of lead: the timer is due on 29 April."""
    stream = await make_lease(program, 0)
    day = plain(program, models)
    await day.open(FIRST)
    await day.catch_up(date(2005, 4, 28))
    assert await bills(program) == []
    closed = await day.close(date(2005, 4, 29))
    assert (closed.fired, closed.repeated, closed.refused) == (1, 0, {})
    assert [on for on, _ in await bills(program)] == ["2005-04-29"]
    known = await program.reader.command(TENANT, f"timer:bill:{stream.hex}:2005-04-29:1", system=True)
    assert known is not None
    assert known.stream == stream


async def test_what_a_timer_does_belongs_to_the_day_that_ends(program: Running, models: ReadModels) -> None:
    stream = await make_lease(program, 0)
    day = plain(program, models)
    await day.open(FIRST)
    await day.catch_up(date(2005, 4, 29))
    entry = (await program.reader.stream(stream))[-1].parsed()
    assert entry.business_date == date(2005, 4, 29)
    assert entry.actor.id == "timer:bill"
    assert entry.occurred_at == "2005-04-29T15:59:59.000000Z"
    assert await program.reader.command(TENANT, f"timer:bill:{stream.hex}:2005-04-29:1", system=True) is not None
    assert business_date(end_of(date(2005, 4, 29))) == date(2005, 4, 29)


async def test_interest_is_earned_before_the_late_fee_is_assessed(program: Running, models: ReadModels) -> None:
    """At a month's end: order 40 before order 60, whatever the streams are."""
    for number in (1, 2):
        await make_lease(program, number)
    day = plain(program, models)
    await day.open(FIRST)
    await day.catch_up(date(2005, 5, 31))
    entries = [stored.parsed() for stored in await program.reader.after(0, 1_000)]
    on = [entry.actor.id for entry in entries if entry.business_date == date(2005, 5, 31)]
    fired = [TIMER_KINDS[actor.removeprefix("timer:")].order for actor in on if actor.startswith("timer:")]
    assert fired == sorted(fired)
    assert {TIMER_KINDS["interest_accrual"].order, TIMER_KINDS["late_fee"].order} <= set(fired)


async def test_weeks_of_standstill_are_caught_up_day_by_day(program: Running, models: ReadModels) -> None:
    await make_lease(program, 0)
    day = plain(program, models)
    await day.open(FIRST)
    closed = await day.catch_up(LAST)
    assert [one.day for one in closed] == [FIRST + timedelta(days=n) for n in range(len(closed))]
    assert closed[-1].day == LAST
    assert (await day.state()).business_date == LAST + timedelta(days=1)
    assert [on for on, _ in await bills(program)] == ["2005-04-29", "2005-05-30"]
    assert await day.catch_up(LAST) == []


async def test_a_timer_that_comes_too_late_is_fired_on_the_next_end_of_day(
    program: Running, models: ReadModels
) -> None:
    """A lease of April that is entered in June: its bills follow one another on one day, in their order."""
    day = plain(program, models)
    await day.open(FIRST)
    await day.catch_up(date(2005, 6, 5))
    stream = await make_lease(program, 0)
    closed = await day.close(date(2005, 6, 6))
    assert closed.fired == 2
    numbers = [body for on, body in await bills(program) if on == "2005-06-06"]
    assert [f"'number': {n}" in body for n, body in enumerate(numbers, start=1)] == [True, True]
    assert await program.reader.command(TENANT, f"timer:bill:{stream.hex}:2005-04-29:1", system=True) is not None


async def test_money_of_nobody_knows_whom_keeps_the_day_open(program: Running, models: ReadModels) -> None:
    """Nothing is judged on a paid bill that looks open; a day that goes on looks, too."""
    failed: list[str] = []

    async def stalled() -> list[Stalled]:
        if failed:
            raise SomethingFailed(failed)
        return []

    stream = await make_lease(program, 0)
    day = plain(program, models, settling=replace(ALONE, stalled=stalled))
    await day.open(FIRST)
    await day.catch_up(date(2005, 4, 28))
    due = date(2005, 4, 29)
    failed.append(f"payment:{stream.hex}:posted")
    with pytest.raises(EndOfDayError, match="failed 1, such as payment:"):
        await day.close(due)
    assert (await day.state()).business_date == due
    await plain(program, models)._command("start", StartEndOfDay(day=due, steps=("timers",)), due)
    with pytest.raises(EndOfDayError, match="failed 1"):
        await day.close(due)
    assert await bills(program) == []
    failed.clear()
    await day.close(due)
    assert len(await bills(program)) == 1


async def test_only_the_current_day_can_be_closed(program: Running, models: ReadModels) -> None:
    day = plain(program, models)
    with pytest.raises(EndOfDayRefused, match="never opened"):
        await day.catch_up(FIRST)
    await day.open(FIRST)
    for wrong in (FIRST - timedelta(days=1), FIRST + timedelta(days=1)):
        with pytest.raises(EndOfDayRefused, match="expected=2005-04-01"):
            await day.close(wrong)
    await day.open(FIRST)
    with pytest.raises(EndOfDayRefused, match="opened already"):
        await day.open(FIRST + timedelta(days=1))


async def test_a_day_with_a_step_nobody_knows_does_not_close(program: Running, models: ReadModels) -> None:
    """An older program meets a day that a newer one began."""
    day = plain(program, models)
    await day.open(FIRST)
    stream = calendar_stream(TENANT)
    begun = Request(
        stream=stream,
        key="by-hand",
        command=StartEndOfDay(day=FIRST, steps=("timers", "weighing")),
        context=context(TENANT, FIRST, "test", stream),
    )
    await program.ledger.execute(CALENDAR, begun)
    with pytest.raises(EndOfDayError, match="the day has weighing"):
        await day.close(FIRST)
    assert (await day.state()).phase is CalendarPhase.CLOSING


class Circle:
    """A read model with a new timer every time it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def due(self, tenant: UUID, day: date) -> Sequence[Timer]:
        self.asked += 1
        return [Timer(day, 50, "bill", UUID(int=1), self.asked)]


async def test_a_circle_of_timers_is_noticed(program: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.processes.firing.ROUNDS_MAX", 3)
    day = plain(program, Circle())
    await day.open(FIRST)
    with pytest.raises(EndOfDayError, match="settle within 3 rounds"):
        await day.close(FIRST)


async def test_a_refused_timer_is_counted_and_leaves_the_others_alone(program: Running, models: ReadModels) -> None:
    """Somebody dispatched the bill by hand a moment before: the timer is still in a stale read model, and refused."""
    stream = await make_lease(program, 0)
    by_hand = Request(
        stream=stream,
        key="by-hand",
        command=IssueBill(number=1),
        context=context(TENANT, date(2005, 4, 29), "test", stream),
    )

    class Stale:
        asked = False

        async def due(self, tenant: UUID, day: date) -> Sequence[Timer]:
            if self.asked:
                return []
            self.asked = True
            await program.ledger.execute(LEASE, by_hand)
            return [Timer(day, 50, "bill", stream, 1), Timer(day, 50, "bill", lease_stream(9), 1)]

    day = plain(program, Stale())
    await day.open(FIRST)
    closed = await day.close(FIRST)
    assert closed.fired == 0
    assert closed.refused == {"lease.bill_not_next": 1, "lease.unknown": 1}


def test_every_kind_of_timer_has_its_command_or_is_for_people() -> None:
    without = {"payment_retry", "payment_query", "payment_refund"}
    for kind in TIMER_KINDS.values():
        dispatch = fire(TENANT, Timer(FIRST, kind.order, kind.name, UUID(int=1), 1), FIRST)
        assert (dispatch is None) is (kind.name in without)
        assert dispatch is None or dispatch.key == f"timer:{kind.name}:{UUID(int=1).hex}:2005-04-01:1"


# ------------------------------------------------------------------------------------- everything together


async def test_bills_are_collected_posted_and_reconciled(world: World) -> None:
    """Collected when it is due and billed, posted to the lease, on the statement, and nothing is left open."""
    await grant(world.program, await make_lease(world.program, 0))
    await world.end_of_day.open(date(2005, 5, 28))
    await world.end_of_day.catch_up(LAST)
    told = await contents(world.program)
    counts = Counter(kind for events in told.values() for kind, _, _ in events)
    assert counts["lease.bill_issued.v1"] == 2
    assert counts["payment.succeeded.v1"] == counts["lease.payment_posted.v1"] == 2
    assert counts["reconciliation.break_found.v1"] == 0
    assert counts["reconciliation.closed.v1"] == counts["reconciliation.statement_loaded.v1"]
    posted = [on for events in told.values() for kind, on, _ in events if kind == "lease.payment_posted.v1"]
    assert posted == ["2005-05-28", "2005-06-01"]
    assert await world.days.parked(TENANT) == []


ROUGH = by_seed("rough", failures_pct=30, pending_pct=40, lost_pct=20, partial_pct=20, charged_back_pct=10)
"""Banks that fail, wait, bring half, lose answers and take money back; they stay when our program dies, as banks do."""


async def run_to_the_end(
    composed: Base, rule: Rule, folder: Path, random: Random | None
) -> dict[UUID, list[tuple[str, str, str]]]:
    """Run the story until it is through; with `random`, cancel it again and again, each time with new parts."""
    for _ in range(200):
        async with running(composed) as program, a_world(program, rule, folder, streams_in_flight=3) as world:
            story = asyncio.create_task(tell(world, STORY_FIRST, STORY_LAST))
            if random is not None:
                await asyncio.wait([story], timeout=random.uniform(0.02, 0.5))
                story.cancel()
            try:
                await story
            except asyncio.CancelledError:
                continue
            return await contents(program)
    raise AssertionError("expected the story to end within 200 runs")


@pytest.mark.usefixtures("inline")
@pytest.mark.parametrize("seed", seeds(2))
async def test_cancelled_again_and_again_it_ends_in_the_same_ledger(
    composed: Base, server: Any, tmp_path: Path, seed: int
) -> None:
    """Types, bodies and business dates of every stream, the calendar's counts among them."""
    hurt = await run_to_the_end(composed, ROUGH, tmp_path / "hurt banks", Random(seed))
    with server.ledger() as other:
        values: dict[str, Any] = {"database_url": other, "data": tmp_path / "calm", "origin": ORIGIN}
        with base(Settings(**values)) as calm:
            undisturbed = await run_to_the_end(calm, ROUGH, tmp_path / "calm banks", None)
    assert hurt.keys() == undisturbed.keys()
    for stream, events in undisturbed.items():
        assert hurt[stream] == events


async def test_ends_of_day_at_once_close_each_day_once(composed: Base, tmp_path: Path) -> None:
    """Whoever comes second waits, and goes on with what is left: no run fails because another one did its work."""
    rule = by_seed("at once")
    async with (
        running(composed) as first,
        running(composed) as second,
        a_world(first, rule, tmp_path) as one,
        a_world(second, rule, tmp_path) as other,
    ):
        await tell(one, STORY_FIRST, STORY_FIRST)
        closed = await asyncio.gather(*(world.end_of_day.catch_up(STORY_LAST) for world in (one, other)))
        days = sorted(day.day for some in closed for day in some)
        assert days == [STORY_FIRST + timedelta(days=n) for n in range(1, len(days) + 1)]
        assert days[-1] == STORY_LAST
        assert await other.end_of_day.catch_up(STORY_LAST) == []
