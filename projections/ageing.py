"""Ageing: how many leases owe how much for how long, on any business date of the past.

    bill issued, money, waiver, late fee ─▶ the lease's oldest unpaid due date and open amount ─▶ one more step

**As of a day means as known at the end of that business date**: what was posted later is not there yet, however early
its value date is. A book that was closed stays as it was; back-dated money shows from the day it was posted.

A row is one lease. Each change of (oldest unpaid due date, open amount) is a step in four arrays of equal length:
business date, ledger position, and the two values. Dates and positions only rise, so the state at the end of a day, and
at a position, is found by binary search within the row: exact, in SQL, without folding anything again. A lease counts
from its activation until it is closed or written off, and again when it is open again.
"""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from msgspec import Struct
from psycopg import Connection

from domain.kernel import Event
from domain.leasing.lease import events as e
from domain.leasing.lease import money as m
from projections.as_of import resolve
from projections.currencies import Currencies, in_currency
from projections.dues import DUE_CHANGES, Dues, decode_dues, encode_dues, oldest
from projections.model import Projection, ProjectionError, Recorded, Row

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
    kind = type(event)
    if row is None:
        if kind is e.LeaseReopened:
            # It never ran, and the lessee owes a refund that should not have been.
            row = Ages(id=recorded.stream, tenant=recorded.tenant, position=recorded.position, counts=True)
            return _step(row, [], recorded)
        if kind is m.BillIssued:
            raise ProjectionError(f"stream {recorded.stream}: expected lease.activated first, got lease.bill_issued.v1")
        if kind is not m.LeaseActivated:
            # Money may come before the lease runs; it is credit and pays nothing yet.
            return None
        row = Ages(id=recorded.stream, tenant=recorded.tenant, position=recorded.position, counts=True)
        return _step(row, [], recorded)
    if kind is m.LeaseClosed:
        return _ended(row, decode_dues(row.dues), recorded)
    if kind is e.LeaseReopened:
        return _step(row, decode_dues(row.dues), recorded)
    dues = decode_dues(row.dues)
    DUE_CHANGES[kind](dues, event)
    if kind is m.LeaseChargedOff or not row.counts:
        return _ended(row, dues, recorded)
    return _step(row, dues, recorded)


def _step(row: Ages, dues: Dues, recorded: Recorded) -> Ages:
    due_on, open_fen = oldest(dues)
    return _with_step(row, dues, recorded, "NULL" if due_on is None else due_on.isoformat(), str(open_fen), True)


def _ended(row: Ages, dues: Dues, recorded: Recorded) -> Ages:
    """From here on the lease does not count: its open amount is not known to ageing."""
    return _with_step(row, dues, recorded, "NULL", "NULL", False)


def _with_step(row: Ages, dues: Dues, recorded: Recorded, due_on: str, open_fen: str, counts: bool) -> Ages:
    same = row.open_fen.endswith(f",{open_fen}}}") and row.due_on.endswith(f",{due_on}}}")
    # A calendar never goes back; a clock that did must not unsort the days.
    on = recorded.envelope.business_date if row.last_on is None else max(row.last_on, recorded.envelope.business_date)
    return Ages(
        position=recorded.position,
        id=row.id,
        tenant=row.tenant,
        counts=counts,
        dues=encode_dues(dues),
        days=row.days if same else _more(row.days, on.isoformat()),
        positions=row.positions if same else _more(row.positions, str(recorded.position)),
        due_on=row.due_on if same else _more(row.due_on, due_on),
        open_fen=row.open_fen if same else _more(row.open_fen, open_fen),
        last_on=on,
    )


def _more(literal: str, element: str) -> str:
    return f"{literal[:-1]},{element}}}" if len(literal) > 2 else f"{{{element}}}"


# ---------------------------------------------------------------------------------------------------- DDL

AGEING = Projection(
    name="ageing",
    version=1,
    row=Ages,
    key=("id",),
    events=frozenset({m.LeaseActivated, *DUE_CHANGES, m.LeaseClosed, e.LeaseReopened}),
    fold=fold,
    ddl="""
CREATE TABLE {table} (
    shard     smallint NOT NULL,
    position  bigint   NOT NULL,
    id        uuid     NOT NULL,
    tenant    uuid     NOT NULL,
    counts    boolean  NOT NULL,
    dues      text     NOT NULL,
    days      text     NOT NULL,
    positions text     NOT NULL,
    due_on    text     NOT NULL,
    open_fen  text     NOT NULL,
    last_on   date,
    PRIMARY KEY (shard, id)
) WITH (fillfactor = 45);
CREATE INDEX ON {table} (shard, tenant, id);
""",
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

    By default the last business date that is known, and the currency of most leases. With `as_of_position` nothing
    behind that position is known. Raises `NotProjectedYet` for a position ahead of the read model.
    """
    position = resolve(connection, AGEING, shard, as_of_position)
    currencies = Currencies.of(connection, tenant, currency, shard)
    if as_of is None:
        as_of = _last_day(connection, tenant, position, shard)
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
