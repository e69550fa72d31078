"""A lessor of its own for every test, on a fresh ledger with all its rules."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from psycopg_pool import AsyncConnectionPool

from adapters.processes.subscription import Subscription
from api.compose import Running
from api.roles.subscriptions import subscription_of
from domain.leasing.origination import ORIGINATION
from tests.adapters.lessor import Lessor
from tests.adapters.processes.world import pool_of


@pytest.fixture
def lessor(program: Running) -> Lessor:
    """A tenant without anything yet."""
    return Lessor(program)


@pytest.fixture
async def origination(program: Running) -> AsyncIterator[Subscription]:
    """The process from offer to lease, when it is told to catch up."""
    with pool_of(program.url) as pool:
        opened: AsyncConnectionPool[Any] = pool
        async with opened:
            subscription = subscription_of(program, opened, ORIGINATION)
            await subscription.prepare()
            yield subscription
