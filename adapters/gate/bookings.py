"""Guards of bookings: what a finance lease adds has room in the portfolio, when it is made and when it is booked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

from msgspec.structs import replace

from adapters.postgres.ledger import Request
from domain.kernel.refusal import Refusal
from domain.kernel.values import Business
from domain.leasing.lease.commands import CreateLease
from domain.leasing.lease.state import LeasePhase, LeaseState
from domain.portfolio.limits import NEWEST_LIMITS, Exposure, Portfolio, PrudentialData, check_exposure

Around = Callable[[UUID], PrudentialData]
"""What a tenant says of its balance sheet, its groups and related parties."""

Held = Callable[[UUID, str, PrudentialData], Awaitable[Portfolio]]
"""A tenant's portfolio in a currency, as fresh as the ledger."""


class Bookings:
    """Looks at the portfolio before it grows. Its guards are passed in turn, so that no two fill the same room."""

    def __init__(self, around: Around, held: Held) -> None:
        self._around = around
        self._held = held

    async def created(self, request: Request, command: CreateLease) -> Refusal | None:
        """Whether a lease that is to be made has room."""
        if command.business is not Business.FINANCE:
            return None
        assert command.subject is not None, "the lessee of the contract"
        return await self._room(request, command.subject, command.principal_fen, command.currency)

    async def activated(self, request: Request, lease: LeaseState) -> Refusal | None:
        """A guard of `ActivateLease`: a finance lease enters the books when it begins to run."""
        if lease.business is not Business.FINANCE or lease.phase is not LeasePhase.AWAITING_DELIVERY:
            return None
        return await self._room(request, lease.subject or request.stream, lease.principal_fen, lease.currency)

    async def _room(self, request: Request, lessee: UUID, fen: int, currency: str) -> Refusal | None:
        """The first portfolio limit that a booking would break."""
        around = self._around(request.context.tenant)
        before = await self._held(request.context.tenant, currency, around)
        booking = Exposure(lessee=lessee, fen=fen)
        member = replace(booking, group=around.group_of.get(lessee), related=lessee in around.related)
        return next(iter(check_exposure(before, member, NEWEST_LIMITS)), None)
