"""Text that no database stores, in every place of every request: an answer to the caller, never a fault of ours."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote_to_bytes

import httpx
import pytest

from adapters.system import new_id
from tests.api.http import contract
from tests.api.http.driver import DRAFT, PERSON, Http

TEXTS = ("%00", "a%00b", "%ED%A0%80", "%FF", "%EF%BF%BF")
"""NUL, alone and inside; a surrogate in UTF-8; what is no UTF-8; a character that is none."""

NOBODY = "0" * 32
FAULT_STATUS = 500


def filled(place: dict[str, Any], text: str | None) -> str:
    """A parameter's text, or one that fits where it has to have one."""
    if text is not None:
        return text
    known = {"as_of": "2026-11-28"}
    return known.get(place["name"], f"{place['name']}_{NOBODY}")


def request_with(
    path: str, places: list[dict[str, Any]], bad: dict[str, Any], text: str
) -> tuple[str, dict[bytes, bytes]]:
    """The address and the headers of a request in which one parameter is this text."""
    query, headers = list[str](), dict[bytes, bytes]()
    for place in places:
        given = text if place is bad else None
        if place["in"] == "path":
            path = path.replace(f"{{{place['name']}}}", filled(place, given))
        elif place["in"] == "query" and (given or place.get("required")):
            query.append(f"{place['name']}={filled(place, given)}")
        elif place["in"] == "header" and given:
            headers[place["name"].encode()] = unquote_to_bytes(given)
    return f"{path}?{'&'.join(query)}", headers


@pytest.mark.parametrize("text", TEXTS)
async def test_every_parameter_of_every_operation(http: Http, text: str) -> None:
    http.project()
    document = (await http.client.get("/v1/openapi.json")).json()
    faults, asked = set[tuple[str, str, str]](), 0
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            parameters = contract.whole(document, operation)["parameters"]
            for place in parameters:
                address, more = request_with(path, parameters, place, text)
                headers = {
                    name.encode(): one.encode() for name, one in http.headers(Idempotency_Key=new_id().hex).items()
                }
                answer = await http.client.request(
                    method, address, headers=list((headers | more).items()), json={} if method == "post" else None
                )
                asked += 1
                if answer.status_code >= FAULT_STATUS:
                    faults.add((method, path, place["name"]))
    assert faults == set()
    assert asked > 500


@pytest.mark.parametrize("text", ["\\u0000", "a\\u0000b", "\\ud800", "\\uffff"])
async def test_every_member_of_every_body(http: Http, text: str) -> None:
    document = (await http.client.get("/v1/openapi.json")).json()
    faults = set[tuple[str, str]]()
    for path, methods in document["paths"].items():
        taken = methods.get("post", {}).get("requestBody", {}).get("content", {}).get("application/json")
        if taken is None:
            continue
        schema = document["components"]["schemas"].get(taken["schema"].get("$ref", "").rpartition("/")[2], {})
        for member in schema.get("properties", ()):
            address = path.replace("{", "").replace("}", f"_{NOBODY}")
            answer = await sent(http, address, f'{{"{member}":"{text}"}}')
            if answer.status_code >= FAULT_STATUS:
                faults.add((path, member))
    assert faults == set()


@pytest.mark.parametrize("member", [name for name, one in (DRAFT | PERSON).items() if isinstance(one, str)])
async def test_a_body_that_fits_but_for_one_character(http: Http, member: str) -> None:
    for text, status in (("a\0b", 422), ("\ud800", 400)):
        body = DRAFT | PERSON | {member: text}
        answer = await sent(http, "/v1/applications", json.dumps(body))
        assert answer.status_code == status, answer.text


async def sent(http: Http, path: str, body: str) -> httpx.Response:
    """POST these characters."""
    headers = http.headers(Idempotency_Key=new_id().hex, Content_Type="application/json")
    return await http.client.post(path, content=body.encode(), headers=headers)


@pytest.mark.parametrize(
    "name", ["Authorization", "Accept-Language", "Idempotency-Key", "If-None-Match", "Case-Id", "Cookie"]
)
async def test_every_header_that_is_read(http: Http, name: str) -> None:
    for text in TEXTS:
        headers = {one.encode(): value.encode() for one, value in http.headers(Idempotency_Key=new_id().hex).items()}
        headers[name.encode()] = b"Bearer " * (name == "Authorization") + unquote_to_bytes(text)
        for answer in (
            await http.client.post("/v1/applications", headers=list(headers.items()), json=DRAFT),
            await http.client.get("/v1/plans", headers=list(headers.items())),
        ):
            assert answer.status_code < FAULT_STATUS


@pytest.mark.parametrize("text", TEXTS)
async def test_every_address_without_a_description(http: Http, text: str) -> None:
    for path in (f"/{text}", f"/v1/{text}", f"/tlog/{text}", f"/v1/applications/{text}/{text}", f"/problems/{text}"):
        for method in ("GET", "POST", "HEAD", "OPTIONS", "PUT"):
            answer = await http.client.request(method, path, headers=http.headers(Idempotency_Key="k"))
            assert answer.status_code in (404, 405, 422, 204), (method, path)
