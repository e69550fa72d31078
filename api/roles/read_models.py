"""Read models as the steps of an end of day ask them: brought up to date with the ledger before every answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from typing import Any, TypeVar
from uuid import UUID

import anyio
import psycopg

from adapters.postgres.schema import SHARD
from domain.kernel.timer import Timer
from domain.payments.collection import CollectionPosition
from domain.payments.matching import Money
from projections.calendar import timers
from projections.engine.runner import Runner
from projections.payments import movements
from projections.payments.collection_positions import READS, Unposted, collection_positions

T = TypeVar("T")


class ReadModels:
    """What the steps ask, over the read models, brought up to date with the ledger before every answer.

    `unposted` says which money of a tenant arrived and was not posted to its lease.
    """

    def __init__(self, connection: psycopg.Connection[Any], unposted: Callable[[UUID], Awaitable[Unposted]]) -> None:
        self._connection = connection
        self._unposted = unposted
        self._timers = Runner(connection, (timers.TIMERS,), shard=SHARD)
        self._money = Runner(connection, READS, shard=SHARD)
        self._timers.prepare()
        self._money.prepare()

    async def due(self, tenant: UUID, day: date) -> Sequence[Timer]:
        """Every timer that is due on a day or was before."""
        return await self._ask(self._timers, timers.due, tenant, day)

    async def received(self, tenant: UUID, provider: str, day: date) -> Sequence[Money]:
        """Every movement at a provider with this value date."""
        return await self._ask(self._money, movements.received, tenant, provider, day)

    async def collection_positions(self, tenant: UUID, day: date) -> Sequence[CollectionPosition]:
        """The leases where something may be collected or given up on a day."""
        unposted = await self._unposted(tenant)
        return await self._ask(self._money, collection_positions, tenant, day, unposted)

    async def _ask(self, models: Runner, query: Callable[..., T], *about: object) -> T:
        """Ask read models in a thread, when they are up to date."""

        def asked() -> T:
            models.catch_up()
            return query(self._connection, *about, shard=SHARD)

        return await anyio.to_thread.run_sync(asked)
