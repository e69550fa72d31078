"""Changes that somebody who may do everything can make to the store, as SQL, and fsck in the same transaction.

Nothing is committed: the change, the check under the program's role and the way back are one transaction, so that
hundreds of changes share one ledger.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from psycopg import Connection, DatabaseError

from adapters.postgres.fsck.catalogue import READERS_TABLES
from adapters.postgres.fsck.findings import Finding
from adapters.postgres.fsck.whole import fsck
from api.compose import Running
from chain.note import Ed25519Signer
from tests.sampling import PROFILE

TABLES = (*READERS_TABLES, "subject_keys", "vault", "api_keys")


class Change(NamedTuple):
    """One change: its name, what does it, which of the statements is to have changed rows, and the column it is of."""

    name: str
    statements: tuple[str, ...]
    counts: int = 0
    of: str = ""


def findings_after(superuser: Connection[Any], program: Running, change: Change) -> tuple[Finding, ...] | None:
    """What fsck finds after a change, which is undone; `None` where the server refuses it or it changes nothing."""
    vkeys = [Ed25519Signer(program.settings.origin, seed).vkey for seed in program.keys.log_seeds()]
    found: tuple[Finding, ...] | None = None
    with superuser.transaction(force_rollback=True):
        superuser.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        superuser.execute("SET LOCAL session_replication_role = replica")
        if _changed(superuser, change):
            superuser.execute("SET LOCAL session_replication_role = origin")
            superuser.execute("SET LOCAL ROLE leaseledger_app")
            found = fsck(superuser, program.vault, vkeys=vkeys, signed=program.signer.signed()).findings
    return found


def _changed(superuser: Connection[Any], change: Change) -> bool:
    try:
        with superuser.transaction():
            rows = [superuser.execute(statement.encode()).rowcount for statement in change.statements]
    except DatabaseError:
        return False
    return bool(rows[change.counts])


OF_MANY_FORMS = "commands"
"""The table whose rows are checked by where they come from: which of them is the last one is no one's choice."""


def rows_changed(superuser: Connection[Any]) -> Iterator[Change]:
    """Every column of the first and the last row of every table (of every row of commands, which have several forms,
    and of all tables when run deep), to every kind of other value; rows too few and twice. What refuses such a value or
    row looks away meanwhile, and is back when fsck looks.
    """
    for table in TABLES:
        count = int(superuser.execute(f"SELECT count(*) FROM ledger.{table}".encode()).fetchone()[0])  # type: ignore[index]
        columns = superuser.execute(_COLUMNS, (f"ledger.{table}",)).fetchall()
        chosen = (
            range(count) if PROFILE == "deep" or table == OF_MANY_FORMS else sorted({0, count - 1} if count else ())
        )
        for nth in chosen:
            for column, kind in columns:
                for value in _OTHERS[kind]:
                    yield _of_row(table, nth, column, value.format(column=column, table=table))
            names = ", ".join(column for column, _ in columns)
            yield _unseen(
                f"{table} {nth} removed", table, "removed row", f"DELETE FROM ledger.{table} WHERE {_ROW}", nth
            )
            twice = f"INSERT INTO ledger.{table} ({names}) SELECT {names} FROM ledger.{table} WHERE {_ROW}"
            yield _unseen(f"{table} {nth} twice", table, "row twice", twice, nth)


def _of_row(table: str, nth: int, column: str, value: str) -> Change:
    update = f"UPDATE ledger.{table} SET {column} = {value} WHERE {_ROW} AND {column} IS DISTINCT FROM {value}"
    return _unseen(f"{table} {nth} {column} = {value}", table, column, update, nth)


def _unseen(name: str, table: str, of: str, statement: str, nth: int) -> Change:
    """A statement while no constraint of the table holds."""
    done = statement.replace("{table}", table).replace("{nth}", str(nth))
    away = _LOOK_AWAY.format(table=table).split(";")
    return Change(name, (*away, done, *_LOOK_AGAIN.split(";")), len(away), f"{table}: {of}")


_COLUMNS = """
SELECT attname, format_type(atttypid, NULL) FROM pg_attribute
WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum"""
_ROW = "(tableoid, ctid) = (SELECT tableoid, ctid FROM ledger.{table} ORDER BY tableoid, ctid LIMIT 1 OFFSET {nth})"
_OTHERS = {
    "bigint": ("{column} + 1", "{column} - 1", "NULL", "-9223372036854775808"),
    "integer": ("{column} + 1", "NULL", "-2147483648"),
    "smallint": ("{column} + 1", "NULL", "(-1)::smallint"),
    "boolean": ("NOT {column}", "NULL"),
    "uuid": ("gen_random_uuid()", "NULL", "(SELECT max({column}::text)::uuid FROM ledger.{table})"),
    "text": ("''", "NULL", "{column} || 'x'", "'zzz\"}}'", "(SELECT max({column}) FROM ledger.{table})"),
    "bytea": (
        "''::bytea", "NULL", "{column} || '\\x00'", "set_byte({column}, 0, get_byte({column}, 0) # 1)",
        "(SELECT max({column}) FROM ledger.{table})",
    ),
}  # fmt: skip
_TREE = (
    "(SELECT 'ledger.{table}'::regclass::oid AS oid "
    "UNION SELECT inhrelid FROM pg_inherits WHERE inhparent = 'ledger.{table}'::regclass)"
)
_LOOK_AWAY = (
    f"CREATE TEMP TABLE was ON COMMIT DROP AS SELECT c.oid, relchecks FROM pg_class c JOIN {_TREE} t ON t.oid = c.oid;"
    "CREATE TEMP TABLE held ON COMMIT DROP AS SELECT attrelid, attnum FROM pg_attribute "
    f"WHERE attnotnull AND attnum > 0 AND attrelid IN (SELECT oid FROM was);"
    "CREATE TEMP TABLE one ON COMMIT DROP AS SELECT indexrelid FROM pg_index "
    "WHERE indisunique AND indrelid IN (SELECT oid FROM was);"
    "UPDATE pg_class SET relchecks = 0 WHERE oid IN (SELECT oid FROM was);"
    "UPDATE pg_attribute SET attnotnull = false WHERE (attrelid, attnum) IN (SELECT attrelid, attnum FROM held);"
    "UPDATE pg_index SET indisunique = false WHERE indexrelid IN (SELECT indexrelid FROM one)"
)
_LOOK_AGAIN = (
    "UPDATE pg_class SET relchecks = was.relchecks FROM was WHERE was.oid = pg_class.oid;"
    "UPDATE pg_attribute SET attnotnull = true WHERE (attrelid, attnum) IN (SELECT attrelid, attnum FROM held);"
    "UPDATE pg_index SET indisunique = true WHERE indexrelid IN (SELECT indexrelid FROM one)"
)


def schema_changed(superuser: Connection[Any]) -> Iterator[Change]:
    """Every object of the schema changed, dropped, handed to somebody else, and others put beside it."""
    yield from _told("schema")
    for table in TABLES:
        yield from _told("table", table=table)
        yield from _rights(superuser, table)
        for column, kind in superuser.execute(_COLUMNS, (f"ledger.{table}",)):
            other = "varchar(999)" if kind == "text" else "text"
            yield from _told("column", table=table, column=column, kind=kind, other=other)
    for query, statements in _EACH.items():
        found = superuser.execute(query.encode()).fetchall()
        yield from (Change(one.format(*row), (one.format(*row),)) for row, one in product(found, statements))


def _rights(superuser: Connection[Any], table: str) -> Iterator[Change]:
    rights = ("INSERT", "SELECT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
    for right, role in product(rights, ("leaseledger_app", "leaseledger_reader", "PUBLIC")):
        yield _of_right(superuser, table, right, role)


def _told(of: str, **each: str) -> Iterator[Change]:
    """The changes under the headings of this kind."""
    for heading, kind, name, block in _BLOCKS.findall(_CHANGES):
        if kind == of:
            done = block
            for placeholder, value in each.items():
                done = done.replace(f"{{{placeholder}}}", value)
            statements = tuple(one for one in done.split(";\n") if one.strip())
            yield Change(f"{heading} {' '.join(each.values())}: {name}", statements)


def _of_right(superuser: Connection[Any], table: str, right: str, role: str) -> Change:
    """A right given where it is not, or taken where it is."""
    has = role != "PUBLIC" and superuser.execute(
        "SELECT has_table_privilege(%s, %s, %s)", (role, f"ledger.{table}", right)
    ).fetchone() == (True,)
    done = f"REVOKE {right} ON ledger.{table} FROM {role}" if has else f"GRANT {right} ON ledger.{table} TO {role}"
    return Change(done, (done,))


_CHANGES = (Path(__file__).parent / "schema_changes.sql").read_text()
_BLOCKS = re.compile(r"^(-- (schema|table|column)): (.+)\n((?:[^-\n].*\n)+)", re.MULTILINE)
_IN_LEDGER = "relnamespace = 'ledger'::regnamespace"
_EACH = {
    "SELECT conname, conrelid::regclass FROM pg_constraint WHERE connamespace = 'ledger'::regnamespace "
    "AND contype <> 'n' AND conparentid = 0 AND conislocal": ("ALTER TABLE {1} DROP CONSTRAINT {0} CASCADE",),
    f"SELECT tgname, tgrelid::regclass FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid AND {_IN_LEDGER} "
    "WHERE NOT tgisinternal": (
        "DROP TRIGGER {0} ON {1}",
        "ALTER TABLE {1} DISABLE TRIGGER {0}",
        "ALTER TABLE {1} ENABLE REPLICA TRIGGER {0}",
    ),
    f"SELECT indexrelid::regclass FROM pg_index JOIN pg_class c ON c.oid = indexrelid AND {_IN_LEDGER} "
    "WHERE NOT indisprimary AND NOT c.relispartition": (
        "DROP INDEX {0}",
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{0}'::regclass",
    ),
}
"""What there is of a kind, and what is done to each."""
