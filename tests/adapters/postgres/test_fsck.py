"""fsck goes red for every change behind the ledger's back, names the position, and stays green for erasure."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from msgspec.structs import replace
from psycopg import Connection

from adapters.postgres.connections import connect
from adapters.postgres.fsck import findings, whole
from adapters.postgres.log import Log, Published
from adapters.postgres.vault import destroy_key
from adapters.postgres.writing.sequencer import Append, Part
from adapters.system import new_id
from api.compose import Running
from chain.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from chain.entry import DecidedEvent
from chain.merkle import EMPTY_ROOT, Frontier, leaf_hash
from chain.note import Ed25519Signer, Ed25519Verifier
from chain.tiles import TileBuilder
from domain.intake.application.commands import DraftApplication, StartVerification, SubmitApplication
from domain.intake.application.rules import APPLICATION
from domain.kernel.command import Actor, Context
from domain.kernel.times import business_date
from domain.kernel.values import AssetClass

APPLICATIONS = 200
"""Enough for more than one full tile: 3 events each."""

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


def context(running: Running, stream: Any, minute: int) -> Context:
    now = NOON + timedelta(minutes=minute)
    return Context(
        tenant=running.settings.tenant,
        actor=Actor("merchant_operator", "key-1"),
        correlation=stream,
        now=now,
        business_date=business_date(now),
    )


async def apply(running: Running, number: int) -> Any:
    """One application with a name and an address, submitted and under verification in one append; its subject."""
    stream, subject = new_id(), new_id()
    draft = DraftApplication(
        reference=f"R-{number}",
        asset_class=AssetClass.PHONE,
        product="phone_12",
        channel="shop",
        amount_fen=350_000 + number,
        currency="CNY",
        subject=subject,
        name=f"申请人{number}",
        address="某市某路1号",
    )
    state, events = APPLICATION.initial, []
    for step, command in enumerate((draft, SubmitApplication(), StartVerification())):
        at = context(running, stream, step)
        decided = APPLICATION.decide(command, state, at)
        assert isinstance(decided, tuple)
        for event in decided:
            state = APPLICATION.evolve(state, event)
            events.append(DecidedEvent(event, at, new_id(), new_id()))
    drafted = await running.ledger.prepare(stream, events)
    await running.ledger.append(
        Append(
            system=True,
            tenant=running.settings.tenant,
            key=f"import:{number}",
            digest=bytes(32),
            parts=(Part(stream, 0, drafted.drafts),),
            personal=drafted.personal,
            subject_keys=drafted.subject_keys,
        )
    )
    return subject


@pytest.fixture
async def subjects(program: Running, connection: Connection[Any]) -> list[Any]:
    """A ledger with applications of persons and two published checkpoints; the persons."""
    half = await asyncio.gather(*(apply(program, number) for number in range(APPLICATIONS // 2)))
    Log(connection).publish(program.signer, NOON)
    rest = await asyncio.gather(*(apply(program, number) for number in range(APPLICATIONS // 2, APPLICATIONS)))
    Log(connection).publish(program.signer, NOON)
    return half + rest


def check(running: Running, since: Checkpoint | None = None) -> whole.Report:
    vkeys = [Ed25519Signer(running.settings.origin, seed).vkey for seed in running.keys.log_seeds()]
    with connect(running.url) as connection:
        return whole.fsck(connection, running.vault, vkeys=vkeys, since=since)


def positions(report: whole.Report) -> list[int]:
    return [finding.position for finding in report.findings]


@pytest.fixture
def behind(superuser: Connection[Any]) -> Connection[Any]:
    """A superuser who switched the triggers off."""
    superuser.execute("SET session_replication_role = replica")
    return superuser


async def test_an_untouched_ledger_is_clean(program: Running, subjects: list[Any]) -> None:
    report = check(program)
    assert report.ok, [finding.sentence() for finding in report.findings]
    assert (report.events, report.streams, report.checkpoints) == (3 * APPLICATIONS, APPLICATIONS, 2)
    assert (report.personal_values, report.erased_values) == (2 * APPLICATIONS, 0)


async def test_an_empty_ledger_is_clean(program: Running) -> None:
    report = check(program)
    assert report.ok
    assert report.root == EMPTY_ROOT.hex()


async def test_a_checkpoint_of_the_empty_tree_is_checked_too(program: Running, connection: Connection[Any]) -> None:
    Log(connection).publish(program.signer, NOON)
    report = check(program)
    assert (report.ok, report.checkpoints) == (True, 1)


_FLIP = "set_byte(entry, 40, get_byte(entry, 40) # 1)"
_SWAP = """
UPDATE ledger.events e SET (stream, seq, type, entry, leaf) = (o.stream, o.seq, o.type, o.entry, o.leaf)
FROM ledger.events o WHERE (e.position, o.position) IN ((77, 300), (300, 77))"""
_TILE = """
UPDATE ledger.tiles SET hashes = set_byte(hashes, 65, get_byte(hashes, 65) # 1) WHERE (level, index) = (0, 1)"""
_VALUE = "UPDATE ledger.vault SET ciphertext = set_byte(ciphertext, 0, get_byte(ciphertext, 0) # 1) WHERE position = 4"
_DIGEST = "UPDATE ledger.vault SET digest = reverse(digest) WHERE position = 4 AND path = 'name'"
_FIRST_STREAM = "stream = (SELECT min(stream::text)::uuid FROM ledger.stream_heads)"
_OTHER_KEY = "other.example+6fa5ac18+AS+SJ3SDEY3+2/yRSgvFGKlyDrnYFtyN5BbASYeT3oyH"
_WRAPPED = """
UPDATE ledger.subject_keys SET wrapped = set_byte(wrapped, 3, get_byte(wrapped, 3) # 1)
WHERE subject = (SELECT min(subject::text)::uuid FROM ledger.subject_keys)"""


@pytest.mark.parametrize(
    ("position", "statement"),
    [
        pytest.param(123, f"UPDATE ledger.events SET entry = {_FLIP} WHERE position = 123", id="byte"),
        pytest.param(1, f"UPDATE ledger.events SET entry = {_FLIP} WHERE position = 1", id="byte of the first"),
        pytest.param(600, f"UPDATE ledger.events SET entry = {_FLIP} WHERE position = 600", id="byte of the last"),
        pytest.param(77, _SWAP, id="swapped pair"),
        pytest.param(450, "DELETE FROM ledger.events WHERE position = 450", id="removed"),
        pytest.param(1, "DELETE FROM ledger.events WHERE position = 1", id="first removed"),
        pytest.param(88, "UPDATE ledger.events SET leaf = sha256('x') WHERE position = 88", id="leaf"),
        pytest.param(89, "UPDATE ledger.events SET type = 'lease.closed.v1' WHERE position = 89", id="type"),
        pytest.param(90, "UPDATE ledger.events SET stream = gen_random_uuid() WHERE position = 90", id="stream"),
        pytest.param(259, _TILE, id="tile"),
        pytest.param(4, _VALUE, id="vault value"),
        pytest.param(4, _DIGEST, id="vault digest"),
        pytest.param(4, "DELETE FROM ledger.vault WHERE position = 4 AND path = 'name'", id="vault row removed"),
        pytest.param(7, "UPDATE ledger.vault SET position = 7 WHERE position = 4", id="vault row moved"),
        pytest.param(10, "UPDATE ledger.commands SET seq = 9 WHERE position = 10", id="command"),
        pytest.param(10, "DELETE FROM ledger.commands WHERE position = 10", id="command removed"),
        pytest.param(598, "DELETE FROM ledger.commands WHERE position = 598", id="last command removed"),
    ],
)
async def test_a_changed_row_is_named(
    program: Running, subjects: list[Any], behind: Connection[Any], position: int, statement: str
) -> None:
    assert behind.execute(statement.encode()).rowcount >= 1
    report = check(program)
    assert not report.ok
    assert position in positions(report), [finding.sentence() for finding in report.findings]


@pytest.mark.parametrize(
    ("words", "statement"),
    [
        ("size in the head row", "UPDATE ledger.head SET size = size - 1"),
        ("root in the head row", "UPDATE ledger.head SET root = sha256('x')"),
        (
            "frontier in the head row",
            "UPDATE ledger.head SET frontier = set_byte(frontier, 0, 1 # get_byte(frontier, 0))",
        ),
        ("head of stream", f"UPDATE ledger.stream_heads SET seq = 2 WHERE {_FIRST_STREAM}"),
        ("head of stream", f"DELETE FROM ledger.stream_heads WHERE {_FIRST_STREAM}"),
        ("published checkpoint", "UPDATE ledger.checkpoints SET note = replace(note, E'\\n300\\n', E'\\n301\\n')"),
        ("published checkpoint", "UPDATE ledger.checkpoints SET size = 301 WHERE size = 300"),
        ("key of the log", f"INSERT INTO ledger.log_keys (shard, from_size, vkey) VALUES (0, 0, '{_OTHER_KEY}')"),
        ("key of subject", _WRAPPED),
    ],
)
async def test_a_changed_claim_is_named(
    program: Running, subjects: list[Any], behind: Connection[Any], words: str, statement: str
) -> None:
    assert behind.execute(statement.encode()).rowcount >= 1
    report = check(program)
    assert any(words in finding.what for finding in report.findings), [f.sentence() for f in report.findings]


async def test_an_entry_rewritten_with_its_leaf_is_found_by_its_tile_and_its_successor(
    program: Running, subjects: list[Any], behind: Connection[Any]
) -> None:
    """The attacker recomputes the leaf hash; the published tile, the chain of the stream and the root still tell."""
    entry: bytes = behind.execute("SELECT entry FROM ledger.events WHERE position = 4").fetchone()[0]  # type: ignore[index]
    forged = entry.replace(b'"amount_fen":35', b'"amount_fen":15')
    assert forged != entry
    behind.execute("UPDATE ledger.events SET entry = %s, leaf = %s WHERE position = 4", (forged, leaf_hash(forged)))
    report = check(program)
    assert {4, 5} <= set(positions(report))
    assert any("published checkpoint" in finding.what for finding in report.findings)


async def test_a_ledger_rolled_back_as_a_whole_needs_a_checkpoint_kept_elsewhere(
    program: Running, subjects: list[Any], behind: Connection[Any], connection: Connection[Any]
) -> None:
    """Everything is taken back to the first checkpoint, consistently; only the auditor's file tells."""
    log = Log(connection)
    newest = log.newest()
    assert isinstance(newest, Published)
    kept = log.verify(newest)
    size = 3 * APPLICATIONS // 2
    program_head = whole.fsck(connection, program.vault)
    assert program_head.ok
    roll_back(behind, size)
    rolled_back = check(program)
    assert rolled_back.ok, [finding.sentence() for finding in rolled_back.findings]
    report = check(program, since=kept)
    assert [finding.sentence() for finding in report.findings] == [
        f"events under the checkpoint kept elsewhere: expected at least {kept.size}, got {size}"
    ]


def roll_back(behind: Connection[Any], size: int) -> None:
    """What a thorough administrator would do: restore all tables as they were at `size`."""
    leaves = behind.execute("SELECT leaf FROM ledger.events WHERE position <= %s ORDER BY position", (size,)).fetchall()
    frontier = Frontier.empty().extend([leaf for (leaf,) in leaves])
    for table in ("events", "vault", "commands"):
        behind.execute(f"DELETE FROM ledger.{table} WHERE position > %s".encode(), (size,))
    behind.execute("DELETE FROM ledger.checkpoints WHERE size > %s", (size,))
    behind.execute("DELETE FROM ledger.tiles")
    for tile in TileBuilder.empty().extend([leaf for (leaf,) in leaves])[1]:
        behind.execute("INSERT INTO ledger.tiles (shard, level, index, hashes) VALUES (0, %s, %s, %s)", tile)
    behind.execute("DELETE FROM ledger.stream_heads WHERE stream NOT IN (SELECT stream FROM ledger.events)")
    behind.execute(
        "DELETE FROM ledger.case_heads WHERE correlation::text NOT IN ("
        "SELECT convert_from(entry, 'UTF8')::json->>'correlation' FROM ledger.events)"
    )
    behind.execute(
        "UPDATE ledger.head SET size = %s, frontier = %s, root = %s, recorded_at = (SELECT max("
        "convert_from(entry, 'UTF8')::json->>'recorded_at') FROM ledger.events)",
        (size, frontier.to_bytes(), frontier.root()),
    )
    behind.execute(
        "DELETE FROM ledger.subject_keys WHERE subject NOT IN (SELECT subject FROM ledger.vault)",
    )


async def test_another_history_under_a_kept_checkpoint_is_found(program: Running, subjects: list[Any]) -> None:
    forged = Checkpoint(program.settings.origin, 256, sha256(b"another history").digest())
    report = check(program, since=forged)
    assert [finding.what for finding in report.findings] == [
        "root of the tree of 256 under the checkpoint kept elsewhere"
    ]


async def test_a_log_signed_by_a_key_from_the_database_only_is_not_believed(
    program: Running, subjects: list[Any], behind: Connection[Any]
) -> None:
    """Somebody re-signs the newest checkpoint with a key of their own and registers it."""
    thief = Ed25519Signer(program.settings.origin, b"t" * 32)
    note = behind.execute("SELECT note FROM ledger.checkpoints ORDER BY size DESC LIMIT 1").fetchone()[0]  # type: ignore[index]
    checkpoint = open_checkpoint(note.encode(), [Ed25519Verifier(program.signer.vkey)])
    forged = sign_checkpoint(checkpoint, [thief]).decode()
    behind.execute("UPDATE ledger.checkpoints SET note = %s WHERE size = %s", (forged, checkpoint.size))
    behind.execute("INSERT INTO ledger.log_keys (shard, from_size, vkey) VALUES (0, 0, %s)", (str(thief.vkey),))
    report = check(program)
    assert {"key of the log", f"published checkpoint of {checkpoint.size}"} <= {f.what for f in report.findings}


async def test_a_destroyed_key_leaves_the_ledger_clean_and_the_values_unreadable(
    program: Running, subjects: list[Any], connection: Connection[Any]
) -> None:
    assert destroy_key(connection, program.settings.tenant, subjects[0], "2026-03-02T05:00:00.000000Z")
    assert not destroy_key(connection, program.settings.tenant, subjects[0], "2026-03-02T05:00:00.000000Z")
    report = check(program)
    assert report.ok, [finding.sentence() for finding in report.findings]
    assert (report.personal_values, report.erased_values) == (2 * APPLICATIONS - 2, 2)
    row = connection.execute("SELECT wrapped FROM ledger.subject_keys WHERE subject = %s", (subjects[0],)).fetchone()
    assert row == (None,)


async def test_findings_are_limited(program: Running, subjects: list[Any], behind: Connection[Any]) -> None:
    behind.execute("UPDATE ledger.events SET leaf = sha256(leaf)")
    assert len(check(program).findings) == findings.MAX_FINDINGS


def test_a_finding_reads_as_a_sentence() -> None:
    finding = findings.Finding(17, "leaf hash", "aa", "bb")
    assert finding.sentence() == "position 17: leaf hash: expected aa, got bb"
    assert replace(finding, position=0).sentence() == "leaf hash: expected aa, got bb"
