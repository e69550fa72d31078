"""Speaks HTTP with the application in this process: keys for any role and tenant, given events, what was appended."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx

from adapters.postgres.connections import connect
from adapters.system import new_id
from api.compose import Base, Running, running
from api.edge.rates import RateLimits
from api.http import Limits, create_app
from projections.engine.runner import Runner
from projections.registry import PROJECTIONS
from tests.access import KnownKeys
from tests.api.http.recorded import hooks
from tests.given import appended

QUICK = Limits(wait_s=0.3, poll_s=0.01, stream_life_s=0.4, stream_poll_s=0.02, heartbeat_s=0.1)
UNLIMITED = RateLimits(key=1_000_000, tenant=1_000_000, address=1_000_000)
DRAFT: dict[str, Any] = {
    "reference": "HT-2026-0001",
    "asset_class": "phone",
    "product": "rent_12",
    "channel": "shop",
    "amount_fen": 599_900,
    "currency": "CNY",
}
PERSON = {
    "subject": "subject_" + "5" * 32,
    "name": "欧阳测试",
    "identity_number": "11010519491231002X",
    "phone": "13912345678",
    "address": "北京市测试路1号",
}


@dataclass(frozen=True)
class Answered:
    """What one request was answered, and the types of the events that it appended, in ledger order."""

    response: httpx.Response
    appended: tuple[str, ...]

    def then(self, status: int, *types: str) -> httpx.Response:
        """Exactly this answer and these events."""
        assert (self.response.status_code, self.appended) == (status, types), self.response.text
        return self.response

    def then_refused(self, status: int, code: str, **facts: object) -> None:
        """This problem, and not one event; facts that are given must be the problem's facts, all of them."""
        assert (self.response.status_code, self.appended) == (status, ()), self.response.text
        problem = self.response.json()
        assert problem["code"] == code, problem
        if facts:
            assert problem["facts"] == {name: str(value) for name, value in facts.items()}


@dataclass
class Http:
    """One client of one application. `tenant` is fresh for every test."""

    on: Base
    running: Running
    app: Any
    client: httpx.AsyncClient
    principals: KnownKeys
    tenant: UUID = field(default_factory=new_id)
    keys: dict[tuple[UUID, str], str] = field(default_factory=dict)

    def key(self, role: str = "operator", tenant: UUID | None = None) -> str:
        """An API key of a role, by default of this test's tenant."""
        place = (tenant or self.tenant, role)
        if place not in self.keys:
            self.keys[place] = self.principals.key(place[0], role)
        return self.keys[place]

    def headers(self, role: str = "operator", **more: str) -> dict[str, str]:
        """Headers of a request under a role; underscores of names stand for hyphens."""
        return {"Authorization": f"Bearer {self.key(role)}"} | {
            name.replace("_", "-"): value for name, value in more.items()
        }

    def another_tenant(self) -> Http:
        """The same interface for somebody else."""
        return Http(self.on, self.running, self.app, self.client, self.principals)

    async def get(self, path: str, role: str = "operator", **more: str) -> httpx.Response:
        """GET under a role, with more headers."""
        return await self.client.get(path, headers=self.headers(role, **more))

    async def post(
        self, path: str, body: Any = None, role: str = "operator", key: str | None = None, **more: str
    ) -> httpx.Response:
        """POST a command; without a key under a fresh one."""
        headers = self.headers(role, Idempotency_Key=key or new_id().hex, **more)
        return await self.client.post(path, json={} if body is None else body, headers=headers)

    async def when(self, path: str, body: Any = None, **more: Any) -> Answered:
        """POST a command and look at what the ledger holds afterwards; the rest is as for `post`."""
        return await self.judged(self.post(path, body, **more))

    async def judged(self, request: Awaitable[httpx.Response]) -> Answered:
        """What any request is answered, and what it appends."""
        before = await self.size()
        response = await request
        return Answered(response, await appended(self.running, before))

    async def given(self, *commands: tuple[str, Any], **fields: Any) -> str:
        """An application after a draft (with `fields` changed) and these commands; gives its address."""
        drafted = await self.post("/v1/applications", DRAFT | fields)
        assert drafted.status_code == 201, drafted.text
        address = drafted.headers["location"]
        for segment, body in commands:
            done = await self.post(f"{address}/{segment}", body)
            assert done.status_code == 200, done.text
        return address

    async def events(self, address: str) -> list[str]:
        """Types of the events of an application."""
        stored = await self.running.reader.stream(UUID(address.rpartition("_")[2]))
        return [one.parsed().type for one in stored]

    async def size(self) -> int:
        """How many events the ledger holds."""
        return await self.running.reader.size()

    def project(self) -> None:
        """Bring the read models up to date."""
        with connect(self.on.url) as connection:
            runner = Runner(connection, PROJECTIONS)
            runner.prepare()
            runner.catch_up()


@asynccontextmanager
async def opened(on: Base, limits: Limits = QUICK, rates: RateLimits = UNLIMITED) -> AsyncIterator[Http]:
    """The application on a prepared database, with a client that needs no socket."""
    async with running(on) as ledger:
        app = create_app(ledger, limits=limits, rates=rates)
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://ledger", event_hooks=hooks()) as client,
        ):
            yield Http(on, ledger, app, client, KnownKeys(app.state.services.access))


@asynccontextmanager
async def opened_with(on: Base, rates: RateLimits) -> AsyncIterator[Http]:
    """The application with low limits and a clock that stands still."""
    async with opened(on, QUICK, rates) as driver:
        limits = driver.app.state.services.rates
        for buckets in (limits.keys, limits.tenants, limits.addresses):
            buckets._clock = lambda: 0.0
        yield driver
