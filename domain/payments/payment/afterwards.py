"""What becomes of money that arrived: refunds, asked for by the lease, and chargebacks, attempt by attempt.

    RefundPayment(number) ─▶ refund_requested ─provider─▶ refunded | refund_failed
                        └──▶ refund_failed                 no attempt's money covers it

A refund is never refused for its money: the lease gave its credit away already, and a failure brings that back.
"""

from __future__ import annotations

from uuid import UUID

from domain.kernel.command import Context
from domain.kernel.event import Event
from domain.kernel.refusal import Refusal
from domain.payments.payment import commands as c
from domain.payments.payment import events as e
from domain.payments.payment import refusals as r
from domain.payments.payment.state import PaymentState

State = PaymentState
Answer = tuple[Event, ...] | Refusal

NOT_COVERED = "not_covered"
"""The code of a refund that is more than is left of what any one attempt brought."""


def refund(command: c.RefundPayment, state: State, context: Context) -> Answer:
    """The money that came last goes back first: what came on top before the payment's own."""
    number, amount_fen = command.number, command.amount_fen
    if state.refund(number) is not None:
        return r.REFUND_KNOWN(number=number)
    lease = _lease(state)
    money = next((one for one in reversed(state.received) if one.left_fen >= amount_fen), None)
    if money is None:
        return (e.RefundFailed(lease=lease, number=number, amount_fen=amount_fen, code=NOT_COVERED),)
    return (
        e.RefundRequested(
            lease=lease,
            number=number,
            attempt=money.attempt,
            channel=state.channel_of(money.attempt),
            amount_fen=amount_fen,
            reason=command.reason,
        ),
    )


def refunded(command: c.RecordRefunded, state: State, context: Context) -> Answer:
    """The whole of what was asked for."""
    known = state.refund(command.number)
    if known is None or not known.open:
        return r.REFUND_NOT_OPEN(number=command.number)
    return (
        e.PaymentRefunded(
            lease=_lease(state),
            number=known.number,
            attempt=known.attempt,
            channel=state.channel_of(known.attempt),
            amount_fen=known.amount_fen,
            value_date=command.value_date,
            provider_ref=command.ref,
        ),
    )


def refund_failed(command: c.RecordRefundFailed, state: State, context: Context) -> Answer:
    """Nothing went out."""
    known = state.refund(command.number)
    if known is None or not known.open:
        return r.REFUND_NOT_OPEN(number=command.number)
    return (e.RefundFailed(lease=_lease(state), number=known.number, amount_fen=known.amount_fen, code=command.code),)


def charge_back(command: c.RecordChargeback, state: State, context: Context) -> Answer:
    """The payer's bank undoes the whole transaction; what was refunded of it before, the lessee owes."""
    money = state.money_of(command.attempt)
    if money is None:
        return r.NOT_RECEIVED(phase=state.phase, attempt=command.attempt)
    if money.charged_back:
        return r.CHARGED_BACK_ALREADY(attempt=command.attempt)
    return (
        e.PaymentChargedBack(
            lease=_lease(state),
            attempt=command.attempt,
            channel=state.channel_of(command.attempt),
            amount_fen=money.amount_fen,
            reason=command.reason,
            value_date=command.value_date or context.business_date,
            provider_ref=money.ref,
            on_top=money is not state.received[0],
        ),
    )


def _lease(state: State) -> UUID:
    assert state.lease is not None, "a payment that was initiated is for a lease"
    return state.lease
