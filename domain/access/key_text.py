"""Text of an API key: what a caller sends, and what is recorded of it.

    llk_ <stream, 22> _ <secret, 32> <check, 6>      letters and digits (base 62), most significant first

The stream says which key it is, and is public; the secret is 190 random bits; the check is CRC-32 (ISO 3309) of all
before it, so that a scanner tells a key from what only looks like one, and nobody is asked about a slip of the pen.
Keys of before had no stream in them: `llk_` and 43 characters of base64url. Theirs follows from their digest.
"""

from __future__ import annotations

import re
from hashlib import sha256
from uuid import UUID, uuid5
from zlib import crc32

from msgspec import Struct

PREFIX = "llk_"
"""Lets people and secret scanners recognise a key that was left lying around."""

SECRET_BYTES = 32
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_STREAM_CHARS, _SECRET_CHARS, _CHECK_CHARS = 22, 32, 6
_KEY = re.compile(
    rf"llk_([0-9A-Za-z]{{{_STREAM_CHARS}}})_[0-9A-Za-z]{{{_SECRET_CHARS}}}([0-9A-Za-z]{{{_CHECK_CHARS}}})"
)
_KEY_OF_BEFORE = re.compile(r"llk_[0-9A-Za-z_-]{43}")
_KEYS_OF_BEFORE = UUID("5c0b8a44-7f0e-5d0c-8c53-1d3a8e1f6a27")
"""Namespace of the streams of keys of before: released, it never changes."""


class PresentedKey(Struct, frozen=True):
    """A key as somebody presents it: the stream that it names, SHA-256 of the whole text."""

    stream: UUID
    digest: str


def key_text(stream: UUID, random: bytes) -> str:
    """The text of a key with this stream and 32 random bytes. Raises `ValueError` for another number of bytes."""
    if len(random) != SECRET_BYTES:
        raise ValueError(f"expected {SECRET_BYTES} random bytes, got {len(random)}")
    # 256 bits are cut to 190: no secret is likelier than another by more than one part in 2^65.
    secret = _base62(int.from_bytes(random) % 62**_SECRET_CHARS, _SECRET_CHARS)
    body = f"{PREFIX}{_base62(stream.int, _STREAM_CHARS)}_{secret}"
    return body + _check(body)


def presented(text: str) -> PresentedKey | None:
    """What a text says if it has the form of a key; `None` for every other one."""
    found = _KEY.fullmatch(text)
    if found is None:
        return _of_before(text)
    number = _number(found[1])
    if number >= 1 << 128 or _check(text[:-_CHECK_CHARS]) != found[2]:
        return None
    return PresentedKey(UUID(int=number), digest_of(text))


def digest_of(text: str) -> str:
    """What is recorded in place of a key: SHA-256 in hex."""
    return sha256(text.encode()).hexdigest()


def stream_of_before(digest: str) -> UUID:
    """The stream of a key that was made before keys named theirs."""
    return uuid5(_KEYS_OF_BEFORE, digest)


def _of_before(text: str) -> PresentedKey | None:
    if not _KEY_OF_BEFORE.fullmatch(text):
        return None
    digest = digest_of(text)
    return PresentedKey(stream_of_before(digest), digest)


def _check(body: str) -> str:
    return _base62(crc32(body.encode()), _CHECK_CHARS)


def _base62(number: int, chars: int) -> str:
    digits = ""
    for _ in range(chars):
        number, digit = divmod(number, 62)
        digits = _DIGITS[digit] + digits
    return digits


def _number(digits: str) -> int:
    number = 0
    for digit in digits:
        number = number * 62 + _DIGITS.index(digit)
    return number
