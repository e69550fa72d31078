"""The decider of this aggregate."""

from __future__ import annotations

from datetime import date
from uuid import UUID, uuid5

from domain.kernel.decider import Decider
from domain.payments.reconciliation.rules import ReconciliationState, decide, evolve

RECONCILIATION = Decider(name="reconciliation", initial=ReconciliationState(), decide=decide, evolve=evolve)
"""The aggregate, registered under the first part of its event types."""


def reconciliation_stream(tenant: UUID, provider: str, day: date) -> UUID:
    """The stream of a provider's statement of a day."""
    return uuid5(tenant, f"{RECONCILIATION.name}:{provider}:{day}")
