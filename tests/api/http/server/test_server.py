"""The serving process under callers who send too much, too slowly, too often, or nothing at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from api.http.server.protocol import HEAD_MAX_BYTES
from tests.ledger import Server
from tests.serving import Answer, Serving, answer_on, serving

pytestmark = pytest.mark.network

DESCRIPTORS = 400
CROWD = DESCRIPTORS + 50
MEBIBYTE = 1 << 20


@pytest.fixture(scope="module")
def served(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A serving process that may hold a few hundred descriptors."""
    with (
        server.ledger() as url,
        serving(url, tmp_path_factory.mktemp("served"), limits=[f"ulimit -n {DESCRIPTORS}"]) as one,
    ):
        yield one


def then_problem(answer: Answer, status: int, code: str) -> None:
    """This problem document, and the end of the connection."""
    assert (answer.status, answer.json["code"], answer.json["status"]) == (status, code, status)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["connection"] == "close"
    assert len(answer.headers["x-request-id"]) == 32


def sent(served: Serving, *pieces: bytes) -> Answer:
    """What is answered to these pieces; whoever is refused meanwhile may hear of it while he sends."""
    with served.connect() as one:
        try:
            for piece in pieces:
                one.sendall(piece)
        except (BrokenPipeError, ConnectionResetError):
            pass
        return answer_on(one)


def test_more_half_open_connections_than_descriptors_stop_nobody(served: Serving) -> None:
    with ExitStack() as stack:
        for _ in range(CROWD):
            stack.enter_context(served.connect()).sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")
        for _ in range(5):
            assert served.ask("/healthz").status == 200
    assert [line for line in served.lines() if line["event"] == "library"] == []


@pytest.mark.parametrize(
    "begun",
    [
        pytest.param(b"POST /v1/quotes HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n", id="no key"),
        pytest.param(b"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n", id="no such method"),
        pytest.param(b"GET /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n", id="no such address"),
        pytest.param(b"POST /v1/providers/x/callbacks HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n", id="callback"),
        pytest.param(b"POST /nothing HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", id="chunked"),
    ],
)
def test_bodies_that_never_come_stop_nobody(served: Serving, begun: bytes) -> None:
    with ExitStack() as stack:
        for _ in range(CROWD):
            stack.enter_context(served.connect()).sendall(begun)
        for _ in range(5):
            assert served.ask("/healthz").status == 200


def test_nor_do_bodies_of_callers_with_a_key(served: Serving) -> None:
    begun = b"POST /v1/applications HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %b\r\nIdempotency-Key: k\r\n"
    with ExitStack() as stack:
        for _ in range(CROWD):
            one = stack.enter_context(served.connect())
            one.sendall(begun % served.key.encode() + b"Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{")
        for _ in range(5):
            assert served.ask("/healthz").status == 200
    assert [line for line in served.lines() if line["event"] in ("library", "failed")] == []


HEADERS = b"X-00001: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n" * 1_000


@pytest.mark.parametrize(
    ("begin", "piece"),
    [
        pytest.param(b"GET /healthz HTTP/1.1\r\nHost: x\r\n", HEADERS, id="many headers"),
        pytest.param(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-First: a", b"a" * 65_536, id="one value"),
        pytest.param(b"GET /healthz HTTP/1.1\r\nHost: x\r\na", b"a" * 65_536, id="one name"),
        pytest.param(b"GET /", b"a" * 65_536, id="an address"),
    ],
)
def test_a_head_without_end_is_refused_and_takes_no_memory(served: Serving, begin: bytes, piece: bytes) -> None:
    before = served.memory_bytes()
    then_problem(sent(served, begin, *[piece] * 150), 431, "request.head_too_large")
    assert served.memory_bytes() - before < 4 * MEBIBYTE


def test_headers_behind_a_body_are_a_part_of_the_head(served: Serving) -> None:
    begin = b"POST /v1/applications HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
    answer = sent(served, begin + b"".join(b"X-%05d: aaaaaaaa\r\n" % number for number in range(3_000)))
    then_problem(answer, 431, "request.head_too_large")


def test_a_large_head_that_fits_is_read(served: Serving) -> None:
    long = "a" * (HEAD_MAX_BYTES - 1_000)
    assert served.ask("/healthz", X_Long=long).status == 200


def test_what_is_not_http_is_a_problem(served: Serving) -> None:
    then_problem(sent(served, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"), 400, "request.not_http")


def test_refusals_are_logged_with_their_code_and_address(served: Serving) -> None:
    sent(served, b"not HTTP\r\n\r\n")
    refused = [line for line in served.lines() if line["event"] == "refused"][-1]
    assert (refused["code"], refused["status"], refused["client"]) == ("request.not_http", 400, "127.0.0.1")
