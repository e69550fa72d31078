"""Every declared read has a page, in both languages, for who may see it, and for nobody else."""

from __future__ import annotations

import html
import json
import re
from uuid import UUID

import httpx
import pytest

from adapters.postgres.connections import connect
from api.compose import Base
from api.console.headers import HEADERS
from api.queries.engine.read import Read
from api.queries.registry import READS
from domain.kernel.ids import format_id
from tests.api.console.conftest import log_in
from tests.api.console.page import faults, parse, rows_of

LANGUAGES = ("en", "zh-CN")


def streams(lived: Base) -> dict[str, UUID]:
    """One of each aggregate of the phone shop, by its noun."""
    with connect(lived.url) as connection:
        entries = connection.execute("SELECT type, stream, entry FROM ledger.events WHERE seq = 1").fetchall()
    tenant = f'"tenant":"{lived.settings.tenant}"'.encode()
    return {kind.partition(".")[0]: stream for kind, stream, entry in entries if tenant in entry}


def address(read: Read, found: dict[str, UUID]) -> str:
    """The page of a read."""
    path = read.path
    for noun in read.nouns:
        path = path.replace(f"{{{noun}}}", format_id(noun, found[noun]))
    return f"/console{path}"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("read", READS, ids=lambda read: read.name)
async def test_every_read_has_a_page(
    browser: httpx.AsyncClient, lived: Base, keys: dict[str, str], read: Read, language: str
) -> None:
    await log_in(browser, keys["operator"])
    where = address(read, streams(lived))
    page = await browser.get(where, headers={"Accept-Language": language})
    assert page.status_code == 200, f"{where}: {page.text}"
    tree = parse(page.text)
    assert tree.first("html").attributes["lang"] == language
    assert faults(tree) == []
    assert "Traceback" not in page.text


@pytest.mark.parametrize("read", [one for one in READS if one.many and not one.nouns], ids=lambda read: read.name)
async def test_lists_show_what_the_interface_answers(
    browser: httpx.AsyncClient, keys: dict[str, str], read: Read
) -> None:
    """The same rows as for programs, at the same position."""
    await log_in(browser, keys["operator"])
    page = await browser.get(f"/console{read.path}")
    answer = (await browser.get(f"/v1{read.path}", headers={"Authorization": f"Bearer {keys['operator']}"})).json()
    assert len(rows_of(parse(page.text))) == len(answer["data"])
    for row in answer["data"][:5]:
        identifier = row.get("id")
        if isinstance(identifier, str) and not identifier.startswith("event_"):
            assert identifier in page.text


async def test_filters_and_cursors_lead_on(browser: httpx.AsyncClient, keys: dict[str, str]) -> None:
    await log_in(browser, keys["operator"])
    page = await browser.get("/console/bills?status=paid")
    assert '<option value="paid" selected>' in page.text
    seen, where = set[str](), "/console/events"
    for _ in range(3):
        page = await browser.get(where)
        rows = set(re.findall(r"/console/events/(\d+)", page.text))
        assert rows
        assert not rows & seen
        seen |= rows
        following = re.search(r'rel="next" href="([^"]+)"', page.text)
        assert following is not None
        where = html.unescape(following[1])


async def test_a_parameter_that_does_not_fit_is_named(browser: httpx.AsyncClient, keys: dict[str, str]) -> None:
    await log_in(browser, keys["operator"])
    page = await browser.get("/console/leases?state=painted")
    assert page.status_code == 400
    assert "State: “painted” does not fit. Expected: awaiting delivery, active" in page.text
    assert '<option value="painted" selected>' in page.text, "what was typed stays"
    page = await browser.get("/console/leases?as_of_position=soon&state=active")
    assert page.status_code == 400
    assert "As of event: “soon” does not fit. Expected: the number of an event, such as 1,234" in page.text
    assert '<option value="active" selected>' in page.text


async def test_days_that_a_page_needs_are_suggested(browser: httpx.AsyncClient, keys: dict[str, str]) -> None:
    """A page that needs days opens around the business date, and says so in its form."""
    await log_in(browser, keys["operator"])
    page = await browser.get("/console/cash-flow")
    first, last = re.findall(r'name="(?:from|to)" type="date" value="([^"]+)"', page.text)
    assert first < last
    assert page.text.count("<td") > 4, "there is something to see"
    day = (await browser.get("/v1/calendar", headers={"Authorization": f"Bearer {keys['operator']}"})).json()
    for where in ("provisions", "clause-library"):
        assert f'name="on" type="date" value="{day["business_date"]}"' in (await browser.get(f"/console/{where}")).text
    chosen = await browser.get("/console/cash-flow?from=2026-03-01&to=2026-03-31")
    assert 'value="2026-03-01"' in chosen.text


async def test_days_that_do_not_fit_together_are_explained(browser: httpx.AsyncClient, keys: dict[str, str]) -> None:
    await log_in(browser, keys["operator"])
    page = await browser.get("/console/cash-flow?from=2026-03-31&to=2026-03-01")
    assert page.status_code == 400
    assert (
        "To: “2026-03-01” does not fit. Expected: Last day, the first one or later; at most 400 days in all."
        in page.text
    )
    assert 'value="2026-03-31"' in page.text


async def test_an_empty_list_says_what_fills_it(browser: httpx.AsyncClient, keys: dict[str, str]) -> None:
    await log_in(browser, keys["operator"])
    page = await browser.get("/console/breaks")
    assert "Nothing is open now. What begins with events such as Reconciliation statement loaded" in page.text
    page = await browser.get("/console/bills?status=waived")
    assert "Nothing matches what was asked for." in page.text
    assert '<a href="/console/bills">Show all</a>' in page.text


async def test_what_is_named_has_a_link_for_who_may_follow_it(
    browser: httpx.AsyncClient, lived: Base, keys: dict[str, str]
) -> None:
    found = streams(lived)
    lease, contract = (f"{noun}s/{format_id(noun, found[noun])}" for noun in ("lease", "contract"))
    await log_in(browser, keys["operator"])
    assert re.search(r'href="/console/consents/consent_[0-9a-f]{32}"', (await browser.get("/console/timers")).text)
    assert f'href="/console/{lease}"' in (await browser.get("/console/journal")).text
    page = (await browser.get("/console/events/160")).text
    assert f'href="/console/{lease}"' in page, "the case of a payment that was posted"
    assert 'href="/console/events/112"' in (await browser.get("/console/events/113")).text, "of the same command"
    assert f'href="/console/{lease}"' in (await browser.get(f"/console/{lease}/bills")).text, "back to the lease"
    await log_in(browser, keys["collector"])
    page = (await browser.get(f"/console/{lease}")).text
    assert f'href="/console/{contract}"' in page
    assert "/console/journal" not in page


@pytest.mark.parametrize("number", ["abc", "-1", "1_0", "１２", "9" * 5_000, "%00"])
async def test_no_number_breaks_a_page(
    browser: httpx.AsyncClient, lived: Base, keys: dict[str, str], number: str
) -> None:
    """Whatever stands where a position belongs is a sentence, on lists, on one of them, and in the search field."""
    await log_in(browser, keys["operator"])
    lease = f"/console/leases/{format_id('lease', streams(lived)['lease'])}"
    for where in (lease, "/console/events", f"{lease}/events"):
        assert (await browser.get(f"{where}?starting_after={number}")).status_code == 400, where
    for where in ("/console/leases", lease):
        assert (await browser.get(f"{where}?as_of_position={number}")).status_code == 400, where
    assert (await browser.get(f"/console/events/{number}")).status_code == 404
    assert (await browser.get(f"/console/find?q={number}")).status_code == 404


async def test_a_position_is_read_as_people_write_it(browser: httpx.AsyncClient, keys: dict[str, str]) -> None:
    await log_in(browser, keys["operator"])
    page = (await browser.get("/console/leases?as_of_position=%232,000")).text
    assert "The past:" in page
    assert 'value="2000"' in page
    beyond = await browser.get("/console/leases?as_of_position=9007199254740991")
    assert (beyond.status_code, "The ledger ends with event" in beyond.text) == (400, True)
    assert "Log out" in beyond.text, "who is logged in stays so on a page that refuses"


async def test_a_key_in_an_address_is_not_handed_on(browser: httpx.AsyncClient) -> None:
    page = await browser.get("/console/login?key=llk_secret")
    assert "llk_secret" not in page.text
    assert (await browser.head("/console/login")).status_code == 200
    assert (await browser.get("/console", headers={"Host": "elsewhere.example"})).headers["location"] == "/console/"


# ---------------------------------------------------------------------------------------------- one of them


async def test_the_state_stands_beside_the_event_that_made_it(
    browser: httpx.AsyncClient, lived: Base, keys: dict[str, str]
) -> None:
    await log_in(browser, keys["operator"])
    lease = f"/console/leases/{format_id('lease', streams(lived)['lease'])}"
    now = await browser.get(lease)
    assert ">settled</span>" in now.text
    positions = re.findall(r"as_of_position=(\d+)", now.text)
    created = await browser.get(f"{lease}?as_of_position={positions[0]}")
    assert ">awaiting delivery</span>" in created.text
    activated = next(one for one in positions if "Activated</span>" in now.text.split(f"={one}")[1][:80])
    page = (await browser.get(f"{lease}?as_of_position={activated}")).text
    assert 'class="chosen"' in page
    changed = re.findall(r'class="fact changed[^"]*">\s*<dt[^>]*>([^<]+)<', page)
    assert "State" in changed
    assert "Principal" not in changed


async def test_an_event_shows_its_entry_and_its_proof(browser: httpx.AsyncClient, keys: dict[str, str]) -> None:
    await log_in(browser, keys["operator"])
    page = await browser.get("/console/events/100")
    receipt = (await browser.get("/v1/receipts/100", headers={"Authorization": f"Bearer {keys['operator']}"})).json()
    for shown in (receipt["leaf_hash"], receipt["entry_sha256"], receipt["proof"].split("\n")[0]):
        assert shown in html.unescape(page.text)
    assert (await browser.get("/console/events/99999999")).status_code == 404


@pytest.mark.parametrize(("typed", "status"), [("#100", 303), ("100", 303), ("nothing", 404), ("lease_12", 404)])
async def test_find(browser: httpx.AsyncClient, keys: dict[str, str], typed: str, status: int) -> None:
    await log_in(browser, keys["operator"])
    page = await browser.get("/console/find", params={"q": typed})
    assert page.status_code == status
    if status == 404:
        assert f"“{typed}” does not fit. Expected: an identifier such as lease_…" in page.text
        assert parse(page.text).first("input").attributes["value"] == typed, "what was typed stays"


async def test_a_business_number_and_a_lessee_are_found(
    browser: httpx.AsyncClient, lived: Base, keys: dict[str, str]
) -> None:
    """A clerk has the number of a contract on paper, or a lessee's id from another page."""
    await log_in(browser, keys["operator"])
    of_lease = f"/v1/leases/{format_id('lease', streams(lived)['lease'])}"
    lease = (await browser.get(of_lease, headers={"Authorization": f"Bearer {keys['operator']}"})).json()
    by_number = await browser.get("/console/find", params={"q": f" {lease['reference']} "})
    assert by_number.status_code == 303
    listed = await browser.get(by_number.headers["location"])
    assert (listed.status_code, lease["reference"] in listed.text) == (200, True)
    by_lessee = await browser.get("/console/find", params={"q": lease["lessee"]})
    assert by_lessee.headers["location"] == f"/console/leases?lessee={lease['lessee']}"
    assert lease["id"] in (await browser.get(by_lessee.headers["location"])).text
    page = (await browser.get(f"/console{of_lease.removeprefix('/v1')}")).text
    assert f'href="/console/leases?lessee={lease["lessee"]}"' in page


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("/leases?stat=settled", "This page has no “stat”. It has: "),
        ("/leases?as_of=2026-03-31", "This page has no “as_of”."),
        ("/leases?as_of_position=1&as_of_position=700", "“as_of_position” is given more than once."),
        ("/leases?state=active&state=settled", "“state” is given more than once."),
        ("/trial-balance?state=active", "This page has no “state”."),
    ],
)
async def test_a_question_that_a_page_does_not_understand_is_not_answered_as_another(
    browser: httpx.AsyncClient, keys: dict[str, str], query: str, said: str
) -> None:
    await log_in(browser, keys["operator"])
    page = await browser.get(f"/console{query}")
    assert (page.status_code, said in page.text) == (400, True), page.text
    by_day = await browser.get("/console/trial-balance?as_of=2026-03-31&currency=&lang=en")
    assert by_day.status_code == 200


async def test_amounts_of_an_event_are_in_the_currency_of_its_lease(
    browser: httpx.AsyncClient, lived: Base, keys: dict[str, str]
) -> None:
    """Neither a bill nor a payment says one; the lease that they belong to does."""
    await log_in(browser, keys["operator"])
    known = {"Authorization": f"Bearer {keys['operator']}"}
    for address in (f"/v1/leases/{format_id('lease', streams(lived)['lease'])}", "/v1/payments"):
        found = (await browser.get(address, headers=known)).json()
        one = found["data"][0]["id"] if "data" in found else found["id"]
        events = (await browser.get(f"{address.partition('/lease_')[0]}/{one}/events", headers=known)).json()["data"]
        told = {one["position"]: json.dumps(one) for one in events}
        moved = next(at for at, said in told.items() if re.search(r'fen": [1-9]', said) and "CNY" not in said)
        page = parse((await browser.get(f"/console/events/{moved}")).text)
        assert "CNY" in page.text, address


async def test_a_late_fee_that_is_taken_back_is_not_called_one(
    browser: httpx.AsyncClient, lived: Base, keys: dict[str, str]
) -> None:
    await log_in(browser, keys["operator"])
    lease = f"/console/leases/{format_id('lease', streams(lived)['lease'])}"
    assert "Late fee taken back</span>" in (await browser.get(lease)).text


# ------------------------------------------------------------------------------------------------- who may what


async def test_nobody_sees_anything_without_a_key(browser: httpx.AsyncClient) -> None:
    for where in ("/console/", "/console/leases", "/console/events/1", "/console/find?q=1"):
        page = await browser.get(where)
        assert page.status_code == 303, where
        assert page.headers["location"].startswith("/console/login?next=%2F")


async def test_a_key_that_never_was_is_refused(browser: httpx.AsyncClient) -> None:
    page = await log_in(browser, "llk_" + "A" * 43)
    assert (page.status_code, page.headers.get("set-cookie")) == (401, None)


async def test_every_link_of_an_events_page_leads_somewhere(
    browser: httpx.AsyncClient, lived: Base, keys: dict[str, str]
) -> None:
    """Of one event of each aggregate: its stream, its case, the state after it, its neighbours."""
    await log_in(browser, keys["operator"])
    with connect(lived.url) as connection:
        firsts = connection.execute("SELECT type, position, entry FROM ledger.events WHERE seq = 1").fetchall()
    tenant = f'"tenant":"{lived.settings.tenant}"'.encode()
    one_of_each = {kind.partition(".")[0]: position for kind, position, entry in firsts if tenant in entry}
    assert "subject" in one_of_each
    links: set[str] = set()
    for position in one_of_each.values():
        links |= set(re.findall(r'href="(/console/[^"]+)"', (await browser.get(f"/console/events/{position}")).text))
    assert len(links) > 20
    for link in sorted(map(html.unescape, links)):
        assert (await browser.get(link)).status_code == 200, link


async def test_a_role_opens_its_pages_only(browser: httpx.AsyncClient, keys: dict[str, str]) -> None:
    await log_in(browser, keys["collector"])
    home = (await browser.get("/console/")).text
    assert "/console/leases" in home
    assert "/console/trial-balance" not in home
    assert (await browser.get("/console/leases")).status_code == 200
    assert (await browser.get("/console/trial-balance")).status_code == 403
    assert (await browser.get("/console/events")).status_code == 403


async def test_a_court_sees_receipts_and_no_lists(browser: httpx.AsyncClient, keys: dict[str, str]) -> None:
    await log_in(browser, keys["court"])
    assert "/console/leases" not in (await browser.get("/console/")).text
    assert (await browser.get("/console/leases")).status_code == 403


async def test_another_tenant_sees_nothing_of_it(browser: httpx.AsyncClient, lived: Base, keys: dict[str, str]) -> None:
    await log_in(browser, keys["elsewhere"])
    for noun, stream in streams(lived).items():
        for read in READS:
            if read.nouns == (noun,):
                path = read.path.replace(f"{{{noun}}}", format_id(noun, stream))
                assert (await browser.get(f"/console{path}")).status_code == 404, path
    assert (await browser.get("/console/events/100")).status_code == 404


# ----------------------------------------------------------------------------------------------------- sessions


async def test_a_session_is_sealed_and_ends(browser: httpx.AsyncClient, keys: dict[str, str]) -> None:
    made = await log_in(browser, keys["operator"])
    cookie = made.headers["set-cookie"]
    assert keys["operator"] not in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert (await browser.get("/console/leases")).status_code == 200
    out = await browser.post("/console/logout")
    assert out.status_code == 303
    assert (await browser.get("/console/leases")).status_code == 303


async def test_a_forged_session_is_none(browser: httpx.AsyncClient, keys: dict[str, str]) -> None:
    await log_in(browser, keys["operator"])
    name, sealed = next(iter(browser.cookies.items()))
    browser.cookies.clear()
    for forged in ("", "00", sealed[:-2] + ("00" if sealed[-2:] != "00" else "11"), keys["operator"]):
        browser.cookies.set(name, forged)
        assert (await browser.get("/console/leases")).status_code == 303
        browser.cookies.clear()


async def test_forms_of_other_sites_are_refused(browser: httpx.AsyncClient, keys: dict[str, str]) -> None:
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://elsewhere.example"}):
        page = await browser.post("/console/login", data={"key": keys["operator"]}, headers=headers)
        assert page.status_code == 403
        assert "set-cookie" not in page.headers


@pytest.mark.parametrize("target", ["https://elsewhere.example", "//elsewhere.example", "/\\elsewhere.example", ""])
async def test_a_login_leads_nowhere_else(browser: httpx.AsyncClient, keys: dict[str, str], target: str) -> None:
    made = await browser.post("/console/login", data={"key": keys["operator"], "next": target})
    assert made.headers["location"] == "/console/"


# ------------------------------------------------------------------------------------------------------ headers


@pytest.mark.parametrize("where", ["/console/login", "/console/leases", "/console/static/console.css", "/console/no"])
async def test_every_answer_has_the_headers(browser: httpx.AsyncClient, where: str) -> None:
    page = await browser.get(where)
    for name, value in HEADERS.items():
        if name != "Cache-Control" or "static" not in where:
            assert page.headers[name] == value


@pytest.mark.parametrize("door", ["/", "/console"])
@pytest.mark.parametrize("asked", ["", "?lang=zh"])
async def test_the_front_door_leads_to_the_console(browser: httpx.AsyncClient, door: str, asked: str) -> None:
    page = await browser.get(door + asked)
    assert (page.status_code, page.headers["location"]) == (307, f"/console/{asked}")
