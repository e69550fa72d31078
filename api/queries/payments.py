"""Payments, mandates, and the reconciliation board."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct, field

from api.exposed import Exposed, Members
from api.permissions import Permission
from api.queries.engine.read import Read, ReadRequest, ReadResult
from api.queries.engine.resources import Filter, Resource, history_of, reads_of
from api.queries.engine.shape import derived
from domain.payments import mandate as mandate_refusals
from domain.payments.mandate import MANDATE, MandateState, mandate_stream
from domain.payments.payment.rules import PAYMENT
from domain.payments.payment.state import PaymentState
from domain.payments.reconciliation import RECONCILIATION, ReconciliationState
from projections.payments import reconciliation_board
from projections.payments.mandates import MANDATES
from projections.payments.payments import PAYMENTS
from projections.payments.reconciliation_board import RECONCILIATION_BOARD, Line

_OF_A_BREAK = ("movement", "kind", "ref", "resolution")
_BREAK, _break = derived(
    Line,
    "Break",
    only=("run", "number", "state", *_OF_A_BREAK, "expected_fen", "got_fen", "position"),
    renamed={"run": "reconciliation", "position": "last_position"},
)
RECONCILIATIONS = Resource(
    RECONCILIATION,
    RECONCILIATION_BOARD,
    ReconciliationState,
    without=("number", *_OF_A_BREAK),
    renamed={"got_fen": "statement_fen", "expected_fen": "ours_fen"},
)


class DaysFilter(Struct, frozen=True):
    """Days of statements."""

    first: Annotated[date | None, Meta(description="First business date.", examples=["2026-01-01"])] = field(
        default=None, name="from"
    )
    last: Annotated[date | None, Meta(description="Last business date.")] = field(default=None, name="to")


def _list_reconciliations(request: ReadRequest) -> ReadResult:
    """The reconciliation board: a run for each provider and day, at most a thousand, the oldest first."""
    first, last = request.filters.first or date.min, request.filters.last or date.max
    board = reconciliation_board.runs(request.connection, request.tenant, first, last, as_of_position=request.position)
    return ReadResult(RECONCILIATIONS.of_rows(request, board.lines, board.position), board.position)


def _list_breaks_of_reconciliation(request: ReadRequest) -> ReadResult | None:
    """The breaks of one run, open and resolved."""
    if not history_of(request, "reconciliation"):
        return None
    run = request.ids["reconciliation"]
    board = reconciliation_board.breaks(request.connection, request.tenant, run, as_of_position=request.position)
    return ReadResult(tuple(map(_break, board.lines)), board.position)


def _list_open_breaks(request: ReadRequest) -> ReadResult:
    """Every break of the tenant that nobody resolved yet, the oldest first, at most a thousand."""
    board = reconciliation_board.open_breaks(request.connection, request.tenant, as_of_position=request.position)
    return ReadResult(tuple(map(_break, board.lines)), board.position)


_OF_LEASE = Filter("lease", about="Only of this lease.")
_P = Permission


def _mandate_stream(_: UUID, members: Members) -> UUID:
    """A lease has one mandate."""
    return mandate_stream(members["lease"])


EXPOSED = (
    Exposed(
        decider=MANDATE,
        permissions={_P.COLLECT: "GrantMandate SuspendMandate ResumeMandate RevokeMandate ExpireMandate"},
        place=_mandate_stream,
        taken=mandate_refusals.EXISTS,
        again="grant",
    ),
    Exposed(
        decider=PAYMENT,
        permissions={
            _P.COLLECT: "InitiatePayment RetryPayment CancelPayment",
            _P.MONEY: "RecordPending RecordSucceeded RecordFailed RecordOutcomeUnknown RecordRefunded "
            "RecordRefundFailed RecordChargeback",
        },
        withheld={
            "ReceiveCallback": "says itself that a provider's signature verified; comes from the provider's door",
            "RefundPayment": "follows when a lease refunds credit through the payment",
        },
    ),
    Exposed(
        decider=RECONCILIATION,
        permissions={_P.RECONCILE: "ResolveBreak CloseReconciliation"},
        withheld=dict.fromkeys(("LoadStatement", "RecordMatching"), "matches provider statements at the end of a day"),
    ),
)

READS = (
    *reads_of(
        Resource(PAYMENT, PAYMENTS, PaymentState), _P.READ_RECORDS, (_OF_LEASE, "state"),
        columns="id lease bill state channel amount_fen received_fen initiated_on",
    ),
    *reads_of(
        Resource(MANDATE, MANDATES, MandateState), _P.READ_RECORDS, (_OF_LEASE, "state"),
        columns="id lease state reference limit_fen valid_until granted_on",
    ),
    *reads_of(RECONCILIATIONS, _P.READ_RECORDS, listed=False),
    Read(
        path="/reconciliations", query=_list_reconciliations, answer=RECONCILIATIONS.answer, many=True,
        filters=DaysFilter, models=(RECONCILIATION_BOARD,), permission=_P.READ_STATISTICS, tag="reconciliations",
        columns="id provider day state rows matched breaks ours_fen statement_fen digest",
    ),
    Read(
        path="/reconciliations/{reconciliation}/breaks", query=_list_breaks_of_reconciliation, answer=_BREAK, many=True,
        models=(RECONCILIATION_BOARD,), permission=_P.READ_STATISTICS, tag="reconciliations",
        columns="number kind movement state expected_fen got_fen ref resolution last_position",
    ),
    Read(
        path="/breaks", query=_list_open_breaks, answer=_BREAK, many=True, models=(RECONCILIATION_BOARD,),
        permission=_P.READ_STATISTICS, tag="reconciliations", named="list_open_breaks",
        columns="reconciliation number kind movement state expected_fen got_fen ref last_position",
    ),
)  # fmt: skip
