"""The schema: made once whoever comes first, and append-only by privilege and by trigger."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import Connection

from adapters.postgres.connections import DatabaseUnavailable, MayNotRead, check_may_read, connect, conninfo
from adapters.postgres.reading.tenancy import as_tenant
from adapters.postgres.schema import PARTITION_ROWS, ROLES, SCHEMA_VERSION, SchemaMismatch, ensure_schema
from adapters.postgres.writing.group_commit import GroupCommit
from adapters.system import now
from chain.merkle import EMPTY_ROOT
from tests.adapters.postgres.story import toys
from tests.ledger import ORIGIN, Server

APPEND_ONLY = ["events", "commands", "checkpoints", "log_keys"]
CHANGES = {
    "UPDATE": "UPDATE ledger.{0} SET shard = shard",
    "DELETE": "DELETE FROM ledger.{0}",
    "TRUNCATE": "TRUNCATE ledger.{0}",
}


@pytest.fixture
async def filled(url: str) -> str:
    """A ledger with something in every append-only table."""
    async with GroupCommit(url, clock=now) as writer:
        await writer.append(toys(events=3))
    with connect(url) as connection:
        connection.execute("INSERT INTO ledger.checkpoints VALUES (0, 3, 'note', 'now')")
        connection.execute("INSERT INTO ledger.log_keys VALUES (0, 3, 'key')")
    return url


def owner(url: str) -> Connection[Any]:
    """A connection as the owner of the tables."""
    return psycopg.connect(
        conninfo(url, None).replace("-c timezone", "-c role=leaseledger_owner -c timezone"), autocommit=True
    )


@pytest.fixture
def as_owner(filled: str) -> Iterator[Connection[Any]]:
    with owner(filled) as opened:
        assert opened.execute("SELECT current_user").fetchone() == ("leaseledger_owner",)
        yield opened


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize("change", CHANGES)
def test_programs_may_not_change_what_is_written(filled: str, table: str, change: str) -> None:
    with connect(filled) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(CHANGES[change].format(table).encode())


@pytest.mark.parametrize("table", [*APPEND_ONLY, "events_0"])
@pytest.mark.parametrize("change", CHANGES)
def test_the_owner_is_stopped_by_a_trigger(as_owner: Connection[Any], table: str, change: str) -> None:
    with pytest.raises(psycopg.errors.RestrictViolation, match=f"append-only: {change} refused"):
        as_owner.execute(CHANGES[change].format(table).encode())
    kept = as_owner.execute(f"SELECT count(*) FROM ledger.{table}".encode()).fetchone()
    assert kept != (0,)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger.head SET origin = 'x'",
        "UPDATE ledger.head SET partition_rows = 1",
        "UPDATE ledger.head SET room = 0",
        "DELETE FROM ledger.head",
        "DELETE FROM ledger.stream_heads",
        "DELETE FROM ledger.vault",
        "UPDATE ledger.vault SET ciphertext = ''",
        "DELETE FROM ledger.subject_keys",
        "DELETE FROM ledger.tiles",
        "CREATE TABLE ledger.mine (x int)",
        "ALTER TABLE ledger.events DISABLE TRIGGER ALL",
        "DROP TABLE ledger.events",
        "SET session_replication_role = replica",
    ],
)
def test_programs_may_do_only_what_they_need(filled: str, statement: str) -> None:
    with connect(filled) as connection:
        connection.execute("RESET ROLE; SET SESSION AUTHORIZATION leaseledger_app")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement.encode())


@pytest.mark.parametrize("table", ["subject_keys", "vault", "api_keys"])
def test_readers_see_neither_keys_nor_vault(filled: str, table: str) -> None:
    with connect(filled, "leaseledger_reader") as connection:
        assert connection.execute("SELECT count(*) FROM ledger.events").fetchone() == (3,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(f"SELECT * FROM ledger.{table}".encode())


def test_readers_may_not_write(filled: str) -> None:
    with connect(filled, "leaseledger_reader") as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("INSERT INTO ledger.checkpoints VALUES (0, 9, 'note', 'now')")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT ledger.make_room(0::smallint, 1)")


def test_readers_see_read_models_that_programs_make(filled: str) -> None:
    with connect(filled) as connection, connect(filled, "leaseledger_reader") as reader:
        connection.execute("CREATE TABLE read.toys (name text)")
        assert reader.execute("SELECT * FROM read.toys").fetchall() == []


def test_sessions_commit_synchronously_in_utc(url: str) -> None:
    with connect(url) as connection:
        settings = connection.execute(
            "SELECT current_user, current_setting('synchronous_commit'), current_setting('timezone')"
        ).fetchone()
    assert settings == ("leaseledger_app", "on", "UTC")


def test_empty_ledger(connection: Connection[Any]) -> None:
    head = connection.execute("SELECT shard, origin, size, frontier, root, recorded_at FROM ledger.head").fetchall()
    assert head == [(0, ORIGIN, 0, b"", EMPTY_ROOT, "")]


def test_made_again_changes_nothing(url: str, connection: Connection[Any]) -> None:
    before = connection.execute("SELECT * FROM ledger.head").fetchall()
    ensure_schema(url, origin=ORIGIN, partition_rows=7)
    assert connection.execute("SELECT * FROM ledger.head").fetchall() == before


def test_many_make_it_at_once(server: Server) -> None:
    with server.bare() as url, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: ensure_schema(url, origin=ORIGIN), range(8)))
        with connect(url) as connection:
            head = connection.execute("SELECT partition_rows, room FROM ledger.head").fetchall()
            assert head == [(PARTITION_ROWS, PARTITION_ROWS)]


def test_many_databases_at_once_share_the_roles(server: Server) -> None:
    with server.bare() as one, server.bare() as two, ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda url: ensure_schema(url, origin=ORIGIN), [one, two]))
        with connect(one) as connection:
            roles = connection.execute("SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)", (list(ROLES),))
            assert len(roles.fetchall()) == len(ROLES)


@pytest.fixture
def shop(url: str, superuser: Connection[Any]) -> Iterator[str]:
    """The URL of an account that was granted leaseledger_app, and nothing else."""
    superuser.execute("CREATE ROLE shop LOGIN")
    superuser.execute("GRANT leaseledger_app TO shop")
    yield url.replace("://postgres@", "://shop@")
    superuser.execute("DROP ROLE shop")


@pytest.fixture
def unprepared(superuser: Connection[Any]) -> Iterator[None]:
    """Roles as releases made them in which leaseledger_app could not read as leaseledger_reader."""
    superuser.execute("REVOKE leaseledger_reader FROM leaseledger_app")
    yield
    superuser.execute("GRANT leaseledger_reader TO leaseledger_app")


def test_who_was_granted_the_programs_role_reads(shop: str, filled: str) -> None:
    with connect(shop) as connection:
        check_may_read(connection)
        with as_tenant(connection, uuid4()):
            assert connection.execute("SELECT current_user").fetchone() == ("leaseledger_reader",)
            assert connection.execute("SELECT count(*) FROM ledger.events").fetchone() == (3,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SET ROLE leaseledger_owner")


def test_reading_gives_programs_nothing_that_they_had_not(filled: str, superuser: Connection[Any]) -> None:
    """Every right of leaseledger_reader on a relation or a schema is one of leaseledger_app, without the grant, too."""
    with superuser.transaction(force_rollback=True):
        superuser.execute("REVOKE leaseledger_reader FROM leaseledger_app")
        assert superuser.execute(_READERS_OWN).fetchall() == []


@pytest.mark.usefixtures("unprepared")
def test_roles_of_an_earlier_release_read_after_the_next_start_that_may_grant_it(shop: str, url: str) -> None:
    expected = (
        "expected an account that may work as leaseledger_reader, got shop; "
        "GRANT leaseledger_reader TO leaseledger_app, as a superuser of the server"
    )
    ensure_schema(shop, origin=ORIGIN)
    with connect(shop) as connection:
        with pytest.raises(MayNotRead) as caught:
            check_may_read(connection)
        assert str(caught.value) == expected
        with pytest.raises(MayNotRead), as_tenant(connection, uuid4()):
            pass
    ensure_schema(url, origin=ORIGIN)
    with connect(shop) as connection:
        check_may_read(connection)


def test_another_log_is_refused(url: str) -> None:
    with pytest.raises(SchemaMismatch, match=f"expected the log 'other.example/log', got '{ORIGIN}'"):
        ensure_schema(url, origin="other.example/log")


def test_another_version_is_refused(url: str, superuser: Connection[Any]) -> None:
    superuser.execute("UPDATE ledger.schema_version SET version = %s", (SCHEMA_VERSION + 1,))
    with pytest.raises(SchemaMismatch, match=f"expected ledger schema version {SCHEMA_VERSION}"):
        ensure_schema(url, origin=ORIGIN)


def test_failure_in_the_middle_leaves_nothing(server: Server) -> None:
    with server.bare() as url:
        with pytest.raises(psycopg.errors.CheckViolation):
            ensure_schema(url, origin=ORIGIN, partition_rows=0)
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT to_regclass('ledger.head')").fetchone() == (None,)
        ensure_schema(url, origin=ORIGIN)


def test_unreachable_database_is_named_without_its_password() -> None:
    with pytest.raises(DatabaseUnavailable) as caught:
        connect("postgresql://somebody:hunter2@/nowhere?host=/nonexistent")
    assert "hunter2" not in str(caught.value)
    assert "cannot connect" in str(caught.value)


_READERS_OWN = """
SELECT format('%s %s', c.oid::regclass, wanted) FROM pg_class c
  CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) AS wanted
 WHERE c.relkind IN ('r', 'p', 'v', 'm') AND has_table_privilege('leaseledger_reader', c.oid, wanted)
   AND NOT has_table_privilege('leaseledger_app', c.oid, wanted)
UNION ALL SELECT format('%s %s', nspname, wanted) FROM pg_namespace
  CROSS JOIN unnest(ARRAY['USAGE', 'CREATE']) AS wanted
 WHERE has_schema_privilege('leaseledger_reader', oid, wanted)
   AND NOT has_schema_privilege('leaseledger_app', oid, wanted)"""
