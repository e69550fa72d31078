"""Values that clauses, contracts and consents share: forms of lease, texts, references, and the exact text rule."""

from __future__ import annotations

import unicodedata
from hashlib import sha256
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from domain.intake.application.values import Code, Digest
from domain.pricing.parts import Form

TEXT_JSON_BYTES_MAX = 12 * 1024
"""Largest text that an event carries, as JSON; an entry of the ledger has 16 KiB, the rest is for its frame."""

TEXT_BYTES_MAX = 1 << 20
"""Largest text that enters by its digest alone."""

TITLE_MAX_CHARS = 80
VERSIONS_MAX = 500
"""Versions of one clause; a state stays quick to copy."""

FORMS_MAX = 8

VersionNumber = Annotated[int, Meta(ge=1, le=VERSIONS_MAX)]
"""Versions of a clause are numbered 1, 2, 3 … as they are drafted."""

Title = Annotated[str, Meta(min_length=1, max_length=TITLE_MAX_CHARS)]


Forms = Annotated[tuple[Form, ...], Meta(min_length=1, max_length=FORMS_MAX)]
"""The forms of lease that a clause version is written for."""


class ClauseRef(Struct, frozen=True, kw_only=True):
    """One version of one clause, and the SHA-256 of its exact text."""

    clause: Code
    version: VersionNumber
    digest: Digest


def text_digest(text: str) -> str:
    """SHA-256 over the exact UTF-8 bytes of a text, 64 lower-case hex digits."""
    return sha256(text.encode()).hexdigest()


def json_bytes(text: str) -> int:
    """How many bytes a text takes inside an entry, quotes and escapes included."""
    return len(msgspec.json.encode(text))


def is_exact(text: str) -> bool:
    """Whether a text is in Unicode Normalization Form C, without controls but the line feed, and not blank.

    Two texts that look alike but differ in bytes are a dispute in waiting, so that only one spelling is taken.
    """
    plain = all(char == "\n" or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Cn") for char in text)
    return plain and bool(text.strip()) and unicodedata.is_normalized("NFC", text)
