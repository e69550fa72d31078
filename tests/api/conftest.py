"""What the tests of the interface share: the loop that applications run in, and a demonstration, lived once."""

from __future__ import annotations

import asyncio
import fcntl
import inspect
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.postgres.connections import connect
from adapters.postgres.embedded import binaries
from api.compose import Base, running
from api.demonstration import living
from projections.engine.runner import Runner
from projections.registry import PROJECTIONS
from tests.access import one_of_each
from tests.ledger import Server, composed_on

HERE = Path(__file__).parent
OWN_LOOPS = HERE / "roles"
"""Tests of roles make a ledger each, and so have a loop each, as their fixtures do."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the tests of these folders share a loop, so that they can share applications."""
    for item in items:
        shared = HERE in item.path.parents and OWN_LOOPS not in item.path.parents
        if shared and isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.obj):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


async def _live(on: Base) -> None:
    async with running(on) as program:
        assert not await living.lived_already(program)
        await living.live(program)
        await one_of_each(program, on.settings.tenant)


def _live_into(kept: Path, server: Server, scratch: Path) -> None:
    """Live the demonstration on a ledger of this process, and keep it as files."""
    with server.ledger() as url, composed_on(url, scratch / "data") as prepared:
        asyncio.run(_live(prepared))
        with connect(url) as connection:
            runner = Runner(connection, PROJECTIONS)
            runner.prepare()
            runner.catch_up()
        subprocess.run([binaries() / "pg_dump", "-Fc", "-f", scratch / "dump", url], check=True)
    scratch.rename(kept)


@pytest.fixture(scope="session")
def lived(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Base]:
    """The two lives of the demonstration, with every read model; nobody writes to it.

    The first test process that needs it lives it, the others restore what that one kept.
    """
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    kept = shared / "demonstration"
    with (shared / "demonstration.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            _live_into(kept, server, tmp_path_factory.mktemp("living"))
    data = tmp_path_factory.mktemp("demonstration")
    shutil.copytree(kept / "data", data, dirs_exist_ok=True)
    with server.bare() as url:
        subprocess.run([binaries() / "pg_restore", "--exit-on-error", "-d", url, kept / "dump"], check=True)
        with composed_on(url, data) as prepared:
            yield prepared
