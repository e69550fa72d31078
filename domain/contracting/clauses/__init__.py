"""Clause (条款): one entry of the clause library and its versions.

    (version n)   Drafted ─▶ Published(effective from) ─▶ Withdrawn(from)

A version's text never changes; another text is the next version. What binds is the SHA-256 over its exact bytes. On
any business date the version that took effect last and was not withdrawn is the one to assemble.
"""

from __future__ import annotations

from uuid import UUID, uuid5

from domain.contracting.clauses import refusals
from domain.contracting.clauses.commands import DraftClause, PublishClause, WithdrawClause
from domain.contracting.clauses.decide import COMMANDS, decide
from domain.contracting.clauses.events import ClauseDrafted, ClausePublished, ClauseWithdrawn
from domain.contracting.clauses.state import ClauseState, ClauseVersion, evolve
from domain.contracting.clauses.texts import Difference, difference
from domain.contracting.clauses.values import ClauseRef, text_digest
from domain.kernel import Decider

CLAUSE = Decider(name="clause", initial=ClauseState(), decide=decide, evolve=evolve)
"""The aggregate, registered under the first part of its event types."""


def clause_stream(tenant: UUID, code: str) -> UUID:
    """The stream of a tenant's clause: derived from its code, so that there is one and everyone finds it."""
    return uuid5(tenant, f"{CLAUSE.name}:{code}")


__all__ = [
    "CLAUSE",
    "COMMANDS",
    "ClauseDrafted",
    "ClausePublished",
    "ClauseRef",
    "ClauseState",
    "ClauseVersion",
    "ClauseWithdrawn",
    "Difference",
    "DraftClause",
    "PublishClause",
    "WithdrawClause",
    "clause_stream",
    "decide",
    "difference",
    "evolve",
    "refusals",
    "text_digest",
]
