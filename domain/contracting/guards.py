"""Guards: what stands between an offer and the person it is for. Each rule is a named refusal; their order is fixed.

    numbers that make no sense · what the lessee really gets · the market price · the cap on cost · words

Caps and the loan prime rate (LPR) are policy data with dates; this module holds none. For a lessor without a licence
for finance leases the cap is a multiple of the one-year LPR that was in force on the day, fees and penalties
included; a licensed lessor states its own. Rates are those that `pricing` verified: for vehicles the nominal yearly
rate, for devices the effective one against the market price.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal, localcontext
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from domain.application.values import Rate
from domain.contracting.amounts import WORKING, share_of
from domain.contracting.dates import DAYS_OF_YEAR_FIXED
from domain.contracting.parts import VEHICLES, Business, Form, Share
from domain.contracting.pricing import Offer
from domain.contracting.rates import Rates
from domain.contracting.schedules import principal_of, total_of
from domain.contracting.wording import find_forbidden
from domain.kernel import Refusal, refusal
from domain.kernel.money import Rounding

PRIVATE_LENDING = "最高人民法院关于审理民间借贷案件适用法律若干问题的规定(2020第二次修正) 25, 29"
GUANGDONG_AUTO = "广东省地方金融监督管理局关于规范融资租赁公司汽车融资租赁业务的通知(2021-03-09)"

FORBIDDEN_AUTO_WORDS = ("以租代购", "车抵贷", "汽车信贷", "车辆贷款")
"""Words the notice names for advertising; a tenant may add to them, not take away."""

BELOW_ZERO = refusal(
    "offer.below_zero", "The lessee would pay less than it gets; a price below zero is a mistake", "报价总成本不能为负"
)
SCHEDULE_SUM = refusal(
    "offer.schedule_sum", "The instalments do not add up to what is financed", "各期本金之和与融资金额不符"
)
NOTHING_RECEIVED = refusal(
    "offer.nothing_received",
    "Charges and deposit of the first day leave the lessee nothing",
    "首日收取的费用和押金使承租人未实际取得任何资金或租赁物价值",
)
INTEREST_DEDUCTED = refusal(
    "offer.interest_deducted",
    "In a lease-back the financed amount is what was paid out; nothing is deducted beforehand",
    "售后回租不得先行在支付款中扣除利息、费用或保证金，融资金额应为实际支付金额",
    f"民法典 670; {GUANGDONG_AUTO}",
)
MARKET_PRICE_MISSING = refusal(
    "offer.market_price_missing",
    "A rental whose cost is capped is priced against its market price",
    "受成本上限约束的租赁报价须提供市场价",
)
PRICE_ABOVE_MARKET = refusal(
    "offer.price_above_market",
    "The price in the contract is above the market price",
    "合同价格高于市场价",
)
RENT_ABOVE_CAP = refusal(
    "offer.rent_above_cap",
    "The whole rent of an asset that goes back is above its share of the market price",
    "租金总额超过市场价的规定比例",
)
LPR_UNKNOWN = refusal(
    "offer.lpr_unknown", "No loan prime rate is known for the day of the offer", "缺少报价日适用的一年期LPR"
)
LPR_STALE = refusal("offer.lpr_stale", "The last known loan prime rate is too old to rely on", "一年期LPR数据已过期")
OWN_CAP_MISSING = refusal(
    "offer.own_cap_missing", "A licensed lessor states its own cap", "持牌融资租赁公司须设定自身综合成本上限"
)
COST_ABOVE_CAP = refusal(
    "offer.cost_above_cap", "The cost a year, fees included, is above the cap", "综合年化成本超过上限", PRIVATE_LENDING
)
LATE_FEE_ABOVE_CAP = refusal(
    "offer.late_fee_above_cap",
    "The penalty for lateness, over a year, is above the cap",
    "逾期违约金折算年利率超过上限",
    PRIVATE_LENDING,
)
FORBIDDEN_WORDING = refusal(
    "offer.forbidden_wording",
    "An offer for a vehicle uses a word that blurs what it is",
    "汽车租赁报价使用了语义模糊或超出经营范围的字样",
    GUANGDONG_AUTO,
)


class Lessor(StrEnum):
    """What the tenant is licensed for."""

    UNLICENSED = "unlicensed"
    LICENSED_FINANCE = "licensed_finance"


class Measure(StrEnum):
    """The rate that a cap is compared with."""

    NOMINAL = "nominal_annual_rate"
    EFFECTIVE = "effective_annual_rate"

    def of(self, rates: Rates) -> Decimal:
        """That rate of an offer."""
        return Decimal(rates.nominal_annual_rate if self is Measure.NOMINAL else rates.effective_annual_rate)


class LprQuote(Struct, frozen=True, forbid_unknown_fields=True):
    """A publication of the National Interbank Funding Center: the day, and the one-year rate (`0.03` is 3 %)."""

    published_on: date
    one_year: Rate


class CostPolicy(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A version of the tenant's policy. Shares are of the market price; `lpr_age_max_days` None trusts any age."""

    version: Annotated[int, Meta(ge=1)]
    lessor: Lessor
    lpr: tuple[LprQuote, ...] = ()
    lpr_multiple: Rate = "4"
    lpr_age_max_days: Annotated[int, Meta(ge=1)] | None = None
    own_cap: Rate | None = None
    rental_measure: Measure = Measure.EFFECTIVE
    finance_measure: Measure = Measure.NOMINAL
    price_tolerance: Share = "0"
    rent_share_max: Share | None = None
    more_forbidden_words: tuple[str, ...] = ()

    @property
    def forbidden_words(self) -> tuple[str, ...]:
        """The words that no auto offer may use."""
        return (*FORBIDDEN_AUTO_WORDS, *self.more_forbidden_words)


def cap_on(policy: CostPolicy, on: date) -> str | Refusal:
    """The cap for an offer of a day, as a rate a year, or why there is none.

    For an unlicensed lessor the multiple of the latest one-year LPR published on or before the day.
    """
    if policy.lessor is Lessor.LICENSED_FINANCE:
        return OWN_CAP_MISSING(policy=policy.version) if policy.own_cap is None else policy.own_cap
    known = [quote for quote in policy.lpr if quote.published_on <= on]
    if not known:
        return LPR_UNKNOWN(on=on)
    latest = max(known, key=lambda quote: quote.published_on)
    age_days = (on - latest.published_on).days
    if policy.lpr_age_max_days is not None and age_days > policy.lpr_age_max_days:
        return LPR_STALE(published_on=latest.published_on, age_days=age_days, max_days=policy.lpr_age_max_days)
    with localcontext(WORKING):
        return f"{Decimal(latest.one_year) * Decimal(policy.lpr_multiple):f}"


def check_offer(offer: Offer, policy: CostPolicy, texts: Mapping[str, str] | None = None) -> tuple[Refusal, ...]:
    """Every reason why an offer must not be made, in the fixed order of this module; none when it may.

    `texts` are the words that go with it (title, description, advertisement) by the name of their place.
    """
    return (
        *_numbers(offer),
        *_received(offer),
        *_market(offer, policy),
        *_cost(offer, policy),
        *check_wording(offer, policy, texts or {}),
    )


def check_wording(offer: Offer, policy: CostPolicy, texts: Mapping[str, str]) -> tuple[Refusal, ...]:
    """The forbidden words in the texts of an auto offer: one refusal for each word in each place."""
    if offer.asset_kind not in VEHICLES:
        return ()
    return tuple(
        FORBIDDEN_WORDING(place=place, word=found.word, start=found.start, end=found.end)
        for place, text in sorted(texts.items())
        for found in find_forbidden(text, policy.forbidden_words)
    )


def _has_price(offer: Offer) -> bool:
    """Whether the offer ends with money or the asset staying with the lessee, so that it has a rate."""
    return offer.business is Business.FINANCE or offer.buyout_fen is not None


def _numbers(offer: Offer) -> Iterator[Refusal]:
    if _has_price(offer) and offer.total_cost_fen < 0:
        yield BELOW_ZERO(total_fen=offer.total_fen, total_cost_fen=offer.total_cost_fen)
    if (summed_fen := principal_of(offer.schedule)) != offer.financed_fen:
        yield SCHEDULE_SUM(expected_fen=offer.financed_fen, got_fen=summed_fen)


def _received(offer: Offer) -> Iterator[Refusal]:
    if offer.form is Form.LEASEBACK and offer.paid_out_fen != offer.financed_fen:
        yield INTEREST_DEDUCTED(financed_fen=offer.financed_fen, paid_out_fen=offer.paid_out_fen)
    priced = _has_price(offer) and (offer.business is Business.FINANCE or offer.market_price_fen is not None)
    if priced and offer.rates is None and offer.total_cost_fen >= 0:
        yield NOTHING_RECEIVED(upfront_fees_fen=offer.upfront_fees_fen, deposit_fen=offer.deposit_fen)


def _market(offer: Offer, policy: CostPolicy) -> Iterator[Refusal]:
    rental = offer.business is Business.RENTAL
    if offer.market_price_fen is None:
        if rental and (offer.buyout_fen is not None or policy.rent_share_max is not None):
            yield MARKET_PRICE_MISSING(price_fen=offer.price_fen)
        return
    most_fen = offer.market_price_fen + share_of(offer.market_price_fen, policy.price_tolerance, Rounding.DOWN)
    if offer.price_fen > most_fen:
        yield PRICE_ABOVE_MARKET(price_fen=offer.price_fen, max_fen=most_fen)
    if rental and offer.buyout_fen is None and policy.rent_share_max is not None:
        rent_fen = total_of(offer.schedule) + offer.upfront_fees_fen
        most_fen = share_of(offer.market_price_fen, policy.rent_share_max, Rounding.DOWN)
        if rent_fen > most_fen:
            yield RENT_ABOVE_CAP(rent_fen=rent_fen, max_fen=most_fen)


def _cost(offer: Offer, policy: CostPolicy) -> Iterator[Refusal]:
    cap = cap_on(policy, offer.start)
    if isinstance(cap, Refusal):
        yield cap
        return
    measure = policy.rental_measure if offer.business is Business.RENTAL else policy.finance_measure
    if offer.rates is not None and measure.of(offer.rates) > Decimal(cap):
        yield COST_ABOVE_CAP(measure=measure, rate=measure.of(offer.rates), cap=cap)
    with localcontext(WORKING):
        late = Decimal(offer.late_fee_daily_rate) * DAYS_OF_YEAR_FIXED
    if late > Decimal(cap):
        yield LATE_FEE_ABOVE_CAP(rate=f"{late:f}", cap=cap)
