"""Signed notes: Go's published example, the rules about known and unknown keys, and malformed notes."""

from __future__ import annotations

import base64
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.errors import ChainError, MalformedNote, SignatureMismatch
from chain.note import (
    MAX_NOTE_SIZE,
    MAX_SIGNATURES,
    Ed25519Signer,
    Ed25519Verifier,
    Note,
    Signature,
    VerifierKey,
    open_note,
    sign_note,
)

# The example in the documentation of Go's golang.org/x/mod/sumdb/note.
GO_PRIVATE = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
GO_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
GO_NOTE = (
    GO_TEXT
    + "\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
).encode()

ALICE = Ed25519Signer("alice.example/log", b"a" * 32)
BOB = Ed25519Signer("bob.example/witness", b"b" * 32)
TEXT = "first line\n\nthird line\n"

texts = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters=[chr(n) for n in range(32)]) | st.just("\n")
)


def verifier(signer: Ed25519Signer) -> Ed25519Verifier:
    return Ed25519Verifier(signer.vkey)


# ------------------------------------------------------------------------------------------- Go's own example


def test_go_s_example_opens() -> None:
    opened = open_note(GO_NOTE, [Ed25519Verifier(VerifierKey.parse(GO_VKEY))])
    assert opened.text == GO_TEXT
    assert [line.name for line in opened.verified] == ["PeterNeumann"]
    assert opened.unknown == ()


def test_go_s_example_is_signed_to_the_same_bytes() -> None:
    seed = base64.b64decode(GO_PRIVATE.split("+", 4)[4])[1:]
    signer = Ed25519Signer("PeterNeumann", seed)
    assert str(signer.vkey) == GO_VKEY
    assert sign_note(GO_TEXT, [signer]) == GO_NOTE


# ------------------------------------------------------------------------------------------------------- keys


def test_key_id_is_the_specification_s_formula() -> None:
    vkey = ALICE.vkey
    assert vkey.key_id == sha256(b"alice.example/log\n\x01" + vkey.public).digest()[:4]
    encoded = base64.b64encode(b"\x01" + vkey.public).decode()
    assert str(vkey) == f"alice.example/log+{vkey.key_id.hex()}+{encoded}"


@given(st.binary(min_size=32, max_size=32), st.text("abc/.+é—", min_size=1).filter(lambda name: "+" not in name))
def test_verifier_keys_round_trip(seed: bytes, name: str) -> None:
    vkey = Ed25519Signer(name, seed).vkey
    assert VerifierKey.parse(str(vkey)) == vkey


PUBLIC = base64.b64encode(b"\x01" + bytes(32)).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "name+00000000",
        f"name+00000000+{PUBLIC}",
        f"+c74f20a3+{PUBLIC}",
        GO_VKEY + "\n",
        " " + GO_VKEY,
        GO_VKEY[:-1],
        GO_VKEY + "=",
        GO_VKEY.replace("c74f20a3", "C74F20A3"),
        GO_VKEY.replace("c74f20a3", "c74f20a4"),
        GO_VKEY.replace("Peter", "Petra"),
        GO_VKEY.replace("+ARpc", "+AhpC"),
        "name+00000000+",
        "name+00000000+AQ==",
        "name+00000000+" + base64.b64encode(b"\x02" + bytes(32)).decode(),
        "name+00000000+" + base64.b64encode(b"\x06" + bytes(32)).decode(),
        "na\ud800me+00000000+" + PUBLIC,
        "na\x00me+00000000+" + PUBLIC,
        "name+00000000+\ud800",
    ],
)
def test_malformed_verifier_keys(text: str) -> None:
    with pytest.raises(MalformedNote):
        VerifierKey.parse(text)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u00a0b", "a\u2003b", "a\nb", "a\x1bb", "\ud800"])
def test_names_that_would_break_a_line_are_refused(name: str) -> None:
    with pytest.raises(MalformedNote):
        Ed25519Signer(name, bytes(32))


@pytest.mark.parametrize("seed", [b"", bytes(31), bytes(33), bytes(64)])
def test_seeds_have_32_bytes(seed: bytes) -> None:
    with pytest.raises(MalformedNote, match="seed"):
        Ed25519Signer("name", seed)


@pytest.mark.parametrize(("kind", "size"), [(1, 31), (1, 33), (6, 32), (1, 1312), (2, 32)])
def test_public_keys_of_another_size_are_refused(kind: int, size: int) -> None:
    with pytest.raises(MalformedNote):
        VerifierKey("name", kind, bytes(size))


def test_a_verifier_takes_its_own_type_of_key_only() -> None:
    with pytest.raises(MalformedNote, match="signature type"):
        Ed25519Verifier(VerifierKey("name", 6, bytes(1312)))


# ---------------------------------------------------------------------------------------- opening and signing


@given(texts)
def test_every_text_round_trips_even_with_blank_lines_and_signature_lines_in_it(text: str) -> None:
    for body in (text + "\n", text + "\n\n", text + "\n\n— alice.example/log AAAAAAA=\n"):
        opened = open_note(sign_note(body, [ALICE, BOB]), [verifier(ALICE), verifier(BOB)])
        assert opened.text == body
        assert [line.name for line in opened.verified] == [ALICE.vkey.name, BOB.vkey.name]


def test_unknown_keys_are_ignored_even_when_wrong() -> None:
    note = Note.parse(sign_note(TEXT, [ALICE, BOB]))
    wrong = Signature(BOB.vkey.name, BOB.vkey.key_id, bytes(64))
    other = Signature(ALICE.vkey.name, b"\0\0\0\0", b"?")
    data = Note(note.text, (other, note.signatures[0], wrong)).to_bytes()
    opened = open_note(data, [verifier(ALICE)])
    assert opened.verified == (note.signatures[0],)
    assert opened.unknown == (other, wrong)


def test_a_wrong_signature_by_a_known_key_rejects_the_note() -> None:
    note = Note.parse(sign_note(TEXT, [ALICE, BOB]))
    wrong = Signature(BOB.vkey.name, BOB.vkey.key_id, bytes(64))
    data = Note(note.text, (note.signatures[0], wrong)).to_bytes()
    with pytest.raises(SignatureMismatch, match=r"signature by bob\.example/witness"):
        open_note(data, [verifier(ALICE), verifier(BOB)])


def test_a_second_wrong_signature_by_the_same_key_rejects_the_note() -> None:
    note = Note.parse(sign_note(TEXT, [ALICE]))
    wrong = Signature(ALICE.vkey.name, ALICE.vkey.key_id, bytes(64))
    with pytest.raises(SignatureMismatch):
        open_note(Note(note.text, (note.signatures[0], wrong)).to_bytes(), [verifier(ALICE)])


def test_a_note_that_no_known_key_signed_is_rejected() -> None:
    with pytest.raises(SignatureMismatch, match=r"signer of the note: expected alice.*got bob"):
        open_note(sign_note(TEXT, [BOB]), [verifier(ALICE)])
    with pytest.raises(SignatureMismatch, match="no known key"):
        open_note(sign_note(TEXT, [BOB]), [])


def test_the_key_of_the_same_name_is_another_key() -> None:
    namesake = Ed25519Signer(ALICE.vkey.name, b"n" * 32)
    with pytest.raises(SignatureMismatch, match="signer"):
        open_note(sign_note(TEXT, [namesake]), [verifier(ALICE)])


@pytest.mark.parametrize("length", [1, 63, 65, 128])
def test_signatures_of_another_length_are_wrong(length: int) -> None:
    line = Signature(ALICE.vkey.name, ALICE.vkey.key_id, bytes(length))
    with pytest.raises(SignatureMismatch):
        open_note(Note(TEXT, (line,)).to_bytes(), [verifier(ALICE)])


def test_no_byte_of_a_note_can_change() -> None:
    data = sign_note(TEXT, [ALICE])
    for at in range(len(data)):
        for mask in (0x01, 0x04, 0x20, 0x80):
            changed = data[:at] + bytes([data[at] ^ mask]) + data[at + 1 :]
            with pytest.raises((MalformedNote, SignatureMismatch)):
                open_note(changed, [verifier(ALICE)])


@given(st.binary())
def test_no_bytes_are_anything_but_a_note_or_malformed(data: bytes) -> None:
    with pytest.raises(ChainError):
        open_note(data, [verifier(ALICE)])


LINE = Signature("n", b"abcd", b"e").line()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"text\n",
        b"text\n\n",
        b"text\n" + LINE.encode(),
        b"text\n\n" + LINE.encode()[:-1],
        b"text\n\n" + LINE.encode() + b"more\n",
        b"text\n\n" + LINE.encode() + b"\n",
        f"text\n\n{LINE}".replace("—", "-").encode(),
        f"text\n\n{LINE}".replace("— ", "—").encode(),
        f"text\n\n{LINE}".replace("n YWJj", "n  YWJj").encode(),
        f"text\n\n{LINE}".replace("n YWJj", "n+m YWJj").encode(),
        f"text\n\n{LINE}".replace("n YWJj", "n\u00a0m YWJj").encode(),
        f"text\n\n{LINE}".replace("n YWJj", "YWJj").encode(),
        f"text\n\n{LINE}".replace("=", "").encode(),
        f"text\n\n{LINE}".replace("ZGU=", "ZGV=").encode(),
        f"text\n\n{LINE}".replace("\n", "\r\n").encode(),
        "text\n\n— n YWJjZA==\n".encode(),
        "text\n\n— n \n".encode(),
        b"te\x00xt\n\n" + LINE.encode(),
        b"te\txt\n\n" + LINE.encode(),
        b"te\xffxt\n\n" + LINE.encode(),
        b"te\xed\xa0\x80xt\n\n" + LINE.encode(),
        b"text\n\n" + LINE.encode() * (MAX_SIGNATURES + 1),
        b"t" * MAX_NOTE_SIZE + b"\n\n" + LINE.encode(),
    ],
)
def test_malformed_notes(data: bytes) -> None:
    with pytest.raises(MalformedNote, match=r"expected .*got"):
        Note.parse(data)


def test_as_many_signatures_as_the_limit() -> None:
    note = Note.parse(b"text\n\n" + LINE.encode() * MAX_SIGNATURES)
    assert len(note.signatures) == MAX_SIGNATURES


@pytest.mark.parametrize("text", ["", "no newline", "tab\tin it\n", "\x00\n", "\ud800\n"])
def test_texts_that_are_no_notes_are_not_signed(text: str) -> None:
    with pytest.raises(MalformedNote):
        sign_note(text, [ALICE])


def test_a_note_has_a_signer() -> None:
    with pytest.raises(MalformedNote, match="signers"):
        sign_note(TEXT, [])
