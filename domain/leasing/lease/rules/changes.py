"""New terms of a running lease, and the ways a lessee ends one: quotes, early settlement, buy-out.

Whose the asset is at the end follows from the contract (民法典 757); where a symbolic price was agreed, the asset is
the lessee's once its duty to pay rent is done (民法典 759). `CompleteBuyout` records that the agreed price was paid,
also after an early settlement; what it means for the title is said in the contract and not here.
"""

from __future__ import annotations

from datetime import date, timedelta

from domain.kernel.command import Context
from domain.kernel.decider import Answer, Rule, Rules
from domain.kernel.event import Event
from domain.kernel.money import PPM, Rounding, divide
from domain.kernel.refusal import Refusal
from domain.kernel.values import Business
from domain.leasing.account import assessed
from domain.leasing.lease import commands as c
from domain.leasing.lease import refusals as r
from domain.leasing.lease.events import lifecycle as e
from domain.leasing.lease.events import money as m
from domain.leasing.lease.rules.posting import issued, last_instalment, schedule_wrong
from domain.leasing.lease.state import ACTIVE, LeasePhase, LeaseState, Quote, QuoteKind
from domain.leasing.policies import POLICIES
from domain.leasing.values import COMPONENTS, BillKind, PartKind, QuotePart
from domain.pricing.schedules import Instalment

_BILLED = (PartKind.BILLED_PRINCIPAL, PartKind.BILLED_INTEREST, PartKind.BILLED_FEE, PartKind.LATE_FEE)


def restructure(command: c.RestructureLease, state: LeaseState, context: Context) -> Answer:
    """Principal stays; dates and interest are agreed anew. What is billed already is for `re_age`."""
    if state.remedy is not None:
        return r.REMEDY_CHOSEN(remedy=state.remedy)
    if not state.unbilled:
        return r.NOTHING_TO_BILL()
    not_before = _after_billed(state, context.business_date)
    if (wrong := schedule_wrong(command.schedule, state.next_number, not_before)) is not None:
        return wrong
    principal_fen = sum(instalment.principal_fen for instalment in command.schedule)
    if principal_fen != state.unbilled_principal_fen:
        return r.SCHEDULE_SUM(expected=state.unbilled_principal_fen, got=principal_fen)
    return (e.LeaseRestructured(schedule=command.schedule, reason=command.reason),)


def _after_billed(state: LeaseState, today: date) -> date:
    """The first day on which an instalment may fall due: today, or after the last one that was billed ahead."""
    return today if state.period_start is None else max(today, state.period_start + timedelta(days=1))


def re_age(command: c.ReAgeBills, state: LeaseState, context: Context) -> Answer:
    """Every bill named is open and gets a later day, today or after."""
    if state.remedy is not None:
        return r.REMEDY_CHOSEN(remedy=state.remedy)
    for later in command.due_dates:
        bill = state.balances.bill(later.number)
        if bill is None:
            return r.BILL_UNKNOWN(number=later.number)
        if not bill.open_fen:
            return r.BILL_PAID(number=later.number)
        if later.due_on <= bill.due_on or later.due_on < context.business_date:
            return r.NOT_LATER(number=later.number, due_on=bill.due_on, got=later.due_on)
    return (e.BillsReAged(on=context.business_date, due_dates=command.due_dates, reason=command.reason),)


def renew(command: c.RenewLease, state: LeaseState, context: Context) -> Answer:
    """More instalments behind those there are."""
    if state.business is not Business.RENTAL:
        return r.NOT_A_RENTAL()
    if state.remedy is not None:
        return r.REMEDY_CHOSEN(remedy=state.remedy)
    not_before = _after_billed(state, context.business_date)
    if state.unbilled:
        not_before = max(not_before, state.unbilled[-1].due_on + timedelta(days=1))
    first = state.next_number + len(state.unbilled)
    if (wrong := schedule_wrong(command.schedule, first, not_before)) is not None:
        return wrong
    return (e.LeaseRenewed(months=command.months, schedule=command.schedule),)


# ---------------------------------------------------------------------------------------------------------- quotes


def _billed_parts(state: LeaseState, as_of: date) -> tuple[QuotePart, ...]:
    """What is billed and open, with late fees up to the day, and credit in the lessee's favour."""
    balances = assessed(state.account, as_of).balances
    sums = [sum(bill.open_of(component) for bill in balances.bills) for component in COMPONENTS]
    parts = [QuotePart(kind=kind, fen=fen) for kind, fen in zip(_BILLED, sums, strict=True) if fen]
    if balances.credit_fen:
        parts.append(QuotePart(kind=PartKind.CREDIT, fen=-balances.credit_fen))
    return tuple(parts)


def _final(state: LeaseState, as_of: date, due_on: date) -> Instalment:
    """The last bill of an early settlement: principal, interest earned by the day, the policy's fee."""
    ppm = POLICIES[state.policy].settlement_fee_ppm
    fee_fen = divide(state.unbilled_principal_fen * ppm, PPM, Rounding.HALF_UP)
    return last_instalment(state, as_of, due_on, fee_fen)


def _valid_until(state: LeaseState, as_of: date) -> date:
    return as_of + timedelta(days=POLICIES[state.policy].quote_days)


def quote_buyout(command: c.QuoteBuyout, state: LeaseState, context: Context) -> Answer:
    """A device may be bought at any time, a financed vehicle when every instalment was billed or settled early."""
    if command.as_of < context.business_date:
        return r.AS_OF_PASSED(as_of=command.as_of, business_date=context.business_date)
    if state.business is Business.FINANCE and state.unbilled:
        return r.TERM_NOT_OVER(unbilled=len(state.unbilled))
    parts = (*_price_parts(state), *_billed_parts(state, command.as_of))
    return (
        e.BuyoutQuoted(
            as_of=command.as_of,
            valid_until=_valid_until(state, command.as_of),
            price_fen=state.buyout_price_fen(),
            amount_fen=sum(part.fen for part in parts),
            parts=parts,
        ),
    )


def _price_parts(state: LeaseState) -> tuple[QuotePart, ...]:
    parts = [QuotePart(kind=PartKind.BUYOUT_PRICE, fen=state.buyout_fen)]
    if less := state.buyout_price_fen() - state.buyout_fen:
        parts.append(QuotePart(kind=PartKind.PAID_RENT, fen=less))
    return tuple(parts)


def quote_settlement(command: c.QuoteEarlySettlement, state: LeaseState, context: Context) -> Answer:
    """Interest of periods to come is not asked for; that of the running one is, by days."""
    if state.business is not Business.FINANCE:
        return r.NOT_A_FINANCE_LEASE()
    if command.as_of < context.business_date:
        return r.AS_OF_PASSED(as_of=command.as_of, business_date=context.business_date)
    if not state.unbilled:
        return r.NOTHING_TO_BILL()
    final = _final(state, command.as_of, command.as_of)
    lines = (
        (PartKind.REMAINING_PRINCIPAL, final.principal_fen),
        (PartKind.EARNED_INTEREST, final.interest_fen),
        (PartKind.SETTLEMENT_FEE, final.fee_fen),
    )
    parts = tuple(QuotePart(kind=kind, fen=fen) for kind, fen in lines if fen)
    parts += _billed_parts(state, command.as_of)
    if command.with_buyout:
        parts += _price_parts(state)
    return (
        e.EarlySettlementQuoted(
            as_of=command.as_of,
            valid_until=_valid_until(state, command.as_of),
            amount_fen=sum(part.fen for part in parts),
            parts=parts,
            price_fen=state.buyout_price_fen() if command.with_buyout else None,
        ),
    )


def _standing(state: LeaseState, kind: QuoteKind, on: date) -> Quote | Refusal:
    if state.quote is None or state.quote.kind is not kind:
        return r.NO_QUOTE()
    if on > state.quote.valid_until:
        return r.QUOTE_EXPIRED(valid_until=state.quote.valid_until, business_date=on)
    return state.quote


def _paid_in_full(state: LeaseState, needed_fen: int) -> Refusal | None:
    """Why the credit does not do: money goes to open bills first, and then there is none."""
    if state.balances.open_fen:
        return r.BALANCE_OPEN(open_fen=state.balances.open_fen)
    if state.balances.credit_fen < needed_fen:
        return r.CREDIT_TOO_SMALL(credit_fen=state.balances.credit_fen, asked_fen=needed_fen)
    return None


def complete_buyout(command: c.CompleteBuyout, state: LeaseState, context: Context) -> Answer:
    """The quoted price is taken from credit; open bills are paid before."""
    on = context.business_date
    quote = _standing(state, QuoteKind.BUYOUT, on)
    if isinstance(quote, Refusal):
        return quote
    assert quote.price_fen is not None, "a quote of a buy-out has a price"
    return _paid_in_full(state, quote.price_fen) or (_bought(on, quote.price_fen),)


def _bought(on: date, price_fen: int) -> Event:
    return m.BuyoutCompleted(on=on, price_fen=price_fen, credit_fen=-price_fen)


def settle_early(command: c.SettleEarly, state: LeaseState, context: Context) -> Answer:
    """The last bill is as quoted, and the credit pays it, and the price of the asset where it was quoted with it."""
    on = context.business_date
    quote = _standing(state, QuoteKind.EARLY_SETTLEMENT, on)
    if isinstance(quote, Refusal):
        return quote
    final = _final(state, quote.as_of, on)
    if (short := _paid_in_full(state, final.total_fen + (quote.price_fen or 0))) is not None:
        return short
    billed, _ = issued(state.account, final, on, state.accrued_fen, state.business, BillKind.REST)
    settled = (e.LeaseEarlySettled(on=on, amount_fen=quote.amount_fen), *billed)
    return settled if quote.price_fen is None else (*settled, _bought(on, quote.price_fen))


_BUYING = frozenset({LeasePhase.ACTIVE, LeasePhase.EARLY_SETTLED})

RULES: Rules[LeaseState] = {
    c.RestructureLease: Rule(ACTIVE, r.NOT_ACTIVE, restructure),
    c.ReAgeBills: Rule(ACTIVE, r.NOT_ACTIVE, re_age),
    c.RenewLease: Rule(ACTIVE, r.NOT_ACTIVE, renew),
    c.QuoteBuyout: Rule(_BUYING, r.NOT_ACTIVE, quote_buyout),
    c.CompleteBuyout: Rule(_BUYING, r.NOT_ACTIVE, complete_buyout),
    c.QuoteEarlySettlement: Rule(ACTIVE, r.NOT_ACTIVE, quote_settlement),
    c.SettleEarly: Rule(ACTIVE, r.NOT_ACTIVE, settle_early),
}
