"""Every read that there is, in the order in which a case meets them."""

from __future__ import annotations

from api.queries import accounting, calendar, contracts, intake, leasing, ledger, parties, payments, portfolio
from api.queries.engine.read import Read

READS: tuple[Read, ...] = (
    *intake.READS,
    *parties.READS,
    *contracts.READS,
    *leasing.READS,
    *payments.READS,
    *accounting.READS,
    *portfolio.READS,
    *calendar.READS,
    *ledger.READS,
)
