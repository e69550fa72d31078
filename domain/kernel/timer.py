"""Timers: business dates on which commands are due. Each kind is data, declared beside the aggregate it serves.

    event        ─▶ TimerKind.changes[type(event)](event, business date, lead days) ─▶ Opens | Closes | Wakes | Leads
    day's end    ─▶ timers that are due, in order ─▶ TimerKind.command(timer, day)  ─▶ the aggregate's answer

A timer stays open until an event closes it; that it was fired changes nothing. Orders are the business's: what expires
goes first, interest is earned before the bill that contains it, a late fee is assessed on what is billed, and money is
collected last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct

from domain.kernel.command import Command
from domain.kernel.event import Event

_DAY = timedelta(days=1)


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


class Opens(Struct, frozen=True):
    """A timer is open from now on, instead of an earlier one of its kind and number.

    `dormant`: the aggregate's timers are not due before it wakes.
    """

    due_on: date
    number: int = 0
    dormant: bool = False


class Closes(Struct, frozen=True):
    """A timer is closed; without a number, every one of its kind."""

    number: int | None = None


class Wakes(Struct, frozen=True):
    """The aggregate's timers are due from now on."""


class Leads(Struct, frozen=True):
    """Later events of this aggregate are told so many lead days: it is waited for that long before what they name."""

    days: int


Change = Opens | Closes | Wakes | Leads

Changes = Callable[[Any, date, int], Iterable[Change]]
"""From an event, its business date and the aggregate's lead days to what it changes about one kind of timer."""


@dataclass(frozen=True)
class TimerKind:
    """One kind of timer of an aggregate.

    `order` is its place among all kinds that are due on a day. `command` gives what firing it is from the timer and the
    day that ends; a kind without one is asked about by a step of the day. `recurring` timers are due at every month end
    from their day on. `doubtful`: most of the time there is nothing to do, and the aggregate says so by a refusal.
    """

    name: str
    order: int
    changes: Mapping[type[Event], Changes]
    command: Callable[[Timer, date], Command] | None = None
    recurring: bool = False
    doubtful: bool = False


def closes(event: Event, on: date, lead_days: int) -> Iterable[Change]:
    """The event closes every timer of the kind."""
    return (Closes(),)


def closes_number(field: str) -> Changes:
    """The event closes the timer whose number a field of it names."""
    return lambda event, on, lead_days: (Closes(getattr(event, field)),)


def expire(field: str, *events: type[Event]) -> dict[type[Event], Changes]:
    """Events whose field names a last day: the timer is due on the day after it, and there is none without one."""

    def changes(event: Event, on: date, lead_days: int) -> Iterable[Change]:
        last: date | None = getattr(event, field)
        return (Closes(),) if last is None else (Opens(last + _DAY),)

    return dict.fromkeys(events, changes)


def all_close(*events: type[Event]) -> dict[type[Event], Changes]:
    """Events that close every timer of the kind."""
    return dict.fromkeys(events, closes)
