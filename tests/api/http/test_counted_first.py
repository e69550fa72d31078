"""A request is counted before anything else is done for it, whatever is wrong with it; and no query is without end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from starlette import datastructures

from api.compose import Base
from api.edge.rates import BURST_S, QUERY_PARAMETERS_MAX, RateLimits
from api.http.commands.endpoint import read_headers
from tests.api.http.driver import Http, opened_with

LIMITS = RateLimits(key=3, tenant=4, address=3)
ALLOWED = LIMITS.address * BURST_S
NEVER_LIMITED = "/healthz"


@pytest_asyncio.fixture(loop_scope="session")
async def limited(on: Base) -> AsyncIterator[Http]:
    async with opened_with(on, LIMITS) as driver:
        yield driver


def addresses(http: Http) -> list[tuple[str, str]]:
    """Every method and address of the interface, and what is none."""
    document: dict[str, Any] = http.app.openapi()
    known = [(method.upper(), path) for path, methods in document["paths"].items() for method in methods]
    methods = [("OPTIONS", "/v1/leases"), ("DELETE", "/v1/leases"), ("POST", "/healthz"), ("PUT", "/nothing")]
    return [*known, *methods, ("OPTIONS", "/nothing"), ("GET", "/nothing"), ("POST", "/v1/nothing/at-all")]


@pytest.mark.parametrize("query", ["?surprise=1&limit=x", "?" + "limit=1&" * 3_000])
async def test_who_has_no_key_is_counted_everywhere(limited: Http, query: str) -> None:
    uncounted = []
    for method, path in addresses(limited):
        limited.app.state.services.rates.addresses._full_at.clear()
        target = path.replace("{tile}", "0/000").replace("{", "").replace("}", "") + query
        answers = [await limited.client.request(method, target) for _ in range(ALLOWED + 1)]
        if answers[-1].status_code != 429 or any(one.status_code == 429 for one in answers[:-1]):
            uncounted.append((method, path, [one.status_code for one in answers]))
    assert [(method, path) for method, path, _ in uncounted] == ([("GET", NEVER_LIMITED)] if len(query) < 99 else [])


async def test_who_has_a_key_is_counted_by_it(limited: Http) -> None:
    assert (await limited.get("/v1/plans")).status_code == 200
    for path in ("/v1/leases?surprise=1", "/v1/nothing", "/healthz?" + "a=1&" * 3_000, "/nothing", "/v1/leases?a=1"):
        assert (await limited.get(path)).status_code in (404, 422)
    answer = await limited.get("/v1/leases?surprise=1")
    assert (answer.status_code, answer.json()["facts"]) == (429, {"limit": "key"})


@pytest.mark.parametrize("query", ["?surprise=1", "?limit=1&limit=1", "?limit=x"])
@pytest.mark.parametrize("path", ["/v1/leases", "/metrics", "/v1/events/stream", "/v1/receipts/1"])
async def test_without_a_key_nothing_is_said_of_a_query(http: Http, path: str, query: str) -> None:
    answer = await http.client.get(path + query)
    assert (answer.status_code, answer.json()["code"]) == (401, "auth.missing")


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("path", ["/v1/leases", "/v1/applications", "/healthz", "/nothing"])
async def test_a_query_with_too_many_parameters_is_not_read(
    http: Http, monkeypatch: pytest.MonkeyPatch, path: str, known: bool
) -> None:
    """Its cost was the square of their number."""
    monkeypatch.setattr(datastructures, "parse_qsl", lambda *given, **_: pytest.fail(f"read {given[:1]}"))
    query = "limit=1&" * QUERY_PARAMETERS_MAX
    answer = await http.client.get(f"{path}?{query}", headers=http.headers() if known else {})
    assert (answer.status_code, answer.json()["code"]) == (422, "query.invalid")
    assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [("", "too_many")]


async def test_as_many_parameters_as_there_may_be_are_read(http: Http) -> None:
    answer = await http.get("/v1/leases?" + "&".join(["limit=1"] * QUERY_PARAMETERS_MAX))
    assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [("/limit", "repeated")]


@pytest.mark.parametrize("path", ["/v1/leases", "/v1/plans", "/healthz", "/v1/events"])
async def test_an_unknown_parameter_is_named(http: Http, path: str) -> None:
    answer = await http.get(f"{path}?colour=red&Size=1")
    assert answer.status_code == 422
    faults = [(one["pointer"], one["code"]) for one in answer.json()["errors"]]
    assert faults == [("/Size", "unknown_member"), ("/colour", "unknown_member")]


async def test_a_command_names_the_parameters_that_it_does_not_take(http: Http) -> None:
    for path in ("/v1/applications", "/v1/quotes"):
        answer = await http.post(f"{path}?colour=red", {})
        assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [("/colour", "unknown_member")]


@pytest.mark.parametrize("name", ["13912345678", "11010519491231002X", "欧阳", "a" * 40, "a.b", "", "key1"])
async def test_a_name_that_is_no_word_is_not_said_again(http: Http, name: str) -> None:
    """It may be a person's number, or a key, that slipped into an address."""
    answer = await http.client.get("/v1/leases", params={name: "1"}, headers=http.headers())
    assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [("", "unknown_member")]
    assert not name or name not in answer.text


def test_repeated_headers_are_joined_in_one_pass() -> None:
    many = [(b"if-match", b'"%d"' % number) for number in range(5)]
    assert read_headers({"headers": many}).if_match == ", ".join(f'"{number}"' for number in range(5))
