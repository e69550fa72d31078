"""What is known about a calendar: the business date and how far the end of that day is."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from msgspec import Struct


class Phase(StrEnum):
    """The state machine's states; `ABSENT` is the empty stream."""

    ABSENT = "absent"
    OPEN = "open"
    CLOSING = "closing"


class CalendarState(Struct, frozen=True, kw_only=True):
    """One tenant's calendar.

    `version` counts its events. While the day is being closed, `steps` are those still to do, the first of them is
    the current one, with its `cursor` and the count it `processed` so far. `started` is the version of the event that
    began this end of day: what the day's steps did stands behind it in the ledger.
    """

    version: int = 0
    phase: Phase = Phase.ABSENT
    business_date: date | None = None
    steps: tuple[str, ...] = ()
    cursor: str | None = None
    processed: int = 0
    started: int = 0
