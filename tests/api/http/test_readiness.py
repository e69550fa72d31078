"""`/readyz` on what goes on beside requests: roles that stand still, and days that nobody closes."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from adapters.system import now
from api.demonstration.taking_over import take_over, taken_over_on
from api.followers import PATIENCE_S, Watch
from api.http.endpoints import service
from api.http.services import Services
from domain.access.ledger import LedgerState
from domain.leasing.lease.commands import ActivateLease, RecordDelivery
from domain.leasing.lease.rules.decider import LEASE
from tests.adapters.processes.world import FIRST, creation, lease_stream
from tests.api.http.driver import Http


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
