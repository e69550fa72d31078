"""The business day: at every position of a calendar's story, what the calendar itself says."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection

from domain.calendar.calendar import (
    CALENDAR,
    CalendarPhase,
    CalendarState,
    CloseDay,
    OpenCalendar,
    RecordStep,
    StartEndOfDay,
)
from domain.kernel.command import Command
from domain.kernel.refusal import Refusal
from projections.calendar.business_day import DONE, RUNNING, WAITING, BusinessDay, business_day
from tests.given import context
from tests.ledger import empty
from tests.projections.accounting.book_keeping import BookKeeper, Happening, at, stream
from tests.sampling import examples

CALENDAR_STREAM = stream(1)
FIRST = date(2026, 3, 2)
STEPS = ("timers", "outcomes", "reconciliation")


def lived(moves: list[int]) -> tuple[list[Happening], list[CalendarState]]:
    """Events of a calendar, and its state after each."""
    happened, states, state = list[Happening](), [CALENDAR.initial], CALENDAR.initial
    for n, move in enumerate(moves):
        answer = CALENDAR.decide(wish(state, move), state, context())
        assert not isinstance(answer, Refusal)
        for event in answer:
            state = CALENDAR.evolve(state, event)
            happened.append((CALENDAR_STREAM, at(n), event))
            states.append(state)
    return happened, states


def wish(state: CalendarState, move: int) -> Command:
    on = state.business_date
    if on is None:
        return OpenCalendar(business_date=FIRST)
    if state.phase is CalendarPhase.OPEN:
        return StartEndOfDay(day=on, steps=STEPS)
    if not state.steps:
        return CloseDay(day=on)
    cursor = f"at_{move}" if move else None
    return RecordStep(day=on, step=state.steps[0], processed=state.processed + move, cursor=cursor)


def check(found: BusinessDay, state: CalendarState) -> None:
    assert (found.state, found.business_date, found.version) == (state.phase.value, state.business_date, state.version)
    if state.phase is not CalendarPhase.CLOSING:
        assert found.steps == ()
        return
    assert [one.step for one in found.steps] == list(STEPS)
    left = len(state.steps)
    assert [one.state for one in found.steps] == [
        *[DONE] * (len(STEPS) - left), *[RUNNING] * (left > 0), *[WAITING] * (left - 1)
    ]  # fmt: skip
    if left:
        assert found.steps[-left].processed == state.processed


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(20))
@given(moves=st.lists(st.integers(0, 2), max_size=25))
def test_every_past_of_a_calendar(connection: Connection[Any], superuser: Connection[Any], moves: list[int]) -> None:
    happened, states = lived(moves)
    empty(superuser)
    BookKeeper(connection).write(*happened)
    for position, state in enumerate(states):
        found = business_day(connection, CALENDAR_STREAM, position)
        check(found, state)
        assert found.last_position == (position or None)


def test_a_tenant_without_a_calendar(connection: Connection[Any]) -> None:
    assert business_day(connection, CALENDAR_STREAM, 0) == BusinessDay()


def test_days_go_on(connection: Connection[Any], books: BookKeeper) -> None:
    happened, _ = lived([0] * 11)
    books.write(*happened)
    found = business_day(connection, CALENDAR_STREAM, books.size)
    assert (found.state, found.business_date) == ("open", FIRST + timedelta(days=2))
