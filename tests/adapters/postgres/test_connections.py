"""Pools: whoever takes a connection gets one that works, also after the server has closed all of them."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg import Connection

from adapters.postgres import connections
from adapters.postgres.connections import blocking_pool_of, pool_of


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a second had passed since each connection was looked at."""
    monkeypatch.setattr(connections, "LOOK_EVERY_S", 0.0)


def end_all(superuser: Connection[Any]) -> None:
    superuser.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )


@pytest.mark.usefixtures("at_once")
async def test_connections_that_the_server_closed_are_replaced(url: str, superuser: Connection[Any]) -> None:
    async with pool_of(url, least=2, most=2) as pool:
        await pool.wait()
        end_all(superuser)
        for _ in range(3):
            async with pool.connection() as connection:
                assert await (await connection.execute("SELECT 1")).fetchone() == (1,)


@pytest.mark.usefixtures("at_once")
def test_threads_get_living_ones_too(url: str, superuser: Connection[Any]) -> None:
    with blocking_pool_of(url, least=2, most=2) as pool:
        pool.wait()
        end_all(superuser)
        for _ in range(3):
            with pool.connection() as connection:
                assert connection.execute("SELECT 1").fetchone() == (1,)


async def test_a_connection_is_looked_at_once_in_a_while(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each use would cost a round trip."""
    looks = 0
    real = psycopg.AsyncConnection.execute

    async def counting(connection: Any, query: Any, *rest: Any, **more: Any) -> Any:
        nonlocal looks
        looks += query == ""
        return await real(connection, query, *rest, **more)

    monkeypatch.setattr(psycopg.AsyncConnection, "execute", counting)
    async with pool_of(url, most=1) as pool:
        for _ in range(50):
            async with pool.connection() as connection:
                await connection.execute("SELECT 1")
    assert looks <= 2
