"""HEAD and OPTIONS at every address; the public log for pages of any origin."""

from __future__ import annotations

import pytest

from api.http.description import DescribedRoute
from tests.api.http.driver import Http

PAGE = "https://verifier.example"


def addresses(http: Http, method: str) -> list[str]:
    """Every route of a method, its parameters filled with what names nothing."""
    routes = [one for one in http.app.routes if isinstance(one, DescribedRoute) and method in (one.methods or ())]
    return [route.path.replace(":path", "").replace("{", "").replace("}", "") for route in routes]


async def test_head_is_get_without_its_body_everywhere(http: Http) -> None:
    paths = addresses(http, "GET")
    assert "/v1/events/stream" in paths
    for path in paths:
        got = await http.get(path)
        head = await http.client.head(path, headers=http.headers())
        assert (head.status_code, head.content) == (got.status_code, b""), path
        assert head.headers.get("content-type") == got.headers.get("content-type"), path
        if "content-length" in got.headers:
            assert abs(int(head.headers["content-length"]) - int(got.headers["content-length"])) < 50, path


async def test_head_of_a_stream_ends(http: Http) -> None:
    head = await http.client.head("/v1/events/stream", headers=http.headers())
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"].startswith("text/event-stream")
    assert "content-length" not in head.headers, "what would follow is not nothing"
    assert not http.app.state.services.streams


async def test_options_says_what_an_address_takes_without_a_key(http: Http) -> None:
    for path in addresses(http, "GET"):
        answer = await http.client.options(path)
        assert answer.status_code == 204, path
        assert {"GET", "HEAD", "OPTIONS"} <= set(answer.headers["allow"].split(", ")), path
    for path in addresses(http, "POST"):
        answer = await http.client.options(path)
        assert "POST" in answer.headers["allow"].split(", "), path
    missing = await http.client.options("/v1/nothing")
    assert (missing.status_code, missing.json()["code"]) == (404, "route.not_found")


@pytest.mark.parametrize("path", ["/tlog/checkpoint", "/tlog/vkeys", "/tlog/tile/0/000.p/1"])
async def test_the_public_log_may_be_read_by_any_page(http: Http, path: str) -> None:
    asked = {"Origin": PAGE, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "if-none-match"}
    preflight = await http.client.options(path, headers=asked)
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert preflight.headers["access-control-allow-methods"] == "GET, HEAD, OPTIONS"
    assert preflight.headers["access-control-allow-headers"] == "If-None-Match"
    got = await http.client.get(path, headers={"Origin": PAGE})
    assert got.status_code in (200, 404)
    assert got.status_code == 404 or got.headers["access-control-allow-origin"] == "*"


async def test_nothing_that_needs_a_key_may(http: Http) -> None:
    address = await http.given()
    for path in (address, "/v1/applications", "/tlog/tile/entries/000.p/1", "/readyz", "/v1/openapi.json"):
        preflight = await http.client.options(path, headers={"Origin": PAGE, "Access-Control-Request-Method": "GET"})
        got = await http.get(path, Origin=PAGE)
        for answer in (preflight, got):
            assert not [name for name in answer.headers if name.startswith("access-control")], path
