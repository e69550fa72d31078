"""The decider of this aggregate."""

from __future__ import annotations

from domain.intake.application.evolve import evolve
from domain.intake.application.rules import decide
from domain.intake.application.state import ApplicationState
from domain.kernel.decider import Decider

APPLICATION = Decider(name="application", initial=ApplicationState(), decide=decide, evolve=evolve)
"""The aggregate, registered under the first part of its event types."""
