"""What was asked first is answered first, whatever comes behind it; and what a request must say to be one."""

from __future__ import annotations

import json

import pytest

from tests.api.http.server.listening import HEAD, LIMITS, Served, then_refused, until

WORK = b"POST /work HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nabcd"
BEHIND = {
    "garbage": (b"GARBAGE\r\n\r\n", 400, "request.not_http"),
    "a head too large": (
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-Long: aaaaaaaa\r\n" * 3_000, 431, "request.head_too_large",
    ),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", 400, "request.host"),
    "a chunk that is none": (
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400, "request.not_http",
    ),
}  # fmt: skip


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize(("behind", "status", "code"), BEHIND.values(), ids=BEHIND)
async def test_what_is_wrong_behind_a_request_does_not_take_its_answer(
    served: Served, behind: bytes, status: int, code: str, apart: bool
) -> None:
    reader, writer = await served.waiting(*([WORK] if apart else [WORK + behind]))
    await until(lambda: any(one.cycle for one in served.limited()))
    if apart:
        writer.write(behind)
    await until(lambda: any(one._refused for one in served.limited()))
    served.go.set()
    assert (await reader.readuntil(b"got abcd")).startswith(b"HTTP/1.1 200")
    await then_refused(reader, status, code)
    assert served.ended == ["answered"]


async def test_several_requests_are_answered_before_what_is_wrong_behind_them(served: Served) -> None:
    reader, _ = await served.waiting(WORK * 3 + b"GARBAGE\r\n\r\n")
    await until(lambda: any(one._refused for one in served.limited()))
    served.go.set()
    for _ in range(3):
        assert (await reader.readuntil(b"got abcd")).startswith(b"HTTP/1.1 200")
    await then_refused(reader, 400, "request.not_http")


async def test_the_body_of_a_next_request_has_its_time_once_the_first_is_answered(served: Served) -> None:
    reader, _ = await served.waiting(WORK + HEAD + b"\r\na")
    await until(lambda: any(one.pipeline for one in served.limited()))
    served.later(LIMITS.body_s)
    served.go.set()
    assert (await reader.readuntil(b"got abcd")).startswith(b"HTTP/1.1 200")
    await until(lambda: served.connections.bodies)
    served.later(LIMITS.body_s)
    await then_refused(reader, 408, "request.body_late")


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n",
        b"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nabcd",
    ],
)
async def test_a_request_names_one_host(served: Served, head: bytes) -> None:
    """RFC 9112 §3.2."""
    reader, _ = await served.waiting(head)
    await then_refused(reader, 400, "request.host")
    assert served.ended == []


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost:\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: ledger.example:8080\r\n\r\n",
    ],
)
async def test_hosts_that_are_some(served: Served, head: bytes) -> None:
    reader, _ = await served.waiting(head)
    assert (await reader.readuntil(b"got ")).startswith(b"HTTP/1.1 200")


async def test_a_refusal_says_which_request_it_is_of(served: Served) -> None:
    reader, _ = await served.waiting(b"GARBAGE\r\n\r\n")
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    assert json.loads(body)["request_id"].encode() in head
