"""What can be wished of a calendar. Every command names its day, so that a repeated one cannot hit the next day."""

from __future__ import annotations

from datetime import date

from domain.calendar.events import Count, Cursor, Step, Steps
from domain.kernel.command import Command


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
