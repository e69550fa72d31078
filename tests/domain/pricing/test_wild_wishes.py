"""Whatever is wished of whatever plan comes out as an offer or as a refusal with a name; nothing else ever escapes."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from adapters.pricing.solver import priced
from adapters.reference.plans import shipped_plans
from domain.kernel.money import Rounding
from domain.kernel.refusal import REFUSALS, Refusal
from domain.kernel.values import Business
from domain.pricing.amounts import share_of
from domain.pricing.dates import Adjustment, DayCount
from domain.pricing.deposits import SCORE_MAX, FixedDeposit, Hold, Scored, ScoreSource
from domain.pricing.guards import CostPolicy, Lessor, LprQuote, judge
from domain.pricing.matching import Asset, Customer
from domain.pricing.offer import Offer
from domain.pricing.parts import AssetKind, Balloon, CustomerClass, DailyRent, Fee, FeeTiming, RateBand
from domain.pricing.plans import Plan, PlanError, check_plan
from domain.pricing.quoting import QuoteRequest, quote
from domain.pricing.rates import verify_apr, verify_rate
from domain.pricing.schedules import principal_of, total_of
from tests.domain.pricing.offers import CAR, PHONE, START, request
from tests.sampling import examples

PLANS = shipped_plans()
POLICIES = (
    CostPolicy(version=1, lessor=Lessor.LICENSED_FINANCE, own_cap="0.24"),
    CostPolicy(version=1, lessor=Lessor.UNLICENSED, lpr=(LprQuote(date(2026, 1, 1), "0.03"),), rent_share_max="1"),
    CostPolicy(version=1, lessor=Lessor.UNLICENSED),
)
FEN = st.integers(-(10**6), 10**18) | st.integers(0, 10**8)
DAYS = st.dates() | st.dates(date(2026, 1, 1), date(2030, 12, 31))
SCORED = st.builds(Scored, st.sampled_from(ScoreSource), st.integers(-5, SCORE_MAX + 5))
SCORES = st.lists(SCORED, max_size=3).map(tuple)


def some_day_off(day: date) -> bool:
    """Weekends and the first week of October are closed."""
    return day.weekday() < 5 and not (day.month == 10 and day.day < 8)


def never(_: date) -> bool:
    """A broken calendar."""
    return False


@st.composite
def wild(draw: st.DrawFn, plan: Plan) -> QuoteRequest:
    """A wish that fits nothing, but for chance."""
    price_fen, start = draw(FEN), draw(DAYS)
    return QuoteRequest(
        plan=plan,
        customer=Customer(draw(st.sampled_from(CustomerClass)), None, draw(SCORES)),
        asset=Asset(draw(st.sampled_from(AssetKind))),
        price_fen=price_fen,
        term=draw(st.integers(-3, 10_000)),
        start=start,
        first_due_on=draw(st.none() | DAYS),
        market_price_fen=draw(st.none() | FEN),
        down_payment_fen=draw(FEN),
        paid_out_fen=draw(st.none() | FEN),
        month_end=draw(st.booleans()),
        adjustment=draw(st.sampled_from(Adjustment)),
    )


@st.composite
def fitting(draw: st.DrawFn, plan: Plan) -> QuoteRequest:
    """A wish that the plan is made for; one or two things about it are wild all the same."""
    price_fen = draw(st.integers(plan.amount_min_fen, plan.amount_max_fen))
    start = draw(st.dates(plan.effective_from, date(2031, 12, 31)))
    least_fen = share_of(price_fen, plan.down_payment_min, Rounding.UP)
    most_fen = least_fen if plan.business is Business.RENTAL else price_fen - 1
    wish = QuoteRequest(
        plan=plan,
        customer=Customer(draw(st.sampled_from(plan.customer_classes)), SCORE_MAX, draw(SCORES)),
        asset=Asset(draw(st.sampled_from(plan.asset_kinds))),
        price_fen=price_fen,
        term=draw(st.sampled_from(plan.term.all())),
        start=start,
        first_due_on=draw(st.none() | st.integers(0, 70).map(lambda days: start + timedelta(days=days))),
        market_price_fen=draw(st.none() | st.just(price_fen) | st.integers(price_fen // 2, price_fen * 2)),
        down_payment_fen=draw(st.just(least_fen) | st.integers(least_fen, most_fen)),
        month_end=draw(st.booleans()),
        adjustment=draw(st.sampled_from(Adjustment)),
    )
    if isinstance(plan.structure, DailyRent):
        wish = replace(wish, first_due_on=None)
    names = draw(st.sets(st.sampled_from(("start", "first_due_on", "market_price_fen", "paid_out_fen")), max_size=1))
    other = draw(wild(plan))
    return replace(wish, **{name: getattr(other, name) for name in names})


def wishes(plan: Plan) -> st.SearchStrategy[QuoteRequest]:
    """Any wish at all; most of them sensible, because the others are refused at the first look."""
    return fitting(plan) | fitting(plan) | wild(plan)


def outcome(wish: QuoteRequest, calendar: Any) -> Offer | Refusal:
    """What is said to a wish; each of three policies judges the offer."""
    worked_out = quote(wish, calendar)
    if isinstance(worked_out, Refusal):
        return worked_out
    made = priced(worked_out)
    if isinstance(made, Offer):
        check_offer_numbers(made)
        if made.rates is not None:
            verify_apr(worked_out.dated_flows, made.rates.apr)
            if worked_out.flows:
                verify_rate(worked_out.flows, made.rates.monthly_irr)
        for policy in POLICIES:
            for verdict in judge(made, policy, {"title": wish.plan.zh}):
                assert all(one.kind is REFUSALS[one.code] for one in verdict.refusals)
    return made


def check_offer_numbers(made: Offer) -> None:
    assert principal_of(made.schedule) == made.financed_fen
    assert made.total_fen - made.down_payment_fen - made.upfront_fees_fen - (made.buyout_fen or 0) == total_of(
        made.schedule
    )
    assert min(min(row.principal_fen, row.interest_fen, row.fee_fen) for row in made.schedule) >= 0
    assert made.deposit_fen >= 0
    if made.business is Business.FINANCE:
        assert made.financed_fen == made.price_fen - made.down_payment_fen


def check_refusal(refusal: Refusal) -> None:
    assert refusal.kind is REFUSALS[refusal.code]
    assert refusal.code.startswith(("offer.", "plan."))
    assert refusal.sentence("en") != refusal.sentence("zh")


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.id)
@settings(max_examples=examples(25))
@given(st.data())
def test_every_wish_has_an_answer(plan: Plan, data: st.DataObject) -> None:
    wish = data.draw(wishes(plan))
    answer = outcome(wish, data.draw(st.sampled_from((some_day_off, never, lambda _: True))))
    if isinstance(answer, Refusal):
        check_refusal(answer)


RATES = st.decimals(0, 9_999, places=4).map(lambda rate: f"{rate:f}") | st.sampled_from(["0", "0.12", "1", "9999"])
SHARES = st.sampled_from(["0", "0.1", "0.5", "0.9", "0.99", "1", "3"])


@given(
    st.sampled_from((*PLANS, CAR, PHONE)),
    RATES,
    st.sampled_from(Hold),
    SHARES,
    st.sampled_from(DayCount),
    st.integers(0, 10**9),
    st.data(),
)
@example(CAR, "0", Hold.CASH, "0.1", DayCount.THIRTY_360, 0, None)
@example(CAR, "0", Hold.CASH, "0.9", DayCount.THIRTY_360, 0, None)
@example(replace(CAR, structure=Balloon("0.99")), "9999", Hold.CASH, "0", DayCount.ACTUAL_365_FIXED, 0, None)
@example(CAR, "0.12", Hold.CASH, "0", DayCount.THIRTY_360, 11_999_999, None)
def test_even_absurd_plans_never_raise(
    plan: Plan, rate: str, hold: Hold, share: str, count: DayCount, fee_fen: int, data: st.DataObject | None
) -> None:
    """A plan may be as dear and as strange as its checks allow."""
    strange = replace(
        plan,
        rates=(RateBand(plan.term.max, rate),),
        deposit=FixedDeposit(hold, share),
        day_count=count,
        fees=(Fee(code="x", en="x", zh="费", timing=FeeTiming.UPFRONT, fen=fee_fen),),
    )
    try:
        check_plan(strange)
    except PlanError:
        return
    answer = outcome(data.draw(wishes(strange)) if data else request(strange), some_day_off)
    if isinstance(answer, Refusal):
        check_refusal(answer)


def test_ordinary_wishes_are_not_refused() -> None:
    """The property above would hold of a program that always says no."""
    made = [outcome(request(plan), some_day_off) for plan in (CAR, PHONE)]
    assert all(isinstance(one, Offer) for one in made)
    free = replace(CAR, rates=(RateBand(60, "0"),), deposit=FixedDeposit(Hold.CASH, "0.1"))
    answer = outcome(request(free, start=START), some_day_off)
    assert isinstance(answer, Offer)
    assert answer.rates is not None
    assert set(map(float, (answer.rates.monthly_irr, answer.rates.apr))) == {0.0}
