"""A ledger of before is brought up to date: nothing stored changes, and what comes after links to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from adapters.keys import KeyFileError
from adapters.postgres.connections import connect
from adapters.postgres.fsck.whole import fsck
from adapters.postgres.ledger import Request
from adapters.postgres.schema import LedgerInUse, SchemaMismatch, ensure_schema
from adapters.postgres.vault import Vault
from adapters.postgres.writing.sequencer import Appended, KeyReused
from adapters.system import random_bytes
from api.compose import running
from chain.b64 import b64encode
from chain.entry import ENTRY_VERSION, ENTRY_WITHOUT_CASE, parse
from chain.merkle import leaf_hash
from domain.intake.application.commands import WithdrawApplication
from domain.intake.application.rules import APPLICATION
from domain.kernel.ids import uuid7
from tests.adapters.postgres.story import ANONYMOUS, SUBMIT, TENANT, request
from tests.ledger import ORIGIN, Server, composed_on

STORED = (Path(__file__).parents[2] / "goldens" / "ledger_of_schema_2.sql").read_text()
ALONE, SHARED, JOINED = (uuid7(1_700_000_000_000, number) for number in (101, 102, 103))
"""Streams of the stored ledger: one with a case of its own, one whose case another stream, the third, is also of."""


@pytest.fixture
def stored(server: Server) -> Iterator[str]:
    with server.bare() as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(STORED.encode())
        yield url


def entries(url: str) -> list[bytes]:
    with connect(url) as connection:
        return [entry for (entry,) in connection.execute("SELECT entry FROM ledger.events ORDER BY position")]


def case_heads(url: str) -> dict[UUID, tuple[int, bytes]]:
    with connect(url) as connection:
        found = connection.execute("SELECT tenant, correlation, seq, leaf FROM ledger.case_heads")
        return {case: (seq, leaf) for tenant, case, seq, leaf in found if tenant == TENANT}


def test_what_was_stored_stays_and_every_case_gets_its_head(stored: str) -> None:
    before = entries(stored)
    assert [parse(entry).v for entry in before] == [ENTRY_WITHOUT_CASE] * 7
    assert ensure_schema(stored, origin=ORIGIN) == ORIGIN
    assert entries(stored) == before
    expected: dict[UUID, tuple[int, bytes]] = {}
    for entry in before:
        case = parse(entry).correlation
        expected[case] = (expected.get(case, (0, b""))[0] + 1, leaf_hash(entry))
    assert case_heads(stored) == expected
    assert expected[SHARED][0] == 4


def test_brought_up_to_date_once_whoever_comes_first(stored: str) -> None:
    ensure_schema(stored, origin=ORIGIN)
    before = case_heads(stored)
    ensure_schema(stored, origin=ORIGIN)
    assert case_heads(stored) == before


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """The data directory with the keys that the ledger was made with, and none for payloads."""
    directory = tmp_path / "data" / "keys"
    directory.mkdir(parents=True, mode=0o700)
    for name, value in re.findall(r"^-- (vault\.kek|log-0001\.seed) ([0-9a-f]{64})$", STORED, re.MULTILINE):
        (directory / name).write_text(value + "\n")
        (directory / name).chmod(0o600)
    return tmp_path / "data"


async def write(url: str, data: Path, *requests: Request) -> list[object]:
    with composed_on(url, data) as on:
        async with running(on) as program:
            return [await program.ledger.execute(APPLICATION, one) for one in requests]


async def test_first_new_event_of_a_case_links_to_its_last_one_of_before(stored: str, keys: Path) -> None:
    later = WithdrawApplication(reason="changed_mind")
    fresh = uuid7(1_700_000_000_000, 900)
    wanted = (request(JOINED, later), request(SHARED, later), request(ALONE, SUBMIT), request(fresh, ANONYMOUS))
    assert all(isinstance(outcome, Appended) for outcome in await write(stored, keys, *wanted))
    leaves = [leaf_hash(entry) for entry in entries(stored)]
    of_version_2 = [parse(entry) for entry in entries(stored)[7:]]
    assert {entry.v for entry in of_version_2} == {ENTRY_VERSION}
    assert [entry.seq_case for entry in of_version_2] == [5, 6, 2, 1]
    # 7: the last of the shared case before; 8: the new one of its other stream; 2: the one event of the other case.
    assert [entry.prev_case for entry in of_version_2[:3]] == [text(leaves[at - 1]) for at in (7, 8, 2)]
    with composed_on(stored, keys) as on, connect(on.url) as connection:
        report = fsck(connection, Vault(on.keys, random_bytes))
        assert report.findings == ()


def text(leaf: bytes) -> str:
    return b64encode(leaf).decode()


async def test_a_command_of_before_is_still_known_by_its_payload(stored: str, keys: Path) -> None:
    again, other = request(ALONE, SUBMIT, key="submit-0"), request(JOINED, SUBMIT, key="submit-3")
    (outcome,) = await write(stored, keys, other)
    assert isinstance(outcome, Appended)
    assert (outcome.replayed, outcome.position) == (True, 7)
    with pytest.raises(KeyReused):
        await write(stored, keys, again)
    assert (keys / "keys" / "payload-0002.key").exists()


async def test_the_payload_key_is_not_made_again(stored: str, keys: Path) -> None:
    await write(stored, keys, request(ALONE, SUBMIT))
    (keys / "keys" / "payload-0002.key").unlink()
    with pytest.raises(KeyFileError, match=r"payload-0002\.key: expected the key this ledger was made with"):
        await write(stored, keys)


@pytest.mark.parametrize("other", [False, True], ids=["no keys", "another ledger's keys"])
def test_nothing_is_changed_for_whoever_has_other_keys(
    stored: str, server: Server, tmp_path: Path, other: bool
) -> None:
    """A directory that was mistyped: it was refused, and the ledger brought up to date all the same."""
    if other:
        with server.bare() as elsewhere, composed_on(elsewhere, tmp_path):
            pass
    with pytest.raises(KeyFileError), composed_on(stored, tmp_path):
        pass
    with connect(stored, role=None) as connection:
        assert connection.execute("SELECT version FROM ledger.schema_version").fetchone() == (2,)


def test_nothing_is_changed_while_another_program_is_at_work(stored: str) -> None:
    with connect(stored) as other:
        other.execute("SELECT 1")
        with pytest.raises(LedgerInUse, match="expected no other program at work with it, got 1 connections"):
            ensure_schema(stored, origin=ORIGIN)
    with psycopg.connect(stored) as connection:
        assert connection.execute("SELECT version FROM ledger.schema_version").fetchone() == (2,)
        assert connection.execute("SELECT to_regclass('ledger.case_heads')").fetchone() == (None,)
    ensure_schema(stored, origin=ORIGIN)


def test_a_ledger_with_an_entry_that_is_none_is_refused_whole(stored: str) -> None:
    with psycopg.connect(stored, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE ledger.events SET entry = '{' WHERE position = 3")
    with pytest.raises(SchemaMismatch, match=r"position 3: expected a leaseledger\.entry/2 object, got"):
        ensure_schema(stored, origin=ORIGIN)
    with psycopg.connect(stored) as connection:
        assert connection.execute("SELECT version FROM ledger.schema_version").fetchone() == (2,)
