"""Reading contracts, the clause library, the business day and what is due: now, or at an earlier moment."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import Depends, FastAPI, Query, Request
from starlette.responses import Response

from adapters.postgres.browse import Connection
from adapters.postgres.schema import SHARD
from adapters.reference.clauses import shipped_clauses
from api.http import catalogue
from api.http import contract_resources as r
from api.http.answers import PAGE_DEFAULT, Limit, answer, cursor, next_link, versioned
from api.http.faults import fault
from api.http.lease_reads import day_of
from api.http.problems import Problem
from api.http.reads import STRICT, ApplicationReader, At, Of
from api.http.services import Services
from domain.calendar.decider import calendar_stream
from domain.calendar.timers import Timer
from domain.contracts.clause.events import ClauseDrafted
from domain.contracts.clause.values import ClauseRef
from domain.contracts.contract.state import Phase
from domain.kernel.ids import IdError, format_id, parse_id
from domain.leasing.lease.events import LeaseCreated
from domain.pricing.parts import Form
from projections.calendar import business_day, timers
from projections.calendar.timer_kinds import KIND_OF
from projections.calendar.timers import TIMERS
from projections.contracts import clause_library, contract_book
from projections.contracts.clause_library import CLAUSE_LIBRARY, STATES
from projections.contracts.contract_book import CONTRACT_BOOK
from projections.engine.as_of import resolve
from projections.engine.reading import decode

NO_CONTRACT = UUID(int=0)
"""The id of no contract, for a lease that is not there."""

OWN_CLAUSES_MAX = 2_000
"""Clauses of its own that a tenant may have in one answer; beyond, they are listed page by page."""

_PHASES = tuple(phase.value for phase in Phase if phase is not Phase.ABSENT)
_FORMS = tuple(form.value for form in Form)
_DATE = {"format": "date"}
_PLACE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})/([a-z_]+)/([a-z]+_[0-9a-f]{32})/([0-9]{1,9})")


def _id_schema(noun: str) -> dict[str, Any]:
    return {"pattern": f"^{noun}_[0-9a-f]{{32}}$"}


AfterContract = Annotated[
    str | None, Query(description="Continue behind this id.", json_schema_extra=_id_schema("contract"))
]
AfterClause = Annotated[
    str | None, Query(description="Continue behind this id.", json_schema_extra=_id_schema("clause"))
]
AfterTimer = Annotated[
    str | None,
    Query(description="Continue behind this timer.", json_schema_extra={"pattern": f"^{_PLACE.pattern}$"}),
]
ContractPhase = Annotated[
    str | None, Query(description="Only in this state.", json_schema_extra={"enum": list(_PHASES)})
]
PlanCode = Annotated[str | None, Query(description="Only on this plan.", min_length=1, max_length=64)]
Number = Annotated[str | None, Query(description="Only with this business number.", min_length=1, max_length=64)]
OfSubject = Annotated[str | None, Query(description="Only with this lessee.", json_schema_extra=_id_schema("subject"))]
OfApplication = Annotated[
    str | None, Query(description="Only of this application.", json_schema_extra=_id_schema("application"))
]
OfLease = Annotated[
    str | None, Query(description="Only the contract of this lease.", json_schema_extra=_id_schema("lease"))
]
ClauseCode = Annotated[str | None, Query(description="Only this clause.", min_length=1, max_length=64)]
ClauseStatus = Annotated[
    str | None,
    Query(description="Only where the newest version is so.", json_schema_extra={"enum": list(STATES)}),
]
OfForm = Annotated[
    str | None,
    Query(
        description="Only where the newest version is for this form of lease.", json_schema_extra={"enum": [*_FORMS]}
    ),
]
InEffect = Annotated[
    str | None, Query(alias="on", description="Only with a version in effect on this day.", json_schema_extra=_DATE)
]
TheForm = Annotated[Form, Query(description="The contract's form of lease.")]
TheDay = Annotated[str, Query(description="The contract's business date.", json_schema_extra=_DATE)]
Kind = Annotated[str | None, Query(description="Only of this kind.", json_schema_extra={"enum": list(r.TIMER_KINDS)})]
DueFrom = Annotated[str | None, Query(alias="from", description="Due on this day or later.", json_schema_extra=_DATE)]
DueTo = Annotated[str | None, Query(alias="to", description="Due on this day or earlier.", json_schema_extra=_DATE)]


def _wrong(name: str, kind: str, **context: str) -> Problem:
    return Problem(catalogue.QUERY_INVALID, faults=[fault(f"/{name}", kind, context)])


def _one_of(name: str, text: str | None, known: tuple[str, ...]) -> None:
    if text is not None and text not in known:
        raise _wrong(name, "enum", expected=", ".join(known))


def _identifier(name: str, text: str | None) -> Any:
    try:
        return None if text is None else parse_id(name, text)
    except IdError:
        raise _wrong(name, "identifier") from None


# ---------------------------------------------------------------------------------------- contracts and clauses


async def wanted_contracts(
    state: ContractPhase = None,
    plan: PlanCode = None,
    reference: Number = None,
    subject: OfSubject = None,
    application: OfApplication = None,
) -> contract_book.Filter:
    """The dependency that reads which contracts are wanted."""
    _one_of("state", state, _PHASES)
    return contract_book.Filter(
        state=state,
        plan=plan,
        reference=reference,
        lessee=_identifier("subject", subject),
        application=_identifier("application", application),
    )


async def list_contracts(
    request: Request,
    principal: ApplicationReader,
    at: At,
    of: Of,
    where: Annotated[contract_book.Filter, Depends(wanted_contracts)],
    limit: Limit = PAGE_DEFAULT,
    starting_after: AfterContract = None,
    lease: OfLease = None,
) -> Response:
    """The tenant's contracts in the order of their ids, from the contract book.

    A page may be short, even empty, and still have more behind it.
    """
    after = cursor("contract", starting_after)
    if lease is not None:
        found = await _contract_of(of, principal.tenant, _identifier("lease", lease), at.as_of)
        where = msgspec.structs.replace(where, contract=found or NO_CONTRACT)
    as_of = await at.in_read_model(of, CONTRACT_BOOK)
    page = await of.queries.run(
        contract_book.listing, principal.tenant,
        where=where, limit=limit, starting_after=after, as_of_position=as_of,
    )  # fmt: skip
    following = None if page.next_after is None else format_id("contract", page.next_after)
    body = r.ContractPage(tuple(map(r.contract_body, page.rows)), following is not None, following)
    return answer(body, page.position, next_link(request, following))


async def _contract_of(of: Services, tenant: UUID, lease: UUID, position: int | None) -> UUID | None:
    """The contract of a lease of the tenant; `None` when there was no such lease, or none is named in it."""
    try:
        await of.owner_of(lease, tenant, "lease")
    except Problem:
        return None
    for stored in (await of.running.reader.stream(lease, up_to_position=position))[:1]:
        created = decode(stored.position, stored.entry).event
        return created.contract if isinstance(created, LeaseCreated) else None
    return None


async def wanted_clauses(
    clause: ClauseCode = None, state: ClauseStatus = None, form: OfForm = None, on: InEffect = None
) -> clause_library.Filter:
    """The dependency that reads which clauses are wanted."""
    _one_of("state", state, STATES)
    _one_of("form", form, _FORMS)
    return clause_library.Filter(clause=clause, state=state, form=form, on=day_of("on", on))


async def list_clauses(
    request: Request,
    principal: ApplicationReader,
    at: At,
    of: Of,
    where: Annotated[clause_library.Filter, Depends(wanted_clauses)],
    limit: Limit = PAGE_DEFAULT,
    starting_after: AfterClause = None,
) -> Response:
    """The tenant's own clauses in the order of their ids, each with all its versions.

    Clauses that come with the program are in `/v1/clause-library`. A page may be short, even empty, and still have more
    behind it.
    """
    after = cursor("clause", starting_after)
    as_of = await at.in_read_model(of, CLAUSE_LIBRARY)
    page = await of.queries.run(
        clause_library.listing, principal.tenant,
        where=where, limit=limit, starting_after=after, as_of_position=as_of,
    )  # fmt: skip
    following = None if page.next_after is None else format_id("clause", page.next_after)
    body = r.ClausePage(tuple(map(r.clause_body, page.rows)), following is not None, following)
    return answer(body, page.position, next_link(request, following))


async def read_clause_library(principal: ApplicationReader, at: At, of: Of, form: TheForm, on: TheDay) -> Response:
    """What a contract of this form may be made of on this business date, with the exact texts.

    A clause of the tenant takes the place of the one of the same code that comes with the program.
    """
    day = day_of("on", on)
    assert day is not None, "a text is a date or a problem"
    as_of = await at.in_read_model(of, CLAUSE_LIBRARY)
    page = await of.queries.run(
        clause_library.listing, principal.tenant,
        where=clause_library.Filter(), limit=OWN_CLAUSES_MAX, as_of_position=as_of,
    )  # fmt: skip
    own = [await _usable(of, row, day, form) for row in page.rows]
    codes = {row.clause for row in page.rows}
    shipped = [
        r.UsableClause(reference=one.reference, title=one.title, mandatory=one.mandatory, own=False, text=one.text)
        for one in shipped_clauses()
        if one.clause not in codes and form in one.forms and one.effective_from <= day
    ]
    order = {one.clause: n for n, one in enumerate(shipped_clauses())}
    usable = [*shipped, *(one for one in own if one is not None)]
    usable.sort(key=lambda one: (order.get(one.reference.clause, len(order)), one.reference.clause))
    return answer(r.ClauseLibrary(form, day, tuple(usable)), page.position)


async def _usable(of: Services, row: clause_library.Clause, on: date, form: Form) -> r.UsableClause | None:
    version = clause_library.in_effect(row, on)
    if version is None or form not in version.forms:
        return None
    reference = ClauseRef(clause=row.clause, version=version.number, digest=version.digest)
    text = await own_text(of, version.drafted_at) if version.inline else None
    return r.UsableClause(reference=reference, title=version.title, mandatory=version.mandatory, own=True, text=text)


async def own_text(of: Services, position: int) -> str | None:
    """The text in the draft at a position."""
    stored = await of.running.reader.after(position - 1, 1)
    event = decode(stored[0].position, stored[0].entry).event
    return event.text if isinstance(event, ClauseDrafted) else None


# ------------------------------------------------------------------------------------------ business day, timers


async def read_calendar(request: Request, principal: ApplicationReader, at: At, of: Of) -> Response:
    """The tenant's business date, and the steps of its end of day while that is under way: as fresh as the ledger."""
    position = await at.in_ledger(of)
    day = await of.queries.run(business_day.business_day, calendar_stream(principal.tenant), position)
    return versioned(request, r.calendar_body(day), day.version, position)


async def wanted_timers(kind: Kind = None, first: DueFrom = None, last: DueTo = None) -> timers.Filter:
    """The dependency that reads which timers are wanted."""
    _one_of("kind", kind, r.TIMER_KINDS)
    return timers.Filter(kind=kind, first=day_of("from", first), last=day_of("to", last))


async def list_timers(
    request: Request,
    principal: ApplicationReader,
    at: At,
    of: Of,
    where: Annotated[timers.Filter, Depends(wanted_timers)],
    limit: Limit = PAGE_DEFAULT,
    starting_after: AfterTimer = None,
) -> Response:
    """What is due next, by day and by the order of kinds within a day: as it will be fired at the ends of days.

    What recurs at month ends stands there once, with the next one from the business date on.
    """
    after = _timer_behind(starting_after)
    as_of = await at.in_read_model(of, TIMERS)
    page = await of.queries.run(
        _ahead, principal.tenant, where=where, limit=limit, starting_after=after, as_of_position=as_of
    )
    following = r.timer_place(page.next_after)
    body = r.TimerPage(tuple(map(r.timer_body, page.timers)), following is not None, following)
    return answer(body, page.position, next_link(request, following))


def _ahead(connection: Connection, /, tenant: UUID, *, as_of_position: int | None, **wanted: Any) -> timers.Page:
    position = resolve(connection, TIMERS, SHARD, as_of_position)
    day = business_day.business_day(connection, calendar_stream(tenant), position)
    return timers.listing(connection, tenant, day.business_date, as_of_position=as_of_position, **wanted)


def _timer_behind(text: str | None) -> Timer | None:
    if text is None:
        return None
    match = _PLACE.fullmatch(text)
    kind = KIND_OF.get(match[2]) if match else None
    if match is None or kind is None:
        raise _wrong("starting_after", "identifier")
    on = day_of("starting_after", match[1])
    assert on is not None, "a text is a date or a problem"
    try:
        return Timer(on, kind.order, kind.name, parse_id(r.AGGREGATES[kind.name], match[3]), int(match[4]))
    except IdError:
        raise _wrong("starting_after", "identifier") from None


def register(app: FastAPI) -> None:
    """Add the routes of this file."""
    for path, endpoint, tag in (
        ("/v1/contracts", list_contracts, "contracts"),
        ("/v1/clauses", list_clauses, "clauses"),
        ("/v1/clause-library", read_clause_library, "clauses"),
        ("/v1/calendar", read_calendar, "calendar"),
        ("/v1/timers", list_timers, "calendar"),
    ):
        app.add_api_route(path, endpoint, methods=["GET"], tags=[tag], dependencies=STRICT, response_class=Response)
