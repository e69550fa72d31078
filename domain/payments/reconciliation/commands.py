"""What can be wished of a reconciliation."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from msgspec import Meta

from domain.intake.application.values import Code, Digest
from domain.kernel.command import Command
from domain.kernel.money import Fen
from domain.payments.reconciliation.events import BreakNumber, Count, Resolution
from domain.payments.reconciliation.matching import Difference

BREAKS_MAX = 2_000
"""Breaks of one run; a statement that differs more is another day's or another provider's."""


class LoadStatement(Command, frozen=True):
    """Record which statement of a provider and day was loaded."""

    provider: Code
    day: date
    digest: Digest
    rows: Count
    total_fen: Fen


class RecordMatching(Command, frozen=True):
    """Record what matching the statement with `ours` payments of `ours_fen` gave."""

    count: Count
    fen: Fen
    ours: Count
    ours_fen: Fen
    breaks: Annotated[tuple[Difference, ...], Meta(max_length=BREAKS_MAX)]


class ResolveBreak(Command, frozen=True):
    """Explain a break."""

    number: BreakNumber
    how: Resolution
    evidence: Digest | None = None


class CloseReconciliation(Command, frozen=True):
    """Close a run without open breaks."""
