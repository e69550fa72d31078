"""Posting (记账): the journal lines of one event of a lease, or of the provisions, from the event alone.

    finance lease   at activation the principal becomes net investment against the supplier; interest is income when
                    it accrues, at month ends, and the rest of a period when its bill is issued; a bill moves
                    principal from net investment, and accrued interest, to what is billed
    rental          rent is income when it is billed; nothing is accrued, and the device stands in another book
    transfer        a secured borrowing (`rules.transferring`): the claims stay in the books, the price is borrowed,
                    what is collected repays it in proportion and is owed to the investor until it is remitted
    provisions      a month end brings the allowance from what it holds to what it has to hold

Simplifications, all of which balance: interest of a period is recognised in full when its bill is issued, which may be
some days before it is due; rent is recognised by bills and not by days; buying a device out is income at its price, its
cost being in the other book; what is written off is taken from the allowance, which month ends fill.

Every posting is a list of signed amounts that adds up to zero; a list that does not is `Unbalanced`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec import Struct

from domain.accounting import chart as a
from domain.accounting.provision import ProvisionRecognised
from domain.kernel.event import Event, type_of
from domain.kernel.values import Business
from domain.leasing.bill_changes import BillChanges, bill_changes, total_fen
from domain.leasing.lease.events import money as m
from domain.leasing.values import BillKind
from domain.pricing.schedules import Component


class Line(Struct, frozen=True):
    """One line of the journal: an account and an amount on one of the two sides, in fen."""

    account: str
    debit_fen: int = 0
    credit_fen: int = 0


class Unbalanced(ValueError):
    """A posting whose debits and credits differ."""


Signed = Iterable[tuple[str, int]]
"""Accounts and signed amounts: debits are positive, credits negative."""

Posting = Callable[[Any, BillChanges], Signed]
"""The accounts of an event; what it changes of bills, credit and cash is read once, by `bill_changes`."""


def _cash(changes: BillChanges) -> tuple[str, int]:
    return a.CASH, changes.cash_fen


def _settled(changes: BillChanges) -> Signed:
    """What is to be paid on bills, and credit: negative changes come out on the other side."""
    open_changes = [(a.RECEIVABLES[component], fen) for _, component, fen in changes.open_changes()]
    return (*open_changes, (a.LESSEE_CREDIT, -changes.credit_fen))


def _money(event: Event, changes: BillChanges) -> Signed:
    """Cash, if there is any, met bills and credit."""
    return (_cash(changes), *_settled(changes))


def _against(account: str) -> Posting:
    """Cash that went to one account, or came from it."""
    return lambda event, changes: (_cash(changes), (account, -changes.cash_fen))


def _paid_out(account: str) -> Posting:
    """Cash that one account owed."""
    return lambda event, changes: ((account, -changes.cash_fen), _cash(changes))


def _activated(event: m.LeaseActivated, changes: BillChanges) -> Signed:
    if event.business is Business.RENTAL:
        return ()
    return (
        (a.NET_INVESTMENT, event.principal_fen),
        (a.DOWN_PAYMENTS, event.down_payment_fen),
        (a.SUPPLIERS, -event.principal_fen - event.down_payment_fen),
    )


def _bill_issued(event: m.BillIssued, changes: BillChanges) -> Signed:
    fee_income = a.COMPENSATION_INCOME if event.kind is BillKind.COMPENSATION else a.FEE_INCOME
    billed = (*_settled(changes), (fee_income, -event.fee_fen))
    if event.business is Business.RENTAL:
        return (*billed, (a.RENT_INCOME, -event.principal_fen - event.interest_fen))
    return (
        *billed,
        (a.NET_INVESTMENT, -event.principal_fen),
        (a.ACCRUED_INTEREST, -event.accrued_fen),
        (a.INTEREST_INCOME, event.accrued_fen - event.interest_fen),
    )


def _interest_accrued(event: m.InterestAccrued, changes: BillChanges) -> Signed:
    return ((a.ACCRUED_INTEREST, event.fen), (a.INTEREST_INCOME, -event.fen))


def _late_fee_assessed(event: m.LateFeeAssessed, changes: BillChanges) -> Signed:
    return (*_settled(changes), (a.LATE_FEE_INCOME, -event.fen))


def _bill_waived(event: m.BillWaived, changes: BillChanges) -> Signed:
    return ((a.WAIVERS, total_fen(changes.waived)), *_settled(changes))


def _buyout_completed(event: m.BuyoutCompleted, changes: BillChanges) -> Signed:
    return (*_settled(changes), (a.BUYOUT_INCOME, -event.price_fen))


def _deposit_captured(event: m.DepositCaptured, changes: BillChanges) -> Signed:
    return ((a.DEPOSITS, event.fen - changes.cash_fen), *_money(event, changes))


def _collected(event: m.CollectedForInvestor, changes: BillChanges) -> Signed:
    return (
        (a.BORROWINGS, event.repaid_fen),
        (a.FUNDING_COST, event.fen - event.repaid_fen),
        (a.INVESTORS, -event.fen),
    )


def _released(released_fen: int) -> Signed:
    """What of a price is no longer owed makes the investor's money cheaper."""
    return ((a.BORROWINGS, released_fen), (a.FUNDING_COST, -released_fen))


def _bought_back(event: m.LeaseBoughtBack, changes: BillChanges) -> Signed:
    return (
        *_released(event.released_fen),
        (a.FUNDING_COST, event.price_fen),
        (a.INVESTORS, event.owed_fen),
        _cash(changes),
    )


def _closed(event: m.LeaseClosed, changes: BillChanges) -> Signed:
    return _released(event.released_fen)


def _disposed(event: m.AssetDisposed, changes: BillChanges) -> Signed:
    return (_cash(changes), (a.DISPOSAL_COSTS, -event.costs_fen), *_settled(changes))


def _charged_off(event: m.LeaseChargedOff, changes: BillChanges) -> Signed:
    return ((a.ALLOWANCE, total_fen(changes.written_off)), *_settled(changes))


def _provision(event: ProvisionRecognised, changes: BillChanges) -> Signed:
    """What the allowance lacks, or, the other way, has too much of; more than it has to hold after write-offs."""
    more = event.required_fen - event.held_fen
    return ((a.IMPAIRMENT, more), (a.ALLOWANCE, -more))


_POSTINGS: dict[type[Event], Posting] = {
    m.DepositReceived: _against(a.DEPOSITS),
    m.DepositReleased: _paid_out(a.DEPOSITS),
    m.DepositCaptured: _deposit_captured,
    m.DownPaymentReceived: _against(a.DOWN_PAYMENTS),
    m.DownPaymentRefunded: _paid_out(a.DOWN_PAYMENTS),
    m.LeaseActivated: _activated,
    m.BillIssued: _bill_issued,
    m.InterestAccrued: _interest_accrued,
    m.LateFeeAssessed: _late_fee_assessed,
    m.PaymentPosted: _money,
    m.PaymentReversed: _money,
    m.CreditApplied: _money,
    m.CreditRefunded: _paid_out(a.LESSEE_CREDIT),
    m.RefundReturned: _money,
    m.BillWaived: _bill_waived,
    m.BuyoutCompleted: _buyout_completed,
    m.LeaseTransferred: _against(a.BORROWINGS),
    m.CollectedForInvestor: _collected,
    m.RemittedToInvestor: _paid_out(a.INVESTORS),
    m.LeaseBoughtBack: _bought_back,
    m.AssetDisposed: _disposed,
    m.LeaseChargedOff: _charged_off,
    m.DebtRecovered: _against(a.RECOVERY_INCOME),
    m.RecoveryReversed: _against(a.RECOVERY_INCOME),
    m.LeaseClosed: _closed,
    ProvisionRecognised: _provision,
}

MONEY_EVENTS: frozenset[type[Event]] = frozenset(_POSTINGS)
"""The event classes that the books post; every other event moves no money."""


def post(event: Event) -> tuple[Line, ...]:
    """The journal lines of an event, accounts in the order of the posting; none for an event that moves no money.

    Raises `Unbalanced` when the event's own amounts do not add up.
    """
    return _lines(amounts(event))


def amounts(event: Event) -> dict[str, int]:
    """As `post`, as debits less credits of each account that changes, in fen; they add up to zero."""
    posting = _POSTINGS.get(type(event))
    return {} if posting is None else _net(posting(event, bill_changes(event)), event)


def _net(signed: Signed, event: Event) -> dict[str, int]:
    net: dict[str, int] = {}
    for account, fen in signed:
        net[account] = net.get(account, 0) + fen
    if total := sum(net.values()):
        raise Unbalanced(f"{type_of(event)}: expected debits and credits to be equal, got a difference of {total} fen")
    return net if all(net.values()) else {account: fen for account, fen in net.items() if fen}


def _lines(net: Mapping[str, int]) -> tuple[Line, ...]:
    return tuple(Line(account, max(0, fen), max(0, -fen)) for account, fen in net.items())


def trial_balance(lines: Iterable[Line]) -> dict[str, int]:
    """Debits less credits of each account in fen, by code; the values add up to zero."""
    totals: dict[str, int] = {}
    for line in lines:
        totals[line.account] = totals.get(line.account, 0) + line.debit_fen - line.credit_fen
    return dict(sorted(totals.items()))


assert set(a.RECEIVABLES) == set(Component)
