"""The books (账簿): double entry from events alone, provisions in five classes, interest to come.

`chart` is the chart of accounts as data, `posting` makes journal lines of one event, `provisions` and `revenue` say
what a period end needs, and `provision` is the aggregate that records what the allowance has to hold at month ends.
"""

from __future__ import annotations

from domain.books.chart import ACCOUNTS, AccountKind, LedgerAccount
from domain.books.posting import MONEY_EVENTS, Line, Unbalanced, post, trial_balance
from domain.books.provisions import (
    PROVISION_POLICIES,
    FiveClass,
    ProvisionPolicy,
    classify,
    days_overdue,
    exposure_fen,
    provision_fen,
)
from domain.books.revenue import MonthAmount, future_interest, future_rent

__all__ = [
    "ACCOUNTS",
    "MONEY_EVENTS",
    "PROVISION_POLICIES",
    "AccountKind",
    "FiveClass",
    "LedgerAccount",
    "Line",
    "MonthAmount",
    "ProvisionPolicy",
    "Unbalanced",
    "classify",
    "days_overdue",
    "exposure_fen",
    "future_interest",
    "future_rent",
    "post",
    "provision_fen",
    "trial_balance",
]
