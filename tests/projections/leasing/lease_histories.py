"""Random histories of a few leases: commands of every kind on days that go on, of which the rules let some through."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import partial
from uuid import UUID

from hypothesis import strategies as st
from msgspec.structs import replace

from domain.kernel.command import Command
from domain.kernel.event import Event
from domain.kernel.refusal import Refusal
from domain.leasing.lease.commands import (
    AccrueInterest,
    AssessLateFees,
    CreateLease,
    IssueBill,
    PostPayment,
    ReAgeBills,
    RecordCureExpired,
    RecordTotalLoss,
    RefundCredit,
    RemitToInvestor,
    RestructureLease,
    ReversePayment,
    WaiveBill,
    WaivedPart,
)
from domain.leasing.lease.rules.decider import LEASE
from domain.leasing.lease.state import LeaseState
from domain.leasing.values import NewDueDate
from domain.pricing.schedules import Component
from tests.domain.leasing import cases
from tests.given import context
from tests.history.lease_lives import LIVES
from tests.projections.accounting.book_keeping import Happening, at, stream

LEASES = 3
_OFTEN = (cases.RUNNING, cases.BILLED, cases.PHONE_RUNNING, cases.DOWN_RUNNING)
PASTS = (*filter(None, cases.PASTS.values()), *LIVES, *_OFTEN, *_OFTEN, *_OFTEN)
"""Together they lead to every event type."""

Wish = tuple[int, int, int, int, int]
"""Which lease, which wish, days later, an amount, days ago."""


class Book:
    """What the rules made of some wishes: happenings in ledger order, and what the leases themselves say."""

    def __init__(self) -> None:
        self.happened: list[Happening] = []
        self.days: list[date] = []
        self.states: dict[UUID, LeaseState] = {}
        self.payments = 0

    def do(self, of: int, command: Command, on: date) -> None:
        """A command on a business date; refused ones leave nothing."""
        state = self.states.get(stream(of), LEASE.initial)
        answer = LEASE.decide(command, state, context(business_date=on))
        if isinstance(answer, Refusal):
            return
        for event in answer:
            state = LEASE.evolve(state, event)
            # An entry has the business date of its instant.
            self.happened.append((stream(of), noon(on), event))
            self.days.append(on)
        self.states[stream(of)] = state

    def events_of(self, of: UUID) -> list[Event]:
        """The events of one lease."""
        return [event for lease, _, event in self.happened if lease == of]


def noon(on: date) -> datetime:
    """An instant on a business date."""
    return at() + timedelta(days=(on - at().date()).days)


def book_of(pasts: list[int], rate: str, wishes: list[Wish]) -> Book:
    """Every lease lives through some past on its days, then the wishes come."""
    book = Book()
    steps = [(on, of, command) for of, past in enumerate(pasts) for on, command in PASTS[past]]
    for on, of, command in sorted(steps, key=lambda step: step[0]):
        book.do(of, _on_terms(book, command, of, rate), cases.day(on))
    today = max(book.days, default=cases.START)
    for of, wish, later, fen, ago in wishes:
        today += timedelta(days=later)
        for command in _wished(book, of % len(pasts), wish, fen, today - timedelta(days=ago)):
            book.do(of % len(pasts), command, today)
    return book


def _on_terms(book: Book, command: Command, of: int, rate: str) -> Command:
    if isinstance(command, CreateLease):
        return replace(command, late_fee_daily_rate=rate, subject=UUID(int=70 + of % 2))
    if isinstance(command, PostPayment):
        book.payments += 1
        return replace(command, payment=UUID(int=book.payments))
    if isinstance(command, ReversePayment):
        known = book.states[stream(of)].receipts[-1:]
        return replace(command, payment=known[0].payment) if known else command
    return command


def _wished(book: Book, of: int, wish: int, fen: int, day: date) -> tuple[Command, ...]:
    state = book.states.get(stream(of), LEASE.initial)
    if wish < _MONEY:
        if wish % 3 == 0 and state.unbilled:
            return (IssueBill(number=state.unbilled[0].number),)
        if wish % 3 == 1:
            book.payments += 1
            return (PostPayment(payment=UUID(int=book.payments), amount_fen=fen, value_date=day),)
        return tuple(ReversePayment(payment=known.payment, reason="returned") for known in state.receipts[-1:])
    others = (*_often(state, fen, day), *_often(state, fen, day), *cases.SAMPLES)
    return (others[(wish - _MONEY) % len(others)],)


def _often(state: LeaseState, fen: int, day: date) -> tuple[Command, ...]:
    number = max((bill.number for bill in state.balances.bills), default=1)
    owed_fen = 0 if state.funding is None else state.funding.owed_fen
    rest = state.unbilled
    # The same principal a little later, in one instalment less.
    later = tuple(
        replace(
            one,
            due_on=one.due_on + timedelta(days=9),
            principal_fen=one.principal_fen + (n == 0) * rest[-1].principal_fen,
        )
        for n, one in enumerate(rest[:-1])
    )
    part = WaivedPart(component=Component.INTEREST if fen % 2 else Component.PRINCIPAL, fen=1 + fen % 6_000)
    return (
        AssessLateFees(up_to=day),
        AccrueInterest(up_to=day),
        RefundCredit(amount_fen=max(1, min(fen, state.balances.credit_fen))),
        RestructureLease(schedule=later or cases.monthly(1, 1, 0), reason="hardship"),
        ReAgeBills(due_dates=(NewDueDate(number=number, due_on=day + timedelta(days=60)),), reason="hardship"),
        WaiveBill(number=number, parts=(part,), reason="goodwill"),
        RemitToInvestor(amount_fen=max(1, min(fen, owed_fen))),
        RecordCureExpired(),
        RecordTotalLoss(on=day, liable=True),
    )


_MONEY = 12
_wish = st.tuples(
    st.integers(0, LEASES - 1),
    st.integers(0, _MONEY + 17 + len(cases.SAMPLES)),
    st.integers(0, 25),
    st.integers(1, 260_000) | st.sampled_from([106_000, 50_000]),
    st.integers(0, 40),
)
lease_books = partial(
    st.builds,
    book_of,
    st.lists(st.integers(0, len(PASTS) - 1), min_size=1, max_size=LEASES),
    st.sampled_from(["0", "0.0005", "0.02"]),
    st.lists(_wish, max_size=25),
)
"""Strategy: a few leases with pasts of every kind, and up to 25 wishes about them afterwards."""
