"""The console over a ledger with a little of everything, as a browser without scripts meets it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from psycopg import Connection

from adapters.postgres.api_keys import create_key
from adapters.postgres.connections import connect
from adapters.system import now, random_bytes
from api.compose import Base, base, running
from api.demonstration import living
from api.roles.serve import site
from api.settings import Settings
from projections.engine.runner import Runner
from projections.registry import PROJECTIONS
from tests import servers

URL = "http://console.example"


@pytest.fixture(scope="session")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Base]:
    """A demonstration's ledger with its read models."""
    with servers.Server() as server, server.database() as url:
        values: dict[str, Any] = {"database_url": url, "data": tmp_path_factory.mktemp("console")}
        with base(Settings(**values, origin=servers.ORIGIN)) as prepared:
            asyncio.run(living.live(prepared))
            with connect(url) as connection:
                runner = Runner(connection, PROJECTIONS)
                runner.prepare()
                runner.catch_up()
            yield prepared


@pytest.fixture
def keys(lived: Base) -> dict[str, str]:
    """A key of each role that pages are for, and one of another tenant."""
    with connect(lived.url) as connection:
        shop, car = (part.tenant for part in living.parts(lived.settings.tenant))
        made = {role: key_of(connection, shop, role) for role in ("operator", "collector", "court")}
        return made | {"elsewhere": key_of(connection, car, "operator")}


def key_of(connection: Connection[Any], tenant: Any, role: str) -> str:
    """A new key."""
    return create_key(connection, tenant, role, "tests", random_bytes, now())


@pytest.fixture
async def browser(lived: Base) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that is not logged in."""
    async with running(lived) as program:
        transport = httpx.ASGITransport(app=site(program))
        async with httpx.AsyncClient(transport=transport, base_url=URL) as client:
            yield client


async def log_in(browser: httpx.AsyncClient, key: str) -> httpx.Response:
    """What the login form does."""
    return await browser.post("/console/login", data={"key": key, "next": "/leases"})
