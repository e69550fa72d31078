"""Inputs of fsck's Merkle part beside the events: head row, published notes, keys of the log, sizes of tiles."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import psycopg
from msgspec import Struct

from adapters.postgres.fsck.findings import Findings
from adapters.postgres.schema import SHARD
from chain.errors import ChainError
from chain.merkle import HASH_SIZE
from chain.note import Ed25519Verifier, VerifierKey
from chain.tiles import TILE_WIDTH


class HeadRow(Struct, frozen=True):
    """What the head row says; what is NULL or missing stands as an empty value, which nothing agrees with."""

    origin: str
    size: int
    root: bytes
    frontier: bytes
    recorded_at: str


def head_row(connection: psycopg.Connection[tuple[Any, ...]], found: Findings) -> HeadRow:
    """The one head row of the shard."""
    rows = connection.execute(_HEAD, (SHARD,)).fetchall()
    if len(rows) != 1:
        found.add(0, f"head rows of shard {SHARD}", 1, len(rows))
    return HeadRow(*rows[0]) if rows else HeadRow("", 0, b"", b"", "")


def published_notes(connection: psycopg.Connection[tuple[Any, ...]], found: Findings) -> dict[int, bytes]:
    """The published checkpoints by size. One of less than nothing is named and left out: it is of no tree."""
    notes: dict[int, bytes] = {}
    for size, note in connection.execute(_CHECKPOINTS, (SHARD,)):
        if size is None or size < 0:
            found.add(0, "size of a published checkpoint", "0 or more", size)
        elif size in notes:
            found.add(0, f"published checkpoints of {size}", 1, "more")
        else:
            notes[size] = note.encode()
    return notes


class Trust:
    """The keys of the log with the tree sizes that they sign from; only those among `vkeys` if any are given.

    `vkeys` are in the order in which they were made: a key that signs after a newer one does has been put there. Each
    signs from the size of the first checkpoint that it signed, which is one of `sizes`.
    """

    def __init__(
        self,
        connection: psycopg.Connection[tuple[Any, ...]],
        found: Findings,
        vkeys: Sequence[VerifierKey],
        sizes: Collection[int],
    ) -> None:
        self._sizes = sizes
        self._trusted: list[tuple[int, Ed25519Verifier]] = []
        order = {str(vkey): at for at, vkey in enumerate(vkeys)}
        newest = -1
        for from_size, text in connection.execute(_LOG_KEYS, (SHARD,)):
            if order and text not in order:
                found.add(0, "key of the log", "one of the key files", text)
                continue
            at = order.get(text, newest + 1)
            if at <= newest:
                found.add(0, "key of the log after a newer one", "none", text)
            newest = max(newest, at)
            self._trust(from_size, text, found)

    def verifiers_at(self, size: int) -> list[Ed25519Verifier]:
        """The one key whose range a tree size falls in, if there is one."""
        return [verifier for from_size, verifier in self._trusted if from_size <= size][-1:]

    def _trust(self, from_size: int, text: str, found: Findings) -> None:
        try:
            self._trusted.append((from_size, Ed25519Verifier(VerifierKey.parse(text))))
        except ChainError as error:
            found.add(0, "key of the log", "a verifier key", error)
        if from_size not in self._sizes:
            found.add(0, f"size from which {text} signs", "that of a published checkpoint", from_size)


def check_tiles(connection: psycopg.Connection[tuple[Any, ...]], found: Findings, size: int) -> None:
    """Compare the number of hashes in every tile with that in a tree of `size`; what they are was compared before."""
    with connection.cursor("fsck_tiles", binary=True) as cursor:
        cursor.execute(_TILE_SIZES, (SHARD,))
        for level, index, length, rows in cursor:
            hashes = size >> 8 * level if 0 <= level < 8 else 0
            width = max(0, min(TILE_WIDTH, hashes - index * TILE_WIDTH)) if index >= 0 else 0
            if length != width * HASH_SIZE:
                what = f"bytes in tile {level}/{index} under the newest published checkpoint ({size})"
                found.add(0, what, width * HASH_SIZE, length)
            if rows != 1:
                found.add(0, f"rows of tile {level}/{index}", 1, rows)


_HEAD = """
SELECT coalesce(origin::text, ''), coalesce(size::bigint, -1), coalesce(root::bytea, ''),
       coalesce(frontier::bytea, ''), coalesce(recorded_at::text, 'NULL')
FROM ledger.head WHERE shard = %s"""
_CHECKPOINTS = "SELECT size::bigint, coalesce(note::text, '') FROM ledger.checkpoints WHERE shard = %s ORDER BY size"
_LOG_KEYS = """
SELECT coalesce(from_size::bigint, -1), coalesce(vkey::text, '') FROM ledger.log_keys WHERE shard = %s
ORDER BY from_size, vkey"""
_TILE_SIZES = """
SELECT coalesce(level::integer, -1), coalesce(index::bigint, -1), coalesce(max(length(hashes::bytea)), -1), count(*)
FROM ledger.tiles WHERE shard = %s GROUP BY level, index ORDER BY level, index"""
