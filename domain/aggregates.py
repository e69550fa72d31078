"""Every aggregate there is; importing this registers all event types and refusals, as reading a ledger needs."""

from __future__ import annotations

from typing import Any

from domain.application import APPLICATION
from domain.books.provision import PROVISION
from domain.calendar import CALENDAR
from domain.contracting.clauses import CLAUSE
from domain.contracting.contract import CONTRACT
from domain.kernel import Decider
from domain.leasing.lease import LEASE
from domain.parties.consent import CONSENT
from domain.payments.mandate import MANDATE
from domain.payments.payment import PAYMENT
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
)
"""In the order in which a case meets them, the calendar last."""
