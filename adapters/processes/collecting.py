"""Process managers between leases and payments: what one of them says becomes the other's command, exactly once.

lease.bill_issued, with a mandate ─▶ payment InitiatePayment for the due date     bill:<lease hex>:<n>:collect
payment.succeeded                 ─▶ lease PostPayment                            payment:<hex>:posted
payment.overpaid                  ─▶ lease PostPayment, as a payment of its own   payment:<hex>:overpaid:<attempt>
payment.refunded                  ─▶ lease RefundCredit                           payment:<hex>:refunded:<seq>
payment.charged_back              ─▶ lease ReversePayment                         payment:<hex>:reversed
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID, uuid5

from msgspec import Struct

from adapters.processes.following import Process, Wish
from chain.entry import Entry
from domain.kernel import Event
from domain.leasing.lease import LEASE, PostPayment, RefundCredit, ReversePayment
from domain.leasing.lease.money import BillIssued
from domain.payments.payment import (
    PAYMENT,
    CollectionPolicy,
    InitiatePayment,
    PaymentChargedBack,
    PaymentOverpaid,
    PaymentRefunded,
    PaymentSucceeded,
)

INTEREST: frozenset[type[Event]] = frozenset(
    {BillIssued, PaymentSucceeded, PaymentOverpaid, PaymentRefunded, PaymentChargedBack}
)
"""The events these processes act on."""


class Mandate(Struct, frozen=True):
    """A lessee's standing order to debit: the tenant's reference of it, and how collection is tried."""

    reference: str
    policy: CollectionPolicy


Mandates = Callable[[UUID, UUID], Mandate | None]
"""The mandate for a lease of a tenant, if the lessee gave one."""


def collection_stream(lease: UUID, bill: int) -> UUID:
    """The payment stream that collects a bill: one, whoever derives it."""
    return uuid5(lease, f"bill:{bill}")


def post_payments(event: Event, entry: Entry) -> Sequence[Wish]:
    """What arrived, came on top, went back or was taken back is posted to the lease."""
    payment = entry.stream
    match event:
        case PaymentSucceeded():
            post = PostPayment(payment=payment, amount_fen=event.amount_fen, value_date=event.value_date)
            return (_to_lease(event.lease, payment, "posted", post),)
        case PaymentOverpaid():
            own = uuid5(payment, f"attempt:{event.attempt}")
            post = PostPayment(payment=own, amount_fen=event.amount_fen, value_date=event.value_date)
            return (_to_lease(event.lease, payment, f"overpaid:{event.attempt}", post),)
        case PaymentRefunded():
            refund = RefundCredit(amount_fen=event.amount_fen)
            return (_to_lease(event.lease, payment, f"refunded:{entry.seq}", refund),)
        case PaymentChargedBack():
            reverse = ReversePayment(payment=payment, reason=event.reason)
            return (_to_lease(event.lease, payment, "reversed", reverse),)
        case _:
            return ()


def collect_bills(mandates: Mandates) -> Process:
    """The process that collects every issued bill of a lease with a mandate, on its due date.

    It asks for the whole bill, because it sees one event at a time: what credit or other money has paid of the bill
    until then would be debited again. So it is not composed anywhere yet; it needs a reactor that reads what is open
    before it asks a provider, and asks the provider before it gives an order up.
    """

    def collect(event: Event, entry: Entry) -> Sequence[Wish]:
        if not isinstance(event, BillIssued):
            return ()
        mandate = mandates(entry.tenant, entry.stream)
        amount_fen = event.principal_fen + event.interest_fen + event.fee_fen
        if mandate is None or amount_fen == 0:
            return ()
        return (
            Wish(
                decider=PAYMENT,
                stream=collection_stream(entry.stream, event.number),
                key=f"bill:{entry.stream.hex}:{event.number}:collect",
                command=InitiatePayment(
                    lease=entry.stream,
                    bill=event.number,
                    amount_fen=amount_fen,
                    policy=mandate.policy,
                    mandate=mandate.reference,
                    collect_on=event.due_on,
                ),
            ),
        )

    return collect


def _to_lease(lease: UUID, payment: UUID, what: str, command: PostPayment | RefundCredit | ReversePayment) -> Wish:
    return Wish(decider=LEASE, stream=lease, key=f"payment:{payment.hex}:{what}", command=command)
