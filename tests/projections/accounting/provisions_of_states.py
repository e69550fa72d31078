"""Class and exposure of one lease from its state: what the query over all leases must add up to."""

from __future__ import annotations

from datetime import date

from domain.accounting.provisioning import FiveClass, ProvisionPolicy
from domain.leasing.lease.state import LeaseState


def days_overdue(state: LeaseState, on: date) -> int:
    """Days since the oldest bill with open rent was due; zero when none is overdue."""
    due = [bill.due_on for bill in state.balances.bills if bill.open_rent_fen > 0 and bill.due_on < on]
    return (on - min(due)).days if due else 0


def exposure_fen(state: LeaseState) -> int:
    """What would be lost: everything billed and open, principal not billed yet, interest accrued on it.

    For a rental what is not billed is rent to come and no exposure.
    """
    open_fen = state.balances.open_fen
    if state.business is state.business.RENTAL:
        return open_fen
    return open_fen + state.unbilled_principal_fen + state.accrued_fen


def classify(days: int, policy: ProvisionPolicy) -> FiveClass:
    """The worst class whose days are reached."""
    return max(policy.rules, key=lambda rule: (rule.from_days <= days, rule.from_days)).five_class
