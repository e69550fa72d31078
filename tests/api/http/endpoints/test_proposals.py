"""Proposals over HTTP: what two persons do together, and who is none of two."""

from __future__ import annotations

from typing import Any

import pytest

from api.identity import authentication
from tests.access import recorded_key, stream_of
from tests.api.http.asking import ask, key_for, member
from tests.api.http.driver import Http


@pytest.fixture(autouse=True)
def fresh_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authentication, "KEY_CACHE_S", 0.0)


async def listed(http: Http, admin: str, *commands: str) -> Any:
    return await ask(http, admin, "/v1/approvals", {"commands": list(commands)})


async def withdrawal(http: Http) -> dict[str, Any]:
    """What is posted to propose that an application which waits be withdrawn."""
    target = (await http.given(("submit", {}))).rpartition("/")[2]
    return {
        "command": "application.withdraw", "target": target, "given": {"reason": "changed_mind"}, "reason": "asked",
    }  # fmt: skip


async def test_a_command_on_the_list_happens_when_another_person_approves(http: Http) -> None:
    anne, bo = [await recorded_key(http.running, http.tenant, "merchant_admin") for _ in range(2)]
    body = await withdrawal(http)
    address = f"/v1/applications/{body['target']}"
    assert (await listed(http, anne, "application.withdraw")).status_code == 201
    alone = await ask(http, anne, f"{address}/withdraw", {"reason": "changed_mind"})
    assert (alone.status_code, alone.json()["code"]) == (409, "approval.needed")
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
    body = await withdrawal(http)
    proposal = (await ask(http, anne, "/v1/proposals", body)).headers["location"]
    address = f"/v1/applications/{body['target']}"
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
    body = await withdrawal(http)
    answer = await ask(http, anne, "/v1/proposals", body | changes)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_who_may_not_do_it_neither_proposes_nor_approves_it(http: Http) -> None:
    anne, collector = [await recorded_key(http.running, http.tenant, role) for role in ("merchant_admin", "collector")]
    body = await withdrawal(http)
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
    body = await withdrawal(http)
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
    body = await withdrawal(http)
    assert (await ask(http, puppet, "/v1/proposals", body)).json()["code"] == "proposal.not_vouched"


async def test_a_key_that_was_seen_is_not_washed_by_itself(http: Http) -> None:
    anne, bo = [await recorded_key(http.running, http.tenant, "merchant_admin") for _ in range(2)]
    colleague = (await http.app.state.services.access.find(bo)).user
    seen = (await key_for(http, anne, f"user_{colleague.hex}", "merchant_admin")).json()
    body = await withdrawal(http)
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


@pytest.mark.parametrize("checked", ["when proposed", "when approved"])
async def test_a_list_of_what_nobody_could_propose_is_not_proposed(
    http: Http, monkeypatch: pytest.MonkeyPatch, checked: str
) -> None:
    """Two persons together say no more than one: a release that no longer knows a command refuses it when approved."""
    anne, bo = [await recorded_key(http.running, http.tenant, "merchant_admin") for _ in range(2)]
    whole = (await listed(http, anne, "lease.charge_off")).json()["id"]
    given = {"commands": ["contract.sign", "lease.charge_off"]}
    body = {"command": "approval.require", "target": whole, "given": given, "reason": "asked"}
    if checked == "when approved":
        with monkeypatch.context() as older:
            older.setattr("api.http.endpoints.proposals.list_refused", lambda _: None)
            proposal = (await ask(http, anne, "/v1/proposals", body)).headers["location"]
        digest = (await ask(http, bo, proposal)).json()["digest"]
        refused = await ask(http, bo, f"{proposal}/approve", {"digest": digest})
    else:
        refused = await ask(http, anne, "/v1/proposals", body)
    assert (refused.status_code, refused.json()["code"]) == (409, "approval.unknown_command")


@pytest.mark.parametrize("gone", ["proposer", "approver"])
@pytest.mark.parametrize("how", ["suspended", "revoked"])
async def test_who_is_gone_is_none_of_two(http: Http, monkeypatch: pytest.MonkeyPatch, gone: str, how: str) -> None:
    """What was proposed by a key that leaked is not approved, nor does a key approve that a process still remembers."""
    anne, bo, cy = [await recorded_key(http.running, http.tenant, "merchant_admin") for _ in range(3)]
    proposal = (await ask(http, anne, "/v1/proposals", await withdrawal(http))).headers["location"]
    digest = {"digest": (await ask(http, anne, proposal)).json()["digest"]}
    monkeypatch.setattr(authentication, "KEY_CACHE_S", 60.0)
    whose = anne if gone == "proposer" else bo
    user = (await http.app.state.services.access.find(whose)).user
    assert (await ask(http, bo, proposal)).status_code == 200
    path = f"users/user_{user.hex}/suspend" if how == "suspended" else f"api_keys/api_key_{stream_of(whose).hex}/revoke"
    assert (await ask(http, cy, f"/v1/{path}", {"reason": "leaked"})).status_code == 200
    refused = await ask(http, bo, f"{proposal}/approve", digest)
    assert (refused.status_code, refused.json()["code"]) == (409, f"proposal.{gone}_gone")


async def test_a_proposal_repeated_after_its_end_is_told_as_it_was(http: Http) -> None:
    anne, bo = [await recorded_key(http.running, http.tenant, "merchant_admin") for _ in range(2)]
    body = await withdrawal(http)
    made = await ask(http, anne, "/v1/proposals", body, "once")
    digest = (await ask(http, bo, made.headers["location"])).json()["digest"]
    assert (await ask(http, bo, f"{made.headers['location']}/approve", {"digest": digest})).status_code == 200
    again = await ask(http, anne, "/v1/proposals", body, "once")
    assert (again.status_code, again.content) == (201, made.content)


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
