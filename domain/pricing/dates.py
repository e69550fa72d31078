"""The dates of a schedule: periods, month ends, day counts, and days on which nothing falls due.

    start ──period 1──▶│──period 2──▶│ … │──period n──▶│      interest runs over periods, whose ends never move
                       due 1         due 2             due n  a due date may move to a business day

Names of day counts are those of the 2006 ISDA Definitions §4.16 (d), (f), (g); of conventions, §4.12.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from enum import StrEnum
from itertools import pairwise

from msgspec import Struct

from domain.kernel.money import Rounding, divide
from domain.kernel.times import is_month_end

MONTHS_A_YEAR = 12
DAYS_OF_YEAR_FIXED = 365
DAYS_OF_YEAR_THIRTY = 360
DAYS_OF_MONTH_THIRTY = 30
ADJUST_DAYS_MAX = 30
"""The longest run of closed days that is believed; a longer one is a broken calendar."""

PERIODS_MAX = 400

IsBusinessDay = Callable[[date], bool]
"""A holiday calendar: whether a day is one on which money moves. It is passed in; this module knows no holiday."""


class DateError(ValueError):
    """Dates that make no schedule; says what was expected and what came."""


class DayCount(StrEnum):
    """How a year's interest is divided among the days of a period."""

    ACTUAL_365_FIXED = "Actual/365 (Fixed)"
    """Calendar days over 365, in leap years too: ISDA 2006 §4.16 (d)."""
    THIRTY_360 = "30/360"
    """Bond basis, ISDA 2006 §4.16 (f); a whole month of the schedule counts 30 days whatever its ends."""
    THIRTY_E_360 = "30E/360"
    """Eurobond basis, ISDA 2006 §4.16 (g); a whole month of the schedule counts 30 days whatever its ends."""


class Adjustment(StrEnum):
    """Where a due date goes that is no business day: ISDA 2006 §4.12."""

    NONE = "no_adjustment"
    FOLLOWING = "following"
    MODIFIED_FOLLOWING = "modified_following"
    PRECEDING = "preceding"


class Period(Struct, frozen=True):
    """One period, `starts_on` ≤ day < `ends_on`, and when its bill is due.

    `whole_months` is how many months of the schedule it is, 0 where it is none: each counts 30 days of 360.
    """

    number: int
    starts_on: date
    ends_on: date
    due_on: date
    whole_months: int = 1
    in_advance: bool = False


def year_fraction(start: date, end: date, count: DayCount) -> tuple[int, int]:
    """The days from `start` to `end` under a day count, and the days of its year: (29, 365), (30, 360)."""
    if count is DayCount.ACTUAL_365_FIXED:
        return (end - start).days, DAYS_OF_YEAR_FIXED
    first, last = min(start.day, DAYS_OF_MONTH_THIRTY), end.day
    # (f) shortens the last day only after a first day of 30 or 31, (g) always.
    if count is DayCount.THIRTY_E_360 or first == DAYS_OF_MONTH_THIRTY:
        last = min(last, DAYS_OF_MONTH_THIRTY)
    months = (end.year - start.year) * MONTHS_A_YEAR + end.month - start.month
    return months * DAYS_OF_MONTH_THIRTY + last - first, DAYS_OF_YEAR_THIRTY


def period_fraction(period: Period, count: DayCount) -> tuple[int, int]:
    """The same for a period of a schedule, where a whole month is a twelfth of a 360-day year."""
    if period.whole_months and count is not DayCount.ACTUAL_365_FIXED:
        return DAYS_OF_MONTH_THIRTY * period.whole_months, DAYS_OF_YEAR_THIRTY
    return year_fraction(period.starts_on, period.ends_on, count)


def add_days(day: date, days: int) -> date:
    """`days` after `day`. Raises `DateError` outside the years 1 to 9999."""
    try:
        return day + timedelta(days=days)
    except OverflowError:
        raise DateError(f"expected a date of the years 1 to 9999, got {days} days after {day}") from None


def add_months(day: date, months: int, *, anchor: int | None = None, month_end: bool = False) -> date:
    """`months` after `day`, on its day of the month (or `anchor`), or the last day of a shorter month.

    With `month_end` always the last day. Raises `DateError` outside the years 1 to 9999.
    """
    year, month = divmod(day.year * MONTHS_A_YEAR + day.month - 1 + months, MONTHS_A_YEAR)
    if not 1 <= year <= date.max.year:
        raise DateError(f"expected a date of the years 1 to 9999, got {months} months after {day}")
    length = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, length if month_end else min(anchor or day.day, length))


def adjusted(day: date, how: Adjustment, is_business_day: IsBusinessDay) -> date:
    """The business day that a due date moves to. Raises `DateError` when none is near."""
    if how is Adjustment.NONE:
        return day
    moved = _next_business_day(day, -1 if how is Adjustment.PRECEDING else 1, is_business_day)
    if how is Adjustment.MODIFIED_FOLLOWING and moved.month != day.month:
        return _next_business_day(day, -1, is_business_day)
    return moved


def _next_business_day(day: date, step: int, is_business_day: IsBusinessDay) -> date:
    for away in range(ADJUST_DAYS_MAX + 1):
        near = add_days(day, step * away)
        if is_business_day(near):
            return near
    raise DateError(f"expected a business day within {ADJUST_DAYS_MAX} days of {day}, got none")


def every_day(_day: date) -> bool:
    """The calendar that knows no closed day."""
    return True


def _due(day: date, start: date, how: Adjustment, is_business_day: IsBusinessDay) -> date:
    """The due date of a day; what would move to before the lease begins moves forward instead."""
    moved = adjusted(day, how, is_business_day)
    return moved if moved >= start else adjusted(day, Adjustment.FOLLOWING, is_business_day)


def monthly_periods(
    start: date,
    count: int,
    *,
    every_months: int = 1,
    first_due_on: date | None = None,
    month_end: bool = False,
    adjustment: Adjustment = Adjustment.NONE,
    is_business_day: IsBusinessDay = every_day,
) -> tuple[Period, ...]:
    """`count` periods of `every_months` months from `start`: monthly, quarterly (按季), half-yearly (按半年).

    `first_due_on` defaults to one interval after `start`; when it *is* `start`, bills are due in advance (先付), at the
    begin of their period, else in arrears (后付), at its end, and the first period may be shorter or longer than the
    others. Later due dates keep the first one's day of the month and never drift: 31 January, 28 February, 31 March.
    With `month_end`, a first due date on the last day of a month makes all of them last days: 30 April, 31 May.
    `adjustment` moves due dates only; periods, and with them the interest, stay.

    Raises `DateError` for a count outside 1 … `PERIODS_MAX`, a first due date before the start, or due dates that
    an adjustment moves onto one another.
    """
    if not 1 <= count <= PERIODS_MAX:
        raise DateError(f"periods: expected 1 … {PERIODS_MAX}, got {count}")
    first = add_months(start, every_months) if first_due_on is None else first_due_on
    if first < start:
        raise DateError(f"first due date: expected {start} or later, got {first}")
    given = start if first_due_on is None else first
    advance = first == start
    whole = advance or first == add_months(start, every_months) or start == add_months(first, -every_months)
    ends = _month_ends(first, count + advance, every_months, given, month_end=month_end and is_month_end(given))
    bounds = ends if advance else [start, *ends]
    return _checked(
        [
            Period(
                number=at + 1,
                starts_on=bounds[at],
                ends_on=bounds[at + 1],
                due_on=_due(ends[at], start, adjustment, is_business_day),
                whole_months=every_months if whole or at > 0 else 0,
                in_advance=advance,
            )
            for at in range(count)
        ]
    )


def _month_ends(first: date, count: int, every_months: int, given: date, *, month_end: bool) -> list[date]:
    """`count` days from `first` on, each on the day of the month of `given`, or the last of a shorter month."""
    return [add_months(first, at * every_months, anchor=given.day, month_end=month_end) for at in range(count)]


def day_periods(
    start: date,
    days: int,
    every_days: int,
    *,
    in_advance: bool = False,
    adjustment: Adjustment = Adjustment.NONE,
    is_business_day: IsBusinessDay = every_day,
) -> tuple[Period, ...]:
    """A term of `days` days, billed every `every_days` days; the last period is what is left.

    Due at the begin of a period when `in_advance`, else at its end. Raises `DateError` as `monthly_periods` does.
    """
    if days < 1 or every_days < 1:
        raise DateError(f"expected a term and a billing interval of at least 1 day, got {days} and {every_days}")
    count = divide(days, every_days, Rounding.UP)
    if count > PERIODS_MAX:
        raise DateError(f"periods: expected 1 … {PERIODS_MAX}, got {count}")
    bounds = [add_days(start, min(at * every_days, days)) for at in range(count + 1)]
    return _checked(
        [
            Period(
                number=at + 1,
                starts_on=bounds[at],
                ends_on=bounds[at + 1],
                due_on=_due(bounds[at if in_advance else at + 1], start, adjustment, is_business_day),
                whole_months=0,
                in_advance=in_advance,
            )
            for at in range(count)
        ]
    )


def with_due_days(
    periods: Sequence[Period],
    after_days: Sequence[int],
    *,
    adjustment: Adjustment = Adjustment.NONE,
    is_business_day: IsBusinessDay = every_day,
) -> tuple[Period, ...]:
    """The periods in arrears with more due days in between, so many days after the start: each divides a period in two.

    A day whose bill would fall due together with another one, or not before the last, divides nothing. Raises
    `DateError`.
    """
    start, last = periods[0].starts_on, periods[-1]
    due = {period.ends_on: period.due_on for period in periods}
    for days in after_days:
        end = add_days(start, days)
        due_on = _due(end, start, adjustment, is_business_day)
        if start < due_on < last.due_on and end < last.ends_on and due_on not in due.values():
            due[end] = due_on
    ends = sorted(due)
    whole = {(period.starts_on, period.ends_on): period.whole_months for period in periods}
    spans = enumerate(zip([start, *ends], ends, strict=False), start=1)
    return _checked(
        [Period(number, begin, end, due[end], whole.get((begin, end), 0), False) for number, (begin, end) in spans]
    )


def _checked(periods: list[Period]) -> tuple[Period, ...]:
    for before, after in pairwise(periods):
        if after.due_on <= before.due_on:
            raise DateError(
                f"due dates: expected number {after.number} after {before.due_on}, got {after.due_on}; "
                "the adjustment moves one onto the other"
            )
    return tuple(periods)
