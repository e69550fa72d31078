"""Rules of money that look elsewhere: debits keep to a mandate that stands, refunds to payments of their own lease.

GrantMandate, InitiatePayment   a lease of the tenant
InitiatePayment, RetryPayment   under a mandate only as that permits, on this day
RefundCredit (of a lease)       through a payment of the same lease, or in another way
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from domain.kernel.needs import CrossRule, Facts, FirstEvent, Need, Proposal, StreamState
from domain.kernel.refusal import Refusal
from domain.leasing.lease import refusals as lease_refusals
from domain.leasing.lease.commands import RefundCredit
from domain.payments.mandate import MANDATE, GrantMandate, MandateState, mandate_stream, permits
from domain.payments.payment import refusals as payment_refusals
from domain.payments.payment.commands import InitiatePayment, RetryPayment
from domain.payments.payment.events import PaymentInitiated
from domain.payments.payment.rules import PAYMENT

LEASE = "lease"
"""The aggregate's name: of its lease a payment only needs that there is one."""


def _lease(proposal: Proposal) -> FirstEvent:
    return FirstEvent(LEASE, proposal.command.lease)


def _lease_needs(proposal: Proposal, _: Facts) -> Iterable[Need]:
    return (_lease(proposal),)


def _lease_known(proposal: Proposal, facts: Facts) -> Refusal | None:
    return None if facts[_lease(proposal)] is not None else lease_refusals.UNKNOWN()


def _mandate(proposal: Proposal) -> tuple[UUID, str] | None:
    """The lease and the reference of the mandate that a payment is debited under, if it is."""
    of = proposal.command if isinstance(proposal.command, InitiatePayment) else proposal.state
    return None if of.mandate is None or of.lease is None else (of.lease, of.mandate)


def _mandate_needs(proposal: Proposal, _: Facts) -> Iterable[Need]:
    under = _mandate(proposal)
    return () if under is None else (StreamState(MANDATE.name, mandate_stream(under[0])),)


def _permitted(proposal: Proposal, facts: Facts) -> Refusal | None:
    under = _mandate(proposal)
    if under is None:
        return None
    lease, reference = under
    mandate: MandateState = facts[StreamState(MANDATE.name, mandate_stream(lease))] or MANDATE.initial
    return permits(mandate, reference, proposal.command.amount_fen, proposal.context.business_date)


def _refund_needs(proposal: Proposal, _: Facts) -> Iterable[Need]:
    payment = proposal.command.payment
    return () if payment is None else (FirstEvent(PAYMENT.name, payment),)


def _of_the_lease(proposal: Proposal, facts: Facts) -> Refusal | None:
    payment = proposal.command.payment
    if payment is None:
        return None
    initiated = facts[FirstEvent(PAYMENT.name, payment)]
    same = isinstance(initiated, PaymentInitiated) and initiated.lease == proposal.stream
    return None if same else payment_refusals.UNKNOWN()


CrossRule(GrantMandate, _lease_needs, _lease_known)
CrossRule(InitiatePayment, _lease_needs, _lease_known)
CrossRule(InitiatePayment, _mandate_needs, _permitted)
CrossRule(RetryPayment, _mandate_needs, _permitted)
CrossRule(RefundCredit, _refund_needs, _of_the_lease)
