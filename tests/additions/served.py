"""What the five additions do once they are in the tree: asked over HTTP, on the command line, on the console's pages.

`test_additions.py` copies this file among the tests of a tree that the patches were applied to, and runs it there.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import uuid4

import httpx
from typer.testing import CliRunner

from adapters.connectors.payments.port import Order, Status, request_of
from api.cli.program import app
from api.compose import base
from api.roles.banks import banks
from api.roles.serve import site
from tests.access import KnownKeys
from tests.api.http.cases import GRANT, done, leased, today
from tests.api.http.driver import Http

TOMORROW = "2999-01-01"


async def listed(http: Http, name: str) -> list[Mapping[str, Any]]:
    """What `leaseledger list <name>` lists."""
    given = {
        "DATABASE_URL": http.on.url, "ORIGIN": http.on.settings.origin, "DATA": str(http.on.settings.data),
        "TENANT": str(http.tenant),
    }  # fmt: skip
    environment = {f"LEASELEDGER_{key}": str(value) for key, value in given.items()}
    ran = await asyncio.to_thread(CliRunner().invoke, app, ["list", name, "--json"], env=environment)
    assert ran.exit_code == 0, ran.output
    found: list[Mapping[str, Any]] = json.loads(ran.stdout)["data"]
    return found


async def page(http: Http, path: str) -> str:
    """A page of the console, as an operator sees it."""
    served = site(http.running)
    key = KnownKeys(served.access).key(http.tenant, "operator")
    transport = httpx.ASGITransport(app=served)
    async with httpx.AsyncClient(transport=transport, base_url="http://console.example") as browser:
        await browser.post("/console/login", data={"key": key, "next": "/"})
        answer = await browser.get(f"/console{path}")
        assert answer.status_code == 200, answer.text
        return answer.text


async def delivered(http: Http) -> str:
    """The address of a lease with a mandate whose asset the lessee has."""
    address, _ = await leased(http)
    await done(http, "/v1/mandates", GRANT | {"lease": address.rpartition("/")[2]})
    await done(http, f"{address}/record_delivery", {"on": today()})
    return address


async def test_event(http: Http) -> None:
    """A new event on a lease: refused before the lease runs; then in its stream, its list and its page."""
    address = await delivered(http)
    reading = {"on": today(), "reading_km": 12_345}
    (await http.when(f"{address}/read_odometer", reading)).then_refused(409, "lease.not_active")
    await done(http, f"{address}/activate", {"on": today()})
    (await http.when(f"{address}/read_odometer", reading | {"on": TOMORROW})).then_refused(409, "lease.date_in_future")
    (await http.when(f"{address}/read_odometer", reading)).then(200, "lease.odometer_read.v1")
    http.project()
    assert (await http.events(address))[-1] == "lease.odometer_read.v1"
    one = (await http.get(address)).json()
    (row,) = await listed(http, "leases")
    assert (row["id"], row["version"]) == (one["id"], one["version"])
    assert "lease.odometer_read.v1" in await page(http, f"/leases/{one['id']}/events")


async def test_aggregate(http: Http) -> None:
    """A new aggregate: its routes and their permissions, its list with filters, its page."""
    lease = f"lease_{uuid4().hex}"
    order = {"lease": lease, "due_on": TOMORROW}
    assert (await http.post("/v1/inspections", order, role="auditor")).status_code == 403
    (await http.when("/v1/inspections", order | {"due_on": "2001-01-01"})).then_refused(409, "inspection.due_in_past")
    made = (await http.when("/v1/inspections", order)).then(201, "inspection.ordered.v1")
    address = made.headers["location"]
    (await http.when(f"{address}/fail", {"reason": "scratched"})).then(200, "inspection.failed.v1")
    (await http.when(f"{address}/pass", {"reading_km": 1})).then_refused(409, "inspection.closed")
    http.project()
    one = (await http.get(address)).json()
    assert (one["state"], one["reason"], one["due_on"], one["lease"]) == ("failed", "scratched", TOMORROW, lease)
    assert (await http.get(f"/v1/inspections?state=failed&lease={lease}")).json()["data"] == [one]
    assert (await http.get("/v1/inspections?state=passed")).json()["data"] == []
    assert await listed(http, "inspections") == [one]
    assert "scratched" in await page(http, "/inspections")
    assert "/v1/inspections/{inspection}/fail" in (await http.get("/v1/openapi.json")).json()["paths"]


async def test_read_model(http: Http) -> None:
    """A new read model with its list: now and as of a position, on the command line and on its page."""
    drafted = await http.given(("submit", None))
    position = await http.size()
    await done(http, f"{drafted}/route_to_lane", {"lane": "fast"})
    http.project()
    (row,) = (await http.get("/v1/odometers")).json()["data"]
    assert (row["asset_class"], row["odometer_km"], row["lane"]) == ("phone", None, "fast")
    (then,) = (await http.get(f"/v1/odometers?as_of_position={position}")).json()["data"]
    assert then == row | {"lane": None, "version": 2} | {key: then[key] for key in then if key.endswith("position")}
    assert await listed(http, "odometers") == [row]
    assert "fast" in await page(http, "/odometers")


async def test_connector(http: Http) -> None:
    """A connector of a known kind: opened by its name from the settings, it takes an order and remembers it."""
    settings = http.on.settings.model_copy(update={"sandbox_banks": "clearing,bank_a"})
    with base(settings) as on, banks(on, http.tenant) as opened:
        assert list(opened) == ["clearing", "bank_a"]
        request = request_of(uuid4(), 1)
        day = date.fromisoformat(today())
        order = Order(request=request, amount_fen=500, channel="clearing", on=day)
        answer = await opened["clearing"].initiate(order)
        assert (answer.status, answer.amount_fen, answer.value_date) == (Status.SUCCEEDED, 500, day)
        assert await opened["clearing"].query(request, day) == answer
        assert (await opened["clearing"].query("another", day)).status is Status.FAILED


async def test_rule(http: Http) -> None:
    """A rule that looks at another stream: it refuses until the mandate stands, and again once it is revoked."""
    address, _ = await leased(http)
    delivery = (f"{address}/record_delivery", {"on": today()})
    (await http.when(*delivery)).then_refused(409, "lease.mandate_missing")
    granted = await done(http, "/v1/mandates", GRANT | {"lease": address.rpartition("/")[2]})
    mandate = granted.headers["location"]
    await done(http, f"{mandate}/suspend", {"reason": "asked"})
    (await http.when(*delivery)).then_refused(409, "lease.mandate_missing")
    await done(http, f"{mandate}/resume")
    (await http.when(*delivery)).then(200, "lease.asset_delivered.v1")
