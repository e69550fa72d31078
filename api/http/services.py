"""Services of the routes: the running ledger, the limits, the owners of streams."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import Request
from msgspec import Struct

from adapters.fair_queue import FairQueue
from adapters.postgres.reading import browse
from adapters.system import now
from api.compose import Running
from api.edge.metrics import STREAMS
from api.edge.rates import RateLimits, Rates
from api.followers import Remembered, Watch
from api.http.problems import kinds
from api.http.problems.problem import RETRY_AFTER_S, Problem
from api.identity.authentication import Principal
from api.identity.recorded import Approvals, authentication
from api.queries.engine.threads import Queries

OWNERS_CACHED = 100_000
STREAM_RETRY_S = "60"
"""A stream ends by itself after ten minutes; whoever looks again in one finds out soon enough."""


CHECKS, PAPERS = 2, 2
"""Signed files that are checked, and papers that are set, at a time; of one tenant one."""

UPLOADS, UPLOADS_OF_TENANT = 16, 4
"""Signed files that are held at a time, each of up to 8 MiB: waiting for a turn costs memory."""

UPLOAD_RETRY_S = "5"
HEALTH_TIMEOUT_S = 0.5
"""How long `readyz` waits for a connection; a monitor wants its answer within a second."""

CALENDARS_KEPT_S = 30.0
"""How long `readyz` tells the same of calendars: it is asked without a key, and asks for every tenant."""


class Limits(Struct, frozen=True, kw_only=True):
    """Limits that a test may shorten."""

    wait_s: float = 5.0
    poll_s: float = 0.05
    stream_life_s: float = 600.0
    stream_poll_s: float = 0.25
    heartbeat_s: float = 15.0
    streams: int = 512
    streams_of_key: int = 8
    streams_of_tenant: int = 64


class Owner(Struct, frozen=True):
    """Owner of a stream: its tenant, its aggregate, and its correlation."""

    tenant: UUID
    aggregate: str
    correlation: UUID


class Services:
    """Everything behind the routes of one application; `request.app.state.services`."""

    def __init__(self, running: Running, limits: Limits, rates: RateLimits) -> None:
        self.running = running
        self.limits = limits
        self.queries = Queries(running.url)
        # Whoever asks how it goes waits behind nobody, and not for a database that is gone.
        self.health = Queries(running.url, timeout_s=HEALTH_TIMEOUT_S, reconnect_s=HEALTH_TIMEOUT_S)
        self.access = authentication(running)
        self.approvals = Approvals(running)
        self.in_flight: set[tuple[UUID, str]] = set()
        self.watch = Watch(time.monotonic)
        self.rates = Rates(rates)
        self.streams: Counter[Hashable] = Counter()
        self.uploads: Counter[Hashable] = Counter()
        self.checks, self.papers = FairQueue(CHECKS, 1), FairQueue(PAPERS, 1)
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

    @contextmanager
    def answering(self, tenant: UUID, key: str) -> Iterator[None]:
        """One request of a tenant under an idempotency key at a time. Raises `idempotency.in_flight`."""
        place = (tenant, key)
        if place in self.in_flight:
            raise kinds.IDEMPOTENCY_IN_FLIGHT().with_headers(Retry_After=RETRY_AFTER_S)
        self.in_flight.add(place)
        try:
            yield
        finally:
            self.in_flight.discard(place)

    @contextmanager
    def streaming(self, principal: Principal) -> Iterator[None]:
        """One more event stream of a principal. Raises `stream.limit`, and `stream.full` where nobody has room."""
        for whose, most in (
            (principal.key, self.limits.streams_of_key),
            (principal.tenant, self.limits.streams_of_tenant),
        ):
            if self.streams[whose] >= most:
                raise kinds.TOO_MANY_STREAMS(limit=most).with_headers(Retry_After=STREAM_RETRY_S)
        if self.streams[None] >= self.limits.streams:
            raise kinds.STREAMS_FULL(limit=self.limits.streams)
        counted: tuple[Hashable, ...] = (None, principal.tenant, principal.key)
        self.streams.update(counted)
        STREAMS.inc()
        try:
            yield
        finally:
            STREAMS.dec()
            self.streams.subtract(counted)
            self.streams += Counter()

    @contextmanager
    def uploading(self, principal: Principal) -> Iterator[None]:
        """One more signed file of a tenant that is held and checked. Raises `rate.limited`."""
        if self.uploads[principal.tenant] >= UPLOADS_OF_TENANT or self.uploads.total() >= UPLOADS:
            raise kinds.RATE_LIMITED(limit="signed documents").with_headers(Retry_After=UPLOAD_RETRY_S)
        self.uploads[principal.tenant] += 1
        try:
            yield
        finally:
            self.uploads[principal.tenant] -= 1
            self.uploads += Counter()

    async def in_reach(self, position: int) -> int:
        """The ledger's size. Raises `position.ahead` for a position that it has not reached: nobody was told of it."""
        size = await self.running.reader.size()
        if position > size:
            raise kinds.POSITION_AHEAD(ledger_position=size)
        return size

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
