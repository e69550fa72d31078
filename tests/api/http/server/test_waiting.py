"""Connections that keep the server waiting: each is given up after its time, by the clock that the test turns."""

from __future__ import annotations

import pytest

from api.http.server.connections import LINGERING_MAX
from api.http.server.protocol import Limited
from tests.api.http.server.listening import HEAD, LIMITS, Served, begun, then_refused, until


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


async def test_only_so_many_that_were_refused_are_held(served: Served) -> None:
    for _ in range(LIMITS.most):
        await served.waiting(b"GET /work HTTP/1.1\r\nHost: x\r\n\r\n")
    await until(lambda: all(one._busy for one in served.limited()))
    refused = [await served.connect() for _ in range(LINGERING_MAX + 3)]
    for reader, _ in refused:
        await then_refused(reader, 503, "request.connections")
    assert len(served.connections.lingering) <= LINGERING_MAX
