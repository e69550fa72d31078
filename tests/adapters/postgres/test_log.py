"""The log over the ledger: tiles and checkpoints that only grow, proofs that verify, keys that rotate."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection

from adapters.keys import LogSigner
from adapters.postgres import log as module
from adapters.postgres.connections import connect
from adapters.postgres.log import ForkRefused, HeadMismatch, KeyRetired, Log, NoSuchPosition, PostgresTiles
from adapters.postgres.writing.group_commit import GroupCommit
from adapters.system import now
from chain.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from chain.errors import MalformedTile, ProofMismatch, SignatureMismatch
from chain.merkle import EMPTY_ROOT, Frontier, leaf_hash, verify_consistency
from chain.note import Ed25519Signer, Ed25519Verifier
from chain.proof import verify_proof
from chain.tiles import TileBuilder, decode_bundle, tile_path, tiles_of, verify_tiles
from tests.adapters.postgres.stored import entries
from tests.adapters.postgres.story import START, toys
from tests.chain.reference import Tree
from tests.ledger import ORIGIN


class Forgetful(Ed25519Signer):
    """A signer that remembers nothing; what the database says is all there is."""

    def expect(self, known: object) -> None:
        pass

    def signed(self) -> Checkpoint | None:
        return None

    def keep(self, checkpoint: Checkpoint) -> None:
        pass


SIGNER = Forgetful(ORIGIN, bytes(range(32)))
NEXT_SIGNER = Forgetful(ORIGIN, bytes(range(1, 33)))
VERIFIERS = [Ed25519Verifier(SIGNER.vkey)]


@pytest.fixture
async def writer(url: str) -> AsyncIterator[GroupCommit]:
    async with GroupCommit(url, clock=now) as started:
        yield started


@pytest.fixture
def log(connection: Connection[Any]) -> Log:
    return Log(connection)


@pytest.fixture
def behind(superuser: Connection[Any]) -> Iterator[Connection[Any]]:
    """A superuser who switched the triggers off, and on again at the end."""
    superuser.execute("SET session_replication_role = replica")
    yield superuser
    superuser.execute("SET session_replication_role = origin")


def test_empty_log(log: Log) -> None:
    assert log.newest() is None
    assert log.vkeys() == []
    published = log.publish(SIGNER, START)
    checkpoint = open_checkpoint(published.note, VERIFIERS, ORIGIN)
    assert (checkpoint.size, checkpoint.root) == (0, EMPTY_ROOT)
    with pytest.raises(NoSuchPosition, match="expected a ledger that holds events, got an empty one"):
        log.proof(1)


async def test_checkpoint_is_of_what_was_committed(log: Log, writer: GroupCommit, connection: Connection[Any]) -> None:
    told = await writer.append(toys(events=3))
    published = log.publish(SIGNER, START)
    checkpoint = log.verify(published)
    assert (checkpoint.origin, checkpoint.size, checkpoint.root) == (ORIGIN, told.size, told.root)
    assert checkpoint.root == Tree(entries(connection)).root(3)
    assert log.newest() == published


async def test_nothing_new_signs_nothing_new(log: Log, writer: GroupCommit, connection: Connection[Any]) -> None:
    await writer.append(toys())
    first = log.publish(SIGNER, START)
    assert log.publish(SIGNER, START + timedelta(seconds=1)) == first
    assert connection.execute("SELECT count(*) FROM ledger.checkpoints").fetchone() == (1,)


async def test_every_checkpoint_is_kept_and_consistent(log: Log, writer: GroupCommit) -> None:
    published = []
    for events in (1, 254, 1, 1, 300, 511):
        await writer.append(toys(events=events))
        published.append(log.publish(SIGNER, START))
    assert [one.size for one in published] == [1, 255, 256, 257, 557, 1068]
    assert [log.covering(one.size) for one in published] == published
    checkpoints = [log.verify(one) for one in published]
    for older in checkpoints:
        for newer in checkpoints:
            if older.size <= newer.size:
                hashes = log.consistency(older.size, newer.size)
                verify_consistency(older.size, older.root, newer.size, newer.root, hashes)


async def test_covering_gives_the_first_that_holds_a_position(log: Log, writer: GroupCommit) -> None:
    for _ in range(3):
        await writer.append(toys(events=2))
        log.publish(SIGNER, START)
    sizes = [found.size if (found := log.covering(size)) else None for size in range(8)]
    assert sizes == [2, 2, 2, 4, 4, 6, 6, None]


async def test_every_position_has_a_proof(log: Log, writer: GroupCommit, connection: Connection[Any]) -> None:
    await writer.append(toys(events=300))
    log.publish(SIGNER, START)
    stored = entries(connection)
    for position in [*range(1, 12), 255, 256, 257, 299, 300]:
        proof = log.proof(position)
        assert verify_proof(proof, stored[position - 1], VERIFIERS, ORIGIN).size == 300
        with pytest.raises(ProofMismatch):
            verify_proof(proof, stored[position - 2] if position > 1 else stored[5], VERIFIERS, ORIGIN)


async def test_proofs_are_made_for_the_published_tree(
    log: Log, writer: GroupCommit, connection: Connection[Any]
) -> None:
    """Also by one long-lived object while tiles fill up under it."""
    for size in range(100, 700, 100):
        await writer.append(toys(events=100))
        with pytest.raises(NoSuchPosition):
            log.proof(size)
        log.publish(SIGNER, START)
        stored = entries(connection)
        for position in (1, size - 1, size):
            assert verify_proof(log.proof(position), stored[position - 1], VERIFIERS).size == size


@pytest.mark.parametrize("position", [0, -1, 4])
async def test_positions_outside_the_log(log: Log, writer: GroupCommit, position: int) -> None:
    await writer.append(toys(events=3))
    log.publish(SIGNER, START)
    with pytest.raises(NoSuchPosition, match=f"expected 1 to 3, got {position}"):
        log.proof(position)


async def test_tiles_are_whole(
    log: Log, writer: GroupCommit, connection: Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LEAVES_AT_ONCE", 100)
    await writer.append(toys(events=777))
    published = log.publish(SIGNER, START)
    verify_tiles(PostgresTiles(connection), 777, log.verify(published).root)
    assert log.tile(0, 0, 256)[:64] == b"".join(
        leaf for (leaf,) in connection.execute("SELECT leaf FROM ledger.events ORDER BY position LIMIT 2")
    )
    assert log.tile(0, 3, 9) != b""
    assert log.tile(0, 3, 10) == log.tile(0, 4, 1) == log.tile(7, 0, 1) == b""


async def test_entry_bundles(log: Log, writer: GroupCommit, connection: Connection[Any]) -> None:
    await writer.append(toys(events=260))
    log.publish(SIGNER, START)
    stored = entries(connection)
    assert decode_bundle(log.entries(0, 256), 256) == stored[:256]
    assert decode_bundle(log.entries(1, 4), 4) == stored[256:]
    assert log.entries(1, 5) == b""


async def test_tree_of_files(log: Log, writer: GroupCommit, connection: Connection[Any]) -> None:
    await writer.append(toys(events=600))
    published = log.publish(SIGNER, START)
    files = dict(log.files(published))
    names = [tile_path(0, 0), tile_path(0, 1), tile_path(0, 2, 88), tile_path(1, 0, 2)]
    assert {name.path() for name in tiles_of(600)} == set(names) < set(files)
    assert list(files)[-1] == "checkpoint"
    assert files["checkpoint"] == published.note
    assert files["vkey"] == f"{SIGNER.vkey}\n".encode()
    bundles = [data for name, data in files.items() if name.startswith("tile/entries/")]
    read = [entry for data, width in zip(bundles, (256, 256, 88), strict=True) for entry in decode_bundle(data, width)]
    assert Tree(read).root(600) == log.verify(published).root


async def test_files_of_an_older_checkpoint(log: Log, writer: GroupCommit) -> None:
    await writer.append(toys(events=300))
    older = log.publish(SIGNER, START)
    before = dict(log.files(older))
    await writer.append(toys(events=300))
    log.publish(SIGNER, START)
    assert dict(log.files(older)) == before


async def test_key_rotation(log: Log, writer: GroupCommit) -> None:
    await writer.append(toys())
    old = log.publish(SIGNER, START)
    assert log.publish(NEXT_SIGNER, START) == old
    await writer.append(toys())
    new = log.publish(NEXT_SIGNER, START)
    assert log.vkeys() == [(1, SIGNER.vkey), (2, NEXT_SIGNER.vkey)]
    assert (log.verify(old).size, log.verify(new).size) == (1, 2)
    assert dict(log.files(new))["vkey"] == f"{NEXT_SIGNER.vkey}\n".encode()


async def test_retired_key_signs_no_more(log: Log, writer: GroupCommit, connection: Connection[Any]) -> None:
    for signer in (SIGNER, NEXT_SIGNER):
        await writer.append(toys())
        log.publish(signer, START)
    await writer.append(toys())
    with pytest.raises(KeyRetired, match=r"key that signs the log: expected .*, got"):
        log.publish(SIGNER, START)
    assert connection.execute("SELECT max(size) FROM ledger.checkpoints").fetchone() == (2,)
    assert log.publish(NEXT_SIGNER, START).size == 3


async def test_keys_are_good_for_their_own_range_only(log: Log, writer: GroupCommit, behind: Connection[Any]) -> None:
    """A stolen old key cannot vouch for a newer tree, nor the new one for what was before it."""
    for signer in (SIGNER, NEXT_SIGNER):
        await writer.append(toys())
        log.publish(signer, START)
    old, new = log.covering(1), log.covering(2)
    assert old is not None
    assert new is not None
    behind.execute("UPDATE ledger.log_keys SET from_size = 3 - from_size")
    for published in (old, new):
        with pytest.raises(SignatureMismatch):
            log.verify(published)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE ledger.events SET leaf = sha256(leaf) WHERE position = 299",
        "DELETE FROM ledger.events WHERE position = 300",
        "DELETE FROM ledger.events WHERE position = 200",
        "UPDATE ledger.head SET root = sha256(root)",
        "UPDATE ledger.head SET size = 301",
        "UPDATE ledger.head SET size = 299",
        "UPDATE ledger.tiles SET hashes = set_byte(hashes, 0, get_byte(hashes, 0) # 1) WHERE level = 0",
    ],
)
async def test_what_disagrees_is_not_signed(
    log: Log, writer: GroupCommit, behind: Connection[Any], connection: Connection[Any], change: str
) -> None:
    await writer.append(toys(events=100))
    first = log.publish(SIGNER, START)
    tiles = connection.execute("SELECT * FROM ledger.tiles ORDER BY level, index").fetchall()
    await writer.append(toys(events=200))
    behind.execute(change.encode())
    changed = connection.execute("SELECT * FROM ledger.tiles ORDER BY level, index").fetchall()
    with pytest.raises((HeadMismatch, MalformedTile)):
        Log(connection).publish(SIGNER, START)
    assert log.newest() == first
    assert connection.execute("SELECT * FROM ledger.tiles ORDER BY level, index").fetchall() == changed
    assert (changed != tiles) is ("tiles" in change)


async def test_publishers_take_turns(url: str, writer: GroupCommit, connection: Connection[Any]) -> None:
    await writer.append(toys(events=500))

    def publish(_: int) -> int:
        with connect(url) as own:
            return Log(own).publish(SIGNER, START).size

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(publish, range(12))) == {500}
    assert connection.execute("SELECT count(*) FROM ledger.checkpoints").fetchone() == (1,)


async def test_publishing_while_the_ledger_grows(url: str, writer: GroupCommit, log: Log) -> None:
    with ThreadPoolExecutor(1) as pool, connect(url) as own:
        other = Log(own)
        for _ in range(20):
            publishing = pool.submit(other.publish, SIGNER, START)
            await writer.append(toys(events=30))
            log.verify(publishing.result())
    last = log.publish(SIGNER, START)
    assert log.verify(last).size == 600


# ------------------------------------------------------------------------------------------ forks of what was signed


REWRITTEN = """
UPDATE ledger.events SET entry = convert_to(replace(convert_from(entry, 'UTF8'), 'toy', 'bad'), 'UTF8')
WHERE position = 1"""


def rewrite(behind: Connection[Any], *, tiles: bool = True) -> None:
    """Change the first event and make everything fit it but the checkpoints, as somebody without the key could."""
    behind.execute(REWRITTEN.encode())
    leaves = [leaf_hash(entry) for entry in entries(behind)]
    for position, leaf in enumerate(leaves, start=1):
        behind.execute("UPDATE ledger.events SET leaf = %s WHERE position = %s", (leaf, position))
    frontier = Frontier.empty().extend(leaves)
    behind.execute("UPDATE ledger.head SET root = %s, frontier = %s", (frontier.root(), frontier.to_bytes()))
    if tiles:
        behind.execute("DELETE FROM ledger.tiles")
        for level, index, hashes in TileBuilder.empty().extend(leaves)[1]:
            behind.execute("INSERT INTO ledger.tiles VALUES (0, %s, %s, %s)", (level, index, hashes))


@pytest.fixture
def remembering(tmp_path: Path) -> LogSigner:
    return LogSigner(ORIGIN, [(tmp_path / "log-0001.seed", bytes(range(32)))], tmp_path / "log.signed")


async def test_a_history_that_was_rewritten_is_not_signed(
    log: Log, writer: GroupCommit, behind: Connection[Any]
) -> None:
    """The checkpoint of before stands in the database still: what is signed next must begin with its tree."""
    await writer.append(toys(events=3))
    signed = log.publish(SIGNER, START)
    rewrite(behind)
    await writer.append(toys())
    with pytest.raises(ForkRefused, match="root of the tree of 3 under the checkpoint that was published last"):
        log.publish(SIGNER, START)
    assert log.newest() == signed


async def test_a_history_whose_checkpoints_are_gone_is_not_signed(
    log: Log, writer: GroupCommit, behind: Connection[Any], remembering: LogSigner
) -> None:
    """Whoever empties the database of checkpoints meets the one that is kept beside the key."""
    await writer.append(toys(events=3))
    log.publish(remembering, START)
    behind.execute("DELETE FROM ledger.checkpoints")
    rewrite(behind)
    await writer.append(toys())
    with pytest.raises(ForkRefused, match="root of the tree of 3 under the checkpoint that was signed last"):
        log.publish(remembering, START)
    assert log.newest() is None


async def test_a_ledger_that_was_put_back_is_not_signed(
    log: Log, writer: GroupCommit, behind: Connection[Any], remembering: LogSigner
) -> None:
    await writer.append(toys(events=2))
    whole = log.publish(remembering, START)
    for table in ("events", "commands", "stream_heads", "case_heads", "checkpoints", "tiles"):
        behind.execute(f"DELETE FROM ledger.{table}".encode())
    behind.execute("UPDATE ledger.head SET size = 0, frontier = '', root = %s", (EMPTY_ROOT,))
    await writer.append(toys())
    with pytest.raises(ForkRefused, match=r"entries of the ledger under .* signed last: expected at least 2, got 1"):
        log.publish(remembering, START)
    kept = remembering.signed()
    assert kept is not None
    assert kept.size == whole.size


async def test_a_checkpoint_from_the_future_is_no_reason_to_read_on(
    log: Log, writer: GroupCommit, behind: Connection[Any]
) -> None:
    await writer.append(toys(events=2))
    log.publish(SIGNER, START)
    future = sign_checkpoint(Checkpoint(ORIGIN, 2**40, bytes(32)), [SIGNER]).decode()
    behind.execute("INSERT INTO ledger.checkpoints VALUES (0, %s, %s, 'now')", (2**40, future))
    await writer.append(toys())
    with pytest.raises(ForkRefused, match="entries of the ledger under the checkpoint that was published last"):
        log.publish(SIGNER, START)


async def test_what_is_signed_is_kept_before_it_is_published(
    log: Log, writer: GroupCommit, remembering: LogSigner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dying in between leaves a checkpoint that nobody has seen, and the next one goes on from it."""
    await writer.append(toys())

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "utc_text", die)
    with pytest.raises(KeyboardInterrupt):
        log.publish(remembering, START)
    monkeypatch.undo()
    assert log.newest() is None
    kept = remembering.signed()
    assert kept is not None
    assert kept.size == 1
    await writer.append(toys())
    assert log.publish(remembering, START).size == 2
