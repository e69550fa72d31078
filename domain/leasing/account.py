"""The account of a lease: its transactions in the order of their dates, and the balances they come to.

Balances are a function of the set of transactions and of the day up to which late fees were assessed, never of the
order in which anybody learned of them. A payment that is posted late, or found to have failed, is put where it belongs
and everything after it is gone through again (`posted`, `withdrawn`); what changed by that is the effect of the posting
(`effect`), and the only thing an event has to tell.

    day 1      bill 1 ─ waiver ─ payment ─ refund      within one day in this order; payments of one day add up
    day 2      late fees of the day pass first, then     bill 2 ─ …

* Money pays the oldest bill first, and within a bill its components in the order of the allocation policy.
* Money beyond what is billed is credit, and meets the next bill when that is issued.
* A late fee is the daily rate × overdue principal and interest × days after due date and grace, summed exactly and
  rounded half up once per bill. It is assessed up to the day of each payment and waiver, and by an assessment.
* A waiver is final: what was paid of a waived amount becomes credit, and a waived late fee stays assessed.
* A reversed payment is one that never was. Credit may fall below zero when a payment is reversed that was refunded:
  then the lessee owes it, and the next money goes there first.
"""

from __future__ import annotations

from bisect import insort_right
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from domain.kernel import Rounding, divide
from domain.leasing.values import COMPONENTS, Applied, Component

Four = tuple[int, int, int, int]
"""Amounts of principal, interest, fee and late fee, in fen."""

ZERO: Four = (0, 0, 0, 0)
_AT: dict[Component, int] = {component: at for at, component in enumerate(COMPONENTS)}
_LATE_FEE = _AT[Component.LATE_FEE]


class Kind(IntEnum):
    """What a transaction is; the numbers are the order within one day."""

    BILL = 0
    RE_AGE = 1
    WAIVER = 2
    PAYMENT = 3
    DEBIT = 4


class Transaction(Struct, frozen=True, kw_only=True, gc=False):
    """One fact about an account. `on` is the day it counts from: a payment's value date, a bill's day of issue.

    A `BILL` has a number, a due date and parts; a `RE_AGE` a number and the later due date; a `WAIVER` a number and parts;
    a `PAYMENT` an amount and its id; a `DEBIT` (a refund, or a price taken from credit) an amount.
    """

    on: date
    kind: Kind
    number: int = 0
    amount_fen: int = 0
    payment: UUID | None = None
    due_on: date | None = None
    parts: Four = ZERO


class Terms(Struct, frozen=True, kw_only=True):
    """The policy of an account: order of components, late fee per day as a decimal rate, days of grace."""

    allocation: tuple[Component, ...] = COMPONENTS
    late_fee_daily_rate: str = "0"
    grace_days: int = 0


class BillBalance(Struct, frozen=True, kw_only=True, gc=False):
    """Where one bill stands. `amount - paid - waived` is open, `open_fen` is its sum.

    `overdue_day_fen` is the sum over all days of the principal and interest that were overdue on them.
    """

    number: int
    due_on: date
    amount: Four
    paid: Four = ZERO
    waived: Four = ZERO
    open_fen: int = 0
    overdue_day_fen: int = 0

    def open_of(self, component: Component) -> int:
        """What is still to pay of one component, in fen."""
        at = _AT[component]
        return self.amount[at] - self.paid[at] - self.waived[at]

    @property
    def open_rent_fen(self) -> int:
        """What is still to pay of principal and interest."""
        amount, paid, waived = self.amount, self.paid, self.waived
        return amount[0] + amount[1] - paid[0] - paid[1] - waived[0] - waived[1]


class Balances(Struct, frozen=True, kw_only=True):
    """All bills in the order of their issue, credit, and the day up to which overdue days were counted."""

    bills: tuple[BillBalance, ...] = ()
    credit_fen: int = 0
    on: date = date.min

    def bill(self, number: int) -> BillBalance | None:
        """The bill with this number."""
        return next((bill for bill in self.bills if bill.number == number), None)

    @property
    def open_fen(self) -> int:
        """What is billed and still to pay."""
        return sum(bill.open_fen for bill in self.bills)

    @property
    def paid_fen(self) -> int:
        """What was paid on bills."""
        return sum(sum(bill.paid) for bill in self.bills)


class Account(Struct, frozen=True, kw_only=True):
    """Terms, transactions in order, the last day late fees were assessed to, and the balances that follow."""

    terms: Terms = Terms()
    transactions: tuple[Transaction, ...] = ()
    assessed_to: date = date.min
    balances: Balances = Balances()


class Effect(NamedTuple):
    """What a posting changed: paid amounts, credit, and late fees as `(bill, change)`; zero changes are left out."""

    applied: tuple[Applied, ...]
    credit_fen: int
    late_fees: tuple[tuple[int, int], ...]


def replay(account: Account) -> Balances:
    """The balances from nothing: every transaction in order, late fees assessed on the way."""
    run = _Run(account.terms, Balances())
    assessed_to = account.assessed_to
    pending = assessed_to > date.min
    for transaction in account.transactions:
        if pending and transaction.on > assessed_to:
            run.assess(assessed_to)
            pending = False
        run.step(transaction)
    if pending:
        run.assess(assessed_to)
    return run.balances()


def posted(account: Account, transaction: Transaction) -> Account:
    """The account with one more transaction: a step at the end of the chronology, a replay before it."""
    transactions, at_end = _inserted(account, transaction)
    if not at_end:
        return _replayed(replace(account, transactions=transactions))
    run = _Run(account.terms, account.balances)
    run.step(transaction)
    return replace(account, transactions=transactions, balances=run.balances())


def withdrawn(account: Account, payment: UUID) -> Account:
    """The account as if a payment had never been. Raises `KeyError` when there is none with this id."""
    kept = tuple(known for known in account.transactions if known.payment != payment)
    if len(kept) == len(account.transactions):
        raise KeyError(payment)
    return _replayed(replace(account, transactions=kept))


def assessed(account: Account, up_to: date) -> Account:
    """The account with late fees assessed up to and including a day; an earlier day than before changes nothing."""
    if up_to <= account.assessed_to:
        return account
    if up_to < account.balances.on:
        return _replayed(replace(account, assessed_to=up_to))
    run = _Run(account.terms, account.balances)
    run.assess(up_to)
    return replace(account, assessed_to=up_to, balances=run.balances())


def effect(before: Balances, after: Balances) -> Effect:
    """What lies between two balances of one account."""
    known = {bill.number: bill for bill in before.bills}
    applied: list[Applied] = []
    late_fees: list[tuple[int, int]] = []
    for bill in after.bills:
        old = known.get(bill.number)
        if old is bill:
            continue
        paid = ZERO if old is None else old.paid
        if paid != bill.paid:
            changes = zip(COMPONENTS, paid, bill.paid, strict=True)
            applied += [Applied(number=bill.number, component=c, fen=new - was) for c, was, new in changes if new != was]
        late = bill.amount[_LATE_FEE] - (0 if old is None else old.amount[_LATE_FEE])
        if late:
            late_fees.append((bill.number, late))
    return Effect(tuple(applied), after.credit_fen - before.credit_fen, tuple(late_fees))


def is_back_dated(account: Account, on: date) -> bool:
    """Whether a day lies before one that was gone through already."""
    return on < account.balances.on


# ------------------------------------------------------------------------------- what events say, without judging


def recorded(
    account: Account, transaction: Transaction | None, applied: Iterable[Applied] = (), credit_fen: int = 0
) -> Account:
    """The account after an event that says what a transaction, if it is one, changed.

    The event's amounts are what counts; only overdue days are counted here.
    """
    if transaction is None:
        return replace(account, balances=_changed(account.balances, applied, credit_fen))
    transactions, at_end = _inserted(account, transaction)
    after = replace(account, transactions=transactions)
    if at_end:
        run = _Run(account.terms, account.balances)
        run.count_days(transaction.on)
        run.register(transaction)
        run.credit_fen += credit_fen
        return replace(after, balances=_changed(run.balances(), applied, 0))
    return _recounted(after, transaction, applied, credit_fen)


def recorded_withdrawal(account: Account, payment: UUID, applied: Iterable[Applied], credit_fen: int) -> Account:
    """The account after an event that says what the reversal of a payment changed."""
    kept = tuple(known for known in account.transactions if known.payment != payment)
    return _recounted(replace(account, transactions=kept), None, applied, credit_fen)


def recorded_late_fee(account: Account, number: int, fen: int, up_to: date) -> Account:
    """The account after an event that says how a late fee changed, assessed up to a day."""
    run = _Run(account.terms, account.balances)
    run.count_days(up_to)
    for at, bill in enumerate(run.bills):
        if bill.number == number:
            run.bills[at] = _with_late_fee(bill, bill.amount[_LATE_FEE] + fen)
    assessed_to = max(account.assessed_to, up_to)
    return replace(account, assessed_to=assessed_to, balances=run.balances())


def _recounted(
    account: Account, transaction: Transaction | None, applied: Iterable[Applied], credit_fen: int
) -> Account:
    """An account whose past changed: amounts as the event says, overdue days as a replay counts them."""
    run = _Run(account.terms, account.balances)
    if transaction is not None:
        run.register(transaction)
    told = _changed(run.balances(), applied, credit_fen)
    fresh = replay(account)
    days = {bill.number: bill.overdue_day_fen for bill in fresh.bills}
    bills = tuple(replace(bill, overdue_day_fen=days.get(bill.number, 0)) for bill in told.bills)
    return replace(account, balances=replace(told, bills=bills, on=fresh.on))


def _changed(balances: Balances, applied: Iterable[Applied], credit_fen: int) -> Balances:
    """Balances with the changes of an event; one of an unknown bill changes nothing."""
    changes: dict[int, list[int]] = {}
    for change in applied:
        changes.setdefault(change.number, [0, 0, 0, 0])[_AT[change.component]] += change.fen
    if not changes:
        return replace(balances, credit_fen=balances.credit_fen + credit_fen) if credit_fen else balances
    bills = list(balances.bills)
    for at, bill in enumerate(bills):
        if (change_of := changes.get(bill.number)) is not None:
            bills[at] = _paid(bill, change_of)
    return Balances(bills=tuple(bills), credit_fen=balances.credit_fen + credit_fen, on=balances.on)


# --------------------------------------------------------------------------------------------------- the engine


def _paid(bill: BillBalance, more: list[int]) -> BillBalance:
    a, b, c, d = bill.paid
    paid = (a + more[0], b + more[1], c + more[2], d + more[3])
    return replace(bill, paid=paid, open_fen=bill.open_fen - sum(more))


def _key(transaction: Transaction) -> tuple[date, int, int]:
    return transaction.on, transaction.kind, transaction.number


def _inserted(account: Account, transaction: Transaction) -> tuple[tuple[Transaction, ...], bool]:
    """The transactions with one more, and whether it comes last of all that was gone through."""
    known = account.transactions
    after_all = transaction.on >= account.balances.on and (not known or _key(transaction) >= _key(known[-1]))
    if after_all:
        return (*known, transaction), True
    ordered = list(known)
    insort_right(ordered, transaction, key=_key)
    return tuple(ordered), False


def _replayed(account: Account) -> Account:
    return replace(account, balances=replay(account))


@lru_cache(maxsize=256)
def _ratio(rate: str) -> tuple[int, int]:
    return Decimal(rate).as_integer_ratio()


@lru_cache(maxsize=256)
def _order(allocation: tuple[Component, ...]) -> tuple[int, ...]:
    return tuple(_AT[component] for component in allocation)


class _Run:
    """Balances on the move. Bills are replaced, not changed, so that what stays as it was is the same object."""

    __slots__ = ("bills", "credit_fen", "grace", "on", "order", "rate")

    def __init__(self, terms: Terms, balances: Balances) -> None:
        self.bills: list[BillBalance] = list(balances.bills)
        self.credit_fen = balances.credit_fen
        self.on = balances.on
        self.order = _order(terms.allocation)
        self.rate = _ratio(terms.late_fee_daily_rate)
        self.grace = timedelta(days=terms.grace_days)

    def balances(self) -> Balances:
        return Balances(bills=tuple(self.bills), credit_fen=self.credit_fen, on=self.on)

    def step(self, transaction: Transaction) -> None:
        self.count_days(transaction.on)
        if transaction.kind is Kind.WAIVER or transaction.kind is Kind.PAYMENT:
            self._assess_late_fees()
        self.register(transaction)
        if transaction.kind is Kind.PAYMENT:
            self.credit_fen += transaction.amount_fen
        elif transaction.kind is Kind.DEBIT:
            self.credit_fen -= transaction.amount_fen
        elif transaction.kind is Kind.WAIVER:
            self._release(transaction.number)
        if self.credit_fen > 0:
            self._allocate()

    def assess(self, up_to: date) -> None:
        self.count_days(up_to)
        self._assess_late_fees()

    def count_days(self, to: date) -> None:
        """Let time pass: each day adds the rent that is overdue on it."""
        if to <= self.on:
            return
        if self.rate[0]:
            for at, bill in enumerate(self.bills):
                if bill.open_fen and (days := (to - max(self.on, bill.due_on + self.grace)).days) > 0:
                    self.bills[at] = replace(
                        bill, overdue_day_fen=bill.overdue_day_fen + days * bill.open_rent_fen
                    )
        self.on = to

    def register(self, transaction: Transaction) -> None:
        """What a transaction does to bills beside paying them. A bill that is not known (yet) is left alone."""
        if transaction.kind is Kind.BILL:
            assert transaction.due_on is not None
            amount = transaction.parts
            bill = BillBalance(
                number=transaction.number, due_on=transaction.due_on, amount=amount, open_fen=sum(amount)
            )
            self.bills.append(bill)
        elif transaction.kind is Kind.RE_AGE:
            assert transaction.due_on is not None
            for at, bill in enumerate(self.bills):
                if bill.number == transaction.number:
                    self.bills[at] = replace(bill, due_on=max(bill.due_on, transaction.due_on))
        elif transaction.kind is Kind.WAIVER:
            for at, bill in enumerate(self.bills):
                if bill.number == transaction.number:
                    self.bills[at] = _waived(bill, transaction.parts)

    def _assess_late_fees(self) -> None:
        """The fee never falls below what was waived of it: a waived fee stays assessed."""
        numerator, denominator = self.rate
        if not numerator:
            return
        for at, bill in enumerate(self.bills):
            if bill.open_fen and bill.overdue_day_fen:
                exact = divide(numerator * bill.overdue_day_fen, denominator, Rounding.HALF_UP)
                late = max(exact, bill.waived[_LATE_FEE])
                if late != bill.amount[_LATE_FEE]:
                    self.bills[at] = _with_late_fee(bill, late)

    def _release(self, number: int) -> None:
        """What was paid of a waived amount becomes credit."""
        for at, bill in enumerate(self.bills):
            if bill.number == number:
                over = [max(0, p + w - a) for a, p, w in zip(bill.amount, bill.paid, bill.waived, strict=True)]
                if any(over):
                    self.bills[at] = _paid(bill, [-fen for fen in over])
                    self.credit_fen += sum(over)

    def _allocate(self) -> None:
        """Spend credit on what is open, oldest bill first, components in the order of the policy."""
        left = self.credit_fen
        for at, bill in enumerate(self.bills):
            if not bill.open_fen:
                continue
            amount, paid, waived = bill.amount, bill.paid, bill.waived
            more = [0, 0, 0, 0]
            for part in self.order:
                fen = min(left, amount[part] - paid[part] - waived[part])
                more[part] = fen
                left -= fen
            self.bills[at] = _paid(bill, more)
            if not left:
                break
        self.credit_fen = left


def _waived(bill: BillBalance, parts: Four) -> BillBalance:
    """A bill with more of it waived, never more than there is; a late fee counts as assessed when it is waived."""
    late = max(bill.amount[_LATE_FEE], bill.waived[_LATE_FEE] + parts[_LATE_FEE])
    amount = bill.amount[0], bill.amount[1], bill.amount[2], late
    a, b, c, d = (min(most, was + more) for most, was, more in zip(amount, bill.waived, parts, strict=True))
    open_fen = sum(amount) - sum(bill.paid) - (a + b + c + d)
    return replace(bill, amount=amount, waived=(a, b, c, d), open_fen=open_fen)


def _with_late_fee(bill: BillBalance, late: int) -> BillBalance:
    principal, interest, fee, was = bill.amount
    return replace(bill, amount=(principal, interest, fee, late), open_fen=bill.open_fen + late - was)
