"""Working days: what a calendar of public holidays says of a day.

The State Council publishes a year's holidays, and the weekend days worked in exchange for them, late in the year
before. Beyond what is published there is only an assumption, Monday to Friday, and a day says when it is one.
"""

from __future__ import annotations

from datetime import date

from msgspec import Struct

WORKING_WEEKDAYS = 5


class Day(Struct, frozen=True):
    """One day: whether people work on it, and whether that was published or is assumed from the day of the week."""

    on: date
    working: bool
    published: bool
    holiday: str = ""


def assumed(on: date) -> Day:
    """A day of a year whose holidays are not published: Monday to Friday are worked."""
    return Day(on, on.weekday() < WORKING_WEEKDAYS, published=False)
