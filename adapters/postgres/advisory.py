"""Advisory locks that are named by what they are for: their numbers, and who holds them.

Locks of set-up, of publishing and of read models have fixed numbers where they are taken.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from hashlib import sha256

import psycopg

from adapters.postgres.connections import DatabaseUnavailable, Pool

_BITS = 63
_TRY = "SELECT pg_try_advisory_xact_lock(%s)"
_WAIT = "SELECT pg_advisory_xact_lock(%s)"

# The two halves of an advisory lock's 64 bits stand in columns of their own.
IS_HELD = """
    held.granted AND held.locktype = 'advisory' AND held.objsubid = 1
    AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND held.classid::bigint = wanted.lock >> 32 AND held.objid::bigint = wanted.lock & 4294967295"""
"""Condition that a row of `pg_locks AS held` is the advisory lock with the number `wanted.lock`, taken."""


def lock_number(purpose: bytes) -> int:
    """The number of the lock for a purpose: 63 bits that no other lock of this program has by chance."""
    return int.from_bytes(sha256(purpose).digest()) >> (256 - _BITS)


class LockLost(DatabaseUnavailable):
    """The connection that held a lock is gone, and with it the lock: somebody else may work under it already."""


StillHeld = Callable[[], Awaitable[None]]
"""Asked before each step under a lock; raises `LockLost` when it is gone."""


@asynccontextmanager
async def alone(pool: Pool, purpose: bytes, waits: Callable[[], None] = lambda: None) -> AsyncIterator[StillHeld]:
    """Wait until nobody else holds the lock for a purpose, and keep it on a connection of a holding pool.

    `waits` is called when somebody does. Whoever dies gives it back with the connection; what is yielded notices when
    the connection died and the process did not.
    """
    lock = (lock_number(purpose),)
    async with pool.connection() as connection:

        async def still_held() -> None:
            try:
                await connection.execute("SELECT")
            except psycopg.Error as error:
                raise LockLost("expected to work alone, the database gave the lock away; run it again") from error

        try:
            await connection.execute("BEGIN")
            if await (await connection.execute(_TRY, lock)).fetchone() != (True,):
                waits()
                await connection.execute(_WAIT, lock)
            yield still_held
        finally:
            # A connection that is gone has given the lock back already.
            with suppress(psycopg.Error):
                await connection.execute("ROLLBACK")
