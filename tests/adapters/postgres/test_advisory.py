"""Locks by purpose: one holder at a time, nothing ends him but his own end, and who lost one hears of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from psycopg import Connection

from adapters.postgres.advisory import LockLost, alone
from adapters.postgres.connections import connect, connect_async, connect_writer, holding_pool_of, pool_of
from tests.adapters.postgres.hasty import TIMEOUTS, hasty, outlast

PURPOSE = b"leaseledger.test/1"
OFF = "SELECT name, setting FROM pg_settings WHERE name = ANY(%s)"


@pytest.fixture
def in_a_hurry(superuser: Connection[Any]) -> Iterator[None]:
    """No connection of the test's own may stand still."""
    with hasty(superuser):
        yield


async def settings_of(connection: Any) -> set[str]:
    return {setting for _, setting in await (await connection.execute(OFF, (list(TIMEOUTS),))).fetchall()}


@pytest.mark.usefixtures("in_a_hurry")
async def test_whoever_may_hold_a_lock_is_ended_by_no_timeout_of_the_database(url: str) -> None:
    """A lock that is lost amid a day is somebody else's, while the first one works on."""
    with connect(url) as blocking:
        assert {setting for _, setting in blocking.execute(OFF, (list(TIMEOUTS),)).fetchall()} == {"0"}
    for connecting in (connect_async, connect_writer):
        async with await connecting(url) as connection:
            assert await settings_of(connection) == {"0"}
    async with holding_pool_of(url, most=1) as pool, pool.connection() as connection:
        assert await settings_of(connection) == {"0"}
    async with pool_of(url, most=1) as pool, pool.connection() as connection:
        assert await settings_of(connection) != {"0"}, "who only asks keeps the operator's limits"


@pytest.mark.usefixtures("in_a_hurry")
async def test_a_lock_outlives_the_databases_patience(url: str, superuser: Connection[Any]) -> None:
    async with holding_pool_of(url, most=1) as pool, alone(pool, PURPOSE) as still:
        outlast(url)
        await still()
        held = superuser.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted").fetchone()
        assert held != (0,)


async def test_who_lost_a_lock_hears_of_it_before_the_next_step(url: str, superuser: Connection[Any]) -> None:
    async with holding_pool_of(url, most=1) as pool:
        async with alone(pool, PURPOSE) as still:
            await still()
            superuser.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory' AND granted"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            )
            with pytest.raises(LockLost, match="expected to work alone"):
                await still()
        async with alone(pool, PURPOSE) as again:
            await again()


async def test_one_waits_for_the_other_and_says_so(url: str) -> None:
    told: list[str] = []
    waits = asyncio.Event()
    async with holding_pool_of(url, most=2) as pool:

        async def second() -> None:
            async with alone(pool, PURPOSE, waits.set):
                told.append("second")

        async with asyncio.TaskGroup() as group, alone(pool, PURPOSE):
            group.create_task(second())
            await waits.wait()
            told.append("first")
    assert told == ["first", "second"]
