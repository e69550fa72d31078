"""The one reading of money events: it comes to the balances of the lease and to the cash of the books."""

from __future__ import annotations

from collections import Counter
from uuid import UUID

import pytest

from domain.accounting.chart import CASH
from domain.accounting.posting import MONEY_EVENTS, amounts
from domain.kernel.decider import fold
from domain.kernel.event import EVENT_TYPES, Event
from domain.leasing.bill_changes import BILL_EVENTS, NO_CHANGES, BillAmount, bill_changes, total_fen
from domain.leasing.lease.events.lifecycle import BillsReAged, LeaseCreated, LeaseReopened
from domain.leasing.lease.events.money import (
    AssetDisposed,
    BillIssued,
    BillWaived,
    CreditRefunded,
    DepositCaptured,
    DepositReleased,
    PaymentPosted,
    PaymentReversed,
    RefundReturned,
)
from domain.leasing.lease.rules.decider import LEASE
from domain.leasing.values import COMPONENTS, Applied, DepositMode, NewDueDate, Part
from domain.pricing.schedules import Component
from tests.domain.leasing.cases import day
from tests.history.golden import event_of, lines_of

EVENTS = [event_of(line) for line in lines_of("lease_v1.jsonl")]
STARTS = [n for n, event in enumerate(EVENTS) if isinstance(event, LeaseCreated)]
LIVES = [EVENTS[start:end] for start, end in zip(STARTS, [*STARTS[1:], len(EVENTS)], strict=True)]
P = UUID(int=4)
PAID = Applied(number=1, component=Component.FEE, fen=7)
A = (PAID,)
GONE = Part(number=2, component=Component.LATE_FEE, fen=5)


@pytest.mark.parametrize("life", LIVES, ids=range(len(LIVES)))
def test_changes_come_to_the_balances(life: list[Event]) -> None:
    """Bill by bill and component; what was written off is no longer asked for, as what was waived."""
    opened: Counter[tuple[int, Component]] = Counter()
    credit_fen = 0
    for event in life:
        changes = bill_changes(event)
        credit_fen += changes.credit_fen
        for number, component, fen in changes.open_changes():
            opened[number, component] += fen
    balances = fold(LEASE, life).balances
    assert credit_fen == balances.credit_fen
    expected = {
        (bill.number, component): bill.open_of(component) for bill in balances.bills for component in COMPONENTS
    }
    assert {key: fen for key, fen in opened.items() if fen} == {key: fen for key, fen in expected.items() if fen}


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_cash_is_that_of_the_books(event: Event) -> None:
    changes = bill_changes(event)
    assert amounts(event).get(CASH, 0) == changes.cash_fen
    assert not changes.cash_fen or changes.cash_on is not None


def test_bill_events_are_those_that_may_touch_a_bill() -> None:
    """In the history no other touches one, and each of them does, but for the refund that came back after the end."""
    touching = {type(event) for event in EVENTS if bill_changes(event).touches_bills}
    assert touching | {RefundReturned} == BILL_EVENTS
    assert {BillsReAged} == BILL_EVENTS - MONEY_EVENTS


def test_other_events_change_nothing() -> None:
    assert bill_changes(LeaseReopened(on=day(0))) is NO_CHANGES
    assert not NO_CHANGES.touches_bills
    assert NO_CHANGES.open_changes() == []
    foreign = [cls for name, cls in EVENT_TYPES.items() if not name.startswith("lease.")]
    assert not BILL_EVENTS & set(foreign)


def test_waiver_and_payment_in_one_event() -> None:
    event = BillWaived(number=2, parts=(GONE,), reason="goodwill", on=day(1), applied=(PAID,), credit_fen=-7)
    changes = bill_changes(event)
    assert (changes.waived, changes.paid, changes.credit_fen, changes.paid_on) == ((GONE,), (PAID,), -7, None)
    assert changes.open_changes() == [(2, Component.LATE_FEE, -5), (1, Component.FEE, -7)]
    assert total_fen((*changes.waived, *changes.paid)) == 12


def test_bill_that_is_issued() -> None:
    issued = next(event for event in EVENTS if isinstance(event, BillIssued))
    changes = bill_changes(issued)
    assert changes.issued == (issued.number, issued.issued_on, issued.due_on, issued.kind)
    assert changes.billed == (
        BillAmount(issued.number, Component.PRINCIPAL, issued.principal_fen),
        BillAmount(issued.number, Component.INTEREST, issued.interest_fen),
        BillAmount(issued.number, Component.FEE, issued.fee_fen),
    )


def test_later_due_dates_touch_bills_without_money() -> None:
    later = NewDueDate(number=1, due_on=day(40))
    changes = bill_changes(BillsReAged(on=day(1), due_dates=(later,), reason="hardship"))
    assert (changes.due_dates, changes.touches_bills, changes.open_changes()) == ((later,), True, [])


@pytest.mark.parametrize(
    ("event", "cash_fen", "cash_day", "paid_day"),
    [
        (PaymentPosted(payment=P, amount_fen=9, value_date=day(1), posted_on=day(3), applied=A, credit_fen=2), 9, 1, 1),
        (PaymentReversed(payment=P, amount_fen=9, reason="error", on=day(3), applied=A, credit_fen=-9), -9, 3, None),
        (CreditRefunded(amount_fen=9, on=day(2)), -9, 2, None),
        (
            RefundReturned(
                number=1, amount_fen=9, value_date=day(1), on=day(4), reason="closed", applied=A, credit_fen=2
            ),
            9,
            1,
            1,
        ),
        (DepositCaptured(fen=9, mode=DepositMode.CASH, on=day(2), applied=A, credit_fen=2), 0, 2, 2),
        (DepositCaptured(fen=9, mode=DepositMode.PREAUTHORISED, on=day(2), applied=A, credit_fen=2), 9, 2, 2),
        (DepositReleased(fen=9, mode=DepositMode.CASH, on=day(2)), -9, 2, None),
        (DepositReleased(fen=9, mode=DepositMode.PREAUTHORISED, on=day(2)), 0, 2, None),
        (
            AssetDisposed(on=day(2), proceeds_fen=9, costs_fen=1, surplus_fen=1, applied=A, credit_fen=1),
            9,
            2,
            2,
        ),
    ],
)
def test_days_from_which_money_counts(event: Event, cash_fen: int, cash_day: int, paid_day: int | None) -> None:
    """A reversal only moves money; a hold is cash when it is taken, and never when it is lifted."""
    changes = bill_changes(event)
    assert (changes.cash_fen, changes.cash_on) == (cash_fen, day(cash_day))
    assert changes.paid_on == (None if paid_day is None else day(paid_day))
