"""Reading leases, bills and books: now, at an earlier position or instant, or at the end of a business date."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Depends, FastAPI, Path, Query, Request
from msgspec import Struct
from starlette.responses import Response

from api.http import catalogue
from api.http import lease_resources as r
from api.http.access import Principal
from api.http.answers import PAGE_DEFAULT, AtLeast, Limit, Moment, Where, answer, cursor, moment, next_link, versioned
from api.http.faults import fault
from api.http.problems import Problem
from api.http.reads import STRICT, AfterPosition, ApplicationReader, At, EventReader, Of, StatisticsReader
from api.http.services import Services, services
from domain.accounting.chart import ACCOUNTS
from domain.kernel.ids import IdError, format_id, parse_id
from domain.leasing.lease.state import Phase
from projections.accounting import journal, revenue
from projections.accounting.journal import JOURNAL
from projections.engine.model import Recorded
from projections.engine.reading import decode
from projections.leasing import bills, lease_book
from projections.leasing.ageing import AGEING, ageing
from projections.leasing.bills import BILLS
from projections.leasing.cash_flow import DAYS_MAX, cash_flow
from projections.leasing.lease_book import LEASE_BOOK
from projections.portfolio import exposures as portfolio

_STATES = tuple(phase.value for phase in Phase if phase is not Phase.ABSENT)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_PLACE = re.compile(r"(lease_[0-9a-f]{32})/([0-9]{1,7})")
_DATE_SCHEMA = {"format": "date"}

LeasePath = Annotated[
    str, Path(description="A lease's id: `lease_` and 32 hex digits.", examples=["lease_" + "0" * 32])
]
AfterLease = Annotated[
    str | None, Query(description="Continue behind this id.", json_schema_extra={"pattern": "^lease_[0-9a-f]{32}$"})
]
AfterBill = Annotated[
    str | None,
    Query(description="Continue behind this bill.", json_schema_extra={"pattern": "^lease_[0-9a-f]{32}/[0-9]{1,7}$"}),
]
State = Annotated[str | None, Query(description="Only in this state.", json_schema_extra={"enum": list(_STATES)})]
Status = Annotated[
    str | None, Query(description="Only bills with this status.", json_schema_extra={"enum": list(bills.STATUSES)})
]
Reference = Annotated[str | None, Query(description="Only with this business number.", min_length=1, max_length=64)]
Currency = Annotated[
    str | None, Query(description="In this currency; by default that of most leases.", pattern="^[A-Z]{3}$")
]
Account = Annotated[
    str | None,
    Query(description="Only entries with a line on this account.", json_schema_extra={"enum": list(ACCOUNTS)}),
]
OfLease = Annotated[
    str | None, Query(description="Only of this lease.", json_schema_extra={"pattern": "^lease_[0-9a-f]{32}$"})
]
DueFrom = Annotated[str | None, Query(description="Due on this day or later.", json_schema_extra=_DATE_SCHEMA)]
DueTo = Annotated[str | None, Query(description="Due on this day or earlier.", json_schema_extra=_DATE_SCHEMA)]
OverdueOn = Annotated[
    str | None, Query(description="Unpaid on this business date and due before it.", json_schema_extra=_DATE_SCHEMA)
]
From = Annotated[str | None, Query(alias="from", description="First business date.", json_schema_extra=_DATE_SCHEMA)]
To = Annotated[str | None, Query(alias="to", description="Last business date.", json_schema_extra=_DATE_SCHEMA)]
First = Annotated[str, Query(alias="from", description="First day.", json_schema_extra=_DATE_SCHEMA)]
Last = Annotated[
    str, Query(alias="to", description=f"Last day, at most {DAYS_MAX} in all.", json_schema_extra=_DATE_SCHEMA)
]
On = Annotated[str, Query(description="The business date that days overdue count to.", json_schema_extra=_DATE_SCHEMA)]
DayOrInstant = Annotated[
    str | None,
    Query(
        description="A business date (as known at its end), or an instant of recording (RFC 3339); an instant not "
        "together with `as_of_position`.",
        json_schema_extra={"anyOf": [_DATE_SCHEMA, {"format": "date-time"}]},
    ),
]


def day_of(name: str, text: str | None) -> date | None:
    """A date in a query. Raises `query.invalid` for what is not `YYYY-MM-DD`."""
    if text is None:
        return None
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise Problem(catalogue.QUERY_INVALID, faults=[fault(f"/{name}", "date_parsing")])


def _needed_day(name: str, text: str) -> date:
    found = day_of(name, text)
    assert found is not None, "a text is a date or a problem"
    return found


class DayMoment(Struct, frozen=True):
    """A moment of the ledger, and a business date at whose end it is asked for."""

    moment: Moment
    day: date | None


async def day_moment(
    of: Annotated[Services, Depends(services)],
    as_of_position: Where = None,
    as_of: DayOrInstant = None,
    at_least: AtLeast = None,
) -> DayMoment:
    """The dependency of reads that can answer for a business date, too."""
    if as_of is not None and _DAY.fullmatch(as_of):
        return DayMoment(await moment(of, as_of_position, None, at_least), day_of("as_of", as_of))
    return DayMoment(await moment(of, as_of_position, as_of, at_least), None)


OnDay = Annotated[DayMoment, Depends(day_moment)]


def one_of(name: str, text: str | None, known: tuple[str, ...]) -> None:
    """Raise `query.invalid` for a text that is none of these."""
    if text is not None and text not in known:
        raise Problem(catalogue.QUERY_INVALID, faults=[fault(f"/{name}", "enum", {"expected": ", ".join(known)})])


def lease_in_query(text: str | None) -> UUID | None:
    """The lease in a query. Raises `query.invalid` for what is not an id of one."""
    try:
        return None if text is None else parse_id("lease", text)
    except IdError:
        raise Problem(catalogue.QUERY_INVALID, faults=[fault("/lease", "identifier")]) from None


# ------------------------------------------------------------------------------------------------ leases and bills


async def list_leases(
    request: Request,
    principal: ApplicationReader,
    at: At,
    of: Of,
    limit: Limit = PAGE_DEFAULT,
    starting_after: AfterLease = None,
    state: State = None,
    reference: Reference = None,
) -> Response:
    """The tenant's leases in the order of their ids, from the lease book.

    A page may be short, even empty, and still have more behind it.
    """
    after = cursor("lease", starting_after)
    one_of("state", state, _STATES)
    as_of = await at.in_read_model(of, LEASE_BOOK)
    page = await of.queries.run(
        lease_book.listing, principal.tenant,
        state=state, reference=reference, limit=limit, starting_after=after, as_of_position=as_of,
    )  # fmt: skip
    following = None if page.next_after is None else format_id("lease", page.next_after)
    body = r.LeasePage(tuple(map(r.lease_body, page.rows)), following is not None, following)
    return answer(body, page.position, next_link(request, following))


async def read_lease(request: Request, lease: LeasePath, principal: ApplicationReader, at: At, of: Of) -> Response:
    """One lease with its balances and due dates, folded from its own events: as fresh as the ledger."""
    stream, position = await _own_lease(lease, principal, at, of)
    row: lease_book.Lease | None = None
    for recorded in await _recorded(of, stream, position):
        row = lease_book.fold(row, recorded.event, recorded)
    if row is None:
        raise Problem(catalogue.NOT_FOUND)
    return versioned(request, r.lease_body(row), row.version, position)


async def list_bills_of_lease(lease: LeasePath, principal: ApplicationReader, at: At, of: Of) -> Response:
    """All bills of one lease, folded from its own events, with what is billed and paid of each component."""
    stream, position = await _own_lease(lease, principal, at, of)
    row: bills.Bills | None = None
    for recorded in await _recorded(of, stream, position):
        if type(recorded.event) in BILLS.events:
            row = bills.fold(row, recorded.event, recorded)
    if row is None:
        raise Problem(catalogue.NOT_FOUND)
    return answer(r.BillList(tuple(r.bill_body(stream, bill) for bill in bills.bills_of(row))), position)


async def _own_lease(lease: str, principal: Principal, at: Moment, of: Services) -> tuple[UUID, int]:
    """The stream of a lease of the tenant, and the position to read it at. Raises `resource.not_found`."""
    try:
        stream = parse_id("lease", lease)
    except IdError:
        raise Problem(catalogue.NOT_FOUND) from None
    await of.owner_of(stream, principal.tenant, "lease")
    return stream, await at.in_ledger(of)


async def _recorded(of: Services, stream: UUID, position: int) -> list[Recorded]:
    stored = await of.running.reader.stream(stream, up_to_position=position)
    return [decode(one.position, one.entry) for one in stored]


def _bill_place(text: str | None) -> bills.Cursor | None:
    if text is None:
        return None
    match = _PLACE.fullmatch(text)
    if match is None:
        raise Problem(catalogue.QUERY_INVALID, faults=[fault("/starting_after", "identifier")])
    return parse_id("lease", match[1]), int(match[2])


async def wanted_bills(
    status: Status = None, due_from: DueFrom = None, due_to: DueTo = None, overdue_on: OverdueOn = None
) -> bills.Filter:
    """The dependency that reads which bills are wanted."""
    one_of("status", status, bills.STATUSES)
    return bills.Filter(
        status=status,
        due_from=day_of("due_from", due_from),
        due_to=day_of("due_to", due_to),
        overdue_on=day_of("overdue_on", overdue_on),
    )


async def list_bills(
    request: Request,
    principal: ApplicationReader,
    at: At,
    of: Of,
    where: Annotated[bills.Filter, Depends(wanted_bills)],
    limit: Limit = PAGE_DEFAULT,
    starting_after: AfterBill = None,
) -> Response:
    """The tenant's bills in the order of leases and numbers; overdue is asked with a business date.

    A page may be short, even empty, and still have more behind it.
    """
    after = _bill_place(starting_after)
    as_of = await at.in_read_model(of, BILLS)
    page = await of.queries.run(
        bills.listing, principal.tenant, where=where, limit=limit, starting_after=after, as_of_position=as_of
    )
    following = None if page.next_after is None else f"{format_id('lease', page.next_after[0])}/{page.next_after[1]}"
    found = tuple(r.bill_body(one.lease, one.bill) for one in page.bills)
    return answer(r.BillPage(found, following is not None, following), page.position, next_link(request, following))


# ---------------------------------------------------------------------------------------------- the whole tenant


async def read_cash_flow(
    principal: StatisticsReader, at: At, of: Of, first: First, last: Last, currency: Currency = None
) -> Response:
    """The cash-flow calendar: by day, what is expected, what of it is open, and what came in and went out."""
    begin, end = _needed_day("from", first), _needed_day("to", last)
    if not 0 <= (end - begin).days < DAYS_MAX:
        raise Problem(catalogue.QUERY_INVALID, faults=[fault("/to", "invalid")])
    await at.in_read_model(of, JOURNAL)
    await at.in_read_model(of, LEASE_BOOK)
    as_of = await at.in_read_model(of, BILLS)
    found = await of.queries.run(cash_flow, principal.tenant, begin, end, currency=currency, as_of_position=as_of)
    return answer(r.cash_flow_body(found), found.position)


async def read_ageing(principal: StatisticsReader, at: OnDay, of: Of, currency: Currency = None) -> Response:
    """Leases and open amounts by the oldest unpaid due date, at the end of a business date as known then."""
    await at.moment.in_read_model(of, LEASE_BOOK)
    as_of = await at.moment.in_read_model(of, AGEING)
    found = await of.queries.run(ageing, principal.tenant, at.day, currency=currency, as_of_position=as_of)
    return answer(r.ageing_body(found), found.position)


async def wanted_entries(
    lease: OfLease = None, account: Account = None, first: From = None, last: To = None
) -> journal.Filter:
    """The dependency that reads which entries are wanted."""
    one_of("account", account, tuple(ACCOUNTS))
    return journal.Filter(
        lease=lease_in_query(lease),
        account=account,
        first_date=day_of("from", first),
        last_date=day_of("to", last),
    )


async def list_journal(
    request: Request,
    principal: EventReader,
    at: At,
    of: Of,
    where: Annotated[journal.Filter, Depends(wanted_entries)],
    limit: Limit = PAGE_DEFAULT,
    starting_after: AfterPosition = 0,
) -> Response:
    """The journal in ledger order: an entry for each money event, with its lines."""
    as_of = await at.in_read_model(of, JOURNAL)
    page = await of.queries.run(
        journal.entries, principal.tenant,
        where=where, limit=limit, starting_after=starting_after, as_of_position=as_of,
    )  # fmt: skip
    body = r.JournalPage(tuple(map(r.entry_body, page.entries)), page.next_after is not None, page.next_after)
    return answer(body, page.position, next_link(request, page.next_after))


async def read_trial_balance(principal: StatisticsReader, at: OnDay, of: Of, currency: Currency = None) -> Response:
    """Turnover and balance of every account, now, at an earlier position, or at the end of a business date."""
    await at.moment.in_read_model(of, LEASE_BOOK)
    as_of = await at.moment.in_read_model(of, JOURNAL)
    found = await of.queries.run(
        journal.trial_balance, principal.tenant, at.day, currency=currency, as_of_position=as_of
    )
    return answer(r.trial_balance_body(found), found.position)


async def read_income(principal: StatisticsReader, at: OnDay, of: Of, currency: Currency = None) -> Response:
    """Income recognised, by month of business dates and account."""
    await at.moment.in_read_model(of, LEASE_BOOK)
    as_of = await at.moment.in_read_model(of, JOURNAL)
    position, currencies, months = await of.queries.run(
        journal.income, principal.tenant, at.day, currency=currency, as_of_position=as_of
    )
    return answer(r.income_body(currencies, months), position)


async def read_revenue_schedule(principal: StatisticsReader, at: At, of: Of, currency: Currency = None) -> Response:
    """Revenue to come, as schedules have it: interest that is not accrued and rent that is not billed, by month."""
    as_of = await at.in_read_model(of, LEASE_BOOK)
    found = await of.queries.run(revenue.revenue_schedule, principal.tenant, currency=currency, as_of_position=as_of)
    return answer(r.revenue_schedule_body(found), found.position)


async def read_portfolio(principal: StatisticsReader, at: At, of: Of, currency: Currency = None) -> Response:
    """Leases as assets: what is at risk, and with whom."""
    as_of = await at.in_read_model(of, LEASE_BOOK)
    found = await of.queries.run(portfolio.holdings, principal.tenant, currency=currency, as_of_position=as_of)
    return answer(r.portfolio_body(found), found.position)


async def read_provisions(principal: StatisticsReader, at: At, of: Of, on: On, currency: Currency = None) -> Response:
    """The five classes by days overdue on a business date, and what is to be set aside for each."""
    day = _needed_day("on", on)
    as_of = await at.in_read_model(of, LEASE_BOOK)
    found = await of.queries.run(portfolio.provisions, principal.tenant, day, currency=currency, as_of_position=as_of)
    return answer(r.provisions_body(found), found.position)


def register(app: FastAPI) -> None:
    """Add the routes of this file."""
    for path, endpoint, tag in (
        ("/v1/leases", list_leases, "leases"),
        ("/v1/leases/{lease}", read_lease, "leases"),
        ("/v1/leases/{lease}/bills", list_bills_of_lease, "leases"),
        ("/v1/bills", list_bills, "leases"),
        ("/v1/ageing", read_ageing, "books"),
        ("/v1/cash-flow", read_cash_flow, "books"),
        ("/v1/journal", list_journal, "books"),
        ("/v1/trial-balance", read_trial_balance, "books"),
        ("/v1/income", read_income, "books"),
        ("/v1/revenue-schedule", read_revenue_schedule, "books"),
        ("/v1/portfolio", read_portfolio, "books"),
        ("/v1/provisions", read_provisions, "books"),
    ):
        app.add_api_route(path, endpoint, methods=["GET"], tags=[tag], dependencies=STRICT, response_class=Response)
