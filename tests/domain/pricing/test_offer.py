"""Offers: published numbers from plan to rate, and no offer whose rate is not proved."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from adapters.pricing.solver import solve_apr, solve_monthly
from domain.pricing.deposits import FixedDeposit, Hold
from domain.pricing.offer import Offer, price
from domain.pricing.parts import Fee, FeeTiming, NoBuyOut, RateBand
from domain.pricing.plans import digest_of
from domain.pricing.rates import RateMismatch
from domain.pricing.schedules import principal_of, total_of
from tests.domain.pricing.offers import CAR, PHONE, START, offer, quoted

THREE_THOUSAND = Fee(code="service", en="Fee", zh="手续费", timing=FeeTiming.UPFRONT, fen=300_000)
CAR_WITH_FEE = replace(CAR, fees=(THREE_THOUSAND,))


def percent(rate: str) -> str:
    return f"{Decimal(rate) * 100:.2f}"


def test_published_car() -> None:
    """120,000 over 36 months at 12 % with 3,000 up front: 13.77 % nominal, 14.67 % effective."""
    made = offer(CAR_WITH_FEE)
    assert made.rates is not None
    assert percent(made.contract_rate) == "12.00"
    assert percent(made.rates.nominal_annual_rate) == "13.77"
    assert percent(made.rates.effective_annual_rate) == "14.67"
    assert (made.total_fen, made.total_cost_fen) == (14_648_579, 2_648_579)


def test_without_fees_the_rate_is_that_of_the_contract() -> None:
    made = offer(CAR)
    assert made.rates is not None
    assert percent(made.rates.nominal_annual_rate) == "12.00"
    assert percent(made.rates.effective_annual_rate) == "12.68"


def test_offer_says_everything() -> None:
    made = offer(CAR, down_payment_fen=2_000_000)
    assert (made.plan, made.plan_version, made.plan_digest) == ("car", 1, digest_of(CAR))
    assert (made.financed_fen, principal_of(made.schedule)) == (10_000_000, 10_000_000)
    assert made.total_fen == total_of(made.schedule) + 2_000_000
    assert made.total_cost_fen == total_of(made.schedule) - 10_000_000
    assert (made.deposit_rule, made.deposit_mode, made.paid_out_fen, made.start) == ("free", "waived", None, START)
    assert msgspec.json.decode(msgspec.json.encode(made), type=Offer) == made


@pytest.mark.parametrize(
    ("hold", "share", "mode"),
    [(Hold.CASH, "0.1", "cash"), (Hold.PREAUTHORISED, "0.1", "preauthorised"), (Hold.CASH, "0", "waived")],
)
def test_deposit_says_how_it_is_secured(hold: Hold, share: str, mode: str) -> None:
    made = offer(replace(CAR, deposit=FixedDeposit(hold, share)))
    assert (made.deposit_rule, made.deposit_mode) == ("fixed", mode)


def test_cash_deposit_makes_money_dearer() -> None:
    plain, secured = offer(CAR), offer(replace(CAR, deposit=FixedDeposit(Hold.CASH, "0.2")))
    assert plain.rates is not None
    assert secured.rates is not None
    assert Decimal(secured.rates.monthly_irr) > Decimal(plain.rates.monthly_irr)
    assert secured.total_fen == plain.total_fen


def test_rental_that_goes_back_has_no_rate() -> None:
    made = offer(replace(PHONE, buyout=NoBuyOut()))
    assert made.rates is None
    assert made.total_fen == total_of(made.schedule)


@pytest.mark.parametrize("field", ["monthly", "apr"])
def test_wrong_rate_makes_no_offer(field: str) -> None:
    worked_out = quoted(CAR_WITH_FEE)
    rates = {"monthly": solve_monthly(worked_out.flows), "apr": solve_apr(worked_out.dated_flows)}
    rates[field] = f"{Decimal(rates[field]) - Decimal('0.0000000003'):f}"
    with pytest.raises(RateMismatch):
        price(worked_out, rates["monthly"], rates["apr"])


def test_rates_come_with_flows() -> None:
    with pytest.raises(ValueError, match="monthly rate: expected one, got None"):
        price(quoted(CAR))
    with pytest.raises(ValueError, match="apr: expected one, got None"):
        price(quoted(CAR), "0.01")
    with pytest.raises(ValueError, match=r"monthly rate: expected none, got 0\.01"):
        price(quoted(replace(PHONE, buyout=NoBuyOut())), "0.01", "0.12")


@given(
    st.integers(1_000_000, 50_000_000),
    st.sampled_from([12, 24, 36, 48, 60]),
    st.integers(1, 3_600),
    st.integers(0, 50_000),
    st.sampled_from([Hold.CASH, Hold.PREAUTHORISED]),
    st.sampled_from(["0", "0.05", "0.2"]),
)
def test_fees_and_deposits_never_make_it_cheaper(
    price_fen: int, term: int, rate_bp: int, fee_fen: int, hold: Hold, deposit: str
) -> None:
    plan = replace(
        CAR,
        rates=(RateBand(60, f"{Decimal(rate_bp) / 10_000:f}"),),
        fees=(replace(THREE_THOUSAND, fen=fee_fen),),
        deposit=FixedDeposit(hold, deposit),
    )
    made = offer(plan, price_fen=price_fen, term=term)
    assert made.rates is not None
    # A fen of rounding in each instalment moves the rate by less than a part in ten thousand of a small lease.
    assert Decimal(made.rates.nominal_annual_rate) >= Decimal(made.contract_rate) - Decimal("0.0001")
    assert Decimal(made.rates.effective_annual_rate) >= Decimal(made.rates.nominal_annual_rate)
    assert made.total_cost_fen == made.total_fen - made.financed_fen
