"""The end of a day: explicit, day by day, resumable wherever it was interrupted.

    start day d ─▶ timers due ≤ d, in order ─▶ what follows from them ─▶ … until nothing is due ─▶ reconcile ─▶ close d
                        one command each, keys from the timers                 step by step, recorded in the calendar

After weeks of standstill `catch_up` closes each day in its turn; of several runs at once, one at a time. A run that was
killed is simply started again: what was done is known by its keys, and the calendar says which step is next.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import date
from typing import Protocol
from uuid import UUID

from msgspec import Struct

from adapters.postgres.advisory import StillHeld
from adapters.postgres.ledger import Ledger, Request
from adapters.postgres.reading.reader import Reader
from adapters.processes.dispatch import (
    STREAMS_IN_FLIGHT,
    Dispatched,
    context,
    dispatched_since,
)
from adapters.processes.firing import ACTOR_PREFIX, DueTimers, EndOfDayError, Firing, Settling
from domain.calendar.calendar import (
    CALENDAR,
    DAY_NOT_CURRENT,
    UNKNOWN,
    CalendarPhase,
    CalendarState,
    CloseDay,
    EndOfDayStarted,
    OpenCalendar,
    RecordStep,
    StartEndOfDay,
    calendar_stream,
)
from domain.kernel.command import Command
from domain.kernel.refusal import Refusal

TIMERS_STEP = "timers"
BY = "end_of_day"


class EndOfDayRefused(EndOfDayError):
    """The calendar said no."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.sentence())
        self.refusal = refusal


class DayRun(Struct, frozen=True, kw_only=True):
    """Where a step of an end of day begins: its day, the position of the event that began that day's end, and how far
    an earlier run came.
    """

    tenant: UUID
    day: date
    position: int
    cursor: str | None
    processed: int


Progress = Callable[[int, str], Awaitable[None]]
"""Records in the calendar that so many things are done in all, up to a cursor."""


class DayStep(Protocol):
    """One further step of an end of day, such as reconciling; resumable by itself."""

    name: str

    async def run(self, run: DayRun, progress: Progress) -> int:
        """Do it from the cursor on; return how many things were done in all, by this run and those before."""


class ClosedDay(Struct, frozen=True):
    """What one end of day did: timers fired now, found fired, refused by code, in this run; of the further steps that
    were done in this run, how much each did in all.
    """

    day: date
    fired: int
    repeated: int
    refused: Mapping[str, int]
    processed: Mapping[str, int] = {}


@asynccontextmanager
async def _by_itself() -> AsyncIterator[StillHeld]:
    yield _nothing


async def _nothing() -> None:
    """Nobody else is there."""


@dataclass
class EndOfDay:
    """Ends the days of one tenant.

    What follows from events is let `settling` before a day's end begins, after each round of timers, because it may
    make others due, and after each further step. `may_end` refuses days whose date has not come. `alone` waits until
    nobody else ends a day of the tenant, and gives what says before each step that it is still so.
    """

    ledger: Ledger
    reader: Reader
    timers: DueTimers
    tenant: UUID
    settling: Settling
    steps: Sequence[DayStep] = ()
    may_end: Callable[[date], Refusal | None] | None = None
    alone: Callable[[], AbstractAsyncContextManager[StillHeld]] = _by_itself
    streams_in_flight: int = STREAMS_IN_FLIGHT

    async def open(self, business_date: date) -> None:
        """Open the tenant's calendar. Raises `EndOfDayRefused` for a day to come, or when it is open at another day."""
        self.allow(business_date)
        key = f"calendar:opened:{business_date}"
        await self._command(key, OpenCalendar(business_date=business_date), business_date)

    async def state(self) -> CalendarState:
        """The calendar as the ledger has it."""
        _, state = await self.ledger.load(CALENDAR, calendar_stream(self.tenant))
        assert isinstance(state, CalendarState)
        return state

    def allow(self, day: date) -> None:
        """Raise `EndOfDayRefused` for a day whose date has not come."""
        if self.may_end is not None and (refusal := self.may_end(day)) is not None:
            raise EndOfDayRefused(refusal)

    async def catch_up(self, to: date, tell: Callable[[ClosedDay], None] = lambda _: None) -> list[ClosedDay]:
        """Close every day up to and including `to`, in order; none when they are closed, or when `to` may not end yet.

        `tell` hears of each as it is closed: a later one may fail. Raises `EndOfDayRefused`.
        """
        self.allow(to)
        closed: list[ClosedDay] = []
        while True:
            async with self.alone() as still:
                today = (await self.state()).business_date
                if today is None:
                    raise EndOfDayRefused(UNKNOWN())
                if today > to:
                    return closed
                closed.append(await self.close(today, still))
            tell(closed[-1])

    async def close(self, day: date, still: StillHeld = _nothing) -> ClosedDay:
        """Do the end of the current business date, from wherever it is, as long as nobody else does. Raises
        `EndOfDayRefused` for another day.
        """
        state = await self.state()
        if state.business_date != day:
            raise EndOfDayRefused(DAY_NOT_CURRENT(expected=state.business_date, got=day))
        self.allow(day)
        resumed = state.phase is CalendarPhase.CLOSING
        await self.settling.retry_before(day, resumed=resumed)
        dispatched = Dispatched()
        if not resumed:
            # Only here and after what was begun is done: a run that goes on must not change the order of things.
            await self.settling.follow(day)
            names = (TIMERS_STEP, *(step.name for step in self.steps))
            await self._command(f"calendar:{day}:start", StartEndOfDay(day=day, steps=names), day)
            state = await self.state()
        done_in: dict[str, int] = {}
        for name in state.steps:
            await still()
            processed = await self._step(name, day, state, dispatched, resumed=resumed)
            if name != TIMERS_STEP:
                done_in[name] = processed
            await still()
            done = RecordStep(day=day, step=name, processed=processed)
            await self._command(f"calendar:{day}:{name}:done", done, day)
        await self._command(f"calendar:{day}:close", CloseDay(day=day), day)
        return ClosedDay(day, dispatched.accepted, dispatched.repeated, dict(dispatched.refused), done_in)

    async def _step(self, name: str, day: date, state: CalendarState, dispatched: Dispatched, *, resumed: bool) -> int:
        if name == TIMERS_STEP:
            dispatched.add(await self._firing().fire_all(day))
            if not resumed:
                return dispatched.accepted
            return await dispatched_since(self.reader, self.tenant, await self._start(state), ACTOR_PREFIX)
        step = next((step for step in self.steps if step.name == name), None)
        if step is None:
            known = ", ".join(step.name for step in self.steps)
            raise EndOfDayError(f"day {day}: expected one of the steps {TIMERS_STEP}, {known}, the day has {name}")

        async def progress(processed: int, cursor: str) -> None:
            mark = RecordStep(day=day, step=name, processed=processed, cursor=cursor)
            await self._command(f"calendar:{day}:{name}:{cursor}", mark, day)

        current = state.steps[0] == name
        run = DayRun(
            tenant=self.tenant,
            day=day,
            position=await self._start(state),
            cursor=state.cursor if current else None,
            processed=state.processed if current else 0,
        )
        processed = await step.run(run, progress)
        await self.settling.follow(day)
        return processed

    async def _start(self, state: CalendarState) -> int:
        """The position of the event that began this end of day."""
        stored = await self.reader.stream(calendar_stream(self.tenant), after=state.started - 1)
        return stored[0].position

    async def make_up(self) -> Dispatched:
        """Fire now what could not be fired on days that are closed, as far as it can be; what became of it.

        While a day is ending nothing is done: what is left of that day is made up for first, or with the next one.
        """
        dispatched = Dispatched()
        async with self.alone():
            state = await self.state()
            if state.business_date is None or state.phase is CalendarPhase.CLOSING:
                return dispatched
            await self.settling.follow(state.business_date)
            await self._firing().make_up(state.business_date, dispatched)
        return dispatched

    def _firing(self) -> Firing:
        async def position() -> int:
            return await self._start(await self.state())

        beginnings: dict[date, int] = {}

        async def began(past: date) -> int:
            if past not in beginnings:
                beginnings.update(await self._beginnings())
            return beginnings.get(past, 0)

        return Firing(
            self.ledger,
            self.reader,
            self.timers,
            self.tenant,
            self.settling,
            position,
            began,
            self.streams_in_flight,
        )

    async def _beginnings(self) -> dict[date, int]:
        """The positions at which the ends of days began."""
        entries = [
            (one.position, one.parsed().event()) for one in await self.reader.stream(calendar_stream(self.tenant))
        ]
        return {event.day: position for position, event in entries if isinstance(event, EndOfDayStarted)}

    async def _command(self, key: str, command: Command, day: date) -> None:
        stream = calendar_stream(self.tenant)
        outcome = await self.ledger.execute(
            CALENDAR,
            Request(stream=stream, key=key, command=command, context=context(self.tenant, day, BY, stream)),
        )
        if isinstance(outcome, Refusal):
            raise EndOfDayRefused(outcome)
