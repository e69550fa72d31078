"""Consents to test with: one command and one history for every need.

`python -m tests.domain.parties.consents` writes the table that `consent_table.txt` is compared with.
"""

from __future__ import annotations

import sys
from datetime import date, timedelta
from uuid import UUID

from domain.kernel.command import Command
from domain.kernel.event import Event
from domain.kernel.values import ClauseRef
from domain.parties.consent import (
    CONSENT,
    ConsentDeclined,
    ConsentExpired,
    ConsentGranted,
    ConsentPhase,
    ConsentRequested,
    ConsentWithdrawn,
    DeclineConsent,
    ExpireConsent,
    GrantConsent,
    RenewConsent,
    RequestConsent,
    WithdrawConsent,
)
from domain.parties.purposes import Purpose
from tests.domain.parties.table import table
from tests.given import TODAY, scenarios

given = scenarios(CONSENT)

SUBJECT = UUID(int=77)
CLAUSE = ClauseRef(clause="credit_information", version=1, digest="c" * 64)
NEWER = ClauseRef(clause="credit_information", version=2, digest="d" * 64)
EVIDENCE = "e" * 64
BUREAU, OTHER_BUREAU = "bureau_a", "bureau_b"
USE = "lease_application"
YESTERDAY = TODAY - timedelta(days=1)
UNTIL = date(2027, 3, 1)
LATER = date(2028, 3, 1)

REQUEST = RequestConsent(
    subject=SUBJECT,
    purpose=Purpose.CREDIT_INQUIRY,
    recipients=(BUREAU, OTHER_BUREAU),
    clause=CLAUSE,
    expires_on=UNTIL,
    uses=(USE, "lease_management"),
)
GRANT = GrantConsent(recipients=(BUREAU,), clause=CLAUSE, expires_on=UNTIL, uses=(USE,), evidence=EVIDENCE)
DECLINE = DeclineConsent(channel="app")
RENEW = RenewConsent(clause=NEWER, expires_on=LATER, evidence=EVIDENCE)
WITHDRAW = WithdrawConsent(channel="app")
SAMPLES: tuple[Command, ...] = (REQUEST, GRANT, DECLINE, RENEW, WITHDRAW, ExpireConsent())

REQUESTED = ConsentRequested(
    subject=SUBJECT,
    purpose=Purpose.CREDIT_INQUIRY,
    recipients=(BUREAU, OTHER_BUREAU),
    clause=CLAUSE,
    expires_on=UNTIL,
    uses=(USE, "lease_management"),
)
GRANTED = ConsentGranted(
    purpose=Purpose.CREDIT_INQUIRY,
    recipients=(BUREAU,),
    clause=CLAUSE,
    granted_on=date(2026, 1, 10),
    expires_on=UNTIL,
    uses=(USE,),
    evidence=EVIDENCE,
)
LAPSED = ConsentGranted(
    purpose=Purpose.CREDIT_INQUIRY,
    recipients=(BUREAU,),
    clause=CLAUSE,
    granted_on=date(2026, 1, 10),
    expires_on=YESTERDAY,
    uses=(USE,),
    evidence=EVIDENCE,
)
TO_GRANTED: tuple[Event, ...] = (REQUESTED, GRANTED)

HISTORIES: dict[ConsentPhase, tuple[Event, ...]] = {
    ConsentPhase.ABSENT: (),
    ConsentPhase.REQUESTED: (REQUESTED,),
    ConsentPhase.GRANTED: TO_GRANTED,
    ConsentPhase.DECLINED: (REQUESTED, ConsentDeclined(channel="app")),
    ConsentPhase.WITHDRAWN: (*TO_GRANTED, ConsentWithdrawn(withdrawn_on=TODAY, channel="app")),
    ConsentPhase.EXPIRED: (REQUESTED, LAPSED, ConsentExpired(business_date=TODAY)),
}


def text() -> str:
    """The table as agreed."""
    return table(given, SAMPLES, {phase.value: history for phase, history in HISTORIES.items()}, {})


if __name__ == "__main__":
    sys.stdout.write(text())
