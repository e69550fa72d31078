"""The decider of this aggregate."""

from __future__ import annotations

from uuid import UUID, uuid5

from domain.contracts.clause.rules import decide
from domain.contracts.clause.state import ClauseState, evolve
from domain.kernel.decider import Decider

CLAUSE = Decider(name="clause", initial=ClauseState(), decide=decide, evolve=evolve)
"""The aggregate, registered under the first part of its event types."""


def clause_stream(tenant: UUID, code: str) -> UUID:
    """The stream of a tenant's clause: derived from its code, so that there is one and everyone finds it."""
    return uuid5(tenant, f"{CLAUSE.name}:{code}")
