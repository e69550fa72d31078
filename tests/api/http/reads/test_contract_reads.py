"""Lists of contracts and clauses, the library to assemble from, the business day and what is due, over HTTP."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from adapters.postgres.ledger import Request
from adapters.system import new_id, now
from domain.calendar.calendar import CALENDAR, OpenCalendar, RecordStep, StartEndOfDay, calendar_stream
from domain.kernel.command import Actor, Command, Context
from tests.api.http import cases
from tests.api.http.cases import CLAUSE, SHOWN, done
from tests.api.http.driver import Http
from tests.api.http.endpoints.test_papers import assembled, contract
from tests.api.http.reads.test_lease_reads import shown, tell
from tests.domain.leasing.cases import RUNNING

DAY = date(2026, 3, 2)


async def calendar(http: Http, *commands: Command) -> None:
    """Move the tenant's calendar."""
    stream = calendar_stream(http.tenant)
    for command in commands:
        context = Context(
            tenant=http.tenant, actor=Actor("system", "clock"), correlation=stream, now=now(),
            business_date=DAY,
        )  # fmt: skip
        request = Request(stream=stream, key=new_id().hex, command=command, context=context)
        assert hasattr(await http.running.ledger.execute(CALENDAR, request), "position")


async def pages(http: Http, address: str) -> list[Any]:
    """Everything of a list, page by page."""
    seen = list[Any]()
    while address:
        answer = await http.get(address)
        assert answer.status_code == 200, answer.text
        seen += answer.json()["data"]
        address = answer.headers.get("link", "").partition(">")[0].removeprefix("<")
    return seen


async def test_contracts_by_what_is_known_of_them(http: Http) -> None:
    lease, lessee = await cases.leased(http)
    other = (await done(http, "/v1/contracts", cases.contract(cases.person()))).json()["id"]
    http.project()
    assert len(await pages(http, "/v1/contracts?limit=1")) == 2
    (executed,) = await pages(http, "/v1/contracts?state=executed")
    assert (executed["lessee"], executed["signed"], executed["parties"]) == (f"subject_{lessee.hex}", 2, 2)
    assert executed["document"] == f"{2:064x}"
    for query in (f"subject=subject_{lessee.hex}", f"lease={lease.rpartition('/')[2]}", "state=executed&limit=1"):
        assert await pages(http, f"/v1/contracts?{query}") == [executed]
    assert [one["id"] for one in await pages(http, "/v1/contracts?state=assembled")] == [other]
    assert len(await pages(http, "/v1/contracts?plan=phone_return&reference=HT-2027-0001")) == 2
    assert await pages(http, f"/v1/contracts?lease=lease_{'0' * 32}") == []
    assert await pages(http.another_tenant(), f"/v1/contracts?lease={lease.rpartition('/')[2]}") == []


async def test_a_list_says_the_same_as_the_resource(http: Http) -> None:
    address = await cases.signed(http, cases.person())
    http.project()
    one, (listed,) = await shown(http, address), await pages(http, "/v1/contracts")
    for name in ("id", "version", "state", "root", "amendments", "alarms", "first_position", "last_position"):
        assert listed[name] == one[name], name
    assert listed["document"] == one["round"]["document"]
    assert listed["total_cost_fen"] == one["key_terms"]["total_cost_fen"]


async def test_contracts_as_they_were(http: Http) -> None:
    address = await cases.signed(http, cases.person())
    http.project()
    first = (await shown(http, address))["first_position"]
    answer = await http.get(f"/v1/contracts?as_of_position={first}&state=assembled")
    assert [one["version"] for one in answer.json()["data"]] == [1]
    assert answer.headers["ledger-position"] == str(first)
    assert (await shown(http, f"/v1/contracts?as_of_position={first - 1}"))["data"] == []


async def test_a_lease_that_came_later_has_no_contract_yet(http: Http) -> None:
    lease = (await cases.leased(http))[0].rpartition("/")[2]
    http.project()
    before = (await shown(http, f"/v1/leases/{lease}"))["first_position"] - 1
    assert (await shown(http, f"/v1/contracts?lease={lease}&as_of_position={before}"))["data"] == []
    assert len((await shown(http, f"/v1/contracts?lease={lease}&as_of_position={before + 1}"))["data"]) == 1


async def test_own_clauses_with_all_their_versions(http: Http) -> None:
    made = await done(http, "/v1/clauses", CLAUSE)
    address = made.headers["location"]
    digest = (await shown(http, address))["versions"][0]["digest"]
    publish = {"version": 1, "digest": digest, "effective_from": "2099-01-01"}
    await done(http, f"{address}/publish", publish)
    await done(http, f"{address}/draft", CLAUSE | {"text": "另一文本。"})
    http.project()
    (clause,) = await pages(http, "/v1/clauses")
    assert (clause["clause"], clause["state"], clause["version"]) == ("house_rules", "drafted", 3)
    first, second = clause["versions"]
    assert (first["digest"], first["effective_from"], first["state"]) == (digest, "2099-01-01", "published")
    assert (first["text_in_ledger"], first["forms"], second["state"]) == (True, ["operating"], "drafted")
    event = (await shown(http, f"{address}/events"))["data"][0]
    assert first["drafted_at"] == event["position"]
    for query, count in (
        ("clause=house_rules", 1), ("clause=rent", 0), ("state=drafted", 1), ("state=published", 0),
        ("form=operating", 1), ("form=direct", 0), ("on=2099-01-01", 1), ("on=2098-12-31", 0),
        (f"state=published&as_of_position={event['position'] + 1}", 1),
    ):  # fmt: skip
        assert len(await pages(http, f"/v1/clauses?{query}")) == count, query


async def test_what_a_contract_is_made_of(http: Http) -> None:
    """The library's references go into a contract as they stand; a clause of the tenant's own takes its place."""
    http.project()
    today = cases.today()
    usable = (await shown(http, f"/v1/clause-library?form=operating&on={today}"))["clauses"]
    mandatory = [one["reference"] for one in usable if one["mandatory"]]
    assert mandatory == cases.clauses()
    body = cases.contract(cases.person()) | {"clauses": mandatory}
    assert (await http.post("/v1/contracts", body)).status_code == 201
    made = await done(http, "/v1/clauses", CLAUSE | {"clause": "rent", "mandatory": True})
    digest = (await shown(http, made.headers["location"]))["versions"][0]["digest"]
    published = {"version": 1, "digest": digest, "effective_from": today}
    done_at = await done(http, f"{made.headers['location']}/publish", published)
    http.project()
    at = done_at.headers["ledger-position"]
    usable = (await shown(http, f"/v1/clause-library?form=operating&on={today}&at_least={at}"))["clauses"]
    (rent,) = [one for one in usable if one["reference"]["clause"] == "rent"]
    assert (rent["own"], rent["text"], rent["reference"]["digest"]) == (True, CLAUSE["text"], digest)
    assert [one["reference"]["clause"] for one in usable if one["mandatory"]] == [one["clause"] for one in mandatory]
    before = await shown(http, f"/v1/clause-library?form=operating&on={today}&as_of_position={int(at) - 2}")
    assert not any(one["own"] for one in before["clauses"])


async def test_the_business_day(http: Http) -> None:
    nothing = await http.get("/v1/calendar")
    assert nothing.json() == {
        "state": "absent", "business_date": None, "steps": [], "version": 0, "last_position": None,
    }  # fmt: skip
    await calendar(http, OpenCalendar(business_date=DAY))
    opened = await http.get("/v1/calendar")
    assert (opened.json()["state"], opened.json()["business_date"], opened.headers["etag"]) == ("open", str(DAY), '"1"')
    start = StartEndOfDay(day=DAY, steps=("timers", "reconciliation"))
    await calendar(http, start, RecordStep(day=DAY, step="timers", processed=7))
    closing = await shown(http, "/v1/calendar")
    assert (closing["state"], closing["version"]) == ("closing", 3)
    assert closing["steps"] == [
        {"step": "timers", "state": "done", "processed": 7},
        {"step": "reconciliation", "state": "running", "processed": 0},
    ]
    then = await http.get(f"/v1/calendar?as_of_position={opened.headers['ledger-position']}")
    assert then.json() == opened.json()
    assert (await http.get("/v1/calendar", If_None_Match='"3"')).status_code == 304
    assert (await shown(http.another_tenant(), "/v1/calendar"))["state"] == "absent"


async def test_what_is_due_next(http: Http) -> None:
    lease = await tell(http, *RUNNING)
    whole = (await shown(http, "/v1/timers"))["data"]
    assert await pages(http, "/v1/timers?limit=4") == whole
    assert {one["of"] for one in whole} == {lease}
    assert [one["due_on"] for one in whole] == sorted(one["due_on"] for one in whole)
    bills = await pages(http, "/v1/timers?kind=bill&limit=5")
    assert [one["number"] for one in bills] == list(range(1, 13))
    last = bills[0]["due_on"]
    assert await pages(http, f"/v1/timers?kind=bill&to={last}") == bills[:1]
    assert await pages(http, f"/v1/timers?kind=bill&from={bills[1]['due_on']}") == bills[1:]
    size = await http.size()
    assert (await shown(http, f"/v1/timers?as_of_position={size - 1}"))["data"] == []


async def test_what_recurs_is_due_from_the_business_date_on(http: Http) -> None:
    await tell(http, *RUNNING)
    (before,) = await pages(http, "/v1/timers?kind=late_fee")
    await calendar(http, OpenCalendar(business_date=date(2027, 2, 3)))
    http.project()
    (after,) = await pages(http, "/v1/timers?kind=late_fee")
    assert before["due_on"] < after["due_on"] == "2027-02-28"


@pytest.mark.parametrize(
    ("path", "pointer", "code"),
    [
        ("/v1/contracts?state=absent", "/state", "not_one_of"),
        ("/v1/contracts?subject=party_1", "/subject", "identifier"),
        ("/v1/contracts?lease=1", "/lease", "identifier"),
        ("/v1/contracts?starting_after=lease_" + "0" * 32, "/starting_after", "identifier"),
        ("/v1/clauses?state=effective", "/state", "not_one_of"),
        ("/v1/clauses?form=rental", "/form", "not_one_of"),
        ("/v1/clauses?on=today", "/on", "not_a_date"),
        ("/v1/clause-library?form=rental&on=2026-03-02", "/form", "not_one_of"),
        ("/v1/clause-library?form=operating", "/on", "missing"),
        ("/v1/timers?kind=alarm", "/kind", "not_one_of"),
        ("/v1/timers?from=2026-02-30", "/from", "not_a_date"),
        ("/v1/timers?starting_after=2026-02-28/bill/lease_1/1", "/starting_after", "identifier"),
        (f"/v1/timers?starting_after=2026-02-28/bill/payment_{'0' * 32}/1", "/starting_after", "identifier"),
        (f"/v1/timers?starting_after=2026-02-30/bill/lease_{'0' * 32}/1", "/starting_after", "not_a_date"),
    ],
)
async def test_queries_that_do_not_fit(http: Http, path: str, pointer: str, code: str) -> None:
    answer = await http.get(path)
    assert (answer.status_code, answer.json()["code"]) == (422, "query.invalid")
    assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [(pointer, code)]


@pytest.mark.parametrize("path", ["/v1/contracts", "/v1/clauses", "/v1/timers", "/v1/calendar"])
async def test_who_may_read_them(http: Http, path: str) -> None:
    http.project()
    assert (await http.get(path, role="collector")).status_code == 200
    assert (await http.get(path, role="court")).status_code == 403
    assert (await http.get(f"{path}?as_of_position={2**53 - 1}")).status_code == 409


async def test_reading_the_paper_binds_nobody_to_it(http: Http) -> None:
    """An auditor who reads it changes nothing: the lessor's own paper, with names, is still shown."""
    await assembled(http, cases.person())
    address = str((await done(http, "/v1/contracts", contract(cases.person()))).headers["location"])
    http.project()
    read = await http.get(f"{address}/document.pdf")
    assert read.status_code == 200, "its schedule is known from another contract"
    root = (await http.get(address)).json()["root"]
    await done(http, f"{address}/present", {"root": root, "document": "d" * 64, "disclosed": SHOWN, "channel": "app"})
    assert (await http.get(f"{address}/document.pdf")).content == read.content
