"""Where there is no room, whoever waits for his client gives way, oldest first; who is at work is left alone."""

from __future__ import annotations

import asyncio

import pytest

from tests.api.http.server.listening import HEAD, LIMITS, Served, then_refused, until

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
WORK = b"GET /work HTTP/1.1\r\nHost: x\r\n\r\n"
WAITING = {
    "nothing was sent": b"",
    "a head begun": b"GET / HTTP/1.1\r\nHo",
    "a body that was announced": HEAD + b"\r\n",
    "a body begun": HEAD + b"\r\nab",
    "a body in chunks": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
    "a chunk begun": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nab",
    "trailers": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
    "a body that waits to be asked for": HEAD + b"Expect: 100-continue\r\n\r\n",
    "a body of a GET": b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n",
    "a body behind its answer": b"POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n",
    "chunks behind their answer": b"POST /early HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
    "an answer that is not taken": b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n",
    "idle": GET,
}


@pytest.mark.parametrize("sent", WAITING.values(), ids=WAITING)
async def test_whatever_a_connection_waits_for_it_gives_way(served: Served, sent: bytes) -> None:
    for _ in range(LIMITS.most):
        await served.waiting(sent)
        await until(lambda: served.connections.waiting() == len(served.connections.open))
    for _ in range(LIMITS.most + 2):
        reader, _ = await served.waiting(GET)
        assert (await reader.readuntil(b"got ")).startswith(b"HTTP/1.1 200")


async def test_the_oldest_gives_way_whatever_it_waits_for(served: Served) -> None:
    """A client that is quick is never long among them."""
    body, _ = await served.waiting(HEAD + b"\r\nab")
    await until(lambda: served.connections.bodies)
    head, head_writer = await served.waiting(HEAD)
    await until(lambda: served.connections.waiting() == 2)
    await served.waiting(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
    await until(lambda: served.connections.stalled)
    await served.connect()
    assert await body.read() == b""
    head_writer.write(b"\r\nabcd")
    await head.readuntil(b"got abcd")


async def test_idle_ones_give_way_before_all_others(served: Served) -> None:
    body, body_writer = await served.waiting(HEAD + b"\r\nab")
    await until(lambda: served.connections.bodies)
    idle, _ = await served.waiting(GET)
    await idle.readuntil(b"got ")
    await until(lambda: served.connections.idle)
    await served.connect()
    await served.connect()
    assert await idle.read() == b""
    body_writer.write(b"cd")
    await body.readuntil(b"got abcd")


async def test_who_is_at_work_is_pushed_out_by_nobody(served: Served) -> None:
    """Also when the client already sent a part of what comes next."""
    busy = [await served.waiting(WORK + more) for more in (b"", b"GET / HTTP/1.1\r\nHo", HEAD + b"\r\na")]
    await until(lambda: all(one._busy for one in served.limited()))
    refused, writer = await served.waiting()
    await then_refused(refused, 503, "request.connections")
    writer.close()
    served.later(LIMITS.body_s)
    served.go.set()
    for reader, _ in busy:
        await reader.readuntil(b"got ")


async def test_a_connection_whose_next_request_is_at_work_is_not_idle(served: Served) -> None:
    reader, _ = await served.waiting(GET + WORK)
    await reader.readuntil(b"got ")
    await until(lambda: served.ended == ["answered"])
    assert not served.connections.idle
    for _ in range(LIMITS.most):
        await served.connect()
    served.later(LIMITS.idle_s)
    served.go.set()
    assert (await reader.readuntil(b"got ")).startswith(b"HTTP/1.1 200")


async def test_the_time_of_a_next_head_begins_with_the_end_of_the_answer(served: Served) -> None:
    reader, _ = await served.waiting(WORK + b"GET / HTTP/1.1\r\nHo")
    await until(lambda: any(one._in_head and one.cycle for one in served.limited()))
    assert not served.connections.heads
    served.go.set()
    await reader.readuntil(b"got ")
    await until(lambda: served.connections.heads)
    served.later(LIMITS.head_s)
    await then_refused(reader, 408, "request.head_late")


# ---------------------------------------------------------------------------------------- answered before the body


@pytest.mark.parametrize(
    "length", [b"Content-Length: 9", b"Transfer-Encoding: chunked", b"Content-Length: 9\r\nExpect: 100-continue"]
)
async def test_an_answer_before_the_body_says_that_it_is_the_last(served: Served, length: bytes) -> None:
    reader, writer = await served.waiting(b"POST /early HTTP/1.1\r\nHost: x\r\n" + length + b"\r\n\r\n")
    answer = await reader.readuntil(b"too large")
    assert b"connection: close\r\n" in answer
    assert await reader.read() == b"", "the server said all that it has to say"
    writer.write(b"7\r\nabcdefg\r\n" * 50)
    await writer.drain()
    await until(lambda: served.connections.parting)
    assert not served.connections.bodies
    served.later(LIMITS.parting_s)
    await until(lambda: not served.connections.open)
    await until(lambda: not served.state.connections)


async def test_a_request_behind_such_an_answer_is_not_begun(served: Served) -> None:
    reader, writer = await served.waiting(b"POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n")
    await reader.readuntil(b"too large")
    writer.write(b"abcd" + GET)
    assert await reader.read() == b""
    assert served.ended == []


async def test_a_body_that_came_with_its_head_leaves_the_connection_open(served: Served) -> None:
    reader, writer = await served.waiting(b"POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nabcd")
    assert b"connection: close" not in await reader.readuntil(b"too large")
    writer.write(GET)
    await reader.readuntil(b"got ")


# ---------------------------------------------------------------------------------------- answers that are not taken


async def test_a_slow_reader_who_goes_on_is_not_cut_off(served: Served) -> None:
    reader, writer = await served.waiting(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
    await until(lambda: served.connections.stalled)
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
    await reader.readexactly(length)
    await until(lambda: not served.connections.stalled)
    served.later(LIMITS.stalled_s)
    writer.write(GET)
    assert (await reader.readuntil(b"got ")).startswith(b"HTTP/1.1 200")


async def test_who_takes_nothing_any_more_is_cut_off_with_what_is_left(served: Served) -> None:
    """A close that waits for what nobody takes never ends."""
    await served.waiting(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
    await until(lambda: served.connections.stalled)
    served.later(LIMITS.stalled_s)
    await until(lambda: not served.state.connections)
    assert not served.connections.open


async def test_an_early_answer_that_is_not_taken_waits_as_any_other(served: Served) -> None:
    reader, _ = await served.waiting(b"GET /large-early HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n")
    await until(lambda: served.connections.parting)
    served.later(LIMITS.parting_s)
    assert served.connections.open
    assert len(await reader.read()) > 8 << 20
    served.later(LIMITS.stalled_s)
    await until(lambda: not served.state.connections)


async def test_nobody_is_known_once_he_is_gone(served: Served) -> None:
    for sent in WAITING.values():
        _, writer = await served.waiting(sent)
        await asyncio.sleep(0)
        writer.close()
        await until(lambda: not served.connections.open)
    assert served.connections.waiting() == 0
