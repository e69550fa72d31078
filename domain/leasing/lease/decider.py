"""The decider of this aggregate."""

from __future__ import annotations

from domain.kernel.decider import Decider
from domain.leasing.lease.evolve import evolve
from domain.leasing.lease.rules import decide
from domain.leasing.lease.state import (
    LeaseState,
)

LEASE = Decider(name="lease", initial=LeaseState(), decide=decide, evolve=evolve)
"""The aggregate, registered under the first part of its event types."""
