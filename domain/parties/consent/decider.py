"""The decider of this aggregate."""

from __future__ import annotations

from domain.kernel.decider import Decider
from domain.parties.consent.rules import decide
from domain.parties.consent.state import ConsentState, evolve

CONSENT = Decider(name="consent", initial=ConsentState(), decide=decide, evolve=evolve)
"""The aggregate, registered under the first part of its event types."""
