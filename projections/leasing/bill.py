"""One bill as read models keep it: amounts by component, and the status that follows from them."""

from __future__ import annotations

from datetime import date

from msgspec import Struct

SCHEDULED, ISSUED, PARTIALLY_PAID, PAID = "scheduled", "issued", "partially_paid", "paid"
WAIVED, WRITTEN_OFF = "waived", "written_off"
STATUSES = (SCHEDULED, ISSUED, PARTIALLY_PAID, PAID, WAIVED, WRITTEN_OFF)

Amounts = list[int]
"""Principal, interest, fee and late fee in fen."""


class Bill(Struct, array_like=True, gc=False):
    """One bill: what was billed (scheduled, before it is issued), paid, waived and written off of each component."""

    number: int
    due_on: date
    issued_on: date | None
    billed: Amounts
    paid: Amounts
    waived: Amounts
    written_off: Amounts
    last_paid_on: date | None = None

    @property
    def owed_fen(self) -> int:
        """What is to be paid in all: billed, less what is not asked for any more."""
        return sum(self.billed) - sum(self.waived) - sum(self.written_off)

    @property
    def open_fen(self) -> int:
        """What is still to be paid."""
        return self.owed_fen - sum(self.paid)

    @property
    def status(self) -> str:
        """One of `STATUSES`."""
        if self.issued_on is None:
            return SCHEDULED
        if self.open_fen:
            return PARTIALLY_PAID if any(self.paid) else ISSUED
        if any(self.written_off):
            return WRITTEN_OFF
        return WAIVED if any(self.waived) and not any(self.paid) else PAID

    def overdue_days(self, on: date) -> int:
        """Days since the due date of an issued bill with something open; zero when it is not overdue."""
        return max(0, (on - self.due_on).days) if self.issued_on is not None and self.open_fen > 0 else 0
