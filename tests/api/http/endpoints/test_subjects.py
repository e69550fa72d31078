"""What the vault holds of a person is told to whoever may see it, and never without an event that says so."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.postgres.connections import connect
from adapters.postgres.vault import destroy_key
from adapters.system import new_id
from chain.entry import parse
from domain.kernel.ids import format_id, parse_id
from domain.parties.subject import subject_stream
from tests.api.http.driver import DRAFT, PERSON, Http

LOOK = {"purpose": "contact", "fields": ["application.phone"]}


async def known(http: Http) -> str:
    """A person whose name, phone and the rest stand in the vault."""
    subject = format_id("subject", new_id())
    assert (await http.post("/v1/applications", DRAFT | PERSON | {"subject": subject})).status_code == 201
    return subject


def looks(http: Http, subject: str) -> list[dict[str, Any]]:
    """The looks that the ledger has of a person of this tenant, in order."""
    stream = subject_stream(http.tenant, parse_id("subject", subject))
    with connect(http.on.url) as connection:
        rows = connection.execute("SELECT entry FROM ledger.events WHERE stream = %s ORDER BY seq", (stream,))
        entries = [parse(entry) for (entry,) in rows]
    return [{"position": None, "actor": one.actor, "event": one.event()} for one in entries]


async def test_a_look_is_recorded_and_answered(http: Http) -> None:
    subject = await known(http)
    answer = await http.post(f"/v1/subjects/{subject}/look", LOOK, role="merchant_operator")
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert [(one["field"], one["value"]) for one in told["values"]] == [("application.phone", PERSON["phone"])]
    assert (answer.headers["cache-control"], answer.headers["ledger-position"]) == ("no-store", str(told["looked_at"]))
    (look,) = looks(http, subject)
    event = look["event"]
    assert (event.purpose, event.fields, look["actor"].role) == ("contact", ("application.phone",), "merchant_operator")


async def test_everything_is_told_where_nothing_is_named(http: Http) -> None:
    subject = await known(http)
    told = (await http.post(f"/v1/subjects/{subject}/look", {"purpose": "court"})).json()
    values = {one["field"].partition(".")[2]: one["value"] for one in told["values"]}
    assert values | {"subject": PERSON["subject"]} == PERSON
    assert len(looks(http, subject)) == 1


async def test_every_look_is_an_event_of_its_own(http: Http) -> None:
    """A caller's key would give the values again without one."""
    subject = await known(http)
    for _ in range(2):
        await http.post(f"/v1/subjects/{subject}/look", LOOK, key="the-same")
    assert len(looks(http, subject)) == 2


@pytest.mark.parametrize("role", ["auditor", "regulator", "court", "lessee", "device_gateway"])
async def test_others_are_not_told(http: Http, role: str) -> None:
    subject = await known(http)
    answer = await http.post(f"/v1/subjects/{subject}/look", LOOK, role=role)
    assert (answer.status_code, answer.json()["code"]) == (403, "auth.not_allowed")
    assert looks(http, subject) == []


async def test_another_tenants_person_is_unknown(http: Http) -> None:
    subject = await known(http)
    other = http.another_tenant()
    answer = await other.post(f"/v1/subjects/{subject}/look", LOOK)
    assert (answer.status_code, answer.json()["code"]) == (404, "resource.not_found")
    assert looks(http, subject) == looks(other, subject) == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"fields": ["application.phone"]}, "body.invalid"),
        ({"purpose": "curiosity"}, "body.invalid"),
        ({"purpose": "contact", "fields": ["phone"]}, "body.invalid"),
        ({"purpose": "contact", "why": "x"}, "body.invalid"),
        ({"purpose": "contact", "fields": []}, "body.invalid"),
        ({"purpose": "contact", "about": "about_" + "0" * 32}, "body.invalid"),
        ({"purpose": "contact", "about": "0" * 32}, "body.invalid"),
    ],
)
async def test_a_look_without_a_purpose_is_none(http: Http, body: dict[str, Any], code: str) -> None:
    subject = await known(http)
    answer = await http.post(f"/v1/subjects/{subject}/look", body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert looks(http, subject) == []


async def test_a_kind_that_is_not_kept_is_not_found(http: Http) -> None:
    subject = await known(http)
    answer = await http.post(f"/v1/subjects/{subject}/look", {"purpose": "contact", "fields": ["lease.phone"]})
    assert (answer.status_code, answer.json()["code"]) == (404, "resource.not_found")
    for odd in ("subject_" + "0" * 32, "subject_x", "lease_" + "0" * 32):
        assert (await http.post(f"/v1/subjects/{odd}/look", LOOK)).status_code == 404


async def test_of_an_erased_person_nothing_is_told_and_the_look_stays(http: Http) -> None:
    subject = await known(http)
    with connect(http.on.url) as connection:
        assert destroy_key(connection, http.tenant, parse_id("subject", subject), "2026-11-21T00:00:00.000000Z")
    answer = await http.post(f"/v1/subjects/{subject}/look", LOOK)
    assert (answer.status_code, answer.json()["code"]) == (409, "subject.erased")
    assert PERSON["phone"] not in answer.text
    assert len(looks(http, subject)) == 1


async def test_a_look_says_which_case_it_was_needed_for(http: Http) -> None:
    subject, case = await known(http), new_id()
    answer = await http.post(f"/v1/subjects/{subject}/look", LOOK | {"about": format_id("case", case)})
    assert answer.status_code == 200, answer.text
    (look,) = looks(http, subject)
    assert look["event"].about == case


def test_the_description_says_what_a_look_takes(http: Http) -> None:
    schema = http.app.openapi()["components"]["schemas"]["GivenLook"]["properties"]
    assert schema["about"]["pattern"] == "^case_[0-9a-f]{32}$"
    assert schema["fields"]["minItems"] == 1
