"""Blocking queries beside the event loop: read models and other questions that go to the database by themselves.

So many work at a time, so many of one asker, and of those who wait each asker is next in his turn:

    a a a a b ─▶ [ a a a · ]        b goes in at once, though a came first; a fourth of a's waits for a's own

Whoever asks for more than others waits behind himself, not they behind him.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread

from adapters.fair_queue import FairQueue
from adapters.postgres.connections import RECONNECT_S, Connection, blocking_pool_of

QUERY_CONNECTIONS = 4
"""Blocking queries at a time; each holds one thread and one connection."""

QUERIES_OF_ONE = 3
"""Blocking queries of one tenant at a time: one place is always for somebody else."""

POOL_TIMEOUT_S = 5.0

P = ParamSpec("P")
T = TypeVar("T")


class Queries:
    """Blocking database work outside the event loop: a few threads, a few connections, made when first needed."""

    def __init__(self, url: str, *, timeout_s: float = POOL_TIMEOUT_S, reconnect_s: float = RECONNECT_S) -> None:
        self._pool = blocking_pool_of(url, most=QUERY_CONNECTIONS, timeout_s=timeout_s, reconnect_s=reconnect_s)
        self._limiter: CapacityLimiter | None = None
        self._turns = FairQueue(QUERY_CONNECTIONS, QUERIES_OF_ONE)

    async def run(self, query: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`query(connection, …)` on a thread. Raises what that raises, and `PoolTimeout` without a database."""
        if self._limiter is None:
            self._limiter = CapacityLimiter(QUERY_CONNECTIONS)
            self._pool.open()

        def work() -> T:
            with self._pool.connection() as connection:
                return query(connection, *args, **kwargs)

        async with self._turns.turn():
            return await to_thread.run_sync(work, limiter=self._limiter)

    async def close(self) -> None:
        """Give the connections back."""
        await to_thread.run_sync(self._pool.close)
