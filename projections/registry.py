"""Every read model that there is: what the runner runs, `fsck` compares and the tidy tests look at."""

from __future__ import annotations

from typing import Any

from projections.agreements.clause_library import CLAUSE_LIBRARY
from projections.agreements.consents import CONSENTS
from projections.agreements.contract_book import CONTRACT_BOOK
from projections.applications.application_book import APPLICATION_BOOK
from projections.applications.decision_funnel import DECISION_FUNNEL
from projections.applications.work_in_progress import WORK_IN_PROGRESS
from projections.days.timers import TIMERS
from projections.engine.model import Projection, ProjectionError
from projections.leases.ageing import AGEING
from projections.leases.bills import BILLS
from projections.leases.lease_book import LEASE_BOOK
from projections.money.journal import JOURNAL
from projections.money.mandates import MANDATES
from projections.money.payments import PAYMENTS
from projections.money.receipts import RECEIPTS
from projections.money.reconciliation_board import RECONCILIATION_BOARD

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
