"""Bills, interest, late fees and payments of a lease."""

from __future__ import annotations

from datetime import date, timedelta

from domain.kernel.command import Context
from domain.kernel.decider import Answer, Rule, Rules
from domain.kernel.event import Event
from domain.kernel.money import MAX_SAFE_INTEGER
from domain.kernel.values import Business
from domain.leasing.account import assessed, effect, is_back_dated, posted, withdrawn
from domain.leasing.balances import Kind, Transaction
from domain.leasing.lease import commands as c
from domain.leasing.lease import refusals as r
from domain.leasing.lease.events import lifecycle as e
from domain.leasing.lease.events import money as m
from domain.leasing.lease.rules.posting import events_of, issued, late_fee_events, replayed, waived, written_off
from domain.leasing.lease.state import (
    ACTIVE,
    CLOSED,
    EXISTING,
    OWING,
    WRITTEN_OFF,
    CreditRefund,
    LeaseState,
    PostedPayment,
)
from domain.leasing.values import Part


def issue_bill(command: c.IssueBill, state: LeaseState, context: Context) -> Answer:
    """Bills come in order, each from so many days before it is due as the plan says; late ones are still issued."""
    if not state.unbilled:
        return r.NOTHING_TO_BILL()
    instalment, on = state.unbilled[0], context.business_date
    if command.number != instalment.number:
        return r.BILL_NOT_NEXT(expected=instalment.number, got=command.number)
    from_day = instalment.due_on - timedelta(days=state.bill_lead_days)
    if on < from_day:
        return r.BILL_TOO_EARLY(from_day=from_day, business_date=on)
    events, _ = issued(state.account, instalment, on, state.accrued_fen, state.business)
    return events


def accrue(command: c.AccrueInterest, state: LeaseState, context: Context) -> Answer:
    """Interest of the running period by days; what was accrued too much under an older schedule is taken back."""
    if state.business is not Business.FINANCE:
        return r.NOT_A_FINANCE_LEASE()
    if command.up_to > context.business_date:
        return r.DATE_IN_FUTURE(on=command.up_to, business_date=context.business_date)
    fen = state.earned_interest_fen(command.up_to) - state.accrued_fen
    if not state.unbilled or fen == 0:
        return r.NOTHING_TO_ACCRUE(up_to=command.up_to)
    return (m.InterestAccrued(up_to=command.up_to, fen=fen),)


def assess(command: c.AssessLateFees, state: LeaseState, context: Context) -> Answer:
    """One event for each bill whose late fee changes."""
    if command.up_to > context.business_date:
        return r.DATE_IN_FUTURE(on=command.up_to, business_date=context.business_date)
    after = assessed(state.account, command.up_to)
    rose, fell = late_fee_events(effect(state.balances, after.balances).late_fees, command.up_to)
    if not rose and not fell:
        return r.NOTHING_TO_ASSESS(up_to=command.up_to)
    return (*rose, *fell)


def post_payment(command: c.PostPayment, state: LeaseState, context: Context) -> Answer:
    """Money is taken whenever it comes: on time, in advance, late, too much, after the debt was written off.

    What comes after the lease was settled is the lessee's credit, to be given back; the lease stays settled.
    """
    if (known := state.receipt(command.payment)) is not None:
        return r.PAYMENT_KNOWN(
            payment=command.payment,
            known_fen=known.amount_fen,
            known_on=known.value_date,
            amount_fen=command.amount_fen,
            value_date=command.value_date,
        )
    if command.value_date > context.business_date:
        return r.DATE_IN_FUTURE(on=command.value_date, business_date=context.business_date)
    if sum(known.amount_fen for known in state.receipts) + command.amount_fen > MAX_SAFE_INTEGER:
        return r.SUM_TOO_LARGE(limit_fen=MAX_SAFE_INTEGER)
    if state.phase in WRITTEN_OFF:
        return (
            m.DebtRecovered(
                payment=command.payment,
                amount_fen=command.amount_fen,
                value_date=command.value_date,
                posted_on=context.business_date,
            ),
        )
    return _posted(command, state, context.business_date)


def _posted(command: c.PostPayment, state: LeaseState, posted_on: date) -> tuple[Event, ...]:
    paid = Transaction(on=command.value_date, kind=Kind.PAYMENT, amount_fen=command.amount_fen, payment=command.payment)
    after = posted(state.account, paid)
    events = events_of(
        state.account,
        after,
        command.value_date,
        lambda applied, credit_fen: m.PaymentPosted(
            payment=command.payment,
            amount_fen=command.amount_fen,
            value_date=command.value_date,
            posted_on=posted_on,
            applied=applied,
            credit_fen=credit_fen,
        ),
    )
    if is_back_dated(state.account, command.value_date):
        return (*events, replayed(after, command.value_date))
    return events


def reverse_payment(command: c.ReversePayment, state: LeaseState, context: Context) -> Answer:
    """The account comes out as if the payment had never been.

    A debt that was written off is written off again; a lease that was settled by the payment is open again.
    """
    receipt = state.receipt(command.payment)
    if receipt is None:
        return r.PAYMENT_UNKNOWN(payment=command.payment)
    if receipt.reversed:
        return r.PAYMENT_REVERSED_ALREADY(payment=command.payment)
    if receipt.recovery:
        return (
            m.RecoveryReversed(
                payment=receipt.payment,
                amount_fen=receipt.amount_fen,
                reason=command.reason,
                on=context.business_date,
            ),
        )
    return _reversed(command, state, receipt, context.business_date)


def _reversed(command: c.ReversePayment, state: LeaseState, receipt: PostedPayment, on: date) -> tuple[Event, ...]:
    after = withdrawn(state.account, command.payment)
    events = events_of(
        state.account,
        after,
        on,
        lambda applied, credit_fen: m.PaymentReversed(
            payment=receipt.payment,
            amount_fen=receipt.amount_fen,
            reason=command.reason,
            on=on,
            applied=applied,
            credit_fen=credit_fen,
        ),
    )
    events = (*events, replayed(after, receipt.value_date))
    if state.charged_off_fen and (gone := written_off(after, on)):
        return (*events, *gone)
    owed = after.balances.open_fen or after.balances.credit_fen < 0
    return (*events, e.LeaseReopened(on=on)) if owed and state.phase in CLOSED else events


def refund(command: c.RefundCredit, state: LeaseState, context: Context) -> Answer:
    """Only what is credit now; through a provider only for money that a payment brought."""
    if command.amount_fen > state.balances.credit_fen:
        return r.CREDIT_TOO_SMALL(credit_fen=state.balances.credit_fen, asked_fen=command.amount_fen)
    if command.payment is None:
        return (m.CreditRefunded(amount_fen=command.amount_fen, on=context.business_date),)
    if state.receipt(command.payment) is None:
        return r.PAYMENT_UNKNOWN(payment=command.payment)
    number = len(state.refunds) + 1
    return (
        m.CreditRefunded(
            amount_fen=command.amount_fen, on=context.business_date, payment=command.payment, number=number
        ),
    )


def return_refund(command: c.ReturnRefund, state: LeaseState, context: Context) -> Answer:
    """As if it had never left: what fell due since then is paid from it."""
    known = state.refund(command.number)
    if known is None:
        return r.REFUND_UNKNOWN(number=command.number)
    if known.returned:
        return r.REFUND_RETURNED_ALREADY(number=command.number)
    return _returned(command, state, known, context.business_date)


def _returned(command: c.ReturnRefund, state: LeaseState, known: CreditRefund, on: date) -> tuple[Event, ...]:
    back = Transaction(on=known.on, kind=Kind.PAYMENT, amount_fen=known.amount_fen)
    after = posted(state.account, back)
    events = events_of(
        state.account,
        after,
        known.on,
        lambda applied, credit_fen: m.RefundReturned(
            number=known.number,
            amount_fen=known.amount_fen,
            value_date=known.on,
            on=on,
            reason=command.reason,
            applied=applied,
            credit_fen=credit_fen,
        ),
    )
    if is_back_dated(state.account, known.on):
        return (*events, replayed(after, known.on))
    return events


def waive(command: c.WaiveBill, state: LeaseState, context: Context) -> Answer:
    """At most what is open, with late fees up to today."""
    on = context.business_date
    bill = assessed(state.account, on).balances.bill(command.number)
    if bill is None:
        return r.BILL_UNKNOWN(number=command.number)
    requested: dict[str, int] = {}
    for part in command.parts:
        requested[part.component] = requested.get(part.component, 0) + part.fen
        if requested[part.component] > (open_fen := bill.open_of(part.component)):
            return r.WAIVER_TOO_LARGE(component=part.component, open_fen=open_fen, asked_fen=requested[part.component])
    parts = tuple(Part(number=command.number, component=p.component, fen=p.fen) for p in command.parts)
    after = waived(state.account, parts, on)
    return events_of(
        state.account,
        after,
        on,
        lambda applied, credit_fen: m.BillWaived(
            number=command.number,
            parts=parts,
            reason=command.reason,
            on=on,
            applied=applied,
            credit_fen=credit_fen,
        ),
    )


RULES: Rules[LeaseState] = {
    c.IssueBill: Rule(ACTIVE, r.NOT_ACTIVE, issue_bill),
    c.AccrueInterest: Rule(ACTIVE, r.NOT_ACTIVE, accrue),
    c.AssessLateFees: Rule(OWING, r.NOT_ACTIVE, assess),
    c.PostPayment: Rule(EXISTING, r.CLOSED, post_payment),
    c.ReversePayment: Rule(EXISTING, r.CLOSED, reverse_payment),
    c.RefundCredit: Rule(EXISTING, r.CLOSED, refund),
    c.ReturnRefund: Rule(EXISTING, r.CLOSED, return_refund),
    c.WaiveBill: Rule(OWING, r.NOT_ACTIVE, waive),
}
