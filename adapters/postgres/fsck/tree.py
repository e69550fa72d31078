"""The Merkle part of fsck: tiles, published checkpoints, head row, and checkpoints that are kept elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg

from adapters.postgres.fsck.findings import Findings
from adapters.postgres.fsck.published import Trust, check_tiles, head_row, published_notes
from adapters.postgres.schema import SHARD
from chain.checkpoint import Checkpoint, open_checkpoint
from chain.errors import ChainError
from chain.merkle import HASH_SIZE, Frontier
from chain.note import VerifierKey
from chain.tiles import TileBuilder

Kept = Mapping[str, Checkpoint]
"""Checkpoints that the ledger must contain, by what they are: kept by an auditor, signed last by this installation."""


class TreeCheck:
    """Grows the tree again from recomputed leaf hashes and compares everything that claims to know it."""

    def __init__(
        self,
        connection: psycopg.Connection[tuple[Any, ...]],
        found: Findings,
        vkeys: Sequence[VerifierKey],
        kept: Kept,
    ) -> None:
        self._connection = connection
        self._found = found
        self._kept = dict(kept)
        self._row = head_row(connection, found)
        self.size = self._row.size
        self.root = Frontier.empty().root()
        self.checkpoints = 0
        self._notes = published_notes(connection, found)
        self._trust = Trust(connection, found, vkeys, self._notes.keys())
        self._frontier = Frontier.empty()
        self._builder = TileBuilder.empty()
        self._published_size = max(self._notes, default=0)
        self._sound = True
        # Tree sizes at which there is something to compare, the next one last.
        sizes = self._notes.keys() | {checkpoint.size for checkpoint in self._kept.values()}
        self._stops = sorted(sizes, reverse=True)

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

    def finish(self, last: int, recorded_at: str) -> None:
        """Compare head row and checkpoints beyond the last event with the finished tree; `recorded_at` is that of the
        last event.
        """
        self.extend(self._frontier.size + 1, ())  # a checkpoint of the empty tree has met no event yet
        root, row = self._frontier.root(), self._row
        if row.size != last:
            self._found.add(0, "size in the head row", last, row.size)
        if row.root != root:
            self._found.add(0, f"root in the head row (tree of {last})", root, row.root)
        if row.frontier != self._frontier.to_bytes():
            self._found.add(0, "frontier in the head row", self._frontier.to_bytes(), row.frontier)
        if row.recorded_at != recorded_at:
            self._found.add(0, "recorded_at in the head row", repr(recorded_at), repr(row.recorded_at))
        for size in reversed(self._stops):
            if size in self._notes:
                self._found.add(0, "events under the published checkpoint", f"at least {size}", last)
        # Whatever was not met by the tree was not compared, for whatever reason.
        for what, checkpoint in self._kept.items():
            self._found.add(0, f"events under the {what}", f"at least {checkpoint.size}", last)
        check_tiles(self._connection, self._found, self._published_size)
        self.size, self.root = self._frontier.size, root

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
        for what in [what for what, checkpoint in self._kept.items() if checkpoint.size == size]:
            kept = self._kept.pop(what)
            if kept.root != root:
                self._found.add(0, f"root of the tree of {size} under the {what}", kept.root, root)
            if kept.origin != self._row.origin:
                self._found.add(0, f"origin of the {what}", kept.origin, self._row.origin)

    def _check_note(self, size: int, root: bytes, note: bytes) -> None:
        try:
            published = open_checkpoint(note, self._trust.verifiers_at(size), self._row.origin)
        except ChainError as error:
            self._found.add(0, f"published checkpoint of {size}", "a note signed by the log", error)
            return
        if published.size != size:
            self._found.add(0, f"size in the published checkpoint of {size}", size, published.size)
        elif published.root != root:
            self._found.add(0, f"root of the tree of {size} under its published checkpoint", published.root, root)


_TILES = """
SELECT level::smallint, index::bigint, coalesce(hashes::bytea, '')
FROM unnest(%s::smallint[], %s::bigint[]) AS wanted (level, index)
JOIN ledger.tiles USING (level, index) WHERE shard = %s"""
