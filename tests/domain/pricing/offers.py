"""Plans, requests and offers for the tests, each as plain as can be; keywords change what a test is about."""

from __future__ import annotations

from datetime import date
from typing import Any

from msgspec.structs import replace

from adapters.pricing.solver import priced
from domain.kernel.values import Business
from domain.pricing.dates import DayCount
from domain.pricing.deposits import FreeDeposit
from domain.pricing.guards import CostPolicy, Lessor, LprQuote
from domain.pricing.matching import Asset, Customer
from domain.pricing.offer import Offer
from domain.pricing.parts import (
    AssetKind,
    CustomerClass,
    Form,
    Gift,
    Level,
    MonthlyRent,
    NoBuyOut,
    RateBand,
    Term,
    TermUnit,
)
from domain.pricing.plans import Plan
from domain.pricing.quoting import Quote, QuoteRequest, quote
from domain.pricing.schedules import Component

START = date(2026, 3, 16)

CAR = Plan(
    id="car",
    version=1,
    effective_from=date(2026, 1, 1),
    en="Car",
    zh="新车直租",
    business=Business.FINANCE,
    form=Form.DIRECT,
    asset_kinds=(AssetKind.NEW_CAR,),
    customer_classes=(CustomerClass.INDIVIDUAL,),
    structure=Level(),
    term=Term(TermUnit.MONTH, 12, 60, 12),
    amount_min_fen=1_000_000,
    amount_max_fen=50_000_000,
    currency="CNY",
    rates=(RateBand(36, "0.12"), RateBand(60, "0.13")),
    day_count=DayCount.THIRTY_360,
    down_payment_min="0",
    fees=(),
    deposit=FreeDeposit(),
    buyout=NoBuyOut(),
    allocation=(Component.LATE_FEE, Component.FEE, Component.INTEREST, Component.PRINCIPAL),
    late_fee_daily_rate="0.0003",
    grace_days=3,
    bill_lead_days=10,
    consents=("credit_inquiry",),
    clause_set="direct_lease",
)

PHONE = replace(
    CAR,
    id="phone",
    en="Phone",
    zh="手机租完即送",
    business=Business.RENTAL,
    form=Form.OPERATING,
    asset_kinds=(AssetKind.PHONE,),
    structure=MonthlyRent(),
    term=Term(TermUnit.MONTH, 12, 12),
    amount_min_fen=100_000,
    amount_max_fen=2_000_000,
    rates=(RateBand(12, "0.0876"),),
    buyout=Gift(),
    clause_set="rental",
)

UNLICENSED = CostPolicy(version=1, lessor=Lessor.UNLICENSED, lpr=(LprQuote(date(2026, 2, 20), "0.03"),))
LICENSED = CostPolicy(version=1, lessor=Lessor.LICENSED_FINANCE, own_cap="0.24")


def request(plan: Plan, **changes: Any) -> QuoteRequest:
    """An individual with the best score asks for the plan's first kind of asset and its shortest term."""
    values: dict[str, Any] = {
        "plan": plan,
        "customer": Customer(plan.customer_classes[0], 1_000),
        "asset": Asset(plan.asset_kinds[0]),
        "price_fen": 12_000_000 if plan.business is Business.FINANCE else 600_000,
        "term": 36 if plan.business is Business.FINANCE else plan.term.min,
        "start": START,
    }
    values["market_price_fen"] = changes.get("price_fen", values["price_fen"])
    return QuoteRequest(**(values | changes))


def quoted(plan: Plan, **changes: Any) -> Quote:
    """The quote of a request that is not refused."""
    answer = quote(request(plan, **changes))
    assert isinstance(answer, Quote), f"expected a quote, got {answer.sentence()}"
    return answer


def offer(plan: Plan, **changes: Any) -> Offer:
    """The offer of a request, with solved rates where there are cash flows."""
    made = priced(quoted(plan, **changes))
    assert isinstance(made, Offer), f"expected an offer, got {made.sentence()}"
    return made
