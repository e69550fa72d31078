"""`/readyz` on what goes on beside requests: roles that stand still, and days that nobody closes."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

import httpx
import pytest

from adapters.postgres.connections import connect
from adapters.postgres.log import Log
from adapters.system import now
from api.demonstration.taking_over import take_over, taken_over_on
from api.followers import PATIENCE_S, Watch
from api.http.app import create_app
from api.http.endpoints import service
from api.http.services import Services
from chain.checkpoint import Checkpoint
from domain.access.ledger import LedgerState
from domain.leasing.lease.commands import ActivateLease, RecordDelivery
from domain.leasing.lease.rules.decider import LEASE
from tests.adapters.processes.world import FIRST, creation, lease_stream
from tests.api.http.driver import Http

WITHIN_S = 2.0
"""Far less than a request may wait for the database, and enough for a busy machine."""


async def test_a_role_that_stands_still_is_late_whatever_the_clock_said(
    fresh: Http, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Events were recorded by a clock that was an hour ahead: by what is stored, nothing has waited."""
    fresh.project()
    await fresh.given()

    def put_right() -> datetime:
        return now() - timedelta(hours=1)

    ticks = iter((0.0, PATIENCE_S, PATIENCE_S + 1, PATIENCE_S + 2))
    monkeypatch.setattr(Services, "now", staticmethod(put_right))
    monkeypatch.setattr(fresh.app.state.services, "watch", Watch(lambda: next(ticks)))
    assert [await late(fresh) for _ in range(3)] == [set(), set(), {"project", "react", "publish"}]
    fresh.project()
    assert await late(fresh) == {"react", "publish"}


async def late(of: Http) -> set[str]:
    """The roles that are late; requests are served all the same."""
    answer = await of.client.get("/readyz")
    assert answer.status_code == 200
    return {one["name"] for one in answer.json()["roles"] if one["late"]}


async def running_lease(of: Http) -> None:
    """A lease that runs, though no calendar was opened."""
    lease = lease_stream(0)
    start = (creation(0), RecordDelivery(on=FIRST), ActivateLease(on=FIRST))
    await take_over(of.running, LEASE, lease, taken_over_on(of.tenant, lease, FIRST), *start)
    of.project()


async def test_a_tenant_whose_days_nobody_closes_is_shown_and_requests_are_served(fresh: Http) -> None:
    await running_lease(fresh)
    answer = await fresh.client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["late_calendars"] == [{"tenant": str(fresh.tenant), "business_date": None}]


async def test_the_days_of_a_demonstration_are_late_for_nobody(fresh: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are made up, as its leases are."""
    await running_lease(fresh)
    monkeypatch.setattr(service, "ledger_state", lambda _: LedgerState(demonstration=True))
    answer = (await fresh.client.get("/readyz")).json()
    assert (answer["demonstration"], answer["late_calendars"]) == (True, [])


async def test_without_a_database_the_answer_comes_at_once(fresh: Http) -> None:
    """A monitor asks every second; who waits for the database for longer waits behind nobody who looks."""
    gone = replace(fresh.running, url="postgresql:///x?host=/nowhere")
    app = create_app(gone)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        waits = asyncio.create_task(client.get("/tlog/checkpoint"))
        async with asyncio.timeout(WITHIN_S):
            answer = await client.get("/readyz")
        assert (answer.status_code, answer.json()["code"]) == (503, "database.unavailable")
        waits.cancel()
        with suppress(asyncio.CancelledError):
            await waits
    await app.state.services.health.close()


async def test_keys_that_are_not_the_ledgers_are_no_readiness(fresh: Http) -> None:
    await fresh.given()
    fresh.project()
    with connect(fresh.on.url) as connection:
        Log(connection).publish(fresh.on.signer, now())
    assert (await fresh.client.get("/readyz")).json()["wrong"] == []
    keys = fresh.on.settings.keys_directory
    seed = (keys / "log-0001.seed").read_text()
    signed = Checkpoint.parse((keys / "log.signed").read_text())
    later = Checkpoint(signed.origin, signed.size + 1, signed.root)
    for name, text, kept, code in (
        ("log-0001.seed", "ab" * 32, seed, "log_keys"),
        ("log.signed", later.body(), signed.body(), "signed_tree"),
    ):
        (keys / name).write_text(text)
        answer = await fresh.client.get("/readyz")
        assert (answer.status_code, answer.json()["status"], answer.json()["wrong"]) == (503, "wrong", [code])
        (keys / name).write_text(kept)
    assert (await fresh.client.get("/readyz")).status_code == 200
