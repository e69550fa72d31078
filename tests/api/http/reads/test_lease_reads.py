"""Leases, bills and books over HTTP: as of positions, instants and business dates, page by page, tenant by tenant."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from adapters.system import new_id, now
from api.queries.leasing import LEASES
from domain.kernel.command import Actor
from domain.kernel.times import utc_text
from domain.leasing.lease.rules.decider import LEASE
from tests.api.http.driver import Http
from tests.domain.leasing import cases
from tests.given import when

CLERK = Actor("merchant_operator", "key_1")
STORY = (*cases.RUNNING, cases.bill(1), cases.pay(1, 106_000, 33, worth=30), cases.bill(2), cases.pay(2, 50_000, 65))
"""A vehicle: its first bill is paid, of the second 560 yuan and a late fee are open."""


async def tell(http: Http, *steps: cases.Step) -> str:
    """Do the commands of one lease, each on its business date, and project; the lease's id outside."""
    of = new_id()
    for on, command in steps:
        change: dict[str, Any] = {"tenant": http.tenant, "business_date": cases.day(on)}
        (await when(http.running, LEASE, of, command, rules=False, **change)).granted()
    http.project()
    return f"lease_{of.hex}"


async def shown(http: Http, path: str) -> dict[str, Any]:
    answer = await http.get(path)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_one_lease(http: Http) -> None:
    lease = await tell(http, *STORY)
    answer = await http.get(f"/v1/leases/{lease}")
    found: Any = msgspec.json.decode(answer.content, type=LEASES.answer)
    assert (found.id, found.state, found.version) == (lease, "active", 9)
    assert (answer.headers["etag"], answer.headers["ledger-position"]) == ('"9"', str(await http.size()))
    assert (found.billed_fen, found.paid_fen, found.open_fen) == (212_106, 156_000, 56_106)
    assert (found.oldest_due_on, found.next_due_on) == (cases.day(60), cases.day(90))
    assert found.lessee == f"subject_{cases.LESSEE.hex}"
    again = await http.get(f"/v1/leases/{lease}", If_None_Match='"9"')
    assert (again.status_code, again.content) == (304, b"")


async def test_a_lease_is_read_as_it_was(http: Http) -> None:
    before = utc_text(now())
    lease = await tell(http, *cases.BILLED)
    size = await http.size()
    assert (await shown(http, f"/v1/leases/{lease}?as_of_position={size - 1}"))["issued"] == 0
    assert (await http.get(f"/v1/leases/{lease}?as_of={before}")).status_code == 404
    assert (await http.get(f"/v1/leases/{lease}?as_of_position={size - 5}")).status_code == 404
    statuses = [bill["status"] for bill in (await shown(http, f"/v1/leases/{lease}/bills"))["data"]]
    assert statuses == ["issued", *["scheduled"] * 11]
    then = await shown(http, f"/v1/leases/{lease}/bills?as_of_position={size - 1}")
    assert then["data"][0]["status"] == "scheduled"
    assert (await http.get(f"/v1/leases/{lease}/bills?as_of_position={size - 5}")).status_code == 404


@pytest.mark.parametrize("path", ["", "/bills"])
async def test_leases_that_are_not_there(http: Http, path: str) -> None:
    lease = await tell(http, *cases.CREATED)
    application = await http.given()
    other = http.another_tenant()
    assert (await other.get(f"/v1/leases/{lease}{path}")).status_code == 404
    for name in ("lease_0", "lease_" + "0" * 32, application.rpartition("/")[2].replace("application", "lease")):
        assert (await http.get(f"/v1/leases/{name}{path}")).status_code == 404


async def test_lists_go_on_page_by_page(http: Http) -> None:
    leases = [await tell(http, *cases.BILLED) for _ in range(3)]
    seen, address = list[str](), "/v1/leases?limit=2&state=active"
    while address:
        answer = await http.get(address)
        seen += [one["id"] for one in answer.json()["data"]]
        address = answer.headers.get("link", "").partition(">")[0].removeprefix("<")
    assert seen == sorted(leases)
    assert (await shown(http, "/v1/leases?state=settled"))["data"] == []
    assert len((await shown(http, "/v1/leases?reference=QC-2026-0001"))["data"]) == 3
    assert (await shown(http.another_tenant(), "/v1/leases")) == {"data": [], "has_more": False, "next": None}


async def test_bills_of_the_tenant(http: Http) -> None:
    lease = await tell(http, *STORY)
    seen, address = list[int](), "/v1/bills?limit=5"
    while address:
        answer = await http.get(address)
        seen += [one["number"] for one in answer.json()["data"]]
        address = answer.headers.get("link", "").partition(">")[0].removeprefix("<")
    assert seen == list(range(1, 13))
    (partly,) = (await shown(http, "/v1/bills?status=partially_paid"))["data"]
    assert (partly["lease"], partly["number"], partly["open_fen"]) == (lease, 2, 56_106)
    assert partly["billed_fen"] == {"principal": 100_000, "interest": 6_000, "fee": 0, "late_fee": 106}
    overdue = f"/v1/bills?overdue_on={cases.day(61)}&due_from={cases.day(60)}&due_to={cases.day(60)}"
    assert [one["number"] for one in (await shown(http, overdue))["data"]] == [2]
    assert (await shown(http, f"/v1/bills?overdue_on={cases.day(60)}"))["data"] == []


async def test_ageing_of_a_business_date_and_of_a_position(http: Http) -> None:
    await tell(http, *STORY)
    found = await shown(http, f"/v1/ageing?as_of={cases.day(62)}")
    assert (found["as_of"], found["leases"], found["currency"]) == (str(cases.day(62)), 1, "CNY")
    counted = {one["bucket"]: (one["leases"], one["open_fen"]) for one in found["buckets"] if one["leases"]}
    assert counted == {"d1_30": (1, 106_000)}
    assert (await shown(http, "/v1/ageing"))["as_of"] == str(cases.day(65))
    size = await http.size()
    then = await http.get(f"/v1/ageing?as_of={cases.day(90)}&as_of_position={size - 2}")
    assert (then.json()["open_fen"], then.headers["ledger-position"]) == (106_000, str(size - 2))
    instant = await shown(http, f"/v1/ageing?as_of={utc_text(now())}")
    assert instant["as_of"] == str(cases.day(65))


async def test_cash_flow(http: Http) -> None:
    await tell(http, *STORY)
    found = await shown(http, f"/v1/cash-flow?from={cases.day(30)}&to={cases.day(90)}")
    assert [(one["on"], one["expected_fen"], one["open_fen"], one["in_fen"]) for one in found["days"]] == [
        (str(cases.day(30)), 106_000, 0, 106_000),
        (str(cases.day(60)), 106_106, 56_106, 0),
        (str(cases.day(65)), 0, 0, 50_000),
        (str(cases.day(90)), 106_000, 106_000, 0),
    ]


async def test_the_journal_and_its_balance(http: Http) -> None:
    lease = await tell(http, *STORY)
    seen, address = list[dict[str, Any]](), f"/v1/journal?limit=2&lease={lease}"
    while address:
        answer = await http.get(address)
        seen += answer.json()["data"]
        address = answer.headers.get("link", "").partition(">")[0].removeprefix("<")
    assert [one["type"].split(".")[1] for one in seen] == [
        "deposit_received", "activated", "bill_issued", "payment_posted", "bill_issued", "late_fee_assessed",
        "payment_posted",
    ]  # fmt: skip
    lines = [line for one in seen for line in one["lines"]]
    assert sum(line["debit_fen"] for line in lines) == sum(line["credit_fen"] for line in lines)


async def test_entries_of_an_account_and_the_trial_balance(http: Http) -> None:
    await tell(http, *STORY)
    cash = await shown(http, f"/v1/journal?account=1002&from={cases.day(33)}&to={cases.day(33)}")
    assert [one["business_date"] for one in cash["data"]] == [str(cases.day(33))]
    balance = await shown(http, "/v1/trial-balance")
    assert (balance["sum_fen"], balance["entries"]) == (0, 7)
    assert {one["account"]: one["balance_fen"] for one in balance["accounts"]}["1002"] == 206_000
    early = await shown(http, f"/v1/trial-balance?as_of={cases.day(30)}")
    assert {one["account"]: one["balance_fen"] for one in early["accounts"]}["1002"] == 50_000
    income = await shown(http, "/v1/income")
    assert sum(one["fen"] for one in income["months"]) == 12_106


async def test_revenue_to_come(http: Http) -> None:
    """Ten bills of 60 yuan interest are left; the third is earned from 1 May on."""
    await tell(http, *STORY)
    before = await http.size()
    found = await shown(http, "/v1/revenue-schedule")
    assert (found["currency"], found["other_currencies"]) == ("CNY", [])
    assert found["months"][0] == {"month": "2026-05", "interest_fen": 6_000, "rent_fen": 0}
    assert sum(month["interest_fen"] for month in found["months"]) == 60_000
    await tell(http, *cases.PHONE_RUNNING)
    both = await shown(http, "/v1/revenue-schedule")
    assert sum(month["rent_fen"] for month in both["months"]) == 300_000
    assert await shown(http, f"/v1/revenue-schedule?as_of_position={before}") == found


async def test_the_portfolio_and_its_provisions(http: Http) -> None:
    await tell(http, *STORY)
    found = await shown(http, "/v1/portfolio")
    assert found["largest"] == [{"lessee": f"subject_{cases.LESSEE.hex}", "leases": 1, "fen": 1_056_106}]
    assert (found["risk_assets_fen"], found["lease_assets_fen"], found["unnamed_fen"]) == (1_056_106, 1_056_106, 0)
    classes = (await shown(http, f"/v1/provisions?on={cases.day(65)}"))["classes"]
    assert {one["five_class"]: one["leases"] for one in classes if one["leases"]} == {"special_mention": 1}


@pytest.mark.parametrize(
    ("path", "pointer", "code"),
    [
        ("/v1/ageing?as_of=2005-02-30", "/as_of", "not_a_date"),
        ("/v1/ageing?as_of=yesterday", "/as_of", "not_an_instant"),
        ("/v1/ageing?currency=yuan", "/currency", "pattern"),
        ("/v1/trial-balance?as_of=2026-11-21T08:00:00Z&as_of_position=1", "/as_of", "conflict"),
        ("/v1/cash-flow?from=2005-04-01&to=2007-04-01", "/to", "invalid"),
        ("/v1/cash-flow?from=2005-04-02&to=2005-04-01", "/to", "invalid"),
        ("/v1/cash-flow?from=20050401&to=2005-04-02", "/from", "not_a_date"),
        ("/v1/cash-flow?from=2005-04-01", "/to", "missing"),
        ("/v1/provisions?on=1112284800", "/on", "not_a_date"),
        ("/v1/bills?status=overdue", "/status", "not_one_of"),
        ("/v1/bills?due_from=soon", "/due_from", "not_a_date"),
        ("/v1/bills?starting_after=lease_1/2", "/starting_after", "identifier"),
        ("/v1/leases?state=absent", "/state", "not_one_of"),
        ("/v1/leases?starting_after=application_" + "0" * 32, "/starting_after", "identifier"),
        ("/v1/journal?account=9999", "/account", "not_one_of"),
        ("/v1/journal?lease=1", "/lease", "identifier"),
        ("/v1/leases?surprise=1", "/surprise", "unknown_member"),
    ],
)
async def test_queries_that_do_not_fit(http: Http, path: str, pointer: str, code: str) -> None:
    answer = await http.get(path)
    assert (answer.status_code, answer.json()["code"]) == (422, "query.invalid")
    assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [(pointer, code)]


@pytest.mark.parametrize(
    ("path", "allowed", "refused"),
    [
        ("/v1/leases", "collector", "court"),
        ("/v1/bills", "collector", "regulator"),
        ("/v1/ageing", "regulator", "collector"),
        ("/v1/journal", "auditor", "regulator"),
        ("/v1/trial-balance", "regulator", "court"),
        ("/v1/portfolio", "merchant_operator", "lessee"),
        ("/v1/revenue-schedule", "merchant_operator", "lessee"),
    ],
)
async def test_who_may_read_what(http: Http, path: str, allowed: str, refused: str) -> None:
    http.project()
    assert (await http.get(path, role=allowed)).status_code == 200
    assert (await http.get(path, role=refused)).status_code == 403


async def test_a_moment_that_is_not_there(http: Http) -> None:
    http.project()
    for path in ("/v1/leases", "/v1/ageing", "/v1/journal"):
        answer = await http.get(f"{path}?as_of_position={2**53 - 1}")
        assert (answer.status_code, answer.json()["code"]) == (409, "position.ahead")
