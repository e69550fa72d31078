"""Blocking queries beside the event loop: read models and other questions that go to the database by themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread

from adapters.postgres.connections import Connection, blocking_pool_of

QUERY_CONNECTIONS = 4
"""Blocking queries at a time; each holds one thread and one connection."""

POOL_TIMEOUT_S = 5.0

P = ParamSpec("P")
T = TypeVar("T")


class Queries:
    """Blocking database work outside the event loop: a few threads, a few connections, made when first needed."""

    def __init__(self, url: str) -> None:
        self._pool = blocking_pool_of(url, most=QUERY_CONNECTIONS, timeout_s=POOL_TIMEOUT_S)
        self._limiter: CapacityLimiter | None = None

    async def run(self, query: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`query(connection, …)` on a thread. Raises what that raises, and `PoolTimeout` without a database."""
        if self._limiter is None:
            self._limiter = CapacityLimiter(QUERY_CONNECTIONS)
            self._pool.open()

        def work() -> T:
            with self._pool.connection() as connection:
                return query(connection, *args, **kwargs)

        return await to_thread.run_sync(work, limiter=self._limiter)

    async def close(self) -> None:
        """Give the connections back."""
        await to_thread.run_sync(self._pool.close)
