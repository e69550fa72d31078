"""The business day of a tenant: read from the calendar's own stream, which is short where it matters.

    … day_closed ─▶ end_of_day_started(steps) ─step_done × n─▶ head
                    └──────────── read from here ───────────┘

The last event that names a whole state (opened, started, closed) is found backwards; steps stand behind it. There is no
table: an answer is as fresh as the ledger, and the past is a shorter stream.

The fold is written by hand: a calendar's state keeps the steps that are left, and forgets what each done one handled.
"""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from msgspec import Struct
from psycopg import Connection

from domain.calendar import calendar as e
from domain.calendar.calendar import CalendarPhase
from projections.engine.reading import decode

WAITING, RUNNING, DONE = "waiting", "running", "done"

_WHOLE = ("calendar.opened.v1", "calendar.end_of_day_started.v1", "calendar.day_closed.v1")
_LAST = """
    SELECT seq FROM ledger.events
    WHERE shard = %s AND stream = %s AND position <= %s AND type = ANY(%s) ORDER BY seq DESC LIMIT 1"""
_FROM = """
    SELECT position, entry FROM ledger.events
    WHERE shard = %s AND stream = %s AND position <= %s AND seq >= %s ORDER BY seq"""


class EndOfDayStep(Struct, frozen=True):
    """One step of the running end of day: its state, and how many things it handled so far."""

    step: str
    state: str
    processed: int


class BusinessDay(Struct, frozen=True, kw_only=True):
    """The calendar of a tenant. `version` counts its events; all but `state` is empty before it is opened."""

    state: str = CalendarPhase.ABSENT.value
    business_date: date | None = None
    steps: tuple[EndOfDayStep, ...] = ()
    version: int = 0
    last_position: int | None = None


def business_day(connection: Connection[Any], calendar: UUID, position: int, *, shard: int = 0) -> BusinessDay:
    """The business day that a calendar's stream says, up to and including a position."""
    found = connection.execute(_LAST, (shard, calendar, position, list(_WHOLE))).fetchone()
    if found is None:
        return BusinessDay()
    rows = connection.cursor(binary=True).execute(_FROM, (shard, calendar, position, found[0])).fetchall()
    recorded = [decode(at, entry) for at, entry in rows]
    day = _day(recorded[0].event)
    for one in recorded[1:]:
        assert isinstance(one.event, e.EndOfDayStepDone), "only steps stand behind the last whole state"
        day = _stepped(day, one.event)
    return BusinessDay(
        state=day.state,
        business_date=day.business_date,
        steps=_current(day.steps),
        version=recorded[-1].envelope.seq,
        last_position=recorded[-1].position,
    )


def _day(event: object) -> BusinessDay:
    if isinstance(event, e.EndOfDayStarted):
        steps = tuple(EndOfDayStep(step, WAITING, 0) for step in event.steps)
        return BusinessDay(state=CalendarPhase.CLOSING.value, business_date=event.day, steps=steps)
    assert isinstance(event, (e.CalendarOpened, e.DayClosed)), "three types say a whole state"
    on = event.business_date if isinstance(event, e.CalendarOpened) else event.next_day
    return BusinessDay(state=CalendarPhase.OPEN.value, business_date=on)


def _stepped(day: BusinessDay, event: e.EndOfDayStepDone) -> BusinessDay:
    state = DONE if event.cursor is None else RUNNING
    steps = tuple(
        EndOfDayStep(one.step, state, event.processed) if one.step == event.step else one for one in day.steps
    )
    return BusinessDay(state=day.state, business_date=day.business_date, steps=steps)


def _current(steps: tuple[EndOfDayStep, ...]) -> tuple[EndOfDayStep, ...]:
    """The first step that is not done is the one that runs, also before it recorded anything."""
    current = next((at for at, one in enumerate(steps) if one.state != DONE), None)
    return tuple(
        EndOfDayStep(one.step, RUNNING, one.processed) if at == current else one for at, one in enumerate(steps)
    )
