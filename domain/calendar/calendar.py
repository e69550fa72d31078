"""Calendar (营业日历): the ledger's own day of one tenant, moved by explicit commands, never by a clock.

    Absent ─opened(d)─▶ Open(d) ─end_of_day_started(d)─▶ Closing(d) ─step_done × n─▶ ─day_closed(d, d+1)─▶ Open(d+1)

One stream for each tenant, day by day, forward only. A day that is being closed says which steps are left, so that
whoever goes on after a fault knows where. Beside it: `timers` (what is due and its key) and `working_days`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID, uuid5

from msgspec import Meta
from msgspec.structs import replace

from domain.kernel.command import Command, Context
from domain.kernel.decider import ABSENT, Answer, Decider, Rule, State
from domain.kernel.event import Event, event_type
from domain.kernel.refusal import RefusalKind, refusal
from domain.kernel.values import Count

# -------------------------------------------------------------------------------------------------------------- values

STEPS_MAX = 20
CURSOR_MAX_CHARS = 100

Step = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]*$(?!\n)", max_length=40)]
"""The name of one step of an end of day."""

Steps = Annotated[tuple[Step, ...], Meta(min_length=1, max_length=STEPS_MAX)]
"""The steps of an end of day, in the order in which they are done."""

Cursor = Annotated[str, Meta(min_length=1, max_length=CURSOR_MAX_CHARS)]
"""How far a step is; says nothing about a person."""


# -------------------------------------------------------------------------------------------------------------- events


@event_type("calendar.opened.v1")
class CalendarOpened(Event, frozen=True):
    """The tenant's calendar begins on this business date."""

    business_date: date


@event_type("calendar.end_of_day_started.v1")
class EndOfDayStarted(Event, frozen=True):
    """The end of this day began; it consists of these steps, in this order."""

    day: date
    steps: Steps


@event_type("calendar.end_of_day_step_done.v1")
class EndOfDayStepDone(Event, frozen=True):
    """A step went through as far as `cursor`, or to its end (`None`), and handled so many things in all."""

    day: date
    step: Step
    processed: Count
    cursor: Cursor | None = None


@event_type("calendar.day_closed.v1")
class DayClosed(Event, frozen=True):
    """The day is over; the business date is now `next_day`."""

    day: date
    next_day: date


# --------------------------------------------------------------------------------------------------------------- state


class CalendarPhase(StrEnum):
    """The state machine's states; `ABSENT` is the empty stream."""

    ABSENT = "absent"
    OPEN = "open"
    CLOSING = "closing"


class CalendarState(State, frozen=True, kw_only=True):
    """One tenant's calendar.

    While the day is being closed, `steps` are those still to do, the first of them is
    the current one, with its `cursor` and the count it `processed` so far. `started` is the version of the event that
    began this end of day: what the day's steps did stands behind it in the ledger.
    """

    phase: CalendarPhase = CalendarPhase.ABSENT
    business_date: date | None = None
    steps: tuple[str, ...] = ()
    cursor: str | None = None
    processed: int = 0
    started: int = 0


# ------------------------------------------------------------------------------------------------------------ commands


class OpenCalendar(Command, frozen=True):
    """Begin the tenant's calendar on a business date."""

    business_date: date


class StartEndOfDay(Command, frozen=True):
    """Begin the end of the current day, with these steps."""

    day: date
    steps: Steps


class RecordStep(Command, frozen=True):
    """Record how far the current step is: to a cursor, or to its end (`None`); `processed` counts from its start."""

    day: date
    step: Step
    processed: Count
    cursor: Cursor | None = None


class CloseDay(Command, frozen=True):
    """Move on to the following day, when every step is done."""

    day: date


# ------------------------------------------------------------------------------------------------------------ refusals

UNKNOWN = refusal("calendar.unknown", "The calendar was never opened", "营业日历尚未开启")
EXISTS = refusal("calendar.exists", "The calendar was opened already", "营业日历已开启")
DAY_NOT_CURRENT = refusal(
    "calendar.day_not_current",
    "Only the current business date can be closed, day by day and forward",
    "只能结束当前营业日，逐日向前",
)
CLOSING = refusal("calendar.closing", "The end of this day has begun already", "本营业日的日终处理已开始")
NOT_CLOSING = refusal("calendar.not_closing", "The end of this day has not begun", "本营业日的日终处理尚未开始")
STEPS_REPEAT = refusal("calendar.steps_repeat", "A step may stand only once in a day", "同一步骤一日内只能出现一次")
STEP_OUT_OF_ORDER = refusal(
    "calendar.step_out_of_order", "The steps of a day are done in their order", "日终步骤必须按顺序执行"
)
STEP_WENT_BACK = refusal("calendar.step_went_back", "A step never counts less than before", "步骤的处理数量不得减少")
STEPS_OPEN = refusal(
    "calendar.steps_open", "A day is closed when all its steps are done", "所有日终步骤完成后才能结束营业日"
)
LAST_DAY = refusal("calendar.last_day", "There is no following day", "不存在下一营业日")


# --------------------------------------------------------------------------------------------------------------- rules


def _open(command: OpenCalendar, state: CalendarState, context: Context) -> Answer:
    if state.phase is not CalendarPhase.ABSENT:
        return EXISTS(business_date=state.business_date)
    return (CalendarOpened(business_date=command.business_date),)


def _start(command: StartEndOfDay, state: CalendarState, context: Context) -> Answer:
    if len(set(command.steps)) != len(command.steps):
        return STEPS_REPEAT(steps=" ".join(command.steps))
    return (EndOfDayStarted(day=command.day, steps=command.steps),)


def _record_step(command: RecordStep, state: CalendarState, context: Context) -> Answer:
    current = state.steps[0] if state.steps else None
    if command.step != current:
        return STEP_OUT_OF_ORDER(expected=current, got=command.step)
    if command.processed < state.processed:
        return STEP_WENT_BACK(processed=state.processed, got=command.processed)
    return (EndOfDayStepDone(day=command.day, step=command.step, processed=command.processed, cursor=command.cursor),)


def _close(command: CloseDay, state: CalendarState, context: Context) -> Answer:
    if state.steps:
        return STEPS_OPEN(steps=" ".join(state.steps))
    if command.day == date.max:
        return LAST_DAY(day=command.day)
    return (DayClosed(day=command.day, next_day=command.day + timedelta(days=1)),)


def _of_day(phase: CalendarPhase, otherwise: RefusalKind, handler: Handler) -> Rule[CalendarState]:
    """The rule of a command about a day, which is the current one; only then the phase counts."""

    def answer(command: Any, state: CalendarState, context: Context) -> Answer:
        if command.day != state.business_date:
            return DAY_NOT_CURRENT(expected=state.business_date, got=command.day)
        return handler(command, state, context) if state.phase is phase else otherwise(day=command.day)

    return Rule(_EXISTING, UNKNOWN, answer)


Handler = Callable[[Any, CalendarState, Context], Answer]
_EXISTING = frozenset({CalendarPhase.OPEN, CalendarPhase.CLOSING})


# -------------------------------------------------------------------------------------------------------------- evolve


def _opened(state: CalendarState, event: CalendarOpened) -> CalendarState:
    return replace(state, phase=CalendarPhase.OPEN, business_date=event.business_date)


def _started(state: CalendarState, event: EndOfDayStarted) -> CalendarState:
    return replace(state, phase=CalendarPhase.CLOSING, steps=event.steps, started=state.version + 1)


def _step_done(state: CalendarState, event: EndOfDayStepDone) -> CalendarState:
    if event.cursor is not None:
        return replace(state, cursor=event.cursor, processed=event.processed)
    return replace(state, steps=state.steps[1:], cursor=None, processed=0)


def _closed(state: CalendarState, event: DayClosed) -> CalendarState:
    return replace(state, phase=CalendarPhase.OPEN, business_date=event.next_day)


# ------------------------------------------------------------------------------------------------------------- decider

CALENDAR = Decider(
    name="calendar",
    initial=CalendarState(),
    unknown=UNKNOWN,
    rules={
        OpenCalendar: Rule(ABSENT | _EXISTING, EXISTS, _open),
        StartEndOfDay: _of_day(CalendarPhase.OPEN, CLOSING, _start),
        RecordStep: _of_day(CalendarPhase.CLOSING, NOT_CLOSING, _record_step),
        CloseDay: _of_day(CalendarPhase.CLOSING, NOT_CLOSING, _close),
    },
    evolve={
        CalendarOpened: _opened,
        EndOfDayStarted: _started,
        EndOfDayStepDone: _step_done,
        DayClosed: _closed,
    },
)


def calendar_stream(tenant: UUID) -> UUID:
    """The stream of a tenant's calendar: derived from the tenant's id, so that there is one and everyone finds it."""
    return uuid5(tenant, CALENDAR.name)
