"""A PostgreSQL server seen through a socket that breaks at the worst moment: around COMMIT.

before   the COMMIT never reaches the server, which rolls back; the client hears nothing
after    the server commits and answers; the answer never reaches the client
refuse   nobody can connect
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs, urlsplit

Fault = Literal["before", "after", "refuse"]

_SOCKET = ".s.PGSQL.5432"
_CHUNK = 1 << 16
_STATEMENT = b"COMMIT\0"
"""COMMIT as text of a Parse message, and as the tag of CommandComplete: both are strings that end with a zero byte."""


class FaultySocket:
    """Passes bytes on until the next fault; `faults` are played one after the other, then all is well."""

    def __init__(self, server: Path, faults: list[Fault]) -> None:
        self._server = server
        self.faults = faults
        self.broken = 0
        self._tasks: list[asyncio.Task[None]] = []

    def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one client's connection."""
        self._tasks.append(asyncio.create_task(self._serve(reader, writer)))

    async def close(self) -> None:
        """Wait until every connection is closed on both sides."""
        await asyncio.gather(*self._tasks)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.faults[:1] == ["refuse"]:
            self._break()
            await _close(writer)
            return
        from_server, to_server = await asyncio.open_unix_connection(str(self._server))
        ways = [
            asyncio.create_task(self._pass_on(reader, to_server, "before")),
            asyncio.create_task(self._pass_on(from_server, writer, "after")),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        await _close(to_server)
        await _close(writer)

    async def _pass_on(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, fault: Fault) -> None:
        with suppress(OSError):
            while data := await source.read(_CHUNK):
                if self.faults[:1] == [fault] and _STATEMENT in data:
                    self._break()
                    return
                sink.write(data)
                await sink.drain()

    def _break(self) -> None:
        self.faults.pop(0)
        self.broken += 1


async def _close(end: asyncio.StreamWriter) -> None:
    end.close()
    with suppress(OSError):
        await end.wait_closed()


@asynccontextmanager
async def through_faulty_socket(url: str, *faults: Fault) -> AsyncIterator[tuple[str, FaultySocket]]:
    """The same database behind a socket with these faults."""
    directory = parse_qs(urlsplit(url).query)["host"][0]
    with tempfile.TemporaryDirectory(prefix="leaseledger-socket-") as place:
        faulty = FaultySocket(Path(directory) / _SOCKET, list(faults))
        async with await asyncio.start_unix_server(faulty.serve, f"{place}/{_SOCKET}"):
            yield url.replace(directory, place), faulty
            await faulty.close()
