"""Commands over HTTP: given events, when a request comes, then the response and what was appended."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from api.exposed import segment_of
from api.exposure import exposed
from api.http.commands.endpoint import BODY_MAX_BYTES
from api.http.commands.specs import specs
from domain.intake.application.commands import DraftApplication, RouteToLane, SubmitApplication
from domain.intake.application.rules import APPLICATION
from domain.kernel.ids import format_id, parse_id
from tests.access import stream_of
from tests.api.http import cases
from tests.api.http.driver import DRAFT, PERSON, Http

DIGEST = "a" * 64
TERMS = {"amount_fen": 599_900, "currency": "CNY", "months": 12, "annual_rate": "0.12", "deposit_fen": 0}
UPLOAD = {"digest": DIGEST, "kind": "identity_card_front", "media_type": "image/jpeg", "size_bytes": 10}
VERIFYING: tuple[tuple[str, Any], ...] = (("submit", None), ("start_verification", None))

APPLICATIONS = exposed("application")


async def test_draft(http: Http) -> None:
    drafted = await http.post("/v1/applications", DRAFT | PERSON)
    assert drafted.status_code == 201
    body = drafted.json()
    assert drafted.headers["location"] == f"/v1/applications/{body['id']}"
    assert drafted.headers["etag"] == '"1"'
    assert drafted.headers["ledger-position"] == str(body["last_position"])
    assert body["receipt"] == f"/v1/receipts/{body['last_position']}"
    assert "idempotent-replayed" not in drafted.headers
    assert await http.events(body["id"]) == ["application.drafted.v1"]


async def test_a_case_from_draft_to_contract(http: Http) -> None:
    subject = parse_id("subject", PERSON["subject"])
    for purpose, provider in (("third_parties", "bureau"), ("biometrics", "bureau"), ("third_parties", "carrier")):
        await cases.consented(http, subject, purpose, provider)
    await cases.consented(http, subject, "automated_decision")
    terms = await cases.quoted(http)
    address = await http.given(
        ("submit", None),
        ("upload_document", UPLOAD),
        ("record_document_extraction", {"digest": DIGEST, "confidence": "0.99", "provider": "ocr"}),
        ("route_to_lane", {"lane": "零售快速"}),
        ("start_verification", None),
        ("record_identity_verified", {"provider": "bureau"}),
        ("record_liveness_passed", {"provider": "bureau", "answer": DIGEST}),
        ("record_carrier_name_mismatched", {"provider": "carrier", "reason": "name_differs"}),
        ("complete_verification", None),
        ("refer", {"reasons": ["carrier_mismatch"]}),
        ("finalise_terms", {"terms": terms}),
        ("select_offer", None),
        ("create_offer", {"title": "手机租赁"}),
        ("present_offer", None),
        ("record_offer_returned", None),
        ("approve", {"terms": terms}),
        ("accept_offer", None),
        ("start_contracting", None),
        **PERSON,
    )
    assert (await http.events(address))[-2:] == [
        "application.offer_accepted.v1",
        "application.contracting_started.v1",
    ]
    (await http.when(f"{address}/complete")).then_refused(409, "application.lease_not_begun")
    shown = (await http.get(address)).json()
    assert shown["state"] == "contracting"
    assert shown["terms"] == terms


async def test_refusal_appends_nothing(http: Http) -> None:
    address = await http.given(("submit", None))
    size = await http.size()
    refused = await http.post(f"{address}/submit")
    assert refused.status_code == 409
    assert refused.json()["code"] == "application.not_draft"
    assert refused.json()["facts"] == {"phase": "submitted"}
    assert await http.size() == size


async def test_refusal_names_its_statute(http: Http) -> None:
    address = await http.given(*VERIFYING, ("request_human_review", None))
    refused = await http.post(f"{address}/complete_human_review", {"finding": "confirmed"})
    assert refused.status_code == 409
    assert refused.json()["code"] == "application.reviewer_not_entitled"
    assert refused.json()["source"] == "个人信息保护法 24"


async def test_event_carries_role_key_and_case(http: Http) -> None:
    address = await http.given(("submit", None))
    first, second = (one.parsed() for one in await http.running.reader.stream(UUID(address.rpartition("_")[2])))
    assert first.actor.role == "operator"
    assert first.actor.id.startswith("person_")
    assert first.actor.via == format_id("api_key", stream_of(http.key()))
    assert first.tenant == http.tenant
    assert first.correlation == second.correlation == first.stream
    assert first.cause != second.cause


async def test_case_id_is_kept_by_later_commands(http: Http) -> None:
    case = UUID(int=7)
    drafted = await http.post("/v1/applications", DRAFT, Case_Id=f"case_{case.hex}")
    await http.post(f"{drafted.headers['location']}/submit")
    stream = UUID(drafted.json()["id"].rpartition("_")[2])
    assert [one.parsed().correlation for one in await http.running.reader.stream(stream)] == [case, case]


async def test_case_id_of_another_form_is_refused(http: Http) -> None:
    answer = await http.post("/v1/applications", DRAFT, Case_Id="case_7")
    assert answer.status_code == 400
    assert answer.json()["code"] == "header.invalid"


@pytest.mark.parametrize("command", APPLICATION.commands, ids=lambda command: command.__name__)
async def test_every_command_has_a_route(http: Http, command: type[Any]) -> None:
    """A command without fields is done or refused by a rule; one with fields says which it misses."""
    segment = segment_of(command, APPLICATIONS)
    address = "/v1/applications" if not segment else f"{await http.given()}/{segment}"
    answer = await http.post(address, {})
    spec = next(spec for spec in specs(APPLICATIONS) if spec.command is command)
    if spec.reader.may_be_empty:
        assert answer.status_code in (200, 409)
    else:
        assert answer.status_code == 422
        assert {error["code"] for error in answer.json()["errors"]} == {"missing"}


def test_segments() -> None:
    assert [segment_of(command, APPLICATIONS) for command in (DraftApplication, SubmitApplication, RouteToLane)] == [
        "", "submit", "route_to_lane",
    ]  # fmt: skip
    assert len({spec.path for spec in specs(APPLICATIONS)}) == len(APPLICATION.commands)


def test_every_command_takes_a_permission() -> None:
    assert {command.__name__ for command in APPLICATION.commands} == set(APPLICATIONS.permission_of)


async def test_empty_body_is_an_empty_object(http: Http) -> None:
    address = await http.given()
    headers = http.headers(Idempotency_Key="empty-body")
    done = await http.client.post(f"{address}/submit", headers=headers)
    assert done.status_code == 200


async def test_faults_have_pointers(http: Http) -> None:
    bad = DRAFT | {"amount_fen": -1, "asset_class": "ship", "surprise": 1}
    answer = await http.post("/v1/applications", bad)
    assert answer.status_code == 422
    faults = {(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]}
    assert faults == {("/amount_fen", "too_small"), ("/asset_class", "not_one_of"), ("", "unknown_member")}


async def test_nested_faults_have_pointers(http: Http) -> None:
    address = await http.given()
    answer = await http.post(f"{address}/finalise_terms", {"terms": TERMS | {"months": 0, "annual_rate": "1e3"}})
    assert {fault["pointer"] for fault in answer.json()["errors"]} == {"/terms/months", "/terms/annual_rate"}
    answer = await http.post(f"{address}/refer", {"reasons": ["a", "B"]})
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/reasons/1"]


async def test_what_is_not_json(http: Http) -> None:
    for body, code in (
        (b"{", "body.not_json"),
        (b'{"a":1}}', "body.not_json"),
        (b"\xff", "body.not_json"),
        (b'{"lane":"a","lane":"b"}', "body.duplicate_member"),
    ):
        headers = http.headers(Idempotency_Key="k", Content_Type="application/json")
        answer = await http.client.post(f"{await http.given()}/route_to_lane", content=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (400, code)


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/json; charset=gbk", "application/merge-patch+json", ""]
)
async def test_other_media_types(http: Http, media_type: str) -> None:
    headers = http.headers(Idempotency_Key="k", Content_Type=media_type)
    answer = await http.client.post("/v1/applications", content=b"{}", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (415, "body.media_type")


async def test_json_with_its_charset(http: Http) -> None:
    headers = http.headers(Idempotency_Key="k", Content_Type='application/json; charset="UTF-8"')
    answer = await http.client.post(f"{await http.given()}/submit", content=b"{}", headers=headers)
    assert answer.status_code == 200


async def test_large_bodies(http: Http) -> None:
    async def chunks() -> Any:
        for _ in range(3):
            yield b" " * (BODY_MAX_BYTES // 2)

    headers = http.headers(Idempotency_Key="k", Content_Type="application/json")
    for content in (b" " * (BODY_MAX_BYTES + 1), chunks()):
        answer = await http.client.post("/v1/applications", content=content, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (413, "body.too_large")


async def test_text_the_ledger_cannot_hold(http: Http) -> None:
    address = await http.given(("submit", None))
    for lane in ("a\u0000b", "a\nb"):
        answer = await http.post(f"{address}/route_to_lane", {"lane": lane})
        assert answer.status_code == 422
    for lane in ("e\u0301", "a\u202eb"):
        (await http.when(f"{address}/route_to_lane", {"lane": lane})).then_refused(409, "application.lane_not_exact")
    assert (await http.events(address))[-1] == "application.submitted.v1"


async def test_commands_take_no_query(http: Http) -> None:
    answer = await http.post("/v1/applications?dry_run=1", DRAFT)
    assert (answer.status_code, answer.json()["code"]) == (422, "query.invalid")


async def test_unknown_application(http: Http) -> None:
    for name in ("application_" + "0" * 32, "application_1", "lease_" + "0" * 32, "%2e%2e"):
        answer = await http.post(f"/v1/applications/{name}/submit")
        assert answer.status_code == 404, name
