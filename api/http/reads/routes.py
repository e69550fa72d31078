"""The routes of reads: one handler for all declarations of `api.queries`.

query ─▶ parameters ─▶ wait for `at_least` ─▶ Read.run on a thread ─▶ JSON, Ledger-Position, ETag, Link
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Path, Query, Request
from fastapi.params import Depends as Dependency
from msgspec import Struct
from starlette.responses import Response

from adapters.postgres.connections import Connection
from api.http import words
from api.http.authentication import Needs, anybody, caller
from api.http.description import ETAG, LINK, NOT_MODIFIED, POSITION, DescribedRoute, Description
from api.http.problems import kinds
from api.http.problems.faults import fault
from api.http.problems.problem import Problem
from api.http.reads.answers import (
    DIGITS,
    AtLeast,
    DayOrInstant,
    Moment,
    Where,
    answer,
    known_query,
    moment,
    next_link,
    versioned,
    when,
)
from api.http.services import Services, services
from api.identity.authentication import Principal
from api.queries.contracts import TextMissing
from api.queries.engine.parameters import (
    STARTING_AFTER,
    Parameter,
    ParameterInvalid,
    day_of,
    is_day,
    parameters_of,
    read_parameters,
    schema_of,
)
from api.queries.engine.read import PAGE_DEFAULT, PAGE_MAX, Past, Read, ReadRequest, ReadResult
from api.queries.registry import READS
from domain.kernel.ids import IdError

Of = Annotated[Services, Depends(services)]
CHECKED: list[Dependency] = [Depends(known_query)]
STRICT: list[Dependency] = [Depends(caller), *CHECKED]
"""Of routes that need a key: whoever has none, or asks too often, is refused before anything else is looked at."""

PUBLIC: list[Dependency] = [Depends(anybody), *CHECKED]
"""Of routes that need no key."""

Limit = Annotated[int, DIGITS, Query(ge=1, le=PAGE_MAX, description=words.LIMIT)]
_KEYWORD = inspect.Parameter.KEYWORD_ONLY
_FILTER = "filter_"


class At(Struct, frozen=True):
    """The moment that a read answers for, and the business date at whose end it is asked for."""

    moment: Moment
    day: Any = None


async def by_position(at: Annotated[Moment, Depends(moment)]) -> At:
    """The dependency of reads that answer for positions and instants."""
    return At(at)


async def by_day(of: Of, as_of_position: Where = None, as_of: DayOrInstant = None, at_least: AtLeast = None) -> At:
    """The dependency of reads that can answer for the end of a business date, too."""
    if as_of is not None and is_day(as_of):
        return At(await when(of, as_of_position, None, at_least), fitting(lambda: day_of("as_of", as_of)))
    return At(await when(of, as_of_position, as_of, at_least))


async def now() -> At:
    """The dependency of reads that answer for now alone."""
    return At(Moment(None, 0))


class ReadRoute(DescribedRoute):
    """The route of a read."""

    def __init__(self, read: Read) -> None:
        super().__init__(
            f"/v1{read.path}", _endpoint(read), methods=["GET"], tags=[read.tag], dependencies=STRICT,
            response_class=Response, generate_unique_id_function=lambda route: route.name,
        )  # fmt: skip
        self.read = read
        self.description_of = Description(
            answer=read.body,
            headers=(POSITION, *((LINK,) if read.cursor else ()), *((ETAG,) if read.versioned else ())),
            also=NOT_MODIFIED if read.versioned else {},
        )


def _endpoint(read: Read) -> Callable[..., Awaitable[Response]]:
    async def handle(
        *, request: Request, principal: Principal, at: At, of: Services, limit: int = PAGE_DEFAULT,
        starting_after: str | int | None = None, **given: Any,
    ) -> Response:  # fmt: skip
        asked = await _asked(read, at, of, given) | {"tenant": principal.tenant, "limit": limit}
        if starting_after is not None and read.cursor is not None:
            cursor = read.cursor
            if isinstance(starting_after, int):
                await of.in_reach(starting_after)
            asked["after"] = fitting(lambda: cursor.read(str(starting_after)))
        found = await of.queries.run(_run, read, asked)
        if found is None:
            raise Problem(kinds.NOT_FOUND)
        whole = read.whole(found)
        if read.versioned:
            assert found.version is not None, "a read with versions says which"
            return versioned(request, whole, found.version, found.position)
        return answer(whole, found.position, next_link(request, getattr(whole, "next", None)))

    handle.__name__, handle.__doc__ = read.name, read.description
    handle.__signature__ = inspect.Signature(list(_signature(read)))  # type: ignore[attr-defined]
    return handle


async def _asked(read: Read, at: At, of: Services, given: dict[str, Any]) -> dict[str, Any]:
    """What the query is asked with; waits until everything it looks at holds `at_least`."""
    try:
        ids = read.about_ids(given)
    except IdError:
        raise Problem(kinds.NOT_FOUND) from None
    texts = {one.name: given[f"{_FILTER}{one.inside}"] for one in parameters_of(read.filters)}
    known = {name: text for name, text in texts.items() if text is not None}
    wanted = fitting(lambda: read_parameters(read.filters, known))
    for model in read.models:
        await at.moment.in_read_model(of, model)
    if not read.models:
        await at.moment.in_ledger(of)
    return {
        "ids": ids, "filters": wanted, "position": at.moment.as_of, "day": at.day,
        "data": of.running.settings.data,
    }  # fmt: skip


def _run(connection: Connection, read: Read, asked: dict[str, Any]) -> ReadResult | None:
    try:
        found: ReadResult | None = fitting(lambda: read.run(ReadRequest(connection=connection, **asked)))
    except TextMissing as error:
        raise kinds.TEXT_MISSING(clause=error.clause) from None
    return found


def fitting(work: Callable[[], Any]) -> Any:
    """What `work` gives. Raises `query.invalid` for a parameter that does not fit."""
    try:
        return work()
    except ParameterInvalid as error:
        raise Problem(kinds.QUERY_INVALID, faults=[fault(f"/{error.name}", error.kind, error.limits)]) from None


# --------------------------------------------------------------------------------------------------- signatures


def _signature(read: Read) -> list[inspect.Parameter]:
    annotations: dict[str, Any] = {
        "request": Request,
        **{noun: path_of(noun) for noun in read.nouns},
        "principal": Annotated[Principal, Depends(Needs(read.permission))],
        "at": Annotated[At, Depends(_moments(read))],
        "of": Of,
    }
    parameters = [inspect.Parameter(name, _KEYWORD, annotation=one) for name, one in annotations.items()]
    parameters += [parameter_of(one) for one in parameters_of(read.filters)]
    if read.cursor is not None:
        schema = schema_of(read.cursor.type)
        kind: Any = Annotated[int, DIGITS] if schema.get("type") == "integer" else str
        limits: dict[str, Any] = {"ge": schema.get("minimum"), "le": schema.get("maximum")}
        more = {"pattern": schema["pattern"]} if "pattern" in schema else {}
        after = Query(description=read.cursor.description, json_schema_extra=more, **limits)
        parameters.append(inspect.Parameter("limit", _KEYWORD, annotation=Limit, default=PAGE_DEFAULT))
        annotation = Annotated[kind | None, after]
        parameters.append(inspect.Parameter(STARTING_AFTER, _KEYWORD, annotation=annotation, default=None))
    return parameters


def _moments(read: Read) -> Callable[..., Awaitable[At]]:
    """The dependency that says for which moment a read answers."""
    dependencies: dict[Past, Callable[..., Awaitable[At]]] = {
        Past.NONE: now,
        Past.POSITIONS: by_position,
        Past.DAYS: by_day,
    }
    return dependencies[read.past]


def parameter_of(one: Parameter) -> inspect.Parameter:
    """A parameter as the framework knows it."""
    kind: Any = str if one.required else str | None
    query = Query(alias=one.name, description=one.description, **_limits(one))
    default = inspect.Parameter.empty if one.required else None
    return inspect.Parameter(f"{_FILTER}{one.inside}", _KEYWORD, annotation=Annotated[kind, query], default=default)


def _limits(one: Parameter) -> dict[str, Any]:
    """What the framework checks of a text; everything else the parameter reads by itself, and only says here."""
    schema = one.schema()
    schema.pop("type", None)
    if one.said.kind is not str or one.choices:
        return {"json_schema_extra": schema}
    names = {"minLength": "min_length", "maxLength": "max_length", "pattern": "pattern", "examples": "examples"}
    return {names[name]: value for name, value in schema.items()}


def path_of(noun: str) -> Any:
    """The path parameter that names one of an aggregate."""
    article = "An" if noun[0] in "aeio" else "A"
    described = Path(
        description=f"{article} {noun}'s id: `{noun}_` and 32 hex digits.", examples=[f"{noun}_" + "0" * 32]
    )
    return Annotated[str, described]


def register(app: FastAPI) -> None:
    """Add a route for every read."""
    app.router.routes.extend(ReadRoute(read) for read in READS)
