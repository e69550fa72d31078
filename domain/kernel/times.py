"""Instants and business dates. Instants are aware UTC datetimes; days are the ledger's own, in Asia/Shanghai."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")
"""China has kept UTC+8 without daylight saving since 1991; every business date is a day of this zone."""


class TimeError(ValueError):
    """An instant that is not an aware RFC 3339 date-time."""


def utc_text(instant: datetime) -> str:
    """RFC 3339 in UTC with exactly six fractional digits, e.g. `2026-11-21T08:00:00.123456Z`.

    Raises `TimeError` for a naive datetime.
    """
    if instant.tzinfo is None:
        raise TimeError(f"expected an aware datetime, got the naive {instant.isoformat()}")
    return instant.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def parse_utc(text: str) -> datetime:
    """Any RFC 3339 date-time with an offset, as a UTC datetime. Raises `TimeError`."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise TimeError(f"expected an RFC 3339 date-time, got {text[:40]!r}") from None
    if instant.tzinfo is None:
        raise TimeError(f"expected a date-time with an offset, got {text[:40]!r}")
    return instant.astimezone(UTC)


def business_date(instant: datetime) -> date:
    """The day in Asia/Shanghai that an instant falls on."""
    return instant.astimezone(BEIJING).date()
