"""Users, keys and tenants through the interface, with keys that the ledger really holds."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from adapters.system import new_id, now
from api.identity import authentication
from api.permissions import ROLES, Permission
from domain.access.user import UserKind
from domain.kernel.ids import format_id
from domain.kernel.times import parse_utc
from tests.access import recorded_key, stream_of
from tests.api.http.asking import ask, key_for, member
from tests.api.http.driver import DRAFT, Http


@pytest.fixture(autouse=True)
def fresh_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authentication, "KEY_CACHE_S", 0.0)


async def test_a_key_is_made_used_rotated_and_revoked(http: Http) -> None:
    admin = await recorded_key(http.running, http.tenant, "merchant_admin")
    user = await member(http, admin, "E017", "collector")
    made = await key_for(http, admin, user, "collector")
    assert made.status_code == 201, made.text
    first, address = made.json()["key"], made.headers["location"]
    assert (await ask(http, first, "/v1/calendar")).status_code == 200
    rotated = await ask(http, admin, f"{address}/rotate", {"overlap_hours": 1, "days": 30})
    assert rotated.status_code == 200, rotated.text
    second = rotated.json()["key"]
    assert second != first
    assert [(await ask(http, key, "/v1/calendar")).status_code for key in (first, second)] == [200, 200]
    left = parse_utc(rotated.json()["expires_at"]) - now()
    assert timedelta(days=29, hours=23) < left < timedelta(days=30)
    assert (await ask(http, admin, f"{address}/rotate", {"overlap_hours": 0})).status_code == 200
    assert [(await ask(http, key, "/v1/calendar")).status_code for key in (first, second)] == [401, 401]
    assert (await ask(http, admin, f"{address}/revoke", {"reason": "leaked"})).status_code == 200
    assert (await ask(http, admin, f"{address}/rotate", {})).json()["code"] == "api_key.revoked"


async def test_a_secret_is_shown_once(http: Http) -> None:
    """The same request again names the key, and no secret; another one under its idempotency key is a fault."""
    admin = await recorded_key(http.running, http.tenant, "merchant_admin")
    body = {"user": await member(http, admin, "E017", "collector"), "role": "collector", "label": "till-1"}
    one, two = [await ask(http, admin, "/v1/api_keys", body, "same") for _ in range(2)]
    assert (two.status_code, two.json()["key"], two.headers["idempotent-replayed"]) == (201, None, "true")
    assert two.json()["id"] == one.json()["id"]
    other = await ask(http, admin, "/v1/api_keys", body | {"label": "till-2"}, "same")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency.reused")
    address = one.headers["location"]
    one, two = [await ask(http, admin, f"{address}/rotate", {}, "again") for _ in range(2)]
    assert (two.status_code, two.json()["key"], bool(one.json()["key"])) == (200, None, True)
    for text in [(await http.get("/v1/events")).text, (await http.get(address)).text]:
        assert one.json()["key"] not in text


async def test_a_narrow_key_may_only_what_it_was_given(http: Http) -> None:
    admin = await recorded_key(http.running, http.tenant, "merchant_admin")
    user = await member(http, admin, "till-3", "merchant_operator", "machine")
    narrow = (await key_for(http, admin, user, "merchant_operator", scopes=["intake"])).json()["key"]
    assert (await ask(http, narrow, "/v1/applications", DRAFT)).status_code == 201
    refused = await ask(http, narrow, "/v1/calendar")
    assert (refused.status_code, refused.json()["code"]) == (403, "auth.not_allowed")


async def test_nobody_makes_a_key_that_may_more_than_he(http: Http) -> None:
    admin = await recorded_key(http.running, http.tenant, "merchant_admin")
    boss = await member(http, admin, "E2", "merchant_admin")
    narrow = (await key_for(http, admin, boss, "merchant_admin", scopes=["access", "quote"])).json()["key"]
    wide = await key_for(http, narrow, boss, "merchant_admin")
    assert (wide.status_code, wide.json()["code"]) == (409, "api_key.scope_not_yours")
    assert (await key_for(http, narrow, boss, "merchant_admin", scopes=["quote"])).status_code == 201
    for role in ("operator", "auditor", "court"):
        asked = await ask(http, admin, "/v1/users", {"kind": "person", "label": "E3", "roles": [role]})
        assert (asked.status_code, asked.json()["code"]) == (409, "user.role_not_yours")


async def test_a_machine_looks_after_no_keys(http: Http) -> None:
    robot = await recorded_key(http.running, http.tenant, "merchant_admin", kind=UserKind.MACHINE)
    asked = await ask(http, robot, "/v1/users", {"kind": "person", "label": "E3", "roles": ["collector"]})
    assert (asked.status_code, asked.json()["code"]) == (409, "user.person_needed")


async def test_a_machine_completes_no_human_review(http: Http) -> None:
    """个人信息保护法 24: whoever asks for a person gets one."""
    address = await http.given(("submit", {}), ("request_human_review", {}))
    robot = await recorded_key(http.running, http.tenant, "risk_officer", kind=UserKind.MACHINE)
    refused = await ask(http, robot, f"{address}/complete_human_review", {"finding": "confirmed"})
    assert (refused.status_code, refused.json()["code"]) == (409, "application.reviewer_not_entitled")
    person = await recorded_key(http.running, http.tenant, "risk_officer")
    assert (await ask(http, person, f"{address}/complete_human_review", {"finding": "confirmed"})).status_code == 200


async def test_every_event_names_user_and_key(http: Http) -> None:
    key = await recorded_key(http.running, http.tenant, "merchant_operator")
    made = await ask(http, key, "/v1/applications", DRAFT)
    stream = UUID(made.headers["location"].rpartition("_")[2])
    [stored] = await http.running.reader.stream(stream)
    actor = stored.parsed().actor
    assert (actor.role, actor.via) == ("merchant_operator", format_id("api_key", stream_of(key)))
    assert actor.id.startswith("person_")


async def test_a_suspended_user_and_a_withdrawn_role_end_keys(http: Http) -> None:
    admin = await recorded_key(http.running, http.tenant, "merchant_admin")
    user = await member(http, admin, "E9", "collector")
    assert (await ask(http, admin, f"/v1/users/{user}/grant_role", {"role": "risk_officer"})).status_code == 200
    keys = [(await key_for(http, admin, user, role)).json()["key"] for role in ("collector", "risk_officer")]

    async def works() -> list[int]:
        return [(await ask(http, key, "/v1/calendar")).status_code for key in keys]

    assert await works() == [200, 200]
    assert (await ask(http, admin, f"/v1/users/{user}/withdraw_role", {"role": "risk_officer"})).status_code == 200
    assert await works() == [200, 401]
    assert (await ask(http, admin, f"/v1/users/{user}/suspend", {"reason": "left"})).status_code == 200
    assert await works() == [401, 401]
    assert (await ask(http, admin, f"/v1/users/{user}/reinstate", {})).status_code == 200
    assert await works() == [200, 401]


async def test_another_tenants_users_and_keys_are_not_there(http: Http) -> None:
    admin = await recorded_key(http.running, http.tenant, "merchant_admin")
    user = await member(http, admin, "E9", "collector")
    key = await key_for(http, admin, user, "collector")
    other = await recorded_key(http.running, new_id(), "merchant_admin")
    for path, body in (
        (f"/v1/users/{user}", None),
        (f"/v1/users/{user}/suspend", {"reason": "x"}),
        (key.headers["location"], None),
        (f"{key.headers['location']}/rotate", {}),
        (f"{key.headers['location']}/revoke", {"reason": "x"}),
    ):
        assert (await ask(http, other, path, body)).status_code == 404
    theirs = await key_for(http, other, user, "collector")
    assert (theirs.status_code, theirs.json()["code"]) == (409, "api_key.user_not_active")


@pytest.mark.parametrize("role", sorted(role for role, may in ROLES.items() if Permission.ACCESS not in may))
async def test_who_may_not_look_after_access(http: Http, role: str) -> None:
    for path, body in (("/v1/users", None), ("/v1/api_keys", None), ("/v1/api_keys", {})):
        answer = (
            await http.get(path, role) if body is None else await http.post(path, body, role)
        )  # fmt: skip
        assert (answer.status_code, answer.json()["code"]) == (403, "auth.not_allowed")


# -------------------------------------------------------------------------------------------------- tenants


async def test_a_suspended_tenant_lets_in_who_looks_from_outside(http: Http) -> None:
    owner = http.running.settings.tenant
    operator = await recorded_key(http.running, owner, "operator")
    clerk, auditor = [await recorded_key(http.running, http.tenant, role) for role in ("collector", "auditor")]
    body = {"tenant": format_id("merchant", http.tenant), "label": "shop"}
    made = await ask(http, operator, "/v1/tenants", body)
    assert made.status_code == 201, made.text
    address = made.headers["location"]
    assert (await ask(http, operator, f"{address}/suspend", {"reason": "unpaid"})).status_code == 200
    assert [(await ask(http, key, "/v1/calendar")).status_code for key in (clerk, auditor)] == [401, 200]
    assert (await ask(http, operator, f"{address}/reinstate", {})).status_code == 200
    assert (await ask(http, clerk, "/v1/calendar")).status_code == 200


async def test_an_operator_of_another_tenant_registers_nobody(http: Http) -> None:
    operator = await recorded_key(http.running, http.tenant, "operator")
    asked = await ask(http, operator, "/v1/tenants", {"tenant": format_id("merchant", new_id()), "label": "shop"})
    assert (asked.status_code, asked.json()["code"]) == (409, "tenant.not_owner")


# ------------------------------------------------------------------------------------------------ proposals


async def test_a_crowd_under_one_idempotency_key_is_one_request(http: Http) -> None:
    anne = await recorded_key(http.running, http.tenant, "merchant_admin")
    body = {"user": await member(http, anne, "E5", "collector"), "role": "collector", "label": "till"}
    answers = await asyncio.gather(*(ask(http, anne, "/v1/api_keys", body, "crowd") for _ in range(8)))
    codes = {(one.status_code, one.json().get("code")) for one in answers}
    assert codes <= {(201, None), (409, "idempotency.in_flight")}
    assert len({one.json()["id"] for one in answers if one.status_code == 201}) == 1


async def test_a_narrow_key_rotates_no_wider_one(http: Http) -> None:
    anne = await recorded_key(http.running, http.tenant, "merchant_admin")
    boss = await member(http, anne, "E2", "merchant_admin")
    narrow = (await key_for(http, anne, boss, "merchant_admin", scopes=["access"])).json()["key"]
    wide = (await key_for(http, anne, boss, "merchant_admin")).headers["location"]
    refused = await ask(http, narrow, f"{wide}/rotate", {})
    assert (refused.status_code, refused.json()["code"]) == (409, "api_key.scope_not_yours")
