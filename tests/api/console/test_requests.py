"""Requests of the console: whatever is sent is a page, and a line of the log without what was sent."""

from __future__ import annotations

import httpx
import pytest
from structlog.testing import capture_logs

from api.compose import Base
from api.console import queries
from domain.kernel.ids import format_id
from tests.api.console.conftest import log_in
from tests.api.console.test_pages import streams

NUL = (
    "leases?reference=%00",
    "contracts?reference=a%00b",
    "contracts?plan=%00",
    "clauses?clause=%00",
    "events?types=%00",
)


@pytest.mark.parametrize("where", NUL)
async def test_what_no_database_stores_is_a_filter_that_does_not_fit(
    browser: httpx.AsyncClient, keys: dict[str, str], where: str
) -> None:
    await log_in(browser, keys["operator"])
    page = await browser.get(f"/console/{where}")
    assert page.status_code == 400
    assert "does not fit" in page.text


@pytest.mark.parametrize("text", ["%00", "a%00b", "%ED%A0%80", "%FF", "%EF%BF%BF"])
async def test_text_that_no_database_stores_is_nowhere_a_fault(
    browser: httpx.AsyncClient, keys: dict[str, str], text: str
) -> None:
    """Addresses, searches, forms, cookies: with a session and without."""
    for _ in range(2):
        for where in (
            "find?q={}",
            "events/{}",
            "leases/{}",
            "{}",
            "leases?lang={}",
            "leases?as_of_position={}",
            "login?next={}",
        ):
            assert (await browser.get(f"/console/{where.format(text)}")).status_code < 500, where
        body = f"key={text}&next={text}"
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        assert (await browser.post("/console/login", content=body, headers=form)).status_code < 500
        await log_in(browser, keys["operator"])


async def test_the_unforeseen_is_a_page_with_the_id_of_the_request(
    browser: httpx.AsyncClient, keys: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("王小明 lives at 13800138000")

    monkeypatch.setattr(queries, "answered", broken)
    await log_in(browser, keys["operator"])
    with capture_logs() as lines:
        page = await browser.get("/console/leases?reference=王小明", headers={"Accept-Language": "zh-CN"})
    assert page.status_code == 500
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["x-request-id"] in page.text
    assert "系统发生错误" in page.text
    failed, request = lines
    assert (failed["event"], failed["error"]) == ("failed", "RuntimeError")
    assert failed["request_id"] == request["request_id"] == page.headers["x-request-id"]
    assert "13800138000" not in page.text + str(lines)
    assert "王小明" not in str(lines)


async def test_requests_of_pages_are_logged_without_what_was_sent(
    browser: httpx.AsyncClient, lived: Base, keys: dict[str, str]
) -> None:
    lease = format_id("lease", streams(lived)["lease"])
    with capture_logs() as lines:
        await log_in(browser, f"llk_{'A' * 43}")
        await log_in(browser, keys["operator"])
        await browser.get(f"/console/leases/{lease}?as_of_position=100")
        await browser.get("/console/events/100")
        await browser.get("/console/王小明")
        await browser.get("/console/static/console.css")
    requests = [one for one in lines if one["event"] == "request"]
    assert [(one["method"], one["route"], one["status"]) for one in requests] == [
        ("POST", "/console/login", 401),
        ("POST", "/console/login", 303),
        ("GET", "/console/leases/{lease}", 404),
        ("GET", "/console/events/{position}", 200),
        ("GET", "/console/{path:path}", 404),
        ("GET", "", 200),
    ]
    assert all(one["ms"] >= 0 and len(one["request_id"]) == 32 for one in requests)
    assert not any(secret in str(lines) for secret in ("llk_", lease, "王小明"))
