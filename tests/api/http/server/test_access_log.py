"""The log of the serving process: every line is JSON, says who asked from where, and holds nothing that was sent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from adapters.system import new_id
from domain.kernel.ids import format_id
from tests.access import stream_of
from tests.api.http.cases import contract
from tests.api.http.driver import DRAFT, PERSON
from tests.ledger import Server
from tests.serving import Serving, serving, until

pytestmark = pytest.mark.network

ELSEWHERE = "198.51.100.7"
SECRETS = ("欧阳测试", "11010519491231002X", "13912345678", "llk_", "no-key-of-anybody")


@pytest.fixture(scope="module")
def served(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with server.ledger() as url, serving(url, tmp_path_factory.mktemp("log")) as one:
        yield one


def lines_of(served: Serving, request_id: str) -> list[dict[str, Any]]:
    """The lines of one request, once there are some."""
    until(lambda: any(line.get("request_id") == request_id for line in served.lines()))
    return [line for line in served.lines() if line.get("request_id") == request_id]


def test_a_command(served: Serving) -> None:
    tenant = new_id()
    key = served.key_of(tenant)
    made = served.ask("/v1/applications", key, "POST", msgspec.json.encode(DRAFT | PERSON))
    assert made.status == 201
    (line,) = lines_of(served, made.headers["x-request-id"])
    assert line.pop("ms") > 0
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "request", "level": "info", "method": "POST", "route": "/v1/applications", "status": 201,
        "bytes": len(made.body), "request_id": made.headers["x-request-id"], "client": "127.0.0.1",
        "tenant": str(tenant), "key": format_id("api_key", stream_of(key)),
    }  # fmt: skip


def test_who_has_no_key_is_known_by_his_address(served: Serving) -> None:
    refused = served.ask("/v1/plans", "no-key-of-anybody")
    assert refused.status == 401
    (line,) = lines_of(served, refused.headers["x-request-id"])
    assert (line["status"], line["route"], line["client"]) == (401, "/v1/plans", "127.0.0.1")
    assert "key" not in line


def test_an_address_that_a_caller_gives_himself_is_not_believed(served: Serving) -> None:
    answer = served.ask("/healthz", X_Forwarded_For=ELSEWHERE)
    assert [line["client"] for line in lines_of(served, answer.headers["x-request-id"])] == ["127.0.0.1"]


def test_an_address_that_a_trusted_proxy_gives_is(server: Server, tmp_path: Path) -> None:
    """The last one that no trusted proxy has: before it stands what the caller himself may have sent."""
    with server.ledger() as url, serving(url, tmp_path, TRUSTED_PROXIES="127.0.0.1,10.0.0.0/8") as served:
        answer = served.ask("/healthz", X_Forwarded_For=f"203.0.113.9, {ELSEWHERE}, 10.1.2.3")
        assert [line["client"] for line in lines_of(served, answer.headers["x-request-id"])] == [ELSEWHERE]


TAKES_A_BODY = {
    "/v1/applications": "application/json",
    "/v1/quotes": "application/json",
    "/v1/providers/x/callbacks": "application/json",
    f"/v1/subjects/subject_{'0' * 32}/look": "application/json",
    "/v1/contracts/{contract}/schedule": "application/json",
    "/v1/contracts/{contract}/signed-document": "application/pdf",
    "/console/login": "application/x-www-form-urlencoded",
}


@pytest.fixture(scope="module")
def contract_id(served: Serving) -> str:
    """A contract of the caller's tenant."""
    made = served.ask("/v1/contracts", served.key, "POST", msgspec.json.encode(contract(new_id())))
    assert made.status == 201, made.body
    return str(made.json["id"])


@pytest.mark.parametrize("path", TAKES_A_BODY)
@pytest.mark.parametrize("length", [b"Content-Length: 100", b"Transfer-Encoding: chunked"])
def test_a_client_that_hangs_up_is_no_error(served: Serving, contract_id: str, path: str, length: bytes) -> None:
    known = len(served.lines())
    head = f"POST {path.format(contract=contract_id)} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {served.key}\r\n"
    head += f"Idempotency-Key: k\r\nContent-Type: {TAKES_A_BODY[path]}\r\n"
    with served.connect() as one:
        one.sendall(head.encode() + length + b"\r\n\r\n")
    until(lambda: len(served.lines()) > known)
    (line,) = served.lines()[known:]
    assert (line["event"], line["level"], line["status"]) == ("request", "info", 499)


def test_nothing_that_was_sent_is_in_any_line(served: Serving) -> None:
    """Also not of what could not be read."""
    person = msgspec.json.encode(DRAFT | PERSON)
    served.ask("/v1/applications", served.key, "POST", person)
    served.ask("/v1/applications", served.key, "POST", person[:-1])
    served.ask("/v1/13912345678?name=11010519491231002X", served.key)
    with served.connect() as one:
        one.sendall("GET /欧阳测试 llk_\r\n\r\n".encode())
        one.recv(1000)
    until(lambda: served.lines()[-1]["event"] == "refused")
    text = str(served.lines())
    assert [secret for secret in SECRETS if secret in text] == []
