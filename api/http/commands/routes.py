"""The routes of commands: described like any other route, answered by `CommandEndpoint` without a detour."""

from __future__ import annotations

import inspect
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header
from starlette.responses import Response

from api.exposure import EXPOSED, list_refused
from api.http import words
from api.http.authentication import caller
from api.http.commands.endpoint import CommandEndpoint, outcome
from api.http.commands.headers import KEY_MAX_CHARS
from api.http.commands.specs import Spec, specs
from api.http.description import DescribedRoute
from api.http.reads.routes import path_of
from api.http.services import Services
from api.identity.authentication import Principal

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


class CommandRoute(DescribedRoute):
    """A route that describes itself by a signature and is answered by an ASGI application of its own."""

    def __init__(self, services: Services, spec: Spec) -> None:
        super().__init__(
            spec.path,
            _description(spec),
            methods=["POST"],
            status_code=201 if spec.creates else 200,
            tags=[spec.of.decider.plural],
            summary=_title(spec),
            response_class=Response,
            generate_unique_id_function=lambda route: route.name,
        )
        self.spec = spec
        self.app: CommandEndpoint = CommandEndpoint(services, spec, list_refused)
        self.description_of = outcome(created=spec.creates, body_optional=spec.reader.may_be_empty)


def _title(spec: Spec) -> str:
    words_of = spec.name.split("_")
    return " ".join([words_of[0].capitalize(), *words_of[1:]])


def _description(spec: Spec) -> Any:
    """A function that only has the signature and the words of a command; it is never called."""

    async def described(**_: object) -> Response:
        raise AssertionError("commands are answered by their endpoint")

    described.__name__ = spec.name
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
        parameters.insert(0, inspect.Parameter(spec.of.decider.name, kind, annotation=path_of(spec.of.decider.name)))
        parameters.append(inspect.Parameter("expected", kind, annotation=_IF_MATCH, default=None))
    described.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return described


def register(app: FastAPI, services: Services) -> dict[str, CommandEndpoint]:
    """Add a route for every command that people may give; gives the endpoints by `<plural>/<path segment>`."""
    routes = [CommandRoute(services, spec) for of in EXPOSED for spec in specs(of)]
    app.router.routes.extend(routes)
    return {f"{route.spec.of.decider.plural}/{route.spec.segment}": route.app for route in routes}
