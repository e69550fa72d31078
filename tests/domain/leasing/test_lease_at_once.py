"""What changes more bills at once than one event names: several events, and the same lease, bills and books."""

from __future__ import annotations

from collections import Counter
from datetime import date
from uuid import UUID

import pytest
from msgspec.structs import replace

from chain import entry
from chain.entry import draft
from domain.accounting.posting import post
from domain.kernel.command import Command
from domain.kernel.event import Event
from domain.kernel.refusal import Refusal
from domain.leasing.lease.commands import (
    ActivateLease,
    AssessLateFees,
    ChargeOffLease,
    ElectRemedy,
    IssueBill,
    PostPayment,
    RecordDelivery,
    RefundCredit,
    ReturnRefund,
    ReversePayment,
    ServeDemand,
    TerminateLease,
)
from domain.leasing.lease.events.money import CreditApplied, LeaseChargedOff, PaymentPosted, PaymentReversed
from domain.leasing.lease.rules import posting
from domain.leasing.lease.rules.decider import LEASE
from domain.leasing.lease.state import LeaseState
from domain.leasing.values import INSTALMENTS_MAX, Remedy
from domain.pricing.schedules import Instalment
from projections.leasing.bills import BILLS
from projections.leasing.lease_book import LEASE_BOOK
from tests.domain.leasing import cases
from tests.given import context, given
from tests.projections.accounting.book_keeping import at, stream

MONEY_FEN = 1_000_000_000_000
END = INSTALMENTS_MAX + 1
Step = tuple[int, Command]


def daily(bills: int = INSTALMENTS_MAX) -> list[Step]:
    """A lease with a bill a day, all of them unpaid with a late fee."""
    lines = tuple(
        Instalment(number=n, due_on=cases.day(n), principal_fen=100_000, interest_fen=1_000, fee_fen=100)
        for n in range(1, bills + 1)
    )
    create = replace(cases.AUTO, schedule=lines, principal_fen=100_000 * bills, deposit_fen=0)
    opened: list[Step] = [(0, create), (0, RecordDelivery(on=cases.START)), (0, ActivateLease(on=cases.START))]
    return [
        *opened,
        *((n, IssueBill(number=n)) for n in range(1, bills + 1)),
        (END, AssessLateFees(up_to=cases.day(END))),
    ]


def pays(number: int, on: int, worth: int) -> Step:
    """Money for all of it, and more."""
    return on, PostPayment(payment=UUID(int=900 + number), amount_fen=MONEY_FEN, value_date=cases.day(worth))


LIVES: dict[str, list[Step]] = {
    "paid": [pays(1, END, END)],
    "paid_late": [pays(1, END + 40, END + 2)],
    "paid_back_then": [pays(1, END, 3)],
    "reversed": [pays(1, END, END), (END + 1, ReversePayment(payment=UUID(int=901), reason="returned"))],
    "refund_returned": [
        (END, PostPayment(payment=UUID(int=901), amount_fen=5_000, value_date=cases.day(0))),
        pays(2, END, END),
        (END, ReversePayment(payment=UUID(int=902), reason="returned")),
        pays(3, END, END),
        (END, RefundCredit(amount_fen=MONEY_FEN // 2, payment=UUID(int=903))),
        (END + 1, ReturnRefund(number=1, reason="closed")),
    ],
    "written_off": [
        (END, ServeDemand(cure_by=cases.day(END + 15))),
        (END + 20, ElectRemedy(remedy=Remedy.TERMINATE)),
        (END + 20, TerminateLease(notice_reached_on=cases.day(END + 20), proof=cases.DIGEST)),
        (END + 21, ChargeOffLease()),
    ],
    "demanded_paid_reversed": [
        (END, ServeDemand(cure_by=cases.day(END + 15))),
        pays(1, END + 1, END + 1),
        (END + 2, ReversePayment(payment=UUID(int=901), reason="returned")),
    ],
}


def lived(steps: list[Step]) -> tuple[LeaseState, list[tuple[date, Event]]]:
    """The state and the events, each with its day; every command is granted."""
    state, happened = LEASE.initial, list[tuple[date, Event]]()
    for on, command in steps:
        answer = LEASE.decide(command, state, context(business_date=cases.day(on)))
        assert not isinstance(answer, Refusal), (on, command, answer)
        for event in answer:
            state = LEASE.evolve(state, event)
            happened.append((cases.day(on), event))
    return state, happened


def books(happened: list[tuple[date, Event]]) -> dict[str, int]:
    """What each account holds."""
    sums: Counter[str] = Counter()
    for _, event in happened:
        for line in post(event):
            sums[line.account] += line.debit_fen - line.credit_fen
    return dict(sums)


def rows(happened: list[tuple[date, Event]]) -> list[object]:
    """The bills and the lease as the read models have them, but for positions."""
    told = [(stream(1), at(second), event) for second, (_, event) in enumerate(happened)]
    found = [given(projection, *told).row(stream(1)) for projection in (BILLS, LEASE_BOOK)]
    return [
        replace(row, position=0, version=0) if hasattr(row, "version") else replace(row, position=0) for row in found
    ]


@pytest.mark.parametrize("life", LIVES)
def test_every_event_fits_into_an_entry(life: str) -> None:
    """One payment for a hundred and twenty bills once made an event that no entry held."""
    _, happened = lived([*daily(), *LIVES[life]])
    for on, event in happened:
        draft(event, context(business_date=on), stream=UUID(int=1), eid=UUID(int=2), cause=UUID(int=3))


@pytest.mark.parametrize("bills", [1, 7, 50])
@pytest.mark.parametrize("life", LIVES)
def test_the_lease_is_the_same_however_many_bills_an_event_names(
    monkeypatch: pytest.MonkeyPatch, life: str, bills: int
) -> None:
    steps = [*daily(), *LIVES[life]]
    monkeypatch.setattr(posting, "BILLS_AT_ONCE", 10_000)
    monkeypatch.setattr(entry, "ENTRY_MAX_BYTES", 1 << 20)
    whole, of_whole = lived(steps)
    monkeypatch.setattr(posting, "BILLS_AT_ONCE", bills)
    parts, of_parts = lived(steps)
    assert len(of_parts) > len(of_whole)
    assert replace(parts, version=0) == replace(whole, version=0)
    assert books(of_parts) == books(of_whole)
    assert rows(of_parts) == rows(of_whole)


def test_what_comes_meets_bills_after_it_and_what_goes_leaves_them_before() -> None:
    _, happened = lived([*daily(), *LIVES["reversed"]])
    moves = (PaymentPosted, CreditApplied, PaymentReversed, LeaseChargedOff)
    kinds = [type(event) for _, event in happened if isinstance(event, moves)]
    assert kinds == [PaymentPosted, CreditApplied, CreditApplied, CreditApplied, CreditApplied, PaymentReversed]
