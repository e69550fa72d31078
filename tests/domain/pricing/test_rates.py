"""Rates are proved, not believed: the right one passes, its neighbours in the last places do not."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.pricing.rates import (
    RATE_PLACES,
    UNIT,
    AmbiguousCashFlows,
    DatedFlow,
    MalformedRate,
    RateMismatch,
    check_unambiguous,
    effective_annual_rate,
    nominal_annual_rate,
    quantised,
    verify_apr,
    verify_rate,
)

# 5,450.56 in hand, nine times 1,083.15: published as 162.36 % a year.
SMALL_LOAN = (545_056, *(-108_315,) * 9)
SMALL_LOAN_RATE = "0.1352979406"
# 120,000 over 36 months at 12 %, 3,000 up front: published as 13.77 % nominal, 14.67 % effective.
CAR = (11_700_000, *(-398_572,) * 36)
CAR_RATE = "0.0114749237"


@pytest.mark.parametrize(
    ("flows", "monthly", "nominal", "effective"),
    [(SMALL_LOAN, SMALL_LOAN_RATE, "162.36", "358.48"), (CAR, CAR_RATE, "13.77", "14.67")],
)
def test_published_rates(flows: tuple[int, ...], monthly: str, nominal: str, effective: str) -> None:
    verify_rate(flows, monthly)
    assert f"{Decimal(nominal_annual_rate(monthly)) * 100:.2f}" == nominal
    assert f"{Decimal(effective_annual_rate(monthly)) * 100:.2f}" == effective


@pytest.mark.parametrize("off", [-1000, -2, 2, 1000])
@pytest.mark.parametrize(("flows", "monthly"), [(SMALL_LOAN, SMALL_LOAN_RATE), (CAR, CAR_RATE)])
def test_neighbouring_rates_are_wrong(flows: tuple[int, ...], monthly: str, off: int) -> None:
    wrong = f"{Decimal(monthly) + off * UNIT:f}"
    with pytest.raises(RateMismatch, match=f"rate {wrong}: expected a net present value of 0 fen") as caught:
        verify_rate(flows, wrong)
    assert (caught.value.rate, caught.value.expected) == (wrong, "0")
    below, above = (Decimal(value) for value in caught.value.got)
    assert (below > 0) == (above > 0) == (off > 0)


def test_one_fen_more_is_another_rate() -> None:
    with pytest.raises(RateMismatch):
        verify_rate((*SMALL_LOAN[:-1], SMALL_LOAN[-1] - 1), SMALL_LOAN_RATE)


@pytest.mark.parametrize("rate", ["", "NaN", "Infinity", "-1", "-0.5", "1e999999999", "twelve per cent"])
def test_what_is_no_rate_is_named(rate: str) -> None:
    with pytest.raises(MalformedRate, match="expected decimal text"):
        verify_rate(CAR, rate)


@pytest.mark.parametrize(
    "flows",
    [
        (),
        (0, 0),
        (100,),
        (100, 100),
        (-100, -100),
        (100, -250, 155),
        (0, 100, -90, 100),
        (10, -50, -50, 90),
        (0, 10, -50, -50, 90),
        (100, -200, 150, -50),
    ],
)
def test_flows_without_one_rate_are_refused(flows: tuple[int, ...]) -> None:
    with pytest.raises(AmbiguousCashFlows, match="change sign exactly once"):
        check_unambiguous(flows)


@pytest.mark.parametrize(
    "flows",
    [
        (100, -100, 50, -50),
        (80, -50, -50, 20),
        (100, -100),
        (-80, 50, 50, -20),
        (100, -110),
        (100, 0, -50, -60),
        (80, -60, -60, 20),
        (-100, 60, 60),
        (0, 100, -150, 20),
    ],
)
def test_flows_with_one_rate_pass(flows: tuple[int, ...]) -> None:
    check_unambiguous(flows)
    if not sum(flows):
        verify_rate(flows, "0")
        with pytest.raises(RateMismatch):
            verify_rate(flows, "0.01")


def test_free_money_with_a_deposit_has_the_rate_zero_only_while_the_lessee_holds_more() -> None:
    """80 − 50 − 50 + 20 is free. 10 − 50 − 50 + 90 is free, too, and at 460 % a period once more."""
    verify_rate((80, -50, -50, 20), "0.0000000000")
    # 10 − 50 v − 50 v² + 90 v³ = (1 − v) × (10 − 40 v − 90 v²)
    factor = (Decimal(5_200).sqrt() - 40) / 180
    assert f"{1 / factor - 1:.2f}" == "4.61"
    assert abs(10 - 50 * factor - 50 * factor**2 + 90 * factor**3) < Decimal("1e-20")
    with pytest.raises(AmbiguousCashFlows):
        verify_rate((10, -50, -50, 90), "0")


def test_time_decides_who_holds_more() -> None:
    """The same sums: lent for a day and held for a year, or the other way round."""
    check_unambiguous((100, -200, 100), (0, 365, 366))
    with pytest.raises(AmbiguousCashFlows):
        check_unambiguous((100, -200, 100), (0, 1, 366))
    check_unambiguous((100, -200, 100), (0, 10, 20))


def test_interest_free_is_zero() -> None:
    verify_rate((300, -100, -100, -100), "0")
    with pytest.raises(RateMismatch):
        verify_rate((300, -100, -100, -100), "0.0000000002")


def test_deposit_that_comes_back() -> None:
    """At 25 %: 200 × 0.8 + 200 × 0.64 − 125 × 0.512 = 224."""
    verify_rate((224, -200, -200, 125), "0.25")
    with pytest.raises(RateMismatch):
        verify_rate((224, -200, -200, 125), "0.2")


def test_year_of_365_days_is_the_unit_of_apr() -> None:
    flows = (DatedFlow(date(2026, 1, 1), 100_000), DatedFlow(date(2027, 1, 1), -112_000))
    verify_apr(flows, "0.12")
    leap = (DatedFlow(date(2028, 1, 1), 100_000), DatedFlow(date(2029, 1, 1), -112_000))
    with pytest.raises(RateMismatch):
        verify_apr(leap, "0.12")


def test_apr_needs_order() -> None:
    flows = [DatedFlow(date(2026, 1, 1) + timedelta(days=day), fen) for day, fen in ((0, 100), (20, -60), (10, -60))]
    with pytest.raises(AmbiguousCashFlows, match="order of their dates"):
        verify_apr(flows, "0.1")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("0.12", "0.1200000000"),
        ("0.00000000005", "0.0000000001"),
        ("-0.00000000001", "0.0000000000"),
        ("3", "3.0000000000"),
    ],
)
def test_rates_have_ten_places(value: str, text: str) -> None:
    assert RATE_PLACES == 10
    assert quantised(Decimal(value)) == text


@given(st.integers(1, 9_999), st.integers(1, 60), st.integers(10_000, 10**10))
def test_one_payment_has_a_rate_in_closed_form(rate_tenths_ppm: int, month: int, fen: int) -> None:
    """What grows at a rate for some months has that rate, as far as a fen allows to tell."""
    rate = Decimal(rate_tenths_ppm) / 100_000
    grown = int(fen * (1 + rate) ** month)
    flows = (fen, *(0,) * (month - 1), -grown)
    exact = (Decimal(grown) / fen) ** (Decimal(1) / month) - 1
    if grown > fen:
        verify_rate(flows, quantised(exact))
        with pytest.raises(RateMismatch):
            verify_rate(flows, quantised(exact + 3 * UNIT))
