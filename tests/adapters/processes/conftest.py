"""A world for each test: a fresh ledger with processes, providers and an end of day."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from psycopg_pool import AsyncConnectionPool

from adapters.payments.in_process import Script, always
from api.compose import Running
from tests.adapters.processes.world import ReadModels, World, pool_of, providers, read_models


@pytest.fixture
def models(url: str) -> Iterator[ReadModels]:
    """The read models that an end of day asks."""
    with read_models(url) as made:
        yield made


@pytest.fixture
async def pool(url: str) -> AsyncIterator[AsyncConnectionPool[Any]]:
    """Connections of the follower."""
    with pool_of(url) as made:
        async with made:
            yield made


@pytest.fixture
async def world(program: Running, models: ReadModels, pool: AsyncConnectionPool[Any]) -> World:
    """Providers that take every order and collect at once."""
    made = World(program, models, providers(always(Script())), pool)
    await made.follower.prepare()
    return made
