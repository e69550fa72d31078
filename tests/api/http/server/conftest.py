"""The server of the tests of this room."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.api.http.server.listening import Served, listening


@pytest_asyncio.fixture(loop_scope="session")
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    """A server with few places."""
    async with listening(str(tmp_path / "s")) as one:
        yield one
