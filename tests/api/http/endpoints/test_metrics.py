"""Measures: what is counted, who may read it, and that nobody is in it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import psycopg
import pytest
import pytest_asyncio
from prometheus_client.parser import text_string_to_metric_families

from adapters.system import new_id
from api.compose import Base
from api.http.endpoints.metrics import nobodys
from tests.api.http.driver import Http, opened
from tests.ledger import Server, composed_on


@pytest.fixture(scope="module", params=["key", "loopback"])
def setting(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def measured(server: Server, tmp_path_factory: pytest.TempPathFactory, setting: str) -> Iterator[Base]:
    """A ledger whose measures are for whoever the setting says."""
    tenant = new_id()
    with (
        server.ledger() as url,
        composed_on(url, tmp_path_factory.mktemp("m"), tenant=tenant, metrics=setting) as prepared,
    ):
        yield prepared


@pytest_asyncio.fixture(loop_scope="session")
async def own(measured: Base) -> AsyncIterator[Http]:
    """The interface, as the tenant that runs the log."""
    async with opened(measured) as driver:
        yield Http(measured, driver.running, driver.app, driver.client, driver.principals, measured.settings.tenant)


async def samples(http: Http) -> dict[tuple[str, tuple[str, ...]], float]:
    """Every sample by its name and the values of its labels."""
    page = await http.get("/metrics")
    assert page.status_code == 200, page.text
    families = text_string_to_metric_families(page.text)
    return {(one.name, tuple(one.labels.values())): one.value for family in families for one in family.samples}


async def test_who_may_read(own: Http, setting: str) -> None:
    assert (await own.get("/metrics")).status_code == 200
    local = 200 if setting == "loopback" else 401
    assert (await own.client.get("/metrics")).status_code == local
    # Whoever came through a proxy that is not trusted is not on this machine.
    for name in ("X-Forwarded-For", "Forwarded", "Via"):
        assert (await own.client.get("/metrics", headers={name: "x"})).status_code == 401
    elsewhere = httpx.ASGITransport(app=own.app, client=("192.0.2.7", 1))
    async with httpx.AsyncClient(transport=elsewhere, base_url="http://ledger") as client:
        assert (await client.get("/metrics")).status_code == 401
        for role in ("merchant_admin", "auditor"):
            assert (await client.get("/metrics", headers=own.headers(role))).status_code == 403
        other = own.another_tenant()
        assert (await client.get("/metrics", headers=other.headers())).status_code == 403


async def test_what_is_counted(own: Http) -> None:
    before, place = await samples(own), ("leaseledger_http_requests_total", ("POST", "/v1/applications", "201"))
    address = await own.given(("submit", None))
    await own.client.get("/v1/plans")
    after = await samples(own)
    assert after[place] - before.get(place, 0) == 1
    appends = ("leaseledger_appends_total", ())
    assert after[appends] - before[appends] == 2
    key = new_id().hex
    for _ in range(2):
        await own.post(f"{address}/withdraw", {"reason": "customer"}, key=key)
    position = ("leaseledger_ledger_position", ())
    assert (await samples(own))[position] == await own.size()
    took = ("leaseledger_http_request_seconds_count", ("/v1/applications",))
    assert after[took] - before.get(took, 0) == 1
    assert after["leaseledger_database_up", ()] == 1
    assert after["leaseledger_role_works", ("project",)] == 0
    assert after["leaseledger_follower_behind", ("checkpoint",)] >= 2
    assert {
        ("leaseledger_write_queue", ()),
        ("leaseledger_event_streams", ()),
        ("leaseledger_http_connections", ()),
    } <= after.keys()


async def test_a_limit_that_was_met_is_counted(own: Http) -> None:
    place = ("leaseledger_http_limited_total", ("body.too_large",))
    before = await samples(own)
    await own.post("/v1/applications", {"reference": "x" * (1 << 20)})
    assert (await samples(own))[place] - before.get(place, 0) == 1


async def test_nobody_is_in_it(own: Http) -> None:
    """Neither tenants nor keys nor addresses nor what was asked for by name."""
    other = own.another_tenant()
    address = await other.given()
    await other.get(address)
    await own.client.get("/v1/王小明")
    page = (await own.get("/metrics")).text
    for one in (str(other.tenant), other.tenant.hex, str(own.tenant), "127.0.0.1", "llk_", "key_", address, "王小明"):
        assert one not in page


async def test_it_is_there_when_the_database_is_not(own: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    await own.get("/metrics")

    async def gone(*_: Any) -> None:
        raise psycopg.OperationalError

    find = own.app.state.services.access
    await find.find(own.key())
    monkeypatch.setattr(own.app.state.services.queries, "run", gone)
    assert (await samples(own))["leaseledger_database_up", ()] == 0


def test_a_follower_is_named_without_its_tenant() -> None:
    assert nobodys(f"collecting:{new_id()}") == "collecting"
    assert nobodys("from offer to lease") == "from offer to lease"
