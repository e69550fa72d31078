"""Real PostgreSQL for tests, as a pytest plugin: one server for each test process, and ledgers that are lent.

    server.ledger()                    an empty ledger; given back it is emptied and lent again (a few milliseconds)
    server.ledger(partition_rows=8)    one made for this test alone, with tiny partitions
    server.bare()                      a database with nothing in it

A ledger whose structure is another when it comes back (a dropped trigger, a new column, a second partition) is
thrown away, so that no test finds what another one broke. The fixtures below are there for every test.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import psycopg
import pytest

from adapters.postgres.connections import connect
from adapters.postgres.embedded import DATABASE, EmbeddedPostgres
from adapters.postgres.schema import ensure_schema
from chain.merkle import EMPTY_ROOT
from tests import forked
from tests.clusters import MADE_BY, copied_from

if TYPE_CHECKING:
    from api.compose import Base, Running

ORIGIN = "ledger.example/shard-0"
PARTITION_ROWS_IN_TESTS = 65_536
LENT_AT_MOST = 100
"""How often one database is lent: dropped tables leave dead rows in the catalogues, which slow the next test."""

_TEMPLATE = "empty_ledger"

# Deleting is quicker than truncating while a table is small; triggers that refuse both are off for a replica.
_EMPTY = f"""
SET session_replication_role = replica;
SET client_min_messages = warning;
DO $$
DECLARE one record;
BEGIN
    FOR one IN
        SELECT oid::regclass AS name, relnamespace = 'read'::regnamespace AS derived, pg_relation_size(oid) AS bytes
        FROM pg_class WHERE relkind = 'r' AND relnamespace IN ('read'::regnamespace, 'ledger'::regnamespace)
        AND oid NOT IN ('ledger.head'::regclass, 'ledger.schema_version'::regclass) LOOP
        IF one.derived THEN EXECUTE format('DROP TABLE %s CASCADE', one.name);
        ELSIF one.bytes > 65536 THEN EXECUTE format('TRUNCATE %s', one.name);
        ELSIF one.bytes > 0 THEN EXECUTE format('DELETE FROM %s', one.name);
        END IF;
    END LOOP;
END $$;
UPDATE ledger.head SET size = 0, frontier = '', root = '\\x{EMPTY_ROOT.hex()}', recorded_at = '';
RESET client_min_messages;
RESET session_replication_role;
"""
_ALONE = """
SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
 WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""

# Whatever a test could have changed besides rows. Databases copied from one template agree in every oid.
_SHAPE = """
WITH mine AS (SELECT oid FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'),
classes AS (SELECT * FROM pg_class WHERE relnamespace IN (SELECT oid FROM mine)),
said (line) AS (
    SELECT concat_ws('|', 'schema', oid, nspname, nspowner, nspacl) FROM pg_namespace
     WHERE oid IN (SELECT oid FROM mine)
    UNION ALL SELECT concat_ws('|', 'class', oid, relname, relkind, relowner, relacl, reloptions, relrowsecurity,
                               pg_get_expr(relpartbound, oid)) FROM classes
    UNION ALL SELECT concat_ws('|', 'column', attrelid, attnum, attname, atttypid, attnotnull, attacl, attisdropped)
                FROM pg_attribute WHERE attrelid IN (SELECT oid FROM classes)
    UNION ALL SELECT concat_ws('|', 'constraint', oid, conname, conrelid, convalidated, conkey)
                FROM pg_constraint WHERE conrelid IN (SELECT oid FROM classes)
    UNION ALL SELECT concat_ws('|', 'index', indexrelid, indrelid, indisvalid, indisready) FROM pg_index
               WHERE indrelid IN (SELECT oid FROM classes)
    UNION ALL SELECT concat_ws('|', 'trigger', oid, tgname, tgrelid, tgenabled, tgfoid, tgtype) FROM pg_trigger
               WHERE tgrelid IN (SELECT oid FROM classes)
    UNION ALL SELECT concat_ws('|', 'function', oid, proname, proowner, proacl, md5(prosrc)) FROM pg_proc
               WHERE pronamespace IN (SELECT oid FROM mine)
    UNION ALL SELECT concat_ws('|', 'setting', setrole, setconfig) FROM pg_db_role_setting
               WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
    UNION ALL SELECT concat_ws('|', 'default', defaclrole, defaclnamespace, defaclobjtype, defaclacl)
                FROM pg_default_acl
    UNION ALL SELECT concat_ws('|', 'head', shard, origin, partition_rows, room) FROM ledger.head
    UNION ALL SELECT concat_ws('|', 'version', version) FROM ledger.schema_version)
SELECT md5(string_agg(line, E'\\n' ORDER BY line)) FROM said
"""


class Server:
    """A running server and the databases that tests borrow from it."""

    def __init__(self) -> None:
        # Not below pytest's own directory: every pytest that starts shuts that to other accounts, also to the one
        # that PostgreSQL runs as when we are root.
        self._directory = Path(tempfile.mkdtemp(prefix="leaseledger-server-"))
        self._embedded = EmbeddedPostgres(self._directory)
        self._numbers = count(1)
        self._free: list[tuple[str, int]] = []
        self._shape = ""

    def __enter__(self) -> Self:
        self._embedded.__enter__()
        # Forcing writes to the disk matters when the machine dies, and no test does that.
        self._execute("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()", f"CREATE DATABASE {_TEMPLATE}")
        ensure_schema(self.url(_TEMPLATE), origin=ORIGIN, partition_rows=PARTITION_ROWS_IN_TESTS)
        with superuser(self.url(_TEMPLATE)) as connection:
            self._shape = _shape_of(connection)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._embedded.__exit__(kind, error, trace)
        shutil.rmtree(self._directory)

    def url(self, database: str) -> str:
        """The URL of one of the server's databases, as its superuser."""
        return self._embedded.url.replace(f"/{DATABASE}?", f"/{database}?")

    @contextmanager
    def ledger(self, *, partition_rows: int | None = None) -> Iterator[str]:
        """The URL of an empty ledger; with a size of partitions, of one that is made for this loan alone."""
        if partition_rows is not None:
            with self.bare() as url:
                ensure_schema(url, origin=ORIGIN, partition_rows=partition_rows)
                yield url
            return
        name, lent = self._free.pop() if self._free else (self._created(_TEMPLATE), 0)
        try:
            yield self.url(name)
        finally:
            if lent < LENT_AT_MOST and self._emptied(name):
                self._free.append((name, lent + 1))
            else:
                self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    @contextmanager
    def bare(self) -> Iterator[str]:
        """The URL of a database with nothing in it."""
        name = self._created("template0")
        try:
            yield self.url(name)
        finally:
            self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _created(self, template: str) -> str:
        name = f"test_{next(self._numbers)}"
        self._execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def _emptied(self, name: str) -> bool:
        """Empty a ledger; whether it is as it was made."""
        try:
            with superuser(self.url(name)) as connection:
                connection.execute(_ALONE.encode())
                empty(connection)
                return _shape_of(connection) == self._shape
        except psycopg.Error:
            return False

    def _execute(self, *statements: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())


def superuser(url: str) -> psycopg.Connection[tuple[Any, ...]]:
    """A connection that may do everything, also behind the ledger's back."""
    return psycopg.connect(url, autocommit=True)


def empty(superuser: psycopg.Connection[Any]) -> None:
    """Leave a ledger without events and without read models."""
    superuser.execute(_EMPTY.encode())


def _shape_of(connection: psycopg.Connection[tuple[Any, ...]]) -> str:
    row = connection.execute(_SHAPE.encode()).fetchone()
    assert row is not None
    return str(row[0])


@contextmanager
def composed_on(url: str, data: Path, **more: Any) -> Iterator[Base]:
    """Settings, keys and signer on a ledger that was borrowed."""
    # Composing imports the whole program; whoever tests the domain alone need not wait for that.
    from api.compose import base
    from api.settings import Settings

    values: dict[str, Any] = {"database_url": url, "data": data, "origin": ORIGIN, **more}
    with base(Settings(**values)) as prepared:
        yield prepared


@pytest.fixture(autouse=True, scope="session")
def clusters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Every cluster that this process makes is a copy of its first one."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(EmbeddedPostgres, "_run", copied_from(tmp_path_factory.getbasetemp() / "cluster"))
        yield


@pytest.fixture(scope="module")
def initdb() -> Iterator[None]:
    """For a test of clusters: each is made as users have it made."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(EmbeddedPostgres, "_run", MADE_BY)
        yield


@pytest.fixture(scope="session")
def server(clusters: None) -> Iterator[Server]:
    """The server of this test process; it starts when the first test asks."""
    with Server() as started:
        yield started


@pytest.fixture(scope="session")
def commands() -> Iterator[Path]:
    """A folder for PATH whose `leaseledger` is the program with its imports done."""
    with forked.commands() as folder:
        yield folder


@pytest.fixture
def url(server: Server) -> Iterator[str]:
    """An empty ledger."""
    with server.ledger() as empty:
        yield empty


@pytest.fixture
def connection(url: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection as programs have it: application role, autocommit."""
    with connect(url) as opened:
        yield opened


@pytest.fixture(name="superuser")
def superuser_of_the_ledger(url: str) -> Iterator[psycopg.Connection[Any]]:
    """Somebody who may do everything, on the test's ledger."""
    with superuser(url) as opened:
        yield opened


@pytest.fixture
def composed(url: str, tmp_path: Path) -> Iterator[Base]:
    """Settings, keys and signer on the test's ledger."""
    with composed_on(url, tmp_path) as prepared:
        yield prepared


@pytest.fixture
async def program(composed: Base) -> AsyncIterator[Running]:
    """The test's ledger, taking commands."""
    from api.compose import running

    async with running(composed) as started:
        yield started
