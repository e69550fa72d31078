"""Payments, mandates and reconciliations as people see them: the read models' rows with outside ids."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from api.http.lease_resources import LeaseId
from api.http.resources import Position
from domain.kernel.ids import format_id
from domain.payments.payment.values import CollectionPolicy
from projections.payments import mandates, payments, reconciliation_board

PaymentId = Annotated[str, Meta(pattern="^payment_[0-9a-f]{32}$")]
MandateId = Annotated[str, Meta(pattern="^mandate_[0-9a-f]{32}$")]
ReconciliationId = Annotated[str, Meta(pattern="^reconciliation_[0-9a-f]{32}$")]


class PaymentRow(Struct, frozen=True, kw_only=True):
    """One payment. `under_way_fen` is what an order at a provider asks for now, `code` that of the last failure."""

    id: PaymentId
    lease: LeaseId
    bill: int | None
    mandate: str | None
    state: str
    channel: str
    attempt: int
    amount_fen: int
    under_way_fen: int
    received_fen: int
    refunded_fen: int
    charged_back_fen: int
    not_before: date | None
    initiated_on: date
    code: str | None
    first_position: Position
    last_position: Position


class PaymentPage(Struct, frozen=True):
    """Some payments in the order of their ids; `next` is the `starting_after` of the next page."""

    data: tuple[PaymentRow, ...]
    has_more: bool
    next: PaymentId | None


class MandateRow(Struct, frozen=True, kw_only=True):
    """One mandate: the terms that were granted last, and its state."""

    id: MandateId
    lease: LeaseId
    state: str
    reference: str
    policy: CollectionPolicy
    limit_fen: int | None
    valid_until: date | None
    granted_on: date
    first_position: Position
    last_position: Position


class MandatePage(Struct, frozen=True):
    """Some mandates in the order of their ids; `next` is the `starting_after` of the next page."""

    data: tuple[MandateRow, ...]
    has_more: bool
    next: MandateId | None


class ReconciliationRun(Struct, frozen=True, kw_only=True):
    """One provider's statement of one day: rows and turnover of the statement, what agrees, our own turnover."""

    id: ReconciliationId
    provider: str
    day: date
    state: str
    rows: int
    matched: int
    breaks: int
    statement_fen: int
    ours_fen: int
    digest: str
    last_position: Position


class ReconciliationList(Struct, frozen=True):
    """Runs in the order of their days and providers."""

    data: tuple[ReconciliationRun, ...]


class Break(Struct, frozen=True, kw_only=True):
    """Where the two sides differ: `expected_fen` by our books, `got_fen` on the statement."""

    reconciliation: ReconciliationId
    number: int
    state: str
    movement: str
    kind: str
    ref: str
    expected_fen: int
    got_fen: int
    resolution: str | None
    last_position: Position


class BreakList(Struct, frozen=True):
    """Breaks in the order in which they were found."""

    data: tuple[Break, ...]


class Taken(Struct, frozen=True):
    """What became of a callback: applied, or why it changed nothing."""

    result: str


_policy = msgspec.json.Decoder(CollectionPolicy).decode


def payment_body(row: payments.Payment) -> PaymentRow:
    """A row of the read model."""
    return PaymentRow(
        id=format_id("payment", row.id),
        lease=format_id("lease", row.lease),
        bill=row.bill,
        mandate=row.mandate or None,
        state=row.state,
        channel=row.channel,
        attempt=row.attempt,
        amount_fen=row.amount_fen,
        under_way_fen=row.under_way_fen,
        received_fen=row.received_fen,
        refunded_fen=row.refunded_fen,
        charged_back_fen=row.charged_back_fen,
        not_before=row.not_before,
        initiated_on=row.initiated_on,
        code=row.code or None,
        first_position=row.first_position,
        last_position=row.position,
    )


def mandate_body(row: mandates.Mandate) -> MandateRow:
    """A row of the read model."""
    return MandateRow(
        id=format_id("mandate", row.id),
        lease=format_id("lease", row.lease),
        state=row.state,
        reference=row.reference,
        policy=_policy(row.policy),
        limit_fen=row.limit_fen,
        valid_until=row.valid_until,
        granted_on=row.granted_on,
        first_position=row.first_position,
        last_position=row.position,
    )


def run_body(line: reconciliation_board.Line) -> ReconciliationRun:
    """The line of a run."""
    assert line.day is not None, "a run is about a day"
    return ReconciliationRun(
        id=format_id("reconciliation", line.run),
        provider=line.provider,
        day=line.day,
        state=line.state,
        rows=line.rows,
        matched=line.matched,
        breaks=line.breaks,
        statement_fen=line.got_fen,
        ours_fen=line.expected_fen,
        digest=line.digest,
        last_position=line.position,
    )


def break_body(line: reconciliation_board.Line) -> Break:
    """The line of a break."""
    return Break(
        reconciliation=format_id("reconciliation", line.run),
        number=line.number,
        state=line.state,
        movement=line.movement,
        kind=line.kind,
        ref=line.ref,
        expected_fen=line.expected_fen,
        got_fen=line.got_fen,
        resolution=line.resolution or None,
        last_position=line.position,
    )
