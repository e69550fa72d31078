"""The routes of commands: described like any other route, answered by `CommandEndpoint` without a detour."""

from __future__ import annotations

import inspect
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header
from fastapi.routing import APIRoute
from starlette.responses import Response

from api.http import words
from api.http.access import Principal, caller
from api.http.commands import CommandEndpoint, Spec, specs
from api.http.headers import KEY_MAX_CHARS
from api.http.reads import ApplicationPath
from api.http.services import Services

_IDEMPOTENCY = Annotated[
    str, Header(alias="Idempotency-Key", description=words.IDEMPOTENCY_KEY, min_length=1, max_length=KEY_MAX_CHARS,
                pattern="^[!#-~]+$")
]  # fmt: skip
_IF_MATCH = Annotated[
    str | None, Header(alias="If-Match", description=words.IF_MATCH, json_schema_extra={"examples": ['"3"']})
]
_CASE = Annotated[
    str | None,
    Header(alias="Case-Id", description=words.CASE_ID, json_schema_extra={"pattern": "^case_[0-9a-f]{32}$"}),
]


class CommandRoute(APIRoute):
    """A route that describes itself by a signature and is answered by an ASGI application of its own."""

    def __init__(self, services: Services, spec: Spec) -> None:
        super().__init__(
            spec.path,
            _description(spec),
            methods=["POST"],
            status_code=201 if spec.creates else 200,
            tags=["applications"],
            summary=_title(spec),
            response_class=Response,
            generate_unique_id_function=lambda route: route.name,
        )
        self.spec = spec
        self.app: CommandEndpoint = CommandEndpoint(services, spec)


def _title(spec: Spec) -> str:
    words_of = _name(spec).split("_")
    return " ".join([words_of[0].capitalize(), *words_of[1:]])


def _name(spec: Spec) -> str:
    if spec.creates:
        return "draft_application"
    return spec.segment if "_" in spec.segment else f"{spec.segment}_application"


def _description(spec: Spec) -> Any:
    """A function that only has the signature and the words of a command; it is never called."""

    async def described(**_: object) -> Response:
        raise AssertionError("commands are answered by their endpoint")

    described.__name__ = _name(spec)
    described.__doc__ = f"{inspect.getdoc(spec.command)}\n\nNeeds the permission `{spec.permission.value}`."
    kind = inspect.Parameter.KEYWORD_ONLY
    parameters = [
        inspect.Parameter("command", kind, annotation=spec.reader.model),
        inspect.Parameter("key", kind, annotation=_IDEMPOTENCY),
        inspect.Parameter("principal", kind, annotation=Annotated[Principal, Depends(caller)]),
    ]
    if spec.creates:
        parameters.append(inspect.Parameter("case", kind, annotation=_CASE, default=None))
    else:
        parameters.insert(0, inspect.Parameter("application", kind, annotation=ApplicationPath))
        parameters.append(inspect.Parameter("expected", kind, annotation=_IF_MATCH, default=None))
    described.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return described


def register(app: FastAPI, services: Services) -> dict[str, CommandEndpoint]:
    """Add a route for every command of the application; gives the endpoints by path segment."""
    routes = [CommandRoute(services, spec) for spec in specs()]
    app.router.routes.extend(routes)
    return {route.spec.segment: route.app for route in routes}
