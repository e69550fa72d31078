"""What is looked at elsewhere before commands about money are decided: mandates, payments, their leases.

The rules themselves are the domain's: `domain.payments.mandate.permits` and the refusals of each aggregate.
"""

from __future__ import annotations

from uuid import UUID

from api.http.admission import Asked, lease_collected, state_of
from api.http.problems import Problem
from api.http.services import Services
from domain.kernel import Refusal
from domain.leasing.lease import RefundCredit
from domain.leasing.lease import refusals as lease_refusals
from domain.payments.mandate import MANDATE, GrantMandate, mandate_stream, permits
from domain.payments.payment import PAYMENT, InitiatePayment, PaymentState, RetryPayment
from domain.payments.payment import refusals as payment_refusals


async def _owned(of: Services, tenant: UUID, stream: UUID, aggregate: str) -> bool:
    try:
        await of.owner_of(stream, tenant, aggregate)
    except Problem:
        return False
    return True


async def mandate_granted(of: Services, asked: Asked, command: GrantMandate) -> Refusal | None:
    """A mandate is for a lease of the tenant."""
    return None if await _owned(of, asked.tenant, command.lease, "lease") else lease_refusals.UNKNOWN()


async def payment_begun(of: Services, asked: Asked, command: InitiatePayment) -> Refusal | None:
    """Money is collected for a lease of the tenant, and under a mandate only as that permits."""
    if (refusal := await lease_collected(of, asked, command)) is not None or command.mandate is None:
        return refusal
    return await _permitted(of, asked, command.lease, command.mandate, command.amount_fen)


async def payment_tried_again(of: Services, asked: Asked, command: RetryPayment) -> Refusal | None:
    """A debit needs a mandate that stands when it is made, not only when it was planned."""
    payment: PaymentState = await state_of(of, PAYMENT, asked.stream)
    if payment.mandate is None or payment.lease is None:
        return None
    return await _permitted(of, asked, payment.lease, payment.mandate, command.amount_fen)


async def credit_refunded(of: Services, asked: Asked, command: RefundCredit) -> Refusal | None:
    """Credit goes back only through a payment of the same lease."""
    if command.payment is None:
        return None
    if not await _owned(of, asked.tenant, command.payment, "payment"):
        return payment_refusals.UNKNOWN()
    payment: PaymentState = await state_of(of, PAYMENT, command.payment)
    return None if payment.lease == asked.stream else payment_refusals.UNKNOWN()


async def _permitted(of: Services, asked: Asked, lease: UUID, reference: str, amount_fen: int) -> Refusal | None:
    return permits(await state_of(of, MANDATE, mandate_stream(lease)), reference, amount_fen, asked.on)
