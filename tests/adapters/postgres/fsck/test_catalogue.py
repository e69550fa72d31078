"""The schema that fsck expects is the one that schema.sql makes, and the one that a migration ends at."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import psycopg

from adapters.postgres.fsck.catalogue import as_text, expected_facts, stored_facts
from adapters.postgres.schema import ensure_schema
from tests.ledger import ORIGIN, PARTITION_ROWS_IN_TESTS, Server

STORED = (Path(__file__).parents[3] / "goldens" / "ledger_of_schema_2.sql").read_text()


def facts_of(url: str) -> str:
    with psycopg.connect(url) as connection, connection.transaction():
        return as_text(stored_facts(connection))


def test_a_fresh_ledger_is_what_is_expected(url: str) -> None:
    assert facts_of(url) == files("adapters.postgres.fsck").joinpath("catalogue.txt").read_text()


def test_roles_of_an_earlier_release_are_expected_too(url: str) -> None:
    """Programs could not read as leaseledger_reader; that they may hand it on is another thing."""
    with psycopg.connect(url) as connection:
        made = as_text(stored_facts(connection))
        connection.execute("REVOKE leaseledger_reader FROM leaseledger_app")
        assert as_text(stored_facts(connection)) == made
        connection.execute("GRANT leaseledger_reader TO leaseledger_app WITH ADMIN OPTION")
        assert "role leaseledger_app | member of | leaseledger_reader" in as_text(stored_facts(connection))
        connection.rollback()


def test_every_partition_is_expected_as_the_first_one(server: Server) -> None:
    with server.ledger(partition_rows=8) as url:
        with psycopg.connect(url) as connection:
            connection.execute("SELECT ledger.make_room(0::smallint, 20)")
        assert facts_of(url) == as_text(expected_facts(8, 24))


def test_a_migrated_ledger_is_a_fresh_one(server: Server, url: str) -> None:
    with server.bare() as migrated:
        with psycopg.connect(migrated, autocommit=True) as connection:
            connection.execute(STORED.encode())
        ensure_schema(migrated, origin=ORIGIN)
        with psycopg.connect(migrated) as connection:
            row = connection.execute("SELECT partition_rows, room FROM ledger.head").fetchone()
        assert row is not None
        assert facts_of(migrated) == as_text(expected_facts(*row))
    assert facts_of(url) == as_text(expected_facts(PARTITION_ROWS_IN_TESTS, PARTITION_ROWS_IN_TESTS))
