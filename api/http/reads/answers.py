"""Shared parts of reads: the moment they answer for, query checks, pages and response headers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlencode

import msgspec
from fastapi import Depends, Query, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from msgspec import Struct
from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError
from starlette.responses import Response

from adapters.postgres.reading import browse
from api.http import words
from api.http.commands.headers import etag, listed, none_match
from api.http.problems import kinds
from api.http.problems.faults import fault, unknown_parameters
from api.http.problems.problem import Problem
from api.http.services import Services, services
from domain.kernel.money import MAX_SAFE_INTEGER
from domain.kernel.times import TimeError, parse_utc
from projections.engine import copies
from projections.engine.model import Projection

JSON = "application/json"
PRIVATE = "private, no-cache"


def _digits(given: object) -> object:
    if isinstance(given, str) and not (given.isascii() and given.isdigit()):
        raise PydanticCustomError("int_parsing", "expected digits")
    return given


DIGITS = BeforeValidator(_digits)
"""A number in an address is written with digits alone: no sign, no blank, no point."""

Where = Annotated[int | None, DIGITS, Query(ge=0, le=MAX_SAFE_INTEGER, description=words.AS_OF_POSITION)]
AtLeast = Annotated[int | None, DIGITS, Query(ge=0, le=MAX_SAFE_INTEGER, description=words.AT_LEAST)]
When = Annotated[str | None, Query(description=words.AS_OF, json_schema_extra={"format": "date-time"})]
DayOrInstant = Annotated[
    str | None,
    Query(
        description="A business date (as known at its end), or an instant of recording (RFC 3339); an instant not "
        "together with `as_of_position`.",
        json_schema_extra={"anyOf": [{"format": "date"}, {"format": "date-time"}]},
    ),
]

_ENCODER = msgspec.json.Encoder()


def encode(resource: object) -> bytes:
    """The bytes of a resource."""
    return _ENCODER.encode(resource)


async def known_query(request: Request) -> None:
    """A dependency that refuses query parameters that the route does not have, and repeated ones."""
    route = request.scope["route"]
    assert isinstance(route, APIRoute), "every route with a query is one of ours"
    known = _query_names(route.dependant)
    given = request.query_params.multi_items()
    times = Counter(name for name, _ in given)
    if unknown := times.keys() - known:
        raise Problem(kinds.QUERY_INVALID, faults=unknown_parameters(unknown))
    if repeated := sorted(name for name, count in times.items() if count > 1):
        raise Problem(kinds.QUERY_INVALID, faults=[fault(f"/{name}", "repeated") for name in repeated])


def _query_names(dependant: Dependant) -> set[str]:
    """The query parameters of a route and of everything it depends on."""
    names = {parameter.alias for parameter in dependant.query_params}
    return names.union(*map(_query_names, dependant.dependencies))


class Moment(Struct, frozen=True):
    """Which moment a read answers for: `as_of` is a position of the past or `None` for now."""

    as_of: int | None
    at_least: int

    async def in_ledger(self, of: Services) -> int:
        """The position that a read of the ledger itself answers for, after waiting for `at_least`."""
        size = await of.in_reach(self.at_least)
        return size if self.as_of is None else self.as_of

    async def in_read_model(self, of: Services, projection: Projection[Any]) -> int | None:
        """Wait until a read model holds `at_least` and `as_of`; gives `as_of` back."""
        wanted = max(self.at_least, self.as_of or 0)
        if self.at_least:
            await of.in_reach(self.at_least)

        async def reached() -> int:
            return (await of.queries.run(copies.live, projection, 0)).position

        if wanted:
            await of.wait_for(wanted, reached)
        return self.as_of


async def moment(
    of: Annotated[Services, Depends(services)],
    as_of_position: Where = None,
    as_of: When = None,
    at_least: AtLeast = None,
) -> Moment:
    """The dependency of every read that can answer for the past."""
    return await when(of, as_of_position, as_of, at_least)


async def when(of: Services, as_of_position: int | None, as_of: str | None, at_least: int | None) -> Moment:
    """The moment that was asked for. Raises `query.invalid` and `position.ahead`."""
    if as_of_position is not None and as_of is not None:
        raise Problem(kinds.QUERY_INVALID, faults=[fault("/as_of", "conflict")])
    if as_of is not None:
        as_of_position = await _position_at(of, as_of)
    if as_of_position is not None and as_of_position > (size := await of.running.reader.size()):
        raise kinds.POSITION_AHEAD(ledger_position=size)
    return Moment(as_of_position, at_least or 0)


async def _position_at(of: Services, text: str) -> int:
    try:
        instant = parse_utc(text)
    except TimeError:
        raise Problem(kinds.QUERY_INVALID, faults=[fault("/as_of", "time")]) from None
    if instant > of.now():
        raise kinds.POSITION_AHEAD(ledger_position=await of.running.reader.size())
    return await of.queries.run(browse.position_as_of, instant)


def answer(resource: object, position: int, headers: Mapping[str, str] | None = None) -> Response:
    """A resource as JSON, with the position it is valid at."""
    known = {"Ledger-Position": str(position), "Cache-Control": PRIVATE, "Vary": "Authorization"}
    return Response(encode(resource), headers=known | dict(headers or {}), media_type=JSON)


def versioned(request: Request, resource: object, version: int, position: int) -> Response:
    """A resource with its version as ETag; 304 without a body when the caller has that version."""
    response = answer(resource, position, {"ETag": etag(version)})
    if not none_match(listed(request.headers, "if-none-match"), version):
        return response
    kept = ("etag", "ledger-position", "cache-control", "vary")
    return Response(status_code=304, headers={name: response.headers[name] for name in kept})


def next_link(request: Request, following: str | int | None) -> dict[str, str]:
    """The Link header of a page that has one behind it: the same query from `following` on."""
    if following is None:
        return {}
    query = {**request.query_params, "starting_after": str(following)}
    return {"Link": f'<{request.url.path}?{urlencode(query)}>; rel="next"'}
