"""Numbers that others published, and three ways of computing a rate that share no code with each other.

The examples of Microsoft's documentation of PMT, IPMT, CUMIPMT, IRR, XIRR and EFFECT are computed with our schedules
and our rates; closed forms and a bisection in exact fractions stand beside the solver.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from adapters.pricing.solver import solve_apr, solve_monthly
from domain.pricing.dates import DayCount, monthly_periods
from domain.pricing.parts import EqualPrincipal, Fee, FeeTiming, Level
from domain.pricing.rates import (
    DatedFlow,
    effective_annual_rate,
    monthly_rate_of,
    nominal_annual_rate,
    verify_apr,
    verify_rate,
)
from domain.pricing.schedules import level
from tests.domain.pricing.offers import CAR, START, offer, quoted

SMALL_LOAN = (545_056, *(-108_315,) * 9)
FEE = Fee(code="service", en="Fee", zh="手续费", timing=FeeTiming.UPFRONT, fen=300_000)
THIRTY = DayCount.THIRTY_360


def percent(rate: str, places: str = "0.01") -> str:
    return f"{(Decimal(rate) * 100).quantize(Decimal(places)):f}"


def bisected(flows: Sequence[int]) -> Decimal:
    """The rate of a period by nothing but halving, in exact fractions of powers of two."""

    def worth(rate: Fraction) -> Fraction:
        total = Fraction(0)
        for fen in reversed(flows):
            total = total / (1 + rate) + fen
        return total

    low, high = Fraction(0), Fraction(4)
    for _ in range(44):
        middle = (low + high) / 2
        low, high = (middle, high) if worth(middle) < 0 else (low, middle)
    with localcontext() as context:
        context.prec = 30
        return Decimal(high.numerator) / Decimal(high.denominator)


# ------------------------------------------------------------------------------------------ what regulators count


def test_small_loan_costs_162_percent() -> None:
    """5,450.56 in hand against nine times 1,083.15 is 162.36 % a year."""
    monthly = solve_monthly(SMALL_LOAN)
    assert percent(nominal_annual_rate(monthly)) == "162.36"
    assert abs(bisected(SMALL_LOAN) - Decimal(monthly)) < Decimal("1e-10")


def test_car_with_a_fee_costs_13_77_nominal_and_14_67_effective() -> None:
    """120,000 over 36 months at 12 % with 3,000 up front."""
    made = offer(replace(CAR, fees=(FEE,)))
    assert made.rates is not None
    assert (percent(made.rates.nominal_annual_rate), percent(made.rates.effective_annual_rate)) == ("13.77", "14.67")
    assert abs(bisected(quoted(replace(CAR, fees=(FEE,))).flows) - Decimal(made.rates.monthly_irr)) < Decimal("1e-10")


# --------------------------------------------------------------------------------- examples of a spreadsheet's manual


@pytest.mark.parametrize(
    ("amount_fen", "rate", "months", "payment_fen"),
    [
        (1_000_000, "0.08", 10, 103_703),  # PMT(8%/12, 10, 10000) = ($1,037.03)
        (12_500_000, "0.09", 360, 100_578),  # the loan of CUMIPMT and CUMPRINC: PMT(9%/12, 360, 125000) = ($1,005.78)
    ],
)
def test_pmt(amount_fen: int, rate: str, months: int, payment_fen: int) -> None:
    schedule = level(amount_fen, rate, monthly_periods(START, months), THIRTY)
    assert schedule[0].total_fen == payment_fen


def test_ipmt_and_cumulative_interest() -> None:
    """IPMT(10%/12, 1, 36, 8000) = ($66.67); of CUMIPMT(9%/12, 360, 125000): -11135.23; of CUMPRINC: -68.28."""
    assert level(800_000, "0.1", monthly_periods(START, 36), THIRTY)[0].interest_fen == 6_667
    long = level(12_500_000, "0.09", monthly_periods(START, 360), THIRTY)
    assert abs(sum(row.interest_fen for row in long[12:24]) - 1_113_523) <= 12
    assert long[0].principal_fen == 6_828


def test_irr() -> None:
    """IRR of -70,000 and 12,000, 15,000, 18,000, 21,000, 26,000 = 8.7 %."""
    flows = (-7_000_000, 1_200_000, 1_500_000, 1_800_000, 2_100_000, 2_600_000)
    mirrored = tuple(-fen for fen in flows)
    assert percent(solve_monthly(mirrored), "0.1") == "8.7"
    assert abs(bisected(mirrored) - Decimal(solve_monthly(mirrored))) < Decimal("1e-10")


def test_xirr() -> None:
    """XIRR of the documentation = 0.373362535."""
    days = (date(2008, 1, 1), date(2008, 3, 1), date(2008, 10, 30), date(2009, 2, 15), date(2009, 4, 1))
    amounts = (1_000_000, -275_000, -425_000, -325_000, -275_000)
    apr = solve_apr([DatedFlow(day, fen) for day, fen in zip(days, amounts, strict=True)])
    assert apr.startswith("0.37336253")


def test_effect() -> None:
    """EFFECT(5.25 %, 4) = 5.3543 %: four quarters of 1.3125 %."""
    with localcontext() as context:
        context.prec = 40
        monthly = (1 + Decimal("0.013125")) ** (Decimal(1) / 3) - 1
    assert percent(effective_annual_rate(f"{monthly:.20f}"), "0.0001") == "5.3543"
    assert monthly_rate_of(effective_annual_rate(f"{monthly:.20f}"))[:11] == f"{monthly:.10f}"[:11]


# -------------------------------------------------------------------------------------------------- closed forms


def test_quarters_cost_what_quarters_cost() -> None:
    """12 % by the quarter is 3 % a quarter: 12.5509 % a year, and (1.03^(1/3) − 1) × 12 by the month."""
    made = offer(replace(CAR, structure=Level(every_months=3)))
    assert made.rates is not None
    assert percent(made.rates.effective_annual_rate, "0.0001") == "12.5509"
    assert percent(made.rates.monthly_irr, "0.0001") == "0.9902"
    principal = offer(replace(CAR, structure=EqualPrincipal(every_months=6)))
    assert principal.rates is not None
    assert percent(principal.rates.effective_annual_rate, "0.0001") == "12.3600"


def test_two_payments_by_the_quadratic_formula() -> None:
    """100 against 60 and 60: v = (√(60² + 4 × 60 × 100) − 60) ÷ 120, i = 13.07 %."""
    with localcontext() as context:
        context.prec = 40
        factor = ((Decimal(60) ** 2 + 4 * Decimal(60) * 100).sqrt() - 60) / 120
        exact = 1 / factor - 1
    monthly = solve_monthly((100, -60, -60))
    assert percent(monthly) == "13.07"
    assert abs(Decimal(monthly) - exact) <= Decimal("5e-11")


@given(st.integers(10_000, 10**9), st.integers(1, 60), st.integers(1, 400))
def test_one_payment_by_a_root(fen: int, months: int, grown_percent: int) -> None:
    """What is paid back at once: i = (paid ÷ lent)^(1/n) − 1."""
    paid = fen + fen * grown_percent // 100
    flows = (fen, *(0,) * (months - 1), -paid)
    with localcontext() as context:
        context.prec = 40
        exact = (Decimal(paid) / fen) ** (Decimal(1) / months) - 1
    assert abs(Decimal(solve_monthly(flows)) - exact) <= Decimal("5.1e-11")


@given(st.integers(100_000, 10**8), st.lists(st.integers(1_000, 10**6), min_size=1, max_size=40), st.integers(0, 300))
def test_solver_bisection_and_proof_agree(lent: int, parts: list[int], cost_percent: int) -> None:
    total = lent + lent * cost_percent // 100
    share = [part * total // sum(parts) for part in parts]
    flows = (lent, *(-fen for fen in share[:-1]), -(total - sum(share[:-1])))
    monthly = solve_monthly(flows)
    verify_rate(flows, monthly)
    if Decimal(monthly) < 4:
        assert abs(bisected(flows) - Decimal(monthly)) < Decimal("1e-10")


@given(st.integers(100_000, 10**8), st.integers(1, 2_000), st.integers(1, 100))
def test_one_dated_payment_by_a_root(fen: int, days: int, grown_percent: int) -> None:
    paid = fen + fen * grown_percent // 100 + 1
    flows = [DatedFlow(START, fen), DatedFlow(date.fromordinal(START.toordinal() + days), -paid)]
    with localcontext() as context:
        context.prec = 40
        exact = (Decimal(paid) / fen) ** (Decimal(365) / days) - 1
    if exact < 1_000:
        apr = solve_apr(flows)
        verify_apr(flows, apr)
        assert abs(Decimal(apr) - exact) <= Decimal("1e-10")
