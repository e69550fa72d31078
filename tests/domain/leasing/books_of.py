"""What the books say of a history, and whether they agree with the lease's own balances."""

from __future__ import annotations

from collections.abc import Iterable

from domain.accounting import chart
from domain.accounting.posting import post, trial_balance
from domain.kernel.event import Event
from domain.kernel.values import Business
from domain.leasing.account import replay
from domain.leasing.lease.state import LeasePhase, LeaseState
from domain.leasing.values import COMPONENTS, DepositMode


def totals_of(events: Iterable[Event]) -> dict[str, int]:
    """The trial balance of a history, accounts at zero left out."""
    totals = trial_balance(line for event in events for line in post(event))
    return {code: fen for code, fen in totals.items() if fen}


def check_agreement(events: Iterable[Event], state: LeaseState) -> None:
    """Every sub-ledger of the books is what the lease knows, and the balances are what a replay gives."""
    totals = totals_of(events)
    assert sum(totals.values()) == 0
    balances = state.balances
    assert balances == replay(state.account)
    assert totals.get(chart.LESSEE_CREDIT, 0) == -balances.credit_fen
    for component in COMPONENTS:
        open_fen = sum(bill.open_of(component) for bill in balances.bills)
        assert totals.get(chart.RECEIVABLES[component], 0) == open_fen, component
    running = state.phase not in {LeasePhase.ABSENT, LeasePhase.AWAITING_DELIVERY}
    financed = running and state.business is Business.FINANCE
    assert totals.get(chart.NET_INVESTMENT, 0) == (state.unbilled_principal_fen if financed else 0)
    assert totals.get(chart.ACCRUED_INTEREST, 0) == state.accrued_fen
    funding = state.funding
    owed, unrepaid = (0, 0) if funding is None else (funding.owed_fen, funding.unrepaid_fen)
    assert totals.get(chart.INVESTORS, 0) == -owed
    assert totals.get(chart.BORROWINGS, 0) == -unrepaid
    assert totals.get(chart.DOWN_PAYMENTS, 0) == -state.down_payment_held_fen
    cash = state.deposit_mode is DepositMode.CASH
    assert totals.get(chart.DEPOSITS, 0) == (-state.deposit_held_fen if cash else 0)
