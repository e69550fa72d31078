"""A reader written from the specifications alone, with nothing of `chain`, reads what `chain` writes."""

from __future__ import annotations

import base64
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.chain.logs import ORIGIN, Log
from tests.chain.reference import numbered, split

LOG = Log(numbered(1_000))


def mth(hashes: list[bytes]) -> bytes:
    """MTH of RFC 6962 §2.1 over leaf hashes."""
    if len(hashes) < 2:
        return hashes[0] if hashes else sha256(b"").digest()
    k = split(len(hashes))
    return sha256(b"\x01" + mth(hashes[:k]) + mth(hashes[k:])).digest()


def signed_text(note: bytes, vkey: str) -> str:
    """The text of a note with one signature line, checked with a key in its text form."""
    name, key_id, encoded = vkey.split("+", 2)
    text, _, line = note.decode().rpartition("\n\n")
    dash, signer, signature = line.removesuffix("\n").split(" ")
    blob, key = base64.b64decode(signature), base64.b64decode(encoded)
    assert (dash, signer, blob[:4].hex(), key[0]) == ("\u2014", name, key_id, 1)
    Ed25519PublicKey.from_public_bytes(key[1:]).verify(blob[4:], f"{text}\n".encode())
    return f"{text}\n"


def entries_in(folder: Path, count: int) -> list[bytes]:
    """The first `count` entries, from bundles."""
    entries: list[bytes] = []
    for n in range(-(-count // 256)):
        width = min(256, count - 256 * n)
        name = f"{n:03d}" if width == 256 else f"{n:03d}.p/{width}"
        data = (folder / "tile" / "entries" / name).read_bytes()
        while data:
            length = 256 * data[0] + data[1]
            entries.append(data[2 : 2 + length])
            data = data[2 + length :]
    return entries


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 600, 768, 1_000])
def test_a_stranger_reads_our_folder(tmp_path: Path, size: int) -> None:
    LOG.export(tmp_path, size)
    vkey = (tmp_path / "vkey").read_text().strip()
    origin, count, root, end = signed_text((tmp_path / "checkpoint").read_bytes(), vkey).split("\n")
    assert (origin, count, end) == (ORIGIN, str(size), "")
    entries = entries_in(tmp_path, size)
    assert entries == LOG.entries[:size]
    hashes = [sha256(b"\x00" + entry).digest() for entry in entries]
    assert mth(hashes) == base64.b64decode(root)
    files = {str(path.relative_to(tmp_path)) for path in tmp_path.glob("tile/[0-9]*/**/*") if path.is_file()}
    for level in (0, 1):
        nodes = [mth(hashes[at : at + 256**level]) for at in range(0, size // 256**level * 256**level, 256**level)]
        for n in range(-(-len(nodes) // 256)):
            tile = nodes[256 * n : 256 * n + 256]
            name = f"tile/{level}/{n:03d}" + (f".p/{len(tile)}" if len(tile) < 256 else "")
            assert (tmp_path / name).read_bytes() == b"".join(tile)
            files.remove(name)
    assert files == set()


@pytest.mark.parametrize(("index", "size"), [(0, 1), (0, 2), (5, 6), (72, 73), (73, 200), (255, 257), (999, 1_000)])
def test_a_stranger_reads_our_proof_file(index: int, size: int) -> None:
    head, note = LOG.proof(index, size).decode().split("\n\n", 1)
    magic, number, *lines = head.split("\n")
    assert (magic, number) == ("c2sp.org/tlog-proof@v1", f"index {index}")
    _, count, root, _ = signed_text(note.encode(), LOG.vkey).split("\n")
    path = [base64.b64decode(line) for line in lines]
    leaf = sha256(b"\x00" + LOG.entries[index]).digest()
    assert climbed(index, int(count), leaf, path) == base64.b64decode(root)


def climbed(m: int, n: int, leaf: bytes, path: list[bytes]) -> bytes:
    """The root that PATH(m, D[n]) leads to, downwards as RFC 6962 §2.1.1 defines it."""
    if n == 1:
        assert path == []
        return leaf
    k = split(n)
    if m < k:
        return sha256(b"\x01" + climbed(m, k, leaf, path[:-1]) + path[-1]).digest()
    return sha256(b"\x01" + path[-1] + climbed(m - k, n - k, leaf, path[:-1])).digest()
