"""Ending business days, put together: the read model of timers, kept up to date, behind the end of day.

    EndOfDay ─due?─▶ TimersNow ─catch up─▶ read.timers ─▶ the timers that are due
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date
from typing import Any
from uuid import UUID

import psycopg

from adapters.postgres.connections import connect
from adapters.postgres.schema import SHARD
from adapters.processes.end_of_day import EndOfDay
from api.compose import Running
from domain.calendar import Timer
from projections import timers
from projections.runner import Runner


class TimersNow:
    """`DueTimers` over the read model, brought up to date with the ledger before every answer."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._runner = Runner(connection, (timers.TIMERS,), shard=SHARD)
        self._runner.prepare()

    async def due(self, tenant: UUID, day: date) -> Sequence[Timer]:
        """Every timer that is due on a day or was before."""
        return await asyncio.to_thread(self._due, tenant, day)

    def _due(self, tenant: UUID, day: date) -> Sequence[Timer]:
        self._runner.catch_up()
        return timers.due(self._connection, tenant, day, shard=SHARD)


@asynccontextmanager
async def end_of_day(on: Running, tenant: UUID) -> AsyncIterator[EndOfDay]:
    """The end of day of one tenant on a running ledger."""
    with connect(on.url) as connection:
        yield EndOfDay(on.ledger, on.reader, TimersNow(connection), tenant)
