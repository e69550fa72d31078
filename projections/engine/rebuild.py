"""Rebuilding a read model from the ledger beside the live copy."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from psycopg import Connection

from projections.engine import copies, reading
from projections.engine.comparing import Compared, compare_tables
from projections.engine.copies import Copy, NotLive, Status
from projections.engine.dead_letters import dead_letters, park
from projections.engine.filling import FILL_POSITIONS_MAX, fill, is_long
from projections.engine.model import Projection, ProjectionError
from projections.engine.runner import Progress, apply
from projections.engine.tables import Table

REBUILD_ROWS = 20_000
"""Positions that a fresh copy may be behind when it takes over: the switch waits for them."""

FRESH = "_fresh"


class RebuildRunning(ProjectionError):
    """Somebody else is rebuilding the same read model."""


class Rebuilt(Struct, frozen=True):
    """A finished rebuild: where the fresh copy took over, and what the comparison found, if one was asked for."""

    table: str
    position: int
    rows: int
    parked: int
    compared: Compared | None


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
    if not copies.try_exclusive(connection, projection):
        raise RebuildRunning(f"{projection.table}: expected no other rebuild, somebody is rebuilding it")
    try:
        live = copies.live(connection, projection, shard)
        _expect_one_shard(connection, live, shard)
        fresh = _begin(connection, projection, shard)
        _build(connection, fresh, shard, progress)
        return _switch(connection, fresh, live.table, shard, comparing)
    finally:
        copies.release(connection, projection)


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
        copies.add(connection, shard, projection, fresh.name, Status.REBUILDING)
    return fresh


def _forget(connection: Connection[Any], table: Table[Any], shard: int) -> None:
    for where in ("read.dead_letters", "read.projections"):
        connection.execute(f"DELETE FROM {where} WHERE shard = %s AND table_name = %s", (shard, table.name))


def _build(connection: Connection[Any], fresh: Table[Any], shard: int, progress: Progress | None) -> None:
    """Follow the live copy until it is less than one batch ahead."""
    at = 0
    while True:
        goal = copies.live(connection, fresh.projection, shard).position
        if goal - at < REBUILD_ROWS and at:
            return
        at = _to(connection, fresh, shard, at, goal, progress)
        if at == goal:
            return


def _to(
    connection: Connection[Any], fresh: Table[Any], shard: int, at: int, goal: int, progress: Progress | None = None
) -> int:
    """Apply what comes next, at once if it is long; return how far the copy is now."""
    if goal <= at:
        return at
    before, long = at, is_long([fresh.projection], (at, goal))
    up_to = min(goal, at + (FILL_POSITIONS_MAX if long else REBUILD_ROWS))

    def report(done: int) -> None:
        if progress is not None:
            progress(before + done, goal)

    with connection.transaction():
        if long:
            fill(connection, [fresh], shard, (at, up_to), report)
        else:
            read = reading.window(connection, shard, at, up_to, fresh.projection.types)
            apply(connection, fresh, shard, (at, up_to), read)
    report(up_to - at)
    return up_to


def _switch(connection: Connection[Any], fresh: Table[Any], table: str, shard: int, comparing: bool) -> Rebuilt:
    compared = None
    with connection.transaction():
        live = copies.lock(connection, shard, table)
        if live.status is not Status.LIVE:
            raise NotLive(f"read.{table}: expected it to be live until the switch, got {live.status}")
        at = copies.lock(connection, shard, fresh.name).position
        while at < live.position:
            at = _to(connection, fresh, shard, at, live.position)
        parked = dead_letters(connection, fresh.name, shard)
        if comparing:
            compared = compare_tables(connection, fresh, live, shard, parked)
        row = connection.execute(f"SELECT count(*) FROM {fresh.qualified}").fetchone()
        assert row is not None, "count always has a row"
        Table(fresh.projection).drop(connection)
        connection.execute(f"ALTER TABLE {fresh.qualified} RENAME TO {table}")
        _forget(connection, fresh, shard)
        connection.execute("DELETE FROM read.dead_letters WHERE shard = %s AND table_name = %s", (shard, table))
        park(connection, table, shard, parked)
    return Rebuilt(table, live.position, row[0], len(parked), compared)
