"""Instants and business dates. Instants are aware UTC datetimes; days are the ledger's own, in Asia/Shanghai."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta, timezone

import msgspec

BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")
"""China has kept UTC+8 without daylight saving since 1991; every business date is a day of this zone."""


_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)

_BEYOND_MICROSECONDS = re.compile(r"(?<=\.[0-9]{6})[0-9]+")

_ENCODE = msgspec.json.Encoder().encode


class TimeError(ValueError):
    """An instant that is not an aware RFC 3339 date-time."""


def utc_text(instant: datetime) -> str:
    """RFC 3339 in UTC with exactly six fractional digits, e.g. `2026-11-21T08:00:00.123456Z`.

    Raises `TimeError` for a naive datetime.
    """
    if instant.tzinfo is not UTC:
        if instant.tzinfo is None:
            raise TimeError(f"expected an aware datetime, got the naive {instant.isoformat()}")
        instant = instant.astimezone(UTC)
    # Several times as quick as isoformat, and it leaves out the fraction only when there is none.
    text = _ENCODE(instant).decode()
    return text[1:-1] if instant.microsecond else f"{text[1:-2]}.000000Z"


def parse_utc(text: str) -> datetime:
    """An RFC 3339 §5.6 date-time, with `T` and an offset, as a UTC datetime; what is finer than microseconds is cut.

    It is never rounded up, into an instant to come. Raises `TimeError`; of the other forms of ISO 8601 none is taken.
    """
    if not _RFC_3339.fullmatch(text):
        raise TimeError(f"expected an RFC 3339 date-time with an offset, got {text[:40]!r}")
    try:
        return datetime.fromisoformat(_BEYOND_MICROSECONDS.sub("", text.upper())).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise TimeError(f"expected an RFC 3339 date-time, got {text[:40]!r}: {error}") from None


def business_date(instant: datetime) -> date:
    """The day in Asia/Shanghai that an instant falls on.

    Raises `TimeError` for a naive datetime, which would be read in the machine's own zone.
    """
    if instant.tzinfo is None:
        raise TimeError(f"expected an aware datetime, got the naive {instant.isoformat()}")
    return instant.astimezone(BEIJING).date()


def is_month_end(day: date) -> bool:
    """Whether a day is the last of its month."""
    return day.day == monthrange(day.year, day.month)[1]


def month_end(day: date) -> date:
    """The last day of the month that a day is in."""
    return day.replace(day=monthrange(day.year, day.month)[1])
