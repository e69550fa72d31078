"""Dues of a lease: its issued bills with what is open of them, as ageing and the lease book need them."""

from __future__ import annotations

from datetime import date

import msgspec
from msgspec import Struct

from domain.leasing.bill_changes import BillChanges, IssuedBill
from domain.pricing.schedules import Component
from projections.engine.model import ProjectionError


class Due(Struct, array_like=True, gc=False):
    """An issued bill as far as ageing goes: due date, open principal and interest, open fees and late fees."""

    due_on: date
    rent_fen: int
    fees_fen: int


Dues = list[Due]
"""The issued bills of a lease: bill `n` is element `n`. Element 0 is empty where no fee was due at the beginning."""

_RENT = frozenset({Component.PRINCIPAL, Component.INTEREST})
decode_dues = msgspec.json.Decoder(list[Due]).decode
_encode = msgspec.json.Encoder().encode


def encode_dues(dues: Dues) -> str:
    """Dues as a column keeps them."""
    return _encode(dues).decode()


def settle(dues: Dues, changes: BillChanges) -> None:
    """Change the issued bills of a lease, in place. Raises `ProjectionError` for a bill that is not the next."""
    if changes.issued is not None:
        _issue(dues, changes.issued)
    for number, component, fen in changes.open_changes():
        if component in _RENT:
            dues[number].rent_fen += fen
        else:
            dues[number].fees_fen += fen
    for later in changes.due_dates:
        due = dues[later.number]
        due.due_on = max(due.due_on, later.due_on)


def _issue(dues: Dues, bill: IssuedBill) -> None:
    if not dues and bill.number:
        dues.append(Due(bill.due_on, 0, 0))
    if bill.number != len(dues):
        raise ProjectionError(f"expected bill {len(dues)} next, got {bill.number}")
    dues.append(Due(bill.due_on, 0, 0))


def oldest_rent(dues: Dues) -> date | None:
    """The due date of the oldest bill with principal or interest to pay: what classes of provisions go by."""
    return min((due.due_on for due in dues if due.rent_fen), default=None)


def oldest(dues: Dues) -> tuple[date | None, int]:
    """The due date of the oldest bill with something open, and what is open of all of them in fen."""
    first: date | None = None
    total = 0
    for due in dues:
        fen = due.rent_fen + due.fees_fen
        if fen:
            total += fen
            if first is None or due.due_on < first:
                first = due.due_on
    return first, total
