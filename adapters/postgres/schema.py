"""Creating the ledger's tables and roles in an empty database, once, whoever comes first."""

from __future__ import annotations

from importlib.resources import files

import psycopg
from psycopg import sql

from adapters.postgres.connections import connect, has_table
from chain.merkle import EMPTY_ROOT

SCHEMA_VERSION = 2
SHARD = 0
PARTITION_ROWS = 4_194_304
"""Rows in one partition of `events`: 2^22, a multiple of a full tile of every level that fits."""

ROLES = ("leaseledger_owner", "leaseledger_app", "leaseledger_reader")
_MIGRATION_LOCK = 0x6C656173  # "leas"
_ROLE_LOCK = 0x726F6C65  # "role"


class SchemaMismatch(RuntimeError):
    """The database holds a ledger of another schema version or another origin."""


def ensure_schema(url: str, *, origin: str, exactly: bool = True, partition_rows: int = PARTITION_ROWS) -> str:
    """Create roles, schema, head row and first partition unless they exist; returns the origin that the ledger has.

    Idempotent; safe to race. `origin` is the log's name in checkpoints (C2SP tlog-checkpoint: a schema-less URL); not
    `exactly` means for a new ledger only. Raises `SchemaMismatch` when the database holds a ledger of another version
    or origin, `psycopg.Error` when rights are missing.
    """
    with connect(url, role=None) as connection, connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_MIGRATION_LOCK,))
        if not has_table(connection, "ledger.head"):
            _create(connection, origin, partition_rows)
        return _checked(connection, origin if exactly else None)


def _create(connection: psycopg.Connection[tuple[object, ...]], origin: str, partition_rows: int) -> None:
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


def _checked(connection: psycopg.Connection[tuple[object, ...]], origin: str | None) -> str:
    version = connection.execute("SELECT version FROM ledger.schema_version").fetchone()
    if version != (SCHEMA_VERSION,):
        raise SchemaMismatch(f"expected ledger schema version {SCHEMA_VERSION}, got {version}")
    found = connection.execute("SELECT origin FROM ledger.head WHERE shard = %s", (SHARD,)).fetchone()
    if found is None or origin not in (None, found[0]):
        raise SchemaMismatch(
            f"expected the log {origin!r}, got {found and found[0]!r}; set the origin it was made with"
        )
    return str(found[0])
