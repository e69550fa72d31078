"""Every read that there is, in the order in which a case meets them."""

from __future__ import annotations

from collections.abc import Mapping

from api.queries import accounting, calendar, contracts, intake, leasing, ledger, parties, payments, portfolio
from api.queries.engine.read import Read

CONTEXTS: Mapping[str, tuple[Read, ...]] = {
    "intake": intake.READS,
    "parties": parties.READS,
    "contracts": contracts.READS,
    "leasing": leasing.READS,
    "payments": payments.READS,
    "accounting": accounting.READS,
    "portfolio": portfolio.READS,
    "calendar": calendar.READS,
    "ledger": ledger.READS,
}
"""The reads of each business context."""

READS: tuple[Read, ...] = tuple(read for reads in CONTEXTS.values() for read in reads)
