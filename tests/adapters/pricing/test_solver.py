"""The solver: published rates, agreement with the domain's proof, and a second opinion on day counts."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
import pyxirr
from hypothesis import given
from hypothesis import strategies as st

from adapters.pricing.solver import NoRate, solve_apr, solve_monthly
from domain.pricing.dates import DayCount, monthly_periods, year_fraction
from domain.pricing.rates import AmbiguousCashFlows, DatedFlow, verify_apr, verify_rate
from domain.pricing.schedules import equal_principal, level

START = date(2026, 3, 16)


def dated(flows: list[tuple[int, int]]) -> list[DatedFlow]:
    return [DatedFlow(START + timedelta(days=day), fen) for day, fen in flows]


def test_published_small_loan() -> None:
    """5,450.56 in hand against nine times 1,083.15 is 162.36 % a year."""
    monthly = solve_monthly([545_056, *[-108_315] * 9])
    assert monthly == "0.1352979406"
    assert f"{Decimal(monthly) * 1_200:.2f}" == "162.36"


def test_published_car() -> None:
    """120,000 over 36 months at 12 %, 3,000 up front, is 13.77 % nominal."""
    schedule = level(12_000_000, "0.12", monthly_periods(START, 36), DayCount.THIRTY_360)
    monthly = solve_monthly([11_700_000, *(-row.total_fen for row in schedule)])
    assert f"{Decimal(monthly) * 1_200:.2f}" == "13.77"
    assert f"{((1 + Decimal(monthly)) ** 12 - 1) * 100:.2f}" == "14.67"


def test_apr_of_one_year() -> None:
    assert solve_apr(dated([(0, 100_000), (365, -112_000)])) == "0.1200000000"


def test_interest_free_is_zero() -> None:
    assert Decimal(solve_monthly([300, -100, -100, -100])) == 0


def test_positive_rate_is_the_one_that_counts() -> None:
    """A deposit that comes back gives a second root below zero, which a search may hit upon."""
    flows = [9_500_000, *[-870_000] * 11, -870_000 + 500_000]
    assert sum(flows) < 0
    verify_rate(flows, solve_monthly(flows))
    assert Decimal(solve_monthly(flows)) > 0


@pytest.mark.parametrize("flows", [[], [100], [100, 100], [100, -250, 155]])
def test_flows_without_one_rate_are_refused(flows: list[int]) -> None:
    with pytest.raises(AmbiguousCashFlows):
        solve_monthly(flows)
    with pytest.raises(AmbiguousCashFlows):
        solve_apr(dated(list(enumerate(flows))))


@pytest.mark.parametrize("answer", [None, float("nan"), float("inf"), -0.9, 1e9])
def test_bisection_finds_what_the_solver_does_not(monkeypatch: pytest.MonkeyPatch, answer: float | None) -> None:
    monkeypatch.setattr(pyxirr, "irr", lambda amounts: answer)
    assert solve_monthly([100_000, -110_000]) == "0.1000000000"


def test_solver_that_gives_up_is_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    def irr(_: list[int]) -> float:
        raise pyxirr.InvalidPaymentsError("no")

    monkeypatch.setattr(pyxirr, "irr", irr)
    assert solve_monthly([545_056, *[-108_315] * 9]) == "0.1352979406"


@pytest.mark.parametrize("flows", [[100, -50, -40], [1, -(10**9)]], ids=["below zero", "beyond measure"])
def test_rate_that_is_none(flows: list[int]) -> None:
    with pytest.raises(NoRate, match="expected a rate above zero, got none"):
        solve_monthly(flows)


def test_free_money_costs_nothing() -> None:
    assert solve_monthly([80, -50, -50, 20]) == "0.0000000000"
    assert solve_apr(dated([(0, 80), (30, -50), (60, -50), (90, 20)])) == "0.0000000000"


@given(
    st.integers(100_000, 10**10),
    st.integers(1, 9_999),
    st.integers(2, 84),
    st.integers(0, 10),
    st.dates(date(2020, 1, 1), date(2030, 12, 31)),
    st.booleans(),
)
def test_domain_agrees_with_every_solved_rate(
    amount_fen: int, rate_bp: int, term: int, fee_percent: int, start: date, equal: bool
) -> None:
    build = equal_principal if equal else level
    periods = monthly_periods(start, term)
    schedule = build(amount_fen, f"{Decimal(rate_bp) / 10_000:f}", periods, DayCount.THIRTY_360)
    received = amount_fen - amount_fen * fee_percent // 100
    flows = [received, *(-row.total_fen for row in schedule)]
    verify_rate(flows, solve_monthly(flows))
    by_date = [DatedFlow(start, received), *(DatedFlow(row.due_on, -row.total_fen) for row in schedule)]
    verify_apr(by_date, solve_apr(by_date))


@given(st.integers(1_000_000, 10**9), st.integers(1, 300), st.integers(6, 36), st.integers(1, 30))
def test_domain_agrees_with_deposits(amount_fen: int, rate_bp: int, term: int, deposit_percent: int) -> None:
    schedule = level(amount_fen, f"{Decimal(rate_bp) / 1_000:f}", monthly_periods(START, term), DayCount.THIRTY_360)
    held = amount_fen * deposit_percent // 100
    flows = [amount_fen - held, *(-row.total_fen for row in schedule)]
    flows[-1] += held
    verify_rate(flows, solve_monthly(flows))


DAYS = st.dates(date(1990, 1, 1), date(2080, 12, 31))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (DayCount.ACTUAL_365_FIXED, pyxirr.DayCount.ACT_365F),
        (DayCount.THIRTY_360, pyxirr.DayCount.THIRTY_360_ISDA),
        (DayCount.THIRTY_E_360, pyxirr.DayCount.THIRTY_E_360),
    ],
)
@given(DAYS, DAYS)
def test_other_program_counts_the_same_days(ours: DayCount, theirs: pyxirr.DayCount, one: date, two: date) -> None:
    first, last = sorted((one, two))
    days, year = year_fraction(first, last, ours)
    assert round(pyxirr.year_fraction(first, last, theirs) * year) == days
