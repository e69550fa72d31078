"""Row 6: inclusion proofs for entries anywhere in a log of a million, on one core: from the tiles table, and in memory.

The leaves are made up (SHA-256 of their number); tiles, checkpoint, signature and proof files are the real thing.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from hashlib import sha256

from adapters.postgres.connections import Connection, connect
from adapters.postgres.log import Log
from adapters.postgres.schema import SHARD
from adapters.system import now
from api.compose import Base
from chain.checkpoint import Checkpoint, sign_checkpoint
from chain.merkle import inclusion_proof
from chain.note import Ed25519Verifier
from chain.proof import format_proof, verify_leaf_proof
from chain.tiles import TILE_WIDTH, RowReader, TileBuilder, TileHasher, TileRow, root_from_tiles
from domain.kernel.times import utc_text
from tests.bench.model import Bar, Result, repeat, result
from tests.bench.place import Place

BAR = Bar("proofs", "proofs/s", 3_000.0)
BAR_IN_MEMORY = Bar("proofs in memory", "proofs/s", 3_000.0)
LEAVES_AT_ONCE = 65_536
VERIFIED = 50
"""Proofs of each round that are verified, outside the measured time."""

Prove = Callable[[int], bytes]


def run(place: Place) -> list[Result]:
    """Proof files per second for positions drawn at random."""
    sizes = place.sizes
    with place.ledger("proofs") as on, connect(on.url) as connection:
        tiles = build(sizes.leaves)
        note = store(on, connection, tiles, sizes.leaves)
        log = Log(connection)
        # All of level 0 fits, so that memory means memory.
        hasher = TileHasher(tiles, sizes.leaves, capacity=2 * (sizes.leaves // TILE_WIDTH + 1))

        def in_memory(position: int) -> bytes:
            path = inclusion_proof(hasher, position - 1, sizes.leaves)
            return format_proof(position - 1, path, note)

        def from_table(position: int) -> bytes:
            return log.proof_in_tiles(position)[1]

        chance = random.Random(sizes.leaves)
        table = repeat(lambda: rate(on, from_table, sizes.leaves, sizes.proofs, chance), sizes.rounds)
        memory = repeat(lambda: rate(on, in_memory, sizes.leaves, sizes.proofs, chance), sizes.rounds)
    measured = f"{sizes.leaves} entries, {sizes.proofs} random positions"
    return [
        result(BAR, table, measured=measured, note="proof files from the tiles table"),
        result(BAR_IN_MEMORY, memory, measured=measured, note="proof files from tiles in memory"),
    ]


def rate(on: Base, prove: Prove, leaves: int, proofs: int, chance: random.Random) -> float:
    """Proofs per second; some are verified afterwards. Raises what verification raises."""
    positions = [chance.randrange(leaves) + 1 for _ in range(proofs)]
    started = time.perf_counter()
    made = [prove(position) for position in positions]
    seconds = time.perf_counter() - started
    verifier = Ed25519Verifier(on.signer.vkey)
    for position, proof in list(zip(positions, made, strict=True))[:VERIFIED]:
        verify_leaf_proof(proof, leaf(position), [verifier], on.settings.origin)
    return proofs / seconds


def leaf(position: int) -> bytes:
    """The made-up leaf hash at a position."""
    return sha256(position.to_bytes(8)).digest()


def build(leaves: int) -> RowReader:
    """The tiles of the whole tree, in memory."""
    tiles, builder = RowReader(), TileBuilder.empty()
    while builder.size < leaves:
        last = min(leaves, builder.size + LEAVES_AT_ONCE)
        builder, rows = builder.extend([leaf(position) for position in range(builder.size + 1, last + 1)])
        tiles.put(rows)
    return tiles


def store(on: Base, connection: Connection, tiles: RowReader, leaves: int) -> bytes:
    """Put the tiles and a signed checkpoint of them into the ledger's tables; the checkpoint."""
    rows: list[TileRow] = [(level, index, hashes) for (level, index), hashes in tiles.rows().items()]
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO ledger.tiles (shard, level, index, hashes) VALUES (%s, %s, %s, %s)",
            [(SHARD, *row) for row in rows],
        )
    tree = Checkpoint(on.settings.origin, leaves, root_from_tiles(tiles, leaves))
    note = sign_checkpoint(tree, [on.signer])
    connection.execute(
        "INSERT INTO ledger.checkpoints (shard, size, note, published_at) VALUES (%s, %s, %s, %s)",
        (SHARD, leaves, note.decode(), utc_text(now())),
    )
    return note
