"""Guards of money: a debit needs a mandate that stands when it is made, a refund a payment of its own lease."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from adapters.gate.streams import Streams
from adapters.postgres.ledger import Request
from domain.kernel.refusal import Refusal
from domain.leasing.lease import refusals as lease_refusals
from domain.payments.mandate import MANDATE, MandateState, mandate_stream, permits
from domain.payments.payment import refusals as payment_refusals
from domain.payments.payment.rules import PAYMENT
from domain.payments.payment.state import PaymentState


class Money:
    """Looks at leases, mandates and payments of the tenant before money is asked for or given back."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams

    async def granted(self, request: Request, _: object) -> Refusal | None:
        """A guard of `GrantMandate`: a mandate is for a lease of the tenant."""
        command: Any = request.command
        exists = await self._streams.exists("lease", command.lease, request.context.tenant)
        return None if exists else lease_refusals.UNKNOWN()

    async def begun(self, request: Request, _: object) -> Refusal | None:
        """A guard of `InitiatePayment`: for a lease of the tenant, and under a mandate only as that permits."""
        command: Any = request.command
        if not await self._streams.exists("lease", command.lease, request.context.tenant):
            return lease_refusals.UNKNOWN()
        if command.mandate is None:
            return None
        return await self._permitted(request, command.lease, command.mandate, command.amount_fen)

    async def tried_again(self, request: Request, payment: PaymentState) -> Refusal | None:
        """A guard of `RetryPayment`: what was planned under a mandate may not be permitted any more."""
        command: Any = request.command
        if payment.mandate is None or payment.lease is None:
            return None
        return await self._permitted(request, payment.lease, payment.mandate, command.amount_fen)

    async def refunded(self, request: Request, _: object) -> Refusal | None:
        """A guard of `RefundCredit`: credit goes back through a payment of the same lease, or in another way."""
        command: Any = request.command
        if command.payment is None:
            return None
        payment = await self._streams.state(PAYMENT, command.payment, request.context.tenant)
        return None if payment is not None and payment.lease == request.stream else payment_refusals.UNKNOWN()

    async def _permitted(self, request: Request, lease: UUID, reference: str, amount_fen: int) -> Refusal | None:
        tenant, on = request.context.tenant, request.context.business_date
        mandate = await self._streams.state(MANDATE, mandate_stream(lease), tenant)
        return permits(mandate or MandateState(), reference, amount_fen, on)
