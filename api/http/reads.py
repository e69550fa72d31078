"""Reading applications, events and statistics: now, at an earlier position, or at an earlier instant."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Depends, FastAPI, Path, Query, Request
from fastapi.params import Depends as Dependency
from starlette.responses import Response

from adapters.postgres import browse
from api.http import catalogue
from api.http.access import Permission, Principal, needs
from api.http.answers import (
    PAGE_DEFAULT,
    Limit,
    Moment,
    answer,
    cursor,
    known_query,
    moment,
    next_application,
    next_link,
    versioned,
)
from api.http.commands import stream_id
from api.http.faults import fault
from api.http.problems import Problem
from api.http.resources import ApplicationPage, EventPage, event_item, folded, summary
from api.http.services import Services, services
from api.http.statistics import funnel_body, work_body
from domain.intake.application.state import Phase
from domain.kernel.money import MAX_SAFE_INTEGER
from projections.intake.application_book import APPLICATION_BOOK, listing
from projections.intake.decision_funnel import DECISION_FUNNEL, funnel
from projections.intake.work_in_progress import WORK_IN_PROGRESS, work_in_progress

_STATES = tuple(phase.value for phase in Phase if phase is not Phase.ABSENT)

Of = Annotated[Services, Depends(services)]
At = Annotated[Moment, Depends(moment)]
ApplicationReader = Annotated[Principal, Depends(needs(Permission.READ_APPLICATIONS))]
EventReader = Annotated[Principal, Depends(needs(Permission.READ_EVENTS))]
StatisticsReader = Annotated[Principal, Depends(needs(Permission.READ_STATISTICS))]
ApplicationPath = Annotated[
    str,
    Path(description="An application's id: `application_` and 32 hex digits.", examples=["application_" + "0" * 32]),
]
AfterPosition = Annotated[int, Query(ge=0, le=MAX_SAFE_INTEGER, description="Continue behind this ledger position.")]
AfterApplication = Annotated[
    str | None,
    Query(description="Continue behind this id.", json_schema_extra={"pattern": "^application_[0-9a-f]{32}$"}),
]
State = Annotated[
    str | None, Query(description="Only applications in this state.", json_schema_extra={"enum": list(_STATES)})
]
Types = Annotated[
    str | None,
    Query(
        description="Only events of these types, separated by commas.",
        pattern=r"^[a-z0-9_.]+(,[a-z0-9_.]+){0,19}$",
        max_length=1_000,
        examples=["application.drafted.v1"],
    ),
]


async def read_application(
    request: Request, application: ApplicationPath, principal: ApplicationReader, at: At, of: Of
) -> Response:
    """One application, folded from its own events: as fresh as the ledger, without personal data."""
    stream = stream_id("application", application)
    await of.owner_of(stream, principal.tenant, "application")
    position = await at.in_ledger(of)
    resource = folded(await of.running.reader.stream(stream, up_to_position=position))
    if resource is None:
        raise Problem(catalogue.NOT_FOUND)
    return versioned(request, resource, resource.version, position)


async def list_applications(
    request: Request,
    principal: ApplicationReader,
    at: At,
    of: Of,
    limit: Limit = PAGE_DEFAULT,
    starting_after: AfterApplication = None,
    state: State = None,
) -> Response:
    """The tenant's applications in the order of their ids, from the application book.

    A page of the past may be short, even empty, and still have more behind it.
    """
    after = cursor("application", starting_after)
    if state is not None and state not in _STATES:
        raise Problem(catalogue.QUERY_INVALID, faults=[fault("/state", "enum", {"expected": ", ".join(_STATES)})])
    as_of = await at.in_read_model(of, APPLICATION_BOOK)
    page = await of.queries.run(
        listing, principal.tenant, state=state, limit=limit, starting_after=after, as_of_position=as_of
    )
    following = next_application(page.next_after)
    body = ApplicationPage(tuple(map(summary, page.rows)), page.has_more, following)
    return answer(body, page.position, next_link(request, following))


async def list_events_of_application(
    request: Request,
    application: ApplicationPath,
    principal: ApplicationReader,
    at: At,
    of: Of,
    limit: Limit = PAGE_DEFAULT,
    starting_after: AfterPosition = 0,
) -> Response:
    """The events of one application in order, each with the exact entry that was hashed."""
    stream = stream_id("application", application)
    await of.owner_of(stream, principal.tenant, "application")
    position = await at.in_ledger(of)
    return events_answer(request, await page_of_stream(of, stream, starting_after, limit, position), position)


async def page_of_stream(of: Services, stream: UUID, after: int, limit: int, position: int) -> browse.Scanned:
    """Some events of a stream up to a position. Raises `resource.not_found` when it had none yet."""
    page = await of.queries.run(browse.stream_page, stream, after, limit, position)
    if not page.events and not (await of.queries.run(browse.stream_page, stream, 0, 1, position)).events:
        raise Problem(catalogue.NOT_FOUND)
    return page


async def list_events(
    request: Request,
    principal: EventReader,
    at: At,
    of: Of,
    limit: Limit = PAGE_DEFAULT,
    starting_after: AfterPosition = 0,
    types: Types = None,
) -> Response:
    """The tenant's events in ledger order."""
    position = await at.in_ledger(of)
    page = await of.queries.run(
        browse.ledger_page, principal.tenant, starting_after, limit, position, wanted_types(types)
    )
    return events_answer(request, page, position)


def wanted_types(types: str | None) -> frozenset[str]:
    """The event types of a filter; types that nobody knows match nothing."""
    return frozenset(types.split(",")) if types else frozenset()


def events_answer(request: Request, page: browse.Scanned, position: int) -> Response:
    """A page of events."""
    following = page.scanned_to if page.has_more else None
    body = EventPage(tuple(map(event_item, page.events)), page.has_more, following)
    return answer(body, position, next_link(request, following))


async def read_funnel(principal: StatisticsReader, at: At, of: Of) -> Response:
    """How many applications reached each stage, how they ended, and how long the answers took."""
    as_of = await at.in_read_model(of, DECISION_FUNNEL)
    found = await of.queries.run(funnel, principal.tenant, as_of_position=as_of)
    return answer(funnel_body(found), found.position)


async def read_work_in_progress(principal: StatisticsReader, at: At, of: Of) -> Response:
    """Per lane: work scheduled, started, completed; what waits or is being done, and since when."""
    as_of = await at.in_read_model(of, WORK_IN_PROGRESS)
    found = await of.queries.run(work_in_progress, principal.tenant, as_of_position=as_of)
    return answer(work_body(found), found.position)


STRICT: list[Dependency] = [Depends(known_query)]


def register(app: FastAPI) -> None:
    """Add the routes of this file."""
    for path, endpoint, tag in (
        ("/v1/applications", list_applications, "applications"),
        ("/v1/applications/{application}", read_application, "applications"),
        ("/v1/applications/{application}/events", list_events_of_application, "events"),
        ("/v1/events", list_events, "events"),
        ("/v1/funnel", read_funnel, "statistics"),
        ("/v1/work-in-progress", read_work_in_progress, "statistics"),
    ):
        app.add_api_route(path, endpoint, methods=["GET"], tags=[tag], dependencies=STRICT, response_class=Response)
