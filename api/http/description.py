"""Description of a route beside its signature, for the OpenAPI document: answers, headers, problems, bodies."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.params import Depends as Dependency
from fastapi.routing import APIRoute
from msgspec import Struct
from starlette.responses import Response

from api.http import words
from api.http.commands.headers import KEY_MAX_CHARS

COMMAND_PROBLEMS: tuple[int, ...] = (400, 401, 403, 404, 409, 412, 413, 415, 422, 429, 500, 503)
CREATE_PROBLEMS = tuple(status for status in COMMAND_PROBLEMS if status not in (404, 412))
READ_PROBLEMS = (400, 401, 403, 404, 409, 422, 429, 500, 503)
PUBLIC_PROBLEMS = (404, 422, 429, 500, 503)

POSITION, LINK, ETAG, REPLAYED, LOCATION = "Ledger-Position", "Link", "ETag", "Idempotent-Replayed", "Location"


IDEMPOTENCY: Mapping[str, Any] = {
    "name": "Idempotency-Key", "in": "header", "required": True, "description": words.IDEMPOTENCY_KEY,
    "schema": {"type": "string", "minLength": 1, "maxLength": KEY_MAX_CHARS, "pattern": "^[!#-~]+$"},
}  # fmt: skip
IF_MATCH: Mapping[str, Any] = {
    "name": "If-Match", "in": "header", "required": False, "description": words.IF_MATCH,
    "schema": {"type": "string", "examples": ['"3"']},
}  # fmt: skip
"""Headers of routes that read them themselves."""

NOT_MODIFIED: Mapping[int, str] = {304: "The caller has this version"}


class Description(Struct, frozen=True, kw_only=True):
    """Description of one operation: its answers and its body.

    `answer` is the type of a JSON answer; `content` is another answer by media type. `takes` is a body of another media
    type or model than the signature's, `parameters` are headers that the signature does not have.
    """

    answer: Any = None
    content: Mapping[str, Any] = {}
    status: int = 200
    words: str = "The answer"
    headers: tuple[str, ...] = ()
    problems: tuple[int, ...] = READ_PROBLEMS
    takes: Mapping[str, Any] | None = None
    parameters: tuple[Mapping[str, Any], ...] = ()
    body_optional: bool = False
    security: tuple[Mapping[str, Any], ...] = ()
    also: Mapping[int, str] = {}


class DescribedRoute(APIRoute):
    """A route with a description."""

    description_of: Description


def add(
    app: FastAPI,
    method: str,
    path: str,
    endpoint: Callable[..., Awaitable[Response]],
    tag: str,
    description: Description,
    *,
    dependencies: list[Dependency],
) -> None:
    """Add a route, by the name of its endpoint."""
    route = DescribedRoute(
        path, endpoint, methods=[method], tags=[tag], dependencies=dependencies, response_class=Response,
        generate_unique_id_function=lambda route: route.name,
    )  # fmt: skip
    route.description_of = description
    app.router.routes.append(route)
