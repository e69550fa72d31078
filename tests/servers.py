"""Real PostgreSQL for tests: one embedded server for each test process, one fresh database for each test.

with Server(directory) as server:
    with server.database() as url:             an empty ledger, copied from a template
    with server.database(partition_rows=8):    one made from the beginning, with tiny partitions
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg

from adapters.postgres.embedded import DATABASE, EmbeddedPostgres
from adapters.postgres.schema import PARTITION_ROWS, ensure_schema

ORIGIN = "ledger.example/shard-0"
PARTITION_ROWS_IN_TESTS = 65_536
_TEMPLATE = "empty_ledger"


class Server:
    """A running server and the databases that tests take from it."""

    def __init__(self) -> None:
        # Not below pytest's own directory: every pytest that starts shuts that to other accounts, also to the one
        # that PostgreSQL runs as when we are root.
        self._directory = Path(tempfile.mkdtemp(prefix="leaseledger-server-"))
        self._embedded = EmbeddedPostgres(self._directory)
        self._numbers = count(1)

    def __enter__(self) -> Self:
        self._embedded.__enter__()
        # Forcing writes to the disk matters when the machine dies, and no test does that.
        self._execute("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()", f"CREATE DATABASE {_TEMPLATE}")
        ensure_schema(self.url(_TEMPLATE), origin=ORIGIN, partition_rows=PARTITION_ROWS_IN_TESTS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._embedded.__exit__(kind, error, trace)
        shutil.rmtree(self._directory)

    def url(self, database: str) -> str:
        """The URL of one of the server's databases, as its superuser."""
        return self._embedded.url.replace(f"/{DATABASE}?", f"/{database}?")

    @contextmanager
    def database(self, *, partition_rows: int | None = None) -> Iterator[str]:
        """The URL of a database with an empty ledger, which is dropped afterwards."""
        name = f"test_{next(self._numbers)}"
        template = _TEMPLATE if partition_rows is None else "template0"
        self._execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            if partition_rows is not None:
                ensure_schema(self.url(name), origin=ORIGIN, partition_rows=partition_rows or PARTITION_ROWS)
            yield self.url(name)
        finally:
            self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    @contextmanager
    def bare_database(self) -> Iterator[str]:
        """The URL of a database with nothing in it."""
        name = f"bare_{next(self._numbers)}"
        self._execute(f"CREATE DATABASE {name} TEMPLATE template0")
        try:
            yield self.url(name)
        finally:
            self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _execute(self, *statements: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())


def superuser(url: str) -> psycopg.Connection[tuple[Any, ...]]:
    """A connection that may do everything, also behind the ledger's back."""
    return psycopg.connect(url, autocommit=True)
