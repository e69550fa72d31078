"""Ending business days, put together: timers kept up to date, processes that follow events, and the end of day itself.

    EndOfDay ─due?─▶ TimersNow ─catch up─▶ read.timers ─▶ the timers that are due
        ├─month end─▶ `api.provisions`: what has to be set aside
        └─settle─▶ Followers: payments that succeeded are posted to their leases; from offer to lease

Payment providers are connected by whoever runs them; without any, payments are what was imported or commanded.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date
from typing import Any
from uuid import UUID

import anyio
import psycopg
from psycopg_pool import AsyncConnectionPool

from adapters.postgres.connections import connect, conninfo
from adapters.postgres.schema import SHARD
from adapters.processes.collecting import INTEREST, post_payments
from adapters.processes.end_of_day import EndOfDay
from adapters.processes.following import Follower
from api.compose import Running
from api.originating import follower_of
from api.provisions import provisions_step
from domain.calendar import Timer
from projections import timers
from projections.runner import Runner

PROCESSES = "payments"
"""The name under which the follower keeps its position."""


class TimersNow:
    """`DueTimers` over the read model, brought up to date with the ledger before every answer."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._runner = Runner(connection, (timers.TIMERS,), shard=SHARD)
        self._runner.prepare()

    async def due(self, tenant: UUID, day: date) -> Sequence[Timer]:
        """Every timer that is due on a day or was before."""
        return await anyio.to_thread.run_sync(self._due, tenant, day)

    def _due(self, tenant: UUID, day: date) -> Sequence[Timer]:
        self._runner.catch_up()
        return timers.due(self._connection, tenant, day, shard=SHARD)


@asynccontextmanager
async def end_of_day(on: Running, tenant: UUID) -> AsyncIterator[EndOfDay]:
    """The end of day of one tenant on a running ledger."""
    pool = AsyncConnectionPool(conninfo(on.url), min_size=1, max_size=2, open=False, kwargs={"autocommit": True})
    async with pool:
        follower = Follower(
            name=PROCESSES,
            ledger=on.ledger,
            reader=on.reader,
            pool=pool,
            interest=INTEREST,
            processes=(post_payments,),
        )
        followers = (follower, follower_of(on, pool))
        for one in followers:
            await one.prepare()

        async def settle() -> None:
            for one in followers:
                await one.catch_up()

        with connect(on.url) as connection:
            steps = (provisions_step(on, connection),)
            yield EndOfDay(on.ledger, on.reader, TimersNow(connection), tenant, settle=settle, steps=steps)
