"""The console counts who asks before it does anything for him, and reads nothing that has no end."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import pytest_asyncio
from starlette import datastructures, requests

from adapters.system import new_id
from api.compose import Base, running
from api.console.requests import cookie
from api.console.session import COOKIE
from api.edge.rates import BURST_S, QUERY_PARAMETERS_MAX
from api.roles.serve import site
from tests.access import KnownKeys
from tests.api.console.conftest import browsing, log_in

PAGES = ["/", "/login", "/leases", "/leases?surprise=1", "/events/1", "/nothing", "/find?q=x", "/static/console.css"]


@pytest_asyncio.fixture(loop_scope="session")
async def strict(lived: Base) -> Any:
    """The site under a clock that stands still, with few requests for each address."""
    async with running(lived) as program:
        one = site(program)
        rates = one.interface.state.services.rates
        rates.addresses._clock, rates.addresses.rate, rates.addresses.burst = lambda: 0.0, 2, 2 * BURST_S
        yield one


async def statuses(browser: httpx.AsyncClient, method: str, path: str) -> list[int]:
    return [(await browser.request(method, f"/console{path}")).status_code for _ in range(2 * BURST_S + 1)]


@pytest.mark.parametrize("path", [*PAGES, "/leases?" + "a=1&" * 3_000])
async def test_who_is_not_logged_in_is_counted_everywhere(strict: Any, path: str) -> None:
    async with browsing(strict) as browser:
        found = await statuses(browser, "GET", path)
    assert (found[-1], 429 in found[:-1]) == (429, False)


@pytest.mark.parametrize("path", ["/login", "/logout", "/leases"])
async def test_so_is_what_he_sends(strict: Any, path: str) -> None:
    async with browsing(strict) as browser:
        found = await statuses(browser, "POST", path)
    assert (found[-1], 429 in found[:-1]) == (429, False)


async def test_a_refused_stranger_is_told_when_to_go_on(strict: Any) -> None:
    async with browsing(strict) as browser:
        await statuses(browser, "GET", "/login")
        answer = await browser.get("/console/login")
    assert (answer.headers["retry-after"], answer.headers["content-type"]) == ("1", "text/plain; charset=utf-8")


async def test_who_is_logged_in_goes_on_from_the_same_address(strict: Any) -> None:
    async with browsing(strict) as browser, browsing(strict) as other:
        await log_in(browser, KnownKeys(strict.access).key(new_id(), "operator"))
        await statuses(other, "GET", "/login")
        assert (await browser.get("/console/")).status_code == 200


async def test_who_is_logged_in_tries_keys_as_a_stranger(strict: Any) -> None:
    async with browsing(strict) as browser:
        await log_in(browser, KnownKeys(strict.access).key(new_id(), "operator"))
        tried = [(await browser.post("/console/login", data={"key": f"llk_{n}"})).status_code for n in range(5)]
    assert 429 in tried


async def test_a_query_with_too_many_parameters_is_not_read(
    browser: httpx.AsyncClient, keys: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    await log_in(browser, keys["operator"])
    monkeypatch.setattr(datastructures, "parse_qsl", lambda given, **_: [] if len(given) < 99 else pytest.fail("read"))
    answer = await browser.get("/console/leases?" + "state=active&" * QUERY_PARAMETERS_MAX)
    assert answer.status_code == 400
    assert "too many parameters" in answer.text


def test_cookies_are_not_unquoted() -> None:
    """The standard library's way took the square of their length."""
    given = 'a=b; x="' + "\\" * 1_000 + '";  ' + COOKIE + " = 00ff ; c"
    request = requests.Request({"type": "http", "headers": [(b"cookie", given.encode())]})
    assert (cookie(request, COOKIE), cookie(request, "c"), cookie(request, "d")) == ("00ff", "", "")
