"""The decider of this aggregate."""

from __future__ import annotations

from uuid import UUID, uuid5

from domain.kernel.decider import Decider
from domain.payments.mandate.rules import decide
from domain.payments.mandate.state import MandateState, evolve

MANDATE = Decider(name="mandate", initial=MandateState(), decide=decide, evolve=evolve)
"""The aggregate, registered under the first part of its event types."""


def mandate_stream(lease: UUID) -> UUID:
    """The stream of a lease's mandate: one, whoever derives it."""
    return uuid5(lease, MANDATE.name)
