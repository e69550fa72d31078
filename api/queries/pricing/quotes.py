"""Quotes: a wish put to one plan or to the whole catalogue, worked out, priced, and judged by every guard.

    wish ─▶ plan in force, or every plan that fits ─▶ quote ─▶ rates solved and verified ─▶ guards ─▶ offer
                       └─ reasons against ◀───────────┴──────────────┴──────────────────────┘

Nothing is written and nothing is promised: an offer becomes binding in an application and a contract, where the plan is
looked at again. The same wish on the same day gives the same answer.
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
    QuoteWish,
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


def answer(desk: Desk, wish: QuoteWish, today: date) -> QuoteAnswer | tuple[Refusal, ...]:
    """Offers for a wish: of the named plan, or why there is none; of all plans, with the reasons against the others."""
    on = wish.business_date or today
    if wish.plan is None:
        return _matched(desk, wish, on)
    plan = plan_in_force(desk.plans, wish.plan, on)
    if isinstance(plan, Refusal):
        return (plan,)
    if wish.term_unit not in (None, plan.term.unit):
        return (TERM_UNIT(plan=plan.id, unit=wish.term_unit, expected=plan.term.unit),)
    made = _offered(desk, plan, wish, on)
    return QuoteAnswer(on, policy_used(desk.policy, on), (made,), ()) if isinstance(made, QuotedOffer) else made


def _matched(desk: Desk, wish: QuoteWish, on: date) -> QuoteAnswer:
    """Every plan of the catalogue: an offer, or the reasons against it."""
    wanted = Financing(wish.price_fen, wish.term, on, wish.term_unit or TermUnit.MONTH)
    found = match(desk.plans, _customer(wish), Asset(wish.asset_kind), wanted)
    against = [(misfit.plan, misfit.reasons) for misfit in found.misfits]
    offers = []
    for fit in found.fits:
        made = _offered(desk, fit.plan, wish, on)
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


def _customer(wish: QuoteWish) -> Customer:
    return Customer(wish.customer_class, None, wish.scores)


def _offered(desk: Desk, plan: Plan, wish: QuoteWish, on: date) -> QuotedOffer | tuple[Refusal, ...]:
    """The offer of one plan, or every reason why it must not be made."""
    least_fen = share_of(wish.price_fen, plan.down_payment_min, Rounding.UP)
    request = QuoteRequest(
        plan=plan,
        customer=_customer(wish),
        asset=Asset(wish.asset_kind),
        price_fen=wish.price_fen,
        term=wish.term,
        start=wish.start or on,
        first_due_on=wish.first_due_on,
        market_price_fen=wish.market_price_fen,
        down_payment_fen=least_fen if wish.down_payment_fen is None else wish.down_payment_fen,
        paid_out_fen=wish.paid_out_fen,
        month_end=wish.month_end,
        adjustment=wish.adjustment,
    )
    offer = offer_of(request)
    if isinstance(offer, Refusal):
        return (offer,)
    verdicts = judge(offer, desk.policy, texts_of(plan, wish), on=on)
    refusals = tuple(refusal for verdict in verdicts for refusal in verdict.refusals)
    return refusals or quoted_offer(plan, offer, wish.scores, verdicts, terms_of(offer, priced_of(request, offer)))


def _rank(offer: QuotedOffer) -> tuple[bool, Decimal, int, int, str]:
    """Lowest rate first; what has none because the asset goes back follows, by all that is paid."""
    rate = Decimal(0 if offer.rates is None else offer.rates.effective_annual_rate)
    return offer.rates is None, rate, offer.total_fen, offer.deposit.fen, offer.plan
