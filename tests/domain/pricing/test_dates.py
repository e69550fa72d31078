"""Day counts by the published examples, month ends that never drift, and due dates that avoid closed days."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.times import is_month_end
from domain.pricing.dates import (
    ADJUST_DAYS_MAX,
    PERIODS_MAX,
    Adjustment,
    DateError,
    DayCount,
    Period,
    add_days,
    add_months,
    adjusted,
    day_periods,
    monthly_periods,
    period_fraction,
    with_due_days,
    year_fraction,
)

# Start, end, days under 30/360, days under 30E/360: the examples that ISDA publishes beside its 2006 definitions.
ISDA_EXAMPLES = [
    ("2007-01-15", "2007-01-30", 15, 15),
    ("2007-01-15", "2007-02-15", 30, 30),
    ("2007-01-15", "2007-07-15", 180, 180),
    ("2007-09-30", "2008-03-31", 180, 180),
    ("2007-09-30", "2007-10-31", 30, 30),
    ("2007-09-30", "2008-09-30", 360, 360),
    ("2007-01-15", "2007-01-31", 16, 15),
    ("2007-01-31", "2007-02-28", 28, 28),
    ("2007-02-28", "2007-03-31", 33, 32),
    ("2006-08-31", "2007-02-28", 178, 178),
    ("2007-02-28", "2007-08-31", 183, 182),
    ("2007-02-14", "2007-02-28", 14, 14),
    ("2007-02-26", "2008-02-29", 363, 363),
    ("2008-02-29", "2009-02-28", 359, 359),
    ("2008-02-29", "2008-03-30", 31, 31),
    ("2008-02-29", "2008-03-31", 32, 31),
    ("2007-02-28", "2007-03-05", 7, 7),
    ("2007-10-31", "2007-11-28", 28, 28),
    ("2007-08-31", "2008-02-29", 179, 179),
    ("2008-02-29", "2008-08-31", 182, 181),
    ("2008-08-31", "2009-02-28", 178, 178),
    ("2009-02-28", "2009-08-31", 183, 182),
]

DAYS = st.dates(date(1990, 1, 1), date(2080, 12, 31))
# The spring festival of a year and a weekend worked in exchange for it.
CLOSED = {date(2026, 2, 16) + timedelta(days=n) for n in range(8)}
WORKED = {date(2026, 2, 14), date(2026, 2, 28)}


def working(day: date) -> bool:
    return day in WORKED or (day.weekday() < 5 and day not in CLOSED)


@pytest.mark.parametrize(("start", "end", "thirty", "thirty_e"), ISDA_EXAMPLES)
def test_published_examples(start: str, end: str, thirty: int, thirty_e: int) -> None:
    first, last = date.fromisoformat(start), date.fromisoformat(end)
    assert year_fraction(first, last, DayCount.THIRTY_360) == (thirty, 360)
    assert year_fraction(first, last, DayCount.THIRTY_E_360) == (thirty_e, 360)


def test_fixed_year_has_365_days_in_leap_years_too() -> None:
    leap = year_fraction(date(2028, 1, 1), date(2029, 1, 1), DayCount.ACTUAL_365_FIXED)
    assert leap == (366, 365)


def test_names_are_those_of_the_definitions() -> None:
    assert {count.value for count in DayCount} == {"Actual/365 (Fixed)", "30/360", "30E/360"}


@given(DAYS, st.integers(0, 400))
def test_actual_days_add_up(start: date, days: int) -> None:
    middle, end = start + timedelta(days=days), start + timedelta(days=2 * days)
    parts = [year_fraction(*pair, DayCount.ACTUAL_365_FIXED)[0] for pair in ((start, middle), (middle, end))]
    assert sum(parts) == year_fraction(start, end, DayCount.ACTUAL_365_FIXED)[0] == 2 * days


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        ("2026-01-31", 1, "2026-02-28"),
        ("2028-01-31", 1, "2028-02-29"),
        ("2026-12-31", 2, "2027-02-28"),
        ("2026-03-31", -1, "2026-02-28"),
        ("2026-05-15", 0, "2026-05-15"),
        ("2026-11-30", 14, "2028-01-30"),
    ],
)
def test_months_are_added(day: str, months: int, expected: str) -> None:
    assert add_months(date.fromisoformat(day), months) == date.fromisoformat(expected)


def test_month_end_sticks_when_asked_for() -> None:
    assert add_months(date(2026, 4, 30), 1, month_end=True) == date(2026, 5, 31)
    assert add_months(date(2026, 2, 28), 1, anchor=31) == date(2026, 3, 31)


def test_years_end() -> None:
    with pytest.raises(DateError, match="1 to 9999"):
        add_months(date(9999, 12, 31), 1)


def test_due_dates_do_not_drift() -> None:
    periods = monthly_periods(date(2026, 1, 31), 4)
    assert [period.due_on for period in periods] == [
        date(2026, 2, 28),
        date(2026, 3, 31),
        date(2026, 4, 30),
        date(2026, 5, 31),
    ]
    assert [period.number for period in periods] == [1, 2, 3, 4]
    assert all(period.whole_months == 1 and not period.in_advance for period in periods)


def test_month_end_rule_needs_a_month_end() -> None:
    ends = monthly_periods(date(2026, 3, 31), 3, first_due_on=date(2026, 4, 30), month_end=True)
    assert [period.due_on.day for period in ends] == [30, 31, 30]
    assert all(is_month_end(period.due_on) for period in ends)
    kept = monthly_periods(date(2026, 3, 29), 3, first_due_on=date(2026, 4, 29), month_end=True)
    assert [period.due_on.day for period in kept] == [29, 29, 29]
    without = monthly_periods(date(2026, 3, 31), 3, first_due_on=date(2026, 4, 30))
    assert [period.due_on.day for period in without] == [30, 30, 30]


def test_first_period_may_be_short_or_long() -> None:
    short = monthly_periods(date(2026, 3, 20), 2, first_due_on=date(2026, 4, 5))
    assert [period_fraction(period, DayCount.THIRTY_360) for period in short] == [(15, 360), (30, 360)]
    assert [period.whole_months for period in short] == [0, 1]
    long = monthly_periods(date(2026, 3, 20), 2, first_due_on=date(2026, 5, 5))
    assert period_fraction(long[0], DayCount.ACTUAL_365_FIXED) == (46, 365)


def test_bills_in_advance_begin_on_the_first_day() -> None:
    start = date(2026, 3, 31)
    periods = monthly_periods(start, 3, first_due_on=start)
    assert [(p.due_on, p.starts_on) for p in periods] == [
        (day, day) for day in (start, date(2026, 4, 30), date(2026, 5, 31))
    ]
    assert periods[-1].ends_on == date(2026, 6, 30)
    assert all(period.in_advance for period in periods)


def test_whole_month_counts_thirty_days_whatever_its_ends() -> None:
    clamped = Period(1, date(2026, 1, 31), date(2026, 2, 28), date(2026, 2, 28))
    assert period_fraction(clamped, DayCount.THIRTY_360) == (30, 360)
    assert year_fraction(clamped.starts_on, clamped.ends_on, DayCount.THIRTY_360) == (28, 360)
    assert period_fraction(clamped, DayCount.ACTUAL_365_FIXED) == (28, 365)


@pytest.mark.parametrize(
    ("day", "how", "expected"),
    [
        ("2026-02-16", Adjustment.NONE, "2026-02-16"),
        ("2026-02-16", Adjustment.FOLLOWING, "2026-02-24"),
        ("2026-02-16", Adjustment.PRECEDING, "2026-02-14"),
        ("2026-02-14", Adjustment.FOLLOWING, "2026-02-14"),
        ("2026-01-31", Adjustment.FOLLOWING, "2026-02-02"),
        ("2026-01-31", Adjustment.MODIFIED_FOLLOWING, "2026-01-30"),
        ("2026-02-07", Adjustment.MODIFIED_FOLLOWING, "2026-02-09"),
    ],
)
def test_due_dates_avoid_closed_days(day: str, how: Adjustment, expected: str) -> None:
    assert adjusted(date.fromisoformat(day), how, working) == date.fromisoformat(expected)


def test_broken_calendar_is_named() -> None:
    with pytest.raises(DateError, match=f"within {ADJUST_DAYS_MAX} days of 2026-02-16"):
        adjusted(date(2026, 2, 16), Adjustment.FOLLOWING, lambda day: False)


def test_adjustment_moves_the_payment_and_not_the_interest() -> None:
    start = date(2026, 1, 17)
    plain = monthly_periods(start, 3)
    moved = monthly_periods(start, 3, adjustment=Adjustment.FOLLOWING, is_business_day=working)
    assert [p.due_on for p in plain] == [date(2026, 2, 17), date(2026, 3, 17), date(2026, 4, 17)]
    assert [p.due_on for p in moved] == [date(2026, 2, 24), date(2026, 3, 17), date(2026, 4, 17)]
    assert [(p.starts_on, p.ends_on) for p in plain] == [(p.starts_on, p.ends_on) for p in moved]


def test_days_are_billed_in_intervals() -> None:
    periods = day_periods(date(2026, 3, 2), 17, 7)
    assert [(p.ends_on - p.starts_on).days for p in periods] == [7, 7, 3]
    assert [p.due_on for p in periods] == [date(2026, 3, 9), date(2026, 3, 16), date(2026, 3, 19)]
    advance = day_periods(date(2026, 3, 2), 17, 7, in_advance=True)
    assert [p.due_on for p in advance] == [date(2026, 3, 2), date(2026, 3, 9), date(2026, 3, 16)]


def test_colliding_due_dates_are_refused() -> None:
    with pytest.raises(DateError, match="one onto the other"):
        day_periods(date(2026, 3, 6), 3, 1, adjustment=Adjustment.FOLLOWING, is_business_day=working)


@pytest.mark.parametrize("count", [0, -1, PERIODS_MAX + 1])
def test_number_of_periods_is_bounded(count: int) -> None:
    with pytest.raises(DateError, match="periods: expected 1"):
        monthly_periods(date(2026, 3, 2), count)


def test_first_due_date_is_not_before_the_start() -> None:
    with pytest.raises(DateError, match="expected 2026-03-02 or later"):
        monthly_periods(date(2026, 3, 2), 3, first_due_on=date(2026, 3, 1))


@pytest.mark.parametrize(("days", "every"), [(0, 7), (7, 0), (PERIODS_MAX + 1, 1)])
def test_days_and_intervals_are_bounded(days: int, every: int) -> None:
    with pytest.raises(DateError, match="expected"):
        day_periods(date(2026, 3, 2), days, every)


@given(DAYS, st.integers(1, 120), st.integers(0, 60), st.booleans(), st.sampled_from(Adjustment))
def test_months_follow_one_another(start: date, count: int, wait: int, month_end: bool, how: Adjustment) -> None:
    first = start + timedelta(days=wait)
    periods = monthly_periods(
        start, count, first_due_on=first, month_end=month_end, adjustment=how, is_business_day=working
    )
    assert [period.number for period in periods] == list(range(1, count + 1))
    assert periods[0].starts_on == start
    assert all(before.ends_on == after.starts_on for before, after in pairwise(periods))
    assert all(before.due_on < after.due_on for before, after in pairwise(periods))
    assert all(period.starts_on < period.ends_on for period in periods)
    assert how is Adjustment.NONE or all(working(period.due_on) for period in periods)


@given(DAYS, st.integers(1, 400), st.integers(1, 60), st.booleans())
def test_days_follow_one_another(start: date, days: int, every: int, in_advance: bool) -> None:
    periods = day_periods(start, days, every, in_advance=in_advance)
    assert sum((period.ends_on - period.starts_on).days for period in periods) == days
    assert all(before.ends_on == after.starts_on for before, after in pairwise(periods))
    assert all(before.due_on < after.due_on for before, after in pairwise(periods))


@pytest.mark.parametrize(("every", "days"), [(3, ["2026-04-30", "2026-07-31"]), (6, ["2026-07-31", "2027-01-31"])])
def test_quarters_and_half_years_keep_their_day(every: int, days: list[str]) -> None:
    periods = monthly_periods(date(2026, 1, 31), 2, every_months=every)
    assert [period.due_on.isoformat() for period in periods] == days
    assert {period.whole_months for period in periods} == {every}
    assert period_fraction(periods[0], DayCount.THIRTY_360) == (30 * every, 360)


def test_first_quarter_may_be_short() -> None:
    periods = monthly_periods(date(2026, 1, 20), 2, every_months=3, first_due_on=date(2026, 3, 31), month_end=True)
    assert [period.due_on.isoformat() for period in periods] == ["2026-03-31", "2026-06-30"]
    assert [period.whole_months for period in periods] == [0, 3]


def test_nothing_falls_due_before_the_start() -> None:
    """2026-03-14 is a Saturday: the preceding business day is before the lease begins."""
    start = date(2026, 3, 14)
    periods = monthly_periods(start, 2, first_due_on=start, adjustment=Adjustment.PRECEDING, is_business_day=working)
    assert [period.due_on.isoformat() for period in periods] == ["2026-03-16", "2026-04-14"]


@pytest.mark.parametrize("how", Adjustment)
@given(
    DAYS,
    st.integers(1, 12),
    st.lists(st.integers(1, 400), max_size=6, unique=True).map(sorted),
)
def test_more_due_days_divide_periods(how: Adjustment, start: date, count: int, after: list[int]) -> None:
    before = monthly_periods(start, count, adjustment=how, is_business_day=working)
    periods = with_due_days(before, after, adjustment=how, is_business_day=working)
    assert [period.number for period in periods] == list(range(1, len(periods) + 1))
    assert (periods[0].starts_on, periods[-1].ends_on) == (start, before[-1].ends_on)
    assert all(one.ends_on == other.starts_on and one.due_on < other.due_on for one, other in pairwise(periods))
    assert {period.due_on for period in before} <= {period.due_on for period in periods}
    asked = {start + timedelta(days=days) for days in after}
    assert {period.ends_on for period in periods} <= {period.ends_on for period in before} | asked
    assert after or periods == before


@pytest.mark.parametrize("build", [lambda: add_days(date.max, 1), lambda: add_days(date.min, -1)])
def test_days_end_with_the_calendar(build: Callable[[], date]) -> None:
    with pytest.raises(DateError, match="years 1 to 9999"):
        build()


def test_end_of_the_calendar_has_a_name() -> None:
    for late in (
        lambda: day_periods(date(9999, 12, 1), 60, 30),
        lambda: adjusted(date(9999, 12, 31), Adjustment.FOLLOWING, lambda _: False),
        lambda: monthly_periods(date(9999, 6, 1), 12),
    ):
        with pytest.raises(DateError, match="years 1 to 9999"):
            late()
