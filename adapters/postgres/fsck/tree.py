"""The Merkle part of fsck: tiles, published checkpoints, head row, and a checkpoint kept by an auditor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg

from adapters.postgres.fsck.findings import Findings
from adapters.postgres.schema import SHARD
from chain.checkpoint import Checkpoint, open_checkpoint
from chain.errors import ChainError
from chain.merkle import HASH_SIZE, Frontier
from chain.note import Ed25519Verifier, VerifierKey
from chain.tiles import TileBuilder


class TreeCheck:
    """Grows the tree again from recomputed leaf hashes and compares everything that claims to know it."""

    def __init__(
        self,
        connection: psycopg.Connection[tuple[Any, ...]],
        found: Findings,
        vkeys: Sequence[VerifierKey],
        since: Checkpoint | None,
    ) -> None:
        self._connection = connection
        self._found = found
        self._since = since
        row = connection.execute(
            "SELECT origin, size, root, frontier FROM ledger.head WHERE shard = %s", (SHARD,)
        ).fetchone()
        assert row is not None
        self._frontier_bytes: bytes = row[3]
        self.head = Checkpoint(row[0], 0, Frontier.empty().root())
        self._claimed_size, self._claimed_root = row[1], row[2]
        self.checkpoints = 0
        self._notes = self._published()
        self._verifiers = self._trusted(vkeys)
        self._frontier = Frontier.empty()
        self._builder = TileBuilder.empty()
        self._published_size = max(self._notes, default=0)
        self._sound = True
        # Tree sizes at which there is something to compare, the next one last.
        self._stops = sorted(self._notes.keys() | ({since.size} if since is not None else set()), reverse=True)

    def extend(self, first: int, leaves: Sequence[bytes]) -> None:
        """Append recomputed leaf hashes, the first of them at position `first`."""
        if first != self._frontier.size + 1:
            self._sound = False
        at = 0
        while self._stops and self._stops[-1] - self._frontier.size <= len(leaves) - at:
            upto = at + self._stops.pop() - self._frontier.size
            self._grow(leaves[at:upto])
            at = upto
            self._stop()
        self._grow(leaves[at:])

    def finish(self, last: int) -> None:
        """Compare head row and checkpoints beyond the last event with the finished tree."""
        self.extend(self._frontier.size + 1, ())  # a checkpoint of the empty tree has met no event yet
        root = self._frontier.root()
        if self._claimed_size != last:
            self._found.add(0, "size in the head row", last, self._claimed_size)
        if self._claimed_root != root:
            self._found.add(0, f"root in the head row (tree of {last})", root, self._claimed_root)
        if self._frontier_bytes != self._frontier.to_bytes():
            self._found.add(0, "frontier in the head row", self._frontier.to_bytes(), self._frontier_bytes)
        for size in reversed(self._stops):
            what = "checkpoint kept elsewhere" if size not in self._notes else "published checkpoint"
            self._found.add(0, f"events under the {what}", f"at least {size}", last)
        self.head = Checkpoint(self.head.origin, self._frontier.size, root)

    def _grow(self, leaves: Sequence[bytes]) -> None:
        if not leaves:
            return
        within = leaves[: max(0, self._published_size - self._frontier.size)]
        if within:
            self._builder, rows = self._builder.extend(within)
            self._compare_tiles(rows)
        self._frontier = self._frontier.extend(leaves)

    def _compare_tiles(self, rows: Sequence[tuple[int, int, bytes]]) -> None:
        levels, indexes, _ = (list(column) for column in zip(*rows, strict=True))
        stored = {
            (level, index): hashes
            for level, index, hashes in self._connection.execute(_TILES, (levels, indexes, SHARD), binary=True)
        }
        for level, index, hashes in rows:
            got = stored.get((level, index), b"")
            if got[: len(hashes)] != hashes and self._sound:
                self._name_tile(level, index, hashes, got)
                return

    def _name_tile(self, level: int, index: int, hashes: bytes, got: bytes) -> None:
        slot = next(
            at
            for at in range(len(hashes) // HASH_SIZE)
            if got[at * HASH_SIZE : (at + 1) * HASH_SIZE] != hashes[at * HASH_SIZE : (at + 1) * HASH_SIZE]
        )
        part = slice(slot * HASH_SIZE, (slot + 1) * HASH_SIZE)
        position = index * 256 + slot + 1 if level == 0 else 0
        self._found.add(position, f"hash {slot} of tile {level}/{index}", hashes[part], got[part] or "none")

    def _stop(self) -> None:
        """The tree has the size of a checkpoint: their roots must be equal."""
        size, root = self._frontier.size, self._frontier.root()
        note = self._notes.get(size)
        if note is not None:
            self.checkpoints += 1
            self._check_note(size, root, note)
        if self._since is not None and self._since.size == size and self._since.root != root:
            self._found.add(
                0, f"root of the tree of {size} under the checkpoint kept elsewhere", self._since.root, root
            )

    def _check_note(self, size: int, root: bytes, note: bytes) -> None:
        verifiers = [verifier for from_size, verifier in self._verifiers if from_size <= size]
        try:
            published = open_checkpoint(note, verifiers[-1:], self.head.origin)
        except ChainError as error:
            self._found.add(0, f"published checkpoint of {size}", "a note signed by the log", error)
            return
        if published.size != size:
            self._found.add(0, f"size in the published checkpoint of {size}", size, published.size)
        elif published.root != root:
            self._found.add(0, f"root of the tree of {size} under its published checkpoint", published.root, root)

    def _published(self) -> dict[int, bytes]:
        rows = self._connection.execute("SELECT size, note FROM ledger.checkpoints WHERE shard = %s", (SHARD,))
        return {size: note.encode() for size, note in rows}

    def _trusted(self, vkeys: Sequence[VerifierKey]) -> list[tuple[int, Ed25519Verifier]]:
        """The log's keys with the sizes they sign from; only those among `vkeys` if any are given."""
        rows = self._connection.execute(
            "SELECT from_size, vkey FROM ledger.log_keys WHERE shard = %s ORDER BY from_size", (SHARD,)
        )
        known = {str(vkey) for vkey in vkeys}
        trusted = []
        for from_size, text in rows:
            if known and text not in known:
                self._found.add(0, "key of the log", "one of the key files", text)
                continue
            trusted.append((from_size, Ed25519Verifier(VerifierKey.parse(text))))
        return trusted


_TILES = """
SELECT level, index, hashes FROM unnest(%s::smallint[], %s::bigint[]) AS wanted (level, index)
JOIN ledger.tiles USING (level, index) WHERE shard = %s"""
