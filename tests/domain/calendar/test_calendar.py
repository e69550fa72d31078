"""The calendar: forward only, day by day, step by step, and never by a clock."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from domain.calendar import calendar
from domain.calendar.calendar import (
    CALENDAR,
    CalendarOpened,
    CalendarPhase,
    CloseDay,
    DayClosed,
    EndOfDayStarted,
    EndOfDayStepDone,
    OpenCalendar,
    RecordStep,
    StartEndOfDay,
    calendar_stream,
)
from domain.kernel.command import Command
from domain.kernel.decider import DECIDERS, fold
from domain.kernel.event import Event
from domain.kernel.refusal import Refusal
from tests.given import check_event, context, scenarios

given = scenarios(CALENDAR)

D = date(2005, 4, 30)
NEXT = date(2005, 5, 1)
STEPS = ("timers", "reconciliation")
OPENED = CalendarOpened(business_date=D)
STARTED = EndOfDayStarted(day=D, steps=STEPS)
TIMERS_DONE = EndOfDayStepDone(day=D, step="timers", processed=7)
RECONCILED = EndOfDayStepDone(day=D, step="reconciliation", processed=2)
CLOSED = DayClosed(day=D, next_day=NEXT)


def test_a_day_from_beginning_to_end() -> None:
    given().when(OpenCalendar(business_date=D)).then(OPENED)
    given(OPENED).when(StartEndOfDay(day=D, steps=STEPS)).then(STARTED)
    given(OPENED, STARTED).when(RecordStep(day=D, step="timers", processed=7)).then(TIMERS_DONE)
    given(OPENED, STARTED, TIMERS_DONE).when(RecordStep(day=D, step="reconciliation", processed=2)).then(RECONCILED)
    state = given(OPENED, STARTED, TIMERS_DONE, RECONCILED).when(CloseDay(day=D)).then(CLOSED)
    assert (state.business_date, state.phase, state.steps) == (NEXT, CalendarPhase.OPEN, ())


def test_a_step_keeps_its_cursor_until_it_is_done() -> None:
    half = EndOfDayStepDone(day=D, step="timers", processed=4, cursor="bank_a")
    state = given(OPENED, STARTED).when(RecordStep(day=D, step="timers", processed=4, cursor="bank_a")).then(half)
    assert (state.cursor, state.processed, state.steps) == ("bank_a", 4, STEPS)
    state = given(OPENED, STARTED, half).when(RecordStep(day=D, step="timers", processed=7)).then(TIMERS_DONE)
    assert (state.cursor, state.processed, state.steps) == (None, 0, ("reconciliation",))


def test_state_knows_where_its_end_of_day_began() -> None:
    state = given(OPENED, STARTED, TIMERS_DONE, RECONCILED, CLOSED, EndOfDayStarted(day=NEXT, steps=STEPS)).state
    assert state.started == 6


@pytest.mark.parametrize(
    ("events", "command", "kind", "facts"),
    [
        ((OPENED,), OpenCalendar(business_date=NEXT), calendar.EXISTS, {"business_date": D}),
        ((), StartEndOfDay(day=D, steps=STEPS), calendar.UNKNOWN, {}),
        ((), CloseDay(day=D), calendar.UNKNOWN, {}),
        ((OPENED,), StartEndOfDay(day=NEXT, steps=STEPS), calendar.DAY_NOT_CURRENT, {"expected": D, "got": NEXT}),
        (
            (OPENED, STARTED, TIMERS_DONE, RECONCILED, CLOSED),
            StartEndOfDay(day=D, steps=STEPS),
            calendar.DAY_NOT_CURRENT,
            {"expected": NEXT, "got": D},
        ),
        ((OPENED, STARTED), StartEndOfDay(day=D, steps=STEPS), calendar.CLOSING, {"day": D}),
        ((OPENED,), StartEndOfDay(day=D, steps=("a", "a")), calendar.STEPS_REPEAT, {"steps": "a a"}),
        ((OPENED,), RecordStep(day=D, step="timers", processed=0), calendar.NOT_CLOSING, {"day": D}),
        (
            (OPENED, STARTED),
            RecordStep(day=D, step="reconciliation", processed=0),
            calendar.STEP_OUT_OF_ORDER,
            {"expected": "timers", "got": "reconciliation"},
        ),
        (
            (OPENED, STARTED, TIMERS_DONE),
            RecordStep(day=D, step="timers", processed=7),
            calendar.STEP_OUT_OF_ORDER,
            {"expected": "reconciliation", "got": "timers"},
        ),
        (
            (OPENED, STARTED, EndOfDayStepDone(day=D, step="timers", processed=4, cursor="x")),
            RecordStep(day=D, step="timers", processed=3),
            calendar.STEP_WENT_BACK,
            {"processed": 4, "got": 3},
        ),
        ((OPENED,), CloseDay(day=D), calendar.NOT_CLOSING, {"day": D}),
        (
            (OPENED, STARTED, TIMERS_DONE),
            CloseDay(day=D),
            calendar.STEPS_OPEN,
            {"steps": "reconciliation"},
        ),
    ],
)
def test_refusals(events: tuple[Event, ...], command: Command, kind: Any, facts: dict[str, object]) -> None:
    given(*events).when(command).then_refused(kind, **facts)


def test_time_ends_with_the_last_date() -> None:
    last = date.max
    events = (
        CalendarOpened(business_date=last),
        EndOfDayStarted(day=last, steps=("a",)),
        EndOfDayStepDone(day=last, step="a", processed=0),
    )
    given(*events).when(CloseDay(day=last)).then_refused(calendar.LAST_DAY, day=last)


def test_the_clock_does_not_matter() -> None:
    """Whatever the instant and the context's own date are, the calendar looks at its own day only."""
    late = given(OPENED).when(StartEndOfDay(day=D, steps=STEPS), business_date=date(2026, 1, 1))
    assert late.answer == (STARTED,)


def test_one_stream_for_each_tenant() -> None:
    one, other = UUID(int=1), UUID(int=2)
    assert calendar_stream(one) == calendar_stream(one)
    assert calendar_stream(one) != calendar_stream(other)


def test_foreign_commands_and_events_are_mistakes() -> None:
    class Foreign(Command, frozen=True):
        pass

    class Happened(Event, frozen=True):
        pass

    with pytest.raises(TypeError, match="expected a command to the aggregate calendar, got Foreign"):
        CALENDAR.decide(Foreign(), CALENDAR.initial, context())
    with pytest.raises(TypeError, match="expected an event of the aggregate calendar, got Happened"):
        CALENDAR.evolve(CALENDAR.initial, Happened())
    assert DECIDERS["calendar"] is CALENDAR
    assert (OpenCalendar, StartEndOfDay, RecordStep, CloseDay) == CALENDAR.commands


days = st.sampled_from([D - timedelta(days=1), D, NEXT, NEXT + timedelta(days=1)])
wishes: st.SearchStrategy[Command] = st.one_of(
    st.builds(OpenCalendar, business_date=days),
    st.builds(StartEndOfDay, day=days, steps=st.sampled_from([("a",), ("a", "b"), ("b", "b")])),
    st.builds(
        RecordStep,
        day=days,
        step=st.sampled_from(["a", "b"]),
        processed=st.integers(0, 3),
        cursor=st.sampled_from([None, "x"]),
    ),
    st.builds(CloseDay, day=days),
)


@for_all(st.lists(wishes, max_size=60))
def test_whatever_is_wished_days_only_go_forward_one_by_one(commands: list[Command]) -> None:
    """Only `day_closed` moves the date, by one day, and only when each of the day's steps was done once, in order."""
    events: list[Event] = []
    state = CALENDAR.initial
    done: list[str] = []
    for command in commands:
        answer = CALENDAR.decide(command, state, context())
        if isinstance(answer, Refusal):
            continue
        (event,) = answer
        check_event(event)
        before, state = state, CALENDAR.evolve(state, event)
        events.append(event)
        if isinstance(event, EndOfDayStepDone) and event.cursor is None:
            done.append(event.step)
        elif isinstance(event, DayClosed):
            assert state.business_date == event.day + timedelta(days=1)
            started = next(one for one in reversed(events) if isinstance(one, EndOfDayStarted))
            assert tuple(done) == started.steps
            done = []
        elif before.phase is not CalendarPhase.ABSENT:
            assert state.business_date == before.business_date
    assert fold(CALENDAR, events) == state
    assert state.version == len(events)
