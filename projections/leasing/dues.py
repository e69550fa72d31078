"""What is due and not paid: the issued bills of a lease as far as ageing and the lease book need them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any

import msgspec
from msgspec import Struct

from domain.kernel.event import Event
from domain.leasing.lease.events import lifecycle as e
from domain.leasing.lease.events import money as m
from domain.leasing.values import Applied, Part
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
    """As they are kept in a column."""
    return _encode(dues).decode()


def _less(dues: Dues, parts: Iterable[Applied | Part]) -> None:
    for one in parts:
        due = dues[one.number]
        if one.component in _RENT:
            due.rent_fen -= one.fen
        else:
            due.fees_fen -= one.fen


def _issued(dues: Dues, event: m.BillIssued) -> None:
    if not dues and event.number:
        dues.append(Due(event.due_on, 0, 0))
    if event.number != len(dues):
        raise ProjectionError(f"expected bill {len(dues)} next, got {event.number}")
    dues.append(Due(event.due_on, event.principal_fen + event.interest_fen, event.fee_fen))


def _late_fee(dues: Dues, event: m.LateFeeAssessed) -> None:
    dues[event.number].fees_fen += event.fen


def _applied(dues: Dues, event: Any) -> None:
    _less(dues, event.applied)


def _waived(dues: Dues, event: m.BillWaived) -> None:
    _less(dues, event.parts)
    _less(dues, event.applied)


def _re_aged(dues: Dues, event: e.BillsReAged) -> None:
    for later in event.due_dates:
        due = dues[later.number]
        due.due_on = max(due.due_on, later.due_on)


DUE_CHANGES: Mapping[type[Event], Callable[[Dues, Any], None]] = {
    m.BillIssued: _issued,
    m.LateFeeAssessed: _late_fee,
    m.PaymentPosted: _applied,
    m.PaymentReversed: _applied,
    m.CreditApplied: _applied,
    m.RefundReturned: _applied,
    m.DepositCaptured: _applied,
    m.AssetDisposed: _applied,
    m.BillWaived: _waived,
    m.LeaseChargedOff: lambda dues, event: _less(dues, event.parts),
    e.BillsReAged: _re_aged,
}
"""What an event does to the issued bills of a lease, in place."""


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
