"""A real ledger on an embedded server, shared by the tests of a session; every test has tenants of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest

from adapters.postgres.embedded import DATABASE
from adapters.system import new_id
from api.compose import Base, base
from api.settings import Settings
from tests.api.http.driver import Http, opened


@pytest.fixture(scope="session")
def on(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Base]:
    """A prepared database, the keys and the settings, the tenant that runs the log among them."""
    data: Path = tmp_path_factory.mktemp("http")
    with base(Settings.model_validate({"data": data, "tenant": new_id()})) as prepared:
        yield prepared


@pytest.fixture
async def http(on: Base) -> AsyncIterator[Http]:
    """The interface over that ledger, with a fresh tenant."""
    async with opened(on) as driver:
        yield driver


@pytest.fixture
async def fresh(tmp_path: Path, on: Base) -> AsyncIterator[Http]:
    """The interface over a database of its own, in which nothing ran yet."""
    name = f"fresh_{new_id().hex}"
    with psycopg.connect(on.url, autocommit=True) as superuser:
        superuser.execute(f"CREATE DATABASE {name}".encode())
    url = on.url.replace(f"/{DATABASE}?", f"/{name}?")
    with base(Settings.model_validate({"data": tmp_path, "database_url": url})) as prepared:
        async with opened(prepared) as driver:
            yield driver
