"""Copies of read models: their versions, their positions, and the live one that answers queries.

    (nothing) ──first version──▶ live ──newer version caught up──▶ retired ──▶ dropped
    (nothing) ──next version──▶ building ──caught up──▶ live
    (nothing) ──rebuild──▶ rebuilding ──caught up──▶ takes the place of the live copy of the same version

Whoever changes a copy's rows holds the lock on its catalog row: the runner by its compare-and-set, a retry and a switch
by SELECT … FOR UPDATE.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct
from psycopg import Connection

from projections.engine import reading
from projections.engine.model import Projection, ProjectionError
from projections.engine.tables import Table, enable_row_security

_ADVISORY_SPACE = 0x4C4C
"""First key of our advisory locks, so that they never meet those of another program in the same database."""

_DDL = """
CREATE TABLE IF NOT EXISTS read.projections (
    shard      smallint NOT NULL,
    table_name text     NOT NULL,
    name       text     NOT NULL,
    version    integer  NOT NULL CHECK (version > 0),
    position   bigint   NOT NULL CHECK (position >= 0),
    status     text     NOT NULL CHECK (status IN ('building', 'live', 'retired', 'rebuilding')),
    PRIMARY KEY (shard, table_name)
);
CREATE UNIQUE INDEX IF NOT EXISTS one_live_projection ON read.projections (shard, name) WHERE status = 'live';
CREATE TABLE IF NOT EXISTS read.dead_letters (
    shard      smallint NOT NULL,
    table_name text     NOT NULL,
    position   bigint   NOT NULL,
    key        text     NOT NULL,
    stream     uuid     NOT NULL,
    error      text     NOT NULL,
    tenant     uuid,  -- of an entry that says whose it is
    PRIMARY KEY (shard, table_name, position)
);
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'read.dead_letters'::regclass AND attname = 'tenant') THEN
        ALTER TABLE read.dead_letters ADD COLUMN tenant uuid;
    END IF;
END $$;"""

_NAMED_AT_ONCE = 1_000
"""Dead letters whose entries are read at once."""

_COLUMNS = "table_name, name, version, position, status"
_LAG = """
SELECT p.table_name, p.name, p.version, p.status, p.position, h.size,
       convert_from(e.entry, 'UTF8')::json ->> 'recorded_at',
       (SELECT count(*) FROM read.dead_letters d WHERE d.shard = p.shard AND d.table_name = p.table_name),
       (SELECT count(DISTINCT d.key) FROM read.dead_letters d WHERE d.shard = p.shard AND d.table_name = p.table_name)
FROM read.projections p JOIN ledger.head h USING (shard)
LEFT JOIN ledger.events e ON e.shard = p.shard AND e.position = p.position
WHERE p.shard = %s ORDER BY p.name, p.version, p.table_name"""


class Status(StrEnum):
    """Status of a copy of a read model."""

    BUILDING = "building"
    LIVE = "live"
    RETIRED = "retired"
    REBUILDING = "rebuilding"


class Copy(Struct, frozen=True):
    """One row of the catalog: a table, whose it is, and the last position that it holds."""

    table: str
    name: str
    version: int
    position: int
    status: Status


class Lag(Struct, frozen=True):
    """Lag of a copy: positions, seconds since its last applied event was recorded, parked events and keys.

    `seconds` is `None` as long as nothing was applied. A quiet ledger has growing seconds and zero `behind`.
    """

    table: str
    name: str
    version: int
    status: Status
    position: int
    head: int
    behind: int
    seconds: float | None
    dead_letters: int
    dead_keys: int


class LostRace(ProjectionError):
    """Another runner moved the position first; nothing was written here."""


class NotLive(ProjectionError):
    """The version that was asked for does not answer queries (yet, or any more)."""


def prepare(connection: Connection[Any], projections: Iterable[Projection[Any]], shard: int) -> None:
    """Create what is missing: the catalog, and for every projection its table and its catalog row.

    The first version of a name is live from the start; a newer one is built beside the live one; one that is older than
    the live one is left alone.
    """
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s, %s)", (_ADVISORY_SPACE, shard))
        connection.execute(_DDL)
        enable_row_security(connection, "read.dead_letters")
        _name_tenants(connection, shard)
        known = copies(connection, shard)
        for projection in projections:
            if any(copy.table == projection.table for copy in known):
                Table(projection).check(connection)
                Table(projection).enable_row_security(connection)
                continue
            live = next((c for c in known if c.name == projection.name and c.status is Status.LIVE), None)
            if live is not None and live.version > projection.version:
                continue
            Table(projection).create(connection)
            add(connection, shard, projection, projection.table, Status.BUILDING if live else Status.LIVE)
            known = copies(connection, shard)


def _name_tenants(connection: Connection[Any], shard: int) -> None:
    """Say whose the dead letters are that were parked before their tenants were kept: nobody would see them."""
    found = connection.execute(
        "SELECT DISTINCT position FROM read.dead_letters WHERE shard = %s AND tenant IS NULL", (shard,)
    ).fetchall()
    for at in range(0, len(found), _NAMED_AT_ONCE):
        whose = reading.tenants(connection, shard, [position for (position,) in found[at : at + _NAMED_AT_ONCE]])
        connection.execute(
            "UPDATE read.dead_letters AS letters SET tenant = whose.tenant "
            "FROM unnest(%s::bigint[], %s::uuid[]) AS whose(position, tenant) "
            "WHERE letters.shard = %s AND letters.position = whose.position AND letters.tenant IS NULL",
            (list(whose), list(whose.values()), shard),
        )


def add(connection: Connection[Any], shard: int, projection: Projection[Any], table: str, status: Status) -> None:
    """Enter a new, empty copy."""
    connection.execute(
        "INSERT INTO read.projections (shard, table_name, name, version, position, status) "
        "VALUES (%s, %s, %s, %s, 0, %s)",
        (shard, table, projection.name, projection.version, status.value),
    )


def prepared(connection: Connection[Any]) -> bool:
    """Whether there are read models at all."""
    return connection.execute("SELECT to_regclass('read.projections')").fetchone() != (None,)


def copies(connection: Connection[Any], shard: int) -> list[Copy]:
    """Every copy of every read model of the shard."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM read.projections WHERE shard = %s ORDER BY name, version, table_name", (shard,)
    )
    return [_copy(row) for row in rows]


def live(connection: Connection[Any], projection: Projection[Any], shard: int) -> Copy:
    """The copy that answers queries. Raises `NotLive` when that is another version than this one."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM read.projections WHERE shard = %s AND name = %s AND status = 'live'",
        (shard, projection.name),
    ).fetchone()
    got = f"v{row[2]}" if row else "none"
    if row is None or row[2] != projection.version:
        raise NotLive(f"{projection.name}: expected version v{projection.version} to be live, got {got}")
    return _copy(row)


def lock(connection: Connection[Any], shard: int, table: str) -> Copy:
    """The catalog row of a table, locked until the transaction ends. Raises `ProjectionError` when it is not there."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM read.projections WHERE shard = %s AND table_name = %s FOR UPDATE", (shard, table)
    ).fetchone()
    if row is None:
        raise ProjectionError(f"expected a catalog row of read.{table} in shard {shard}, got none")
    return _copy(row)


def advance(connection: Connection[Any], shard: int, table: str, before: int, after: int) -> None:
    """Compare-and-set a position; afterwards this transaction alone may write the copy. Raises `LostRace`."""
    moved = connection.execute(
        "UPDATE read.projections SET position = %s "
        "WHERE shard = %s AND table_name = %s AND position = %s AND status <> 'retired'",
        (after, shard, table, before),
    )
    if moved.rowcount != 1:
        raise LostRace(f"read.{table}: expected position {before}, another runner was there first")


def promote(connection: Connection[Any], projection: Projection[Any], shard: int) -> bool:
    """Let a newer version that caught up with the live one take its place, in one transaction; say whether it did.

    The old version's table stays, retired: nothing writes it any more, `drop_retired` removes it.
    """
    with connection.transaction():
        rows = connection.execute(
            f"SELECT {_COLUMNS} FROM read.projections WHERE shard = %s AND name = %s ORDER BY version FOR UPDATE",
            (shard, projection.name),
        )
        known = [_copy(row) for row in rows]
        new = next((c for c in known if c.table == projection.table and c.status is Status.BUILDING), None)
        old = next((c for c in known if c.status is Status.LIVE), None)
        if new is None or (old is not None and new.position < old.position):
            return False
        if old is not None:
            _set_status(connection, shard, old.table, Status.RETIRED)
        _set_status(connection, shard, new.table, Status.LIVE)
    return True


def mark(connection: Connection[Any], projection: Projection[Any], shard: int) -> int:
    """The highest position that any other version of this read model ever applied.

    What follows from events at or below it has happened already: a reactor acts only on events above it.
    """
    row = connection.execute(
        "SELECT coalesce(max(position), 0) FROM read.projections WHERE shard = %s AND name = %s AND version <> %s",
        (shard, projection.name, projection.version),
    ).fetchone()
    assert row is not None, "an aggregate always has a row"
    highest: int = row[0]
    return highest


def drop_retired(connection: Connection[Any], projection_name: str, shard: int) -> Sequence[str]:
    """Drop the tables of retired versions and say which. Their marks go with them; the live version is above those."""
    with connection.transaction():
        rows = connection.execute(
            "DELETE FROM read.projections WHERE shard = %s AND name = %s AND status = 'retired' RETURNING table_name",
            (shard, projection_name),
        )
        tables = [row[0] for row in rows]
        for table in tables:
            connection.execute("DELETE FROM read.dead_letters WHERE shard = %s AND table_name = %s", (shard, table))
            connection.execute(f"DROP TABLE IF EXISTS read.{table}")
    return tables


def lag(connection: Connection[Any], shard: int, now: datetime) -> list[Lag]:
    """The lag of every copy behind the ledger's head at the instant `now`."""
    return [_lag(row, now) for row in connection.execute(_LAG, (shard,))]


def try_exclusive(connection: Connection[Any], projection: Projection[Any]) -> bool:
    """Take the session-wide lock on rebuilding this projection, if nobody has it."""
    row = connection.execute(
        "SELECT pg_try_advisory_lock(%s, hashtext(%s))", (_ADVISORY_SPACE, projection.table)
    ).fetchone()
    return row is not None and bool(row[0])


def release(connection: Connection[Any], projection: Projection[Any]) -> None:
    """Give the lock of `try_exclusive` back."""
    connection.execute("SELECT pg_advisory_unlock(%s, hashtext(%s))", (_ADVISORY_SPACE, projection.table))


def _set_status(connection: Connection[Any], shard: int, table: str, status: Status) -> None:
    connection.execute(
        "UPDATE read.projections SET status = %s WHERE shard = %s AND table_name = %s", (status.value, shard, table)
    )


def _copy(row: Sequence[Any]) -> Copy:
    table, name, version, position, status = row
    return Copy(table, name, version, position, Status(status))


def _lag(row: Sequence[Any], now: datetime) -> Lag:
    table, name, version, status, position, head, recorded_at, dead_letters, keys = row
    seconds = None if recorded_at is None else (now - datetime.fromisoformat(recorded_at)).total_seconds()
    return Lag(table, name, version, Status(status), position, head, head - position, seconds, dead_letters, keys)
