"""Chinese holidays: days of published notices, and honesty about years without one."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from adapters.reference.holidays import FIRST_YEAR, LAST_YEAR, ChineseHolidays

DAYS = ChineseHolidays()


@pytest.mark.parametrize(
    ("on", "working"),
    [
        # State Council notice for 2005: Labour Day 1-7 May, worked on 30 April and 8 May; National Day 1-7 October.
        (date(2005, 4, 30), True),
        (date(2005, 5, 1), False),
        (date(2005, 5, 4), False),
        (date(2005, 5, 7), False),
        (date(2005, 5, 8), True),
        (date(2005, 5, 9), True),
        (date(2005, 10, 3), False),
        (date(2005, 10, 8), True),
        (date(2005, 2, 5), True),
        (date(2005, 2, 9), False),
        # Spring Festival of 2020, prolonged to 2 February because of the epidemic.
        (date(2020, 1, 31), False),
        (date(2020, 2, 2), False),
        # Ordinary days.
        (date(2005, 6, 13), True),
        (date(2005, 6, 12), False),
    ],
)
def test_published_days(on: date, working: bool) -> None:
    day = DAYS.day(on)
    assert (day.on, day.working, day.published) == (on, working, True)


def test_years_are_whole() -> None:
    assert FIRST_YEAR <= 2005
    assert LAST_YEAR >= 2025
    for year in range(FIRST_YEAR, LAST_YEAR + 1):
        worked = sum(DAYS.day(date(year, 1, 1) + timedelta(days=n)).working for n in range(365))
        assert 245 <= worked <= 255, year


@pytest.mark.parametrize("year", [FIRST_YEAR - 1, LAST_YEAR + 1, 2090])
def test_other_years_are_assumed_and_say_so(year: int) -> None:
    new_year = DAYS.day(date(year, 1, 1))
    assert new_year.published is False
    assert new_year.working is (date(year, 1, 1).weekday() < 5)


def test_nobody_works_in_the_golden_week() -> None:
    assert [day for day in range(1, 10) if DAYS.day(date(2005, 5, day)).working] == [8, 9]
