"""What happens to a tenant's calendar, one class per released event type."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from msgspec import Meta

from domain.kernel.event import Event, event_type

STEPS_MAX = 20
CURSOR_MAX_CHARS = 100
COUNT_MAX = 2**53 - 1

Step = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]*$(?!\n)", max_length=40)]
"""The name of one step of an end of day."""

Steps = Annotated[tuple[Step, ...], Meta(min_length=1, max_length=STEPS_MAX)]
"""The steps of an end of day, in the order in which they are done."""

Cursor = Annotated[str, Meta(min_length=1, max_length=CURSOR_MAX_CHARS)]
"""How far a step is; says nothing about a person."""

Count = Annotated[int, Meta(ge=0, le=COUNT_MAX)]


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
