"""Connections to the ledger's database, each working under one of its roles.

leaseledger_owner   owns the tables; only migrations use it
leaseledger_app     adds events and read models; may not change or remove an event
leaseledger_reader  reads everything but keys and vault
"""

from __future__ import annotations

from typing import Any, Literal

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg_pool import AsyncConnectionPool

Role = Literal["leaseledger_app", "leaseledger_reader"]

CONNECT_TIMEOUT_S = 10


Connection = psycopg.Connection[tuple[Any, ...]]
AsyncConnection = psycopg.AsyncConnection[tuple[Any, ...]]
Pool = AsyncConnectionPool[AsyncConnection]


class DatabaseUnavailable(RuntimeError):
    """The database cannot be reached; the message names the reason without credentials."""


def conninfo(url: str, role: Role | None = "leaseledger_app") -> str:
    """libpq connection string for `url` that starts under `role` with synchronous commits."""
    options = "-c synchronous_commit=on -c timezone=UTC"
    if role is not None:
        options += f" -c role={role}"
    return make_conninfo(url, options=options, connect_timeout=CONNECT_TIMEOUT_S, application_name="leaseledger")


def connect(url: str, role: Role | None = "leaseledger_app") -> Connection:
    """A blocking connection in autocommit mode. Raises `DatabaseUnavailable`."""
    try:
        return psycopg.connect(conninfo(url, role), autocommit=True)
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable(f"cannot connect to the database: {_reason(error)}") from error


async def connect_async(url: str, role: Role | None = "leaseledger_app") -> AsyncConnection:
    """An asyncio connection in autocommit mode. Raises `DatabaseUnavailable`."""
    try:
        return await psycopg.AsyncConnection.connect(conninfo(url, role), autocommit=True)
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable(f"cannot connect to the database: {_reason(error)}") from error


def _reason(error: psycopg.Error) -> str:
    return " ".join(str(error).split())[:300]
