"""The ledger's tables and roles: made in an empty database once, whoever comes first, and brought up to date.

A migration changes tables, never an event. It needs the ledger for itself: a program of the version before that went on
writing would leave its events out of what the migration adds.
"""

from __future__ import annotations

import time
from importlib.resources import files
from uuid import UUID

import psycopg
from psycopg import sql

from adapters.postgres.connections import APP, READER, Connection, connect, has_table
from chain.entry import EntryError, parse
from chain.merkle import EMPTY_ROOT, leaf_hash

SCHEMA_VERSION = 3
OLDEST_VERSION = 2
"""What a ledger may have been made as, to be brought up to date."""

SHARD = 0
ENTRIES_AT_ONCE = 5_000
LEAVING_S = 2.0
"""How long a program that has just ended may be seen at work still."""

PARTITION_ROWS = 4_194_304
"""Rows in one partition of `events`: 2^22, a multiple of a full tile of every level that fits."""

ROLES = ("leaseledger_owner", "leaseledger_app", "leaseledger_reader")
_MIGRATION_LOCK = 0x6C656173  # "leas"
_ROLE_LOCK = 0x726F6C65  # "role"


class SchemaMismatch(RuntimeError):
    """The database holds a ledger of another schema version or another origin."""


class LedgerInUse(RuntimeError):
    """A ledger that must be brought up to date, while other programs work with it; nothing was changed."""


def ensure_schema(url: str, *, origin: str, exactly: bool = True, partition_rows: int = PARTITION_ROWS) -> str:
    """Create roles, schema, head row and first partition unless they exist; returns the origin that the ledger has.

    A ledger of an older version is brought up to date, in the same transaction, and so is what the programs' role may
    where the account may grant it. Idempotent; safe to race. `origin` is
    the log's name in checkpoints (C2SP tlog-checkpoint: a schema-less URL); not `exactly` means for a new ledger only.
    Raises `SchemaMismatch` when the database holds a ledger of another version or origin, or one that cannot be brought
    up to date, `LedgerInUse` when it would have to be while others work with it, `psycopg.Error` when rights are
    missing.
    """
    with connect(url, role=None) as connection, connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_MIGRATION_LOCK,))
        if not has_table(connection, "ledger.head"):
            _create(connection, origin, partition_rows)
        _bring_up_to_date(connection)
        _let_programs_read(connection)
        return _checked(connection, origin if exactly else None)


def _create(connection: Connection, origin: str, partition_rows: int) -> None:
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (_ROLE_LOCK,))
    for role in ROLES:
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone():
            connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(role)))
        connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(sql.Identifier(role)))
    connection.execute(files("adapters.postgres").joinpath("schema.sql").read_bytes())
    connection.execute("INSERT INTO ledger.schema_version VALUES (%s)", (SCHEMA_VERSION,))
    connection.execute(
        "INSERT INTO ledger.head (shard, origin, root, partition_rows) VALUES (%s, %s, %s, %s)",
        (SHARD, origin, EMPTY_ROOT, partition_rows),
    )
    connection.execute("SELECT ledger.make_room(%s::smallint, 1)", (SHARD,))


def _let_programs_read(connection: Connection) -> None:
    """Let whoever is leaseledger_app read as leaseledger_reader, which has no right that leaseledger_app has not.

    Who may not grant it leaves the roles, which an earlier release may have made, as they are.
    """
    if connection.execute("SELECT pg_has_role(%s, %s, 'MEMBER')", (APP, READER)).fetchone() == (True,):
        return
    try:
        with connection.transaction():
            connection.execute(f"GRANT {READER} TO {APP}")
    except psycopg.errors.InsufficientPrivilege:
        return


def _bring_up_to_date(connection: Connection) -> None:
    row = connection.execute("SELECT version FROM ledger.schema_version").fetchone()
    version = int(row[0]) if row else 0
    if not OLDEST_VERSION <= version < SCHEMA_VERSION:
        return
    _alone(connection, version)
    _tell_entries(connection)
    for step in range(version + 1, SCHEMA_VERSION + 1):
        try:
            connection.execute(files("adapters.postgres").joinpath("migrations", f"to_{step}.sql").read_bytes())
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            what = "its tables do not fit together; fsck of the version before says where"
            raise SchemaMismatch(f"schema version {step - 1} to {step}: {what}") from error
    connection.execute("UPDATE ledger.schema_version SET version = %s", (SCHEMA_VERSION,))


def _tell_entries(connection: Connection) -> None:
    """Lay out what entries say in a temporary table, for what a migration must know. Raises `SchemaMismatch`."""
    connection.execute(
        "CREATE TEMP TABLE said (position bigint PRIMARY KEY, tenant uuid, correlation uuid, actor text, role text) "
        "ON COMMIT DROP"
    )
    connection.execute("GRANT SELECT ON pg_temp.said TO leaseledger_owner")
    with connection.cursor("entries_told", binary=True) as cursor:
        cursor.execute("SELECT position, entry, leaf FROM ledger.events WHERE shard = %s ORDER BY position", (SHARD,))
        while rows := cursor.fetchmany(ENTRIES_AT_ONCE):
            with connection.cursor() as writing, writing.copy("COPY pg_temp.said FROM STDIN") as copy:
                for position, entry, leaf in rows:
                    copy.write_row((position, *_said(position, entry, leaf)))


def _said(position: int, entry: bytes, leaf: bytes) -> tuple[UUID, UUID, str, str]:
    try:
        parsed = parse(entry)
    except EntryError as error:
        raise SchemaMismatch(f"position {position}: {error}; nothing was changed") from error
    if leaf_hash(entry) != leaf:
        raise SchemaMismatch(f"position {position}: the leaf is not the entry's; nothing was changed")
    return parsed.tenant, parsed.correlation, parsed.actor.id, parsed.actor.role


def _alone(connection: Connection, version: int) -> None:
    """Raise `LedgerInUse` unless no other program works with the ledger; those that wait to begin do not count."""
    connection.execute("LOCK TABLE ledger.head IN ACCESS EXCLUSIVE MODE")
    deadline = time.monotonic() + LEAVING_S
    while (others := _others_at_work(connection)) and time.monotonic() < deadline:
        time.sleep(LEAVING_S / 20)
    if others:
        raise LedgerInUse(
            f"the ledger must be brought from schema version {version} to {SCHEMA_VERSION}: expected no other program "
            f"at work with it, got {others} connections; stop every role and try again"
        )


def _others_at_work(connection: Connection) -> int:
    connection.execute("SELECT pg_stat_clear_snapshot()")
    row = connection.execute(_OTHERS_AT_WORK).fetchone()
    assert row is not None
    return int(row[0])


def _checked(connection: Connection, origin: str | None) -> str:
    version = connection.execute("SELECT version FROM ledger.schema_version").fetchone()
    if version != (SCHEMA_VERSION,):
        raise SchemaMismatch(f"expected ledger schema version {SCHEMA_VERSION}, got {version}")
    found = connection.execute("SELECT origin FROM ledger.head WHERE shard = %s", (SHARD,)).fetchone()
    if found is None or origin not in (None, found[0]):
        raise SchemaMismatch(
            f"expected the log {origin!r}, got {found and found[0]!r}; set the origin it was made with"
        )
    return str(found[0])


_OTHERS_AT_WORK = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'leaseledger' AND pid <> pg_backend_pid()
  AND wait_event IS DISTINCT FROM 'advisory'"""
