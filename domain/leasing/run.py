"""Transitions of balances: the changes by one transaction and by the passing of days. The account's rules stand here.

Money pays the oldest bill first, and within a bill its components in the order of the allocation policy. A late fee is
the daily rate × overdue principal and interest × days after due date and grace, summed exactly, rounded half up once
per bill.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache

from msgspec.structs import replace

from domain.kernel.money import Rounding, divide
from domain.leasing.balances import AT, LATE_FEE_AT, AccountPolicy, Balances, BillBalance, Four, Kind, Transaction
from domain.pricing.schedules import Component


@lru_cache(maxsize=256)
def _ratio(rate: str) -> tuple[int, int]:
    return Decimal(rate).as_integer_ratio()


@lru_cache(maxsize=256)
def _order(allocation: tuple[Component, ...]) -> tuple[int, ...]:
    return tuple(AT[component] for component in allocation)


class Run:
    """Balances on the move. Bills are replaced, not changed, so that what stays as it was is the same object."""

    __slots__ = ("bills", "credit_fen", "grace", "on", "order", "rate")

    def __init__(self, terms: AccountPolicy, balances: Balances) -> None:
        self.bills: list[BillBalance] = list(balances.bills)
        self.credit_fen = balances.credit_fen
        self.on = balances.on
        self.order = _order(terms.allocation)
        self.rate = _ratio(terms.late_fee_daily_rate)
        self.grace = timedelta(days=terms.grace_days)

    def balances(self) -> Balances:
        """What has been reached."""
        return Balances(bills=tuple(self.bills), credit_fen=self.credit_fen, on=self.on)

    def step(self, transaction: Transaction) -> None:
        """Go through one transaction, of this day or a later one."""
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
        """Assess late fees up to and including a day."""
        self.count_days(up_to)
        self._assess_late_fees()

    def count_days(self, to: date) -> None:
        """Let time pass: each day adds the rent that is overdue on it."""
        if to <= self.on:
            return
        if self.rate[0]:
            for at, bill in enumerate(self.bills):
                if bill.open_fen and (days := (to - max(self.on, bill.due_on + self.grace)).days) > 0:
                    self.bills[at] = replace(bill, overdue_day_fen=bill.overdue_day_fen + days * bill.open_rent_fen)
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
                late = max(exact, bill.waived[LATE_FEE_AT])
                if late != bill.amount[LATE_FEE_AT]:
                    self.bills[at] = with_late_fee(bill, late)

    def _release(self, number: int) -> None:
        """What was paid of a waived amount becomes credit."""
        for at, bill in enumerate(self.bills):
            if bill.number == number:
                over = [max(0, p + w - a) for a, p, w in zip(bill.amount, bill.paid, bill.waived, strict=True)]
                if any(over):
                    self.bills[at] = with_paid(bill, [-fen for fen in over])
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
            self.bills[at] = with_paid(bill, more)
            if not left:
                break
        self.credit_fen = left


def _waived(bill: BillBalance, parts: Four) -> BillBalance:
    """A bill with more of it waived, never more than there is; a late fee counts as assessed when it is waived."""
    late = max(bill.amount[LATE_FEE_AT], bill.waived[LATE_FEE_AT] + parts[LATE_FEE_AT])
    amount = bill.amount[0], bill.amount[1], bill.amount[2], late
    a, b, c, d = (min(most, was + more) for most, was, more in zip(amount, bill.waived, parts, strict=True))
    open_fen = sum(amount) - sum(bill.paid) - (a + b + c + d)
    return replace(bill, amount=amount, waived=(a, b, c, d), open_fen=open_fen)


def with_late_fee(bill: BillBalance, late: int) -> BillBalance:
    """The bill with its late fee assessed at `late` fen."""
    principal, interest, fee, was = bill.amount
    return replace(bill, amount=(principal, interest, fee, late), open_fen=bill.open_fen + late - was)


def with_paid(bill: BillBalance, more: Sequence[int]) -> BillBalance:
    """The bill with more paid of each component, in fen; less where negative."""
    a, b, c, d = bill.paid
    paid = (a + more[0], b + more[1], c + more[2], d + more[3])
    return replace(bill, paid=paid, open_fen=bill.open_fen - sum(more))
