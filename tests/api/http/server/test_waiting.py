"""Connections that keep the server waiting: each is given up after its time, by the clock that the test turns."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
import uvicorn
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from api.http.server.connections import LINGERING_MAX, ConnectionLimits, Connections
from api.http.server.protocol import Limited

LIMITS = ConnectionLimits(head_s=10, body_s=60, stalled_s=60, idle_s=75, most=3)
HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n"
LARGE = b"x" * (8 << 20)


@dataclass
class Served:
    """A server on a socket of this process, and what became of its requests."""

    connections: Connections
    path: str
    ended: list[str]
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


@pytest_asyncio.fixture(loop_scope="session")
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    """An application that reads the body and answers; `/large` more than a socket takes, `/early` before it reads."""
    ended = list[str]()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/early":
            await Response(b"too large", 413)(scope, receive, send)
            return
        try:
            body = await Request(scope, receive).body()
        except ClientDisconnect:
            ended.append("gone")
            return
        await Response(LARGE if scope["path"] == "/large" else b"got %b" % body)(scope, receive, send)
        ended.append("answered")

    connections, state = Connections(LIMITS), ServerState()
    config = uvicorn.Config(app, log_config=None, access_log=False, ws="none")
    loop, path = asyncio.get_running_loop(), str(tmp_path / "s")
    server = await loop.create_unix_server(lambda: Limited(config, state, {}, open_connections=connections), path)
    async with server:
        one_served = Served(connections, path, ended)
        yield one_served
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


async def test_a_head_that_does_not_come(served: Served) -> None:
    reader, _ = await served.waiting(HEAD)
    await until(lambda: begun(served))
    served.later(LIMITS.head_s - 1)
    assert served.connections.heads, "its time has not come"
    served.later(LIMITS.head_s)
    await then_refused(reader, 408, "request.head_late")


async def test_a_head_that_drips(served: Served) -> None:
    """Each byte that comes gives no new time."""
    reader, writer = await served.waiting(HEAD)
    await until(lambda: begun(served))
    (since_s,) = served.connections.heads.values()
    (one,) = served.connections.open
    assert isinstance(one, Limited)
    known = one._head_bytes
    writer.write(b"X")
    await until(lambda: one._head_bytes > known)
    assert list(served.connections.heads.values()) == [since_s]
    served.later(LIMITS.head_s)
    await then_refused(reader, 408, "request.head_late")


@pytest.mark.parametrize("nothing", [(), (b"\r\n",)])
async def test_nothing_at_all(served: Served, nothing: tuple[bytes, ...]) -> None:
    reader, _ = await served.waiting(*nothing)
    await until(lambda: begun(served) or not nothing)
    served.later(LIMITS.head_s)
    await reader.read()
    assert served.connections.open == set()


async def test_a_body_that_does_not_come(served: Served) -> None:
    reader, _ = await served.waiting(HEAD + b"\r\nab")
    await until(lambda: served.connections.bodies)
    served.later(LIMITS.body_s - 1)
    assert served.connections.bodies
    served.later(LIMITS.body_s)
    await then_refused(reader, 408, "request.body_late")
    await until(lambda: served.ended == ["gone"])


async def test_a_body_that_was_answered_before_it_came_is_answered_once(served: Served) -> None:
    reader, _ = await served.waiting(b"POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nab")
    await reader.readuntil(b"too large")
    await until(lambda: served.connections.bodies)
    served.later(LIMITS.body_s)
    assert await reader.read() == b""


async def test_an_answer_that_is_not_taken(served: Served) -> None:
    await served.waiting(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
    await until(lambda: served.connections.stalled)
    served.later(LIMITS.stalled_s)
    assert served.connections.open == set()


async def test_an_idle_connection_lives_longer_and_is_used_again(served: Served) -> None:
    reader, writer = await served.waiting(HEAD + b"\r\nabcd")
    assert (await reader.readuntil(b"got abcd")).startswith(b"HTTP/1.1 200")
    await until(lambda: served.connections.idle)
    served.later(LIMITS.head_s)
    writer.write(HEAD + b"\r\nefgh")
    assert (await reader.readuntil(b"got efgh")).startswith(b"HTTP/1.1 200")
    await until(lambda: served.connections.idle)
    served.later(LIMITS.idle_s)
    assert await reader.read() == b""


async def test_a_line_break_keeps_no_idle_connection_open(served: Served) -> None:
    """It ends the idle time and begins no request, so that it must begin the time of a head."""
    reader, writer = await served.waiting(HEAD + b"\r\nabcd")
    await reader.readuntil(b"got abcd")
    await until(lambda: served.connections.idle)
    writer.write(b"\r\n")
    await until(lambda: not served.connections.idle)
    served.later(LIMITS.head_s)
    await reader.read()
    assert served.connections.open == set()


async def test_where_there_is_no_room_the_idle_give_way_first_then_the_oldest_head(served: Served) -> None:
    oldest, _ = await served.waiting(HEAD)
    idle, _ = await served.waiting(HEAD + b"\r\nabcd")
    await idle.readuntil(b"got abcd")
    busy, busy_writer = await served.waiting(HEAD + b"\r\n")
    await until(lambda: served.connections.bodies)
    await served.connect()
    assert await idle.read() == b""
    await served.connect()
    assert await oldest.read() == b""
    busy_writer.write(b"abcd")
    assert (await busy.readuntil(b"got abcd")).startswith(b"HTTP/1.1 200")


async def test_where_all_are_at_work_further_ones_are_refused(served: Served) -> None:
    for _ in range(LIMITS.most):
        await served.waiting(HEAD + b"\r\n")
    await until(lambda: len(served.connections.bodies) == LIMITS.most)
    reader, writer = await served.waiting()
    await then_refused(reader, 503, "request.connections")
    writer.close()
    await until(lambda: not served.connections.lingering)


async def test_only_so_many_that_were_refused_are_held(served: Served) -> None:
    for _ in range(LIMITS.most):
        await served.waiting(HEAD + b"\r\n")
    await until(lambda: len(served.connections.bodies) == LIMITS.most)
    refused = [await served.connect() for _ in range(LINGERING_MAX + 3)]
    for reader, _ in refused:
        await then_refused(reader, 503, "request.connections")
    assert len(served.connections.lingering) <= LINGERING_MAX
