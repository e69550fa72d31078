"""Merkle tree of RFC 6962 §2.1: hashes, the growing right edge, proofs and their verification."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Protocol

import msgspec

from chain.errors import MalformedFrontier, MalformedProof, ProofMismatch

HASH_SIZE = 32
"""Bytes of one SHA-256 hash."""

EMPTY_ROOT = sha256(b"").digest()
"""Root of the tree without entries (RFC 6962 §2.1)."""

_LEAF = b"\x00"
_NODE = b"\x01"


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256(0x00 ‖ entry), 32 bytes (RFC 6962 §2.1)."""
    return sha256(_LEAF + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right), 32 bytes (RFC 6962 §2.1)."""
    return sha256(_NODE + left + right).digest()


def pair_up(nodes: Sequence[bytes]) -> list[bytes]:
    """Hash neighbours two by two: n hashes of a level become n // 2; an odd last one is dropped."""
    pairs = iter(nodes)
    return [sha256(_NODE + left + right).digest() for left, right in zip(pairs, pairs, strict=False)]


def fold_peaks(peaks: Sequence[bytes]) -> bytes:
    """Root over complete subtrees, largest first; the empty root where there are none."""
    if not peaks:
        return EMPTY_ROOT
    root = peaks[-1]
    for peak in peaks[-2::-1]:
        root = sha256(_NODE + peak + root).digest()
    return root


class Frontier(msgspec.Struct, frozen=True, gc=False):
    """Right edge of a tree: the roots of its complete subtrees, largest first; what appending needs.

    One peak for every bit set in `size`, so at most 64 hashes for any tree that can exist.
    """

    size: int
    peaks: tuple[bytes, ...]

    def __post_init__(self) -> None:
        """Refuse peaks that cannot belong to this size: a wrong edge would poison every later root."""
        if self.size < 0:
            raise MalformedFrontier("tree size", "0 or more", self.size)
        if len(self.peaks) != self.size.bit_count():
            raise MalformedFrontier(
                f"peaks of a tree of {self.size}", self.size.bit_count(), f"{len(self.peaks)} peaks"
            )

    @classmethod
    def empty(cls) -> Frontier:
        """The edge of the tree without entries."""
        return cls(0, ())

    def extend(self, leaves: Sequence[bytes]) -> Frontier:
        """The edge after appending these leaf hashes (32 bytes each), one SHA-256 a leaf on average.

        The whole batch climbs level by level, so that the inner loop is one comprehension over SHA-256.
        """
        nodes = list(leaves)
        old = list(self.peaks)
        new: list[bytes] = []
        rest = self.size
        while nodes:
            if rest & 1:
                nodes.insert(0, old.pop())
            if len(nodes) & 1:
                new.append(nodes.pop())
            nodes = pair_up(nodes)
            rest >>= 1
        return Frontier(self.size + len(leaves), (*old, *reversed(new)))

    def root(self) -> bytes:
        """Root of the tree, 32 bytes (RFC 6962 §2.1)."""
        return fold_peaks(self.peaks)

    def to_bytes(self) -> bytes:
        """The peaks concatenated, largest first; the size is kept beside them."""
        return b"".join(self.peaks)

    @classmethod
    def from_bytes(cls, size: int, data: bytes) -> Frontier:
        """Inverse of `to_bytes`; `MalformedFrontier` where the length does not fit the size."""
        if size < 0:
            raise MalformedFrontier("tree size", "0 or more", size)
        expected = size.bit_count() * HASH_SIZE
        if len(data) != expected:
            raise MalformedFrontier(f"frontier of a tree of {size}", f"{expected} bytes", f"{len(data)} bytes")
        return cls(size, tuple(data[at : at + HASH_SIZE] for at in range(0, expected, HASH_SIZE)))


class NodeReader(Protocol):
    """Answers the hash of any complete subtree of a tree that is at least as large as the proof's."""

    def node(self, level: int, index: int) -> bytes:
        """Hash over the 2**level leaves that start at leaf index * 2**level."""
        ...


def inclusion_proof(reader: NodeReader, index: int, size: int) -> list[bytes]:
    """Audit path of leaf `index` in the tree of the first `size` leaves, lowest first (RFC 6962 §2.1.1)."""
    if not 0 <= index < size:
        raise MalformedProof("leaf index", f"0 to {size - 1}", index)
    return _path(reader, 0, index, size)


def consistency_proof(reader: NodeReader, size1: int, size2: int) -> list[bytes]:
    """Proof that the tree of `size2` leaves begins with the tree of `size1` (RFC 6962 §2.1.2).

    Empty where the sizes are equal or the first tree is: there is nothing to show.
    """
    if not 0 <= size1 <= size2:
        raise MalformedProof("older tree size", f"0 to {size2}", size1)
    if size1 in (0, size2):
        return []
    level = (size1 & -size1).bit_length() - 1
    index = (size1 - 1) >> level
    # A complete older tree is itself the first node of the proof, and the verifier holds its root already.
    first = [reader.node(level, index)] if index else []
    return first + _path(reader, level, index, size2)


def tree_root(reader: NodeReader, size: int) -> bytes:
    """Root of the tree of the first `size` leaves, 32 bytes."""
    return _range_root(reader, 0, size)


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Check that `leaf` (a leaf hash) is number `index` of the tree (size, root): RFC 9162 §2.1.3.2.

    Raises `MalformedProof` where the proof cannot be of this tree, `ProofMismatch` where it leads elsewhere.
    """
    if not 0 <= index < size:
        raise MalformedProof("leaf index", f"0 to {size - 1}", index)
    _check_hashes([leaf, root, *proof])
    got = leaf
    for on_left, sibling in _steps(index, size - 1, proof):
        got = node_hash(sibling, got) if on_left else node_hash(got, sibling)
    if got != root:
        raise ProofMismatch(f"root of the tree of {size} from leaf {index}", root, got)


def verify_consistency(size1: int, root1: bytes, size2: int, root2: bytes, proof: Sequence[bytes]) -> None:
    """Check that the tree (size2, root2) begins with the tree (size1, root1): RFC 9162 §2.1.4.2.

    An older tree of size 0 needs the empty root and an empty proof. Raises like `verify_inclusion`.
    """
    if not 0 <= size1 <= size2:
        raise MalformedProof("older tree size", f"0 to {size2}", size1)
    _check_hashes([root1, root2, *proof])
    if size1 in (0, size2):
        _verify_trivial(size1, root1, size2, root2, proof)
        return
    old, new = _roots_of_consistency(size1, root1, size2, proof)
    if old != root1:
        raise ProofMismatch(f"root of the older tree of {size1}", root1, old)
    if new != root2:
        raise ProofMismatch(f"root of the newer tree of {size2}", root2, new)


def _path(reader: NodeReader, level: int, index: int, size: int) -> list[bytes]:
    """Siblings on the way up from node (level, index) to the root of the tree of `size` leaves, lowest first.

    Below the level where the node and the last leaf part, every sibling is complete. At that level the
    sibling is the right edge, perhaps incomplete. Above it only left siblings, again complete, are left.
    """
    last = (size - 1) >> level
    parting = (index ^ last).bit_length()
    proof = [reader.node(level + up, (index >> up) ^ 1) for up in range(parting - 1)]
    if parting:
        edge = parting - 1 + level
        proof.append(_range_root(reader, (size - 1) >> edge << edge, size))
    left = index >> parting
    up = level + parting
    while left:
        if left & 1:
            proof.append(reader.node(up, left - 1))
        left >>= 1
        up += 1
    return proof


def _range_root(reader: NodeReader, start: int, end: int) -> bytes:
    """Root over leaves start..end-1, where `start` is a multiple of a power of two not below the width."""
    peaks: list[bytes] = []
    rest = end - start
    while rest:
        level = rest.bit_length() - 1
        peaks.append(reader.node(level, start >> level))
        start += 1 << level
        rest -= 1 << level
    return fold_peaks(peaks)


def _roots_of_consistency(size1: int, root1: bytes, size2: int, proof: Sequence[bytes]) -> tuple[bytes, bytes]:
    """The two roots that a consistency proof leads to, for 0 < size1 < size2."""
    # A complete older tree is a node of the newer one, so its root stands in for the first hash of the proof.
    path = list(proof) if size1 & (size1 - 1) else [root1, *proof]
    if not path:
        raise _wrong_length(proof, "more")
    shift = (size1 & -size1).bit_length() - 1
    old = new = path[0]
    for on_left, node in _steps((size1 - 1) >> shift, (size2 - 1) >> shift, path[1:]):
        if on_left:
            old, new = node_hash(node, old), node_hash(node, new)
        else:
            new = node_hash(new, node)
    return old, new


def _steps(at: int, last: int, proof: Sequence[bytes]) -> Iterator[tuple[bool, bytes]]:
    """The proof's hashes from below, each with whether it stands on the left: RFC 9162 §2.1.3.2 step 4.

    `at` is the proven node's index on its level, `last` that of the rightmost node.
    """
    for sibling in proof:
        if last == 0:
            raise _wrong_length(proof, "fewer")
        on_left = bool(at & 1) or at == last
        if on_left:
            # At the right edge, levels where the node has no left sibling take no hash from the proof.
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        at, last = at >> 1, last >> 1
        yield on_left, sibling
    if last:
        raise _wrong_length(proof, "more")


def _verify_trivial(size1: int, root1: bytes, size2: int, root2: bytes, proof: Sequence[bytes]) -> None:
    """Consistency with the empty tree or with the same tree: no proof is needed and none may be given."""
    if proof:
        raise MalformedProof(f"consistency proof from {size1} to {size2}", "no hashes", len(proof))
    expected = root1 if size1 == size2 else root2
    if size1 == 0 and root1 != EMPTY_ROOT:
        raise ProofMismatch("root of the older tree of 0", EMPTY_ROOT, root1)
    if expected != root2:
        raise ProofMismatch(f"root of the newer tree of {size2}", expected, root2)


def _check_hashes(hashes: Sequence[bytes]) -> None:
    for value in hashes:
        if len(value) != HASH_SIZE:
            raise MalformedProof("length of a hash", f"{HASH_SIZE} bytes", f"{len(value)} bytes")


def _wrong_length(proof: Sequence[bytes], wanted: str) -> MalformedProof:
    return MalformedProof("number of hashes in the proof", f"{wanted} than {len(proof)}", len(proof))
