"""One import of a tenant at a time: another one waits, says so, and finds what the first one brought."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from api.language import text

if TYPE_CHECKING:
    from uuid import UUID

    from api.cli.frame import Session
    from api.compose import Base


@asynccontextmanager
async def alone_in(session: Session, on: Base, tenant: UUID) -> AsyncIterator[None]:
    """Wait until nobody else imports for a tenant, and keep others waiting. Whoever dies lets the next one go on."""
    from adapters.postgres.advisory import alone
    from adapters.postgres.connections import holding_pool_of

    def waits() -> None:
        session.say(text("Another import for this tenant is under way; this one waits for its end."))

    pool = holding_pool_of(on.url, least=1, most=1)
    async with pool, alone(pool, f"leaseledger.import/1 {tenant}".encode(), waits):
        yield
