"""Mandate (代扣授权): a lessee's standing order to debit what falls due under one lease.

    Absent ─granted─▶ Granted ─suspended─▶ Suspended ─resumed─▶ Granted
      ▲                  │                     │
      │                  └──────────┬──────────┘
      └── granted again ── Revoked | Expired

One stream for each lease. Nothing is debited without a mandate that stands on that day; a mandate that ended is
replaced by granting again, with another reference if it is another paper.
"""

from __future__ import annotations

from uuid import UUID, uuid5

from domain.kernel import Decider
from domain.payments.mandate import refusals
from domain.payments.mandate.commands import (
    ExpireMandate,
    GrantMandate,
    ResumeMandate,
    RevokeMandate,
    SuspendMandate,
)
from domain.payments.mandate.decide import COMMANDS, decide
from domain.payments.mandate.events import (
    MandateExpired,
    MandateGranted,
    MandateResumed,
    MandateRevoked,
    MandateSuspended,
)
from domain.payments.mandate.state import LIVE, MandateState, Phase, evolve, permits

MANDATE = Decider(name="mandate", initial=MandateState(), decide=decide, evolve=evolve)
"""The aggregate, registered under the first part of its event types."""


def mandate_stream(lease: UUID) -> UUID:
    """The stream of a lease's mandate: one, whoever derives it."""
    return uuid5(lease, MANDATE.name)


__all__ = [
    "COMMANDS",
    "LIVE",
    "MANDATE",
    "ExpireMandate",
    "GrantMandate",
    "MandateExpired",
    "MandateGranted",
    "MandateResumed",
    "MandateRevoked",
    "MandateState",
    "MandateSuspended",
    "Phase",
    "ResumeMandate",
    "RevokeMandate",
    "SuspendMandate",
    "decide",
    "evolve",
    "mandate_stream",
    "permits",
    "refusals",
]
