"""Timers sort as they are fired and name themselves; working days move dates."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest

from domain.calendar.working_days import Day, assumed
from domain.kernel.timer import Timer
from domain.kernel.times import is_month_end, month_end

A, B = UUID(int=0xA), UUID(int=0xB)
D = date(2005, 4, 30)


def test_key_says_which_timer_it_is() -> None:
    timer = Timer(D, 50, "bill", A, 3)
    assert timer.key == "timer:bill:0000000000000000000000000000000a:2005-04-30:3"


def test_timers_sort_by_day_order_stream_number() -> None:
    told = [
        Timer(D, 40, "interest_accrual", B, 0),
        Timer(D, 50, "bill", A, 1),
        Timer(D, 50, "bill", A, 2),
        Timer(D, 50, "bill", B, 1),
        Timer(D + timedelta(days=1), 10, "application_expiry", A, 0),
    ]
    backwards = told[::-1]
    assert sorted(backwards) == told


@pytest.mark.parametrize(
    ("day", "last"),
    [(date(2005, 2, 28), True), (date(2004, 2, 28), False), (date(2004, 2, 29), True), (date(2005, 4, 30), True)],
)
def test_month_ends(day: date, last: bool) -> None:
    assert is_month_end(day) is last
    assert is_month_end(month_end(day))
    assert month_end(day).month == day.month


class Weekdays:
    """Monday to Friday, with some days off."""

    def __init__(self, *off: date) -> None:
        self._off = off

    def day(self, on: date) -> Day:
        known = assumed(on)
        return Day(on, known.working and on not in self._off, published=True)


def test_what_is_not_published_is_said_to_be_assumed() -> None:
    assert assumed(date(2040, 1, 2)) == Day(date(2040, 1, 2), working=True, published=False)
    assert assumed(date(2040, 1, 1)).working is False
