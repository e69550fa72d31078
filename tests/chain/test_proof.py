"""tlog-proof files: the format's own example, every entry of a log, and every byte of a file."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain import merkle
from chain.cosignature import verifier_of
from chain.errors import (
    ChainError,
    CheckpointMismatch,
    MalformedProof,
    MalformedProofFile,
    ProofMismatch,
    SignatureMismatch,
)
from chain.proof import MAX_EXTRA_SIZE, TlogProof, verify_leaf_proof, verify_proof
from tests.chain.logs import ORIGIN, Log
from tests.chain.reference import numbered

LOG = Log(numbered(700))
VERIFIERS = [verifier_of(LOG.vkey)]
HASH = base64.b64encode(bytes(32)).decode()
FILE = LOG.proof(73, 200)


def test_a_file_s_text() -> None:
    lines = FILE.decode().split("\n")
    assert lines[:2] == ["c2sp.org/tlog-proof@v1", "index 73"]
    assert len(base64.b64decode(lines[2])) == 32
    at = lines.index("")
    assert lines[at + 1 : at + 3] == [ORIGIN, "200"]
    assert FILE.endswith(LOG.note(200))


@given(st.data(), st.integers(1, 700))
def test_every_entry_under_every_checkpoint(data: st.DataObject, size: int) -> None:
    index = data.draw(st.integers(0, size - 1))
    file = LOG.proof(index, size)
    assert verify_proof(file, LOG.entries[index], VERIFIERS, ORIGIN) == LOG.checkpoint(size)
    assert verify_leaf_proof(file, merkle.leaf_hash(LOG.entries[index]), VERIFIERS).size == size


@given(
    st.integers(0, 10**18 - 1),
    st.lists(st.binary(min_size=32, max_size=32), max_size=63),
    st.binary(min_size=1),
    st.none() | st.binary(min_size=1),
)
def test_files_round_trip(index: int, hashes: list[bytes], note: bytes, extra: bytes | None) -> None:
    proof = TlogProof(index, tuple(hashes), note, extra)
    assert TlogProof.parse(proof.to_bytes()) == proof


def test_extra_data_is_carried_and_trusted_by_nobody() -> None:
    proof = TlogProof.parse(FILE)
    data = TlogProof(proof.index, proof.hashes, proof.checkpoint, b"anything").to_bytes()
    assert data.startswith(b"c2sp.org/tlog-proof@v1\nextra YW55dGhpbmc=\nindex 73\n")
    assert verify_proof(data, LOG.entries[73], VERIFIERS).size == 200


def test_no_byte_of_a_file_can_change() -> None:
    for at in range(len(FILE)):
        for mask in (0x01, 0x04, 0x20, 0x80):
            changed = FILE[:at] + bytes([FILE[at] ^ mask]) + FILE[at + 1 :]
            with pytest.raises(ChainError):
                verify_proof(changed, LOG.entries[73], VERIFIERS, ORIGIN)


@given(st.data())
def test_no_byte_of_the_entry_can_change(data: st.DataObject) -> None:
    entry = LOG.entries[73]
    at = data.draw(st.integers(0, len(entry) - 1))
    mask = data.draw(st.integers(1, 255))
    with pytest.raises(ProofMismatch):
        verify_proof(FILE, entry[:at] + bytes([entry[at] ^ mask]) + entry[at + 1 :], VERIFIERS)


def test_a_file_of_another_entry_key_or_log_is_red() -> None:
    with pytest.raises(ProofMismatch):
        verify_proof(FILE, LOG.entries[74], VERIFIERS)
    with pytest.raises(SignatureMismatch):
        verify_proof(FILE, LOG.entries[73], [])
    with pytest.raises(CheckpointMismatch):
        verify_proof(FILE, LOG.entries[73], VERIFIERS, "other.example/log")


def test_a_path_that_does_not_fit_the_checkpoint_is_malformed() -> None:
    proof = TlogProof.parse(FILE)
    for wrong in (
        TlogProof(200, proof.hashes, proof.checkpoint),
        TlogProof(73, proof.hashes[:-1], proof.checkpoint),
        TlogProof(73, (*proof.hashes, bytes(32)), proof.checkpoint),
    ):
        with pytest.raises(MalformedProof):
            verify_proof(wrong.to_bytes(), LOG.entries[73], VERIFIERS)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n\n",
        b"c2sp.org/tlog-proof@v1",
        b"c2sp.org/tlog-proof@v1\n\nnote",
        b"c2sp.org/tlog-proof@v1\nindex 0\n",
        b"c2sp.org/tlog-proof@v1\nindex 0\n\n",
        b"c2sp.org/tlog-proof@v2\nindex 0\n\nnote",
        b"c2sp.org/tlog-proof@v1 \nindex 0\n\nnote",
        b"c2sp.org/tlog-proof@v1\r\nindex 0\r\n\r\nnote",
        b"c2sp.org/tlog-proof@v1\nindex 00\n\nnote",
        b"c2sp.org/tlog-proof@v1\nindex -1\n\nnote",
        b"c2sp.org/tlog-proof@v1\nindex  1\n\nnote",
        b"c2sp.org/tlog-proof@v1\nindex\n\nnote",
        b"c2sp.org/tlog-proof@v1\nindex 1000000000000000000\n\nnote",
        b"c2sp.org/tlog-proof@v1\nindex \xd9\xa3\n\nnote",
        b"c2sp.org/tlog-proof@v1\nindex \xff\n\nnote",
        b"c2sp.org/tlog-proof@v1\nextra \nindex 0\n\nnote",
        b"c2sp.org/tlog-proof@v1\nextra AB==\nindex 0\n\nnote",
        b"c2sp.org/tlog-proof@v1\nextra AA==\n\nnote",
        b"c2sp.org/tlog-proof@v1\nextra AA==\nextra AA==\nindex 0\n\nnote",
        b"c2sp.org/tlog-proof@v1\nindex 0\nextra AA==\n\nnote",
        b"c2sp.org/tlog-proof@v1\nindex 0\nAAAA\n\nnote",
        f"c2sp.org/tlog-proof@v1\nindex 0\n{HASH} \n\nnote".encode(),
        f"c2sp.org/tlog-proof@v1\nindex 0\n{HASH[:-2]}B=\n\nnote".encode(),
        b"c2sp.org/tlog-proof@v1\nindex 0\n" + f"{HASH}\n".encode() * 64 + b"\nnote",
        b"c2sp.org/tlog-proof@v1\nindex 0\n\n" + b"n" * 2_000_000,
    ],
)
def test_malformed_files(data: bytes) -> None:
    with pytest.raises(MalformedProofFile, match=r"expected .*got"):
        TlogProof.parse(data)


@pytest.mark.parametrize(
    ("index", "hashes", "note", "extra"),
    [
        (-1, (), b"n", None),
        (10**18, (), b"n", None),
        (0, (bytes(31),), b"n", None),
        (0, (bytes(32),) * 64, b"n", None),
        (0, (), b"", None),
        (0, (), b"n", b""),
        (0, (), b"n", bytes(MAX_EXTRA_SIZE + 1)),
    ],
)
def test_impossible_files(index: int, hashes: tuple[bytes, ...], note: bytes, extra: bytes | None) -> None:
    with pytest.raises(MalformedProofFile):
        TlogProof(index, hashes, note, extra)


@given(st.binary())
def test_no_bytes_are_anything_but_a_proof_or_malformed(data: bytes) -> None:
    for file in (data, b"c2sp.org/tlog-proof@v1\n" + data, FILE[:120] + data):
        with pytest.raises(ChainError):
            verify_proof(file, b"", VERIFIERS)
