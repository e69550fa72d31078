"""The console in a real browser: every page in both languages, on a desk and a telephone, by mouse and keyboard."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import uvicorn

from api.compose import Base
from api.queries.registry import READS
from tests import sampling
from tests.api.console.chromium import Tab, browsing, installed
from tests.api.console.test_pages import address, streams

WINDOWS = ((1280, "light"), (390, "dark"))
LOOK = (Path(__file__).parent / "look.js").read_text("utf-8")
"""What is wrong with how a page looks: text that is hard to read, anything wider than the window."""

pytestmark = [
    pytest.mark.network,
    pytest.mark.skipif(installed() is None, reason="no Chromium here (Debian: apt-get install chromium)"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def served(application: Any) -> AsyncIterator[str]:
    """The console on a port of its own."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(application, lifespan="off", log_config=None))
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/console"
        server.should_exit = True
        await serving


@pytest_asyncio.fixture(loop_scope="session")
async def tab(served: str, keys: dict[str, str], tmp_path: Path) -> AsyncIterator[Tab]:
    """A browser in which an operator is logged in."""
    program = installed()
    assert program is not None
    async with browsing(program, tmp_path / "profile") as browser:
        tab = await browser.tab()
        await tab.size(1280)
        await tab.goto(f"{served}/login?lang=en")
        await tab.evaluate(f"document.getElementById('key').value = '{keys['operator']}'")
        await tab.leave("document.querySelector('main button').click()")
        yield tab


@pytest.mark.parametrize(
    "languages",
    [("en",), ("zh-CN",)] if sampling.PROFILE == "deep" else [("en", "zh-CN")],
    ids="-".join,
)
async def test_every_page_looks_right(tab: Tab, served: str, lived: Base, languages: tuple[str, ...]) -> None:
    """No word on the console, nothing that the policy refused, nothing wider than the window, nothing hard to read."""
    found = streams(lived)
    pages = [address(read, found).removeprefix("/console") for read in READS]
    wrong = []
    for path, language in zip(("/", "/events/160", *pages), cycle(languages), strict=False):
        await tab.goto(f"{served}{path}?lang={language}")
        assert await tab.evaluate("document.documentElement.lang") == language
        for width, scheme in WINDOWS:
            await tab.size(width)
            await tab.medium(scheme=scheme)
            wrong += [f"{path} at {width}: {one}" for one in await tab.evaluate(LOOK)]
    assert wrong + tab.complaints == []


async def test_what_looks_wrong_is_seen(tab: Tab, served: str) -> None:
    """The test above is able to fail."""
    assert (await tab.evaluate(LOOK), tab.complaints) == ([], [])
    await tab.evaluate("document.querySelector('main').insertAdjacentHTML('beforeend', '<p style=\"color:red\">x</p>')")
    await tab.goto(f"{served}/nowhere")
    assert len(tab.complaints) == 3, "the style, twice: as a message and as an issue; the page that is not there"
    long = "document.querySelector('h1').textContent = 'x'.repeat(400)"
    await tab.evaluate(f"{long}; document.querySelector('h1').style.color = '#aaa'")
    assert [one.split(":")[0] for one in await tab.evaluate(LOOK)] == ["wider than the window", "hard to read"]


async def test_the_menu_of_a_telephone_unfolds(tab: Tab, served: str) -> None:
    await tab.size(390)
    await tab.goto(f"{served}/")
    shown = "document.querySelector('.menu nav').checkVisibility() || document.querySelector('.side').checkVisibility()"
    assert await tab.evaluate(shown) is False
    await tab.evaluate("document.querySelector('.menu summary').click()")
    assert await tab.evaluate(shown) is True
    await tab.leave("document.querySelector('.menu a[href$=\"/leases\"]').click()")
    assert await tab.evaluate("document.querySelector('.menu a[aria-current]').pathname") == "/console/leases"


async def test_the_first_key_leads_to_the_content(tab: Tab, served: str) -> None:
    await tab.goto(f"{served}/leases")
    await tab.press("Tab")
    assert await tab.evaluate("document.activeElement.className") == "skip"
    assert await tab.evaluate("document.activeElement.getBoundingClientRect().left > 0"), "it can be seen"
    await tab.press("Enter")
    assert await tab.evaluate("document.activeElement.id") == "main"
    await tab.press("Tab")
    ring = "getComputedStyle(document.activeElement).outlineStyle"
    assert await tab.evaluate("document.activeElement.closest('main') !== null")
    assert await tab.evaluate(ring) == "solid"


async def test_only_the_content_is_printed(tab: Tab, served: str) -> None:
    await tab.goto(f"{served}/bills")
    await tab.medium("print", "dark")
    printed = "[...document.querySelectorAll('header, nav, .filters, table, footer')].filter(e => e.checkVisibility())"
    assert await tab.evaluate(f"{printed}.map(e => e.localName)") == ["table", "footer"]
    assert await tab.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
