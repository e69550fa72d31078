"""Subscriptions, put together: each process manager of the domain, and the collector that asks providers.

originating  from offer to lease
payments     money between leases and payments
collector    attempts and refunds to their providers
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import UUID

from psycopg_pool import AsyncConnectionPool

from adapters.connectors.payments.collecting import INTEREST, Collector
from adapters.postgres.connections import conninfo
from adapters.processes.subscription import Subscription, reactor_of
from api.compose import Running
from domain.kernel.process import PROCESS_MANAGERS, FollowUp, Occurrence, ProcessManager

Pool = AsyncConnectionPool[Any]

COLLECTOR = "collector"
"""With the tenant, the name under which the reactor that asks providers keeps its position: providers know a tenant's
account, and it begins when there are some.
"""

POLL_S = 0.2
"""How long a step of the chain waits to be noticed."""

RETRY_AFTER_S = 2.0
"""How long it rests after an error, before it goes on where it stopped."""


def subscription_of(on: Running, pool: Pool, manager: ProcessManager) -> Subscription:
    """The subscription of a process manager; prepare it once."""
    return Subscription(
        name=manager.name,
        ledger=on.ledger,
        reader=on.reader,
        pool=pool,
        interest=frozenset(manager.reacts),
        react=reactor_of(manager, on.facts),
    )


def managed(on: Running, pool: Pool) -> list[Subscription]:
    """The subscriptions of all process managers, in the order of their names."""
    return [subscription_of(on, pool, manager) for _, manager in sorted(PROCESS_MANAGERS.items())]


def collector_of(on: Running, pool: Pool, tenant: UUID, collector: Collector) -> Subscription:
    """The subscription that takes a tenant's attempts and refunds to their providers."""

    async def react(occurrence: Occurrence) -> Sequence[FollowUp]:
        return await collector.react(occurrence) if occurrence.tenant == tenant else ()

    return Subscription(
        name=f"{COLLECTOR}:{tenant}", ledger=on.ledger, reader=on.reader, pool=pool, interest=INTEREST, react=react
    )


async def settle(subscriptions: Sequence[Subscription]) -> None:
    """Until none has anything to do: what one dispatches is what another waits for."""
    while True:
        dispatched = [await subscription.catch_up() for subscription in subscriptions]
        if not any(one.accepted for one in dispatched):
            return


@asynccontextmanager
async def following(on: Running, say: Callable[[Exception], None]) -> AsyncIterator[None]:
    """Follow the ledger until the block ends; an error is said, and the subscriptions go on after a while."""
    task = asyncio.create_task(_follow(on, say))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _follow(on: Running, say: Callable[[Exception], None]) -> None:
    async with AsyncConnectionPool(
        conninfo(on.url), min_size=0, max_size=2, open=False, kwargs={"autocommit": True}
    ) as pool:
        subscriptions = managed(on, pool)
        prepared = False
        while True:
            try:
                if not prepared:
                    await subscriptions[0].prepare()
                    prepared = True
                await settle(subscriptions)
                await asyncio.sleep(POLL_S)
            except Exception as error:  # noqa: BLE001 - the interface goes on, and people hear of it
                say(error)
                await asyncio.sleep(RETRY_AFTER_S)
