"""Balances of an account, and the transactions they come from: frozen values without any rule of their own."""

from __future__ import annotations

from datetime import date
from enum import IntEnum
from uuid import UUID

from msgspec import Struct

from domain.leasing.values import COMPONENTS
from domain.pricing.schedules import Component

Four = tuple[int, int, int, int]
"""Amounts of principal, interest, fee and late fee, in fen."""

ZERO: Four = (0, 0, 0, 0)
AT: dict[Component, int] = {component: at for at, component in enumerate(COMPONENTS)}
"""Where a component stands in a `Four`."""

LATE_FEE_AT = AT[Component.LATE_FEE]


class Kind(IntEnum):
    """Kind of a transaction; the numbers are the order within one day."""

    BILL = 0
    RE_AGE = 1
    WAIVER = 2
    PAYMENT = 3
    DEBIT = 4


class Transaction(Struct, frozen=True, kw_only=True, gc=False):
    """One fact about an account. `on` is the day it counts from: a payment's value date, a bill's day of issue.

    A `BILL` has a number, a due date and parts; a `RE_AGE` a number and the later due date; a `WAIVER` a number and
    parts; a `PAYMENT` an amount and its id; a `DEBIT` (a refund, or a price taken from credit) an amount.
    """

    on: date
    kind: Kind
    number: int = 0
    amount_fen: int = 0
    payment: UUID | None = None
    due_on: date | None = None
    parts: Four = ZERO


class AccountPolicy(Struct, frozen=True, kw_only=True):
    """The policy of an account: order of components, late fee per day as a decimal rate, days of grace."""

    allocation: tuple[Component, ...] = COMPONENTS
    late_fee_daily_rate: str = "0"
    grace_days: int = 0


class BillBalance(Struct, frozen=True, kw_only=True, gc=False):
    """Balance of one bill. `amount - paid - waived` is open, `open_fen` is its sum.

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
        at = AT[component]
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
    def owed_fen(self) -> int:
        """What the lessee owes: what is open, and credit that fell below zero."""
        return self.open_fen + max(0, -self.credit_fen)

    @property
    def paid_fen(self) -> int:
        """What was paid on bills."""
        return sum(sum(bill.paid) for bill in self.bills)
