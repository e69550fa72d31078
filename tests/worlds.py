"""A world for each test: a fresh ledger with processes, providers and an end of day."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from psycopg_pool import AsyncConnectionPool

from adapters.connectors.payments.scenarios import Script, always
from adapters.postgres.connections import connect
from api.compose import Running
from api.roles.read_models import ReadModels
from projections.payments.collection_positions import Unposted
from tests.adapters.processes.world import World, a_world, pool_of


async def _nothing_posted(_: UUID) -> Unposted:
    return Unposted(0)


@pytest.fixture
def models(url: str) -> Iterator[ReadModels]:
    """The read models that an end of day asks."""
    with connect(url) as connection:
        yield ReadModels(connection, _nothing_posted)


@pytest.fixture
async def pool(url: str) -> AsyncIterator[AsyncConnectionPool[Any]]:
    """Connections of a subscription."""
    with pool_of(url) as made:
        async with made:
            yield made


@pytest.fixture
async def world(program: Running) -> AsyncIterator[World]:
    """Providers that take every order and collect at once."""
    async with a_world(program, always(Script())) as made:
        yield made


@pytest.fixture
def inline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocking queries block, so that a cancelled test leaves no thread behind."""

    async def at_once(work: Callable[..., Any], *arguments: Any) -> Any:
        return work(*arguments)

    monkeypatch.setattr("anyio.to_thread.run_sync", at_once)
