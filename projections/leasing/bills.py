"""Bills and their payment status: one row per lease with all of its bills, scheduled and issued.

    lease.created ─▶ scheduled ─bill_issued─▶ issued ─money─▶ partially_paid ─▶ paid
                                                └─▶ waived │ written_off          (money may also move away again)

A row holds the bills of one lease, because a new schedule changes bills that its event does not name. `bills` has the
detail as JSON; `due_on`, `owed_fen` and `open_fen` have one element for each bill as a PostgreSQL array literal, from
which SQL answers for a whole tenant. The status follows from the amounts. Whether a bill is overdue depends on a
business date, so it is asked with one and never stored.

The fold is written by hand: measured as the lease book is, filled at 62,600 events a second into 1.9 MB and in windows
at 29,900 into 1.7 MB, against 46,600 into 2.2 MB and 17,400 into 4.8 MB of the aggregate's `evolve` without any bill.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Raw, Struct
from psycopg import Connection

from domain.kernel.event import Event
from domain.leasing.balances import AT
from domain.leasing.bill_changes import BILL_EVENTS, IssuedBill, bill_changes
from domain.leasing.lease.events import lifecycle as e
from domain.leasing.lease.events import money as m
from domain.leasing.values import UPFRONT_FEE_BILL, Applied
from domain.pricing.schedules import Instalment
from projections.engine.model import Projection, ProjectionError, Recorded, Row
from projections.engine.pages import Window, pages_of, resolve
from projections.engine.tables import array_elements, array_literal
from projections.leasing.bill import Bill


class Bills(Row, frozen=True, kw_only=True):
    """The bills of one lease; `issued` of them are issued, the others scheduled."""

    id: UUID
    tenant: UUID
    issued: int = 0
    bills: str
    due_on: str
    owed_fen: str
    open_fen: str
    first_position: int


_split = msgspec.json.Decoder(list[Raw]).decode
_bill = msgspec.json.Decoder(Bill).decode
_bills = msgspec.json.Decoder(tuple[Bill, ...]).decode
_encode = msgspec.json.Encoder().encode


def bills_of(row: Bills) -> tuple[Bill, ...]:
    """The bills in a row, by number."""
    return _bills(row.bills)


# --------------------------------------------------------------------------------------------------- fold


class _Sheet:
    """The bills of a row while an event changes some: only those are decoded and encoded again."""

    __slots__ = ("due_on", "first", "issued", "open_fen", "owed_fen", "raws", "touched")

    def __init__(self, row: Bills | None) -> None:
        self.issued = 0 if row is None else row.issued
        self.raws: list[Raw] = [] if row is None else _split(row.bills)
        self.first = 0 if self.raws and bytes(self.raws[0]).startswith(b"[0,") else 1
        self.due_on: list[str] = [] if row is None else array_elements(row.due_on)
        self.owed_fen: list[str] = [] if row is None else array_elements(row.owed_fen)
        self.open_fen: list[str] = [] if row is None else array_elements(row.open_fen)
        self.touched: dict[int, Bill] = {}

    def of(self, number: int) -> Bill:
        """A bill, to be changed. Raises `ProjectionError` for a number there is not."""
        known = self.touched.get(number)
        if known is None:
            if not self.first <= number < self.next_number:
                raise ProjectionError(f"expected a bill from {self.first} to {self.next_number - 1}, got {number}")
            known = self.touched[number] = _bill(self.raws[number - self.first])
        return known

    @property
    def next_number(self) -> int:
        """Behind the last bill."""
        return self.first + len(self.raws)

    def cut(self) -> None:
        """Nothing is scheduled any more."""
        for column in (self.raws, self.due_on, self.owed_fen, self.open_fen):
            del column[self.issued :]
        self.touched = {number: bill for number, bill in self.touched.items() if number < self.first + self.issued}

    def append(self, bill: Bill) -> None:
        """One more bill. Raises `ProjectionError` unless its number is the next."""
        if bill.number != self.next_number:
            raise ProjectionError(f"expected bill {self.next_number} next, got {bill.number}")
        self._insert(len(self.raws), bill)

    def prepend(self, bill: Bill) -> None:
        """The bill of the fee that is due at the beginning."""
        self.first = bill.number
        self._insert(0, bill)

    def _insert(self, at: int, bill: Bill) -> None:
        self.raws.insert(at, Raw())
        for column in (self.due_on, self.owed_fen, self.open_fen):
            column.insert(at, "")
        self.touched[bill.number] = bill

    def columns(self) -> dict[str, Any]:
        """The row's columns after the changes."""
        for number, bill in self.touched.items():
            owed_fen = bill.owed_fen
            at = number - self.first
            self.raws[at] = Raw(_encode(bill))
            self.due_on[at] = bill.due_on.isoformat()
            self.owed_fen[at] = str(owed_fen)
            self.open_fen[at] = str(owed_fen - sum(bill.paid))
        return {
            "issued": self.issued,
            "bills": _encode(self.raws).decode(),
            "due_on": array_literal(self.due_on),
            "owed_fen": array_literal(self.owed_fen),
            "open_fen": array_literal(self.open_fen),
        }


Change = Callable[[_Sheet, Any], None]


def _schedule(sheet: _Sheet, schedule: Iterable[Instalment]) -> None:
    for one in schedule:
        billed = [one.principal_fen, one.interest_fen, one.fee_fen, 0]
        sheet.append(Bill(one.number, one.due_on, None, billed, [0] * 4, [0] * 4, [0] * 4))


def _restructured(sheet: _Sheet, event: e.LeaseRestructured) -> None:
    sheet.cut()
    _schedule(sheet, event.schedule)


def _issue(sheet: _Sheet, issued: IssuedBill) -> None:
    number = issued.number
    if number == UPFRONT_FEE_BILL or number >= sheet.next_number:
        bill = Bill(number, issued.due_on, issued.issued_on, [0] * 4, [0] * 4, [0] * 4, [0] * 4)
        (sheet.append if number else sheet.prepend)(bill)
    else:
        bill = sheet.of(number)
        bill.due_on, bill.issued_on, bill.billed = issued.due_on, issued.issued_on, [0] * 4
    sheet.issued += 1


def _changed(sheet: _Sheet, event: Event) -> None:
    changes = bill_changes(event)
    if changes.issued is not None:
        _issue(sheet, changes.issued)
    for amount in changes.billed:
        sheet.of(amount.number).billed[AT[amount.component]] += amount.fen
    for part in changes.waived:
        sheet.of(part.number).waived[AT[part.component]] += part.fen
    for part in changes.written_off:
        sheet.of(part.number).written_off[AT[part.component]] += part.fen
    _pay(sheet, changes.paid, changes.paid_on)
    for later in changes.due_dates:
        bill = sheet.of(later.number)
        bill.due_on = max(bill.due_on, later.due_on)


def _pay(sheet: _Sheet, paid: Iterable[Applied], on: date | None) -> None:
    """`on` is the day the money counts from; money that is moved away is not a payment of that day."""
    for one in paid:
        bill = sheet.of(one.number)
        bill.paid[AT[one.component]] += one.fen
        if one.fen > 0 and on is not None:
            bill.last_paid_on = on if bill.last_paid_on is None else max(on, bill.last_paid_on)
        elif not any(bill.paid):
            bill.last_paid_on = None


def _cut(sheet: _Sheet, event: Event) -> None:
    sheet.cut()


_CHANGES: Mapping[type[Event], Change] = {
    e.LeaseCreated: lambda sheet, event: _schedule(sheet, event.schedule),
    e.LeaseRestructured: _restructured,
    e.LeaseRenewed: lambda sheet, event: _schedule(sheet, event.schedule),
    **dict.fromkeys(BILL_EVENTS, _changed),
    m.BuyoutCompleted: _cut,
    e.LeaseEarlySettled: _cut,
    e.LeaseTerminated: _cut,
    e.AssetTotallyLost: _cut,
    e.AssetReturned: _cut,
    m.LeaseClosed: _cut,
}


def fold(row: Bills | None, event: Event, recorded: Recorded) -> Bills | None:
    """The row after one event. Raises `ProjectionError` for a lease that does not begin with its creation."""
    return fold_run(row, (recorded,))


def fold_run(row: Bills | None, run: Sequence[Recorded]) -> Bills:
    """The row after some events of its lease: what is kept as text is read and written once."""
    first = run[0]
    if row is None and type(first.event) is not e.LeaseCreated:
        raise ProjectionError(f"stream {first.stream}: expected lease.created first, got {first.envelope.type}")
    sheet = _Sheet(row)
    for recorded in run:
        _CHANGES[type(recorded.event)](sheet, recorded.event)
    return Bills(
        id=first.stream if row is None else row.id,
        tenant=first.tenant if row is None else row.tenant,
        position=run[-1].position,
        first_position=first.position if row is None else row.first_position,
        **sheet.columns(),
    )


BILLS = Projection(
    name="bills",
    version=1,
    row=Bills,
    key=("id",),
    events=frozenset(_CHANGES),
    fold=fold,
    fold_run=fold_run,
    indexes=(("tenant", "id"),),
    fillfactor=45,
)


# ------------------------------------------------------------------------------------------------ queries


class BillCriteria(Struct, frozen=True, kw_only=True):
    """Criteria of bills; `overdue_on` means open on that business date and due before it."""

    status: str | None = None
    due_from: date | None = None
    due_to: date | None = None
    overdue_on: date | None = None

    def takes(self, bill: Bill) -> bool:
        """Whether a bill is one of those."""
        return (
            (self.status is None or bill.status == self.status)
            and (self.due_from is None or bill.due_on >= self.due_from)
            and (self.due_to is None or bill.due_on <= self.due_to)
            and (self.overdue_on is None or bill.overdue_days(self.overdue_on) > 0)
        )


class LeaseBill(Struct, frozen=True):
    """One bill and its lease."""

    lease: UUID
    bill: Bill


Cursor = tuple[UUID, int]
"""A place in the list of all bills: a lease, and the number of one of its bills."""


class BillPage(Struct, frozen=True):
    """Some bills in the order of their leases' ids and their numbers, valid at `position`."""

    position: int
    bills: tuple[LeaseBill, ...]
    next_after: Cursor | None


ALL = BillCriteria()


def listing(
    connection: Connection[Any],
    tenant: UUID,
    *,
    where: BillCriteria = ALL,
    limit: int,
    starting_after: Cursor | None = None,
    as_of_position: int | None = None,
    shard: int = 0,
) -> BillPage:
    """A page of the tenant's bills, now or at an earlier position.

    It may be short, even empty, and still have more behind it (`next_after`): a page looks at a bounded number of
    leases. Raises `NotProjectedYet` for a position ahead of the read model.
    """
    position = resolve(connection, BILLS, shard, as_of_position)
    condition, values = _condition(where)
    window = Window(BILLS, tenant, shard, condition, values)
    after, number = starting_after or (None, _BEFORE_ALL)
    found: list[LeaseBill] = []
    last: UUID | None = None
    if after is not None:
        row = window.one(connection, after, position, past=as_of_position is not None)
        found += _matching(row, where, number)
    for row in pages_of(connection, window, after, position, past=as_of_position is not None):
        if len(found) > limit:
            break
        last = row.id
        found += _matching(row, where, _BEFORE_ALL)
    else:
        last = window.stopped_at
    return _page(position, found, limit, last)


def _matching(row: Bills | None, where: BillCriteria, after: int) -> list[LeaseBill]:
    if row is None:
        return []
    return [LeaseBill(row.id, bill) for bill in bills_of(row) if bill.number > after and where.takes(bill)]


def _page(position: int, found: list[LeaseBill], limit: int, scanned_to: UUID | None) -> BillPage:
    if len(found) > limit:
        end = found[limit - 1]
        return BillPage(position, tuple(found[:limit]), (end.lease, end.bill.number))
    return BillPage(position, tuple(found), None if scanned_to is None else (scanned_to, _BEHIND_ALL))


_BEFORE_ALL, _BEHIND_ALL = -1, 1_000_000
"""Numbers before and behind every bill of a lease."""


def _condition(where: BillCriteria) -> tuple[str, list[Any]]:
    """SQL that leaves out leases that have no overdue bill, which are most of them."""
    if where.overdue_on is None:
        return "true", []
    unpaid = "unnest(t.due_on::date[], t.open_fen::bigint[]) AS u(due_on, open_fen)"
    return f"EXISTS (SELECT FROM {unpaid} WHERE u.due_on < %s AND u.open_fen > 0)", [where.overdue_on]
