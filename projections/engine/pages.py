"""Rows of read models: the position of an answer, pages in the order of ids, relations; now or at an earlier position.

Three honest ways, cheapest first; each read model says which one it uses.

1. A fact that never changes once it is there carries the position it came with (`submitted`): the past is a
   WHERE clause on the table of today. Used by the decision funnel.
2. A row whose `position` is not above the asked one has not changed since: the row of today is the row of then.
3. Any other row is folded again from its own stream up to the asked position, by the code that the runner uses. Used by
   the application book and by work in progress, which reach for it only for rows that changed since.

Ranges of validity (`from_position`, `to_position`) would answer every question by SQL, but they write one row per event
for questions that are rare. Measured with 284,611 events of 11,000 applications: catch-up as it is 108,000 events a
second; the worst questions about the past 0.14 s (a page) and 0.22 s (every lane).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic
from uuid import UUID

import psycopg
from msgspec import Struct
from psycopg import Connection

from domain.kernel.event import EVENT_TYPES, Event
from projections.engine import copies, reading
from projections.engine.copies import NotLive, live
from projections.engine.folding import fold_batch, keyed
from projections.engine.model import Key, Projection, ProjectionError, R, Recorded
from projections.engine.reading import head_size, window
from projections.engine.tables import SCHEMA, array, row_maker, rows_of, select_list

REPLAY_STREAMS_MAX = 50_000
"""Streams that one question about the past may fold again (about ten seconds); beyond, `replay` the ledger instead."""


class NotProjectedYet(ProjectionError):
    """The asked position lies ahead of what the read model holds."""


class TooMuchPast(ProjectionError):
    """Too much changed since the asked position to answer it in one question."""


def resolve(connection: Connection[Any], projection: Projection[Any], shard: int, as_of_position: int | None) -> int:
    """The position a query answers for: the asked one, or that of the live copy.

    It is read before the rows, so the rows are at least as new as it says. Raises `NotProjectedYet` for a position
    ahead of the live copy, `ProjectionError` for a negative one and `NotLive`.
    """
    position = copies.live(connection, projection, shard).position
    if as_of_position is None:
        return position
    if as_of_position < 0:
        raise ProjectionError(f"as_of_position: expected 0 or more, got {as_of_position}")
    if as_of_position > position:
        raise NotProjectedYet(f"{projection.name}: expected a position up to {position}, got {as_of_position}")
    return as_of_position


def rows_as_of(
    connection: Connection[Any], projection: Projection[R], ids: Sequence[str], position: int, shard: int
) -> dict[Key, R]:
    """The rows of some streams as they were at `position`, folded from those streams' events only.

    As in the runner, an event that raises ends the history of its key. For projections whose keys never span streams.
    Raises `TooMuchPast` beyond `REPLAY_STREAMS_MAX` streams.
    """
    if len(ids) > REPLAY_STREAMS_MAX:
        raise TooMuchPast(
            f"{projection.name} at position {position}: expected at most {REPLAY_STREAMS_MAX} streams that changed "
            f"since, got {len(ids)}"
        )
    past: dict[Key, R] = {}
    if not ids:
        return past
    with connection.transaction():
        for _, read in reading.by_stream(connection, shard, 0, position, projection.types, ids):
            folded = fold_batch(projection, {}, keyed(projection, read))
            past.update({key: row for key, row in folded.changed.items() if row is not None})
    return past


SCAN_ROWS = 500
SCAN_ROWS_MAX = 5_000
"""Rows that one page may look at; a page may then be short and still have more behind it."""


class Window(Generic[R]):
    """The rows of one tenant; `condition` is SQL about the row of today (alias `t`) that prunes what nobody wants.

    Rows that changed since the asked position are looked at whatever the condition says of them today.
    """

    def __init__(
        self, projection: Projection[R], tenant: UUID, shard: int, condition: str = "true", values: Sequence[Any] = ()
    ) -> None:
        self.projection, self.tenant, self.shard = projection, tenant, shard
        self.condition, self.values = condition, list(values)
        self.stopped_at: UUID | None = None
        self._select = f"SELECT {select_list(projection)} FROM {SCHEMA}.{projection.table} t"
        self._make = row_maker(projection)

    def rows(self, connection: Connection[Any], condition: str, values: Sequence[Any], limit: int) -> list[R]:
        """Rows of today in the order of their ids."""
        query = f"{self._select} WHERE t.shard = %s AND t.tenant = %s AND {condition} ORDER BY t.id LIMIT %s"
        return rows_of(connection, self._make, query, (self.shard, self.tenant, *values, limit))

    def one(self, connection: Connection[Any], lease: UUID, position: int, *, past: bool) -> R | None:
        """The row of one lease of the tenant."""
        found = self.rows(connection, "t.id = %s", [lease], 1)
        return next(iter(self.then(connection, found, position) if past else found), None)

    def then(self, connection: Connection[Any], rows: Sequence[R], position: int) -> list[R]:
        """The earlier forms of these rows at a position; those that were not there yet are left out."""
        changed = [str(self.projection.stream_of(row)) for row in rows if row.position > position]
        past = rows_as_of(connection, self.projection, changed, position, self.shard)
        found = (past.get((str(self.projection.stream_of(row)),)) if row.position > position else row for row in rows)
        return [row for row in found if row is not None]


def pages_of(
    connection: Connection[Any],
    window: Window[R],
    after: UUID | None,
    position: int,
    *,
    past: bool,
    scan: int | None = None,
) -> Iterator[R]:
    """The window's rows behind `after`; at most `SCAN_ROWS_MAX` are looked at, `scan` at a time.

    `window.stopped_at` is the last one looked at when there are more, `None` when the end was reached.
    """
    window.stopped_at = None
    rows = min(scan or SCAN_ROWS, SCAN_ROWS)
    for _ in range(0, SCAN_ROWS_MAX, SCAN_ROWS):
        condition, values = f"({window.condition})", list(window.values)
        if past:
            condition = f"t.first_position <= %s AND (t.position > %s OR {condition})"
            values = [position, position, *values]
        if after is not None:
            condition, values = f"{condition} AND t.id > %s", [*values, after]
        scanned = window.rows(connection, condition, values, rows)
        yield from window.then(connection, scanned, position) if past else scanned
        if len(scanned) < rows:
            window.stopped_at = None
            return
        window.stopped_at = after = window.projection.stream_of(scanned[-1])


def at_position(
    connection: Connection[Any], projection: Projection[R], tenant: UUID, position: int, shard: int, *, past: bool
) -> tuple[str, list[Any]]:
    """A FROM item, alias `t`, with every row of the tenant at a position, and its parameters.

    For questions about a whole tenant. The past folds what changed since; raises `TooMuchPast` when that is too much.
    """
    table = f"{SCHEMA}.{projection.table}"
    if not past:
        return f"(SELECT * FROM {table} WHERE shard = %s AND tenant = %s) AS t", [shard, tenant]
    changed = connection.execute(
        f"SELECT id::text FROM {table} WHERE shard = %s AND tenant = %s AND first_position <= %s AND position > %s",
        (shard, tenant, position, position),
    ).fetchall()
    rows = list(rows_as_of(connection, projection, [row[0] for row in changed], position, shard).values())
    names = [name for name, _ in projection.columns]
    arrays = [array(kind, [getattr(row, name) for row in rows]) for name, kind in projection.columns]
    unnest = ", ".join(f"%s::{kind}[]" for _, kind in projection.columns)
    columns = ", ".join(names)
    same = f"SELECT {columns} FROM {table} WHERE shard = %s AND tenant = %s AND position <= %s"
    return (
        f"({same} UNION ALL SELECT * FROM unnest({unnest}) AS u({columns})) AS t",
        [shard, tenant, position, *arrays],
    )


# ------------------------------------------------------------------------------------------------- lists


class Page(Struct, Generic[R], frozen=True):
    """Rows in the order of their ids, valid at `position`; `next_after` is the last one looked at, if there is more."""

    position: int
    rows: tuple[R, ...]
    next_after: UUID | None


class Where(Struct, Generic[R], frozen=True):
    """Condition on rows: their columns have these values, and `holds` is true of them."""

    columns: Mapping[str, Any] = {}
    holds: Callable[[R], bool] | None = None

    def takes(self, row: R) -> bool:
        """Whether a row is one of those."""
        same = all(getattr(row, column) == value for column, value in self.columns.items())
        return same and (self.holds is None or self.holds(row))


ALL: Where[Any] = Where()


def listing(
    connection: Connection[Any],
    projection: Projection[R],
    tenant: UUID,
    *,
    where: Where[R] = ALL,
    limit: int,
    starting_after: UUID | None = None,
    as_of_position: int | None = None,
    shard: int = 0,
) -> Page[R]:
    """A page of the tenant's rows, now or at an earlier position.

    It may be short, even empty, and still have more behind it. Raises `NotProjectedYet` for a position ahead of the
    read model.
    """
    position = resolve(connection, projection, shard, as_of_position)
    condition = " AND ".join(["true", *(f"t.{column} = %s" for column in where.columns)])
    window = Window(projection, tenant, shard, condition, list(where.columns.values()))
    found: list[R] = []
    past = as_of_position is not None
    # Where SQL alone decides, no more is read than the page holds.
    scan = None if past or where.holds else limit + 1
    for row in pages_of(connection, window, starting_after, position, past=past, scan=scan):
        if where.takes(row):
            found.append(row)
        if len(found) > limit:
            return Page(position, tuple(found[:limit]), window.projection.stream_of(found[limit - 1]))
    return Page(position, tuple(found), window.stopped_at)


# ------------------------------------------------------------------------------------------------ relations

BEHIND_MAX = 5_000
"""Events that a relation reads behind its read model; one that is further behind is to be brought up to date first."""


@dataclass(frozen=True)
class Relation:
    """The streams of a tenant whose row has a key in `column`; without a column all of them, for the key None.

    `model` has one row for each stream, with columns `id`, `tenant` and `first_position`. A stream begins with an
    event of the class `begins`, and `key_of` that event is its key.
    """

    model: Projection[Any]
    begins: type[Event]
    column: str | None = None
    key_of: Callable[[Any], Any] = lambda _: None

    def streams(self, connection: Connection[Any], tenant: UUID, key: object, shard: int) -> tuple[Sequence[UUID], int]:
        """The streams that belong to the key, oldest first, and the position up to which none is missed: the head.

        Raises `NotLive`.
        """
        # The position is read first: rows that come later are found twice, never not at all.
        position, head = live(connection, self.model, shard).position, head_size(connection, shard)
        query = f"SELECT id, first_position FROM {SCHEMA}.{self.model.table} WHERE shard = %s AND tenant = %s"
        values: tuple[object, ...] = (shard, tenant)
        if self.column is not None:
            query, values = f"{query} AND {self.column} = %s", (*values, key)
        found: dict[UUID, int] = dict(connection.execute(query, values).fetchall())
        for read in window(connection, shard, position, head, self.types):
            if isinstance(read, Recorded) and read.tenant == tenant and self.key_of(read.event) == key:
                found.setdefault(read.stream, read.position)
        return tuple(sorted(found, key=found.__getitem__)), head

    @property
    def types(self) -> frozenset[str]:
        """The types of events that begin a stream."""
        return frozenset(name for name, kind in EVENT_TYPES.items() if kind is self.begins)

    def is_near(self, connection: Connection[Any], shard: int) -> bool:
        """Whether the read model is there, and near enough to the ledger's head to be read on from."""
        try:
            return head_size(connection, shard) - live(connection, self.model, shard).position <= BEHIND_MAX
        except (NotLive, psycopg.errors.UndefinedTable):
            return False
