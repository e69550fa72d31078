"""Working days: what a calendar of public holidays must say, and moving a date by it.

The State Council publishes a year's holidays, and the weekend days worked in exchange for them, late in the year
before. Beyond what is published there is only an assumption, Monday to Friday, and a day says when it is one.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Protocol

from msgspec import Struct

WORKING_WEEKDAYS = 5
SEARCH_DAYS_MAX = 31
"""No holiday is longer; a search that goes on beyond it looks at a broken calendar."""


class Day(Struct, frozen=True):
    """One day: whether people work on it, and whether that was published or is assumed from the day of the week."""

    on: date
    working: bool
    published: bool
    holiday: str = ""


class WorkingDays(Protocol):
    """A calendar of public holidays."""

    def day(self, on: date) -> Day:
        """What this day is; total over all dates."""


class NoWorkingDay(ValueError):
    """A calendar without a working day within `SEARCH_DAYS_MAX`."""


def assumed(on: date) -> Day:
    """A day of a year whose holidays are not published: Monday to Friday are worked."""
    return Day(on, on.weekday() < WORKING_WEEKDAYS, published=False)


def on_or_after(days: WorkingDays, on: date) -> date:
    """The day itself if it is worked, else the next one that is. Raises `NoWorkingDay`."""
    for ahead in range(SEARCH_DAYS_MAX + 1):
        candidate = on + timedelta(days=ahead)
        if days.day(candidate).working:
            return candidate
    raise NoWorkingDay(f"expected a working day within {SEARCH_DAYS_MAX} days from {on}, got none")


def add_working_days(days: WorkingDays, on: date, count: int) -> date:
    """The `count`-th working day after `on`; `on` itself for 0. Raises `ValueError` for a negative count."""
    if count < 0:
        raise ValueError(f"count: expected 0 or more working days, got {count}")
    reached = on
    for _ in range(count):
        reached = on_or_after(days, reached + timedelta(days=1))
    return reached
