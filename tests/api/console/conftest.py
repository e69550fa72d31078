"""The console over a ledger with a little of everything, as a browser without scripts meets it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import pytest_asyncio

from api.compose import Base, running
from api.demonstration import living
from api.roles.serve import site
from tests.access import KnownKeys

URL = "http://console.example"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def application(lived: Base) -> AsyncIterator[Any]:
    """The site over that ledger; making one takes longer than most tests."""
    async with running(lived) as program:
        yield site(program)


@pytest.fixture
def keys(lived: Base, application: Any) -> dict[str, str]:
    """A key of each role that pages are for, and one of another tenant."""
    known = KnownKeys(application.access)
    shop, car = (part.tenant for part in living.parts(lived.settings.tenant))
    made = {role: known.key(shop, role) for role in ("operator", "collector", "court")}
    return made | {"elsewhere": known.key(car, "operator")}


@pytest_asyncio.fixture(loop_scope="session")
async def browser(application: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that is not logged in."""
    async with browsing(application) as client:
        yield client


@asynccontextmanager
async def browsing(application: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A browser for an application."""
    transport = httpx.ASGITransport(app=application)
    async with httpx.AsyncClient(transport=transport, base_url=URL) as client:
        yield client


async def log_in(browser: httpx.AsyncClient, key: str) -> httpx.Response:
    """What the login form does."""
    return await browser.post("/console/login", data={"key": key, "next": "/leases"})
