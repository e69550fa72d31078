"""Registry of reads: every declaration, in the order in which an application meets them."""

from __future__ import annotations

from collections.abc import Mapping

from api.queries import (
    access,
    accounting,
    calendar,
    contracts,
    intake,
    leasing,
    ledger,
    parked,
    parties,
    payments,
    portfolio,
)
from api.queries.engine.read import Read

MODULES = (intake, parties, contracts, leasing, payments, accounting, portfolio, calendar, parked, ledger, access)

CONTEXTS: Mapping[str, tuple[Read, ...]] = {module.__name__.rpartition(".")[2]: module.READS for module in MODULES}
"""The reads of each business context."""

READS: tuple[Read, ...] = tuple(read for reads in CONTEXTS.values() for read in reads)
