"""Reading payments, mandates and the reconciliation board: now, or at an earlier position or instant."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import FastAPI, Path, Query, Request
from starlette.responses import Response

from api.http import catalogue
from api.http import money_resources as r
from api.http.answers import PAGE_DEFAULT, Limit, answer, cursor, next_link
from api.http.commands import stream_id
from api.http.lease_reads import From, OfLease, To, day_of, lease_in_query, one_of
from api.http.problems import Problem
from api.http.reads import STRICT, ApplicationReader, At, Of, StatisticsReader
from domain.kernel.ids import format_id
from domain.payments.mandate.state import Phase as MandatePhase
from projections.leasing import by_lease
from projections.payments import reconciliation_board
from projections.payments.mandates import MANDATES
from projections.payments.payments import PAYMENTS, STATES
from projections.payments.reconciliation_board import RECONCILIATION_BOARD

_MANDATE_STATES = tuple(phase.value for phase in MandatePhase if phase is not MandatePhase.ABSENT)

PaymentState = Annotated[
    str | None, Query(description="Only payments in this state.", json_schema_extra={"enum": list(STATES)})
]
MandateState = Annotated[
    str | None, Query(description="Only mandates in this state.", json_schema_extra={"enum": list(_MANDATE_STATES)})
]
AfterPayment = Annotated[
    str | None, Query(description="Continue behind this id.", json_schema_extra={"pattern": "^payment_[0-9a-f]{32}$"})
]
AfterMandate = Annotated[
    str | None, Query(description="Continue behind this id.", json_schema_extra={"pattern": "^mandate_[0-9a-f]{32}$"})
]
RunPath = Annotated[
    str,
    Path(
        description="A reconciliation's id: `reconciliation_` and 32 hex digits.",
        examples=["reconciliation_" + "0" * 32],
    ),
]


async def list_payments(
    request: Request,
    principal: ApplicationReader,
    at: At,
    of: Of,
    limit: Limit = PAGE_DEFAULT,
    starting_after: AfterPayment = None,
    lease: OfLease = None,
    state: PaymentState = None,
) -> Response:
    """The tenant's payments in the order of their ids: what is asked for, what arrived, what went back.

    A page may be short, even empty, and still have more behind it.
    """
    one_of("state", state, STATES)
    after, where = cursor("payment", starting_after), by_lease.Filter(lease_in_query(lease), state)
    as_of = await at.in_read_model(of, PAYMENTS)
    page = await of.queries.run(
        by_lease.listing, PAYMENTS, principal.tenant,
        where=where, limit=limit, starting_after=after, as_of_position=as_of,
    )  # fmt: skip
    following = None if page.next_after is None else format_id("payment", page.next_after)
    body = r.PaymentPage(tuple(map(r.payment_body, page.rows)), following is not None, following)
    return answer(body, page.position, next_link(request, following))


async def list_mandates(
    request: Request,
    principal: ApplicationReader,
    at: At,
    of: Of,
    limit: Limit = PAGE_DEFAULT,
    starting_after: AfterMandate = None,
    lease: OfLease = None,
    state: MandateState = None,
) -> Response:
    """The tenant's mandates in the order of their ids; a lease has at most one.

    A page may be short, even empty, and still have more behind it.
    """
    one_of("state", state, _MANDATE_STATES)
    after, where = cursor("mandate", starting_after), by_lease.Filter(lease_in_query(lease), state)
    as_of = await at.in_read_model(of, MANDATES)
    page = await of.queries.run(
        by_lease.listing, MANDATES, principal.tenant,
        where=where, limit=limit, starting_after=after, as_of_position=as_of,
    )  # fmt: skip
    following = None if page.next_after is None else format_id("mandate", page.next_after)
    body = r.MandatePage(tuple(map(r.mandate_body, page.rows)), following is not None, following)
    return answer(body, page.position, next_link(request, following))


async def list_reconciliations(
    principal: StatisticsReader, at: At, of: Of, first: From = None, last: To = None
) -> Response:
    """The reconciliation board: a run for each provider and day, at most a thousand, the oldest first."""
    begin, end = day_of("from", first) or date.min, day_of("to", last) or date.max
    as_of = await at.in_read_model(of, RECONCILIATION_BOARD)
    board = await of.queries.run(reconciliation_board.runs, principal.tenant, begin, end, as_of_position=as_of)
    return answer(r.ReconciliationList(tuple(map(r.run_body, board.lines))), board.position)


async def list_breaks_of_reconciliation(
    reconciliation: RunPath, principal: StatisticsReader, at: At, of: Of
) -> Response:
    """The breaks of one run, open and resolved."""
    stream = stream_id("reconciliation", reconciliation)
    await of.owner_of(stream, principal.tenant, "reconciliation")
    as_of = await at.in_read_model(of, RECONCILIATION_BOARD)
    if as_of is not None and not await of.running.reader.stream(stream, up_to_position=as_of):
        raise Problem(catalogue.NOT_FOUND)
    board = await of.queries.run(reconciliation_board.breaks, principal.tenant, stream, as_of_position=as_of)
    return answer(r.BreakList(tuple(map(r.break_body, board.lines))), board.position)


async def list_open_breaks(principal: StatisticsReader, at: At, of: Of) -> Response:
    """Every break of the tenant that nobody resolved yet, the oldest first, at most a thousand."""
    as_of = await at.in_read_model(of, RECONCILIATION_BOARD)
    board = await of.queries.run(reconciliation_board.open_breaks, principal.tenant, as_of_position=as_of)
    return answer(r.BreakList(tuple(map(r.break_body, board.lines))), board.position)


def register(app: FastAPI) -> None:
    """Add the routes of this file."""
    for path, endpoint, tag in (
        ("/v1/payments", list_payments, "payments"),
        ("/v1/mandates", list_mandates, "mandates"),
        ("/v1/reconciliations", list_reconciliations, "reconciliations"),
        ("/v1/reconciliations/{reconciliation}/breaks", list_breaks_of_reconciliation, "reconciliations"),
        ("/v1/breaks", list_open_breaks, "reconciliations"),
    ):
        app.add_api_route(path, endpoint, methods=["GET"], tags=[tag], dependencies=STRICT, response_class=Response)
