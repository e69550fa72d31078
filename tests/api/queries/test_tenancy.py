"""Row-level security: what a query forgets to ask for, the database does not show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest

from adapters.postgres.connections import Connection, connect
from adapters.postgres.reading.tenancy import as_tenant
from adapters.postgres.schema import SHARD
from api.compose import Base
from api.demonstration import living
from api.permissions import Permission
from api.queries.engine.parameters import Nothing
from api.queries.engine.read import Read, ReadRequest, ReadResult
from projections.engine import copies
from projections.engine.tables import OF_PARKED, Table, without_row_security
from projections.leasing.lease_book import LEASE_BOOK
from projections.registry import PROJECTIONS

FORGOTTEN = f"SELECT tenant FROM read.{LEASE_BOOK.table}"
"""A query of somebody who forgot whose rows are wanted."""


@pytest.fixture
def reader(lived: Base) -> Iterator[Connection]:
    with connect(lived.url) as connection:
        yield connection


def tenants(connection: Connection) -> set[UUID]:
    return {tenant for (tenant,) in connection.execute(FORGOTTEN)}


def test_a_forgotten_condition_shows_no_other_tenants_rows(reader: Connection, lived: Base) -> None:
    shop, car = (part.tenant for part in living.parts(lived.settings.tenant))
    assert tenants(reader) == {shop, car}
    for one in (shop, car):
        with as_tenant(reader, one):
            assert tenants(reader) == {one}
        assert tenants(reader) == {shop, car}


def test_every_read_is_restricted_to_its_tenant(reader: Connection, lived: Base) -> None:
    shop, *_ = (part.tenant for part in living.parts(lived.settings.tenant))
    seen: list[set[UUID]] = []

    def forgetful(request: ReadRequest) -> ReadResult:
        seen.append(tenants(request.connection))
        return ReadResult(None, 1)

    read = Read(path="/forgotten", query=forgetful, answer=Nothing, permission=Permission.READ_RECORDS, tag="x")
    read.run(ReadRequest(connection=reader, tenant=shop))
    assert seen == [{shop}]


def test_whoever_names_no_tenant_sees_nothing(reader: Connection, lived: Base) -> None:
    """Also behind a transaction that named one, after which the setting is empty and not absent."""
    shop, *_ = (part.tenant for part in living.parts(lived.settings.tenant))
    with as_tenant(reader, shop):
        pass
    with reader.transaction():
        reader.execute("SET LOCAL ROLE leaseledger_reader")
        assert tenants(reader) == set()


def test_within_a_transaction_what_follows_is_as_before(reader: Connection, lived: Base) -> None:
    shop, car = (part.tenant for part in living.parts(lived.settings.tenant))
    with reader.transaction():
        with as_tenant(reader, shop):
            assert tenants(reader) == {shop}
        assert tenants(reader) == {shop, car}


def test_a_tenant_of_nonsense_is_an_error(reader: Connection) -> None:
    with pytest.raises(psycopg.errors.InvalidTextRepresentation), as_tenant(reader, "x"):  # type: ignore[arg-type]
        tenants(reader)


def test_every_read_model_of_tenants_has_row_security(reader: Connection) -> None:
    live = {copy.table for copy in copies.copies(reader, SHARD) if copy.status is copies.Status.LIVE}
    mine = [one for one in PROJECTIONS if one.table in live]
    assert len(mine) > 15
    assert without_row_security(reader, mine) == []


@pytest.mark.parametrize("table", OF_PARKED)
def test_what_is_parked_has_row_security(reader: Connection, table: str) -> None:
    with reader.transaction(force_rollback=True):
        reader.execute(f"ALTER TABLE read.{table} DISABLE ROW LEVEL SECURITY")
        assert without_row_security(reader, []) == [table]


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE {} DISABLE ROW LEVEL SECURITY",
        "DROP POLICY of_tenant ON {}",
        "ALTER POLICY of_tenant ON {} USING (true)",
        "CREATE POLICY of_all ON {} FOR SELECT USING (true)",
        "ALTER POLICY of_tenant ON {} TO leaseledger_app",
    ],
)
def test_a_changed_policy_is_seen_and_mended(reader: Connection, change: str) -> None:
    table = Table[Any](LEASE_BOOK)
    with reader.transaction(force_rollback=True):
        reader.execute(change.format(table.qualified))
        assert without_row_security(reader, [LEASE_BOOK]) == [LEASE_BOOK.table]
        table.enable_row_security(reader)
        assert without_row_security(reader, [LEASE_BOOK]) == []
