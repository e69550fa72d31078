"""Reconciliation (对账): one provider's statement of one business date against our own payments.

    Absent ─statement_loaded─▶ Loaded ─matched, break_found × n─▶ Matched ─break_resolved × n─▶ ─closed─▶ Closed

A stream for each tenant, provider and day. `matching` is the pure comparison; the aggregate makes sure that its result
accounts for every row and every fen, and that nothing is closed while a break is open.
"""

from __future__ import annotations

from datetime import date
from uuid import UUID, uuid5

from domain.kernel import Decider
from domain.payments.reconciliation import refusals
from domain.payments.reconciliation.commands import (
    CloseReconciliation,
    LoadStatement,
    RecordMatching,
    ResolveBreak,
)
from domain.payments.reconciliation.decide import COMMANDS, Phase, ReconciliationState, decide, evolve
from domain.payments.reconciliation.events import (
    BreakFound,
    BreakResolved,
    ReconciliationClosed,
    Resolution,
    StatementLoaded,
    StatementMatched,
)
from domain.payments.reconciliation.matching import BreakKind, Difference, Matching, Money, Movement, match

RECONCILIATION = Decider(name="reconciliation", initial=ReconciliationState(), decide=decide, evolve=evolve)
"""The aggregate, registered under the first part of its event types."""


def reconciliation_stream(tenant: UUID, provider: str, day: date) -> UUID:
    """The stream of a provider's statement of a day."""
    return uuid5(tenant, f"{RECONCILIATION.name}:{provider}:{day}")


__all__ = [
    "COMMANDS",
    "RECONCILIATION",
    "BreakFound",
    "BreakKind",
    "BreakResolved",
    "CloseReconciliation",
    "Difference",
    "LoadStatement",
    "Matching",
    "Money",
    "Movement",
    "Phase",
    "ReconciliationClosed",
    "ReconciliationState",
    "RecordMatching",
    "Resolution",
    "ResolveBreak",
    "StatementLoaded",
    "StatementMatched",
    "decide",
    "evolve",
    "match",
    "reconciliation_stream",
    "refusals",
]
