"""Merkle tree: published vectors, the RFC's own recursion as the reference, and what must be refused."""

from __future__ import annotations

import pickle
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain import merkle
from chain.errors import ChainError, Malformed, MalformedFrontier, MalformedProof, ProofMismatch
from chain.merkle import EMPTY_ROOT, Frontier
from tests.chain.reference import CT_ENTRIES, CT_ROOTS, Tree, numbered

SIZES = 300
TREE = Tree(numbered(SIZES))
LEAVES = [merkle.leaf_hash(entry) for entry in TREE.entries]

sizes = st.integers(1, SIZES)


def samples(size: int) -> list[int]:
    """First, last, neighbours of powers of two and a few more below `size`."""
    near = {2**k + d for k in range(9) for d in (-1, 0, 1)} | {0, size - 1, size // 3, size * 2 // 3}
    return sorted(n for n in near if 0 <= n < size)


# ---------------------------------------------------------------------------------------------------- vectors


@pytest.mark.parametrize("size", range(9))
def test_roots_of_certificate_transparency(size: int) -> None:
    leaves = [merkle.leaf_hash(entry) for entry in CT_ENTRIES[:size]]
    assert Frontier.empty().extend(leaves).root().hex() == CT_ROOTS[size]
    assert Tree(list(CT_ENTRIES)).root(size).hex() == CT_ROOTS[size]


def test_audit_path_of_certificate_transparency() -> None:
    path = merkle.inclusion_proof(Tree(list(CT_ENTRIES)), 0, 8)
    assert [value.hex() for value in path] == [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ]


def test_consistency_proof_of_certificate_transparency() -> None:
    proof = merkle.consistency_proof(Tree(list(CT_ENTRIES)), 6, 8)
    assert [value.hex() for value in proof] == [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]


def test_leaf_and_node_hashes_are_separated() -> None:
    assert merkle.leaf_hash(b"") == sha256(b"\x00").digest()
    assert merkle.node_hash(b"l" * 32, b"r" * 32) == sha256(b"\x01" + b"l" * 32 + b"r" * 32).digest()
    assert merkle.leaf_hash(b"l" * 32 + b"r" * 32) != merkle.node_hash(b"l" * 32, b"r" * 32)
    assert sha256(b"").digest() == EMPTY_ROOT


# --------------------------------------------------------------------------------------------------- frontier


def test_frontier_one_by_one_has_the_root_of_every_size() -> None:
    edge = Frontier.empty()
    for size in range(SIZES):
        assert (edge.size, edge.root()) == (size, TREE.root(size))
        edge = edge.extend(LEAVES[size : size + 1])


@given(st.lists(st.integers(0, 80), max_size=8))
def test_frontier_does_not_depend_on_how_leaves_are_batched(batches: list[int]) -> None:
    edge, size = Frontier.empty(), 0
    for batch in batches:
        more = LEAVES[size : size + batch]
        edge, size = edge.extend(more), size + len(more)
    assert edge == Frontier.empty().extend(LEAVES[:size])
    assert edge.root() == TREE.root(size)
    assert Frontier.from_bytes(size, edge.to_bytes()) == edge


def test_peaks_are_complete_subtrees_largest_first() -> None:
    edge = Frontier.empty().extend(LEAVES[:11])
    assert edge.peaks == (TREE.mth(0, 8), TREE.mth(8, 10), TREE.mth(10, 11))


def test_extending_leaves_the_old_frontier_alone() -> None:
    old = Frontier.empty().extend(LEAVES[:7])
    before = old.to_bytes()
    old.extend(LEAVES[7:20])
    assert (old.size, old.to_bytes()) == (7, before)


@pytest.mark.parametrize(
    ("size", "data"), [(0, b"x"), (1, b""), (3, bytes(32)), (3, bytes(65)), (4, bytes(64)), (-1, b""), (-1, bytes(32))]
)
def test_frontier_of_a_wrong_length_is_refused(size: int, data: bytes) -> None:
    with pytest.raises(MalformedFrontier, match=r"expected .*got"):
        Frontier.from_bytes(size, data)


@pytest.mark.parametrize(("size", "peaks"), [(1, ()), (0, (bytes(32),)), (2, (bytes(32), bytes(32))), (-1, ())])
def test_frontier_with_peaks_of_another_size_is_refused(size: int, peaks: tuple[bytes, ...]) -> None:
    with pytest.raises(MalformedFrontier):
        Frontier(size, peaks)


# ----------------------------------------------------------------------------------------------------- proofs


def test_every_size_gives_the_rfc_s_audit_paths() -> None:
    for size in range(1, SIZES + 1):
        for index in samples(size):
            proof = merkle.inclusion_proof(TREE, index, size)
            assert proof == TREE.path(index, 0, size), (index, size)
            merkle.verify_inclusion(index, size, LEAVES[index], proof, TREE.root(size))


def test_every_size_gives_the_rfc_s_consistency_proofs() -> None:
    for size in range(1, SIZES + 1):
        for older in [*samples(size)[1:], size]:
            proof = merkle.consistency_proof(TREE, older, size)
            assert proof == TREE.proof(older, size), (older, size)
            merkle.verify_consistency(older, TREE.root(older), size, TREE.root(size), proof)


def test_small_trees_exhaustively() -> None:
    for size in range(1, 34):
        for number in range(size):
            path = merkle.inclusion_proof(TREE, number, size)
            merkle.verify_inclusion(number, size, LEAVES[number], path, TREE.root(size))
            proof = merkle.consistency_proof(TREE, number, size)
            merkle.verify_consistency(number, TREE.root(number), size, TREE.root(size), proof)


@given(st.data(), sizes)
def test_a_changed_audit_path_is_red(data: st.DataObject, size: int) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = merkle.inclusion_proof(TREE, index, size)
    given_parts = [LEAVES[index], TREE.root(size), *proof]
    at = data.draw(st.integers(0, len(given_parts) - 1))
    given_parts[at] = flipped(data, given_parts[at])
    leaf, root, *path = given_parts
    with pytest.raises(ProofMismatch) as caught:
        merkle.verify_inclusion(index, size, leaf, path, root)
    assert caught.value.expected == root.hex()
    assert caught.value.got != root.hex()


@given(st.data(), sizes, sizes)
def test_a_changed_consistency_proof_is_red(data: st.DataObject, one: int, other: int) -> None:
    older, size = min(one, other), max(one, other)
    parts = [TREE.root(older), TREE.root(size), *merkle.consistency_proof(TREE, older, size)]
    at = data.draw(st.integers(0, len(parts) - 1))
    parts[at] = flipped(data, parts[at])
    root1, root2, *proof = parts
    with pytest.raises(ProofMismatch):
        merkle.verify_consistency(older, root1, size, root2, proof)


@given(st.data(), st.integers(2, SIZES))
def test_an_audit_path_of_another_place_is_red(data: st.DataObject, size: int) -> None:
    index = data.draw(st.integers(0, size - 1))
    claimed = data.draw(st.integers(0, size - 1).filter(lambda n: n != index))
    proof = merkle.inclusion_proof(TREE, index, size)
    with pytest.raises((ProofMismatch, MalformedProof)):
        merkle.verify_inclusion(claimed, size, LEAVES[index], proof, TREE.root(size))


@given(st.data(), sizes)
def test_an_audit_path_of_a_wrong_length_is_malformed(data: st.DataObject, size: int) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = merkle.inclusion_proof(TREE, index, size)
    wrong = [[*proof, bytes(32)]] + ([proof[:-1]] if proof else [])
    for path in wrong:
        with pytest.raises(MalformedProof):
            merkle.verify_inclusion(index, size, LEAVES[index], path, TREE.root(size))


@given(sizes, sizes)
def test_a_consistency_proof_of_a_wrong_length_is_malformed(one: int, other: int) -> None:
    older, size = min(one, other), max(one, other)
    proof = merkle.consistency_proof(TREE, older, size)
    wrong = [[*proof, bytes(32)]] + ([proof[:-1]] if proof else [])
    for hashes in wrong:
        with pytest.raises(MalformedProof):
            merkle.verify_consistency(older, TREE.root(older), size, TREE.root(size), hashes)


def test_the_empty_tree_is_consistent_with_every_tree_but_has_one_root() -> None:
    assert merkle.consistency_proof(TREE, 0, 5) == []
    merkle.verify_consistency(0, EMPTY_ROOT, 5, TREE.root(5), [])
    merkle.verify_consistency(0, EMPTY_ROOT, 0, EMPTY_ROOT, [])
    with pytest.raises(ProofMismatch):
        merkle.verify_consistency(0, bytes(32), 5, TREE.root(5), [])
    with pytest.raises(ProofMismatch):
        merkle.verify_consistency(0, EMPTY_ROOT, 0, bytes(32), [])
    with pytest.raises(MalformedProof):
        merkle.verify_consistency(0, EMPTY_ROOT, 5, TREE.root(5), [bytes(32)])


@pytest.mark.parametrize(("older", "size"), [(3, 7), (4, 7), (6, 8), (299, 300)])
def test_either_wrong_root_is_red(older: int, size: int) -> None:
    proof = merkle.consistency_proof(TREE, older, size)
    with pytest.raises(ProofMismatch):
        merkle.verify_consistency(older, bytes(32), size, TREE.root(size), proof)
    with pytest.raises(ProofMismatch, match="newer tree"):
        merkle.verify_consistency(older, TREE.root(older), size, bytes(32), proof)


def test_two_roots_of_one_size_are_red() -> None:
    with pytest.raises(ProofMismatch):
        merkle.verify_consistency(5, TREE.root(5), 5, TREE.root(6), [])


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 1), (5, 4)])
def test_a_leaf_outside_the_tree_is_malformed(index: int, size: int) -> None:
    with pytest.raises(MalformedProof, match="leaf index"):
        merkle.verify_inclusion(index, size, LEAVES[0], [], TREE.root(1))
    with pytest.raises(MalformedProof, match="leaf index"):
        merkle.inclusion_proof(TREE, index, size)


@pytest.mark.parametrize(("older", "size"), [(2, 1), (-1, 1)])
def test_a_shrinking_tree_is_malformed(older: int, size: int) -> None:
    with pytest.raises(MalformedProof, match="older tree size"):
        merkle.verify_consistency(older, TREE.root(2), size, TREE.root(1), [])
    with pytest.raises(MalformedProof, match="older tree size"):
        merkle.consistency_proof(TREE, older, size)


@pytest.mark.parametrize("wrong", [b"", bytes(31), bytes(33)])
def test_hashes_of_a_wrong_size_are_malformed(wrong: bytes) -> None:
    with pytest.raises(MalformedProof, match="32 bytes"):
        merkle.verify_inclusion(0, 2, LEAVES[0], [wrong], TREE.root(2))
    with pytest.raises(MalformedProof, match="32 bytes"):
        merkle.verify_inclusion(0, 1, wrong, [], TREE.root(1))
    with pytest.raises(MalformedProof, match="32 bytes"):
        merkle.verify_consistency(1, TREE.root(1), 2, wrong, [LEAVES[1]])


def test_tree_root_of_every_size() -> None:
    for size in range(SIZES + 1):
        assert merkle.tree_root(TREE, size) == TREE.root(size)


def test_errors_say_expected_and_got_and_cross_process_boundaries() -> None:
    error = ProofMismatch("root", b"\x01\x02", b"\x03")
    assert str(error) == "root: expected 0102, got 03"
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.what) == (ProofMismatch, str(error), "root")
    assert issubclass(MalformedProof, Malformed)
    assert issubclass(ProofMismatch, ChainError)
    assert not issubclass(ProofMismatch, Malformed)


def flipped(data: st.DataObject, value: bytes) -> bytes:
    """`value` with one bit changed."""
    bit = data.draw(st.integers(0, 8 * len(value) - 1))
    return (int.from_bytes(value) ^ 1 << bit).to_bytes(len(value))
