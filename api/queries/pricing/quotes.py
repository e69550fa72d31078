"""Quotes: an inquiry put to one plan or to the whole catalogue, worked out, priced, and judged by every guard.

    inquiry ─▶ plan in force, or every plan that fits ─▶ quote ─▶ rates solved and verified ─▶ guards ─▶ offer
                       └─ reasons against ◀───────────┴──────────────┴──────────────────────┘

Nothing is written and nothing is promised: an offer becomes binding in an application and a contract, where the plan is
looked at again. The same inquiry on the same day gives the same answer.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from uuid import UUID

from msgspec import Struct

from adapters.pricing.quotes import offer_of
from adapters.reference.plans import plans_of
from adapters.reference.policies import policy_of
from api.queries.pricing.answers import (
    PlanAgainst,
    QuoteAnswer,
    QuotedOffer,
    QuoteInquiry,
    policy_used,
    quoted_offer,
    reason,
    texts_of,
)
from domain.intake.offers import priced_of, terms_of
from domain.kernel.money import Rounding
from domain.kernel.refusal import Refusal
from domain.pricing.amounts import share_of
from domain.pricing.guards import CostPolicy, judge
from domain.pricing.matching import TERM_UNIT, Asset, Customer, Financing, match, plan_in_force
from domain.pricing.parts import TermUnit
from domain.pricing.plans import Plan
from domain.pricing.quoting import QuoteRequest


class Desk(Struct, frozen=True):
    """Where quotes are made: a catalogue and a cost policy."""

    plans: tuple[Plan, ...]
    policy: CostPolicy


def desk_of(data: Path, tenant: UUID) -> Desk:
    """The desk of a tenant, as the files of the data directory are now. Raises `CatalogueError` or `PolicyError`."""
    return Desk(plans_of(data), policy_of(data, tenant))


def answer(desk: Desk, inquiry: QuoteInquiry, today: date) -> QuoteAnswer | tuple[Refusal, ...]:
    """Offers for an inquiry: of the named plan, or why there is none; of all plans, with reasons against the others."""
    on = inquiry.business_date or today
    if inquiry.plan is None:
        return _matched(desk, inquiry, on)
    plan = plan_in_force(desk.plans, inquiry.plan, on)
    if isinstance(plan, Refusal):
        return (plan,)
    if inquiry.term_unit not in (None, plan.term.unit):
        return (TERM_UNIT(plan=plan.id, unit=inquiry.term_unit, expected=plan.term.unit),)
    made = _offered(desk, plan, inquiry, on)
    return QuoteAnswer(on, policy_used(desk.policy, on), (made,), ()) if isinstance(made, QuotedOffer) else made


def _matched(desk: Desk, inquiry: QuoteInquiry, on: date) -> QuoteAnswer:
    """Every plan of the catalogue: an offer, or the reasons against it."""
    wanted = Financing(inquiry.price_fen, inquiry.term, on, inquiry.term_unit or TermUnit.MONTH)
    found = match(desk.plans, _customer(inquiry), Asset(inquiry.asset_kind), wanted)
    against = [(misfit.plan, misfit.reasons) for misfit in found.misfits]
    offers = []
    for fit in found.fits:
        made = _offered(desk, fit.plan, inquiry, on)
        if isinstance(made, QuotedOffer):
            offers.append(made)
        else:
            against.append((fit.plan, made))
    return QuoteAnswer(
        on,
        policy_used(desk.policy, on),
        tuple(sorted(offers, key=_rank)),
        tuple(
            PlanAgainst(plan.id, plan.version, tuple(map(reason, reasons)))
            for plan, reasons in sorted(against, key=lambda one: (one[0].id, one[0].version))
        ),
    )


def _customer(inquiry: QuoteInquiry) -> Customer:
    return Customer(inquiry.customer_class, None, inquiry.scores)


def _offered(desk: Desk, plan: Plan, inquiry: QuoteInquiry, on: date) -> QuotedOffer | tuple[Refusal, ...]:
    """The offer of one plan, or every reason why it must not be made."""
    least_fen = share_of(inquiry.price_fen, plan.down_payment_min, Rounding.UP)
    request = QuoteRequest(
        plan=plan,
        customer=_customer(inquiry),
        asset=Asset(inquiry.asset_kind),
        price_fen=inquiry.price_fen,
        term=inquiry.term,
        start=inquiry.start or on,
        first_due_on=inquiry.first_due_on,
        market_price_fen=inquiry.market_price_fen,
        down_payment_fen=least_fen if inquiry.down_payment_fen is None else inquiry.down_payment_fen,
        paid_out_fen=inquiry.paid_out_fen,
        month_end=inquiry.month_end,
        adjustment=inquiry.adjustment,
    )
    offer = offer_of(request)
    if isinstance(offer, Refusal):
        return (offer,)
    verdicts = judge(offer, desk.policy, texts_of(plan, inquiry), on=on)
    refusals = tuple(refusal for verdict in verdicts for refusal in verdict.refusals)
    return refusals or quoted_offer(plan, offer, inquiry.scores, verdicts, terms_of(offer, priced_of(request, offer)))


def _rank(offer: QuotedOffer) -> tuple[bool, Decimal, int, int, str]:
    """Lowest rate first; what has none because the asset goes back follows, by all that is paid."""
    rate = Decimal(0 if offer.rates is None else offer.rates.effective_annual_rate)
    return offer.rates is None, rate, offer.total_fen, offer.deposit.fen, offer.plan
