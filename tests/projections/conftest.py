"""A real server for the projections: one per test process, one fresh database per test."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from adapters.postgres.connections import connect
from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.schema import ensure_schema
from tests.projections.book_keeping import BookKeeper

_NUMBERS = count(1)


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """The URL of a server whose database holds an empty ledger; a template for those of the tests.

    Not below pytest's own directory: every new pytest run closes that to other accounts, and the server has its own.
    """
    with TemporaryDirectory(prefix="leaseledger-") as data, EmbeddedPostgres(Path(data)) as server:
        ensure_schema(server.url, origin="ledger.example/projections", partition_rows=100_000)
        yield server.url


@pytest.fixture
def ledger_url(server_url: str) -> Iterator[str]:
    """The URL of a database with an empty ledger, for one test."""
    name = f"ledger_{next(_NUMBERS)}"
    admin = server_url.replace("/leaseledger?", "/postgres?")
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE leaseledger")
        yield server_url.replace("/leaseledger?", f"/{name}?")
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def app_connection(ledger_url: str) -> Iterator[Connection[Any]]:
    """A connection as programs have it: application role, autocommit."""
    with connect(ledger_url) as connection:
        yield connection


@pytest.fixture
def other_connection(ledger_url: str) -> Iterator[Connection[Any]]:
    """A second program's connection."""
    with connect(ledger_url) as connection:
        yield connection


@pytest.fixture
def superuser(ledger_url: str) -> Iterator[Connection[Any]]:
    """Somebody who may do everything, also behind the ledger's back."""
    with connect(ledger_url, role=None) as connection:
        yield connection


@pytest.fixture
def books(app_connection: Connection[Any]) -> BookKeeper:
    """Writes events into the test's ledger."""
    return BookKeeper(app_connection)
