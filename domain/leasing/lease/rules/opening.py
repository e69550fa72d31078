"""Opening of a lease: creation, deposit, down payment, delivery and activation; use and release of the deposit.

A fee that is due up front is billed when the lease begins to run, as bill 0. It is never taken off what the supplier
gets, who in a lease-back is the lessee: nothing is deducted in advance.
"""

from __future__ import annotations

from datetime import date

from domain.kernel.command import Context
from domain.kernel.decider import ABSENT, Answer, Rule, Rules
from domain.kernel.event import Event
from domain.kernel.ids import looks_personal
from domain.kernel.refusal import Refusal
from domain.kernel.values import Business
from domain.leasing.account import assessed, posted
from domain.leasing.balances import Kind, Transaction
from domain.leasing.lease import commands as c
from domain.leasing.lease import refusals as r
from domain.leasing.lease.events import lifecycle as e
from domain.leasing.lease.events import money as m
from domain.leasing.lease.rules.posting import events_of, issued, schedule_wrong
from domain.leasing.lease.state import AWAITING, OPEN, OWING, LeaseState
from domain.leasing.policies import POLICIES
from domain.leasing.values import COMPONENTS, UPFRONT_FEE_BILL, BillKind, DepositMode, DownPaymentTo
from domain.pricing.schedules import Instalment


def create(command: c.CreateLease, state: LeaseState, context: Context) -> Answer:
    """Schedules may begin in the past: a lease may be taken over from another book."""
    if (wrong := _terms_wrong(command)) is not None:
        return wrong
    if (wrong := schedule_wrong(command.schedule, 1)) is not None:
        return wrong
    principal_fen = sum(instalment.principal_fen for instalment in command.schedule)
    if command.business is Business.FINANCE and principal_fen != command.principal_fen:
        return r.SCHEDULE_SUM(expected=command.principal_fen, got=principal_fen)
    fields = {name: getattr(command, name) for name in command.__struct_fields__}
    return (e.LeaseCreated(**fields),)


def _terms_wrong(command: c.CreateLease) -> Refusal | None:
    if looks_personal(command.reference):
        return r.REFERENCE_PERSONAL()
    if command.policy not in POLICIES:
        return r.POLICY_UNKNOWN(policy=command.policy)
    if set(command.allocation) != set(COMPONENTS):
        return r.ALLOCATION_INCOMPLETE(allocation=" ".join(command.allocation))
    if command.business is Business.RENTAL and command.down_payment_fen:
        return r.NOT_A_FINANCE_LEASE(down_payment_fen=command.down_payment_fen)
    return None


def waive_deposit(command: c.WaiveDeposit, state: LeaseState, context: Context) -> Answer:
    """The decision itself was made elsewhere; here it is carried out."""
    if state.deposit_mode is not DepositMode.WAIVED:
        return r.DEPOSIT_MODE_DIFFERS(expected=state.deposit_mode)
    return (e.DepositWaived(decision=command.decision),)


def preauthorise_deposit(command: c.PreauthoriseDeposit, state: LeaseState, context: Context) -> Answer:
    """A hold on the lessee's account."""
    if state.deposit_mode is not DepositMode.PREAUTHORISED:
        return r.DEPOSIT_MODE_DIFFERS(expected=state.deposit_mode)
    return (e.DepositPreauthorised(fen=command.fen, hold=command.hold),)


def receive_deposit(command: c.RecordDepositReceived, state: LeaseState, context: Context) -> Answer:
    """Cash."""
    if state.deposit_mode is not DepositMode.CASH:
        return r.DEPOSIT_MODE_DIFFERS(expected=state.deposit_mode)
    return (m.DepositReceived(fen=command.fen, on=context.business_date),)


def release_deposit(command: c.ReleaseDeposit, state: LeaseState, context: Context) -> Answer:
    """A deposit secures what is owed, so it goes back when nothing is."""
    if command.fen > state.deposit_held_fen:
        return r.DEPOSIT_TOO_SMALL(held_fen=state.deposit_held_fen, asked_fen=command.fen)
    if state.balances.owed_fen:
        return r.BALANCE_OPEN(open_fen=state.balances.owed_fen)
    return (m.DepositReleased(fen=command.fen, mode=state.deposit_mode, on=context.business_date),)


def capture_deposit(command: c.CaptureDeposit, state: LeaseState, context: Context) -> Answer:
    """It pays like money of the lessee, and no more is taken than is owed."""
    on = context.business_date
    if command.fen > state.deposit_held_fen:
        return r.DEPOSIT_TOO_SMALL(held_fen=state.deposit_held_fen, asked_fen=command.fen)
    owed_fen = assessed(state.account, on).balances.owed_fen
    if command.fen > owed_fen:
        return r.CAPTURE_EXCEEDS_DEBT(owed_fen=owed_fen, asked_fen=command.fen)
    after = posted(state.account, Transaction(on=on, kind=Kind.PAYMENT, amount_fen=command.fen))
    return events_of(
        state.account,
        after,
        on,
        lambda applied, credit_fen: m.DepositCaptured(
            fen=command.fen, mode=state.deposit_mode, on=on, applied=applied, credit_fen=credit_fen
        ),
    )


# ---------------------------------------------------------------------------------------------------- down payment


def receive_down_payment(command: c.RecordDownPayment, state: LeaseState, context: Context) -> Answer:
    """The lessor holds it for the supplier until the lease begins."""
    if state.down_payment_to is not DownPaymentTo.LESSOR:
        return r.DOWN_PAYMENT_PAYEE_DIFFERS(expected=state.down_payment_to)
    if command.fen > state.down_payment_open_fen:
        return r.DOWN_PAYMENT_TOO_LARGE(open_fen=state.down_payment_open_fen, asked_fen=command.fen)
    return (m.DownPaymentReceived(fen=command.fen, on=context.business_date),)


def refund_down_payment(command: c.RefundDownPayment, state: LeaseState, context: Context) -> Answer:
    """The lease does not begin, or not on these terms."""
    if command.fen > state.down_payment_held_fen:
        return r.DOWN_PAYMENT_TOO_SMALL(held_fen=state.down_payment_held_fen, asked_fen=command.fen)
    return (m.DownPaymentRefunded(fen=command.fen, on=context.business_date),)


def report_down_payment(command: c.ReportDownPayment, state: LeaseState, context: Context) -> Answer:
    """Between lessee and supplier; here it is known, and no cash moves."""
    if state.down_payment_to is not DownPaymentTo.SUPPLIER:
        return r.DOWN_PAYMENT_PAYEE_DIFFERS(expected=state.down_payment_to)
    if not state.down_payment_open_fen:
        return r.DOWN_PAYMENT_TOO_LARGE(open_fen=0, asked_fen=state.down_payment_fen)
    fen, on = state.down_payment_fen, context.business_date
    return (e.DownPaymentReported(fen=fen, on=on, proof=command.proof),)


# ------------------------------------------------------------------------------------------------------- beginning


def deliver(command: c.RecordDelivery, state: LeaseState, context: Context) -> Answer:
    """Once."""
    if state.delivered_on is not None:
        return r.DELIVERED_ALREADY(on=state.delivered_on)
    if command.on > context.business_date:
        return r.DATE_IN_FUTURE(on=command.on, business_date=context.business_date)
    return (e.AssetDelivered(on=command.on, proof=command.proof),)


def activate(command: c.ActivateLease, state: LeaseState, context: Context) -> Answer:
    """Rent runs once the lessee has the asset, the deposit is settled and the down payment is paid."""
    if state.delivered_on is None:
        return r.NOT_DELIVERED()
    if not state.deposit_settled:
        return r.DEPOSIT_OPEN(agreed_fen=state.deposit_fen, held_fen=state.deposit_held_fen)
    if state.down_payment_open_fen:
        return r.DOWN_PAYMENT_OPEN(agreed_fen=state.down_payment_fen, open_fen=state.down_payment_open_fen)
    if command.on > context.business_date:
        return r.DATE_IN_FUTURE(on=command.on, business_date=context.business_date)
    if command.on < state.delivered_on:
        return r.BEFORE_DELIVERY(on=command.on, delivered_on=state.delivered_on)
    activated = m.LeaseActivated(
        on=command.on,
        business=state.business,
        principal_fen=state.principal_fen,
        down_payment_fen=state.down_payment_held_fen,
    )
    return (activated, *_upfront_fee(state, command.on, context.business_date))


def _upfront_fee(state: LeaseState, due_on: date, today: date) -> tuple[Event, ...]:
    if not state.upfront_fee_fen:
        return ()
    fee = Instalment(UPFRONT_FEE_BILL, due_on, 0, 0, state.upfront_fee_fen)
    billed, _ = issued(state.account, fee, today, 0, state.business, BillKind.UPFRONT_FEE)
    return billed


RULES: Rules[LeaseState] = {
    c.CreateLease: Rule(ABSENT, r.EXISTS, create),
    c.WaiveDeposit: Rule(AWAITING, r.NOT_AWAITING_DELIVERY, waive_deposit),
    c.PreauthoriseDeposit: Rule(AWAITING, r.NOT_AWAITING_DELIVERY, preauthorise_deposit),
    c.RecordDepositReceived: Rule(AWAITING, r.NOT_AWAITING_DELIVERY, receive_deposit),
    c.ReleaseDeposit: Rule(OPEN, r.CLOSED, release_deposit),
    c.CaptureDeposit: Rule(OWING, r.NOT_ACTIVE, capture_deposit),
    c.RecordDownPayment: Rule(AWAITING, r.NOT_AWAITING_DELIVERY, receive_down_payment),
    c.RefundDownPayment: Rule(AWAITING, r.NOT_AWAITING_DELIVERY, refund_down_payment),
    c.ReportDownPayment: Rule(AWAITING, r.NOT_AWAITING_DELIVERY, report_down_payment),
    c.RecordDelivery: Rule(AWAITING, r.NOT_AWAITING_DELIVERY, deliver),
    c.ActivateLease: Rule(AWAITING, r.NOT_AWAITING_DELIVERY, activate),
}
