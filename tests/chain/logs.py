"""A small log with a key, its checkpoints, proofs and files, made with `chain`, for tests that check it otherwise."""

from __future__ import annotations

from pathlib import Path

from chain import merkle, proof, tiles
from chain.checkpoint import Checkpoint, sign_checkpoint
from chain.note import Ed25519Signer
from chain.tiles import RowReader, TileBuilder, TileHasher

ORIGIN = "ledger.example/shard0"
SEED = bytes(range(32))


class Log:
    """Entries, their tiles and a signer; everything else is made on demand for any size."""

    def __init__(self, entries: list[bytes], origin: str = ORIGIN, seed: bytes = SEED) -> None:
        self.entries = entries
        self.origin = origin
        self.signer = Ed25519Signer(origin, seed)
        self.vkey = str(self.signer.vkey)
        _, rows = TileBuilder.empty().extend([merkle.leaf_hash(entry) for entry in entries])
        self.tiles = RowReader(rows)

    @property
    def size(self) -> int:
        return len(self.entries)

    def checkpoint(self, size: int) -> Checkpoint:
        return Checkpoint(self.origin, size, tiles.root_from_tiles(self.tiles, size))

    def note(self, size: int) -> bytes:
        return sign_checkpoint(self.checkpoint(size), [self.signer])

    def proof(self, index: int, size: int) -> bytes:
        hashes = merkle.inclusion_proof(TileHasher(self.tiles, size), index, size)
        return proof.format_proof(index, hashes, self.note(size))

    def consistency(self, older: int, size: int) -> list[bytes]:
        return merkle.consistency_proof(TileHasher(self.tiles, size), older, size)

    def export(self, folder: Path, size: int) -> None:
        """Write the tlog-tiles files of the tree of `size` entries, its checkpoint and the key."""
        (folder / "checkpoint").write_bytes(self.note(size))
        (folder / "vkey").write_text(self.vkey + "\n")
        for name in tiles.tiles_of(size):
            data = self.tiles.tile(name.level or 0, name.index, name.width)
            write(folder / name.path(), data)
            if name.level == 0:
                start = name.index * tiles.TILE_WIDTH
                bundle = tiles.encode_bundle(self.entries[start : start + name.width])
                write(folder / tiles.entries_path(name.index, name.width), bundle)


def write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
