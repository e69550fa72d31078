"""The OpenAPI document: complete, and no change of it breaks a client; `tests/goldens/openapi.txt` has it in short."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from api.exposure import exposed
from api.http import words
from api.http.commands.models import model_of
from api.http.commands.specs import specs
from domain.intake.application.rules import APPLICATION
from domain.kernel.event import EVENT_TYPES, personal_fields
from domain.kernel.money import MAX_SAFE_INTEGER
from tests.api.http import contract
from tests.api.http.driver import PERSON, Http

GOLDEN = Path(__file__).parents[2] / "goldens" / "openapi.txt"
UPDATE = "LEASELEDGER_UPDATE_OPENAPI"
LARGEST_BYTES = 560_000


async def test_no_client_breaks(http: Http) -> None:
    """The interface that is promised: one line for each operation and each schema; changes may only add."""
    served = contract.lines((await http.client.get("/v1/openapi.json")).json())
    promised = contract.read(GOLDEN.read_text("utf-8"))
    wanted = os.environ.get(UPDATE)
    broken = contract.breaks(promised, served)
    assert not broken or wanted == "breaking", f"{UPDATE}=breaking accepts this, with an entry in DECISIONS.md"
    if wanted:
        GOLDEN.write_text(contract.written(served), "utf-8")
    assert GOLDEN.read_text("utf-8") == contract.written(served), f"run this test with {UPDATE}=1 and read the diff"


@pytest.fixture
def document(http: Http) -> dict[str, Any]:
    """The document of the running program."""
    found: dict[str, Any] = http.app.openapi()
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(path, method, operation) of every operation, with shared parts in their places."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, contract.whole(document, operation)


def test_every_route_is_documented(http: Http, document: dict[str, Any]) -> None:
    routes = {(route.path_format, method.lower()) for route in http.app.routes for method in route.methods}
    assert routes == {(path, method) for path, method, _ in operations(document)}
    for path, method, operation in operations(document):
        assert operation["summary"], path
        assert len(operation["description"]) > 10, path
        assert operation["tags"][0] in {tag["name"] for tag in words.TAGS}, path
        assert method in ("get", "post")


def test_operation_ids_are_unique_and_readable(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names))
    assert {"draft_application", "submit_application", "route_to_lane", "read_receipt"} <= set(names)
    assert all(name.replace("_", "").isalpha() for name in names)


def test_every_parameter_and_field_has_words(document: dict[str, Any]) -> None:
    for path, _, operation in operations(document):
        for parameter in operation.get("parameters", []):
            assert parameter.get("description"), (path, parameter["name"])
    for command in APPLICATION.commands:
        for name, field in model_of(command).model_fields.items():
            assert field.description, (command.__name__, name)


def test_every_answer_is_described(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        answers = operation["responses"]
        assert "500" in answers, path
        if path.endswith("/callbacks"):
            assert {"400", "401", "404", "409", "413"} <= answers.keys()
            assert "requestBody" in operation
        elif method == "post":
            assert {"400", "401", "403", "409", "422", "503"} <= answers.keys(), path
            success = answers.get("201") or answers.get("202") or answers["200"]
            if path in ("/v1/quotes", "/v1/parked/retry"):
                # Nothing is written, so there is no position, no version and nothing to replay.
                assert "Ledger-Position" not in success["headers"]
                continue
            if path == "/v1/subjects/{subject}/look":
                # Every look is an event of its own, under a key that is made here.
                assert "Idempotent-Replayed" not in success["headers"]
                continue
            assert {"Ledger-Position", "ETag", "Idempotent-Replayed"} <= success["headers"].keys()
        for status in answers:
            if int(status) >= 400 and "$ref" in answers[status]:
                assert answers[status]["$ref"] == f"#/components/responses/Problem{status}"


def test_references_lead_somewhere(document: dict[str, Any]) -> None:
    def references(part: Any) -> Iterator[str]:
        if isinstance(part, dict):
            yield from ([part["$ref"]] if isinstance(part.get("$ref"), str) else [])
            part = list(part.values())
        if isinstance(part, list):
            for one in part:
                yield from references(one)

    for reference in set(references(document)):
        found: Any = document
        for name in reference.removeprefix("#/").split("/"):
            found = found[name]
        assert found, reference


def test_commands_are_closed_and_limited(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for spec in specs(exposed("application")):
        schema = schemas[spec.command.__name__]
        assert schema["additionalProperties"] is False
        for name, field in schema["properties"].items():
            assert "default" not in field, (spec.segment, name)
            if field.get("type") == "string" and "format" not in field:
                assert "maxLength" in field, (spec.segment, name)
            if field.get("type") == "integer":
                assert {"minimum", "maximum"} <= field.keys(), (spec.segment, name)
    assert schemas["DraftApplication"]["required"] == [
        "reference", "asset_class", "product", "channel", "amount_fen", "currency",
    ]  # fmt: skip


@pytest.mark.parametrize("path", ["/v1/parked/retry", "/v1/api_keys/{api_key}/rotate"])
def test_a_body_that_may_be_left_out_is_said_to_be(document: dict[str, Any], path: str) -> None:
    assert document["paths"][path]["post"]["requestBody"]["required"] is False


def test_addresses_are_those_of_the_program_that_serves_the_document(document: dict[str, Any]) -> None:
    assert [one["url"] for one in document["servers"]] == ["/", "{base}"]
    assert document["servers"][1]["variables"].keys() == {"base"}


def test_security(document: dict[str, Any]) -> None:
    assert all("security" in operation for _, _, operation in operations(document))
    public = {path for path, _, operation in operations(document) if operation["security"] == []}
    assert public == {
        "/healthz", "/readyz", "/problems", "/problems/{code}", "/v1/openapi.json", "/tlog/checkpoint", "/tlog/vkeys",
        "/v1/providers/{provider}/callbacks",
    }  # fmt: skip
    assert document["components"]["securitySchemes"]["ApiKey"]["scheme"] == "bearer"


def parts(document: Any) -> Iterator[dict[str, Any]]:
    """Every object of a document."""
    if isinstance(document, dict):
        yield document
        document = list(document.values())
    if isinstance(document, list):
        for one in document:
            yield from parts(one)


async def test_generators_find_names_that_they_can_use(http: Http) -> None:
    """Of nouns, never of modules; an operation's becomes a function, a schema's a class and a file."""
    document = (await http.client.get("/v1/openapi.json")).json()
    schemas = document["components"]["schemas"]
    assert [name for name in schemas if not re.fullmatch("[A-Z][A-Za-z0-9]+", name)] == []
    assert [name for name, one in schemas.items() if one.get("title", name) != name] == []
    operations = [one["operationId"] for methods in document["paths"].values() for one in methods.values()]
    assert [name for name in operations if not re.fullmatch("[a-z]+(_[a-z]+)*", name) or len(name) > 40] == []
    assert len(set(operations)) == len(operations)


async def test_bounds_of_integers_are_integers(http: Http) -> None:
    document = (await http.client.get("/v1/openapi.json")).json()
    bounds = [
        one[name]
        for one in parts(document)
        if one.get("type") == "integer"
        for name in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
        if name in one
    ]
    assert len(bounds) > 100
    assert [bound for bound in bounds if not isinstance(bound, int)] == []
    assert max(bounds) <= MAX_SAFE_INTEGER


def test_every_operation_that_needs_a_key_says_which_permission(http: Http) -> None:
    """Whoever gives keys out need not try."""
    silent = [
        f"{method} {path}"
        for path, methods in http.app.openapi()["paths"].items()
        for method, operation in methods.items()
        if operation["security"] and "eeds the permission `" not in " ".join(operation["description"].split())
    ]
    assert silent == []


async def test_no_two_components_are_namesakes(http: Http) -> None:
    """A generator makes a class of a schema, and some of a parameter and an answer, too: `Mandate` was a text then."""
    components = (await http.client.get("/v1/openapi.json")).json()["components"]
    names = [name for kind in ("schemas", "parameters", "responses") for name in components[kind]]
    assert len(set(names)) == len(names)
    assert {"ApplicationId", "AsOfPosition", "IdempotencyKey", "Limit"} <= components["parameters"].keys()


def test_a_parameter_that_two_operations_have_is_said_once(document: dict[str, Any]) -> None:
    said = [
        json.dumps(one, sort_keys=True)
        for methods in document["paths"].values()
        for operation in methods.values()
        for one in operation.get("parameters", ())
        if "$ref" not in one
    ]
    assert len(said) > 20
    assert len(set(said)) == len(said)


def test_no_parameter_is_null(document: dict[str, Any]) -> None:
    """What stands in an address is a text, or is not there."""
    kinds = [one["schema"] for _, _, operation in operations(document) for one in operation["parameters"]]
    assert not [kind for kind in kinds if {"type": "null"} in kind.get("anyOf", ())]


def members(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(schema, member, schema of the member or of its items) of every member."""
    for name, schema in document["components"]["schemas"].items():
        for member, one in schema.get("properties", {}).items():
            for part in (one, one.get("items"), *one.get("anyOf", ())):
                if isinstance(part, dict):
                    yield name, member, part


def test_enumerations_and_objects_of_members_have_names(document: dict[str, Any]) -> None:
    assert [one[:2] for one in members(document) if "enum" in one[2] or "properties" in one[2]] == []
    schemas = document["components"]["schemas"]
    assert [name for name, one in schemas.items() if "enum" in one and one.get("type") != "string"] == []
    assert schemas["Application"]["properties"]["state"] == {"$ref": "#/components/schemas/ApplicationState"}


def test_unions_are_told_apart_by_a_constant(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    unions = [one for one in parts(schemas) if isinstance(one.get("discriminator"), dict)]
    assert len(unions) >= 3
    for union in unions:
        apart = union["discriminator"]
        assert "oneOf" in union
        for value, reference in apart["mapping"].items():
            branch = schemas[reference.rpartition("/")[2]]
            assert branch["properties"][apart["propertyName"]]["const"] == value
            assert apart["propertyName"] in branch["required"]


def test_words_are_those_of_json_schema_alone(document: dict[str, Any]) -> None:
    """No bound in the framework's words, no pattern of one language's engine, no margin of the code in a text."""
    for one in parts(document):
        assert not [name for name in ("ge", "le", "gt", "lt") if isinstance(one.get(name), int | float)]
        assert "(?!" not in str(one.get("pattern", ""))
        assert "\n    " not in str(one.get("description", ""))


def test_objects_that_list_no_members_say_that_they_have_some(document: dict[str, Any]) -> None:
    silent = [
        one for one in parts(document["components"]["schemas"])
        if one.get("type") == "object" and "properties" not in one and "additionalProperties" not in one
    ]  # fmt: skip
    assert silent == []


def test_every_event_type_is_described(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    bodies = schemas["EventBodies"]["properties"]
    assert bodies.keys() == EVENT_TYPES.keys()
    assert schemas["EventItem"]["properties"]["entry"] == {"$ref": "#/components/schemas/Entry"}
    for name, kind in EVENT_TYPES.items():
        assert bodies[name]["$ref"] == f"#/components/schemas/{kind.__name__}"
        body = schemas[kind.__name__]
        assert body["title"] == kind.__name__
        assert body["description"], name
        assert body["properties"].keys() == set(kind.__struct_fields__) - set(personal_fields(kind))


async def test_entries_are_as_they_are_described(http: Http, document: dict[str, Any]) -> None:
    """An entry and its body fit the schemas of their names; a person's data is no part of it."""
    address = await http.given(("submit", None), **PERSON)
    page = (await http.get(f"{address}/events")).json()["data"]
    bodies = document["components"]["schemas"]["EventBodies"]["properties"]
    assert len(page) == 2
    for item in page:
        entry = item["entry"]
        for part, reference in ((entry, "#/components/schemas/Entry"), (entry["body"], bodies[entry["type"]]["$ref"])):
            schema = {"components": document["components"], "$ref": reference}
            jsonschema_rs.Draft202012Validator(schema).validate(part)


async def test_the_document_is_of_a_known_size(http: Http) -> None:
    """Half of it are problems of operations and bodies of events; sharing parameters took 300 kB from it."""
    served = await http.client.get("/v1/openapi.json", headers={"Accept-Encoding": "identity"})
    assert len(served.content) < LARGEST_BYTES


def test_what_a_proposal_is_about_may_not_be_there(document: dict[str, Any]) -> None:
    assert "404" in document["paths"]["/v1/proposals"]["post"]["responses"]
