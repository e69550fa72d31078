"""Versions over HTTP: ETag, If-Match, If-None-Match."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from adapters.system import new_id
from api.http.commands.headers import if_match, none_match
from api.http.problems.problem import Problem
from tests.access import recorded_key
from tests.api.http.driver import DRAFT, Http


async def test_matching_version(http: Http) -> None:
    address = await http.given()
    seen = (await http.get(address)).headers["etag"]
    done = (await http.when(f"{address}/submit", If_Match=seen)).then(200, "application.submitted.v1")
    assert done.headers["etag"] == '"2"'


@pytest.mark.parametrize("tags", ['"1"', '"7"', 'W/"2"', '"abc"', '"1", "3"'])
async def test_other_versions(http: Http, tags: str) -> None:
    address = await http.given(("submit", None))
    answer = await http.when(f"{address}/start_verification", If_Match=tags)
    answer.then_refused(412, "precondition.failed", version=2)


@pytest.mark.parametrize("tags", ["*", '"1", "2"', '"2"', 'W/"1" , "2"'])
async def test_one_of_several(http: Http, tags: str) -> None:
    address = await http.given(("submit", None))
    answer = await http.when(f"{address}/start_verification", If_Match=tags)
    answer.then(200, "application.verification_started.v1")


async def test_of_two_at_once_one_wins(http: Http) -> None:
    address = await http.given(("submit", None))
    answers = await asyncio.gather(
        *(http.post(f"{address}/schedule_work", {"lane": name}, If_Match='"2"') for name in ("a", "b"))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    assert len(await http.events(address)) == 3


async def test_of_two_at_once_none_runs_on_the_version_that_it_excludes(http: Http) -> None:
    """What was looked at is what the command is decided on."""
    address = await http.given(("submit", None))
    answers = await asyncio.gather(
        *(http.post(f"{address}/schedule_work", {"lane": name}, If_None_Match='"3"') for name in ("a", "b"))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412]


async def test_malformed(http: Http) -> None:
    answer = await http.when(f"{await http.given()}/submit", If_Match="1")
    answer.then_refused(400, "precondition.malformed")


async def test_not_modified(http: Http) -> None:
    address = await http.given()
    full = await http.get(address)
    same = await http.get(address, If_None_Match=full.headers["etag"])
    assert (same.status_code, same.content) == (304, b"")
    assert same.headers["etag"] == full.headers["etag"]
    await http.post(f"{address}/submit")
    assert (await http.get(address, If_None_Match=full.headers["etag"])).status_code == 200


async def test_tags_on_several_lines_are_one_list(http: Http) -> None:
    """RFC 9110 §5.3: lines of one name are a list."""
    address = await http.given()
    several = [("If-None-Match", '"7"'), ("If-None-Match", '"1"')]
    answer = await http.client.get(address, headers=[*http.headers("operator").items(), *several])
    assert answer.status_code == 304


def test_if_match() -> None:
    assert if_match(None) is None
    assert if_match("*") is None
    assert if_match('"3"') == frozenset({3})
    assert if_match('W/"3"') == frozenset()
    assert if_match('"03"') == frozenset()
    for text in ("", ",", "3", '"3', '"3" "4"', "**"):
        with pytest.raises(Problem):
            if_match(text)


def test_if_none_match() -> None:
    assert none_match('"3"', 3)
    assert none_match('W/"3"', 3)
    assert none_match('"1", "3"', 3)
    assert none_match("*", 3)
    assert not none_match(None, 3)
    assert not none_match('"13"', 3)
    assert not none_match("3", 3)


@pytest.mark.parametrize("tags", ["*", '"2"', 'W/"2"', '"7", "2"'])
async def test_a_command_does_not_run_on_a_version_that_it_excludes(http: Http, tags: str) -> None:
    """RFC 9110 §13.1.2: for a method that is not GET or HEAD the answer is 412."""
    address = await http.given(("submit", None))
    answer = await http.when(f"{address}/start_verification", If_None_Match=tags)
    answer.then_refused(412, "precondition.failed", version=2)


@pytest.mark.parametrize("tags", ['"1"', '"22"', '"*"', "nonsense"])
async def test_a_command_runs_on_every_other(http: Http, tags: str) -> None:
    address = await http.given(("submit", None))
    answer = await http.when(f"{address}/start_verification", If_None_Match=tags)
    answer.then(200, "application.verification_started.v1")


async def test_both_conditions_must_be_met(http: Http) -> None:
    address = await http.given(("submit", None))
    both = {"If_Match": '"2"', "If_None_Match": '"2"'}
    (await http.when(f"{address}/start_verification", **both)).then_refused(412, "precondition.failed", version=2)
    both = {"If_Match": '"2"', "If_None_Match": '"1"'}
    (await http.when(f"{address}/start_verification", **both)).then(200, "application.verification_started.v1")


async def test_a_repeated_command_is_answered_before_its_conditions(http: Http) -> None:
    """What was done under a key is told again, also when the version has moved since."""
    address = await http.given()
    first = await http.post(f"{address}/submit", key="once", If_None_Match='"2"')
    again = await http.post(f"{address}/submit", key="once", If_None_Match='"2"')
    assert (first.status_code, again.status_code, again.content) == (200, 200, first.content)


async def test_a_new_stream_has_no_version_to_exclude(http: Http) -> None:
    """`*` on a list that takes a new one: there is none of it yet."""
    await http.given()
    answer = await http.post("/v1/applications", DRAFT, If_None_Match="*")
    assert answer.status_code == 201


async def asked(http: Http, key: str, path: str, body: Any, **conditions: str) -> httpx.Response:
    """POST by a key of its own, under conditions."""
    headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": new_id().hex}
    headers |= {name.replace("_", "-"): value for name, value in conditions.items()}
    return await http.client.post(path, json=body, headers=headers)


OTHERS = [{"If_Match": '"7"'}, {"If_None_Match": "*"}, {"If_Match": '"1"', "If_None_Match": '"1"'}]


@pytest.mark.parametrize("conditions", OTHERS)
async def test_an_approval_heeds_its_conditions(http: Http, conditions: dict[str, str]) -> None:
    anne, bo = [await recorded_key(http.running, http.tenant, "merchant_admin") for _ in range(2)]
    target = (await http.given(("submit", {}))).rpartition("/")[2]
    given = {"command": "application.withdraw", "target": target, "given": {"reason": "changed_mind"}}
    proposal = (await asked(http, anne, "/v1/proposals", given | {"reason": "asked"})).headers["location"]
    read = await http.client.get(proposal, headers={"Authorization": f"Bearer {bo}"})
    body, before = {"digest": read.json()["digest"]}, await http.size()
    refused = await asked(http, bo, f"{proposal}/approve", body, **conditions)
    assert (refused.status_code, refused.json()["code"]) == (412, "precondition.failed")
    assert await http.size() == before
    seen = {"If_Match": read.headers.get("etag", '"1"')}
    assert (await asked(http, bo, f"{proposal}/approve", body, **seen)).status_code == 200


@pytest.mark.parametrize("conditions", OTHERS)
async def test_a_rotation_heeds_its_conditions(http: Http, conditions: dict[str, str]) -> None:
    admin = await recorded_key(http.running, http.tenant, "merchant_admin")
    user = (
        await asked(http, admin, "/v1/users", {"kind": "person", "label": "E017", "roles": ["merchant_operator"]})
    ).json()
    made = await asked(
        http, admin, "/v1/api_keys", {"user": user["id"], "role": "merchant_operator", "label": "office"}
    )
    rotate, before = f"{made.headers['location']}/rotate", await http.size()
    refused = await asked(http, admin, rotate, {}, **conditions)
    assert (refused.status_code, refused.json()["code"]) == (412, "precondition.failed")
    assert await http.size() == before
    assert (await asked(http, admin, rotate, {}, If_Match=made.headers["etag"])).status_code == 200
