"""Tiles: paths, bundles, growing rows, and proofs read from them for the tree of any checkpoint."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain import merkle, tiles
from chain.errors import MalformedTile, TileMismatch
from chain.tiles import RowReader, TileBuilder, TileHasher, TileName
from tests.chain.reference import Tree, numbered

SIZE = 1_100
TREE = Tree(numbered(SIZE))
LEAVES = [merkle.leaf_hash(entry) for entry in TREE.entries]


def grown(*batches: int) -> tuple[TileBuilder, RowReader]:
    """A log's rows after appending so many leaves at a time."""
    builder, reader = TileBuilder.empty(), RowReader()
    for batch in batches:
        builder, rows = builder.extend(LEAVES[builder.size : builder.size + batch])
        reader.put(rows)
    return builder, reader


BUILDER, READER = grown(SIZE)

# ------------------------------------------------------------------------------------------------------ paths


@pytest.mark.parametrize(
    ("name", "path"),
    [
        (TileName(0, 0), "tile/0/000"),
        (TileName(0, 1067), "tile/0/x001/067"),
        (TileName(1, 1234067), "tile/1/x001/x234/067"),
        (TileName(63, 999, 1), "tile/63/999.p/1"),
        (TileName(None, 1_000_000, 255), "tile/entries/x001/x000/000.p/255"),
        (TileName(None, 7), "tile/entries/007"),
    ],
)
def test_paths_of_the_specification(name: TileName, path: str) -> None:
    assert name.path() == path
    assert TileName.parse(path) == name


@given(st.none() | st.integers(0, 63), st.integers(0, 10**18), st.integers(1, 256))
def test_paths_round_trip(level: int | None, index: int, width: int) -> None:
    name = TileName(level, index, width)
    assert TileName.parse(name.path()) == name


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile/0",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/0/x000/001",
        "tile/0/001/067",
        "tile/0/x001",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/0/000.p",
        "tile/data/000",
        "tile/0/٠٠٠",
        "tile/0/000\n",
        "/tile/0/000",
        "tile/0/../000",
        "tile/8/0/000",
        "tile/0/" + "x001/" * 7 + "000",
    ],
)
def test_every_other_path_is_malformed(path: str) -> None:
    with pytest.raises(MalformedTile, match=r"tile path|tile width|tile level"):
        TileName.parse(path)


@pytest.mark.parametrize(
    "name", [TileName(64, 0), TileName(-1, 0), TileName(0, -1), TileName(0, 0, 0), TileName(0, 0, 257)]
)
def test_impossible_tiles_have_no_path(name: TileName) -> None:
    with pytest.raises(MalformedTile):
        name.path()


def test_short_names_of_paths() -> None:
    assert tiles.tile_path(2, 3) == "tile/2/003"
    assert tiles.entries_path(3, 9) == "tile/entries/003.p/9"


def test_tiles_of_the_specification_s_example() -> None:
    """A tree of 70,000 has 273 full tiles and one of 112, one full and one of 17, one of 1."""
    names = list(tiles.tiles_of(70_000))
    assert len(names) == 277
    assert [name.path() for name in names if name.width < 256] == [
        "tile/0/273.p/112",
        "tile/1/001.p/17",
        "tile/2/000.p/1",
    ]


def test_a_full_tile_has_a_partial_one_above_it() -> None:
    assert list(tiles.tiles_of(256)) == [TileName(0, 0, 256), TileName(1, 0, 1)]
    assert list(tiles.tiles_of(0)) == []
    assert tiles.tile_width(0, 1, 256) == 0
    assert tiles.tile_width(5, 9, 256) == 0


# ---------------------------------------------------------------------------------------------------- bundles


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=256))
def test_bundles_round_trip(entries: list[bytes]) -> None:
    assert tiles.decode_bundle(tiles.encode_bundle(entries), len(entries)) == entries


def test_a_bundle_s_bytes() -> None:
    assert tiles.encode_bundle([b"ab", b"", b"c" * 256]) == b"\0\2ab\0\0\1\0" + b"c" * 256


def test_longest_entry() -> None:
    longest = bytes(65_535)
    assert tiles.decode_bundle(tiles.encode_bundle([longest]), 1) == [longest]
    with pytest.raises(MalformedTile, match="bytes of an entry"):
        tiles.encode_bundle([bytes(65_536)])


@pytest.mark.parametrize("entries", [[], [b""] * 257])
def test_bundles_hold_1_to_256_entries(entries: list[bytes]) -> None:
    with pytest.raises(MalformedTile, match="entries in a bundle"):
        tiles.encode_bundle(entries)


@pytest.mark.parametrize(
    ("data", "width"),
    [(b"", 1), (b"\0", 1), (b"\0\1", 1), (b"\0\2a", 1), (b"\0\0\0", 1), (b"\0\0\0\0", 1), (b"\0\0", 2), (b"\0\0", 0)],
)
def test_torn_bundles_are_malformed(data: bytes, width: int) -> None:
    with pytest.raises(MalformedTile):
        tiles.decode_bundle(data, width)


# ------------------------------------------------------------------------------------------- growing the tiles


def test_rows_are_the_specification_s_hashes() -> None:
    """Hash i of tile n on level l is MTH(D[(n * 256 + i) * 256**l : (n * 256 + i + 1) * 256**l])."""
    for name in tiles.tiles_of(SIZE):
        span = 256 ** (name.level or 0)
        starts = [(name.index * 256 + i) * span for i in range(name.width)]
        expected = b"".join(TREE.mth(start, start + span) for start in starts)
        assert READER.tile(name.level or 0, name.index, 256) == expected, name.path()
    assert set(READER.rows()) == {(name.level, name.index) for name in tiles.tiles_of(SIZE)}


@given(st.lists(st.integers(0, 300), max_size=6))
def test_rows_do_not_depend_on_how_leaves_are_batched(batches: list[int]) -> None:
    builder, reader = grown(*batches)
    whole, expected = grown(builder.size)
    assert builder == whole
    assert reader.rows() == expected.rows()
    assert TileBuilder.from_reader(reader, builder.size) == builder


def test_only_changed_rows_are_written() -> None:
    builder, _ = grown(300)
    _, rows = builder.extend(LEAVES[300:301])
    assert [(level, index, len(hashes) // 32) for level, index, hashes in rows] == [(0, 1, 45)]
    _, rows = builder.extend(LEAVES[300:512])
    assert [(level, index, len(hashes) // 32) for level, index, hashes in rows] == [(0, 1, 256), (1, 0, 2)]
    assert builder.extend([])[1] == []


def test_a_third_level_of_tiles() -> None:
    """65,536 leaves fill level 1; all alike, so that the reference is one hash a level."""
    leaf = merkle.leaf_hash(b"same")
    builder, rows = TileBuilder.empty().extend([leaf] * 65_537)
    reader = RowReader(rows)
    node = leaf
    for _ in range(16):
        node = merkle.node_hash(node, node)
    assert reader.tile(2, 0, 1) == node
    assert tiles.root_from_tiles(reader, 65_536) == node
    assert tiles.root_from_tiles(reader, 65_537) == merkle.node_hash(node, leaf)
    assert builder.edge == (leaf, b"", node)
    assert TileBuilder.from_reader(reader, 65_537) == builder


@pytest.mark.parametrize(
    ("size", "edge"),
    [
        (0, ()),
        (0, (bytes(32),)),
        (1, (b"",)),
        (255, (bytes(32 * 254),)),
        (256, (b"",)),
        (256, (b"", b"")),
        (1, (bytes(32), b"")),
    ],
)
def test_an_edge_of_another_size_is_refused(size: int, edge: tuple[bytes, ...]) -> None:
    with pytest.raises(MalformedTile):
        TileBuilder(size, edge)


# ------------------------------------------------------------------------------------------ reading and proofs


@given(st.data(), st.integers(1, SIZE), st.integers(0, 3))
def test_proofs_are_made_for_the_checkpoint_s_tree(data: st.DataObject, size: int, capacity: int) -> None:
    hasher = TileHasher(READER, size, capacity)
    index = data.draw(st.integers(0, size - 1))
    assert merkle.inclusion_proof(hasher, index, size) == TREE.path(index, 0, size)
    older = data.draw(st.integers(1, size))
    assert merkle.consistency_proof(hasher, older, size) == TREE.proof(older, size)
    assert merkle.tree_root(hasher, size) == tiles.root_from_tiles(READER, size) == TREE.root(size)


@given(st.lists(st.integers(1, SIZE), min_size=1, max_size=5))
def test_one_cache_serves_every_size(checkpoints: list[int]) -> None:
    hasher = TileHasher(READER, 1)
    for size in checkpoints:
        assert merkle.tree_root(hasher.at(size), size) == TREE.root(size)
    assert hasher.size == 1


def test_the_cache_spares_the_reader() -> None:
    class Counting(RowReader):
        asked = 0

        def tile(self, level: int, index: int, width: int) -> bytes:
            self.asked += 1
            return super().tile(level, index, width)

    reader = Counting()
    reader.put((level, index, hashes) for (level, index), hashes in READER.rows().items())
    hasher = TileHasher(reader, SIZE)
    for index in range(100):
        merkle.inclusion_proof(hasher, index, SIZE)
    # The tile of the first 256 leaves, the tile above it, and the partial tile at the right edge.
    assert reader.asked == 3


def test_a_node_outside_the_tree_is_malformed() -> None:
    for level, index in [(0, SIZE), (1, SIZE // 2), (8, SIZE // 256), (11, 0), (40, 0)]:
        with pytest.raises(MalformedTile):
            TileHasher(READER, SIZE).node(level, index)


@pytest.mark.parametrize("torn", [b"", bytes(31), bytes(33), bytes(64), bytes(257 * 32)])
def test_short_and_torn_tiles_are_malformed(torn: bytes) -> None:
    reader = RowReader([(0, 0, torn)])

    class Raw:
        def tile(self, level: int, index: int, width: int) -> bytes:
            return torn

    with pytest.raises(MalformedTile, match=r"tile/0/000\.p/3"):
        tiles.read_tile(Raw(), 0, 0, 3)
    with pytest.raises(MalformedTile):
        tiles.read_tile(reader, 0, 1, 3)


def test_a_store_may_answer_with_its_whole_row() -> None:
    class Whole:
        def tile(self, level: int, index: int, width: int) -> bytes:
            return READER.tile(level, index, 256)

    for size in (1, 3, 257, 600):
        assert tiles.root_from_tiles(Whole(), size) == TREE.root(size)
        assert TileBuilder.from_reader(Whole(), size) == grown(size)[0]


def test_full_tiles_only_have_a_root() -> None:
    assert tiles.tile_root(READER.tile(0, 2, 256)) == TREE.mth(512, 768)
    with pytest.raises(MalformedTile):
        tiles.tile_root(bytes(255 * 32))


def test_verify_tiles_accepts_every_checkpoint_of_the_log() -> None:
    for size in (0, 1, 255, 256, 257, 511, 512, 1_024, SIZE):
        tiles.verify_tiles(READER, size, TREE.root(size))


@given(st.data())
def test_one_wrong_bit_in_any_tile_is_red(data: st.DataObject) -> None:
    rows = dict(READER.rows())
    key = data.draw(st.sampled_from(sorted(rows)))
    bit = data.draw(st.integers(0, 8 * len(rows[key]) - 1))
    rows[key] = (int.from_bytes(rows[key]) ^ 1 << bit).to_bytes(len(rows[key]))
    reader = RowReader((level, index, hashes) for (level, index), hashes in rows.items())
    with pytest.raises(TileMismatch):
        tiles.verify_tiles(reader, SIZE, TREE.root(SIZE))


def test_another_root_and_a_missing_tile_are_red() -> None:
    with pytest.raises(TileMismatch, match="root of the tree"):
        tiles.verify_tiles(READER, SIZE, TREE.root(SIZE - 1))
    with pytest.raises(MalformedTile, match=r"tile/0/004\.p/76"):
        tiles.verify_tiles(grown(1_024)[1], SIZE, TREE.root(SIZE))
