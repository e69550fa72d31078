"""Fair queue for what is scarce, such as connections: each asker has turns, however much one of them asks for.

asker A ─▶ ▢ ▢ ▢ ▢ ─╮
asker B ─▶ ▢ ───────┴▶ the next turn is of whoever waits longest since his last one
"""

from __future__ import annotations

from asyncio import Future, get_running_loop
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from contextvars import ContextVar

ASKING: ContextVar[Hashable] = ContextVar("asking", default=None)
"""The tenant whose request is being answered; `None` for what nobody's key asked for. Doors set it."""


class FairQueue:
    """A fair queue of `most` turns at a time, `each` of one asker. Belongs to one event loop."""

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
        """Give turns to askers who may have another, first to whoever waits longest since his last one."""
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
