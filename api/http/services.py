"""Services of the routes: the running ledger, the limits, the owners of streams."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import Request
from msgspec import Struct

from adapters.postgres import api_keys
from adapters.postgres.reading import browse
from adapters.system import now
from api.authentication import Authentication
from api.compose import Running
from api.followers import Remembered, Watch
from api.http.problems import kinds
from api.http.problems.problem import Problem
from api.queries.engine.threads import Queries

OWNERS_CACHED = 100_000
RETRY_AFTER_S = "1"
CALENDARS_KEPT_S = 30.0
"""How long `readyz` tells the same of calendars: it is asked without a key, and asks for every tenant."""


class Limits(Struct, frozen=True, kw_only=True):
    """Limits that a test may shorten."""

    wait_s: float = 5.0
    poll_s: float = 0.05
    stream_life_s: float = 600.0
    stream_poll_s: float = 0.25
    heartbeat_s: float = 15.0
    streams: int = 64


class Owner(Struct, frozen=True):
    """Owner of a stream: its tenant, its aggregate, and its correlation."""

    tenant: UUID
    aggregate: str
    correlation: UUID


class Services:
    """Everything behind the routes of one application; `request.app.state.services`."""

    def __init__(self, running: Running, limits: Limits) -> None:
        self.running = running
        self.limits = limits
        self.queries = Queries(running.url)
        self.access = Authentication(lambda hashed: self.queries.run(api_keys.find_key, hashed))
        self.in_flight: set[tuple[UUID, str]] = set()
        self.open_streams = 0
        self.watch = Watch(time.monotonic)
        self.calendars: Remembered[Any] = Remembered(time.monotonic, CALENDARS_KEPT_S)
        self._owners: OrderedDict[UUID, Owner] = OrderedDict()

    @staticmethod
    def now() -> datetime:
        """The instant at which a request is handled."""
        return now()

    async def owner_of(self, stream: UUID, tenant: UUID, aggregate: str) -> Owner:
        """The owner of a stream of this tenant and aggregate. Raises `resource.not_found` for all others."""
        known = self._owners.get(stream)
        if known is None:
            first = await self.queries.run(browse.first_envelope, stream)
            if first is None:
                raise Problem(kinds.NOT_FOUND)
            known = Owner(first.tenant, first.type.partition(".")[0], first.correlation)
            self.remember_owner(stream, known)
        if (known.tenant, known.aggregate) != (tenant, aggregate):
            raise Problem(kinds.NOT_FOUND)
        return known

    def remember_owner(self, stream: UUID, owner: Owner) -> None:
        """Streams never change hands, so what is known stays true."""
        self._owners[stream] = owner
        if len(self._owners) > OWNERS_CACHED:
            self._owners.popitem(last=False)

    async def wait_for(self, position: int, reached: Callable[[], Awaitable[int]]) -> int:
        """The first answer of `reached` that is at least `position`.

        Raises `position.not_reached` when that takes longer than the limit.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.limits.wait_s
        while (got := await reached()) < position:
            if loop.time() >= deadline:
                raise kinds.POSITION_NOT_REACHED(asked=position, reached=got).with_headers(Retry_After=RETRY_AFTER_S)
            await asyncio.sleep(self.limits.poll_s)
        return got


def services(request: Request) -> Services:
    """The dependency that hands a route its services."""
    found: Services = request.app.state.services
    return found
