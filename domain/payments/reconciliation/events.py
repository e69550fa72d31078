"""What can happen to a reconciliation: every event type of the aggregate."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from domain.intake.application.values import Code, Digest
from domain.kernel.event import Event, event_type
from domain.kernel.money import Fen
from domain.payments.payment.values import ProviderRef
from domain.payments.reconciliation.matching import BreakKind, Movement

COUNT_MAX = 2**53 - 1
Count = Annotated[int, Meta(ge=0, le=COUNT_MAX)]
BreakNumber = Annotated[int, Meta(ge=1)]
"""Breaks of one run are numbered 1, 2, 3 …: a reference can stand in several of them."""


class Resolution(StrEnum):
    """How a break was resolved.

    `posted`: the money is in our books now. `other_day`: it stands on the statement of another day. `corrected`: the
    provider corrected its statement. `returned`: the money went back. `written_off`: the difference was taken as loss
    or gain.
    """

    POSTED = "posted"
    OTHER_DAY = "other_day"
    CORRECTED = "corrected"
    RETURNED = "returned"
    WRITTEN_OFF = "written_off"


@event_type("reconciliation.statement_loaded.v1")
class StatementLoaded(Event, frozen=True):
    """A provider's statement of a day came in; `digest` is SHA-256 of the file, kept outside the ledger.

    `total_fen` is the turnover: the sum of all rows, whichever way their money went.
    """

    provider: Code
    day: date
    digest: Digest
    rows: Count
    total_fen: Fen


@event_type("reconciliation.matched.v1")
class StatementMatched(Event, frozen=True):
    """So many rows agree with our payments, with so much money; `breaks` follow, one event each."""

    count: Count
    fen: Fen
    ours: Count
    ours_fen: Fen
    breaks: Count


@event_type("reconciliation.break_found.v1")
class BreakFound(Event, frozen=True):
    """The two sides differ: `expected_fen` by our books, `got_fen` on the statement."""

    number: BreakNumber
    movement: Movement
    kind: BreakKind
    ref: ProviderRef
    expected_fen: Fen
    got_fen: Fen


@event_type("reconciliation.break_resolved.v1")
class BreakResolved(Event, frozen=True):
    """A break was explained; `evidence` is the digest of what proves it."""

    number: BreakNumber
    how: Resolution
    evidence: Digest | None = None


@event_type("reconciliation.closed.v1")
class ReconciliationClosed(Event, frozen=True):
    """Every row of the day is matched or its break resolved."""
