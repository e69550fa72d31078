"""Every aggregate there is; importing this registers all event types and refusals, as reading a ledger needs."""

from __future__ import annotations

from typing import Any

from domain.access.ledger import LEDGER
from domain.accounting.provision import PROVISION
from domain.calendar.calendar import CALENDAR
from domain.contracts.clause import CLAUSE
from domain.contracts.contract.rules import CONTRACT
from domain.intake.application.rules import APPLICATION
from domain.kernel.decider import Decider
from domain.leasing.lease.rules.decider import LEASE
from domain.parties.consent import CONSENT
from domain.payments.mandate import MANDATE
from domain.payments.payment.rules import PAYMENT
from domain.payments.reconciliation import RECONCILIATION

AGGREGATES: tuple[Decider[Any], ...] = (
    APPLICATION,
    CONSENT,
    CLAUSE,
    CONTRACT,
    LEASE,
    MANDATE,
    PAYMENT,
    RECONCILIATION,
    PROVISION,
    CALENDAR,
    LEDGER,
)
"""In the order in which a case meets them, the calendar and the ledger itself last."""
