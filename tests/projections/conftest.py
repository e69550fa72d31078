"""Who writes into a test's ledger, and a second program that looks at it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from psycopg import Connection

from adapters.postgres.connections import connect
from tests.projections.accounting.book_keeping import BookKeeper


@pytest.fixture
def other_connection(url: str) -> Iterator[Connection[Any]]:
    """A second program's connection."""
    with connect(url) as connection:
        yield connection


@pytest.fixture
def books(connection: Connection[Any]) -> BookKeeper:
    """Writes events into the test's ledger."""
    return BookKeeper(connection)
