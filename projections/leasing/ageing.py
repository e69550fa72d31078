"""Ageing: how many leases owe how much for how long, on any business date of the past.

    bill issued, money, waiver, late fee ─▶ the lease's oldest unpaid due date and open amount ─▶ one more step

**As of a day means as known at the end of that business date**: what was posted later is not there yet, however early
its value date is. A book that was closed stays as it was; back-dated money shows from the day it was posted.

A row is one lease. Each change of (oldest unpaid due date, open amount) is a step in four arrays of equal length:
business date, ledger position, and the two values. Dates and positions only rise, so the state at the end of a day, and
at a position, is found by binary search within the row: exact, in SQL, without folding anything again. A lease counts
from its activation until it is closed or written off, and again when it is open again.

The fold is written by hand: a row is a series of steps by day, of which a lease's state knows the last one only.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from msgspec import Struct
from psycopg import Connection

from domain.calendar.calendar import calendar_stream
from domain.kernel.event import Event
from domain.leasing.bill_changes import BILL_EVENTS, bill_changes
from domain.leasing.lease.events import lifecycle as e
from domain.leasing.lease.events import money as m
from projections.calendar.business_day import business_day
from projections.engine.model import Projection, ProjectionError, Recorded, Row
from projections.engine.pages import resolve
from projections.engine.tables import array_elements, array_literal
from projections.leasing.currencies import Currencies, in_currency
from projections.leasing.dues import decode_dues, encode_dues, oldest, settle

NOT_DUE, CURRENT = "not_due", "current"
BUCKETS = (NOT_DUE, CURRENT, "d1_30", "d31_60", "d61_90", "d91_plus")
"""By the oldest unpaid bill: `not_due` is due later, `d1_30` … `d91_plus` so many days ago.

`current` owes nothing, or has its oldest unpaid bill due on the day itself.
"""

# --------------------------------------------------------------------------------------------------- fold


class Ages(Row, frozen=True, kw_only=True):
    """One lease: its issued bills as JSON, and its steps as PostgreSQL array literals of equal length."""

    id: UUID
    tenant: UUID
    counts: bool = False
    dues: str = "[]"
    days: str = "{}"
    positions: str = "{}"
    due_on: str = "{}"
    open_fen: str = "{}"
    last_on: date | None = None


def fold(row: Ages | None, event: Event, recorded: Recorded) -> Ages | None:
    """The row after one event. Raises `ProjectionError` for a lease that is billed before it is activated."""
    return fold_run(row, (recorded,))


def fold_run(row: Ages | None, run: Sequence[Recorded]) -> Ages | None:
    """The row after some events of its lease: what is kept as text is read and written once."""
    steps = None if row is None else _Steps(row)
    for recorded in run:
        if steps is None:
            row = _first(recorded)
            if row is None:
                continue
            steps = _Steps(row)
        steps.take(recorded)
    return None if steps is None else steps.row(run[-1].position)


def _first(recorded: Recorded) -> Ages | None:
    """A lease begins with its activation; money may come before, it is credit and pays nothing yet.

    One that never ran and was closed begins when the lessee owes a refund that should not have been.
    """
    kind = type(recorded.event)
    if kind is m.BillIssued:
        raise ProjectionError(f"stream {recorded.stream}: expected lease.activated first, got {recorded.envelope.type}")
    if kind not in _BEGIN:
        return None
    return Ages(id=recorded.stream, tenant=recorded.tenant, position=recorded.position, counts=True)


class _Steps:
    """A row while it is folded."""

    def __init__(self, row: Ages) -> None:
        self._row = row
        self._counts, self._last_on = row.counts, row.last_on
        self._dues = decode_dues(row.dues)
        self._days, self._positions = array_elements(row.days), array_elements(row.positions)
        self._due_on, self._open_fen = array_elements(row.due_on), array_elements(row.open_fen)

    def take(self, recorded: Recorded) -> None:
        """One event, and the step that it makes."""
        kind = type(recorded.event)
        if kind in BILL_EVENTS:
            settle(self._dues, bill_changes(recorded.event))
        if kind is e.LeaseReopened:
            self._counts = True
        if kind in _LAST or not self._counts:
            # From here on the lease does not count: its open amount is not known to ageing.
            self._counts = False
            self._step(recorded, "NULL", "NULL")
            return
        due_on, open_fen = oldest(self._dues)
        self._step(recorded, "NULL" if due_on is None else due_on.isoformat(), str(open_fen))

    def _step(self, recorded: Recorded, due_on: str, open_fen: str) -> None:
        on = recorded.envelope.business_date
        # A calendar never goes back; a clock that did must not unsort the days.
        self._last_on = on = on if self._last_on is None else max(self._last_on, on)
        if self._days and self._open_fen[-1] == open_fen and self._due_on[-1] == due_on:
            return
        self._days.append(on.isoformat())
        self._positions.append(str(recorded.position))
        self._due_on.append(due_on)
        self._open_fen.append(open_fen)

    def row(self, position: int) -> Ages:
        """The row after the last event, at `position`."""
        return Ages(
            position=position,
            id=self._row.id,
            tenant=self._row.tenant,
            counts=self._counts,
            dues=encode_dues(self._dues),
            days=array_literal(self._days),
            positions=array_literal(self._positions),
            due_on=array_literal(self._due_on),
            open_fen=array_literal(self._open_fen),
            last_on=self._last_on,
        )


_BEGIN = frozenset({m.LeaseActivated, e.LeaseReopened})
_LAST = frozenset({m.LeaseChargedOff, m.LeaseClosed})


AGEING = Projection(
    name="ageing",
    version=1,
    row=Ages,
    key=("id",),
    events=frozenset({m.LeaseActivated, *BILL_EVENTS, m.LeaseClosed, e.LeaseReopened}),
    fold=fold,
    fold_run=fold_run,
    indexes=(("tenant", "id"),),
    fillfactor=45,
)


# ------------------------------------------------------------------------------------------------ queries


class Bucket(Struct, frozen=True):
    """Leases in a bucket, and what they owe in fen."""

    bucket: str
    leases: int
    open_fen: int


class Ageing(Struct, frozen=True):
    """Ageing at the end of business date `as_of`, as known at ledger position `position`, in one currency.

    Without any lease the date and the currency are the asked ones, or none. `other_currencies` has leases too.
    """

    position: int
    as_of: date | None
    currency: str | None
    other_currencies: tuple[str, ...]
    buckets: tuple[Bucket, ...]

    @property
    def leases(self) -> int:
        """All leases that count."""
        return sum(bucket.leases for bucket in self.buckets)

    @property
    def open_fen(self) -> int:
        """Everything that is owed."""
        return sum(bucket.open_fen for bucket in self.buckets)


_DAY = f"""
SELECT max((t.days::date[])[width_bucket(%s::bigint, t.positions::bigint[])])
FROM read.{AGEING.table} t WHERE t.shard = %s AND t.tenant = %s"""

# A lease without a step yet has index 0, which is outside an array and gives NULL, like the end of a lease does.
_QUERY = f"""
SELECT CASE WHEN due_on > %s::date THEN 0 WHEN due_on IS NULL OR due_on = %s::date THEN 1
            ELSE least(5, 2 + (%s::date - due_on - 1) / 30) END AS bucket,
       count(*), sum(open_fen)::bigint
FROM (
    SELECT (t.due_on::date[])[s.at] AS due_on, (t.open_fen::bigint[])[s.at] AS open_fen
    FROM read.{AGEING.table} t, LATERAL (SELECT {{step}} AS at) AS s
    WHERE t.shard = %s AND t.tenant = %s AND {{currency}}
    OFFSET 0
) AS then_open
WHERE open_fen IS NOT NULL
GROUP BY bucket"""

_BY_DAY = "width_bucket(%s::date, t.days::date[])"
_BY_DAY_AND_POSITION = f"least({_BY_DAY}, width_bucket(%s::bigint, t.positions::bigint[]))"


def ageing(
    connection: Connection[Any],
    tenant: UUID,
    as_of: date | None = None,
    *,
    currency: str | None = None,
    as_of_position: int | None = None,
    shard: int = 0,
) -> Ageing:
    """Leases and open amounts of the tenant by bucket, at the end of a business date as known then.

    By default the tenant's business date, or the newest on which anything changed where that is later or no calendar
    was opened, and the currency of most leases. With `as_of_position` nothing
    behind that position is known. Raises `NotProjectedYet` for a position ahead of the read model.
    """
    position = resolve(connection, AGEING, shard, as_of_position)
    currencies = Currencies.of(connection, tenant, currency, shard, position)
    if as_of is None:
        known_days = (
            business_day(connection, calendar_stream(tenant), position, shard=shard).business_date,
            _last_day(connection, tenant, position, shard),
        )
        as_of = max(filter(None, known_days), default=None)
    counted: dict[int, tuple[int, int]] = {}
    if as_of is not None:
        condition, values = in_currency(currencies, tenant, shard)
        step, known = (_BY_DAY, []) if as_of_position is None else (_BY_DAY_AND_POSITION, [position])
        parameters = (as_of, as_of, as_of, as_of, *known, shard, tenant, *values)
        rows = connection.execute(_QUERY.format(step=step, currency=condition), parameters).fetchall()
        counted = {bucket: (leases, fen) for bucket, leases, fen in rows}
    buckets = tuple(Bucket(name, *counted.get(at, (0, 0))) for at, name in enumerate(BUCKETS))
    return Ageing(position, as_of, currencies.chosen, currencies.others, buckets)


def _last_day(connection: Connection[Any], tenant: UUID, position: int, shard: int) -> date | None:
    """The newest business date on which anything changed, as far as the position knows."""
    row = connection.execute(_DAY, (position, shard, tenant)).fetchone()
    assert row is not None, "an aggregate always has a row"
    day: date | None = row[0]
    return day
