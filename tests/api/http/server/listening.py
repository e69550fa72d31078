"""A server on a socket of the test's own process, whose clock the test turns."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
import uvicorn
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from api.http.server.connections import ConnectionLimits, Connections
from api.http.server.protocol import Limited

LIMITS = ConnectionLimits(head_s=10, body_s=60, stalled_s=60, idle_s=75, most=3)
HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n"
PATIENCE_S = 30.0
LARGE = b"x" * (8 << 20)


@dataclass
class Served:
    """A server on a socket of this process, and what became of its requests; `go` lets `/work` be answered."""

    connections: Connections
    path: str
    ended: list[str]
    go: asyncio.Event
    state: ServerState
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A new connection, known to the server."""
        known = len(self.connections.open)
        reader, writer = await asyncio.open_unix_connection(self.path)
        self.writers.append(writer)
        if known < LIMITS.most:
            await until(lambda: len(self.connections.open) > known)
        return reader, writer

    async def waiting(self, *pieces: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection on which these pieces were sent and taken."""
        reader, writer = await self.connect()
        for piece in pieces:
            writer.write(piece)
        await writer.drain()
        return reader, writer

    def cut(self) -> None:
        """Close every connection on the client's side."""
        for writer in self.writers:
            writer.close()

    def limited(self) -> list[Limited]:
        """The server's own side of each connection."""
        return [one for one in self.connections.open | self.connections.lingering if isinstance(one, Limited)]

    def later(self, seconds: float) -> None:
        """What the server does about its connections when so many seconds have passed."""
        self.connections.sweep(asyncio.get_running_loop().time() + seconds)


async def until(happened: Callable[[], object]) -> None:
    """Let the other tasks go on until it happened."""
    for _ in range(100_000):
        if happened():
            return
        await asyncio.sleep(0)
    pytest.fail("it never happened")


@asynccontextmanager
async def listening(path: str) -> AsyncIterator[Served]:
    """An application that reads the body and answers.

    `/large` more than a socket takes, `/early` before it reads, `/work` once the test lets it (`Served.go`).
    """
    ended, go = list[str](), asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if "early" in scope["path"]:
            large = LARGE if scope["path"] == "/large-early" else b"too large"
            await Response(large, 413)(scope, receive, send)
            return
        if scope["path"] == "/work":
            await go.wait()
        try:
            body = await Request(scope, receive).body()
        except ClientDisconnect:
            ended.append("gone")
            return
        await Response(LARGE if scope["path"] == "/large" else b"got %b" % body)(scope, receive, send)
        ended.append("answered")

    connections, state = Connections(LIMITS), ServerState()
    config = uvicorn.Config(app, log_config=None, access_log=False, ws="none")
    loop = asyncio.get_running_loop()
    server = await loop.create_unix_server(lambda: Limited(config, state, {}, open_connections=connections), path)
    async with server:
        one_served = Served(connections, path, ended, go, state)
        # Whoever waits for what never comes fails, and does not hang.
        guard = loop.call_later(PATIENCE_S, one_served.cut)
        yield one_served
        guard.cancel()
        go.set()
        for writer in one_served.writers:
            writer.close()
        for one in tuple(connections.open | connections.lingering):
            one.give_up()
        await until(lambda: not state.tasks)


def begun(served: Served) -> bool:
    """Whether anything that was sent was taken."""
    return any(one._in_head or one._untold_bytes for one in served.connections.open if isinstance(one, Limited))


async def then_refused(reader: asyncio.StreamReader, status: int, code: str) -> None:
    """A problem, and the end."""
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    assert (head.split()[1], json.loads(body)["code"]) == (b"%d" % status, code)
