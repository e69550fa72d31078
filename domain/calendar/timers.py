"""Timers: what is due on which day, in which order, and the idempotency key that makes firing it happen once."""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from uuid import UUID

from msgspec import Struct


class Timer(Struct, frozen=True, order=True):
    """One thing that is due on a business date.

    Timers sort as they are fired: by day, by the order of their kinds within a day, by stream, by number. `number`
    tells timers of one kind and stream apart, such as the bills of a lease; 0 where there is only one.
    """

    due_on: date
    order: int
    kind: str
    stream: UUID
    number: int

    @property
    def key(self) -> str:
        """The idempotency key of the command that firing it is: `timer:<kind>:<stream hex>:<due date>:<number>`."""
        return f"timer:{self.kind}:{self.stream.hex}:{self.due_on}:{self.number}"


def is_month_end(day: date) -> bool:
    """Whether a day is the last of its month."""
    return day.day == monthrange(day.year, day.month)[1]


def month_end(day: date) -> date:
    """The last day of the month that a day is in."""
    return day.replace(day=monthrange(day.year, day.month)[1])
