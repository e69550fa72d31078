"""From an accepted offer to key terms: what was wanted is worked out again, and a contract says exactly that.

    Priced (plan, wanted) ──request_of──▶ Request ──quote, rates, price──▶ Offer ─┬─ terms_of ──▶ Terms
                                                                                  └─ key_terms_of ──▶ KeyTerms

Terms that somebody sends are compared with those that the plan gives; what a client says of a price is not believed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from hashlib import sha256
from uuid import UUID, uuid5

import msgspec
from msgspec import UNSET, Struct

from domain.contracts.clause import Title
from domain.contracts.contract.values import KeyTerms
from domain.contracts.roots import schedule_digest
from domain.intake.application.values import Priced, Terms, Wanted, WantedScore
from domain.kernel.refusal import Refusal, refusal
from domain.kernel.values import Business, Rate
from domain.pricing.dates import Adjustment
from domain.pricing.deposits import Scored, ScoreSource
from domain.pricing.guards import CostPolicy, check_offer
from domain.pricing.matching import Asset, Customer
from domain.pricing.offer import Offer
from domain.pricing.parts import AssetKind, CustomerClass, TermUnit
from domain.pricing.plans import Plan
from domain.pricing.quoting import QuoteRequest

NOT_PRICED = refusal("offer.not_priced", "An offer is priced from a plan", "报价须依据产品方案计算")
WANTED_UNKNOWN = refusal(
    "offer.wanted_unknown", "The catalogue knows no such customer, asset or rule", "客户类别、租赁物或规则不在目录中"
)
PLAN_DIFFERS = refusal("offer.plan_differs", "The plan is not what the catalogue has", "方案与目录不一致")
OFFER_DIFFERS = refusal(
    "offer.offer_differs", "The plan makes another offer of what was wanted", "按方案重新计算的报价不一致"
)
TERMS_DIFFER = refusal("offer.terms_differ", "The terms are not those of the offer", "条件与报价不一致")

ASSET_DIFFERS = refusal("offer.asset_differs", "The offer is not for what was applied for", "报价的租赁物与进件不一致")

CONTRACT_PLAN_DIFFERS = refusal(
    "contract.plan_differs", "The contract is not on the plan as the catalogue has it", "合同与方案目录中的方案不一致"
)
CONTRACT_OFFER_DIFFERS = refusal(
    "contract.offer_differs", "The contract is not what the accepted offer says", "合同与已接受的报价不一致"
)
NOT_OF_ITS_APPLICATION = refusal(
    "contract.not_of_its_application",
    "An application has one contract, and its id follows from the application",
    "一份进件对应一份合同，其编号由进件确定",
)
OFFER_NOT_ACCEPTED = refusal(
    "contract.offer_not_accepted",
    "There is no accepted offer with a plan that the contract could be made of",
    "没有可据以签约的已接受报价",
)
LIBRARY_DIFFERS = refusal(
    "contract.library_differs",
    "What is said of the clause library is not what the ledger has",
    "所附条款库与账本记录不一致",
)

_ENCODER = msgspec.json.Encoder(order="sorted")


def contract_stream(application: UUID) -> UUID:
    """The contract of an application's accepted offer: one, whoever derives it."""
    return uuid5(application, "contract")


def offer_digest(offer: Offer) -> str:
    """SHA-256 over the canonical JSON (RFC 8785) of an offer, 64 lower-case hex digits."""
    return sha256(_ENCODER.encode(offer)).hexdigest()


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


class Agreed(Struct, frozen=True, kw_only=True):
    """What a contract says beside its offer and its plan, from the tenant's own terms of business."""

    lock: bool
    forum: Title | None
    early_settlement_rate: Rate


def key_terms_of(offer: Offer, plan: Plan, agreed: Agreed) -> KeyTerms:
    """The key terms of a contract on this offer."""
    return KeyTerms(
        currency=offer.currency,
        financed_fen=principal_fen(offer),
        total_cost_fen=offer.total_fen,
        deposit_fen=offer.deposit_fen,
        instalments=len(offer.schedule),
        first_due_on=offer.schedule[0].due_on,
        last_due_on=offer.schedule[-1].due_on,
        apr=None if offer.rates is None else offer.rates.nominal_annual_rate,
        irr=None if offer.rates is None else offer.rates.effective_annual_rate,
        schedule_digest=schedule_digest(offer.schedule),
        lock=agreed.lock,
        late_fee_daily_rate=offer.late_fee_daily_rate,
        grace_days=plan.grace_days,
        allocation=plan.allocation,
        early_settlement_rate=agreed.early_settlement_rate,
        upfront_fee_fen=offer.upfront_fees_fen,
        down_payment_fen=offer.down_payment_fen,
        buyout_fen=offer.buyout_fen,
        forum=agreed.forum,
    )


def wrong_key_terms(terms: KeyTerms, offer: Offer, plan: Plan) -> Refusal | None:
    """None when key terms say what the accepted offer says; lock, forum and early settlement are not the offer's."""
    own = Agreed(lock=terms.lock, forum=terms.forum, early_settlement_rate=terms.early_settlement_rate)
    expected = key_terms_of(offer, plan, own)
    for name in KeyTerms.__struct_fields__:
        if getattr(terms, name) != getattr(expected, name):
            return CONTRACT_OFFER_DIFFERS(field=name)
    return None
