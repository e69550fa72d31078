"""Personal data goes in and stays in the vault: no answer, no problem and no log line ever holds it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from structlog.testing import capture_logs

from api.permissions import ROLES
from tests.api.http.driver import DRAFT, PERSON, Http

SECRETS = [PERSON[name] for name in ("name", "identity_number", "phone", "address")]


def leaks(text: str) -> list[str]:
    """The secrets in a text, written as they are or escaped as JSON may."""
    return [secret for secret in SECRETS if secret in text or json.dumps(secret)[1:-1] in text]


async def test_no_role_reads_personal_data(http: Http) -> None:
    address = await http.given(("submit", None), **PERSON)
    size = await http.size()
    http.project()
    paths = [address, f"{address}/events", "/v1/applications", f"/v1/events?starting_after={size - 2}",
             f"/v1/events/stream?starting_after={size - 2}", f"/v1/receipts/{size}", "/v1/funnel"]  # fmt: skip
    for role in ROLES:
        for path in paths:
            assert leaks((await http.get(path, role=role)).text) == [], (role, path)


BAD: list[dict[str, Any]] = [
    DRAFT | {"reference": PERSON["phone"]},
    DRAFT | {"reference": PERSON["name"]},
    DRAFT | {"product": PERSON["name"]},
    DRAFT | {"asset_class": PERSON["phone"]},
    DRAFT | {"amount_fen": PERSON["phone"]},
    DRAFT | {"currency": PERSON["name"]},
    DRAFT | {"expires_on": PERSON["identity_number"]},
    DRAFT | {"subject": PERSON["phone"], "name": PERSON["name"]},
    DRAFT | {"name": [PERSON["name"]], "phone": {"number": PERSON["phone"]}},
    DRAFT | {"name": PERSON["name"] * 100, "address": ""},
    DRAFT | {"name": PERSON["name"]},
    DRAFT | {PERSON["phone"]: 1, PERSON["name"]: 2},
    {PERSON["phone"]: PERSON["name"]},
]


@pytest.mark.parametrize("language", ["en", "zh-CN"])
@pytest.mark.parametrize("body", BAD, ids=range(len(BAD)))
async def test_problems_do_not_repeat_what_was_sent(http: Http, body: dict[str, Any], language: str) -> None:
    with capture_logs() as logs:
        answer = await http.post("/v1/applications", body, Accept_Language=language)
    assert answer.status_code in (409, 422)
    assert leaks(answer.text) == []
    assert leaks(str(answer.headers)) == []
    assert leaks(repr(logs)) == []


async def test_neither_do_they_repeat_addresses_headers_and_queries(http: Http) -> None:
    phone = PERSON["phone"]
    with capture_logs() as logs:
        answers = [
            await http.get(f"/v1/applications/{phone}"),
            await http.get(f"/v1/{phone}"),
            await http.get(f"/v1/applications?{phone}=1"),
            await http.get(f"/v1/applications?state={phone}"),
            await http.get(f"/v1/applications?limit={phone}"),
            await http.get(f"/v1/applications?starting_after={phone}"),
            await http.get(f"/v1/applications?as_of={phone}"),
            await http.get(f"/v1/events?types={phone},,"),
            await http.get(f"/v1/receipts/event_{phone}"),
            await http.get(f"/problems/{phone}"),
            await http.get("/v1/events/stream", Last_Event_ID=f"x{phone}"),
            await http.post("/v1/applications", DRAFT, key=phone),
            await http.post("/v1/applications", DRAFT, Case_Id=phone),
            await http.post(f"{await http.given()}/submit", If_Match=phone),
            await http.client.get("/v1/applications", headers={"Authorization": f"Bearer {phone}"}),
            await http.client.request(phone, "/v1/applications"),
        ]
    assert {answer.status_code // 100 for answer in answers} == {4}
    for answer in answers:
        assert phone not in answer.text
        assert phone not in str(answer.headers)
    assert phone not in repr(logs)


async def test_refusals_do_not_repeat_free_text(http: Http) -> None:
    address = await http.given(("submit", None))
    refused = await http.post(f"{address}/start_work", {"lane": PERSON["name"]})
    assert refused.json()["code"] == "application.work_not_scheduled"
    assert leaks(refused.text) == []


async def test_access_log(http: Http) -> None:
    with capture_logs() as logs:
        answer = await http.post("/v1/applications", DRAFT | PERSON)
        await http.get(f"{answer.headers['location']}?at_least=1")
    assert [(line["method"], line["route"], line["status"]) for line in logs] == [
        ("POST", "/v1/applications", 201),
        ("GET", "/v1/applications/{application}", 200),
    ]
    assert logs[0]["request_id"] == answer.headers["x-request-id"]
    assert leaks(repr(logs)) == []


async def test_what_was_sent_can_be_opened_in_the_vault(http: Http) -> None:
    """The other side: the values are there, for those who may open them for a purpose."""
    address = await http.given(**PERSON)
    event = (await http.get(f"{address}/events")).json()["data"][0]["entry"]
    assert len(event["_sd"]) >= len(SECRETS)
    assert "name" not in event["body"]
