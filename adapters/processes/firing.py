"""Firing timers: what is due on a day, in order and once; what cannot be fired is held out, and made up for later.

timers due ≤ d ─▶ one command each, keys from the timers ─▶ what follows from them ─▶ … until nothing is due
                        └─ fails, or is refused and still due ─▶ parked      └─ money fails ─▶ its lease parked
                                                                    the rest of the stream waits behind it
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import groupby
from typing import Protocol
from uuid import UUID

import structlog

from adapters.postgres.ledger import Ledger
from adapters.postgres.reading.reader import Reader
from adapters.processes.dispatch import STREAMS_IN_FLIGHT, Dispatch, Dispatched, context, dispatch_all, failure_of
from adapters.processes.held import Held, Stalled, Unfired
from domain.kernel.process import FAILED
from domain.kernel.timer import Timer
from domain.registry import TIMER_KINDS, WAITING

ACTOR_PREFIX = "timer:"
"""The actor of a fired timer is the system, by the id `timer:<kind>`."""

ROUNDS_MAX = 100
"""Times that firing timers may make others due on the same day; more is a circle."""

_DAY = timedelta(days=1)
_log = structlog.get_logger(__name__)


class EndOfDayError(Exception):
    """An end of day that cannot go on; what was done stays done, and the message says what was expected."""


class SomethingFailed(EndOfDayError):
    """What had to be done before failed, under these keys; the day stays open, and goes on from there the next time."""

    def __init__(self, keys: Sequence[str]) -> None:
        super().__init__(f"expected everything to be done, failed {len(keys)}, such as {keys[0]}; run it again")


@dataclass(frozen=True)
class Settling:
    """Lets everything that follows from events (process managers, reactors) catch up with the ledger: `settle`.

    `stalled` says to whom money is on its way that failed: nothing is judged or collected there, which would take it
    for not paid, until it arrives. `retry` lets what failed or was refused be tried now. `held` parks who is held out
    of a day.
    """

    settle: Callable[[], Awaitable[None]]
    stalled: Callable[[], Awaitable[Sequence[Stalled]]]
    retry: Callable[[], Awaitable[None]]
    held: Held

    async def follow(self, day: date) -> set[UUID]:
        """Let everything follow; the streams that are out for money that failed, from this day on or already."""
        await self.settle()
        return await self.hold_out(day)

    async def hold_out(self, day: date) -> set[UUID]:
        """Hold out of the days, from this one on, to whom money failed; all of them, also who is out already."""
        stalled = await self.stalled()
        for new in await self.held.wait(day, stalled):
            _log.error("end_of_day.held_out", key=new.key, day=str(day))
        return {one.stream for one in stalled}

    async def retry_before(self, day: date, *, resumed: bool) -> None:
        """Let what failed be tried before a day's end begins or goes on: whoever runs it has mended something.

        What was refused has its turn with a day that begins to end, and not amid one: the order of things stays.
        """
        try:
            failed = bool(await self.stalled())
        except SomethingFailed:
            failed = True
        if failed or not resumed:
            await self.retry()
        if failed:
            await self.follow(day)


class DueTimers(Protocol):
    """The read model of timers, up to date with the ledger at the moment of asking."""

    async def due(self, tenant: UUID, day: date) -> Sequence[Timer]:
        """Every timer that is due on a day or was before, in the order in which they are fired."""


@dataclass
class Round:
    """Firing the timers of a day: what was tried, which streams are out, and who was refused and may have been rightly.

    `among` are the only streams that it is about; everybody, if there are none. Whose money fails meanwhile is out from
    `today` on, where `day` is one that is made up for.
    """

    day: date
    dispatched: Dispatched
    out: set[UUID]
    among: Collection[UUID] = ()
    today: date | None = None
    tried: set[str] = field(default_factory=set)
    refused: dict[UUID, Unfired] = field(default_factory=dict)
    still_due: set[str] = field(default_factory=set)

    def due(self, found: Sequence[Timer]) -> list[Timer]:
        """Those of the timers that are due whose turn it is."""
        self.still_due = {timer.key for timer in found}
        return [
            timer
            for timer in found
            if timer.key not in self.tried
            and self.may_go_on(timer.stream)
            and (not self.among or timer.stream in self.among)
        ]

    def may_go_on(self, stream: UUID) -> bool:
        """Whether nothing that is due on a stream waits for something before it."""
        return stream not in self.out and stream not in self.refused


@dataclass
class Firing:
    """Fires the timers of one tenant; `position` says where the end of the day began, `began` that of another one."""

    ledger: Ledger
    reader: Reader
    timers: DueTimers
    tenant: UUID
    settling: Settling
    position: Callable[[], Awaitable[int]]
    began: Callable[[date], Awaitable[int]]
    streams_in_flight: int = STREAMS_IN_FLIGHT

    async def fire_all(self, day: date) -> Dispatched:
        """Fire what is due; first what could not be fired on earlier days, under the days on which it was due.

        A stream that is still held out waits, with all that is due on it: nothing is done before its cause.
        """
        dispatched = Dispatched()
        out = await self.make_up(day, dispatched)
        await self.rounds(Round(day, dispatched, out))
        await self.settling.held.release(out)
        return dispatched

    async def make_up(self, before: date, dispatched: Dispatched) -> set[UUID]:
        """Live the days before one with the streams that were held out of them; those that cannot go on are told.

        What waited for the others, such as money, follows on the day on which it came, before the timers of its
        evening; what came since, before the day that goes on.
        """
        held = self.settling.held
        out = await self.settling.hold_out(before)
        since = await held.since()
        past = min(since.values(), default=before)
        while past < before:
            if streams := {stream for stream, first in since.items() if first <= past} - out:
                out |= await self._let_in(streams, await self.began(past), before)
                if streams := streams - out:
                    await self.rounds(Round(past, dispatched, out, streams, today=before))
                if past + _DAY < before:
                    # Who has made up for the last day as well is released: a run that dies before it does so lives
                    # that day again, for a row of the day that goes on is of one that failed today.
                    await held.made_up(streams - out, past + _DAY)
            past += _DAY
        if behind := {stream for stream, first in since.items() if first <= before} - out:
            # Released last: a run that dies before finds them here, and lets it follow before anything of the new day.
            out |= await self._let_in(behind, await self.reader.size(), before)
            await held.release((since.keys() | out) - (behind - out))
        return out

    async def _let_in(self, streams: Collection[UUID], position: int, day: date) -> set[UUID]:
        """Let follow what waited for streams and had come at a position; whose money failed now."""
        await self.settling.held.reached(streams, position)
        return await self.settling.follow(day)

    async def rounds(self, on: Round) -> None:
        """Fire until nothing is due that was not tried: a fired timer may have made another one due.

        It settles at least once, because an earlier run may have died while it did.
        """
        for number in range(ROUNDS_MAX):
            due = on.due(await self.timers.due(self.tenant, on.day))
            if not due and number and not await self._judge(on):
                return
            for _, same in groupby(due, key=lambda timer: (timer.due_on, timer.order)):
                # What comes later on the day stands on it: interest before the bill, the bill before the late fee.
                await self._fire([timer for timer in same if on.may_go_on(timer.stream)], on)
            on.out |= await self.settling.follow(on.today or on.day)
        raise EndOfDayError(f"day {on.day}: expected timers to settle within {ROUNDS_MAX} rounds")

    async def _judge(self, on: Round) -> bool:
        """Hold out whose timer was refused and is still due; whether there are others, whose refusal was right."""
        faults = [one for one in on.refused.values() if one.key in on.still_due]
        right = len(faults) < len(on.refused)
        await self._hold_out(faults, on)
        on.refused.clear()
        return right

    async def _fire(self, timers: Sequence[Timer], on: Round) -> None:
        on.tried.update(timer.key for timer in timers)
        failed: dict[UUID, Unfired] = {}
        made = [self._made(timer, on.day, failed) for timer in timers]
        dispatches = [one for one in made if one is not None and one.stream not in failed]
        done = await dispatch_all(self.ledger, self.reader, dispatches, streams_in_flight=self.streams_in_flight)
        on.dispatched.add(done)
        for dispatch, refusal in done.refusals:
            if refusal.kind is FAILED:
                failed.setdefault(dispatch.stream, Unfired(dispatch.key, dispatch.stream, refusal))
            elif not dispatch.doubtful:
                on.refused.setdefault(dispatch.stream, Unfired(dispatch.key, dispatch.stream, refusal))
        await self._hold_out(list(failed.values()), on)

    def _made(self, timer: Timer, day: date, failed: dict[UUID, Unfired]) -> Dispatch | None:
        """The dispatch of a timer; where it cannot be made, why is put into `failed`."""
        try:
            return fire(self.tenant, timer, day)
        except Exception as error:  # noqa: BLE001 - one timer's error is nobody else's
            failed.setdefault(timer.stream, Unfired(timer.key, timer.stream, failure_of(error, timer.key)))
            return None

    async def _hold_out(self, unfired: Sequence[Unfired], on: Round) -> None:
        """Park timers, and let their streams wait."""
        if not unfired:
            return
        await self.settling.held.park(on.day, await self.position(), unfired)
        on.out.update(one.stream for one in unfired)
        for one in unfired:
            _log.error("end_of_day.parked", key=one.key, code=one.refusal.code, day=str(on.day))


def fire(tenant: UUID, timer: Timer, day: date) -> Dispatch | None:
    """The dispatch that firing a timer on a business date is; None for a kind without a command."""
    kind = TIMER_KINDS[timer.kind]
    if kind.command is None:
        return None
    return Dispatch(
        decider=WAITING[timer.kind],
        stream=timer.stream,
        key=timer.key,
        command=kind.command(timer, day),
        context=context(tenant, day, ACTOR_PREFIX + timer.kind, timer.stream),
        doubtful=kind.doubtful,
    )
