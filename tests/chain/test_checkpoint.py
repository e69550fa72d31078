"""Checkpoints: exactly three lines, in a note, of the log that was asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.checkpoint import MAX_SIZE, Checkpoint, open_checkpoint, sign_checkpoint
from chain.errors import ChainError, CheckpointMismatch, MalformedCheckpoint, SignatureMismatch
from chain.merkle import EMPTY_ROOT
from chain.note import Ed25519Signer, Ed25519Verifier, sign_note

ORIGIN = "example.com/behind-the-sofa"
ROOT = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
BODY = f"{ORIGIN}\n20852163\n{ROOT}\n"
SIGNER = Ed25519Signer(ORIGIN, b"s" * 32)
VERIFIER = Ed25519Verifier(SIGNER.vkey)

origins = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=[chr(n) for n in range(32)]), min_size=1)


def test_the_specification_s_example() -> None:
    checkpoint = Checkpoint.parse(BODY)
    assert (checkpoint.origin, checkpoint.size) == (ORIGIN, 20852163)
    assert checkpoint.root.hex() == "0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62"
    assert checkpoint.body() == BODY


@given(origins, st.integers(1, MAX_SIZE), st.binary(min_size=32, max_size=32))
def test_checkpoints_round_trip(origin: str, size: int, root: bytes) -> None:
    checkpoint = Checkpoint(origin, size, root)
    assert Checkpoint.parse(checkpoint.body()) == checkpoint
    assert open_checkpoint(sign_checkpoint(checkpoint, [SIGNER]), [VERIFIER], origin) == checkpoint


def test_the_empty_log_has_a_checkpoint() -> None:
    checkpoint = Checkpoint(ORIGIN, 0, EMPTY_ROOT)
    assert checkpoint.body() == f"{ORIGIN}\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
    with pytest.raises(MalformedCheckpoint, match="empty tree"):
        Checkpoint(ORIGIN, 0, bytes(32))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        BODY[:-1],
        BODY + "\n",
        BODY + "extension line\n",
        f"{ORIGIN}\n20852163\n",
        f"\n20852163\n{ROOT}\n",
        f"{ORIGIN}\n020852163\n{ROOT}\n",
        f"{ORIGIN}\n+20852163\n{ROOT}\n",
        f"{ORIGIN}\n-1\n{ROOT}\n",
        f"{ORIGIN}\n 1\n{ROOT}\n",
        f"{ORIGIN}\n1_0\n{ROOT}\n",
        f"{ORIGIN}\n1.0\n{ROOT}\n",
        f"{ORIGIN}\n٣\n{ROOT}\n",
        f"{ORIGIN}\n\n{ROOT}\n",
        f"{ORIGIN}\n{10**18}\n{ROOT}\n",
        f"{ORIGIN}\n1{'0' * 5000}\n{ROOT}\n",
        f"{ORIGIN}\n1\n{ROOT[:-1]}\n",
        f"{ORIGIN}\n1\n{ROOT[:-2]}J=\n",
        f"{ORIGIN}\n1\n{ROOT} \n",
        f"{ORIGIN}\n1\nAAAA\n",
        f"{ORIGIN}\n1\n\n",
        f"{ORIGIN}\r\n1\r\n{ROOT}\r\n",
        f"exam\tple\n1\n{ROOT}\n",
    ],
)
def test_malformed_checkpoints(text: str) -> None:
    with pytest.raises(MalformedCheckpoint, match=r"expected .*got"):
        Checkpoint.parse(text)


@pytest.mark.parametrize(
    ("origin", "size", "root"),
    [
        ("", 1, bytes(32)),
        ("a\nb", 1, bytes(32)),
        ("\ud800", 1, bytes(32)),
        ("a", -1, bytes(32)),
        ("a", 10**18, bytes(32)),
        ("a", 1, b""),
    ],
)
def test_impossible_checkpoints(origin: str, size: int, root: bytes) -> None:
    with pytest.raises(MalformedCheckpoint):
        Checkpoint(origin, size, root)


def test_another_log_s_checkpoint_is_not_ours() -> None:
    note = sign_checkpoint(Checkpoint("other.example/log", 1, bytes(32)), [SIGNER])
    assert open_checkpoint(note, [VERIFIER]).origin == "other.example/log"
    with pytest.raises(CheckpointMismatch, match=f"expected {ORIGIN}, got other.example/log"):
        open_checkpoint(note, [VERIFIER], ORIGIN)


def test_signed_text_that_is_no_checkpoint_is_malformed() -> None:
    with pytest.raises(MalformedCheckpoint):
        open_checkpoint(sign_note(BODY + "extension\n", [SIGNER]), [VERIFIER])


def test_an_unknown_signer_s_checkpoint_is_not_even_parsed() -> None:
    with pytest.raises(SignatureMismatch):
        open_checkpoint(sign_note("no checkpoint\n", [SIGNER]), [])


def test_signing_is_deterministic() -> None:
    checkpoint = Checkpoint(ORIGIN, 7, bytes(32))
    assert sign_checkpoint(checkpoint, [SIGNER]) == sign_checkpoint(checkpoint, [SIGNER])


@given(st.text())
def test_no_text_is_anything_but_a_checkpoint_or_malformed(text: str) -> None:
    with pytest.raises(ChainError):
        Checkpoint.parse(text)
