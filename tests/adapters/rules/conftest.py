"""A lessor of its own for every test, on a fresh ledger with all its rules."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from psycopg_pool import AsyncConnectionPool

from adapters.processes.subscription import Follower
from api.compose import Running
from api.roles.originating import follower_of
from tests.adapters.lessor import Lessor
from tests.adapters.processes.world import pool_of


@pytest.fixture
def lessor(program: Running) -> Lessor:
    """A tenant without anything yet."""
    return Lessor(program)


@pytest.fixture
async def chain(program: Running) -> AsyncIterator[Follower]:
    """The process from offer to lease, when it is told to catch up."""
    with pool_of(program.url) as pool:
        opened: AsyncConnectionPool[Any] = pool
        async with opened:
            follower = follower_of(program, opened)
            await follower.prepare()
            yield follower
