"""The shipped plans as a merchant reads them: one typical wish for each, and figures that a shop could live with."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from itertools import pairwise

import pytest
from msgspec import Struct
from msgspec.structs import replace

from adapters.pricing.solver import priced
from adapters.reference.plans import shipped_plans
from domain.kernel.money import Rounding
from domain.kernel.values import Business
from domain.pricing.amounts import share_of
from domain.pricing.deposits import Scored, Scores, ScoreSource
from domain.pricing.guards import CostPolicy, Lessor, LprQuote, Measure, judge
from domain.pricing.matching import Asset, Customer, Financing, match
from domain.pricing.offer import Offer
from domain.pricing.parts import NoBuyOut
from domain.pricing.plans import Plan
from domain.pricing.quoting import Quote, QuoteRequest, quote
from domain.pricing.schedules import total_of

PLANS = {plan.id: plan for plan in shipped_plans()}
START = date(2026, 3, 16)
GOOD: Scores = (Scored(ScoreSource.ZHIMA, 720), Scored(ScoreSource.PAY_SCORE, 680), Scored(ScoreSource.DECISION, 700))
RENTAL = CostPolicy(version=1, lessor=Lessor.UNLICENSED, lpr=(LprQuote(date(2026, 1, 1), "0.03"),), rent_share_max="1")
LICENSED = CostPolicy(version=1, lessor=Lessor.LICENSED_FINANCE, own_cap="0.24")


class Typical(Struct, frozen=True):
    """What somebody typically wants of a plan, in yuan, and what the first bill and the effective rate then are."""

    price: int
    term: int
    first_bill_fen: int
    effective_percent: str


TYPICAL = {
    "phone_return": Typical(6_000, 12, 31_200, ""),
    "phone_return_free": Typical(6_000, 12, 32_400, ""),
    "phone_buyout_12": Typical(6_000, 12, 38_340, "11.29"),
    "phone_buyout_free_12": Typical(6_000, 12, 38_340, "11.29"),
    "phone_gift": Typical(6_000, 12, 52_500, "11.35"),
    "phone_gift_free": Typical(6_000, 24, 27_660, "11.35"),
    "phone_gentle_start": Typical(6_000, 12, 30_180, "11.38"),
    "phone_daily": Typical(6_000, 30, 90_000, ""),
    "phone_company": Typical(6_000, 24, 20_400, ""),
    "used_phone_gift": Typical(2_500, 6, 42_600, "11.28"),
    "tablet_return": Typical(4_000, 12, 20_800, ""),
    "tablet_gift": Typical(4_000, 12, 35_000, "11.35"),
    "laptop_return": Typical(8_000, 12, 44_000, ""),
    "laptop_buyout_24": Typical(8_000, 24, 30_960, "11.43"),
    "laptop_company": Typical(8_000, 36, 20_800, ""),
    "camera_daily": Typical(20_000, 5, 140_000, ""),
    "camera_buyout_12": Typical(20_000, 12, 112_200, "11.41"),
    "drone_daily": Typical(10_000, 3, 75_000, ""),
    "drone_return": Typical(10_000, 6, 100_000, ""),
    "console_gift": Typical(3_000, 12, 26_250, "11.35"),
    "ebike_rider": Typical(4_000, 90, 33_600, ""),
    "new_car_direct_level": Typical(120_000, 36, 304_742, "10.44"),
    "new_car_direct_principal": Typical(120_000, 36, 336_106, "10.27"),
    "new_car_direct_balloon": Typical(150_000, 36, 259_047, "10.65"),
    "new_car_direct_step": Typical(120_000, 36, 216_017, "10.98"),
    "new_car_leaseback_level": Typical(80_000, 36, 264_121, "12.29"),
    "new_energy_direct_level": Typical(150_000, 60, 263_927, "9.74"),
    "new_energy_fleet_level": Typical(150_000, 36, 425_411, "10.60"),
    "used_car_direct_level": Typical(60_000, 36, 139_260, "13.86"),
    "used_car_direct_principal": Typical(60_000, 24, 215_880, "14.32"),
    "used_car_leaseback_level": Typical(50_000, 24, 241_427, "15.76"),
    "commercial_direct_level": Typical(300_000, 36, 769_689, "12.21"),
    "commercial_direct_seasonal": Typical(300_000, 36, 387_664, "12.68"),
    "commercial_leaseback_principal": Typical(300_000, 24, 4_503_000, "10.58"),
    "dealer_stock_new": Typical(1_200_000, 6, 660_427, "8.71"),
    "dealer_stock_used": Typical(600_000, 4, 401_556, "10.34"),
}


def policy_of(plan: Plan) -> CostPolicy:
    return RENTAL if plan.business is Business.RENTAL else LICENSED


def customer_of(plan: Plan) -> Customer:
    return Customer(plan.customer_classes[0], None, GOOD)


def made(plan: Plan, price_fen: int, term: int) -> Offer:
    """The offer of a wish that fits."""
    worked_out = quote(
        QuoteRequest(
            plan=plan,
            customer=customer_of(plan),
            asset=Asset(plan.asset_kinds[0]),
            price_fen=price_fen,
            term=term,
            start=START,
            market_price_fen=price_fen,
            down_payment_fen=share_of(price_fen, plan.down_payment_min, Rounding.UP),
        )
    )
    assert isinstance(worked_out, Quote), worked_out.sentence()
    offer = priced(worked_out)
    assert isinstance(offer, Offer), offer.sentence()
    return offer


def test_every_plan_has_a_typical_wish() -> None:
    assert set(TYPICAL) == set(PLANS)


@pytest.mark.parametrize("code", TYPICAL)
def test_typical_wish_of_each_plan(code: str) -> None:
    plan, wish = PLANS[code], TYPICAL[code]
    offer = made(plan, wish.price * 100, wish.term)
    effective = "" if offer.rates is None else f"{Decimal(offer.rates.effective_annual_rate) * 100:.2f}"
    assert (offer.schedule[0].total_fen, effective) == (wish.first_bill_fen, wish.effective_percent)
    verdicts = judge(offer, policy_of(plan), {"zh": plan.zh})
    assert [one.sentence() for verdict in verdicts for one in verdict.refusals] == []
    wanted = Financing(wish.price * 100, wish.term, START, plan.term.unit)
    found = match(PLANS.values(), customer_of(plan), Asset(plan.asset_kinds[0]), wanted)
    assert code in {fit.plan.id for fit in found.fits}


@pytest.mark.parametrize("plan", [plan for plan in PLANS.values() if isinstance(plan.buyout, NoBuyOut)], ids=str)
def test_what_goes_back_costs_less_than_it_would_to_buy(plan: Plan) -> None:
    if plan.business is Business.FINANCE:
        return
    for term in plan.term.all():
        assert total_of(made(plan, plan.amount_max_fen, term).schedule) < plan.amount_max_fen, term


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_longer_terms_have_smaller_bills_and_larger_totals(plan: Plan) -> None:
    offers = [made(plan, plan.amount_max_fen, term) for term in plan.term.all()]
    totals = [offer.total_fen for offer in offers]
    if plan.term.unit == "month":
        assert totals == sorted(totals)
        firsts = [offer.schedule[0].total_fen for offer in offers]
        assert plan.business is Business.FINANCE or firsts == sorted(firsts, reverse=True)
    else:
        # A day more may begin a cheaper band: three days at the price of two, never five at the price of two.
        assert all(later * 2 > earlier for earlier, later in pairwise(totals))


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_rates_stay_well_below_the_cap(plan: Plan) -> None:
    """Room under the 12 % of rentals, and under the 24 % that a licensed lessor of vehicles may have set itself."""
    for term in plan.term.all():
        rates = made(plan, plan.amount_min_fen, term).rates
        if rates is None:
            continue
        if plan.business is Business.RENTAL:
            assert Measure.EFFECTIVE.of(rates) <= Decimal("0.119"), term
        else:
            assert Measure.NOMINAL.of(rates) <= Decimal("0.2"), term


def test_deposit_free_plans_are_for_good_scores_of_any_source() -> None:
    for code in ("phone_return_free", "phone_buyout_free_12", "phone_gift_free"):
        plan = PLANS[code]
        wish = Financing(600_000, 12, START)
        for source, score in ((ScoreSource.ZHIMA, 650), (ScoreSource.PAY_SCORE, 550), (ScoreSource.DECISION, 650)):
            customer = Customer(plan.customer_classes[0], None, (Scored(source, score),))
            assert match([plan], customer, Asset(plan.asset_kinds[0]), wish).fits
            low = replace(customer, others=(Scored(source, score - 1),))
            assert not match([plan], low, Asset(plan.asset_kinds[0]), wish).fits
