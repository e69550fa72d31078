"""Offers recomputed: the pricing request that terms keep, and whether the terms equal what their plan gives.

    Priced (plan, wanted) ──request_of──▶ QuoteRequest ──(quote, rates, price)──▶ Offer ──terms_of──▶ Terms

Terms that somebody sends are compared with those that the plan gives; what a client says of a price is not believed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from hashlib import sha256

from msgspec import UNSET

from domain.intake.application.values import Priced, Terms, Wanted, WantedScore
from domain.kernel.needs import Facts, Need
from domain.kernel.refusal import Refusal, refusal
from domain.kernel.values import Business, canonical_json
from domain.pricing.dates import Adjustment
from domain.pricing.deposits import Scored, ScoreSource
from domain.pricing.guards import CostPolicy, check_offer
from domain.pricing.matching import PLAN_UNKNOWN, Asset, Customer
from domain.pricing.offer import Offer
from domain.pricing.parts import AssetKind, CustomerClass, TermUnit
from domain.pricing.plans import Plan, digest_of
from domain.pricing.quoting import PLANS, QuoteRequest, worked_out

NOT_PRICED = refusal("offer.not_priced", "An offer is priced from a plan", "报价须依据产品方案计算")
WANTED_UNKNOWN = refusal(
    "offer.wanted_unknown", "The catalogue knows no such customer, asset or rule", "客户类别、租赁物或规则不在目录中"
)
PLAN_DIFFERS = refusal("offer.plan_differs", "The plan is not what the catalogue has", "方案与目录不一致")
OFFER_DIFFERS = refusal(
    "offer.offer_differs", "The plan makes another offer of what was wanted", "按方案重新计算的报价不一致"
)
TERMS_DIFFER = refusal("offer.terms_differ", "The terms are not those of the offer", "条件与报价不一致")

ASSET_DIFFERS = refusal(
    "offer.asset_differs", "The offer is not for what was applied for", "报价的租赁物与租赁申请不一致"
)


def offer_digest(offer: Offer) -> str:
    """SHA-256 over the canonical JSON (RFC 8785) of an offer, 64 lower-case hex digits."""
    return sha256(canonical_json(offer)).hexdigest()


def request_of(priced: Priced, plan: Plan) -> QuoteRequest | Refusal:
    """What is to be worked out. Refused when a code is none of the catalogue's."""
    wanted = priced.wanted
    try:
        scores = tuple(Scored(ScoreSource(one.source), one.score) for one in wanted.scores)
        customer = Customer(CustomerClass(wanted.customer_class), None, scores)
        asset, adjustment = Asset(AssetKind(wanted.asset_kind)), Adjustment(wanted.adjustment)
    except ValueError:
        return WANTED_UNKNOWN(
            customer_class=wanted.customer_class, asset_kind=wanted.asset_kind, adjustment=wanted.adjustment
        )
    return QuoteRequest(
        plan=plan,
        customer=customer,
        asset=asset,
        price_fen=wanted.price_fen,
        term=wanted.term,
        start=wanted.start,
        first_due_on=wanted.first_due_on,
        market_price_fen=wanted.market_price_fen,
        down_payment_fen=wanted.down_payment_fen,
        paid_out_fen=wanted.paid_out_fen,
        month_end=wanted.month_end,
        adjustment=adjustment,
    )


def priced_of(request: QuoteRequest, offer: Offer) -> Priced:
    """What an application keeps of a request and its offer, so that both can be worked out again."""
    return Priced(
        plan=offer.plan,
        plan_digest=offer.plan_digest,
        wanted=Wanted(
            customer_class=request.customer.customer_class.value,
            asset_kind=request.asset.kind.value,
            price_fen=request.price_fen,
            term=request.term,
            start=request.start,
            scores=tuple(WantedScore(one.source.value, one.score) for one in request.customer.scores),
            first_due_on=request.first_due_on,
            market_price_fen=request.market_price_fen,
            down_payment_fen=request.down_payment_fen,
            paid_out_fen=request.paid_out_fen,
            month_end=request.month_end,
            adjustment=request.adjustment.value,
        ),
        offer=offer_digest(offer),
    )


def terms_of(offer: Offer, priced: Priced) -> Terms:
    """The terms that an offer is made on; months only where its term is counted in months."""
    return Terms(
        amount_fen=principal_fen(offer),
        currency=offer.currency,
        months=offer.term if offer.term_unit is TermUnit.MONTH else None,
        annual_rate=None if offer.rates is None else offer.rates.nominal_annual_rate,
        deposit_fen=offer.deposit_fen,
        priced=priced,
    )


def principal_fen(offer: Offer) -> int:
    """What is financed; in a rental the price of the object."""
    return offer.financed_fen if offer.business is Business.FINANCE else offer.price_fen


def wrong_offer(terms: Terms, offer: Offer, policy: CostPolicy, texts: Mapping[str, str], on: date) -> Refusal | None:
    """None when terms are those of their offer and every guard lets it pass; else the first rule that says no.

    `offer` was worked out a moment ago from the terms' own plan and request, `texts` are the words that go with it,
    `on` is the business date on which it is made.
    """
    priced = terms.priced
    if priced is UNSET:
        return NOT_PRICED()
    if (digest := offer_digest(offer)) != priced.offer:
        return OFFER_DIFFERS(expected=digest, got=priced.offer)
    expected = terms_of(offer, priced)
    for name in Terms.__struct_fields__:
        if getattr(terms, name) != getattr(expected, name):
            return TERMS_DIFFER(field=name, expected=getattr(expected, name), got=getattr(terms, name))
    return next(iter(check_offer(offer, policy, texts, on=on)), None)


def plan_version(plans: Iterable[Plan], code: str, digest: str) -> Plan | Refusal:
    """The version of a plan that has this digest, whether or not it is still in force."""
    versions = [plan for plan in plans if plan.id == code]
    if not versions:
        return PLAN_UNKNOWN()
    return next((plan for plan in versions if digest_of(plan) == digest), None) or PLAN_DIFFERS(plan=code)


def offer_needs(priced: Priced, facts: Facts) -> Iterable[Need]:
    """What is needed to work out again what terms were made of."""
    yield PLANS
    if PLANS in facts:
        asked = _request(priced, facts)
        if not isinstance(asked, Refusal):
            yield worked_out(asked[1])


def offer_of(priced: Priced, facts: Facts) -> tuple[Plan, Offer] | Refusal:
    """The plan and the offer that terms were made of."""
    asked = _request(priced, facts)
    if isinstance(asked, Refusal):
        return asked
    plan, request = asked
    offer: Offer | Refusal = facts[worked_out(request)]
    return offer if isinstance(offer, Refusal) else (plan, offer)


def _request(priced: Priced, facts: Facts) -> tuple[Plan, QuoteRequest] | Refusal:
    plan = plan_version(facts[PLANS], priced.plan, priced.plan_digest)
    if isinstance(plan, Refusal):
        return plan
    request = request_of(priced, plan)
    return request if isinstance(request, Refusal) else (plan, request)
