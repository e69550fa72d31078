"""The stand-alone verifier and `chain` give one verdict, on what is right and on what is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chain import merkle, verify
from chain.checkpoint import open_checkpoint
from chain.cosignature import verifier_of
from chain.errors import ChainError, Malformed
from chain.note import Note, Signature, VerifierKey
from chain.proof import verify_proof
from tests.chain.logs import ORIGIN, Log
from tests.chain.reference import Tree, numbered
from tests.sampling import examples

LOG = Log(numbered(600))
TREE = Tree(LOG.entries)
KEY = verify.parse_vkey(LOG.vkey)
VERIFIERS = [verifier_of(LOG.vkey)]


@given(st.data(), st.integers(1, 600))
def test_agreement_on_audit_paths(data: st.DataObject, size: int) -> None:
    index = data.draw(st.integers(0, size))
    proof = changed(data, merkle.inclusion_proof(TREE, min(index, size - 1), size))
    leaf, root = merkle.leaf_hash(LOG.entries[min(index, size - 1)]), TREE.root(size)
    assert outcome(lambda: merkle.verify_inclusion(index, size, leaf, proof, root)) == outcome(
        lambda: equal(verify.root_of_inclusion(index, size, leaf, proof), root)
    )


@given(st.data(), st.integers(0, 600), st.integers(0, 600))
def test_agreement_on_consistency(data: st.DataObject, older: int, size: int) -> None:
    proof = changed(data, merkle.consistency_proof(TREE, min(older, size), max(older, size)))
    old, new = TREE.root(older), TREE.root(data.draw(st.sampled_from([size, size, max(0, size - 1)])))
    heads = verify.Head(ORIGIN, older, old), verify.Head(ORIGIN, size, new)
    assert outcome(lambda: merkle.verify_consistency(older, old, size, new, proof)) == outcome(
        lambda: equal(verify.roots_of_consistency(*heads, proof), (old, new))
    )


@given(st.data(), st.integers(0, 600))
def test_agreement_on_notes(data: st.DataObject, size: int) -> None:
    note = LOG.note(size)
    at = data.draw(st.integers(0, len(note)))
    wrong = note[:at] + data.draw(st.binary(max_size=3)) + note[data.draw(st.integers(at, min(len(note), at + 3))) :]
    assert outcome(lambda: open_checkpoint(wrong, VERIFIERS)) == outcome(lambda: head_of(wrong))


LINE = Note.parse(LOG.note(5)).signatures[0]


@pytest.mark.parametrize(
    "lines",
    [
        (LINE, LINE),
        (LINE, Signature(LINE.name, LINE.key_id, bytes(64))),
        (Signature(LINE.name, LINE.key_id, bytes(64)), LINE),
        (Signature(LINE.name, b"\0\0\0\0", bytes(64)), LINE),
        (Signature("other", LINE.key_id, b"x"), LINE),
        (Signature(LINE.name, LINE.key_id, LINE.signature + b"\0"),),
        (LINE,) * 100,
        (LINE,) * 101,
    ],
)
def test_agreement_on_signature_lines(lines: tuple[Signature, ...]) -> None:
    note = Note(LOG.checkpoint(5).body(), lines).to_bytes()
    assert outcome(lambda: open_checkpoint(note, VERIFIERS)) == outcome(lambda: head_of(note))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), size=st.integers(1, 600))
def test_agreement_on_proof_files(tmp_path: Path, data: st.DataObject, size: int) -> None:
    index = data.draw(st.integers(0, size - 1))
    file = LOG.proof(index, size)
    at = data.draw(st.integers(0, len(file)))
    wrong = file[:at] + data.draw(st.binary(max_size=2)) + file[data.draw(st.integers(at, min(len(file), at + 2))) :]
    (tmp_path / "proof").write_bytes(wrong)
    (tmp_path / "entry").write_bytes(LOG.entries[index])
    assert outcome(lambda: verify_proof(wrong, LOG.entries[index], VERIFIERS)) == outcome(
        lambda: in_main(*verify.proof(KEY, tmp_path / "entry", tmp_path / "proof"))
    )


@given(st.text("abc+/= é\n\x85\u2003\x1f—"), st.sampled_from([LOG.vkey, ""]))
def test_agreement_on_verifier_keys(text: str, before: str) -> None:
    assert outcome(lambda: VerifierKey.parse(before + text)) == outcome(lambda: verify.parse_vkey(before + text))


def outcome(check: Callable[[], object]) -> int:
    """0 verified, 1 not verified, 2 unusable, of either implementation."""
    try:
        check()
    except verify.Failed as failed:
        return failed.status
    except Malformed:
        return 2
    except ChainError:
        return 1
    return 0


def equal(got: object, expected: object) -> None:
    if got != expected:
        raise verify.Failed("roots", expected, got)


def in_main(_: str, expected: object, got: object) -> None:
    """What the command line does with a command's outcome."""
    equal(got, expected)


def head_of(note: bytes) -> verify.Head:
    """As the command line reads it."""
    try:
        return verify.open_checkpoint(note.decode(), KEY)
    except UnicodeDecodeError:
        raise verify.Unusable("note", "UTF-8", "other bytes") from None


def changed(data: st.DataObject, proof: list[bytes]) -> list[bytes]:
    """The proof as it is, or with a hash changed, added or left out."""
    way = data.draw(st.sampled_from(["as it is", "change", "add", "drop"]))
    at = data.draw(st.integers(0, len(proof)))
    if way == "add":
        return [*proof[:at], bytes(32), *proof[at:]]
    if way == "as it is" or not proof[at:]:
        return proof
    return [*proof[:at], *([bytes(32)] if way == "change" else []), *proof[at + 1 :]]


# ------------------------------------------------------------------------------------------------------ Ed25519

RFC_8032 = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
            "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
            "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
]


@pytest.mark.parametrize(("public", "message", "signature"), RFC_8032)
def test_ed25519_vectors_of_rfc_8032(public: str, message: str, signature: str) -> None:
    key, text, good = bytes.fromhex(public), bytes.fromhex(message), bytes.fromhex(signature)
    assert verify.ed25519_signed(key, text, good)
    assert not verify.ed25519_signed(key, text + b"x", good)
    scalar = int.from_bytes(good[32:], "little") + 2**252 + 27742317777372353535851937790883648493
    assert not verify.ed25519_signed(key, text, good[:32] + scalar.to_bytes(32, "little"))


@settings(max_examples=examples(30))
@given(st.binary(min_size=32, max_size=32), st.binary(), st.integers(0, 95), st.integers(0, 7))
def test_ed25519_agrees_with_cryptography(seed: bytes, message: bytes, at: int, bit: int) -> None:
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public, signature = private.public_key().public_bytes_raw(), private.sign(message)
    assert verify.ed25519_signed(public, message, signature)
    both = bytearray(public + signature)
    both[at] ^= 1 << bit
    try:
        Ed25519PublicKey.from_public_bytes(bytes(both[:32])).verify(bytes(both[32:]), message)
    except InvalidSignature:
        assert not verify.ed25519_signed(bytes(both[:32]), message, bytes(both[32:]))
    else:
        assert verify.ed25519_signed(bytes(both[:32]), message, bytes(both[32:]))


def test_ed25519_points_have_one_encoding() -> None:
    """The neutral point is y = 1; y = p + 1 is the same number written otherwise."""
    forged = b"\x01" + bytes(63)
    assert not verify.ed25519_signed((2**255 - 18).to_bytes(32, "little"), b"", forged)


@pytest.mark.parametrize("length", [0, 31, 32, 63, 65])
def test_ed25519_signatures_of_another_length_are_wrong(length: int) -> None:
    assert not verify.ed25519_signed(KEY.public, b"", bytes(length))
