"""C2SP signed-note: a text with signature lines under it, and the keys that make and check them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Struct

from chain.b64 import Base64Error, b64decode, b64encode
from chain.errors import MalformedNote, SignatureMismatch

ED25519 = 0x01
ML_DSA_44 = 0x06

PUBLIC_KEY_SIZES = {ED25519: 32, ML_DSA_44: 1312}
"""Signature types that a verifier key may have here, with the bytes of their public keys."""

SEED_SIZE = 32
MAX_NOTE_SIZE = 1_000_000
MAX_SIGNATURES = 100
"""The same two limits as Go's sumdb/note; the format asks for 16 signatures at least."""

_P = 2**255 - 19
_D = -121665 * pow(121666, -1, _P) % _P
_ORDER_8_Y = int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little")
_SMALL_ORDER_Y = frozenset((0, 1, _P - 1, _ORDER_8_Y, _P - _ORDER_8_Y))
"""y of the points of order 1, 2, 4 and 8 on the curve of RFC 8032 §5.1."""

_KEY_ID_SIZE = 4
_LINE_START = "— "
_KEY_ID = re.compile("[0-9a-f]{8}")
# Control characters except newline, and halves of surrogate pairs, which have no UTF-8.
_FORBIDDEN = re.compile("[\x00-\x09\x0b-\x1f\ud800-\udfff]")


class Signer(Protocol):
    """A private key with its name."""

    @property
    def vkey(self) -> VerifierKey:
        """The public half."""
        ...

    def sign(self, text: str) -> bytes:
        """Signature over a note text, without the key id."""
        ...


class Verifier(Protocol):
    """A public key with its name."""

    @property
    def vkey(self) -> VerifierKey:
        """The key itself."""
        ...

    def verify(self, text: str, signature: bytes) -> None:
        """Check a signature (without the key id) over a note text; `SignatureMismatch` where it is wrong."""
        ...


class VerifierKey(Struct, frozen=True):
    """A public key as people hand it on: `<name>+<key id in hexadecimal>+<Base64 of type and key>`."""

    name: str
    type: int
    public: bytes

    def __post_init__(self) -> None:
        """Refuse names that would break a signature line, unknown types and keys of a wrong size."""
        _check_name(self.name)
        size = PUBLIC_KEY_SIZES.get(self.type)
        if size is None:
            raise MalformedNote("signature type of the verifier key", "1 or 6", self.type)
        if len(self.public) != size:
            raise MalformedNote("public key", f"{size} bytes", f"{len(self.public)} bytes")
        if self.type == ED25519 and not _is_sound(self.public):
            raise MalformedNote("public key", "a point of large order, in its one form", self.public)

    @property
    def key_id(self) -> bytes:
        """First 4 bytes of SHA-256(name ‖ newline ‖ type ‖ public key): a name for it, not a proof."""
        return sha256(self.name.encode() + b"\n" + bytes([self.type]) + self.public).digest()[:_KEY_ID_SIZE]

    def __str__(self) -> str:
        """The text form."""
        encoded = b64encode(bytes([self.type]) + self.public).decode()
        return f"{self.name}+{self.key_id.hex()}+{encoded}"

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Inverse of `str`; `MalformedNote` also where the key id is not that of the key."""
        _check_characters(text)
        parts = text.split("+", 2)
        if len(parts) != 3 or not _KEY_ID.fullmatch(parts[1]):
            raise MalformedNote("verifier key", "<name>+<8 hexadecimal digits>+<Base64>", text[:100])
        key = _decoded("public key of the verifier key", parts[2])
        vkey = cls(parts[0], key[0] if key else 0, key[1:])
        if vkey.key_id.hex() != parts[1]:
            raise MalformedNote("key id of the verifier key", vkey.key_id.hex(), parts[1])
        return vkey


class Ed25519Signer:
    """Signs note texts with Ed25519 (type 0x01); deterministic."""

    def __init__(self, name: str, seed: bytes) -> None:
        """Take the 32-byte seed (RFC 8032 §5.1.5) from the caller, who keeps it secret."""
        if len(seed) != SEED_SIZE:
            raise MalformedNote("seed of the key", f"{SEED_SIZE} bytes", f"{len(seed)} bytes")
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.vkey = VerifierKey(name, ED25519, self._private.public_key().public_bytes_raw())

    def sign(self, text: str) -> bytes:
        """64 bytes over the UTF-8 of the text."""
        return self._private.sign(text.encode())


class Ed25519Verifier:
    """Checks Ed25519 signatures (type 0x01) over note texts."""

    def __init__(self, vkey: VerifierKey) -> None:
        if vkey.type != ED25519:
            raise MalformedNote("signature type of the verifier key", ED25519, vkey.type)
        self.vkey = vkey
        self._public = Ed25519PublicKey.from_public_bytes(vkey.public)

    def verify(self, text: str, signature: bytes) -> None:
        """Raise `SignatureMismatch` where this key did not sign the text."""
        try:
            self._public.verify(signature, text.encode())
        except InvalidSignature:
            raise wrong_signature(self.vkey, signature) from None


class Signature(Struct, frozen=True):
    """One signature line: the name and id of a key, and what it says it signed."""

    name: str
    key_id: bytes
    signature: bytes

    def line(self) -> str:
        """The line with its newline."""
        return f"{_LINE_START}{self.name} {b64encode(self.key_id + self.signature).decode()}\n"


class Note(Struct, frozen=True):
    """A parsed note; its text is not to be believed before `open_note` has checked a signature."""

    text: str
    signatures: tuple[Signature, ...]

    def to_bytes(self) -> bytes:
        """The note as it is sent and kept."""
        return (self.text + "\n" + "".join(line.line() for line in self.signatures)).encode()

    @classmethod
    def parse(cls, data: bytes) -> Note:
        """Split text and signatures at the last blank line; `MalformedNote` for anything out of format."""
        if len(data) > MAX_NOTE_SIZE:
            raise MalformedNote("size of the note", f"at most {MAX_NOTE_SIZE} bytes", len(data))
        try:
            whole = data.decode()
        except UnicodeDecodeError as error:
            raise MalformedNote("encoding of the note", "UTF-8", f"{error.reason} at {error.start}") from None
        _check_characters(whole)
        at = whole.rfind("\n\n")
        if at < 0:
            raise MalformedNote("note", "a blank line before the signatures", "none")
        lines = whole[at + 2 :].split("\n")
        if lines.pop() or not lines:
            raise MalformedNote("end of the note", "signature lines, each with a newline", whole[at + 2 :][-100:])
        if len(lines) > MAX_SIGNATURES:
            raise MalformedNote("signatures of the note", f"at most {MAX_SIGNATURES}", len(lines))
        return cls(whole[: at + 1], tuple(_parse_line(line) for line in lines))


class OpenedNote(Struct, frozen=True):
    """A note with at least one verified signature, and the lines under it that unknown keys made."""

    text: str
    verified: tuple[Signature, ...]
    unknown: tuple[Signature, ...]


def sign_note(text: str, signers: Sequence[Signer]) -> bytes:
    """A note over `text`, which must end in a newline, with one line for every signer in their order."""
    if not text.endswith("\n"):
        raise MalformedNote("note text", "a newline at its end", text[-20:])
    _check_characters(text)
    if not 1 <= len(signers) <= MAX_SIGNATURES:
        raise MalformedNote("signers of the note", f"1 to {MAX_SIGNATURES}", len(signers))
    lines = [Signature(it.vkey.name, it.vkey.key_id, it.sign(text)) for it in signers]
    return Note(text, tuple(lines)).to_bytes()


def open_note(data: bytes, verifiers: Iterable[Verifier]) -> OpenedNote:
    """Check a note: every line of a known key must be right and there must be one; unknown keys are ignored.

    A key is known by name and id together. Raises `MalformedNote` or `SignatureMismatch`.
    """
    note = Note.parse(data)
    known = {(it.vkey.name, it.vkey.key_id): it for it in verifiers}
    verified: list[Signature] = []
    unknown: list[Signature] = []
    for line in note.signatures:
        verifier = known.get((line.name, line.key_id))
        if verifier is None:
            unknown.append(line)
            continue
        verifier.verify(note.text, line.signature)
        verified.append(line)
    if not verified:
        wanted = ", ".join(f"{name} {key_id.hex()}" for name, key_id in known) or "no known key"
        came = ", ".join(f"{line.name} {line.key_id.hex()}" for line in unknown)
        raise SignatureMismatch("signer of the note", wanted, came)
    return OpenedNote(note.text, tuple(verified), tuple(unknown))


def _is_sound(public: bytes) -> bool:
    """Whether 32 bytes are the one form (RFC 8032 §5.1.3) of a point whose private key somebody must know.

    A key of small order "signs" every text without one. Such points have one of five y; x is only asked for whether it
    exists, by Euler's criterion.
    """
    y = int.from_bytes(public, "little") & (1 << 255) - 1
    if y >= _P or y in _SMALL_ORDER_Y:
        return False
    return pow((y * y - 1) * (_D * y * y + 1), (_P - 1) // 2, _P) == 1


def wrong_signature(vkey: VerifierKey, signature: bytes) -> SignatureMismatch:
    """The error of a known key whose signature is not of the text."""
    key = f"{vkey.name} {vkey.key_id.hex()}"
    return SignatureMismatch(f"signature by {key}", "one over this text", signature[:32].hex())


def _parse_line(line: str) -> Signature:
    """`— <name> <Base64 of key id and signature>`."""
    name, space, encoded = line.removeprefix(_LINE_START).partition(" ")
    if not line.startswith(_LINE_START) or not space:
        raise MalformedNote("signature line", f"{_LINE_START}<name> <Base64>", line[:100])
    _check_name(name)
    data = _decoded(f"signature by {name}", encoded)
    if len(data) <= _KEY_ID_SIZE:
        raise MalformedNote(f"signature by {name}", f"more than {_KEY_ID_SIZE} bytes", len(data))
    return Signature(name, data[:_KEY_ID_SIZE], data[_KEY_ID_SIZE:])


def _check_name(name: str) -> None:
    if not name or "+" in name or any(char.isspace() for char in name):
        raise MalformedNote("key name", "one without spaces and plus signs", repr(name[:100]))
    _check_characters(name)


def _check_characters(text: str) -> None:
    found = _FORBIDDEN.search(text)
    if found:
        raise MalformedNote("characters of a note", "UTF-8 without control characters", f"U+{ord(found.group()):04X}")


def _decoded(what: str, text: str) -> bytes:
    try:
        return b64decode(text)
    except Base64Error as error:
        raise MalformedNote(what, "canonical Base64", error) from None
