"""Every aggregate there is; importing this registers all event types and refusals, as reading a ledger needs."""

from __future__ import annotations

from typing import Any

from domain.access.ledger import LEDGER
from domain.accounting.provision.decider import PROVISION
from domain.calendar.decider import CALENDAR
from domain.contracts.clause.decider import CLAUSE
from domain.contracts.contract.decider import CONTRACT
from domain.intake.application.decider import APPLICATION
from domain.kernel.decider import Decider
from domain.leasing.lease.decider import LEASE
from domain.parties.consent.decider import CONSENT
from domain.payments.mandate.decider import MANDATE
from domain.payments.payment.decider import PAYMENT
from domain.payments.reconciliation.decider import RECONCILIATION

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
