"""Connections to the ledger's database, each working under one of its roles.

leaseledger_owner   owns the tables; only migrations use it
leaseledger_app     adds events and read models; may not change or remove an event
leaseledger_reader  reads everything but keys and vault
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, Literal, TypeVar
from weakref import WeakKeyDictionary

import psycopg
from psycopg import waiting
from psycopg.abc import PQGen
from psycopg.conninfo import make_conninfo
from psycopg_pool import AsyncConnectionPool, ConnectionPool

RV = TypeVar("RV")
Role = Literal["leaseledger_app", "leaseledger_reader"]

APP: Role = "leaseledger_app"
READER: Role = "leaseledger_reader"
CONNECT_TIMEOUT_S = 10
RECONNECT_S = 300.0
"""How long a pool tries to connect by itself, at growing intervals."""

LOOK_EVERY_S = 1.0
"""How often a pool looks whether the server still knows a connection; looking at each use would cost a round trip."""


Connection = psycopg.Connection[tuple[Any, ...]]
AsyncConnection = psycopg.AsyncConnection[tuple[Any, ...]]
Pool = AsyncConnectionPool[AsyncConnection]


class DatabaseUnavailable(RuntimeError):
    """The database cannot be reached; the message names the reason without credentials."""


class MayNotRead(RuntimeError):
    """The account of the database URL may not work as leaseledger_reader, as every read does."""


def conninfo(url: str, role: Role | None = APP, more: str = "") -> str:
    """libpq connection string for `url` that starts under `role` with synchronous commits and `more` options."""
    options = f"-c synchronous_commit=on -c timezone=UTC{more}"
    if role is not None:
        options += f" -c role={role}"
    return make_conninfo(url, options=options, connect_timeout=CONNECT_TIMEOUT_S, application_name="leaseledger")


# A server, its operator or a role may end what stands still for a while; who holds a lock stands still while it works.
_NEVER_TIMED_OUT = (
    " -c statement_timeout=0 -c lock_timeout=0 -c idle_in_transaction_session_timeout=0 -c idle_session_timeout=0"
)
_TRANSACTION_TIMEOUT_SINCE = 170_000
"""The version of the server that knows the fifth of these timeouts; earlier ones refuse its name."""
_TRANSACTION_NEVER_TIMED_OUT = "SET transaction_timeout = 0"


def connect(url: str, role: Role | None = APP) -> Connection:
    """A blocking connection in autocommit mode, which no timeout of the database ends. Raises `DatabaseUnavailable`."""
    try:
        connection = psycopg.connect(conninfo(url, role, _NEVER_TIMED_OUT), autocommit=True)
        if connection.info.server_version >= _TRANSACTION_TIMEOUT_SINCE:
            connection.execute(_TRANSACTION_NEVER_TIMED_OUT)
        return connection
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable(f"cannot connect to the database: {_reason(error)}") from error


async def connect_async(url: str, role: Role | None = APP) -> AsyncConnection:
    """An asyncio connection in autocommit mode, which no timeout of the database ends. Raises `DatabaseUnavailable`."""
    try:
        connection = await psycopg.AsyncConnection.connect(conninfo(url, role, _NEVER_TIMED_OUT), autocommit=True)
        await _without_end(connection)
        return connection
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable(f"cannot connect to the database: {_reason(error)}") from error


class WriterConnection(psycopg.AsyncConnection[tuple[Any, ...]]):
    """A connection whose statements nothing cancels: who is interrupted hears of it after the server has answered.

    psycopg asks the server to cancel what an interrupted task waits for. Around a commit behind a synchronous standby
    that ends the wait and keeps the transaction: everybody would see what nobody but this one server has.
    """

    async def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:  # noqa: ASYNC109
        """Run a generator of psycopg to its end; see `psycopg.AsyncConnection.wait`, which would give up on it."""
        interrupted: asyncio.CancelledError | None = None
        while True:
            try:
                result = await waiting.wait_async(gen, self.pgconn.socket, interval=interval, timeout=timeout)
            except asyncio.CancelledError as error:
                interrupted = error
                continue
            if interrupted is not None:
                raise interrupted
            return result


async def connect_writer(url: str) -> WriterConnection:
    """The connection of a writer, in autocommit mode, whose statements end when they are done. Raises
    `DatabaseUnavailable`.
    """
    try:
        connection = await WriterConnection.connect(conninfo(url, APP, _NEVER_TIMED_OUT), autocommit=True)
        await _without_end(connection)
        return connection
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable(f"cannot connect to the database: {_reason(error)}") from error


async def _without_end(connection: AsyncConnection) -> None:
    if connection.info.server_version >= _TRANSACTION_TIMEOUT_SINCE:
        await connection.execute(_TRANSACTION_NEVER_TIMED_OUT)


def check_may_read(connection: Connection) -> None:
    """Raise `MayNotRead` unless whoever is connected may work as leaseledger_reader. The connection stays as it is."""
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(f"SET LOCAL ROLE {READER}")
    except psycopg.errors.InsufficientPrivilege as error:
        raise may_not_read(connection) from error


def may_not_read(connection: Connection) -> MayNotRead:
    """The error that names the account of a connection, and what to grant."""
    return MayNotRead(
        f"expected an account that may work as {READER}, got {connection.info.user}; "
        f"GRANT {READER} TO {APP}, as a superuser of the server"
    )


def has_table(connection: Connection, name: str) -> bool:
    """Whether there is a table with this qualified name."""
    return connection.execute("SELECT to_regclass(%s)", (name,)).fetchone() != (None,)


def has_column(connection: Connection, table: str, name: str) -> bool:
    """Whether a table with this qualified name is there and has a column."""
    query = "SELECT FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attname = %s AND NOT attisdropped"
    return connection.execute(query, (table, name)).fetchone() is not None


def pool_of(url: str, *, most: int, least: int = 0, timeout_s: float = 30.0, role: Role | None = APP) -> Pool:
    """A pool of asyncio connections in autocommit mode, to be opened; those that the server has closed are replaced."""
    return AsyncConnectionPool(
        conninfo(url, role), min_size=least, max_size=most, timeout=timeout_s, open=False,
        kwargs={"autocommit": True}, check=_look_async,
    )  # fmt: skip


def holding_pool_of(url: str, *, most: int, least: int = 0, timeout_s: float = 30.0) -> Pool:
    """The same for whoever holds locks on its connections: no timeout of the database ends them."""
    return AsyncConnectionPool(
        conninfo(url, APP, _NEVER_TIMED_OUT), min_size=least, max_size=most, timeout=timeout_s, open=False,
        kwargs={"autocommit": True}, check=_look_async, configure=_without_end,
    )  # fmt: skip


def blocking_pool_of(
    url: str, *, most: int, least: int = 0, timeout_s: float = 30.0, reconnect_s: float = RECONNECT_S
) -> ConnectionPool[Connection]:
    """The same for threads. After `reconnect_s` without a server the next one who asks has it tried anew."""
    return ConnectionPool(
        conninfo(url), min_size=least, max_size=most, timeout=timeout_s, open=False, reconnect_timeout=reconnect_s,
        kwargs={"autocommit": True}, check=_look,
    )  # fmt: skip


_looked_at: WeakKeyDictionary[object, float] = WeakKeyDictionary()


def _unseen(connection: object) -> bool:
    """Whether a connection was not looked at for a while; whoever is told does it now."""
    at = time.monotonic()
    if at - _looked_at.get(connection, float("-inf")) < LOOK_EVERY_S:
        return False
    _looked_at[connection] = at
    return True


async def _look_async(connection: AsyncConnection) -> None:
    if _unseen(connection):
        await AsyncConnectionPool.check_connection(connection)


def _look(connection: Connection) -> None:
    if _unseen(connection):
        ConnectionPool.check_connection(connection)


def _reason(error: psycopg.Error) -> str:
    return " ".join(str(error).split())[:300]
