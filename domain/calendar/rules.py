"""What a calendar answers to a command, and what its events change.

The order of refusals: is there a calendar (`unknown`, `exists`), is it about the current day (`day_not_current`), is
the end of that day under way or not (`closing`, `not_closing`), then the command's own rules.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from msgspec.structs import replace

from domain.calendar import commands as c
from domain.calendar import events as e
from domain.calendar import refusals as r
from domain.calendar.state import CalendarState, Phase
from domain.kernel.command import Command, Context
from domain.kernel.event import Event
from domain.kernel.refusal import Refusal, RefusalKind

State = CalendarState
Answer = tuple[Event, ...] | Refusal

# ------------------------------------------------------------------------------------------------- decide


def _start(command: c.StartEndOfDay, state: State) -> Answer:
    if len(set(command.steps)) != len(command.steps):
        return r.STEPS_REPEAT(steps=" ".join(command.steps))
    return (e.EndOfDayStarted(day=command.day, steps=command.steps),)


def _record_step(command: c.RecordStep, state: State) -> Answer:
    current = state.steps[0] if state.steps else None
    if command.step != current:
        return r.STEP_OUT_OF_ORDER(expected=current, got=command.step)
    if command.processed < state.processed:
        return r.STEP_WENT_BACK(processed=state.processed, got=command.processed)
    return (e.EndOfDayStepDone(day=command.day, step=command.step, processed=command.processed, cursor=command.cursor),)


def _close(command: c.CloseDay, state: State) -> Answer:
    if state.steps:
        return r.STEPS_OPEN(steps=" ".join(state.steps))
    if command.day == date.max:
        return r.LAST_DAY(day=command.day)
    return (e.DayClosed(day=command.day, next_day=command.day + timedelta(days=1)),)


# For each command about a day: the phase in which it can be wished, the rule that says no otherwise, its function.
_RULES: dict[type[Command], tuple[Phase, RefusalKind, Callable[[Any, State], Answer]]] = {
    c.StartEndOfDay: (Phase.OPEN, r.CLOSING, _start),
    c.RecordStep: (Phase.CLOSING, r.NOT_CLOSING, _record_step),
    c.CloseDay: (Phase.CLOSING, r.NOT_CLOSING, _close),
}

COMMANDS: tuple[type[Command], ...] = (c.OpenCalendar, *_RULES)
"""Every command of the aggregate, in the order of a day."""


def decide(command: Command, state: CalendarState, context: Context) -> tuple[Event, ...] | Refusal:
    """The events a command leads to, or the first refusal. Raises `TypeError` for a command of another aggregate."""
    if isinstance(command, c.OpenCalendar):
        if state.phase is not Phase.ABSENT:
            return r.EXISTS(business_date=state.business_date)
        return (e.CalendarOpened(business_date=command.business_date),)
    if not isinstance(command, (c.StartEndOfDay, c.RecordStep, c.CloseDay)):
        raise TypeError(f"expected a command to a calendar, got {type(command).__name__}")
    if state.phase is Phase.ABSENT:
        return r.UNKNOWN()
    if command.day != state.business_date:
        return r.DAY_NOT_CURRENT(expected=state.business_date, got=command.day)
    phase, otherwise, handler = _RULES[type(command)]
    return handler(command, state) if state.phase is phase else otherwise(day=command.day)


# ------------------------------------------------------------------------------------------------- evolve


def _opened(state: State, event: e.CalendarOpened) -> State:
    return replace(state, version=state.version + 1, phase=Phase.OPEN, business_date=event.business_date)


def _started(state: State, event: e.EndOfDayStarted) -> State:
    version = state.version + 1
    return replace(state, version=version, phase=Phase.CLOSING, steps=event.steps, started=version)


def _step_done(state: State, event: e.EndOfDayStepDone) -> State:
    if event.cursor is not None:
        return replace(state, version=state.version + 1, cursor=event.cursor, processed=event.processed)
    return replace(state, version=state.version + 1, steps=state.steps[1:], cursor=None, processed=0)


def _closed(state: State, event: e.DayClosed) -> State:
    return replace(state, version=state.version + 1, phase=Phase.OPEN, business_date=event.next_day)


_EVOLVE: dict[type[Event], Callable[[State, Any], State]] = {
    e.CalendarOpened: _opened,
    e.EndOfDayStarted: _started,
    e.EndOfDayStepDone: _step_done,
    e.DayClosed: _closed,
}


def evolve(state: CalendarState, event: Event) -> CalendarState:
    """The state after one event. Raises `TypeError` for an event of another aggregate."""
    apply = _EVOLVE.get(type(event))
    if apply is None:
        raise TypeError(f"expected an event of a calendar, got {type(event).__name__}")
    return apply(state, event)
