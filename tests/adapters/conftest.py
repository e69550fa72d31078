"""A real server for the adapters: one for each test process, one fresh database for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection

from adapters.postgres.connections import connect
from api.compose import Base, Running, base, running
from api.settings import Settings
from tests import servers


@pytest.fixture(scope="session")
def server() -> Iterator[servers.Server]:
    """The server of this test process."""
    with servers.Server() as started:
        yield started


@pytest.fixture
def url(server: servers.Server) -> Iterator[str]:
    """A database with an empty ledger."""
    with server.database() as fresh:
        yield fresh


@pytest.fixture
def connection(url: str) -> Iterator[Connection[Any]]:
    """A connection as programs have it: application role, autocommit."""
    with connect(url) as opened:
        yield opened


@pytest.fixture
def superuser(url: str) -> Iterator[Connection[Any]]:
    """Somebody who may do everything."""
    with servers.superuser(url) as opened:
        yield opened


@pytest.fixture
def composed(url: str, tmp_path: Path) -> Iterator[Base]:
    """Settings, keys and signer on the test's database."""
    values: dict[str, Any] = {"database_url": url, "data": tmp_path, "origin": servers.ORIGIN}
    with base(Settings(**values)) as prepared:
        yield prepared


@pytest.fixture
async def program(composed: Base) -> AsyncIterator[Running]:
    """A ledger that takes commands."""
    async with running(composed) as started:
        yield started
