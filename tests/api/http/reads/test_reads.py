"""Reads over HTTP: now, at an earlier position or instant, page by page, and no fresher than they say."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from adapters.system import now
from api.queries.registry import READS
from chain.merkle import leaf_hash
from domain.kernel.times import utc_text
from projections.registry import PROJECTIONS
from tests.api.http.driver import Http

LIST = "/v1/applications"

EVENTS = next(read.body for read in READS if read.name == "list_events")


async def test_one_application(http: Http) -> None:
    address = await http.given(("submit", None), ("route_to_lane", {"lane": "VIP"}), reference="HT-7")
    answer = await http.get(address)
    shown = answer.json()
    assert answer.headers["etag"] == '"3"'
    assert answer.headers["ledger-position"] == str(await http.size())
    assert {name: shown[name] for name in ("version", "state", "reference", "lane", "decision")} == {
        "version": 3, "state": "submitted", "reference": "HT-7", "lane": "VIP", "decision": None,
    }  # fmt: skip
    assert shown["steps"]["submitted"] == "passed"
    assert shown["last_position"] - shown["first_position"] >= 2


async def test_a_write_is_read_at_once(http: Http) -> None:
    """Without any read model: an application is folded from its own events."""
    address = await http.given()
    for segment, state in (("submit", "submitted"), ("start_verification", "verifying")):
        await http.post(f"{address}/{segment}")
        assert (await http.get(address)).json()["state"] == state


async def test_as_of_position(http: Http) -> None:
    address = await http.given()
    before = await http.size()
    await http.post(f"{address}/submit")
    then = await http.get(f"{address}?as_of_position={before}")
    assert (then.json()["state"], then.headers["etag"]) == ("draft", '"1"')
    assert then.headers["ledger-position"] == str(before)
    assert (await http.get(f"{address}?as_of_position={before - 1}")).status_code == 404


async def test_as_of_instant(http: Http) -> None:
    start = utc_text(now())
    address = await http.given()
    instant = utc_text(now())
    await http.post(f"{address}/submit")
    assert (await http.get(f"{address}?as_of={instant}")).json()["state"] == "draft"
    assert (await http.get(f"{address}?as_of={utc_text(now())}")).json()["state"] == "submitted"
    assert (await http.get(f"{address}?as_of={start}")).status_code == 404
    assert (await http.get(f"{address}?as_of=1970-01-01T00:00:00Z")).status_code == 404


async def test_moments_that_are_not_there(http: Http) -> None:
    address = await http.given()
    for query in (f"as_of_position={2**53 - 1}", "as_of=9999-01-01T00:00:00Z"):
        answer = await http.get(f"{address}?{query}")
        assert (answer.status_code, answer.json()["code"]) == (409, "position.ahead")


@pytest.mark.parametrize(
    "query",
    [
        "as_of_position=-1",
        "as_of_position=one",
        "as_of=yesterday",
        "as_of=2026-11-21",
        "as_of=2026-11-21T08:00:00",
        "as_of=2026-11-21T08:00:00Z&as_of_position=1",
        "as_of_position=1&as_of_position=2",
        "at_least=-1",
        "surprise=1",
    ],
)
async def test_queries_that_do_not_fit(http: Http, query: str) -> None:
    answer = await http.get(f"{await http.given()}?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "query.invalid")
    assert answer.json()["errors"]


async def test_at_least_waits(http: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    """A read model is brought up to date meanwhile, however long that takes."""
    services = http.app.state.services
    monkeypatch.setattr(services, "limits", replace(services.limits, wait_s=120))
    http.project()
    address = await http.given(("submit", None))
    wanted = await http.size()
    reading = asyncio.create_task(http.get(f"/v1/applications?at_least={wanted}"))
    await asyncio.sleep(0)
    await asyncio.to_thread(http.project)
    assert [one["id"] for one in (await reading).json()["data"]] == [address.rpartition("/")[2]]


async def test_at_least_does_not_wait_for_ever(http: Http) -> None:
    http.project()
    await http.given()
    answer = await http.get(f"/v1/applications?at_least={await http.size()}")
    assert (answer.status_code, answer.json()["code"]) == (503, "position.not_reached")
    assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize(
    "path",
    ["/v1/applications?at_least=", "/v1/events?at_least=", "/v1/events?starting_after=", "/v1/trial-balance?at_least="],
)
async def test_what_the_ledger_has_not_reached_is_said_at_once(fresh: Http, path: str) -> None:
    """Nobody was ever told of such a position, so that waiting for it is waiting for ever."""
    await fresh.given()
    fresh.project()
    reached = await fresh.size()
    assert (await fresh.get(f"{path}{reached}")).status_code == 200
    for ahead in (reached + 1, 2**53 - 1):
        answer = await fresh.get(f"{path}{ahead}")
        assert (answer.status_code, answer.json()["code"]) == (409, "position.ahead")
        assert answer.json()["facts"] == {"ledger_position": str(reached)}


async def test_read_model_behind_at_least(http: Http) -> None:
    http.project()
    await http.given()
    answer = await http.get(f"{LIST}?at_least={await http.size()}")
    assert answer.status_code == 503
    http.project()
    assert (await http.get(f"{LIST}?at_least={await http.size()}")).status_code == 200


async def pages(http: Http, first: str) -> list[dict[str, Any]]:
    """All items behind an address, following Link headers."""
    found: list[dict[str, Any]] = []
    path: str | None = first
    while path is not None:
        answer = await http.get(path)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        found += body["data"]
        link = answer.links.get("next")
        assert (link is not None) == body["has_more"] == (body["next"] is not None)
        path = link["url"] if link else None
    return found


async def test_list_page_by_page(http: Http) -> None:
    addresses = [await http.given(reference=f"HT-{n}") for n in range(5)]
    await http.post(f"{addresses[1]}/submit")
    http.project()
    ids = [address.rpartition("/")[2] for address in addresses]
    assert [one["id"] for one in await pages(http, f"{LIST}?limit=2")] == sorted(ids)
    assert [one["id"] for one in await pages(http, f"{LIST}?limit=2&state=submitted")] == [ids[1]]
    after = await http.get(f"{LIST}?starting_after={sorted(ids)[2]}")
    assert [one["id"] for one in after.json()["data"]] == sorted(ids)[3:]


async def test_list_of_the_past(http: Http) -> None:
    address = await http.given()
    before = await http.size()
    await http.post(f"{address}/submit")
    await http.given()
    http.project()
    then = await http.get(f"{LIST}?as_of_position={before}")
    assert [(one["state"], one["version"]) for one in then.json()["data"]] == [("draft", 1)]
    assert then.headers["ledger-position"] == str(before)


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "starting_after=7", "state=lost", "offset=1"])
async def test_list_queries_that_do_not_fit(http: Http, query: str) -> None:
    answer = await http.get(f"{LIST}?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "query.invalid")


@pytest.mark.parametrize("number", ["%2B1", "%201", "1%20", "1.0", "1_0", "%EF%BC%91", "-1", ""])
async def test_numbers_in_addresses_are_digits(http: Http, number: str) -> None:
    for name in ("limit", "as_of_position", "at_least", "starting_after"):
        answer = await http.get(f"/v1/events?{name}={number}")
        assert (answer.status_code, answer.json()["code"]) == (422, "query.invalid"), name


@pytest.mark.parametrize("query", ["leases?reference=%00", "contracts?reference=a%00b", "contracts?plan=%00"])
async def test_text_that_no_database_stores_is_a_named_fault(http: Http, query: str) -> None:
    answer = await http.get(f"/v1/{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "query.invalid")
    (fault,) = answer.json()["errors"]
    assert fault["code"] == "not_storable"


async def test_events_of_an_application(http: Http) -> None:
    address = await http.given(("submit", None), ("start_verification", None))
    found = await pages(http, f"{address}/events?limit=1")
    assert [one["entry"]["type"] for one in found] == await http.events(address)
    assert [one["entry"]["seq"] for one in found] == [1, 2, 3]


async def test_entries_are_the_bytes_that_were_hashed(http: Http) -> None:
    answer = await http.get(f"{await http.given(('submit', None))}/events")
    page: Any = msgspec.json.decode(answer.content, type=EVENTS)
    assert [leaf_hash(bytes(one.entry)).hex() for one in page.data] == [one.leaf_hash for one in page.data]


async def test_ledger_of_a_tenant(http: Http) -> None:
    before = await http.size()
    mine = await http.given()
    await http.another_tenant().given()
    await http.post(f"{mine}/submit")
    found = await pages(http, f"/v1/events?limit=1&starting_after={before}")
    assert [one["entry"]["type"] for one in found] == ["application.drafted.v1", "application.submitted.v1"]
    assert [one["position"] for one in found] == [before + 1, before + 3]


async def test_ledger_by_type(http: Http) -> None:
    before = await http.size()
    await http.given(("submit", None), ("start_verification", None))
    types = "application.submitted.v1,application.drafted.v1,nobody.knows.v1"
    found = await pages(http, f"/v1/events?starting_after={before}&types={types}")
    assert [one["entry"]["type"] for one in found] == ["application.drafted.v1", "application.submitted.v1"]


async def test_ledger_of_the_past(http: Http) -> None:
    address = await http.given()
    before = await http.size()
    await http.post(f"{address}/submit")
    assert len(await pages(http, f"/v1/events?as_of_position={before}")) == 1
    assert len(await pages(http, f"{address}/events?as_of_position={before}")) == 1


async def test_statistics(http: Http) -> None:
    await http.given()
    await http.given(("submit", None), ("schedule_work", {"lane": "核验"}))
    before = await http.size()
    await http.given(("submit", None))
    http.project()
    funnel = (await http.get("/v1/funnel")).json()
    assert {one["name"]: one["applications"] for one in funnel["stages"]}["submitted"] == 2
    assert funnel["open"] == 3
    then = await http.get(f"/v1/funnel?as_of_position={before}")
    assert then.json()["open"] == 2
    assert then.headers["ledger-position"] == str(before)
    lanes = (await http.get("/v1/work-in-progress")).json()["lanes"]
    assert [(lane["lane"], lane["scheduled"], lane["waiting"]) for lane in lanes] == [("核验", 1, 1)]
    assert lanes[0]["oldest_open_since"].endswith("Z")


async def test_health_and_readiness(http: Http) -> None:
    http.project()
    assert (await http.client.get("/healthz")).json() == {"status": "ok"}
    ready = await http.client.get("/readyz")
    assert (ready.status_code, ready.json()["status"], ready.json()["demonstration"]) == (200, "ready", False)
    assert {model["name"] for model in ready.json()["read_models"]} == {projection.name for projection in PROJECTIONS}


async def test_without_read_models(fresh: Http) -> None:
    """A program whose projections never ran says so, and still takes and shows applications."""
    address = await fresh.given()
    assert (await fresh.get(address)).status_code == 200
    for path in ("/readyz", "/v1/applications", "/v1/funnel", "/v1/work-in-progress"):
        answer = await fresh.get(path)
        assert (answer.status_code, answer.json()["code"]) == (503, "projection.unavailable"), path
