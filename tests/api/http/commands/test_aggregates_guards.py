"""What is looked at elsewhere before a command is decided: consents, contracts, plans, room in the portfolio."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from adapters.reference.prudential import FILE
from domain.kernel.ids import parse_id
from tests.api.http import cases
from tests.api.http.cases import done
from tests.api.http.driver import PERSON, Http

MILLION_FEN = 100_000_000
SUBJECT = parse_id("subject", PERSON["subject"])
CHECKS = [
    ("record_identity_verified", "third_parties", {}),
    ("record_identity_failed", "third_parties", {"reason": "differs"}),
    ("record_liveness_passed", "biometrics", {}),
    ("record_liveness_failed", "biometrics", {"reason": "differs"}),
    ("record_carrier_name_matched", "third_parties", {}),
    ("record_carrier_name_mismatched", "third_parties", {"reason": "differs"}),
]


# -------------------------------------------------------------------------------------------------------- consents


@pytest.mark.parametrize(("segment", "purpose", "more"), CHECKS)
async def test_no_providers_answer_without_consent(http: Http, segment: str, purpose: str, more: Any) -> None:
    address = await http.given(("submit", None), ("start_verification", None), **PERSON)
    path, body = f"{address}/{segment}", {"provider": "bureau", **more}
    (await http.when(path, body)).then_refused(409, "consent.missing", purpose=purpose, recipient="bureau")
    await cases.consented(http, SUBJECT, purpose, "somebody_else")
    (await http.when(path, body)).then_refused(409, "consent.recipient_not_named")
    given = await cases.consented(http, SUBJECT, purpose, "bureau")
    await done(http, path, body)
    await done(http, f"{given}/withdraw", {"channel": "app"})
    other = await http.given(("submit", None), ("start_verification", None), **PERSON)
    (await http.when(f"{other}/{segment}", body)).then_refused(409, "consent.withdrawn")


async def test_an_application_about_nobody_has_no_consent(http: Http) -> None:
    address = await http.given(("submit", None), ("start_verification", None))
    await cases.consented(http, SUBJECT, "biometrics", "bureau")
    body = {"provider": "bureau"}
    (await http.when(f"{address}/record_liveness_passed", body)).then_refused(
        409, "consent.missing", purpose="biometrics"
    )


async def test_another_tenants_consent_is_none(http: Http) -> None:
    await cases.consented(http.another_tenant(), SUBJECT, "biometrics", "bureau")
    address = await http.given(("submit", None), ("start_verification", None), **PERSON)
    answer = await http.when(f"{address}/record_liveness_passed", {"provider": "bureau"})
    answer.then_refused(409, "consent.missing")


async def test_a_consent_that_was_only_asked_for_is_none(http: Http) -> None:
    await done(http, "/v1/consents", cases.consent(SUBJECT, "biometrics", "bureau"))
    address = await http.given(("submit", None), ("start_verification", None), **PERSON)
    (await http.when(f"{address}/record_liveness_passed", {"provider": "bureau"})).then_refused(
        409, "consent.not_granted", phase="requested"
    )


async def test_a_lease_needs_every_consent_of_its_plan(http: Http) -> None:
    lessee = cases.person()
    contract = (await cases.signed(http, lessee)).rpartition("/")[2]
    body = cases.lease(lessee, contract)
    (await http.when("/v1/leases", body)).then_refused(409, "consent.missing", purpose="automated_decision")
    await cases.consented(http, lessee, "automated_decision")
    (await http.when("/v1/leases", body)).then_refused(409, "consent.missing", purpose="third_parties")
    await cases.consented(http, cases.person(), "third_parties")
    (await http.when("/v1/leases", body)).then_refused(409, "consent.missing")
    await cases.consented(http, lessee, "third_parties")
    made = await done(http, "/v1/leases", body)
    assert await http.events(made.headers["location"]) == ["lease.created.v1"]


# -------------------------------------------------------------------------------------------------------- contract


async def test_a_lease_needs_a_contract_in_force(http: Http) -> None:
    lessee = cases.person()
    for purpose in cases.PURPOSES:
        await cases.consented(http, lessee, purpose)
    body = cases.lease(lessee, "contract_" + "0" * 32)
    (await http.when("/v1/leases", body)).then_refused(409, "contract.unknown")
    none = {name: value for name, value in body.items() if name != "contract"}
    (await http.when("/v1/leases", none)).then_refused(409, "contract.unknown")
    pending = (await cases.shown(http, lessee)).rpartition("/")[2]
    (await http.when("/v1/leases", cases.lease(lessee, pending))).then_refused(
        409, "contract.not_in_force", phase="disclosure_acknowledged"
    )
    strangers = (await cases.signed(http.another_tenant(), lessee)).rpartition("/")[2]
    (await http.when("/v1/leases", cases.lease(lessee, strangers))).then_refused(409, "contract.unknown")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"subject": "subject_" + "9" * 32}, "subject"),
        ({"plan": "tablet_return"}, "plan"),
        ({"currency": "USD"}, "currency"),
        ({"deposit_fen": 1}, "deposit_fen"),
        ({"late_fee_daily_rate": "0.001"}, "late_fee_daily_rate"),
        ({"grace_days": 0}, "grace_days"),
        ({"allocation": ["principal", "interest", "fee", "late_fee"]}, "allocation"),
        ({"buyout_fen": 1}, "buyout_fen"),
        (
            {"schedule": [{"number": 1, "due_on": "2027-01-15", "principal_fen": 120_000, "interest_fen": 0}]},
            "schedule",
        ),
    ],
)
async def test_a_lease_says_what_its_contract_says(http: Http, change: dict[str, Any], field: str) -> None:
    lessee = cases.person()
    body = cases.lease(lessee, (await cases.signed(http, lessee)).rpartition("/")[2]) | change
    (await http.when("/v1/leases", body)).then_refused(409, "lease.contract_differs", field=field)


async def test_a_lease_of_another_tenants_application(http: Http) -> None:
    lessee = cases.person()
    body = cases.lease(lessee, (await cases.signed(http, lessee)).rpartition("/")[2])
    strangers = (await http.another_tenant().given()).rpartition("/")[2]
    (await http.when("/v1/leases", body | {"application": strangers})).then_refused(
        409, "lease.contract_differs", field="application"
    )


# ------------------------------------------------------------------------------------------------------- portfolio


@pytest.fixture
def balance_sheet(http: Http) -> Iterator[Any]:
    """Writes the tenant's row of the file, and takes the file away afterwards."""
    path = http.running.settings.data / FILE

    def write(net_assets_fen: int, **more: Any) -> None:
        row = {"net_assets_fen": net_assets_fen, "total_assets_fen": 0, **more}
        path.write_text(json.dumps({str(http.tenant): row}))

    yield write
    path.unlink(missing_ok=True)


async def finance(http: Http, principal_fen: int) -> tuple[dict[str, Any], UUID]:
    """What a client says to make a finance lease that lacks nothing but room."""
    lessee = cases.person()
    for purpose in cases.PURPOSES:
        await cases.consented(http, lessee, purpose)
    contract = (await cases.signed(http, lessee, "finance", principal_fen)).rpartition("/")[2]
    return cases.lease(lessee, contract, "finance", principal_fen), lessee


async def test_without_net_assets_no_finance_lease(http: Http, balance_sheet: Any) -> None:
    body, lessee = await finance(http, 3 * MILLION_FEN)
    http.project()
    (await http.when("/v1/leases", body)).then_refused(409, "portfolio.no_net_assets", net_assets_fen="0")
    balance_sheet(9 * MILLION_FEN)
    (await http.when("/v1/leases", body)).then_refused(409, "portfolio.one_lessee")
    balance_sheet(10 * MILLION_FEN, related=[str(lessee)])
    await done(http, "/v1/leases", body)


async def test_room_is_looked_for_again_when_the_lease_is_booked(http: Http, balance_sheet: Any) -> None:
    """Two leases that each have room, but not together: whichever is booked second is refused."""
    group = str(uuid4())
    first, one = await finance(http, 3 * MILLION_FEN)
    second, other = await finance(http, 3 * MILLION_FEN)
    balance_sheet(10 * MILLION_FEN, groups={str(one): group, str(other): group})
    addresses = []
    for body in (first, second):
        http.project()
        addresses.append((await done(http, "/v1/leases", body)).headers["location"])
    for address in addresses:
        await done(http, f"{address}/waive_deposit")
        await done(http, f"{address}/record_delivery", {"on": cases.today()})
    http.project()
    await done(http, f"{addresses[0]}/activate", {"on": cases.today()})
    http.project()
    answer = await http.when(f"{addresses[1]}/activate", {"on": cases.today()})
    answer.then_refused(409, "portfolio.one_group")
    facts = answer.response.json()["facts"]
    assert (facts["fen"], facts["group"]) == (str(6 * MILLION_FEN), group)


async def test_bookings_of_a_tenant_take_turns(http: Http, balance_sheet: Any) -> None:
    """Two of one group at once, with room for one: whoever comes second has none."""
    group = str(uuid4())
    (first, one), (second, other) = await finance(http, 3 * MILLION_FEN), await finance(http, 3 * MILLION_FEN)
    balance_sheet(10 * MILLION_FEN, groups={str(one): group, str(other): group})
    addresses = [(await done(http, "/v1/leases", body)).headers["location"] for body in (first, second)]
    for address in addresses:
        await done(http, f"{address}/waive_deposit")
        await done(http, f"{address}/record_delivery", {"on": cases.today()})
    answers = await asyncio.gather(*(http.post(f"{one}/activate", {"on": cases.today()}) for one in addresses))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert next(one for one in answers if one.status_code == 409).json()["code"] == "portfolio.one_group"


async def test_a_broken_balance_sheet_has_a_name(http: Http, balance_sheet: Any) -> None:
    """Nothing is booked on figures that nobody can read, and the answer says whose part it is to repair them."""
    body, _ = await finance(http, 3 * MILLION_FEN)
    balance_sheet(10 * MILLION_FEN)
    (http.running.settings.data / FILE).write_text("{")
    size = await http.size()
    answer = await http.post("/v1/leases", body)
    assert (answer.status_code, answer.json()["code"]) == (503, "tenant_data.broken")
    assert await http.size() == size


async def test_a_rental_needs_no_room(http: Http) -> None:
    address, _ = await cases.leased(http)
    assert await http.events(address) == ["lease.created.v1"]
