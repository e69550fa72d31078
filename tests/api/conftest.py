"""The demonstration's ledger, lived once for everything that looks at it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from adapters.postgres.connections import connect
from api.compose import Base
from api.demonstration import living
from projections.engine.runner import Runner
from projections.registry import PROJECTIONS
from tests.ledger import Server, composed_on


@pytest.fixture(scope="session")
def lived(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Base]:
    """The two lives of the demonstration, with every read model; nobody writes to it."""
    with server.ledger() as url, composed_on(url, tmp_path_factory.mktemp("demonstration")) as prepared:
        assert not asyncio.run(living.lived_already(prepared))
        asyncio.run(living.live(prepared))
        with connect(url) as connection:
            runner = Runner(connection, PROJECTIONS)
            runner.prepare()
            runner.catch_up()
        yield prepared
