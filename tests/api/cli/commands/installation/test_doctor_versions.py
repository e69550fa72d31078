"""`doctor` on a ledger of an older version, and on one that this program does not know."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from adapters.postgres.schema import SCHEMA_VERSION
from api.cli.commands.installation import health
from api.cli.failures import REFUSED
from tests.adapters.postgres.test_migration import STORED
from tests.api.cli.program import Program
from tests.ledger import Server

pytestmark = pytest.mark.network


@pytest.fixture
def before(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Program]:
    """The command line on a ledger of schema version 2 with the keys that it was made with."""
    monkeypatch.setattr(health, "DURABLE", ())
    monkeypatch.delenv("LEASELEDGER_SHARED", raising=False)
    keys = tmp_path / "var" / "keys"
    keys.mkdir(parents=True, mode=0o700)
    for name, value in re.findall(r"^-- (vault\.kek|log-0001\.seed) ([0-9a-f]{64})$", STORED, re.MULTILINE):
        (keys / name).write_text(value + "\n")
        (keys / name).chmod(0o600)
    with server.bare() as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(STORED.encode())
        yield Program(url, tmp_path / "var")


def test_an_older_ledger_is_said_to_be_brought_up_to_date_by_its_first_start(before: Program) -> None:
    done = before("doctor", "--json").then(0).json
    assert done["problems"] == []
    notes = " ".join(done["notes"])
    assert f"schema version 2; the first start brings it to {SCHEMA_VERSION}" in notes
    assert "needs the ledger alone" in notes
    assert "the keys of schema version 2 are log-0001.seed, vault.kek; its first start makes payload-0002.key" in notes
    before("checkpoint").then(0)
    assert "schema version" not in " ".join(before("doctor", "--json").then(0).json["notes"])


@pytest.mark.parametrize("name", ["vault.kek", "log-0001.seed"])
def test_a_key_that_an_older_ledger_has_is_missed(before: Program, name: str) -> None:
    (before.data / "keys" / name).unlink()
    done = before("doctor", "--json").then(REFUSED).json["problems"]
    assert [one["problem"] for one in done] == [f"{before.data / 'keys' / name} is missing"]


def test_a_version_that_this_program_does_not_know(before: Program) -> None:
    before("checkpoint").then(0)
    before.behind_the_back("UPDATE ledger.schema_version SET version = 77")
    done = before("doctor", "--json").then(REFUSED).json["problems"]
    assert [one["problem"] for one in done] == [f"expected ledger schema version {SCHEMA_VERSION}, got 77"]
