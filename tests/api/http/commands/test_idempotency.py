"""Idempotency: the same key is the same request for ever, whoever comes first."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from adapters.system import new_id
from api.http.commands.headers import KEY_MAX_CHARS, idempotency_key
from api.http.problems.problem import Problem
from tests.api.http.driver import DRAFT, PERSON, Http, opened


async def test_repeated_draft_reaches_the_same_application(http: Http) -> None:
    first = await http.post("/v1/applications", DRAFT | PERSON, key="k-1")
    size = await http.size()
    again = await http.post("/v1/applications", DRAFT | PERSON, key="k-1")
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    for name in ("location", "etag", "ledger-position"):
        assert again.headers[name] == first.headers[name]
    assert await http.size() == size


async def test_repeated_command_after_the_case_moved_on(http: Http) -> None:
    address = await http.given()
    first = await http.post(f"{address}/submit", key="k-submit")
    await http.post(f"{address}/withdraw", {"reason": "changed_mind"})
    again = await http.post(f"{address}/submit", key="k-submit")
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["etag"] == '"2"'
    assert again.headers["idempotent-replayed"] == "true"


async def test_repeated_after_a_restart(http: Http) -> None:
    first = await http.post("/v1/applications", DRAFT, key="k-restart")
    async with opened(http.on) as restarted:
        restarted.tenant = http.tenant
        again = await restarted.post("/v1/applications", DRAFT, key="k-restart")
    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"


async def test_replay_honours_its_own_if_match(http: Http) -> None:
    """The version moved on because of this very request: its repetition is no conflict."""
    address = await http.given()
    first = await http.post(f"{address}/submit", key="k-if", If_Match='"1"')
    again = await http.post(f"{address}/submit", key="k-if", If_Match='"1"')
    assert (again.status_code, again.content) == (200, first.content)


async def test_another_payload(http: Http) -> None:
    await http.post("/v1/applications", DRAFT, key="k-2")
    size = await http.size()
    answer = await http.post("/v1/applications", DRAFT | {"amount_fen": 1}, key="k-2")
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency.reused")
    assert await http.size() == size


async def test_another_command_or_application(http: Http) -> None:
    one, other = await http.given(), await http.given()
    await http.post(f"{one}/submit", key="k-3")
    for address in (f"{one}/request_human_review", f"{other}/submit"):
        answer = await http.post(address, key="k-3")
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency.reused")


async def test_same_key_of_another_tenant(http: Http) -> None:
    mine = await http.post("/v1/applications", DRAFT, key="k-4")
    theirs = await http.another_tenant().post("/v1/applications", DRAFT, key="k-4")
    assert theirs.status_code == 201
    assert theirs.json()["id"] != mine.json()["id"]


async def test_refusals_are_not_stored(http: Http) -> None:
    """A "no" may become a "yes": the same key may be used again until it was accepted."""
    address = await http.given()
    assert (await http.post(f"{address}/start_verification", key="k-5")).status_code == 409
    await http.post(f"{address}/submit")
    assert (await http.post(f"{address}/start_verification", key="k-5")).status_code == 200


async def test_same_key_at_the_same_time(http: Http) -> None:
    answers = await asyncio.gather(*(http.post("/v1/applications", DRAFT, key="k-6") for _ in range(8)))
    done = [answer for answer in answers if answer.status_code == 201]
    in_flight = [answer for answer in answers if answer.status_code == 409]
    assert len(done) + len(in_flight) == len(answers)
    assert len({answer.content for answer in done}) == 1
    assert {answer.json()["code"] for answer in in_flight} == {"idempotency.in_flight"}
    assert all(answer.headers["retry-after"] == "1" for answer in in_flight)
    assert len(await http.events(done[0].json()["id"])) == 1


async def test_same_key_in_two_programs_at_the_same_time(http: Http) -> None:
    """Another process does not see what is in flight here; the ledger lets one of them win."""
    async with opened(http.on) as other:
        other.tenant = http.tenant
        other.key(), http.key()
        answers = await asyncio.gather(
            *(program.post("/v1/applications", DRAFT | PERSON, key="k-7") for program in (http, other))
        )
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].content == answers[1].content
    assert sum("idempotent-replayed" in answer.headers for answer in answers) == 1


async def test_quoted_and_bare_are_the_same_key(http: Http) -> None:
    first = await http.post("/v1/applications", DRAFT, key='"k-8"')
    again = await http.post("/v1/applications", DRAFT, key="k-8")
    assert again.content == first.content


async def test_missing_key(http: Http) -> None:
    answer = await http.client.post("/v1/applications", json=DRAFT, headers=http.headers())
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency.missing")


async def test_two_keys(http: Http) -> None:
    headers = [*http.headers().items(), ("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    answer = await http.client.post("/v1/applications", json=DRAFT, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency.malformed")


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ("a", "a"),
        ('"a b"', "a b"),
        (r'"a\"\\b"', r"a\"\\b".replace("\\\\", "\\").replace('\\"', '"')),
        ("x" * KEY_MAX_CHARS, "x" * KEY_MAX_CHARS),
        ("a13912345678b", "a13912345678b"),
        (UUID(int=1).hex, UUID(int=1).hex),
    ],
)
def test_well_formed_keys(value: str, key: str) -> None:
    assert idempotency_key(value) == key


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "idempotency.missing"),
        ("", "idempotency.malformed"),
        ('""', "idempotency.malformed"),
        ("a b", "idempotency.malformed"),
        ('"a', "idempotency.malformed"),
        ('a"', "idempotency.malformed"),
        (r'"a\b"', "idempotency.malformed"),
        ("ключ", "idempotency.malformed"),
        ("x" * (KEY_MAX_CHARS + 1), "idempotency.malformed"),
        ("13912345678", "idempotency.personal"),
        ("8613912345678", "idempotency.personal"),
        ("order-139-1234-5678", "idempotency.personal"),
        ("order-13912345678", "idempotency.personal"),
        ('"13912345678"', "idempotency.personal"),
        ("11010519491231002X", "idempotency.personal"),
    ],
)
def test_other_keys(value: str | None, code: str) -> None:
    with pytest.raises(Problem) as raised:
        idempotency_key(value)
    assert raised.value.kind.code == code


def test_random_ids_are_keys() -> None:
    """The guard against personal numbers does not meet random ids by accident."""
    ids = [new_id() for _ in range(2_000)]
    assert [idempotency_key(str(one)) for one in ids] == [str(one) for one in ids]


@pytest.mark.parametrize(
    "drawn",
    [
        "26edd676-d0c7-4b8f-83c0-017742634366",
        "01A2261F-0317-7CF4-A410-015728192911",
        "order-01450390-7545-4487-b16a-e4560589be41",
    ],
)
def test_a_drawn_uuid_that_holds_a_mobile_number_by_chance_is_a_key(drawn: str) -> None:
    assert idempotency_key(drawn) == drawn


@pytest.mark.parametrize(
    "filled_up",
    [
        "00000000-0000-4000-8000-013800138000",
        "00000000-0000-0000-0000-013800138000",
        "26edd676-d0c7-4b8f-83c0-017742634366/13800138000",
    ],
)
def test_a_number_in_the_form_of_a_uuid_or_beside_one_is_none(filled_up: str) -> None:
    with pytest.raises(Problem) as raised:
        idempotency_key(filled_up)
    assert raised.value.kind.code == "idempotency.personal"
