"""Process managers between leases and payments: what one of them says becomes the other's command, exactly once.

payment.succeeded                       ─▶ lease PostPayment                      payment:<hex>:posted
payment.overpaid                        ─▶ lease PostPayment, a payment of its own payment:<hex>:overpaid:<attempt>
payment.charged_back                    ─▶ lease ReversePayment, of that money    payment:<hex>:reversed:<attempt>
lease.credit_refunded through a payment ─▶ payment RefundPayment                  refund:<lease hex>:<n>
payment.refund_failed                   ─▶ lease ReturnRefund                     refund:<lease hex>:<n>:returned

A refund goes one way: the lease gives the credit away, the payment asks its provider, and only a failure comes back.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID, uuid5

from adapters.processes.subscription import Wish
from chain.entry import Entry
from domain.kernel.command import Command
from domain.kernel.event import Event
from domain.leasing.lease.commands import PostPayment, ReturnRefund, ReversePayment
from domain.leasing.lease.events.money import CreditRefunded
from domain.leasing.lease.rules.decider import LEASE
from domain.payments.payment.commands import RefundPayment
from domain.payments.payment.events import PaymentChargedBack, PaymentOverpaid, PaymentSucceeded, RefundFailed
from domain.payments.payment.rules import PAYMENT

INTEREST: frozenset[type[Event]] = frozenset(
    {PaymentSucceeded, PaymentOverpaid, PaymentChargedBack, RefundFailed, CreditRefunded}
)
"""The events these processes act on."""

REASON = "credit"
"""Why money goes back through a provider: it is the lessee's credit."""


def on_top(payment: UUID, attempt: int) -> UUID:
    """The lease's name of money that a payment's attempt brought on top."""
    return uuid5(payment, f"attempt:{attempt}")


def post_payments(event: Event, entry: Entry) -> Sequence[Wish]:
    """What arrived, came on top, or was taken back is posted to the lease."""
    payment = entry.stream
    match event:
        case PaymentSucceeded():
            post = PostPayment(payment=payment, amount_fen=event.amount_fen, value_date=event.value_date)
            return (_to_lease(event.lease, f"payment:{payment.hex}:posted", post),)
        case PaymentOverpaid():
            own = on_top(payment, event.attempt)
            post = PostPayment(payment=own, amount_fen=event.amount_fen, value_date=event.value_date)
            return (_to_lease(event.lease, f"payment:{payment.hex}:overpaid:{event.attempt}", post),)
        case PaymentChargedBack():
            money = on_top(payment, event.attempt) if event.on_top else payment
            reverse = ReversePayment(payment=money, reason=event.reason)
            return (_to_lease(event.lease, f"payment:{payment.hex}:reversed:{event.attempt}", reverse),)
        case _:
            return ()


def pay_refunds(event: Event, entry: Entry) -> Sequence[Wish]:
    """Credit that goes back through a provider is asked for there; what fails there is the lessee's again."""
    match event:
        case CreditRefunded(payment=UUID() as payment, number=int(number)):
            ask = RefundPayment(number=number, amount_fen=event.amount_fen, reason=REASON)
            key = f"refund:{entry.stream.hex}:{number}"
            return (Wish(decider=PAYMENT, stream=payment, key=key, command=ask),)
        case RefundFailed():
            back = ReturnRefund(number=event.number, reason=event.code)
            return (_to_lease(event.lease, f"refund:{event.lease.hex}:{event.number}:returned", back),)
        case _:
            return ()


def _to_lease(lease: UUID, key: str, command: Command) -> Wish:
    return Wish(decider=LEASE, stream=lease, key=key, command=command)
