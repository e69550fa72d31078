"""The OpenAPI document: the framework's view of the routes, completed with answers, headers and problems.

Schemas of answers come from the structs that are encoded, schemas of commands from the domain's own declarations.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi

from api.http import words
from api.http.authentication import Needs
from api.http.commands.models import model_of
from api.http.description import DescribedRoute, Description
from api.http.document.entries import event_schemas
from api.http.document.sharing import shared
from api.http.problems.faults import CODES
from api.http.problems.problem import MEDIA_TYPE, ProblemBody
from api.permissions import Permission

VERSION = "1"
SERVERS: list[dict[str, Any]] = [
    {"url": "/", "description": "The program that serves this document"},
    {
        "url": "{base}",
        "description": "Where it is reached from elsewhere",
        "variables": {
            "base": {"default": "http://127.0.0.1:8080", "description": "Scheme, host and path before `/v1`"},
        },
    },
]
_REF = "#/components/schemas/{name}"
_RENAMED = {"ProblemBody": "Problem", "FaultBody": "Fault"}
_TITLES = {
    400: "A header or the body is not well formed",
    401: "No key, or one that is not valid",
    403: "The role of this key may not do this",
    404: "There is no such resource, or it belongs to another tenant",
    409: "A rule says no, or the request is being handled",
    412: "The resource is not at the version that was insisted on",
    413: "The body is too large",
    415: "The body is not application/json",
    422: "The payload or the query does not fit, or the Idempotency-Key was used for something else",
    429: "More was asked for than is allowed in this time: go on after Retry-After",
    500: "Something went wrong on our side",
    503: "Not now: repeat the request after Retry-After",
}


def document(app: FastAPI) -> dict[str, Any]:
    """The whole document, the same for the same code."""
    routes = [route for route in app.routes if isinstance(route, DescribedRoute)]
    found = get_openapi(
        title="leaseledger",
        version=VERSION,
        openapi_version="3.1.0",
        description=words.DESCRIPTION,
        routes=routes,
        tags=words.TAGS,
        servers=SERVERS,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    schemas = found["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for name, schema in (_schemas(one.description_of for one in routes) | _bodies(routes)).items():
        # A struct that is also part of a command is described there already, and more strictly.
        schemas.setdefault(name, schema)
    schemas["Fault"]["properties"]["code"]["enum"] = list(CODES)
    schemas["EventItem"]["properties"]["entry"] = {"$ref": _REF.format(name="Entry")}
    schemas |= event_schemas(schemas)
    found["components"]["headers"] = _headers()
    found["components"]["responses"] = {
        f"Problem{status}": _problem(status, title) for status, title in _TITLES.items()
    }
    for route in routes:
        method = next(iter(route.methods or ())).lower()
        _complete(found["paths"][route.path_format][method], route)
    return shared(found)


def _schemas(described: Iterable[Description]) -> dict[str, Any]:
    answers = [ProblemBody, *(one.answer for one in described if one.answer is not None)]
    _, components = msgspec.json.schema_components(answers, ref_template=_REF)
    text = msgspec.json.encode(components).decode()
    for old, new in _RENAMED.items():
        text = text.replace(f'"#/components/schemas/{old}"', f'"#/components/schemas/{new}"')
        text = text.replace(f'"{old}":', f'"{new}":').replace(f'"title":"{old}"', f'"title":"{new}"')
    decoded: dict[str, Any] = msgspec.json.decode(text)
    return decoded


def _bodies(routes: Iterable[DescribedRoute]) -> dict[str, Any]:
    """Schemas of bodies that no signature has."""
    found: dict[str, Any] = {}
    for route in routes:
        for taken in (route.description_of.takes or {}).values():
            if isinstance(taken, type):
                schema = model_of(taken).model_json_schema(ref_template=_REF.replace("{name}", "{model}"))
                found |= schema.pop("$defs", {}) | {taken.__name__: schema}
    return found


def _headers() -> dict[str, Any]:
    whole, text = {"type": "integer", "minimum": 0}, {"type": "string"}
    described = {
        "Ledger-Position": (words.LEDGER_POSITION, whole),
        "ETag": (words.ETAG, text),
        "X-Request-Id": (words.REQUEST_ID, text),
        "Idempotent-Replayed": (words.REPLAYED, {"type": "string", "enum": ["true"]}),
        "Link": (words.LINK, text),
        "Location": ("The address of what was created.", text),
        "Retry-After": ("Seconds to wait.", whole),
        "RateLimit": (words.RATE_LIMIT, text),
        "RateLimit-Policy": (words.RATE_LIMIT_POLICY, text),
        "Content-Language": ("`en` or `zh-CN`, by Accept-Language.", text),
    }
    return {name: {"description": words_of, "schema": schema} for name, (words_of, schema) in described.items()}


def _problem(status: int, title: str) -> dict[str, Any]:
    more = ("Retry-After", "RateLimit", "RateLimit-Policy") if status == 429 else ()
    return {
        "description": title,
        "headers": _refs("X-Request-Id", "Content-Language", *more),
        "content": {MEDIA_TYPE: {"schema": {"$ref": _REF.format(name="Problem")}}},
    }


def _refs(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _complete(operation: dict[str, Any], route: DescribedRoute) -> None:
    """Fill in one operation's answers, and what its signature does not say."""
    described = route.description_of
    if (permission := _permission(route.dependant)) is not None:
        operation["description"] += f"\n\nNeeds the permission `{permission.value}`."
    operation["responses"] = dict(sorted(_answers(described).items()))
    if described.takes is not None:
        taken = {media_type: {"schema": _schema(one)} for media_type, one in described.takes.items()}
        operation["requestBody"] = {"content": taken}
    if "requestBody" in operation:
        operation["requestBody"]["required"] = not described.body_optional
    if described.parameters:
        operation.setdefault("parameters", []).extend(described.parameters)
    if described.security:
        operation["security"] = list(described.security)
    # Whoever reads a document without a word on it has to guess whether a key is needed.
    operation.setdefault("security", [])


def _permission(dependant: Dependant) -> Permission | None:
    """The permission that one of a route's dependencies asks for."""
    if isinstance(dependant.call, Needs):
        return dependant.call.permission
    return next((found for one in dependant.dependencies if (found := _permission(one)) is not None), None)


def _answers(described: Description) -> dict[str, Any]:
    headers = _refs("X-Request-Id", *described.headers)
    content = described.content or {"application/json": {"schema": _schema(described.answer)}}
    answers: dict[str, Any] = {
        str(described.status): {"description": described.words, "headers": headers, "content": content}
    }
    for status, said in described.also.items():
        body = {} if status == 304 else {"content": content}
        answers[str(status)] = {"description": said, "headers": headers, **body}
    for status in described.problems:
        answers.setdefault(str(status), {"$ref": f"#/components/responses/Problem{status}"})
    return answers


def _schema(one: Any) -> Any:
    """A reference to a struct's schema; other schemas as they are."""
    if not isinstance(one, type):
        return one
    return {"$ref": _REF.format(name=_RENAMED.get(one.__name__, one.__name__))}
