"""Lease payments: the process manager that turns events of payments and leases into one another's commands.

payment.succeeded                       ─▶ lease PostPayment                      payment:<hex>:posted
payment.overpaid                        ─▶ lease PostPayment, a payment of its own payment:<hex>:overpaid:<attempt>
payment.charged_back                    ─▶ lease ReversePayment, of that money    payment:<hex>:reversed:<attempt>
lease.credit_refunded through a payment ─▶ payment RefundPayment                  refund:<lease hex>:<n>
payment.refund_failed                   ─▶ lease ReturnRefund                     refund:<lease hex>:<n>:returned
lease.closed                            ─▶ mandate RevokeMandate, while it lives  lease:<hex>:mandate:<version>
contract.voided, of an open lease       ─▶ mandate SuspendMandate                 lease:<hex>:mandate:<version>:void

What a bank says is worth from a day to come is posted on that day, and taken back no earlier.

A refund goes one way: the lease gives the credit away, the payment asks its provider, and only a failure comes back.

What is refused of these, except a mandate's end, is money that moved while the lease does not show it: a key that
begins with `payment:` or `refund:` says so to whoever sorts what was left to people.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from uuid import UUID

from domain.contracts.contract.events import ContractVoided
from domain.kernel.command import Command
from domain.kernel.needs import Facts, Need, StreamEvents, StreamState
from domain.kernel.process import FollowUp, Occurrence, ProcessManager, Reaction
from domain.leasing.admission import lease_stream
from domain.leasing.lease.commands import PostPayment, ReturnRefund, ReversePayment
from domain.leasing.lease.events.money import CreditRefunded, LeaseClosed
from domain.leasing.lease.rules.decider import LEASE
from domain.leasing.lease.state import CLOSED, LeaseState
from domain.payments.collection import POSTING, on_top
from domain.payments.mandate import (
    LIVE,
    MANDATE,
    MandatePhase,
    MandateState,
    RevokeMandate,
    SuspendMandate,
    mandate_stream,
)
from domain.payments.payment.commands import RefundPayment
from domain.payments.payment.events import PaymentChargedBack, PaymentOverpaid, PaymentSucceeded, RefundFailed
from domain.payments.payment.rules import PAYMENT

OF_MONEY = ("payment:", "refund:")
"""How the keys begin of what moves money between a provider, a payment and its lease."""

REASON = "credit"
"""Why money goes back through a provider: it is the lessee's credit."""

LEASE_CLOSED = "lease_closed"
"""Why a mandate ended when nobody ended it: there is nothing left to debit."""

CONTRACT_VOID = "contract_void"
"""Why a mandate rests when nobody suspended it: people decide what is owed, and nothing is debited meanwhile."""


def _succeeded(occurrence: Occurrence, facts: Facts) -> Sequence[FollowUp]:
    event: PaymentSucceeded = occurrence.event
    payment = occurrence.stream
    post = PostPayment(payment=payment, amount_fen=event.amount_fen, value_date=event.value_date)
    return _to_lease(event.lease, f"payment:{payment.hex}:posted", post, event.value_date)


def _overpaid(occurrence: Occurrence, facts: Facts) -> Sequence[FollowUp]:
    event: PaymentOverpaid = occurrence.event
    payment = occurrence.stream
    own = on_top(payment, event.attempt)
    post = PostPayment(payment=own, amount_fen=event.amount_fen, value_date=event.value_date)
    return _to_lease(event.lease, f"payment:{payment.hex}:overpaid:{event.attempt}", post, event.value_date)


def _payment_needs(occurrence: Occurrence, facts: Facts) -> Iterable[Need]:
    return (StreamEvents(PAYMENT.name, occurrence.stream),)


def _charged_back(occurrence: Occurrence, facts: Facts) -> Sequence[FollowUp]:
    """Money that waits for the day from which it is worth is posted before it is taken back."""
    event: PaymentChargedBack = occurrence.event
    payment = occurrence.stream
    money = on_top(payment, event.attempt) if event.on_top else payment
    reverse = ReversePayment(payment=money, reason=event.reason)
    worth_from = next(
        (
            one.value_date
            for one in facts[StreamEvents(PAYMENT.name, payment)]
            if isinstance(one, PaymentSucceeded | PaymentOverpaid) and one.attempt == event.attempt
        ),
        None,
    )
    return _to_lease(event.lease, f"payment:{payment.hex}:reversed:{event.attempt}", reverse, worth_from)


def _credit_refunded(occurrence: Occurrence, facts: Facts) -> Sequence[FollowUp]:
    """Credit that goes back through a provider is asked for there."""
    event: CreditRefunded = occurrence.event
    if event.payment is None or event.number is None:
        return ()
    ask = RefundPayment(number=event.number, amount_fen=event.amount_fen, reason=REASON)
    key = f"refund:{occurrence.stream.hex}:{event.number}"
    return (FollowUp(decider=PAYMENT, stream=event.payment, key=key, command=ask),)


def _refund_failed(occurrence: Occurrence, facts: Facts) -> Sequence[FollowUp]:
    """What did not go out is the lessee's again."""
    event: RefundFailed = occurrence.event
    back = ReturnRefund(number=event.number, reason=event.code)
    return _to_lease(event.lease, f"refund:{event.lease.hex}:{event.number}:returned", back)


def _mandate_needs(occurrence: Occurrence, facts: Facts) -> Iterable[Need]:
    return _of_a_mandate(occurrence.stream)


def _of_a_mandate(lease: UUID) -> tuple[Need, Need]:
    return (StreamState(LEASE.name, lease), StreamState(MANDATE.name, mandate_stream(lease)))


def _closed(occurrence: Occurrence, facts: Facts) -> Sequence[FollowUp]:
    """A mandate ends with its lease, unless that was opened again since; one granted anew for it ends again."""
    stream = mandate_stream(occurrence.stream)
    mandate: MandateState | None = facts[StreamState(MANDATE.name, stream)]
    lease: LeaseState | None = facts[StreamState(LEASE.name, occurrence.stream)]
    if mandate is None or mandate.phase not in LIVE or lease is None or lease.phase not in CLOSED:
        return ()
    key = f"lease:{occurrence.stream.hex}:mandate:{mandate.version}"
    return (FollowUp(decider=MANDATE, stream=stream, key=key, command=RevokeMandate(reason=LEASE_CLOSED)),)


def _contracts_mandate_needs(occurrence: Occurrence, facts: Facts) -> Iterable[Need]:
    return _of_a_mandate(lease_stream(occurrence.stream))


def _contract_voided(occurrence: Occurrence, facts: Facts) -> Sequence[FollowUp]:
    """Nothing is debited under a void contract; a mandate that people suspended, or that ended, stays as it is."""
    of = lease_stream(occurrence.stream)
    stream = mandate_stream(of)
    mandate: MandateState | None = facts[StreamState(MANDATE.name, stream)]
    lease: LeaseState | None = facts[StreamState(LEASE.name, of)]
    if mandate is None or mandate.phase is not MandatePhase.GRANTED or lease is None or lease.phase in CLOSED:
        return ()
    key = f"lease:{of.hex}:mandate:{mandate.version}:void"
    return (FollowUp(decider=MANDATE, stream=stream, key=key, command=SuspendMandate(reason=CONTRACT_VOID)),)


def _to_lease(lease: UUID, key: str, command: Command, not_before: date | None = None) -> Sequence[FollowUp]:
    return (FollowUp(decider=LEASE, stream=lease, key=key, command=command, not_before=not_before),)


LEASE_PAYMENTS = ProcessManager(
    name=POSTING,
    reacts={
        PaymentSucceeded: Reaction(_succeeded),
        PaymentOverpaid: Reaction(_overpaid),
        PaymentChargedBack: Reaction(_charged_back, _payment_needs),
        CreditRefunded: Reaction(_credit_refunded),
        RefundFailed: Reaction(_refund_failed),
        LeaseClosed: Reaction(_closed, _mandate_needs),
        ContractVoided: Reaction(_contract_voided, _contracts_mandate_needs),
    },
)
