"""Consent (同意): one person's yes to one purpose, for named recipients, until a day, and its end.

    Requested ─▶ Granted ─▶ Withdrawn
        │         │   ▲
        │         ▼   │ renewed
        └▶ Declined   Expired

A stream holds one purpose, so that a separate consent (个人信息保护法 23–30) is separate by construction. What ends
a consent does not touch what was done under it (个人信息保护法 15): `permits` is asked for a day.
"""

from __future__ import annotations

from domain.kernel import Decider
from domain.parties.consent import refusals
from domain.parties.consent.commands import (
    DeclineConsent,
    ExpireConsent,
    GrantConsent,
    RenewConsent,
    RequestConsent,
    WithdrawConsent,
)
from domain.parties.consent.decide import COMMANDS, decide
from domain.parties.consent.events import (
    ConsentDeclined,
    ConsentExpired,
    ConsentGranted,
    ConsentRenewed,
    ConsentRequested,
    ConsentWithdrawn,
)
from domain.parties.consent.permission import permits, permits_any
from domain.parties.consent.state import ConsentState, Period, Phase, evolve
from domain.parties.consent.values import IN_WRITING, WITH_USES, Purpose

CONSENT = Decider(name="consent", initial=ConsentState(), decide=decide, evolve=evolve)
"""The aggregate, registered under the first part of its event types."""

__all__ = [
    "COMMANDS",
    "CONSENT",
    "IN_WRITING",
    "WITH_USES",
    "ConsentDeclined",
    "ConsentExpired",
    "ConsentGranted",
    "ConsentRenewed",
    "ConsentRequested",
    "ConsentState",
    "ConsentWithdrawn",
    "DeclineConsent",
    "ExpireConsent",
    "GrantConsent",
    "Period",
    "Phase",
    "Purpose",
    "RenewConsent",
    "RequestConsent",
    "WithdrawConsent",
    "decide",
    "evolve",
    "permits",
    "permits_any",
    "refusals",
]
