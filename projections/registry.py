"""Every read model that there is: what the runner runs, `fsck` compares and the tidy tests look at."""

from __future__ import annotations

from typing import Any

from projections.accounting.journal import JOURNAL
from projections.calendar.timers import TIMERS
from projections.contracts.clause_library import CLAUSE_LIBRARY
from projections.contracts.contract_book import CONTRACT_BOOK
from projections.engine.model import Projection, ProjectionError
from projections.intake.application_book import APPLICATION_BOOK
from projections.intake.decision_funnel import DECISION_FUNNEL
from projections.intake.work_in_progress import WORK_IN_PROGRESS
from projections.leasing.ageing import AGEING
from projections.leasing.bills import BILLS
from projections.leasing.lease_book import LEASE_BOOK
from projections.parties.consents import CONSENTS
from projections.payments.mandates import MANDATES
from projections.payments.payments import PAYMENTS
from projections.payments.receipts import RECEIPTS
from projections.payments.reconciliation_board import RECONCILIATION_BOARD

PROJECTIONS: tuple[Projection[Any], ...] = (
    APPLICATION_BOOK,
    DECISION_FUNNEL,
    WORK_IN_PROGRESS,
    CLAUSE_LIBRARY,
    CONTRACT_BOOK,
    CONSENTS,
    LEASE_BOOK,
    BILLS,
    AGEING,
    JOURNAL,
    TIMERS,
    MANDATES,
    PAYMENTS,
    RECEIPTS,
    RECONCILIATION_BOARD,
)
"""In the order people see them. Two versions of one name may stand here while the newer one is built."""


def find(name: str) -> Projection[Any]:
    """The newest version of a read model by its name. Raises `ProjectionError` naming the ones that there are."""
    versions = [projection for projection in PROJECTIONS if projection.name == name]
    if not versions:
        known = ", ".join(sorted({projection.name for projection in PROJECTIONS}))
        raise ProjectionError(f"expected one of {known}, got {name!r}")
    return max(versions, key=lambda projection: projection.version)
