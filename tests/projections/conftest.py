"""A real server for the projections: one per test process, with one ledger that is emptied after every test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from psycopg import Connection

from adapters.postgres.connections import connect
from tests.projections.accounting.book_keeping import BookKeeper
from tests.servers import Server

# Making and dropping a database takes ten times as long as emptying one.
_EMPTY = """
SET session_replication_role = replica;
TRUNCATE ledger.events, ledger.stream_heads;
UPDATE ledger.head SET size = 0;
DO $$
DECLARE name text;
BEGIN
    FOR name IN SELECT relname FROM pg_class WHERE relnamespace = 'read'::regnamespace AND relkind = 'r' LOOP
        EXECUTE format('DROP TABLE read.%I', name);
    END LOOP;
END $$"""


def empty(superuser: Connection[Any]) -> None:
    """Leave a ledger without events and no read models."""
    superuser.execute(_EMPTY)


@pytest.fixture(scope="session")
def shared_url() -> Iterator[str]:
    """The URL of the process's ledger."""
    with Server() as server, server.database() as url:
        yield url


@pytest.fixture
def ledger_url(shared_url: str) -> Iterator[str]:
    """The URL of an empty ledger, for one test."""
    yield shared_url
    with connect(shared_url, role=None) as connection:
        empty(connection)


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
