"""Reading one of an aggregate: its state, folded from its own stream, and its events; derived like its commands.

Applications and leases have richer resources of their own; their state is not shown here a second time.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from fastapi import FastAPI, Request
from msgspec import Struct
from pydantic.json_schema import models_json_schema
from starlette.responses import Response

from adapters.postgres.reader import Stored
from api.http import catalogue
from api.http.aggregates import APPLICATIONS, EXPOSED, LEASES, Exposed
from api.http.answers import PAGE_DEFAULT, Limit, versioned
from api.http.commands import stream_id
from api.http.models import model_of, noun_of
from api.http.problems import Problem
from api.http.reads import STRICT, AfterPosition, ApplicationReader, At, Of, events_answer, page_of_stream
from api.http.routes import path_of
from domain.kernel.ids import format_id
from projections.engine.reading import decode

READ_HERE = tuple(of for of in EXPOSED if of not in (APPLICATIONS, LEASES))
LISTED_HERE = tuple(of for of in EXPOSED if of is not APPLICATIONS)
STATE_READS = {f"read_{of.noun}": of.noun.capitalize() for of in READ_HERE}
"""Names of the operations that answer with a state, and of their resources."""

EVENT_READS = tuple(f"list_events_of_{of.noun}" for of in LISTED_HERE)
_REF = "#/components/schemas/{model}"
_RENAMED = {"phase": "state"}
_OWN = frozenset({"version"})


def resource(of: Exposed, stream: UUID, stored: list[Stored]) -> dict[str, Any] | None:
    """The state of one of an aggregate as people see it; `None` for no events."""
    if not stored:
        return None
    state = of.decider.initial
    for one in stored:
        state = of.decider.evolve(state, decode(one.position, one.entry).event)
    own = {name: _shown(getattr(state, name), name) for name in state.__struct_fields__ if name not in _OWN}
    return {
        "id": format_id(of.noun, stream),
        "version": len(stored),
        **{_RENAMED.get(name, name): value for name, value in own.items()},
        "first_position": stored[0].position,
        "last_position": stored[-1].position,
    }


def _shown(value: Any, name: str) -> Any:
    if isinstance(value, Struct):
        return {field: _shown(getattr(value, field), field) for field in value.__struct_fields__}
    if isinstance(value, UUID):
        return format_id(noun_of(name), value)
    if isinstance(value, (tuple, frozenset)):
        several = [_shown(one, name) for one in value]
        return sorted(several) if isinstance(value, frozenset) else several
    return value.isoformat() if isinstance(value, date) else value


def schemas() -> dict[str, Any]:
    """Schemas of all resources of this file, and of what they hold, by name."""
    states: list[type[Struct]] = [type(of.decider.initial) for of in READ_HERE]
    models = list(map(model_of, states))
    found: dict[str, Any] = models_json_schema([(model, "validation") for model in models], ref_template=_REF)[1][
        "$defs"
    ]
    for of, model in zip(READ_HERE, models, strict=True):
        found[of.noun.capitalize()] = _whole(of, found.pop(model.__name__))
    return found


def _whole(of: Exposed, state: Mapping[str, Any]) -> dict[str, Any]:
    position = {"type": "integer", "minimum": 0}
    own = {_RENAMED.get(name, name): schema for name, schema in state["properties"].items() if name not in _OWN}
    properties = {
        "id": {"type": "string", "pattern": f"^{of.noun}_[0-9a-f]{{32}}$"},
        "version": {"type": "integer", "minimum": 1},
        **own,
        "first_position": position,
        "last_position": position,
    }
    described = f"One {of.noun}, folded from its own events; valid at the version in `ETag`. Holds no personal data."
    return {
        "type": "object",
        "title": of.noun.capitalize(),
        "description": described,
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


Route = Callable[..., Awaitable[Response]]


def _described(route: Route, of: Exposed, name: str, words_of: str, **more: Any) -> Route:
    """Give a route the name, the words and the parameters by which it is described and called."""
    kind = inspect.Parameter.KEYWORD_ONLY
    annotations = {of.noun: path_of(of), "principal": ApplicationReader, "at": At, "services": Of}
    parameters = [inspect.Parameter(one, kind, annotation=annotation) for one, annotation in annotations.items()]
    parameters.append(inspect.Parameter("request", kind, annotation=Request))
    parameters += [
        inspect.Parameter(one, kind, annotation=annotation, default=default)
        for one, (annotation, default) in more.items()
    ]
    route.__name__, route.__doc__ = name, words_of
    route.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return route


def _state_route(of: Exposed) -> Route:
    async def read(*, request: Request, principal: Any, at: Any, services: Any, **path: str) -> Response:
        stream = stream_id(of.noun, path[of.noun])
        await services.owner_of(stream, principal.tenant, of.noun)
        position = await at.in_ledger(services)
        found = resource(of, stream, await services.running.reader.stream(stream, up_to_position=position))
        if found is None:
            raise Problem(catalogue.NOT_FOUND)
        return versioned(request, found, found["version"], position)

    words_of = f"One {of.noun}, folded from its own events: as fresh as the ledger, without personal data."
    return _described(read, of, f"read_{of.noun}", words_of)


def _events_route(of: Exposed) -> Route:
    async def events(
        *, request: Request, principal: Any, at: Any, services: Any, limit: int, starting_after: int, **path: str
    ) -> Response:
        stream = stream_id(of.noun, path[of.noun])
        await services.owner_of(stream, principal.tenant, of.noun)
        position = await at.in_ledger(services)
        page = await page_of_stream(services, stream, starting_after, limit, position)
        return events_answer(request, page, position)

    words_of = f"The events of one {of.noun} in order, each with the exact entry that was hashed."
    paging = {"limit": (Limit, PAGE_DEFAULT), "starting_after": (AfterPosition, 0)}
    return _described(events, of, f"list_events_of_{of.noun}", words_of, **paging)


def register(app: FastAPI) -> None:
    """Add the routes of this file."""
    routes = [(f"{of.collection}/{{{of.noun}}}", _state_route(of), of.plural) for of in READ_HERE]
    routes += [(f"{of.collection}/{{{of.noun}}}/events", _events_route(of), "events") for of in LISTED_HERE]
    for path, endpoint, tag in routes:
        app.add_api_route(path, endpoint, methods=["GET"], tags=[tag], dependencies=STRICT, response_class=Response)
