"""ML-DSA-44 cosignatures: what they sign, beside an Ed25519 signature on the same checkpoint."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from chain.cosignature import ML_DSA_44_SIZE, MlDsa44Signer, MlDsa44Verifier, verifier_of
from chain.errors import ChainError, MalformedCheckpoint, MalformedNote, SignatureMismatch
from chain.note import Ed25519Signer, Ed25519Verifier, Note, Signature, VerifierKey, open_note, sign_note
from tests.sampling import examples

CHECKPOINT = Checkpoint("ledger.example/shard0", 42, bytes(range(32)))
TIME_S = 1_800_000_000
LOG = Ed25519Signer(CHECKPOINT.origin, b"l" * 32)
SIGNER = MlDsa44Signer(CHECKPOINT.origin, b"q" * 32, TIME_S)
NOTE = sign_checkpoint(CHECKPOINT, [LOG, SIGNER])


def with_signature(signature: bytes) -> bytes:
    """The note with this ML-DSA line instead of its own."""
    note = Note.parse(NOTE)
    line = Signature(SIGNER.vkey.name, SIGNER.vkey.key_id, signature)
    return Note(note.text, (note.signatures[0], line)).to_bytes()


def test_both_signatures_stand_on_one_checkpoint() -> None:
    verifiers = [verifier_of(str(LOG.vkey)), verifier_of(str(SIGNER.vkey))]
    assert [type(it) for it in verifiers] == [Ed25519Verifier, MlDsa44Verifier]
    assert open_checkpoint(NOTE, verifiers, CHECKPOINT.origin) == CHECKPOINT
    assert len(open_note(NOTE, verifiers).verified) == 2
    for one in verifiers:
        assert open_checkpoint(NOTE, [one]) == CHECKPOINT


def test_the_signed_message_is_the_specification_s_structure() -> None:
    signature = Note.parse(NOTE).signatures[1].signature
    assert len(signature) == 8 + ML_DSA_44_SIZE
    assert int.from_bytes(signature[:8]) == TIME_S
    name = CHECKPOINT.origin.encode()
    message = b"subtree/v1\n\0" + bytes([len(name)]) + name + TIME_S.to_bytes(8)
    message += bytes([len(name)]) + name + bytes(8) + (42).to_bytes(8) + CHECKPOINT.root
    public = MLDSA44PrivateKey.from_seed_bytes(b"q" * 32).public_key()
    assert SIGNER.vkey.public == public.public_bytes_raw()
    public.verify(signature[8:], message)


def test_another_time_or_tree_is_red() -> None:
    signature = Note.parse(NOTE).signatures[1].signature
    verifiers = [verifier_of(SIGNER.vkey)]
    later = (TIME_S + 1).to_bytes(8) + signature[8:]
    with pytest.raises(SignatureMismatch):
        open_note(with_signature(later), verifiers)
    grown = Note(Checkpoint(CHECKPOINT.origin, 43, CHECKPOINT.root).body(), Note.parse(NOTE).signatures)
    with pytest.raises(SignatureMismatch):
        open_note(grown.to_bytes(), verifiers)


def test_the_same_key_under_another_name_is_red() -> None:
    other = MlDsa44Signer("other.example/log", b"q" * 32, TIME_S)
    line = Signature(other.vkey.name, other.vkey.key_id, Note.parse(NOTE).signatures[1].signature)
    with pytest.raises(SignatureMismatch):
        open_note(Note(CHECKPOINT.body(), (line,)).to_bytes(), [verifier_of(other.vkey)])


@settings(max_examples=examples(30))
@given(st.integers(0, 8 * (8 + ML_DSA_44_SIZE) - 1))
def test_one_wrong_bit_is_red(bit: int) -> None:
    signature = Note.parse(NOTE).signatures[1].signature
    wrong = (int.from_bytes(signature) ^ 1 << bit).to_bytes(len(signature))
    with pytest.raises(SignatureMismatch):
        open_note(with_signature(wrong), [verifier_of(SIGNER.vkey)])


@pytest.mark.parametrize("length", [1, 8, 8 + ML_DSA_44_SIZE - 1, 8 + ML_DSA_44_SIZE + 1])
def test_signatures_of_another_length_are_red(length: int) -> None:
    with pytest.raises(SignatureMismatch):
        open_note(with_signature(bytes(length)), [verifier_of(SIGNER.vkey)])


def test_a_time_beyond_2_to_the_63_is_red() -> None:
    name, time = CHECKPOINT.origin.encode(), (2**63).to_bytes(8)
    message = b"subtree/v1\n\0" + bytes([len(name)]) + name + time
    message += bytes([len(name)]) + name + bytes(8) + (42).to_bytes(8) + CHECKPOINT.root
    signature = MLDSA44PrivateKey.from_seed_bytes(b"q" * 32).sign(message)
    with pytest.raises(SignatureMismatch):
        open_note(with_signature(time + signature), [verifier_of(SIGNER.vkey)])


def test_only_checkpoints_can_be_signed() -> None:
    with pytest.raises(MalformedCheckpoint):
        sign_note("not a checkpoint\n", [SIGNER])
    with pytest.raises(MalformedNote, match="origin of a cosignature"):
        sign_checkpoint(Checkpoint("o" * 256, 1, bytes(32)), [SIGNER])


@pytest.mark.parametrize(("seed", "time_s"), [(bytes(31), 0), (bytes(33), 0), (bytes(32), -1), (bytes(32), 2**63)])
def test_impossible_signers(seed: bytes, time_s: int) -> None:
    with pytest.raises(MalformedNote):
        MlDsa44Signer("name", seed, time_s)


def test_a_verifier_takes_its_own_type_of_key_only() -> None:
    with pytest.raises(MalformedNote, match="signature type"):
        MlDsa44Verifier(LOG.vkey)


def test_verifier_keys_round_trip() -> None:
    assert VerifierKey.parse(str(SIGNER.vkey)) == SIGNER.vkey
    assert SIGNER.vkey.key_id != LOG.vkey.key_id


@given(st.text())
def test_no_text_is_anything_but_a_key_or_malformed(text: str) -> None:
    with pytest.raises(ChainError):
        verifier_of(text)
