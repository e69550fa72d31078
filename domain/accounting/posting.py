"""Posting (记账): the journal lines of one event of a lease, or of the provisions, from the event alone.

    finance lease   at activation the principal becomes net investment against the supplier; interest is income when
                    it accrues, at month ends, and the rest of a period when its bill is issued; a bill moves
                    principal from net investment, and accrued interest, to what is billed
    rental          rent is income when it is billed; nothing is accrued, and the device stands in another book
    transfer        a secured borrowing (`lease.transferring`): the claims stay in the books, the price is borrowed,
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
from domain.leasing.lease.events import money as m
from domain.leasing.values import Applied, BillKind, DepositMode, Part
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

Posting = Callable[[Any], Signed]


def _activated(event: m.LeaseActivated) -> Signed:
    if event.business is Business.RENTAL:
        return ()
    return (
        (a.NET_INVESTMENT, event.principal_fen),
        (a.DOWN_PAYMENTS, event.down_payment_fen),
        (a.SUPPLIERS, -event.principal_fen - event.down_payment_fen),
    )


def _down_payment_received(event: m.DownPaymentReceived) -> Signed:
    return ((a.CASH, event.fen), (a.DOWN_PAYMENTS, -event.fen))


def _down_payment_refunded(event: m.DownPaymentRefunded) -> Signed:
    return ((a.DOWN_PAYMENTS, event.fen), (a.CASH, -event.fen))


def _bill_issued(event: m.BillIssued) -> Signed:
    billed = (
        (a.RECEIVABLE_PRINCIPAL, event.principal_fen),
        (a.RECEIVABLE_INTEREST, event.interest_fen),
        (a.RECEIVABLE_FEE, event.fee_fen),
        (a.COMPENSATION_INCOME if event.kind is BillKind.COMPENSATION else a.FEE_INCOME, -event.fee_fen),
    )
    if event.business is Business.RENTAL:
        return (*billed, (a.RENT_INCOME, -event.principal_fen - event.interest_fen))
    return (
        *billed,
        (a.NET_INVESTMENT, -event.principal_fen),
        (a.ACCRUED_INTEREST, -event.accrued_fen),
        (a.INTEREST_INCOME, event.accrued_fen - event.interest_fen),
    )


def _interest_accrued(event: m.InterestAccrued) -> Signed:
    return ((a.ACCRUED_INTEREST, event.fen), (a.INTEREST_INCOME, -event.fen))


def _late_fee_assessed(event: m.LateFeeAssessed) -> Signed:
    return ((a.RECEIVABLE_LATE_FEE, event.fen), (a.LATE_FEE_INCOME, -event.fen))


def _settled(applied: Iterable[Applied], credit_fen: int) -> Signed:
    """Bills paid and credit gained, both in credit; negative changes come out on the other side."""
    return (*((a.RECEIVABLES[x.component], -x.fen) for x in applied), (a.LESSEE_CREDIT, -credit_fen))


def _gone(parts: Iterable[Part]) -> Signed:
    return tuple((a.RECEIVABLES[part.component], -part.fen) for part in parts)


def _payment_posted(event: m.PaymentPosted) -> Signed:
    return ((a.CASH, event.amount_fen), *_settled(event.applied, event.credit_fen))


def _payment_reversed(event: m.PaymentReversed) -> Signed:
    return ((a.CASH, -event.amount_fen), *_settled(event.applied, event.credit_fen))


def _credit_applied(event: m.CreditApplied) -> Signed:
    return _settled(event.applied, event.credit_fen)


def _credit_refunded(event: m.CreditRefunded) -> Signed:
    return ((a.LESSEE_CREDIT, event.amount_fen), (a.CASH, -event.amount_fen))


def _refund_returned(event: m.RefundReturned) -> Signed:
    """The cash never left."""
    return ((a.CASH, event.amount_fen), *_settled(event.applied, event.credit_fen))


def _bill_waived(event: m.BillWaived) -> Signed:
    waived_fen = sum(part.fen for part in event.parts)
    return ((a.WAIVERS, waived_fen), *_gone(event.parts), *_settled(event.applied, event.credit_fen))


def _buyout_completed(event: m.BuyoutCompleted) -> Signed:
    return ((a.LESSEE_CREDIT, -event.credit_fen), (a.BUYOUT_INCOME, -event.price_fen))


def _deposit_received(event: m.DepositReceived) -> Signed:
    return ((a.CASH, event.fen), (a.DEPOSITS, -event.fen))


def _deposit_released(event: m.DepositReleased) -> Signed:
    """A hold was never in the books."""
    if event.mode is not DepositMode.CASH:
        return ()
    return ((a.DEPOSITS, event.fen), (a.CASH, -event.fen))


def _deposit_captured(event: m.DepositCaptured) -> Signed:
    source = a.DEPOSITS if event.mode is DepositMode.CASH else a.CASH
    return ((source, event.fen), *_settled(event.applied, event.credit_fen))


def _transferred(event: m.LeaseTransferred) -> Signed:
    return ((a.CASH, event.price_fen), (a.BORROWINGS, -event.price_fen))


def _collected(event: m.CollectedForInvestor) -> Signed:
    return (
        (a.BORROWINGS, event.repaid_fen),
        (a.FUNDING_COST, event.fen - event.repaid_fen),
        (a.INVESTORS, -event.fen),
    )


def _remitted(event: m.RemittedToInvestor) -> Signed:
    return ((a.INVESTORS, event.amount_fen), (a.CASH, -event.amount_fen))


def _released(released_fen: int) -> Signed:
    """What of a price is no longer owed makes the investor's money cheaper."""
    return ((a.BORROWINGS, released_fen), (a.FUNDING_COST, -released_fen))


def _bought_back(event: m.LeaseBoughtBack) -> Signed:
    return (
        *_released(event.released_fen),
        (a.FUNDING_COST, event.price_fen),
        (a.INVESTORS, event.owed_fen),
        (a.CASH, -event.price_fen - event.owed_fen),
    )


def _closed(event: m.LeaseClosed) -> Signed:
    return _released(event.released_fen)


def _disposed(event: m.AssetDisposed) -> Signed:
    return (
        (a.CASH, event.proceeds_fen),
        (a.DISPOSAL_COSTS, -event.costs_fen),
        *_settled(event.applied, event.credit_fen),
    )


def _charged_off(event: m.LeaseChargedOff) -> Signed:
    return ((a.ALLOWANCE, sum(part.fen for part in event.parts)), *_gone(event.parts))


def _recovered(event: m.DebtRecovered) -> Signed:
    return ((a.CASH, event.amount_fen), (a.RECOVERY_INCOME, -event.amount_fen))


def _recovery_reversed(event: m.RecoveryReversed) -> Signed:
    return ((a.CASH, -event.amount_fen), (a.RECOVERY_INCOME, event.amount_fen))


def _provision(event: ProvisionRecognised) -> Signed:
    """What the allowance lacks, or, the other way, has too much of; more than it has to hold after write-offs."""
    more = event.required_fen - event.held_fen
    return ((a.IMPAIRMENT, more), (a.ALLOWANCE, -more))


_POSTINGS: dict[type[Event], Posting] = {
    m.DepositReceived: _deposit_received,
    m.DepositReleased: _deposit_released,
    m.DepositCaptured: _deposit_captured,
    m.DownPaymentReceived: _down_payment_received,
    m.DownPaymentRefunded: _down_payment_refunded,
    m.LeaseActivated: _activated,
    m.BillIssued: _bill_issued,
    m.InterestAccrued: _interest_accrued,
    m.LateFeeAssessed: _late_fee_assessed,
    m.PaymentPosted: _payment_posted,
    m.PaymentReversed: _payment_reversed,
    m.CreditApplied: _credit_applied,
    m.CreditRefunded: _credit_refunded,
    m.RefundReturned: _refund_returned,
    m.BillWaived: _bill_waived,
    m.BuyoutCompleted: _buyout_completed,
    m.LeaseTransferred: _transferred,
    m.CollectedForInvestor: _collected,
    m.RemittedToInvestor: _remitted,
    m.LeaseBoughtBack: _bought_back,
    m.AssetDisposed: _disposed,
    m.LeaseChargedOff: _charged_off,
    m.DebtRecovered: _recovered,
    m.RecoveryReversed: _recovery_reversed,
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
    return {} if posting is None else _net(posting(event), event)


def balanced(signed: Signed, event: Event | None = None) -> tuple[Line, ...]:
    """Lines of signed amounts, one for each account that changes. Raises `Unbalanced` when they do not add up."""
    return _lines(_net(signed, event))


def _net(signed: Signed, event: Event | None) -> dict[str, int]:
    net: dict[str, int] = {}
    for account, fen in signed:
        net[account] = net.get(account, 0) + fen
    if total := sum(net.values()):
        name = "the posting" if event is None else type_of(event)
        raise Unbalanced(f"{name}: expected debits and credits to be equal, got a difference of {total} fen")
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
