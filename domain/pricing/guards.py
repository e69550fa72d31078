"""Guards of an offer: rules that it must pass before it is presented. Each is a named refusal, their order is fixed.

    numbers that make no sense · what the lessee really gets · the market price · the cap on cost · words

Caps and the loan prime rate (LPR) are policy data with dates and sources; this module holds none. For a lessor without
a licence for finance leases the cap is a multiple of the one-year LPR that was in force on the day, fees and penalties
included; a licensed lessor states its own. Rates are those that `pricing` verified: for vehicles the nominal yearly
rate, for devices the effective one against the market price.

The rules that a statute or an interpretation lays down for loans are applied to leases, too: that is a policy of our
own, on the careful side, and each refusal says so. Counsel has to confirm it for a tenant's business.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal, localcontext
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from domain.kernel.money import Rounding
from domain.kernel.refusal import Refusal, refusal
from domain.kernel.values import Business, Rate
from domain.pricing.amounts import WORKING, share_of
from domain.pricing.dates import DAYS_OF_YEAR_FIXED
from domain.pricing.deposits import Share
from domain.pricing.offer import Offer
from domain.pricing.parts import VEHICLES, Form
from domain.pricing.rates import Rates
from domain.pricing.schedules import principal_of, total_of
from domain.pricing.wording import find_forbidden

TERMS_OF_BUSINESS = "policy of this house, to be confirmed by counsel"
PRIVATE_LENDING = f"最高人民法院关于审理民间借贷案件适用法律若干问题的规定 25, applied to leases by {TERMS_OF_BUSINESS}"
NO_DEDUCTION = f"民法典 670 (on loans), applied to lease-backs by {TERMS_OF_BUSINESS}"
AUTO_NOTICES = f"{TERMS_OF_BUSINESS}, after notices of local regulators such as 深圳市地方金融监督管理局 2023-07-20"

FORBIDDEN_AUTO_WORDS = ("以租代购", "车抵贷", "汽车信贷", "车辆贷款")
"""Words such notices name for advertising; a tenant may add to them, not take away."""

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
    NO_DEDUCTION,
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
    TERMS_OF_BUSINESS,
)
LPR_UNKNOWN = refusal(
    "offer.lpr_unknown", "No loan prime rate is known for the day of the offer", "缺少报价日适用的一年期LPR"
)
LPR_STALE = refusal(
    "offer.lpr_stale",
    "The loan prime rates of the policy are known up to an earlier day only",
    "一年期LPR数据仅更新至更早的日期",
)
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
    TERMS_OF_BUSINESS,
)
FORBIDDEN_WORDING = refusal(
    "offer.forbidden_wording",
    "An offer for a vehicle uses a word that blurs what it is",
    "汽车租赁报价使用了语义模糊或超出经营范围的字样",
    AUTO_NOTICES,
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


class Guard(StrEnum):
    """What is judged, in the order of this module."""

    NUMBERS = "numbers"
    RECEIVED = "received"
    MARKET = "market"
    COST = "cost"
    LATE_FEE = "late_fee"
    WORDING = "wording"


class Verdict(Struct, frozen=True):
    """Verdict of one guard: the values it compared, by name, and its reasons against the offer, none when it passes."""

    guard: Guard
    facts: tuple[tuple[str, str], ...]
    refusals: tuple[Refusal, ...]


class LprQuote(Struct, frozen=True, forbid_unknown_fields=True):
    """A publication of the National Interbank Funding Center: its day, one-year rate (`0.03` is 3 %) and source."""

    published_on: date
    one_year: Rate
    source: str = ""


class Cap(Struct, frozen=True):
    """The cap on a day as a rate a year, and the publication it is a multiple of, if it is one."""

    rate: Rate
    lpr: LprQuote | None = None


class CostPolicy(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A version of the tenant's policy. Shares are of the market price.

    `lpr` may leave out publications that changed nothing; `lpr_known_until` is the last day that somebody looked, None
    trusts the last publication for ever.
    """

    version: Annotated[int, Meta(ge=1)]
    lessor: Lessor
    lpr: tuple[LprQuote, ...] = ()
    lpr_multiple: Rate = "4"
    lpr_known_until: date | None = None
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


def cap_on(policy: CostPolicy, on: date) -> Cap | Refusal:
    """The cap for an offer of a day, or why there is none.

    For an unlicensed lessor the multiple of the latest one-year LPR published on or before the day.
    """
    if policy.lessor is Lessor.LICENSED_FINANCE:
        return OWN_CAP_MISSING(policy=policy.version) if policy.own_cap is None else Cap(policy.own_cap)
    known = [quote for quote in policy.lpr if quote.published_on <= on]
    if not known:
        return LPR_UNKNOWN(on=on)
    latest = max(known, key=lambda quote: quote.published_on)
    if policy.lpr_known_until is not None and on > policy.lpr_known_until:
        return LPR_STALE(on=on, known_until=policy.lpr_known_until, published_on=latest.published_on)
    with localcontext(WORKING):
        return Cap(f"{Decimal(latest.one_year) * Decimal(policy.lpr_multiple):f}", latest)


def check_offer(
    offer: Offer, policy: CostPolicy, texts: Mapping[str, str] | None = None, *, on: date | None = None
) -> tuple[Refusal, ...]:
    """Every reason why an offer must not be made, in the fixed order of this module; none when it may.

    `texts` are the words that go with it (title, description, advertisement) by the name of their place; `on` is the
    business date of the offer, by default the day on which the lease starts.
    """
    return tuple(refusal for verdict in judge(offer, policy, texts, on=on) for refusal in verdict.refusals)


def judge(
    offer: Offer, policy: CostPolicy, texts: Mapping[str, str] | None = None, *, on: date | None = None
) -> tuple[Verdict, ...]:
    """The same with what each guard compared, whether it passes or not."""
    cap = cap_on(policy, offer.start if on is None else on)
    return (
        Verdict(Guard.NUMBERS, _facts(total_cost_fen=offer.total_cost_fen), tuple(_numbers(offer))),
        Verdict(Guard.RECEIVED, _facts(financed_fen=offer.financed_fen), tuple(_received(offer))),
        Verdict(
            Guard.MARKET,
            _facts(price_fen=offer.price_fen, market_price_fen=offer.market_price_fen),
            tuple(_market(offer, policy)),
        ),
        _cost(offer, policy, cap),
        _late_fee(offer, cap),
        Verdict(Guard.WORDING, _facts(texts=len(texts or {})), check_wording(offer, policy, texts or {})),
    )


def _facts(**facts: object) -> tuple[tuple[str, str], ...]:
    return tuple((name, str(value)) for name, value in facts.items() if value is not None)


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


def _cost(offer: Offer, policy: CostPolicy, cap: Cap | Refusal) -> Verdict:
    if isinstance(cap, Refusal):
        return Verdict(Guard.COST, (), (cap,))
    measure = policy.rental_measure if offer.business is Business.RENTAL else policy.finance_measure
    facts: dict[str, object] = {"cap": cap.rate}
    if cap.lpr is not None:
        facts |= {"lpr": cap.lpr.one_year, "lpr_published_on": cap.lpr.published_on}
    if offer.rates is None:
        return Verdict(Guard.COST, _facts(**facts), ())
    rate = measure.of(offer.rates)
    facts = {"measure": measure, "rate": rate, **facts}
    above = rate > Decimal(cap.rate)
    refusals = (COST_ABOVE_CAP(measure=measure, rate=rate, cap=cap.rate),) if above else ()
    return Verdict(Guard.COST, _facts(**facts), refusals)


def _late_fee(offer: Offer, cap: Cap | Refusal) -> Verdict:
    with localcontext(WORKING):
        late = Decimal(offer.late_fee_daily_rate) * DAYS_OF_YEAR_FIXED
    if isinstance(cap, Refusal):
        # The guard of the cost has said why there is no cap; saying it twice helps nobody.
        return Verdict(Guard.LATE_FEE, _facts(rate=f"{late:f}"), ())
    refusals = (LATE_FEE_ABOVE_CAP(rate=f"{late:f}", cap=cap.rate),) if late > Decimal(cap.rate) else ()
    return Verdict(Guard.LATE_FEE, _facts(rate=f"{late:f}", cap=cap.rate), refusals)
