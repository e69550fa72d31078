"""Rebuilding a read model from the ledger beside the live copy, and comparing the two row by row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from psycopg import Connection, Rollback

from projections import catalog, reading
from projections.catalog import Copy, NotLive, Status
from projections.folding import Letter, fold_batch, keyed, keys_of
from projections.letters import letters, park
from projections.model import Key, Projection, ProjectionError, Row, key_text
from projections.runner import Progress, apply
from projections.tables import TEMPORARY, Table, row_maker, select_list

REBUILD_ROWS = 20_000
"""Positions per batch of a rebuild: nobody waits for these rows, so fewer and larger writes are better."""

FRESH = "_fresh"
CHECK = "_check"


class Difference(Struct, frozen=True):
    """The first row in which a read model is not what its events say.

    `expected` is what a rebuild gives, `got` what the table holds; `None` stands for no row. `position` is that of the
    event that last changed the expected row (of the unexpected one, if none is expected).
    """

    table: str
    key: str
    position: int
    expected: Row | Letter | None
    got: Row | Letter | None

    def fields(self) -> tuple[str, ...]:
        """Names of the fields that differ; empty when a whole row is missing or too many."""
        if self.expected is None or self.got is None:
            return ()
        names = self.expected.__struct_fields__
        return tuple(name for name in names if getattr(self.expected, name) != getattr(self.got, name))

    def sentence(self) -> str:
        """The difference as one line with expected and got."""
        names = self.fields()
        expected = {name: getattr(self.expected, name) for name in names} or self.expected
        got = {name: getattr(self.got, name) for name in names} or self.got
        return f"read.{self.table}, key {self.key}, position {self.position}: expected {expected}, got {got}"


class Compared(Struct, frozen=True):
    """A comparison up to `position`: rows and parked events of the rebuilt copy, and the first difference, if any."""

    table: str
    position: int
    rows: int
    parked: int
    differences: int
    first: Difference | None


class ReadModelDiffers(ProjectionError):
    """A read model is not what its events say."""

    def __init__(self, compared: Compared) -> None:
        assert compared.first is not None, "only a difference is worth raising"
        super().__init__(compared.first.sentence())
        self.compared = compared


class RebuildRunning(ProjectionError):
    """Somebody else is rebuilding the same read model."""


class Rebuilt(Struct, frozen=True):
    """A finished rebuild: where the fresh copy took over, and what the comparison found, if one was asked for."""

    table: str
    position: int
    rows: int
    parked: int
    compared: Compared | None


# ------------------------------------------------------------------------------------------------ compare


def compare(
    connection: Connection[Any], projection: Projection[Any], *, shard: int = 0, progress: Progress | None = None
) -> Compared:
    """Rebuild into a temporary table up to the live copy's position and compare, in one snapshot.

    Changes nothing: the transaction is rolled back. The runner may go on meanwhile. Raises `NotLive`.
    """
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        copy = catalog.live(connection, projection, shard)
        scratch: Table[Any] = Table(projection, name=copy.table + CHECK, schema=TEMPORARY)
        scratch.create(connection)
        expected = _fill(connection, scratch, shard, copy.position, progress)
        compared = _compare(connection, scratch, copy, shard, expected)
        raise Rollback
    return compared


def check(connection: Connection[Any], projection: Projection[Any], *, shard: int = 0) -> Compared:
    """As `compare`, but raises `ReadModelDiffers` with expected and got."""
    compared = compare(connection, projection, shard=shard)
    if compared.first is not None:
        raise ReadModelDiffers(compared)
    return compared


def _fill(
    connection: Connection[Any], scratch: Table[Any], shard: int, up_to: int, progress: Progress | None
) -> list[Letter]:
    """Fold the ledger from its beginning into an empty table; return what is parked."""
    projection, parked = scratch.projection, list[Letter]()
    for after in range(0, up_to, REBUILD_ROWS):
        end = min(after + REBUILD_ROWS, up_to)
        events = keyed(projection, reading.window(connection, shard, after, end, projection.types))
        rows = scratch.load(connection, shard, keys_of(events))
        folded = fold_batch(projection, rows, events, {letter.key for letter in parked})
        scratch.write(connection, shard, folded.changed)
        parked += folded.letters
        if progress is not None:
            progress(end, up_to)
    return parked


def _compare(
    connection: Connection[Any], scratch: Table[Any], copy: Copy, shard: int, expected: Sequence[Letter]
) -> Compared:
    live: Table[Any] = Table(scratch.projection, name=copy.table)
    count, first = _first_row_difference(connection, scratch, live, shard)
    odd = _letter_differences(copy.table, expected, letters(connection, copy.table, shard))
    found = [one for one in (first, *odd[:1]) if one is not None]
    row = connection.execute(f"SELECT count(*) FROM {scratch.qualified} WHERE shard = %s", (shard,)).fetchone()
    assert row is not None, "count always has a row"
    return Compared(
        copy.table,
        copy.position,
        row[0],
        len(expected),
        count + len(odd),
        min(found, key=lambda one: one.position, default=None),
    )


def _first_row_difference(
    connection: Connection[Any], expected: Table[Any], got: Table[Any], shard: int
) -> tuple[int, Difference | None]:
    projection = expected.projection
    names = [name for name, _ in projection.columns]
    on = " AND ".join(f"e.{name} = g.{name}" for name in projection.key)
    want_columns, have_columns = select_list(projection, "e"), select_list(projection, "g")
    key_order = ", ".join(f"coalesce(e.{name}, g.{name})" for name in projection.key)
    row = (
        connection.cursor(binary=True)
        .execute(
            f"SELECT count(*) OVER (), e.shard IS NOT NULL, g.shard IS NOT NULL, "
            f"{want_columns}, {have_columns} "
            f"FROM (SELECT * FROM {expected.qualified} WHERE shard = %s) e "
            f"FULL JOIN (SELECT * FROM {got.qualified} WHERE shard = %s) g ON {on} "
            f"WHERE (e.shard, {want_columns}) IS DISTINCT FROM (g.shard, {have_columns}) "
            f"ORDER BY coalesce(e.position, g.position), {key_order} "
            "LIMIT 1",
            (shard, shard),
        )
        .fetchone()
    )
    if row is None:
        return 0, None
    count, in_expected, in_got, *values = row
    make = row_maker(projection)
    want = make(values[: len(names)]) if in_expected else None
    have = make(values[len(names) :]) if in_got else None
    return count, _difference(got, want, have)


def _difference(table: Table[Any], want: Row | None, have: Row | None) -> Difference:
    one = want if want is not None else have
    assert one is not None, "a difference has at least one row"
    key: Key = tuple(str(getattr(one, name)) for name in table.projection.key)
    return Difference(table.name, key_text(key), one.position, want, have)


def _letter_differences(table: str, expected: Sequence[Letter], got: Sequence[Letter]) -> list[Difference]:
    """Parked events that only one side has; why an event is parked may be worded differently by another release."""
    want, have = ({one.position: one for one in side} for side in (expected, got))
    odd = [at for at in sorted(want.keys() | have.keys()) if _place(want.get(at)) != _place(have.get(at))]
    return [Difference(table, (want.get(at) or have[at]).key, at, want.get(at), have.get(at)) for at in odd]


def _place(letter: Letter | None) -> tuple[int, str, bool] | None:
    return None if letter is None else (letter.position, letter.key, bool(letter.error))


# ------------------------------------------------------------------------------------------------ rebuild


def rebuild(
    connection: Connection[Any],
    projection: Projection[Any],
    *,
    shard: int = 0,
    progress: Progress | None = None,
    comparing: bool = False,
) -> Rebuilt:
    """Build a fresh copy of the live version beside it and let it take over, in one transaction.

    Queries and the runner go on meanwhile; only the switch itself waits for them. With `comparing` the live copy is
    compared with the fresh one before it goes. A rebuild that died is started anew by the next one.
    Raises `RebuildRunning`, `NotLive`, and `ProjectionError` when the table holds another shard's rows.
    """
    if not catalog.try_exclusive(connection, projection):
        raise RebuildRunning(f"{projection.table}: expected no other rebuild, somebody is rebuilding it")
    try:
        live = catalog.live(connection, projection, shard)
        _expect_one_shard(connection, live, shard)
        fresh = _begin(connection, projection, shard)
        _build(connection, fresh, shard, progress)
        return _switch(connection, fresh, live.table, shard, comparing)
    finally:
        catalog.release(connection, projection)


def _expect_one_shard(connection: Connection[Any], live: Copy, shard: int) -> None:
    rows = connection.execute("SELECT shard FROM read.projections WHERE table_name = %s ORDER BY shard", (live.table,))
    shards = [row[0] for row in rows]
    if shards != [shard]:
        raise ProjectionError(f"read.{live.table}: expected rows of shard {shard} only, got shards {shards}")


def _begin(connection: Connection[Any], projection: Projection[Any], shard: int) -> Table[Any]:
    fresh: Table[Any] = Table(projection, name=projection.table + FRESH)
    with connection.transaction():
        _forget(connection, fresh, shard)
        fresh.drop(connection)
        fresh.create(connection)
        catalog.add(connection, shard, projection, fresh.name, Status.REBUILDING)
    return fresh


def _forget(connection: Connection[Any], table: Table[Any], shard: int) -> None:
    for where in ("read.dead_letters", "read.projections"):
        connection.execute(f"DELETE FROM {where} WHERE shard = %s AND table_name = %s", (shard, table.name))


def _build(connection: Connection[Any], fresh: Table[Any], shard: int, progress: Progress | None) -> None:
    """Follow the live copy until it is less than one batch ahead."""
    at = 0
    while True:
        goal = catalog.live(connection, fresh.projection, shard).position
        if goal - at < REBUILD_ROWS and at:
            return
        at = _to(connection, fresh, shard, at, min(at + REBUILD_ROWS, goal))
        if progress is not None:
            progress(at, goal)
        if at == goal:
            return


def _to(connection: Connection[Any], fresh: Table[Any], shard: int, at: int, up_to: int) -> int:
    if up_to <= at:
        return at
    read = reading.window(connection, shard, at, up_to, fresh.projection.types)
    with connection.transaction():
        apply(connection, fresh, shard, (at, up_to), read)
    return up_to


def _switch(connection: Connection[Any], fresh: Table[Any], table: str, shard: int, comparing: bool) -> Rebuilt:
    compared = None
    with connection.transaction():
        live = catalog.lock(connection, shard, table)
        if live.status is not Status.LIVE:
            raise NotLive(f"read.{table}: expected it to be live until the switch, got {live.status}")
        at = catalog.lock(connection, shard, fresh.name).position
        _to(connection, fresh, shard, at, live.position)
        parked = letters(connection, fresh.name, shard)
        if comparing:
            compared = _compare(connection, fresh, live, shard, parked)
        row = connection.execute(f"SELECT count(*) FROM {fresh.qualified}").fetchone()
        assert row is not None, "count always has a row"
        Table(fresh.projection).drop(connection)
        connection.execute(f"ALTER TABLE {fresh.qualified} RENAME TO {table}")
        _forget(connection, fresh, shard)
        connection.execute("DELETE FROM read.dead_letters WHERE shard = %s AND table_name = %s", (shard, table))
        park(connection, table, shard, parked)
    return Rebuilt(table, live.position, row[0], len(parked), compared)
