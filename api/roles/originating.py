"""The chain from offer to lease, put together: a follower beside the HTTP interface, and at the ends of days."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

from psycopg_pool import AsyncConnectionPool

from adapters.postgres.connections import conninfo
from adapters.processes.originating import INTEREST, Originating
from adapters.processes.subscription import Follower
from adapters.reference.tenants import terms_of_business
from api.compose import Running

NAME = "originating"
"""The name under which the follower keeps its position."""

POLL_S = 0.2
"""How long a step of the chain waits to be noticed."""

RETRY_AFTER_S = 2.0
"""How long it rests after an error, before it goes on where it stopped."""


def follower_of(on: Running, pool: AsyncConnectionPool[Any]) -> Follower:
    """The chain's follower on a running ledger; prepare it once."""
    return Follower(
        name=NAME,
        ledger=on.ledger,
        reader=on.reader,
        pool=pool,
        interest=INTEREST,
        reactors=(Originating(on.facts, on.reader, partial(terms_of_business, on.settings.data)).react,),
    )


@asynccontextmanager
async def following(on: Running, say: Callable[[Exception], None]) -> AsyncIterator[None]:
    """Follow the ledger until the block ends; an error is said, and the follower goes on after a while."""
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
        follower = follower_of(on, pool)
        prepared = False
        while True:
            try:
                if not prepared:
                    await follower.prepare()
                    prepared = True
                await follower.catch_up()
                await asyncio.sleep(POLL_S)
            except Exception as error:  # noqa: BLE001 - the interface goes on, and people hear of it
                say(error)
                await asyncio.sleep(RETRY_AFTER_S)
