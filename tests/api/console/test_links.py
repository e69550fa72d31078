"""Pages of a ledger that tenants share: links lead where the reader may go, and a demonstration is called one."""

from __future__ import annotations

import re

import httpx
import pytest

from adapters.postgres.connections import connect
from adapters.postgres.reading import browse
from api.compose import Base, running
from api.roles.serve import site
from tests.api.console.conftest import browsing, log_in


async def test_every_page_of_a_demonstration_says_so_in_both_languages(
    browser: httpx.AsyncClient, keys: dict[str, str]
) -> None:
    said = {"en": "all persons and all money in this ledger are made up", "zh-CN": "本账本中的人物与资金均为虚构"}
    for language, words in said.items():
        browser.cookies.clear()
        headers = {"Accept-Language": language}
        assert words in (await browser.get("/console/login", headers=headers)).text
        await log_in(browser, keys["operator"])
        for where in ("/console/", "/console/leases", "/console/events/100", "/console/no", "/console/leases?state=x"):
            assert words in (await browser.get(where, headers=headers)).text, where
    assert (await browser.get("/readyz")).json()["demonstration"] is True


async def test_the_ledger_of_a_business_is_not_called_a_demonstration(composed: Base) -> None:
    async with running(composed) as program, browsing(site(program)) as browser:
        assert "made up" not in (await browser.get("/console/login")).text


# -------------------------------------------------------------------------------------------- links to events


def linked(page: str) -> set[int]:
    return {int(one) for one in re.findall(r'href="/console/events/(\d+)"', page)}


@pytest.mark.parametrize("who", ["operator", "elsewhere", "collector"])
async def test_links_to_events_lead_only_where_the_reader_may_go(
    browser: httpx.AsyncClient, lived: Base, keys: dict[str, str], who: str
) -> None:
    """The tenants' events stand between each other's; nobody is told where those of others are."""
    await log_in(browser, keys[who])
    home = linked((await browser.get("/console/")).text)
    assert len(home) == 1, "the newest event"
    seen, left = set[int](), home
    for _ in range(12):
        assert left
        where = max(left)
        page = await browser.get(f"/console/events/{where}")
        assert page.status_code == 200, where
        seen.add(where)
        left = linked(page.text) - seen
    for where in left:
        assert (await browser.get(f"/console/events/{where}")).status_code == 200


async def test_only_who_reads_the_whole_log_is_told_its_size(
    browser: httpx.AsyncClient, lived: Base, keys: dict[str, str]
) -> None:
    with connect(lived.url) as connection:
        size = f"{browse.head_size(connection):,}"
    await log_in(browser, keys["operator"])
    assert f"<dd>{size}</dd>" in (await browser.get("/console/")).text
    await log_in(browser, keys["collector"])
    assert f"<dd>{size}</dd>" not in (await browser.get("/console/")).text
