"""C2SP tlog-tiles: the Merkle tree as files of 256 hashes, entries as bundles, and proofs read from them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from functools import lru_cache, partial
from hashlib import sha256
from typing import Protocol

import msgspec

from chain.errors import MalformedTile, TileMismatch
from chain.merkle import HASH_SIZE, pair_up, tree_root

TILE_HEIGHT = 8
"""Tree levels that one tile spans."""

TILE_WIDTH = 256
"""Hashes in a full tile, entries in a full bundle."""

TILE_SIZE = TILE_WIDTH * HASH_SIZE
"""Bytes of a full tile."""

MAX_LEVEL = 63
MAX_ENTRY_SIZE = 0xFFFF
"""Bytes of one entry: its length is a 16-bit number."""

CACHED_TILES = 1024
"""Tiles that a `TileHasher` keeps by default, with all their inner levels: 16 KiB each, 16 MiB in all."""

_NODE = b"\x01"
_PAIR = 2 * HASH_SIZE
# Seven groups of three digits name more tiles than a 64-bit tree can have.
_PATH = re.compile(r"tile/(entries|[0-9]{1,2})/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([0-9]{1,3}))?")


class TileName(msgspec.Struct, frozen=True):
    """Address of one tile, or of an entry bundle where `level` is None; `width` is 1 to 256."""

    level: int | None
    index: int
    width: int = TILE_WIDTH

    def path(self) -> str:
        """Path below the log's prefix, as in `tile/0/x001/067` or `tile/entries/000.p/7`."""
        level = "entries" if self.level is None else _checked("tile level", self.level, 0, MAX_LEVEL)
        _checked("tile index", self.index, 0, 10**21 - 1)
        groups = [f"{self.index % 1000:03d}"]
        rest = self.index // 1000
        while rest:
            groups.append(f"x{rest % 1000:03d}")
            rest //= 1000
        _checked("tile width", self.width, 1, TILE_WIDTH)
        partial = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return f"tile/{level}/{'/'.join(reversed(groups))}{partial}"

    @classmethod
    def parse(cls, path: str) -> TileName:
        """Inverse of `path`; `MalformedTile` for everything that `path` would not write."""
        match = _PATH.fullmatch(path)
        if not match:
            raise MalformedTile("tile path", "tile/<level>/<index>[.p/<width>]", path[:100])
        level, index, width = match.groups()
        name = cls(
            None if level == "entries" else int(level),
            int(index.replace("/", "").replace("x", "")),
            TILE_WIDTH if width is None else int(width),
        )
        if name.path() != path:
            raise MalformedTile("tile path", name.path(), path)
        return name


def tile_path(level: int, index: int, width: int = TILE_WIDTH) -> str:
    """Path of a tile of hashes below the log's prefix."""
    return TileName(level, index, width).path()


def entries_path(index: int, width: int = TILE_WIDTH) -> str:
    """Path of an entry bundle below the log's prefix."""
    return TileName(None, index, width).path()


def tile_width(level: int, index: int, size: int) -> int:
    """Hashes that tile (level, index) has in the tree of `size` leaves: 0 (there is no such tile) to 256."""
    return min(TILE_WIDTH, max(0, (size >> TILE_HEIGHT * level) - index * TILE_WIDTH))


def tiles_of(size: int) -> Iterator[TileName]:
    """Every tile of hashes of the tree of `size` leaves, lowest level first."""
    level = 0
    while size >> TILE_HEIGHT * level:
        hashes = size >> TILE_HEIGHT * level
        for index in range((hashes + TILE_WIDTH - 1) // TILE_WIDTH):
            yield TileName(level, index, tile_width(level, index, size))
        level += 1


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """An entry bundle: 1 to 256 entries, each after its length as a big-endian uint16."""
    _checked("entries in a bundle", len(entries), 1, TILE_WIDTH)
    parts: list[bytes] = []
    for entry in entries:
        _checked("bytes of an entry", len(entry), 0, MAX_ENTRY_SIZE)
        parts += (len(entry).to_bytes(2), entry)
    return b"".join(parts)


def decode_bundle(data: bytes, width: int) -> list[bytes]:
    """Inverse of `encode_bundle`; `MalformedTile` where it does not hold exactly `width` whole entries."""
    _checked("entries in a bundle", width, 1, TILE_WIDTH)
    entries: list[bytes] = []
    at = 0
    while at < len(data):
        start = at + 2
        at = start + int.from_bytes(data[at:start])
        if start > len(data) or at > len(data):
            raise MalformedTile(f"end of entry {len(entries)} in its bundle", f"{at} bytes", len(data))
        entries.append(data[start:at])
    if len(entries) != width:
        raise MalformedTile("entries in the bundle", width, len(entries))
    return entries


class TileReader(Protocol):
    """Source of tiles: a table, a folder, a server."""

    def tile(self, level: int, index: int, width: int) -> bytes:
        """The first `width` hashes of the tile, concatenated; more of the same tile may follow.

        So a store may answer with its row as it is, though the checkpoint in question is older.
        """
        ...


class TileHasher:
    """Any complete subtree's hash in the tree of `size` leaves, from tiles; a `merkle.NodeReader`.

    `size` is the checkpoint's and may be smaller than the log. Tiles are immutable for a given width, so the
    cache (least recently used out first) stays true while the log grows; `at` shares it between sizes.
    """

    __slots__ = ("_levels", "size")

    def __init__(self, reader: TileReader, size: int, capacity: int = CACHED_TILES) -> None:
        self.size = size
        self._levels = lru_cache(capacity)(partial(_inner_levels, reader))

    def at(self, size: int) -> TileHasher:
        """The same tiles and the same cache for another checkpoint's size."""
        other = copy(self)
        other.size = size
        return other

    def node(self, level: int, index: int) -> bytes:
        """Hash over the 2**level leaves from index * 2**level; `MalformedTile` where the tree has none."""
        tile_level, height = divmod(level, TILE_HEIGHT)
        tile = index >> (TILE_HEIGHT - height)
        start = (index - (tile << (TILE_HEIGHT - height))) * HASH_SIZE
        inner = self._levels(tile_level, tile, tile_width(tile_level, tile, self.size))
        found = inner[height][start : start + HASH_SIZE]
        if len(found) != HASH_SIZE:
            what = f"node {index} of level {level}"
            raise MalformedTile(what, "a tree that has it", f"a tree of {self.size}")
        return found


TileRow = tuple[int, int, bytes]
"""One tile as a store keeps it: level and index are the key; all its hashes so far, at most 8,192 bytes."""


class TileBuilder(msgspec.Struct, frozen=True, gc=False):
    """The partial tiles at the right edge of a growing tree: all that writing its next tiles needs.

    `edge[L]` is the partial tile of level L, empty where that level ends with a full one.
    """

    size: int
    edge: tuple[bytes, ...]

    def __post_init__(self) -> None:
        """Refuse an edge that does not fit the size: it would write wrong tiles for ever."""
        levels = max(1, -(-self.size.bit_length() // TILE_HEIGHT))
        if len(self.edge) != levels:
            raise MalformedTile(f"levels of tiles for {self.size} leaves", levels, len(self.edge))
        for level, hashes in enumerate(self.edge):
            expected = (self.size >> TILE_HEIGHT * level) % TILE_WIDTH * HASH_SIZE
            if len(hashes) != expected:
                what = f"partial tile of level {level} for {self.size} leaves"
                raise MalformedTile(what, f"{expected} bytes", f"{len(hashes)} bytes")

    @classmethod
    def empty(cls) -> TileBuilder:
        """The edge of the tree without leaves."""
        return cls(0, (b"",))

    @classmethod
    def from_reader(cls, reader: TileReader, size: int) -> TileBuilder:
        """The edge of the tree of `size` leaves whose tiles are in `reader`."""
        edge: list[bytes] = []
        for level in range(max(1, -(-size.bit_length() // TILE_HEIGHT))):
            index, width = divmod(size >> TILE_HEIGHT * level, TILE_WIDTH)
            edge.append(read_tile(reader, level, index, width) if width else b"")
        return cls(size, tuple(edge))

    def extend(self, leaves: Iterable[bytes]) -> tuple[TileBuilder, list[TileRow]]:
        """The edge after appending these leaf hashes, and every row that changed, to be upserted by key."""
        rows: list[TileRow] = []
        edge: list[bytes] = []
        new = list(leaves)
        size = self.size + len(new)
        level = 0
        while new or level < len(self.edge):
            old = self.edge[level] if level < len(self.edge) else b""
            first = self.size >> TILE_HEIGHT * (level + 1)
            hashes = old + b"".join(new)
            tiles = [hashes[at : at + TILE_SIZE] for at in range(0, len(hashes), TILE_SIZE)] if new else []
            rows += [(level, first + number, tile) for number, tile in enumerate(tiles)]
            edge.append(hashes[len(hashes) // TILE_SIZE * TILE_SIZE :])
            new = [tile_root(tile) for tile in tiles if len(tile) == TILE_SIZE]
            level += 1
        return TileBuilder(size, tuple(edge)), rows


class RowReader:
    """A `TileReader` over rows in memory."""

    def __init__(self, rows: Iterable[TileRow] = ()) -> None:
        self._rows: dict[tuple[int, int], bytes] = {}
        self.put(rows)

    def put(self, rows: Iterable[TileRow]) -> None:
        """Upsert rows by (level, index)."""
        self._rows.update(((level, index), hashes) for level, index, hashes in rows)

    def rows(self) -> Mapping[tuple[int, int], bytes]:
        """Every tile by (level, index)."""
        return self._rows

    def tile(self, level: int, index: int, width: int) -> bytes:
        """The tile's row, or nothing where there is none; the caller checks the width."""
        return self._rows.get((level, index), b"")[: width * HASH_SIZE]


def read_tile(reader: TileReader, level: int, index: int, width: int) -> bytes:
    """Exactly `width` hashes of a tile; `MalformedTile` where the reader has fewer or a torn one."""
    data = reader.tile(level, index, width)
    if len(data) % HASH_SIZE or not width * HASH_SIZE <= len(data) <= TILE_SIZE:
        what = f"tile {tile_path(level, index, width)}"
        raise MalformedTile(what, f"{width} hashes of {HASH_SIZE} bytes", f"{len(data)} bytes")
    return data[: width * HASH_SIZE]


def tile_root(tile: bytes) -> bytes:
    """Hash over a full tile (8,192 bytes): what stands for it in the level above."""
    _checked("bytes of a full tile", len(tile), TILE_SIZE, TILE_SIZE)
    nodes = [sha256(_NODE + tile[at : at + _PAIR]).digest() for at in range(0, TILE_SIZE, _PAIR)]
    while len(nodes) > 1:
        nodes = pair_up(nodes)
    return nodes[0]


def root_from_tiles(reader: TileReader, size: int) -> bytes:
    """Root of the tree of `size` leaves from the tiles at its right edge, 32 bytes."""
    return tree_root(TileHasher(reader, size), size)


def verify_tiles(reader: TileReader, size: int, root: bytes) -> None:
    """Check every tile of the tree of `size` leaves: each hash against the tile below, all against `root`.

    Raises `MalformedTile` where a tile is missing or torn, `TileMismatch` at the first hash that differs.
    """
    for name in tiles_of(size):
        level = name.level or 0
        tile = read_tile(reader, level, name.index, name.width)
        if name.width < TILE_WIDTH:
            continue
        above, slot = divmod(name.index, TILE_WIDTH)
        parent = read_tile(reader, level + 1, above, tile_width(level + 1, above, size))
        expected, got = tile_root(tile), parent[slot * HASH_SIZE : (slot + 1) * HASH_SIZE]
        if expected != got:
            raise TileMismatch(f"hash {slot} of tile {tile_path(level + 1, above)}", expected, got)
    got_root = root_from_tiles(reader, size)
    if got_root != root:
        raise TileMismatch(f"root of the tree of {size}", root, got_root)


def _inner_levels(reader: TileReader, level: int, index: int, width: int) -> list[bytes]:
    """The eight levels inside a tile, lowest first, each the hashes that are complete."""
    rows = [read_tile(reader, level, index, width) if width else b""]
    for _ in range(TILE_HEIGHT - 1):
        below = rows[-1]
        pairs = range(0, len(below) - _PAIR + 1, _PAIR)
        rows.append(b"".join([sha256(_NODE + below[at : at + _PAIR]).digest() for at in pairs]))
    return rows


def _checked(what: str, value: int, low: int, high: int) -> int:
    if not low <= value <= high:
        raise MalformedTile(what, f"{low} to {high}", value)
    return value
