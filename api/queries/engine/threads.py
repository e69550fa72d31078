"""Blocking queries beside the event loop: read models and other questions that go to the database by themselves.

So many work at a time, so many of one asker, and of those who wait each asker is next in his turn:

    a a a a b ─▶ [ a a a · ]        b goes in at once, though a came first; a fourth of a's waits for a's own

Whoever asks for more than others waits behind himself, not they behind him.
"""

from __future__ import annotations

from asyncio import Future, get_running_loop
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Concatenate, ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread

from adapters.postgres.connections import RECONNECT_S, Connection, blocking_pool_of

QUERY_CONNECTIONS = 4
"""Blocking queries at a time; each holds one thread and one connection."""

QUERIES_OF_ONE = 3
"""Blocking queries of one tenant at a time: one place is always for somebody else."""

POOL_TIMEOUT_S = 5.0

P = ParamSpec("P")
T = TypeVar("T")


ASKING: ContextVar[Hashable] = ContextVar("asking", default=None)
"""Whose request is being answered: the tenant; `None` for what nobody's key asked for."""


class FairQueue:
    """`most` at a time, `each` of one asker. Belongs to one event loop."""

    def __init__(self, most: int, each: int) -> None:
        self._each = each
        self._free = most
        self._working: Counter[Hashable] = Counter()
        self._waiting: OrderedDict[Hashable, deque[Future[None]]] = OrderedDict()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn of the one who asks, and give it back."""
        whose = ASKING.get()
        await self._begin(whose)
        try:
            yield
        finally:
            self._end(whose)

    async def _begin(self, whose: Hashable) -> None:
        if self._free and self._working[whose] < self._each:
            self._take(whose)
            return
        mine = get_running_loop().create_future()
        self._waiting.setdefault(whose, deque()).append(mine)
        try:
            await mine
        except BaseException:
            if mine.done() and not mine.cancelled():
                self._end(whose)
            elif whose in self._waiting and mine in self._waiting[whose]:
                self._waiting[whose].remove(mine)
                self._forget_nobody(whose)
            raise

    def _take(self, whose: Hashable) -> None:
        self._free -= 1
        self._working[whose] += 1

    def _end(self, whose: Hashable) -> None:
        self._free += 1
        self._working[whose] -= 1
        if not self._working[whose]:
            del self._working[whose]
        self._next()

    def _next(self) -> None:
        """Whoever waits longest since his last turn, of those who may have another."""
        for whose in tuple(self._waiting):
            if not self._free:
                return
            if self._working[whose] >= self._each:
                continue
            one = self._first(whose)
            if one is not None:
                self._take(whose)
                one.set_result(None)

    def _first(self, whose: Hashable) -> Future[None] | None:
        """Take out the first of an asker's who still waits; those before him hung up in this moment."""
        queue, found = self._waiting[whose], None
        while queue and found is None:
            one = queue.popleft()
            found = None if one.done() else one
        self._waiting.move_to_end(whose)
        self._forget_nobody(whose)
        return found

    def _forget_nobody(self, whose: Hashable) -> None:
        if not self._waiting[whose]:
            del self._waiting[whose]


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
