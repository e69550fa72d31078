"""The transparency log over the ledger: tiles, published checkpoints, proofs.

    events.leaf ──publish()──▶ tiles (rows that only grow) + one signed checkpoint, kept for ever

Publishing reads the leaves since the last checkpoint, extends the tiles, and signs only if the root of the tiles is the
root that the head row committed together with the events, and only a tree that begins with every tree that was signed
before: the newest one that is published here, and the newest one that the signer remembers elsewhere. Proofs are made
for a published checkpoint's tree.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import LiteralString, Protocol

from msgspec import Struct

from adapters.postgres.connections import Connection
from adapters.postgres.schema import SHARD
from chain.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from chain.errors import CheckpointMismatch, MalformedProof, Mismatch
from chain.merkle import HASH_SIZE, consistency_proof, inclusion_proof, verify_consistency
from chain.note import Ed25519Verifier, Signer, VerifierKey
from chain.proof import format_proof, verify_proof
from chain.tiles import (
    TILE_WIDTH,
    RowReader,
    TileBuilder,
    TileHasher,
    encode_bundle,
    entries_path,
    root_from_tiles,
    tiles_of,
)
from domain.kernel.times import utc_text

LEAVES_AT_ONCE = 65_536
_PUBLISH_LOCK = 0x74696C65  # "tile"


class HeadMismatch(Mismatch):
    """The tree of the stored leaves is not the tree the head row committed; run fsck, nothing was signed."""


class ForkRefused(Mismatch):
    """A tree that does not begin with the one that was signed last: events were changed or lost; nothing was signed."""


class KeyRetired(Mismatch):
    """A newer key signs this log: an older one is only good for the checkpoints it signed in its time."""


class NoSuchPosition(MalformedProof):
    """A position that the log does not hold."""


class RememberingSigner(Signer, Protocol):
    """A signer that knows the newest checkpoint that it signed, from elsewhere than the database."""

    def expect(self, known: Sequence[VerifierKey]) -> None:
        """Raise unless this key may sign for a log that these keys, oldest first, signed before."""
        ...

    def signed(self) -> Checkpoint | None:
        """The newest checkpoint that was signed; `None` before the first."""
        ...

    def keep(self, checkpoint: Checkpoint) -> None:
        """Remember a checkpoint that is about to be published."""
        ...


class Published(Struct, frozen=True):
    """One published checkpoint: tree size and the signed note."""

    size: int
    note: bytes


class PostgresTiles:
    """A `TileReader` over the tiles table: rows up to the newest published checkpoint."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def tile(self, level: int, index: int, width: int) -> bytes:
        """The first `width` hashes of a tile; empty when there is none."""
        row = self._connection.execute(
            "SELECT coalesce(substr(hashes, 1, %s), '') FROM ledger.tiles "
            "WHERE shard = %s AND level = %s AND index = %s",
            (width * HASH_SIZE, SHARD, level, index),
        ).fetchone()
        return bytes(row[0]) if row else b""


class Log:
    """The log of one shard on one blocking connection (autocommit, role leaseledger_app)."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._tiles = PostgresTiles(connection)
        self._hasher = TileHasher(self._tiles, 0)

    def publish(self, signer: RememberingSigner, now: datetime) -> Published:
        """Sign and keep a checkpoint of everything committed so far; the newest one again when nothing came.

        Raises `HeadMismatch` when leaves and head row disagree, `ForkRefused` when the tree does not begin with one
        that was signed, `KeyRetired` when a newer key has signed already, and what `signer.expect` does for a key that
        is not this log's; nothing is kept then.
        """
        with self._connection.transaction():
            self._connection.execute("SELECT pg_advisory_xact_lock(%s)", (_PUBLISH_LOCK,))
            row = self._connection.execute(_HEAD, (SHARD,)).fetchone()
            assert row is not None
            head = Checkpoint(*row)
            signer.expect([vkey for _, vkey in self.vkeys()])
            last = self.newest()
            if last is not None and last.size == head.size:
                return last
            before = {"published": None if last is None else self.verify(last), "signed": signer.signed()}
            told = [(f"the checkpoint that was {how} last", known) for how, known in before.items() if known]
            for which, known in told:
                _check_follows(which, known, head)
            self._extend_tiles(last.size if last else 0, head)
            for which, known in told:
                self._check_begins_with(which, known)
            note = sign_checkpoint(head, [signer])
            self._register(signer, head.size)
            signer.keep(head)
            self._connection.execute(
                "INSERT INTO ledger.checkpoints (shard, size, note, published_at) VALUES (%s, %s, %s, %s)",
                (SHARD, head.size, note.decode(), utc_text(now)),
            )
            return Published(head.size, note)

    def newest(self) -> Published | None:
        """The newest published checkpoint."""
        return self._checkpoint(_NEWEST, (SHARD,))

    def covering(self, size: int) -> Published | None:
        """The first published checkpoint whose tree has at least `size` entries."""
        return self._checkpoint(_COVERING, (SHARD, size))

    def vkeys(self) -> list[tuple[int, VerifierKey]]:
        """The log's verifier keys, oldest first, each with the tree size from which it signs."""
        rows = self._connection.execute(
            "SELECT coalesce(from_size, 0), coalesce(vkey, '') FROM ledger.log_keys "
            "WHERE shard = %s ORDER BY from_size",
            (SHARD,),
        )
        return [(from_size, VerifierKey.parse(vkey)) for from_size, vkey in rows]

    def vkeys_at(self, size: int) -> list[VerifierKey]:
        """The one key whose range a tree size falls in; none when nothing was signed up to it."""
        return [vkey for from_size, vkey in self.vkeys() if from_size <= size][-1:]

    def verify(self, published: Published) -> Checkpoint:
        """Open a published checkpoint under the key whose range its size falls in; raises as `open_checkpoint`."""
        return open_checkpoint(published.note, self._verifiers_at(published.size))

    def _verifiers_at(self, size: int) -> list[Ed25519Verifier]:
        return [Ed25519Verifier(vkey) for vkey in self.vkeys_at(size)]

    def proof(self, position: int) -> bytes:
        """A C2SP tlog-proof of the entry at `position` (from 1) in the newest published tree.

        Raises `NoSuchPosition` when no published checkpoint covers it, and what `verify_proof` does where entry, tiles
        and checkpoint do not agree: nobody is given a proof that does not verify.
        """
        published, data = self.proof_in_tiles(position)
        row = self._connection.execute(_ENTRY, (SHARD, position)).fetchone()
        verify_proof(data, bytes(row[0]) if row else b"", self._verifiers_at(published.size))
        return data

    def proof_in_tiles(self, position: int) -> tuple[Published, bytes]:
        """The newest checkpoint and what the tiles say of a position in its tree, unverified.

        Raises `NoSuchPosition`.
        """
        published = self.newest()
        if published is None or published.size == 0:
            raise NoSuchPosition("position", "a ledger that holds events", "an empty one")
        if not 1 <= position <= published.size:
            raise NoSuchPosition("position", f"1 to {published.size}", position)
        hasher = self._hasher.at(published.size)
        path = inclusion_proof(hasher, position - 1, published.size)
        return published, format_proof(position - 1, path, published.note)

    def consistency(self, older: int, newer: int) -> list[bytes]:
        """Hashes that show the tree of `newer` entries to begin with the tree of `older` (RFC 6962 §2.1.2)."""
        return consistency_proof(self._hasher.at(newer), older, newer)

    def consistency_of(self, older: Checkpoint, newer: Checkpoint) -> list[bytes]:
        """The hashes that show two checkpoints to be of one log that only grew.

        Raises `NoSuchPosition` for one beyond the published tree, and what `verify_consistency` does where no such
        hashes exist: nobody is given a proof that does not verify.
        """
        published = self.newest()
        size = 0 if published is None else published.size
        for one in (older, newer):
            if one.size > size:
                raise NoSuchPosition("size of the checkpoint", f"at most {size}, which is published", one.size)
        if older.size > newer.size:
            raise NoSuchPosition("size of the older checkpoint", f"at most {newer.size}", older.size)
        if older.origin != newer.origin:
            raise CheckpointMismatch("origin of the newer checkpoint", older.origin, newer.origin)
        hashes = self.consistency(older.size, newer.size)
        verify_consistency(older.size, older.root, newer.size, newer.root, hashes)
        return hashes

    def tile(self, level: int, index: int, width: int) -> bytes:
        """One tile of the published tree, `width` hashes; empty when there is none of that width."""
        data = self._tiles.tile(level, index, width)
        return data if len(data) == width * HASH_SIZE else b""

    def entries(self, index: int, width: int) -> bytes:
        """One entry bundle: entries from `index` * 256 on, each behind its length in two bytes; empty when short."""
        first = index * TILE_WIDTH + 1
        rows = self._connection.execute(
            "SELECT coalesce(entry, '') FROM ledger.events "
            "WHERE shard = %s AND position BETWEEN %s AND %s ORDER BY position",
            (SHARD, first, first + width - 1),
        ).fetchall()
        return encode_bundle([bytes(row[0]) for row in rows]) if len(rows) == width else b""

    def files(self, published: Published) -> Iterator[tuple[str, bytes]]:
        """The log as a tree of files (C2SP tlog-tiles): every path with its bytes, the checkpoint last."""
        for name in tiles_of(published.size):
            level = name.level or 0
            yield name.path(), self._tiles.tile(level, name.index, name.width)
            if level == 0:
                yield entries_path(name.index, name.width), self.entries(name.index, name.width)
        yield "vkey", "".join(f"{vkey}\n" for _, vkey in self.vkeys()[-1:]).encode()
        yield "checkpoint", published.note

    def root_at(self, size: int) -> bytes:
        """The root of the tree of the first `size` entries, also beyond the newest published checkpoint.

        Raises `HeadMismatch` where the ledger has fewer, `chain.errors.MalformedTile` where tiles are missing.
        """
        published = self.newest()
        known = 0 if published is None else published.size
        if size <= known:
            return root_from_tiles(self._tiles, size)
        rows, builder = RowReader(), TileBuilder.from_reader(self._tiles, known)
        for leaves in self._leaves(known, size):
            builder, more = builder.extend(leaves)
            rows.put(more)
        if builder.size < size:
            raise HeadMismatch("entries of the ledger", size, builder.size)
        return root_from_tiles(_Over(rows, self._tiles), size)

    def _checkpoint(self, query: LiteralString, parameters: tuple[int, ...]) -> Published | None:
        row = self._connection.execute(query, parameters).fetchone()
        return Published(row[0], row[1].encode()) if row else None

    def _register(self, signer: Signer, size: int) -> None:
        self._connection.execute(
            "INSERT INTO ledger.log_keys (shard, from_size, vkey) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
            (SHARD, size, str(signer.vkey)),
        )
        newest = self.vkeys()[-1][1]
        if newest != signer.vkey:
            raise KeyRetired("key that signs the log", newest, signer.vkey)

    def _check_begins_with(self, which: str, before: Checkpoint) -> None:
        got = root_from_tiles(self._tiles, before.size)
        if got != before.root:
            raise ForkRefused(f"root of the tree of {before.size} under {which}", before.root, got)

    def _leaves(self, after: int, upto: int) -> Iterator[list[bytes]]:
        """The stored leaves behind a position, some at a time, as far as there are any."""
        while after < upto:
            rows = self._connection.execute(
                "SELECT coalesce(leaf, '') FROM ledger.events "
                "WHERE shard = %s AND position > %s AND position <= %s ORDER BY position",
                (SHARD, after, min(upto, after + LEAVES_AT_ONCE)),
                binary=True,
            ).fetchall()
            if not rows:
                return
            yield [leaf for (leaf,) in rows]
            after += len(rows)

    def _extend_tiles(self, size: int, head: Checkpoint) -> None:
        builder = TileBuilder.from_reader(self._tiles, size)
        for leaves in self._leaves(size, head.size):
            builder, rows = builder.extend(leaves)
            levels, indexes, hashes = (list(column) for column in zip(*rows, strict=True))
            self._connection.execute(_UPSERT_TILES, (SHARD, levels, indexes, hashes), binary=True)
        if builder.size < head.size:
            raise HeadMismatch("entries of the ledger", head.size, builder.size)
        got = root_from_tiles(self._tiles, head.size)
        if got != head.root:
            raise HeadMismatch(f"root of the tree of {head.size}", head.root, got)


class _Over(Struct, frozen=True):
    """A `TileReader` over rows in memory, and where they have none, over others."""

    rows: RowReader
    others: PostgresTiles

    def tile(self, level: int, index: int, width: int) -> bytes:
        """The first `width` hashes of a tile; empty when there is none."""
        return self.rows.tile(level, index, width) or self.others.tile(level, index, width)


def _check_follows(which: str, before: Checkpoint, head: Checkpoint) -> None:
    if before.origin != head.origin:
        raise ForkRefused(f"origin of {which}", before.origin, head.origin)
    if before.size > head.size:
        raise ForkRefused(f"entries of the ledger under {which}", f"at least {before.size}", head.size)


# What is NULL is an empty value here: nothing agrees with it, and whatever is made of it is refused by its form.
_HEAD = "SELECT coalesce(origin, ''), coalesce(size, -1), coalesce(root, '') FROM ledger.head WHERE shard = %s"
_ENTRY = "SELECT coalesce(entry, '') FROM ledger.events WHERE shard = %s AND position = %s"
_NEWEST = "SELECT size, coalesce(note, '') FROM ledger.checkpoints WHERE shard = %s ORDER BY size DESC LIMIT 1"
_COVERING = """
SELECT size, coalesce(note, '') FROM ledger.checkpoints WHERE shard = %s AND size >= %s ORDER BY size LIMIT 1"""
_UPSERT_TILES = """
INSERT INTO ledger.tiles (shard, level, index, hashes)
SELECT %s::smallint, * FROM unnest(%b::smallint[], %b::bigint[], %b::bytea[])
ON CONFLICT (shard, level, index) DO UPDATE SET hashes = excluded.hashes"""
