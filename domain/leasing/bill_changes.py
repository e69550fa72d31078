"""The one reading of a lease's money events: what each changes, bill by bill and component, of credit and of cash.

    event ──bill_changes──▶ a bill issued │ later due dates │ billed, paid, waived, written off │ credit │ cash

The lease's own state, the books and the read models take an event's changes from here; what an event means besides
(income, an investor's share, a phase) each of them knows by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from msgspec import Struct

from domain.kernel.event import Event
from domain.leasing.lease.events import lifecycle as e
from domain.leasing.lease.events import money as m
from domain.leasing.values import Applied, BillKind, DepositMode, NewDueDate, Part
from domain.pricing.schedules import Component


class BillAmount(NamedTuple):
    """An amount of one component of a bill, in fen."""

    number: int
    component: Component
    fen: int


class IssuedBill(NamedTuple):
    """A bill that was issued; its amounts are what is billed."""

    number: int
    issued_on: date
    due_on: date
    kind: BillKind


class BillChanges(Struct, frozen=True, kw_only=True, gc=False):
    """Changes of bills, credit and cash by one event, in fen; negative where something is taken back.

    `billed` are the amounts of the bill that was issued, or a late fee. `paid_on` is the day from which what was paid
    counts; there is none where money was only moved away or between bills. `cash_fen` is money that came in, negative
    money that went out, and counts from `cash_on`.
    """

    issued: IssuedBill | None = None
    due_dates: tuple[NewDueDate, ...] = ()
    billed: tuple[BillAmount, ...] = ()
    paid: tuple[Applied, ...] = ()
    waived: tuple[Part, ...] = ()
    written_off: tuple[Part, ...] = ()
    paid_on: date | None = None
    credit_fen: int = 0
    cash_fen: int = 0
    cash_on: date | None = None

    @property
    def touches_bills(self) -> bool:
        """Whether an issued bill is another one after the event."""
        return bool(self.billed or self.paid or self.waived or self.written_off or self.due_dates)

    def open_changes(self) -> list[tuple[int, Component, int]]:
        """`(bill, component, fen)`: how what is to be paid changes; a bill and component may come several times."""
        changes: list[tuple[int, Component, int]] = [*self.billed]
        for gone in (self.waived, self.written_off, self.paid):
            if gone:
                changes += [(one.number, one.component, -one.fen) for one in gone]
        return changes


NO_CHANGES = BillChanges()


def total_fen(amounts: Sequence[BillAmount | Applied | Part]) -> int:
    """The sum of some amounts."""
    return sum(one.fen for one in amounts)


def bill_changes(event: Event) -> BillChanges:
    """What an event changes; nothing for an event that moves no money and touches no bill."""
    read = _READINGS.get(type(event))
    return NO_CHANGES if read is None else read(event)


# ------------------------------------------------------------------------------------------------------ bills


def _bill_issued(event: m.BillIssued) -> BillChanges:
    number = event.number
    return BillChanges(
        issued=IssuedBill(number, event.issued_on, event.due_on, event.kind),
        billed=(
            BillAmount(number, Component.PRINCIPAL, event.principal_fen),
            BillAmount(number, Component.INTEREST, event.interest_fen),
            BillAmount(number, Component.FEE, event.fee_fen),
        ),
    )


def _late_fee_assessed(event: m.LateFeeAssessed) -> BillChanges:
    return BillChanges(billed=(BillAmount(event.number, Component.LATE_FEE, event.fen),))


def _bill_waived(event: m.BillWaived) -> BillChanges:
    """What was paid of a waived amount becomes credit."""
    return BillChanges(waived=event.parts, paid=event.applied, credit_fen=event.credit_fen)


# ------------------------------------------------------------------------------------------------------ money


def _arrived(event: m.PaymentPosted | m.RefundReturned) -> BillChanges:
    """Money arrived; of a refund that came back, it never left."""
    return BillChanges(
        paid=event.applied,
        paid_on=event.value_date,
        credit_fen=event.credit_fen,
        cash_fen=event.amount_fen,
        cash_on=event.value_date,
    )


def _payment_reversed(event: m.PaymentReversed) -> BillChanges:
    return BillChanges(paid=event.applied, credit_fen=event.credit_fen, cash_fen=-event.amount_fen, cash_on=event.on)


def _credit_applied(event: m.CreditApplied) -> BillChanges:
    return BillChanges(paid=event.applied, paid_on=event.on, credit_fen=event.credit_fen)


def _credit_refunded(event: m.CreditRefunded) -> BillChanges:
    return BillChanges(credit_fen=-event.amount_fen, cash_fen=-event.amount_fen, cash_on=event.on)


def _deposit_captured(event: m.DepositCaptured) -> BillChanges:
    """A deposit in cash is there already; a hold becomes cash."""
    cash_fen = 0 if event.mode is DepositMode.CASH else event.fen
    return BillChanges(
        paid=event.applied, paid_on=event.on, credit_fen=event.credit_fen, cash_fen=cash_fen, cash_on=event.on
    )


def _deposit_released(event: m.DepositReleased) -> BillChanges:
    """A hold was never in the books."""
    return BillChanges(cash_fen=-event.fen if event.mode is DepositMode.CASH else 0, cash_on=event.on)


def _disposed(event: m.AssetDisposed) -> BillChanges:
    return BillChanges(
        paid=event.applied,
        paid_on=event.on,
        credit_fen=event.credit_fen,
        cash_fen=event.proceeds_fen,
        cash_on=event.on,
    )


def _received(event: m.DepositReceived | m.DownPaymentReceived) -> BillChanges:
    return BillChanges(cash_fen=event.fen, cash_on=event.on)


_READINGS: Mapping[type[Event], Callable[[Any], BillChanges]] = {
    e.BillsReAged: lambda event: BillChanges(due_dates=event.due_dates),
    m.DepositReceived: _received,
    m.DepositReleased: _deposit_released,
    m.DepositCaptured: _deposit_captured,
    m.DownPaymentReceived: _received,
    m.DownPaymentRefunded: lambda event: BillChanges(cash_fen=-event.fen, cash_on=event.on),
    m.BillIssued: _bill_issued,
    m.LateFeeAssessed: _late_fee_assessed,
    m.PaymentPosted: _arrived,
    m.PaymentReversed: _payment_reversed,
    m.CreditApplied: _credit_applied,
    m.CreditRefunded: _credit_refunded,
    m.RefundReturned: _arrived,
    m.BillWaived: _bill_waived,
    m.BuyoutCompleted: lambda event: BillChanges(credit_fen=event.credit_fen),
    m.LeaseTransferred: lambda event: BillChanges(cash_fen=event.price_fen, cash_on=event.on),
    m.RemittedToInvestor: lambda event: BillChanges(cash_fen=-event.amount_fen, cash_on=event.on),
    m.LeaseBoughtBack: lambda event: BillChanges(cash_fen=-event.price_fen - event.owed_fen, cash_on=event.on),
    m.AssetDisposed: _disposed,
    m.LeaseChargedOff: lambda event: BillChanges(written_off=event.parts),
    m.DebtRecovered: lambda event: BillChanges(cash_fen=event.amount_fen, cash_on=event.value_date),
    m.RecoveryReversed: lambda event: BillChanges(cash_fen=-event.amount_fen, cash_on=event.on),
}

BILL_EVENTS: frozenset[type[Event]] = frozenset(
    {
        *(e.BillsReAged, m.BillIssued, m.LateFeeAssessed, m.BillWaived, m.LeaseChargedOff, m.PaymentPosted),
        *(m.PaymentReversed, m.CreditApplied, m.RefundReturned, m.DepositCaptured, m.AssetDisposed),
    }
)
"""The event classes that may change an issued bill."""
