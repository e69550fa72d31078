"""What is parked: one list of all of it, each tenant its own, page by page; another try for those who may ask."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from adapters.postgres.connections import Pool, connect, pool_of
from adapters.postgres.schema import SHARD
from adapters.processes import parking
from adapters.processes.held import TIMERS_PROCESS, Held, Unfired
from adapters.processes.parking import _RETRY_ALL, STATEMENTS, Parking, Unsettled, _those
from api.queries.parked import how_many
from domain.kernel.ids import parse_id
from domain.kernel.process import FAILED, HELD, NOT_YET
from domain.leasing.lease.refusals import BILL_NOT_NEXT
from projections.engine import copies
from projections.engine.dead_letters import park
from projections.engine.folding import DeadLetter
from projections.engine.tables import without_row_security
from projections.leasing.lease_book import LEASE_BOOK
from tests.api.http.driver import Http

_DAY = date(2026, 11, 20)
NOWHERE = UUID(int=77)
"""A stream that nothing was appended to."""


@pytest.fixture
async def pool(http: Http) -> AsyncIterator[Pool]:
    async with pool_of(http.running.url, most=2) as opened:
        async with opened.connection() as connection:
            await connection.execute(parking.DDL)
        yield opened


async def left(pool: Pool, process: str, *those: Unsettled) -> None:
    await Parking(pool, process).settle({one.position: 0 for one in those}, those, ())


async def application(http: Http) -> UUID:
    return parse_id("application", (await http.given(("submit", {}))).rpartition("/")[2])


async def listed(http: Http, query: str = "") -> list[dict[str, Any]]:
    answer = await http.get(f"/v1/parked{query}")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


async def test_all_that_did_not_happen_is_one_list(http: Http, pool: Pool) -> None:
    """A follow-up, a timer and an event that a read model could not take; another tenant's are not there."""
    mine, other = await application(http), http.another_tenant()
    at = await http.size()
    theirs = await application(other)
    failed = Unsettled(at, "toys:1", http.tenant, mine, FAILED(error="ZeroDivisionError", at="somewhere:1"))
    await left(pool, "toys", failed, Unsettled(at, "toys:2", other.tenant, theirs, FAILED(error="KeyError", at="x:2")))
    await left(pool, "games", Unsettled(at, "games:1", http.tenant, NOWHERE, NOT_YET(until="2026-12-01")))
    unfired = Unfired("bill:7", mine, BILL_NOT_NEXT(expected=1, got=2))
    await Held(pool, http.tenant).park(_DAY, at, [unfired])
    with connect(http.running.url) as connection:
        letters = [DeadLetter(at, str(mine), str(mine), "Poisoned: bad"), DeadLetter(at - 1, str(mine), str(mine), "")]
        copies.prepare(connection, [LEASE_BOOK], SHARD)
        park(connection, LEASE_BOOK.table, SHARD, letters)
    named = f"application_{mine.hex}"
    found = await listed(http)
    assert [(one["kind"], one["process"], one["of"], one["key"], one["refusal"]) for one in found] == [
        ("event", LEASE_BOOK.name, named, str(mine), "read_model.waits"),
        ("event", LEASE_BOOK.name, named, str(mine), "read_model.failed"),
        ("follow_up", "games", named, "games:1", "process.not_yet"),
        ("follow_up", "toys", named, "toys:1", "process.failed"),
        ("timer", TIMERS_PROCESS, named, "bill:7", "lease.bill_not_next"),
    ]
    assert found[1]["facts"] == {"error": "Poisoned: bad"}
    assert found[3]["facts"] == {"error": "ZeroDivisionError", "at": "somewhere:1"}
    assert [one["tries"] for one in found] == [0, 0, 0, 1, 1]
    assert [one["retry_at"] is not None for one in found] == [False, False, False, True, False]
    assert [one["of"] for one in await listed(other)] == [f"application_{theirs.hex}"]
    assert [one["key"] for one in await listed(http, "?kind=timer")] == ["bill:7"]
    with connect(http.running.url) as connection:
        # All but what waits for its day; what an end of day tells is what people have to look at.
        assert (how_many(connection, http.tenant), how_many(connection, other.tenant)) == (4, 1)


async def test_a_statement_has_its_turn_with_days_and_not_by_itself(http: Http, pool: Pool) -> None:
    """A bank that failed to give one is asked by ends of days alone: no other time of trying is told."""
    mine = await application(http)
    failed = Unsettled(1, "statement:bank_a:2026-11-01", http.tenant, mine, FAILED())
    await Parking(pool, STATEMENTS).replace(http.tenant, failed.key, failed)
    [row] = await listed(http)
    assert (row["refusal"], row["tries"], row["retry_at"]) == ("process.failed", 1, None)


async def test_dead_letters_of_a_ledger_of_before_are_listed(http: Http, pool: Pool) -> None:
    """Whose they are was not kept once; doctor sends people to this list."""
    mine, at = await application(http), await http.size()
    with connect(http.running.url) as connection:
        copies.prepare(connection, [LEASE_BOOK], SHARD)
        park(connection, LEASE_BOOK.table, SHARD, [DeadLetter(at, str(mine), str(mine), "Poisoned: bad")])
        connection.execute("DROP POLICY of_tenant ON read.dead_letters")
        connection.execute("ALTER TABLE read.dead_letters DROP COLUMN tenant")
    early = await http.get("/v1/parked")
    assert (early.status_code, early.json()["code"]) == (503, "projection.unavailable")
    with connect(http.running.url) as connection:
        copies.prepare(connection, [LEASE_BOOK], SHARD)
    assert [one["position"] for one in await listed(http)] == [at]
    assert await listed(http.another_tenant()) == []


async def test_pages_leave_nothing_out(http: Http, pool: Pool) -> None:
    mine = await application(http)
    keys = [f"toys:{number}/ä b" for number in range(7)]
    await left(pool, "toys", *(Unsettled(1 + n % 2, key, http.tenant, mine, FAILED()) for n, key in enumerate(keys)))
    seen, path = [], "/v1/parked?limit=2"
    while path:
        answer = await http.get(path)
        seen += [one["key"] for one in answer.json()["data"]]
        path = answer.headers.get("link", "").partition(">")[0].removeprefix("<")
    assert (len(seen), sorted(seen)) == (7, sorted(keys))


@pytest.mark.parametrize(
    "query",
    [
        "?starting_after=x",
        "?starting_after=1/event/a",
        "?starting_after=1/event/a/%00",
        "?kind=lease",
        "?as_of_position=1",
    ],
)
async def test_what_is_no_place_is_refused(http: Http, query: str) -> None:
    """Of the past there is no such list: that something is parked is no event."""
    answer = await http.get(f"/v1/parked{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "query.invalid")


async def test_before_anything_follows_nothing_is_parked(http: Http) -> None:
    assert (await http.post("/v1/parked/retry")).json() == {"asked": 0}


async def test_dead_letters_of_a_release_before_have_no_policy_yet(fresh: Http) -> None:
    """They have no tenant until whoever folds has prepared its tables; no check stumbles over that."""
    with connect(fresh.running.url) as connection:
        copies.prepare(connection, [LEASE_BOOK], SHARD)
        connection.execute("DROP POLICY of_tenant ON read.dead_letters")
        connection.execute("ALTER TABLE read.dead_letters DISABLE ROW LEVEL SECURITY, DROP COLUMN tenant")
        assert without_row_security(connection, []) == []
        copies.prepare(connection, [LEASE_BOOK], SHARD)
        connection.execute("DROP POLICY of_tenant ON read.dead_letters")
        assert without_row_security(connection, []) == ["dead_letters"]


async def due(pool: Pool) -> set[str]:
    async with pool.connection() as connection:
        rows = await connection.execute("SELECT key FROM read.parked WHERE retry_at <= now()")
        return {key for (key,) in await rows.fetchall()}


async def test_another_try_is_for_what_failed_or_was_refused(http: Http, pool: Pool) -> None:
    """What waits for its day or for its stream waits on, timers have their own turn, other tenants are left alone."""
    mine, second, other = await application(http), await application(http), http.another_tenant()
    await left(
        pool, "toys",
        Unsettled(1, "failed", http.tenant, mine, FAILED()),
        Unsettled(1, "refused", http.tenant, second, BILL_NOT_NEXT()),
        Unsettled(1, "waits", http.tenant, mine, NOT_YET(until="2026-12-01")),
        Unsettled(1, "held", http.tenant, mine, HELD()), Unsettled(1, "theirs", other.tenant, NOWHERE, FAILED()),
    )  # fmt: skip
    await Held(pool, http.tenant).park(_DAY, 1, [Unfired("timer", mine, BILL_NOT_NEXT())])
    one = await http.post("/v1/parked/retry", {"of": f"application_{second.hex}"})
    assert (one.status_code, one.json()) == (202, {"asked": 1})
    assert await due(pool) == {"refused"}
    assert (await http.post("/v1/parked/retry")).json() == {"asked": 2}
    assert await due(pool) == {"failed", "refused"}
    source = Unsettled(await http.size(), "to begin", http.tenant, NOWHERE, FAILED())
    await left(pool, "games", source)
    assert (await http.post("/v1/parked/retry", {"of": (await listed(http))[-1]["of"]})).json()["asked"] >= 1
    assert "to begin" in await due(pool)
    elsewhere = await http.post("/v1/parked/retry", {"of": f"application_{UUID(int=78).hex}"})
    assert elsewhere.json() == {"asked": 0}


async def test_another_try_for_one_reads_its_events_once(http: Http, pool: Pool) -> None:
    """Not once for each row that is parked: there may be thousands of both."""
    with connect(http.running.url) as connection:
        values = _those(http.tenant, [], NOWHERE)
        rows = connection.execute(f"EXPLAIN (FORMAT TEXT) {_RETRY_ALL}".encode(), values).fetchall()
    assert "hashed SubPlan" in "\n".join(line for (line,) in rows)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"of": "lease"}, 422, "body.invalid"),
        ({"of": "lease_" + "x" * 32}, 422, "body.invalid"),
        ([], 422, "body.invalid"),
    ],
)
async def test_what_cannot_be_asked_for(http: Http, body: Any, status: int, code: str) -> None:
    answer = await http.post("/v1/parked/retry", body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize("role", ["collector", "auditor", "risk_officer", "merchant_operator", "court"])
async def test_who_may_not_ask(http: Http, role: str) -> None:
    assert (await http.post("/v1/parked/retry", role=role)).json()["code"] == "auth.not_allowed"
    assert ((await http.get("/v1/parked", role=role)).status_code == 403) == (role == "court")
