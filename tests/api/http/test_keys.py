"""Users, keys, tenants and proposals through the interface, with keys that the ledger really holds."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from adapters.system import new_id, now
from api.identity import authentication
from api.permissions import ROLES, Permission
from domain.access.user import UserKind
from domain.kernel.ids import format_id
from domain.kernel.times import parse_utc
from tests.access import recorded_key, stream_of
from tests.api.http.driver import DRAFT, Http


@pytest.fixture(autouse=True)
def fresh_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authentication, "KEY_CACHE_S", 0.0)


async def ask(http: Http, key: str, path: str, body: Any = None, idempotency: str = "") -> Any:
    headers = {"Authorization": f"Bearer {key}"}
    if body is None:
        return await http.client.get(path, headers=headers)
    return await http.client.post(path, json=body, headers=headers | {"Idempotency-Key": idempotency or new_id().hex})


async def member(http: Http, admin: str, label: str, role: str, kind: str = "person") -> str:
    made = await ask(http, admin, "/v1/users", {"kind": kind, "label": label, "roles": [role]})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


async def key_for(http: Http, admin: str, user: str, role: str, **more: Any) -> Any:
    return await ask(http, admin, "/v1/api_keys", {"user": user, "role": role, "label": "till-1"} | more)


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


async def listed(http: Http, admin: str, *commands: str) -> Any:
    return await ask(http, admin, "/v1/approvals", {"commands": list(commands)})


async def test_a_command_on_the_list_happens_when_another_person_approves(http: Http) -> None:
    anne, bo = [await recorded_key(http.running, http.tenant, "merchant_admin") for _ in range(2)]
    address = await http.given(("submit", {}))
    target = address.rpartition("/")[2]
    assert (await listed(http, anne, "application.withdraw")).status_code == 201
    alone = await ask(http, anne, f"{address}/withdraw", {"reason": "changed_mind"})
    assert (alone.status_code, alone.json()["code"]) == (409, "approval.needed")
    body = {"command": "application.withdraw", "target": target, "given": {"reason": "changed_mind"}, "reason": "asked"}
    made = await ask(http, anne, "/v1/proposals", body)
    assert made.status_code == 201, made.text
    proposal = made.headers["location"]
    digest = (await ask(http, bo, proposal)).json()["digest"]
    itself = await ask(http, anne, f"{proposal}/approve", {"digest": digest})
    assert (itself.status_code, itself.json()["code"]) == (409, "proposal.same_person")
    before = await http.size()
    approved = await ask(http, bo, f"{proposal}/approve", {"digest": digest}, "once")
    assert approved.status_code == 200, approved.text
    told = await http.running.reader.after(before, 10)
    entries = [one.parsed() for one in told]
    assert [one.type for one in entries] == ["proposal.approved.v1", "application.withdrawn.v1"]
    assert len({(one.cause, one.actor.id, one.correlation) for one in entries}) == 1
    again = await ask(http, bo, f"{proposal}/approve", {"digest": digest}, "once")
    assert (again.status_code, again.content) == (200, approved.content)
    assert await http.size() == before + 2


async def test_what_changed_since_is_proposed_again(http: Http) -> None:
    """Who approves approves what was seen; the proposal stays open meanwhile."""
    anne, bo = [await recorded_key(http.running, http.tenant, "merchant_admin") for _ in range(2)]
    address = await http.given(("submit", {}))
    body = {
        "command": "application.withdraw", "target": address.rpartition("/")[2], "reason": "asked",
        "given": {"reason": "changed_mind"},
    }  # fmt: skip
    proposal = (await ask(http, anne, "/v1/proposals", body)).headers["location"]
    assert (await ask(http, anne, f"{address}/withdraw", {"reason": "changed_mind"})).status_code == 200
    read = (await ask(http, bo, proposal)).json()
    before = await http.size()
    refused = await ask(http, bo, f"{proposal}/approve", {"digest": read["digest"]})
    assert (refused.status_code, refused.json()["code"]) == (409, "proposal.target_moved")
    assert (await http.size(), (await ask(http, bo, proposal)).json()["state"]) == (before, "open")
    assert (await ask(http, bo, f"{proposal}/reject", {"reason": "too_late"})).status_code == 200


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"command": "application.draft"}, 409, "approval.unknown_command"),
        ({"command": "proposal.approve"}, 409, "approval.unknown_command"),
        ({"target": "application_" + "0" * 32}, 404, "resource.not_found"),
        ({"given": {"nothing": 1}}, 422, "body.invalid"),
        ({"given": []}, 422, "body.invalid"),
    ],
)
async def test_proposals_that_are_not_made(http: Http, changes: Any, status: int, code: str) -> None:
    anne = await recorded_key(http.running, http.tenant, "merchant_admin")
    address = await http.given(("submit", {}))
    body = {
        "command": "application.withdraw", "target": address.rpartition("/")[2], "reason": "asked",
        "given": {"reason": "changed_mind"},
    }  # fmt: skip
    answer = await ask(http, anne, "/v1/proposals", body | changes)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_who_may_not_do_it_neither_proposes_nor_approves_it(http: Http) -> None:
    anne, collector = [await recorded_key(http.running, http.tenant, role) for role in ("merchant_admin", "collector")]
    address = await http.given(("submit", {}))
    body = {
        "command": "application.withdraw", "target": address.rpartition("/")[2], "reason": "asked",
        "given": {"reason": "changed_mind"},
    }  # fmt: skip
    assert (await ask(http, collector, "/v1/proposals", body)).json()["code"] == "auth.not_allowed"
    proposal = (await ask(http, anne, "/v1/proposals", body)).headers["location"]
    digest = (await ask(http, anne, proposal)).json()["digest"]
    assert (await ask(http, collector, f"{proposal}/approve", {"digest": digest})).json()["code"] == "auth.not_allowed"


async def double_of(http: Http, anne: str) -> str:
    """A key of a second person whom an administrator registers."""
    double = await member(http, anne, "E99", "merchant_admin")
    return str((await key_for(http, anne, double, "merchant_admin")).json()["key"])


@pytest.mark.parametrize("who_proposes", ["herself", "the double"])
async def test_an_administrator_is_not_its_own_second_person(http: Http, who_proposes: str) -> None:
    """Whoever registers a second person sees that one's secret, and can act as both, in either order."""
    anne = await recorded_key(http.running, http.tenant, "merchant_admin")
    pair = (anne, await double_of(http, anne))
    first, second = pair if who_proposes == "herself" else pair[::-1]
    address = await http.given(("submit", {}))
    body = {
        "command": "application.withdraw", "target": address.rpartition("/")[2], "reason": "asked",
        "given": {"reason": "changed_mind"},
    }  # fmt: skip
    made = await ask(http, first, "/v1/proposals", body)
    if who_proposes == "the double":
        assert (made.status_code, made.json()["code"]) == (409, "proposal.not_vouched")
        return
    digest = (await ask(http, anne, made.headers["location"])).json()["digest"]
    refused = await ask(http, second, f"{made.headers['location']}/approve", {"digest": digest})
    assert (refused.status_code, refused.json()["code"]) == (409, "proposal.not_vouched")


async def test_two_puppets_of_one_administrator_are_no_two_persons(http: Http) -> None:
    anne = await recorded_key(http.running, http.tenant, "merchant_admin")
    puppet = await double_of(http, anne)
    address = await http.given(("submit", {}))
    body = {
        "command": "application.withdraw", "target": address.rpartition("/")[2], "reason": "asked",
        "given": {"reason": "changed_mind"},
    }  # fmt: skip
    assert (await ask(http, puppet, "/v1/proposals", body)).json()["code"] == "proposal.not_vouched"


async def test_a_key_that_was_seen_is_not_washed_by_itself(http: Http) -> None:
    anne, bo = [await recorded_key(http.running, http.tenant, "merchant_admin") for _ in range(2)]
    colleague = (await http.app.state.services.access.find(bo)).user
    seen = (await key_for(http, anne, f"user_{colleague.hex}", "merchant_admin")).json()
    address = await http.given(("submit", {}))
    body = {
        "command": "application.withdraw", "target": address.rpartition("/")[2], "reason": "asked",
        "given": {"reason": "changed_mind"},
    }  # fmt: skip
    proposal = (await ask(http, anne, "/v1/proposals", body)).headers["location"]
    digest = (await ask(http, anne, proposal)).json()["digest"]
    rotated = (await ask(http, seen["key"], f"/v1/api_keys/{seen['id']}/rotate", {"overlap_hours": 0})).json()["key"]
    sibling = (await key_for(http, rotated, f"user_{colleague.hex}", "merchant_admin")).json()["key"]
    for key in (rotated, sibling):
        refused = await ask(http, key, f"{proposal}/approve", {"digest": digest})
        assert (refused.status_code, refused.json()["code"]) == (409, "proposal.not_vouched")
    assert (await ask(http, bo, f"{proposal}/approve", {"digest": digest})).status_code == 200


async def test_what_nobody_could_propose_is_not_listed(http: Http) -> None:
    """Else a tenant could never do it again."""
    anne = await recorded_key(http.running, http.tenant, "merchant_admin")
    for name in ("contract.sign", "api_key.make", "user.register", "lease.create"):
        refused = await listed(http, anne, name)
        assert (refused.status_code, refused.json()["code"]) == (409, "approval.unknown_command"), name


async def test_a_crowd_under_one_idempotency_key_is_one_request(http: Http) -> None:
    anne = await recorded_key(http.running, http.tenant, "merchant_admin")
    body = {"user": await member(http, anne, "E5", "collector"), "role": "collector", "label": "till"}
    answers = await asyncio.gather(*(ask(http, anne, "/v1/api_keys", body, "crowd") for _ in range(8)))
    codes = {(one.status_code, one.json().get("code")) for one in answers}
    assert codes <= {(201, None), (409, "idempotency.in_flight")}
    assert len({one.json()["id"] for one in answers if one.status_code == 201}) == 1


async def test_a_proposal_repeated_after_its_end_is_told_as_it_was(http: Http) -> None:
    anne, bo = [await recorded_key(http.running, http.tenant, "merchant_admin") for _ in range(2)]
    address = await http.given(("submit", {}))
    body = {
        "command": "application.withdraw", "target": address.rpartition("/")[2], "reason": "asked",
        "given": {"reason": "changed_mind"},
    }  # fmt: skip
    made = await ask(http, anne, "/v1/proposals", body, "once")
    digest = (await ask(http, bo, made.headers["location"])).json()["digest"]
    assert (await ask(http, bo, f"{made.headers['location']}/approve", {"digest": digest})).status_code == 200
    again = await ask(http, anne, "/v1/proposals", body, "once")
    assert (again.status_code, again.content) == (201, made.content)


async def test_a_narrow_key_rotates_no_wider_one(http: Http) -> None:
    anne = await recorded_key(http.running, http.tenant, "merchant_admin")
    boss = await member(http, anne, "E2", "merchant_admin")
    narrow = (await key_for(http, anne, boss, "merchant_admin", scopes=["access"])).json()["key"]
    wide = (await key_for(http, anne, boss, "merchant_admin")).headers["location"]
    refused = await ask(http, narrow, f"{wide}/rotate", {})
    assert (refused.status_code, refused.json()["code"]) == (409, "api_key.scope_not_yours")


async def test_the_list_is_shortened_by_two(http: Http) -> None:
    anne, bo = [await recorded_key(http.running, http.tenant, "merchant_admin") for _ in range(2)]
    made = await listed(http, anne, "application.withdraw", "lease.charge_off")
    address, whole = made.headers["location"], made.json()["id"]
    assert (await listed(http, anne, "lease.charge_off")).json()["code"] == "approval.known"
    assert (await ask(http, bo, address)).json()["commands"] == ["application.withdraw", "lease.charge_off"]
    shorter = {"commands": ["lease.charge_off"]}
    alone = await ask(http, anne, f"{address}/require", shorter)
    assert (alone.status_code, alone.json()["code"]) == (409, "approval.needed")
    body = {"command": "approval.require", "target": whole, "given": shorter, "reason": "asked"}
    made = await ask(http, anne, "/v1/proposals", body)
    assert made.status_code == 201, made.text
    digest = (await ask(http, bo, made.headers["location"])).json()["digest"]
    done = await ask(http, bo, f"{made.headers['location']}/approve", {"digest": digest})
    assert done.status_code == 200, done.text
