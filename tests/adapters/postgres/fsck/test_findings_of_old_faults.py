"""What once passed fsck or ended it: each is a finding with its place."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg
import pytest
from msgspec.structs import replace
from psycopg import Connection

from adapters.postgres.fsck.findings import Findings
from adapters.postgres.fsck.readable import Reading
from adapters.postgres.fsck.whole import Report, fsck
from adapters.postgres.writing.sequencer import Append, Part
from adapters.system import new_id
from api.compose import Running
from chain.checkpoint import Checkpoint
from chain.entry import draft
from chain.merkle import leaf_hash
from chain.note import Ed25519Signer
from domain.intake.application.events import ApplicationSubmitted
from tests.adapters.postgres.story import TENANT, context

OTHER = UUID(int=2)


@pytest.fixture
def behind(superuser: Connection[Any]) -> Connection[Any]:
    superuser.execute("SET session_replication_role = replica")
    return superuser


def check(program: Running, connection: Connection[Any], **kept: Checkpoint) -> Report:
    return fsck(connection, program.vault, **kept)  # type: ignore[arg-type]


def whats(report: Report) -> list[str]:
    return [one.what for one in report.findings]


async def test_a_checkpoint_of_less_than_nothing_blinds_nobody(
    everything: Running, connection: Connection[Any], behind: Connection[Any]
) -> None:
    """It once took every other checkpoint, and the one that was kept elsewhere, out of the comparison."""
    signed = everything.signer.signed()
    assert signed is not None
    behind.execute("ALTER TABLE ledger.checkpoints DROP CONSTRAINT checkpoints_size_check")
    behind.execute(
        "INSERT INTO ledger.checkpoints "
        "SELECT 0, -9223372036854775808, note, published_at FROM ledger.checkpoints LIMIT 1"
    )
    forged = Checkpoint(signed.origin, signed.size, b"x" * 32)
    report = check(everything, connection, since=forged)
    assert "size of a published checkpoint" in whats(report)
    assert f"root of the tree of {signed.size} under the checkpoint kept elsewhere" in whats(report)
    assert report.checkpoints == 2


async def test_what_was_signed_last_here_must_be_in_the_ledger(
    everything: Running, connection: Connection[Any]
) -> None:
    signed = everything.signer.signed()
    assert signed is not None
    assert check(everything, connection, signed=signed).ok
    ahead = Checkpoint(signed.origin, signed.size + 5, signed.root)
    assert whats(check(everything, connection, signed=ahead)) == ["events under the checkpoint signed last here"]
    elsewhere = Checkpoint("other.example/log", signed.size, signed.root)
    assert whats(check(everything, connection, signed=elsewhere)) == ["origin of the checkpoint signed last here"]


@pytest.mark.parametrize("position", [1, 2, 5])
async def test_json_deeper_than_any_reader_goes_is_a_finding_at_its_place(
    everything: Running, connection: Connection[Any], behind: Connection[Any], position: int
) -> None:
    row = behind.execute("SELECT entry FROM ledger.events WHERE position = %s", (position,)).fetchone()
    assert row is not None
    deep = row[0].replace(b'"body":{', b'"body":{"a":' + b"[" * 100_000 + b"]" * 100_000 + b",", 1)
    behind.execute(
        "UPDATE ledger.events SET entry = %s, leaf = %s WHERE position = %s", (deep, leaf_hash(deep), position)
    )
    report = check(everything, connection)
    assert (position, "entry") in [(one.position, one.what) for one in report.findings]


async def test_a_column_that_is_gone_is_named_and_other_parts_go_on(
    everything: Running, connection: Connection[Any], behind: Connection[Any]
) -> None:
    behind.execute("ALTER TABLE ledger.vault DROP COLUMN nonce")
    behind.execute("UPDATE ledger.checkpoints SET published_at = 'yesterday'")
    found = whats(check(everything, connection))
    assert {"table ledger.vault: column nonce", "reading of the events"} <= set(found)
    assert any(one.startswith("published_at of the checkpoint") for one in found)


_AT = "PL/pgSQL function inline_code_block line 1 at RAISE"


def test_a_damaged_page_is_a_finding_at_its_place(connection: Connection[Any]) -> None:
    found = Findings()
    with connection.transaction():
        reading = Reading(connection, found)
        reading.part("events", lambda: refused(connection, "XX001"), lambda: 7)
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert [one.sentence() for one in found.items] == [
        f"position 7: reading of the events: expected all of it, got invalid page in block 7 CONTEXT: {_AT}"
    ]


@pytest.mark.parametrize("sqlstate", ["57014", "53200", "40001"])
def test_what_the_server_is_to_blame_for_is_no_finding(connection: Connection[Any], sqlstate: str) -> None:
    found = Findings()
    with pytest.raises(psycopg.Error), connection.transaction():
        Reading(connection, found).part("events", lambda: refused(connection, sqlstate))
    assert found.items == []


def refused(connection: Connection[Any], sqlstate: str) -> None:
    """What a server says that cannot read on."""
    told = f"DO $$ BEGIN RAISE EXCEPTION 'invalid page in block 7' USING ERRCODE = '{sqlstate}'; END $$"
    connection.execute(told.encode())


async def test_the_time_of_the_head_is_that_of_the_last_event(
    everything: Running, connection: Connection[Any], behind: Connection[Any]
) -> None:
    behind.execute("UPDATE ledger.head SET recorded_at = '9999-12-31T23:59:59.999999Z'")
    assert whats(check(everything, connection)) == ["recorded_at in the head row"]


ALL = "key, digest, system and tenant of command"
_OWN = "UPDATE ledger.commands SET {} WHERE key = 'own'"
_MERGED = """
WITH gone AS (DELETE FROM ledger.commands WHERE position = 2 RETURNING events)
UPDATE ledger.commands c SET events = c.events + gone.events, version = 2 FROM gone WHERE c.position = 1"""


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        (_OWN.format("key = 'other'"), f"{ALL} 'other'"),
        (_OWN.format("tenant = gen_random_uuid()"), "tenant of command 'own'"),
        (_OWN.format("system = false"), f"{ALL} 'own'"),
        (_OWN.format("digest = sha256('x')"), f"{ALL} 'own'"),
        (_OWN.format("digest_key = 1"), "number of the digest's key of command 'own'"),
        (_OWN.format("version = 7"), "version that command 'own' left its stream at"),
        (_MERGED, "cause of the events of command"),
    ],
)
async def test_a_command_is_what_its_events_say(
    everything: Running, connection: Connection[Any], behind: Connection[Any], statement: str, what: str
) -> None:
    """A retry under its key would be a second command, or would be refused."""
    assert behind.execute(statement.encode()).rowcount == 1
    found = whats(check(everything, connection))
    assert any(one.startswith(what) for one in found), found


async def test_readers_who_see_less_are_found(
    everything: Running, connection: Connection[Any], behind: Connection[Any]
) -> None:
    behind.execute("ALTER TABLE ledger.events ENABLE ROW LEVEL SECURITY")
    behind.execute("CREATE POLICY a ON ledger.events TO leaseledger_app USING (true)")
    behind.execute("CREATE POLICY b ON ledger.events TO leaseledger_reader USING (position <> 2)")
    assert {
        "rows of ledger.events that readers see",
        "table ledger.events: row security",
        "table ledger.events: policy a",
        "table ledger.events: policy b",
    } == set(whats(check(everything, connection)))


async def test_tiles_beyond_the_published_tree_are_found(
    everything: Running, connection: Connection[Any], behind: Connection[Any]
) -> None:
    behind.execute("UPDATE ledger.tiles SET hashes = hashes || sha256('x')")
    (found,) = check(everything, connection).findings
    assert found.what.startswith("bytes in tile 0/0 under the newest published checkpoint")


async def test_a_retired_key_signs_nothing_after_a_newer_one(
    everything: Running, connection: Connection[Any], behind: Connection[Any]
) -> None:
    """The ranges of two keys exchanged: the older one would sign what is to come."""
    behind.execute("UPDATE ledger.log_keys k SET from_size = o.from_size FROM ledger.log_keys o WHERE o.vkey <> k.vkey")
    vkeys = [Ed25519Signer(everything.settings.origin, seed).vkey for seed in everything.keys.log_seeds()]
    report = fsck(connection, everything.vault, vkeys=vkeys)
    assert "key of the log after a newer one" in whats(report)


async def test_a_role_that_only_adds_events_checks_the_rest(
    everything: Running, superuser: Connection[Any], connection: Connection[Any]
) -> None:
    with superuser.transaction(force_rollback=True):
        superuser.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        superuser.execute("CREATE ROLE shop; GRANT leaseledger_app TO shop; SET LOCAL SESSION AUTHORIZATION shop")
        superuser.execute("SET LOCAL ROLE leaseledger_app")
        assert fsck(superuser, everything.vault).findings == ()


@pytest.mark.parametrize(("first", "then"), [(TENANT, OTHER), (OTHER, TENANT)])
async def test_all_events_of_a_stream_are_of_its_first_one_s_tenant(
    program: Running, connection: Connection[Any], first: UUID, then: UUID
) -> None:
    """Written by the program's own writer, hashes and all: only the tenants tell."""
    stream = new_id()
    await written(program, new_id(), 0, TENANT)
    for number, tenant in enumerate((first, then, first)):
        await written(program, stream, number, tenant)
    found = check(program, connection).findings
    assert [(one.position, one.what) for one in found] == [(3, f"tenant of stream {stream}")]


async def written(program: Running, stream: UUID, number: int, tenant: UUID) -> None:
    """One event of an import."""
    at = replace(context(stream), tenant=tenant)
    drafted = draft(ApplicationSubmitted(), at, stream=stream, eid=new_id(), cause=new_id())
    key = f"import:{stream}/{number}"
    part = Part(stream, number, (drafted,))
    await program.ledger.append(Append(tenant=tenant, key=key, system=True, digest=bytes(32), parts=(part,)))
