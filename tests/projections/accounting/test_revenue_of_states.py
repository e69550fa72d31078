"""Interest and rent to come, month by month, adding up to the schedule."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.kernel.values import Business
from domain.leasing.lease.commands import AccrueInterest
from domain.leasing.lease.state import LeaseState
from domain.pricing.schedules import Instalment
from tests.domain.leasing import cases
from tests.domain.leasing.cases import day, history, state_of
from tests.projections.accounting.revenue_of_states import MonthAmount, future_interest, future_rent


def test_interest_falls_into_the_months_that_earn_it() -> None:
    """2 March to 1 April: 29 days of March, one of April; then thirty days each, 60 yuan."""
    months = future_interest(state_of(history(*cases.RUNNING)))
    assert months[:3] == (MonthAmount(2026, 3, 5_800), MonthAmount(2026, 4, 6_000), MonthAmount(2026, 5, 6_200))
    assert sum(month.fen for month in months) == 72_000


def test_what_is_accrued_is_not_to_come() -> None:
    state = state_of(history(*cases.RUNNING, (29, AccrueInterest(up_to=day(29)))))
    months = future_interest(state)
    assert months[0] == MonthAmount(2026, 4, 6_000)
    assert sum(month.fen for month in months) == 72_000 - 5_800


def test_a_lease_that_does_not_run_earns_nothing_yet_and_a_rental_no_interest() -> None:
    assert future_interest(state_of(history(*cases.CREATED))) == ()
    assert future_interest(state_of(history(*cases.PHONE_RUNNING))) == ()
    assert future_interest(state_of(history(*cases.ALL_BILLED))) == ()


def test_rent_falls_into_the_months_it_is_due_in() -> None:
    months = future_rent(state_of(history(*cases.PHONE_RUNNING)))
    assert months[0] == MonthAmount(2026, 4, 50_000)
    assert sum(month.fen for month in months) == 300_000
    assert months[1] == MonthAmount(2026, 5, 100_000), "1 and 31 May"
    assert future_rent(state_of(history(*cases.RUNNING))) == ()


@pytest.mark.parametrize("fen", [0, 1, 9_999])
def test_a_period_of_no_days_earns_at_once(fen: int) -> None:
    state = LeaseState(
        business=Business.FINANCE, period_start=date(2026, 1, 5), unbilled=(Instalment(1, date(2026, 1, 5), 1, fen),)
    )
    assert future_interest(state) == ((MonthAmount(2026, 1, fen),) if fen else ())


@given(
    st.dates(date(2020, 1, 1), date(2030, 1, 1)),
    st.lists(st.tuples(st.integers(1, 100), st.integers(0, 99_999)), min_size=1, max_size=8),
    st.integers(0, 120),
)
def test_months_add_up_to_the_schedule(start: date, periods: list[tuple[int, int]], passed: int) -> None:
    schedule, due = [], start
    for number, (days, fen) in enumerate(periods, start=1):
        due += timedelta(days=days)
        schedule.append(Instalment(number, due, 0, fen))
    state = LeaseState(business=Business.FINANCE, period_start=start, unbilled=tuple(schedule))
    accrued = state.earned_interest_fen(start + timedelta(days=passed))
    months = future_interest(replace(state, accrued_fen=accrued))
    assert sum(month.fen for month in months) == sum(fen for _, fen in periods) - accrued
    assert [(m.year, m.month) for m in months] == sorted({(m.year, m.month) for m in months})
    assert all(month.fen > 0 for month in months)
