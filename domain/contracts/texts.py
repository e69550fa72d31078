"""Texts of clauses: their digest, their one accepted spelling, and the first difference of two."""

from __future__ import annotations

import unicodedata
from hashlib import sha256

import msgspec
from msgspec import Struct

_CONTEXT_CHARS = 12


class Difference(Struct, frozen=True):
    """The first place at which two texts part: character offset, and what stands there in each.

    `expected` and `got` are a code point with its Unicode name, or the empty text where one text has ended; `around` is
    the agreed text before and the expected text after it.
    """

    at: int
    expected: str
    got: str
    around: str


def difference(expected: str, got: str) -> Difference | None:
    """The first difference between two texts, or None when they are the same."""
    if expected == got:
        return None
    pairs = enumerate(zip(expected, got, strict=False))
    at = next((n for n, (one, other) in pairs if one != other), min(len(expected), len(got)))
    around = expected[max(0, at - _CONTEXT_CHARS) : at + _CONTEXT_CHARS]
    return Difference(at, _named(expected[at : at + 1]), _named(got[at : at + 1]), around)


def _named(char: str) -> str:
    return f"{char} U+{ord(char):04X} {unicodedata.name(char, '')}".rstrip() if char else ""


def text_digest(text: str) -> str:
    """SHA-256 over the exact UTF-8 bytes of a text, 64 lower-case hex digits."""
    return sha256(text.encode()).hexdigest()


def json_bytes(text: str) -> int:
    """How many bytes a text takes inside an entry, quotes and escapes included."""
    return len(msgspec.json.encode(text))
