"""The tenant lock: who reads a sum over a tenant excludes the others, in this process and in all on the same database.

    hold(tenant) ─▶ a lock in this process ─▶ an advisory lock of the database ─▶ fence ─▶ … ─▶ both are given back

Whoever waits for the database's lock holds one connection; the lock in this process lets one at a time wait for each
tenant. A process that dies loses its connection and with it the lock.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import UUID

import psycopg

from adapters.postgres.advisory import lock_number
from adapters.postgres.connections import holding_pool_of
from adapters.postgres.schema import SHARD
from adapters.postgres.writing.sequencer import Fence

CONNECTIONS = 4
"""Tenants whose lock is held at the same time in one process; others wait for a connection."""

WAIT_S = 30.0
"""How long a connection is waited for, before the database counts as gone."""

_LOCK = "SELECT pg_advisory_xact_lock(%s)"
_WAIT_FOR_APPENDS = "SELECT FROM ledger.head WHERE shard = %s FOR SHARE"


class TenantLock:
    """Locks by tenant on a small pool of their own, because whoever holds one needs further connections."""

    def __init__(self, url: str) -> None:
        self._pool = holding_pool_of(url, most=CONNECTIONS, timeout_s=WAIT_S)
        self._here: defaultdict[UUID, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def __aenter__(self) -> TenantLock:
        await self._pool.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._pool.close()

    @asynccontextmanager
    async def hold(self, tenant: UUID) -> AsyncIterator[Fence]:
        """Wait for the tenant's lock and keep it. Raises `PoolTimeout` when there is no connection to wait on.

        The lock is lost with its connection, and the next one gets it. So whoever writes under it gives the fence
        along, which the append checks under the head's lock; and whoever gets it waits until the append that may have
        passed that check just before is written.
        """
        lock = lock_of(tenant)
        async with self._here[tenant], self._pool.connection() as connection:
            try:
                await connection.execute("BEGIN")
                await connection.execute(_LOCK, (lock,))
                async with connection.transaction(force_rollback=True):
                    await connection.execute(_WAIT_FOR_APPENDS, (SHARD,))
                yield Fence(lock, connection.info.backend_pid)
            finally:
                # A connection that is gone has given the lock back already.
                with suppress(psycopg.Error):
                    await connection.execute("ROLLBACK")


def lock_of(tenant: UUID) -> int:
    """The number of a tenant's advisory lock."""
    return lock_number(b"leaseledger.tenant_lock/1" + tenant.bytes)
