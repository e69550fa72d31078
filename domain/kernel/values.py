"""Values that several contexts share: codes, references, digests, rates, kinds of asset, a version of a clause, texts.

Two texts that look alike but differ in bytes are a dispute in waiting, so that only one of them is taken. What is
invisible or turns the direction of what follows (bidirectional controls, zero-width characters, fillers that are
letters to Unicode and nothing to the eye) can make a reader see another text than the one that binds.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct
from msgspec.json import Encoder

from domain.kernel.money import MAX_SAFE_INTEGER

CODE_MAX_CHARS = 64

CLAUSE_VERSIONS_MAX = 500
"""Versions of one clause; a state stays quick to copy."""

Code = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_.]*$(?!\n)", max_length=CODE_MAX_CHARS)]
"""A word of a controlled vocabulary (a reason, a product, a provider): lower case, never a sentence about a person."""

Reference = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$(?!\n)", max_length=CODE_MAX_CHARS)]
"""The tenant's own business number of a case; says nothing about a person."""

Digest = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)", max_length=64)]
"""SHA-256 of a file, 64 lower-case hex digits; the file itself stays outside the ledger."""

Rate = Annotated[str, Meta(pattern=r"^(0|[1-9][0-9]{0,3})(\.[0-9]{1,10})?$(?!\n)", max_length=16)]
"""A rate per year as a decimal string; `0.0825` is 8.25 %."""

Count = Annotated[int, Meta(ge=0, le=MAX_SAFE_INTEGER)]
"""How many there are."""

ClauseVersionNumber = Annotated[int, Meta(ge=1, le=CLAUSE_VERSIONS_MAX)]
"""Versions of a clause are numbered 1, 2, 3 … as they are drafted."""


canonical_json: Callable[[object], bytes] = Encoder(order="sorted").encode
"""A value as canonical JSON (RFC 8785): members in order, no white space. Floats, and names beyond ASCII, are the
caller's to keep away. Raises `TypeError` for a value that JSON has not.
"""


class AssetClass(StrEnum):
    """What is leased. `UNSPECIFIED` is for cases whose asset is not named, such as imported ones."""

    PHONE = "phone"
    DEVICE = "device"
    VEHICLE = "vehicle"
    UNSPECIFIED = "unspecified"


class Business(StrEnum):
    """Which of the two businesses: operating lease of a device, or finance lease of a vehicle."""

    RENTAL = "rental"
    FINANCE = "finance"


class ClauseRef(Struct, frozen=True, kw_only=True):
    """One version of one clause, and the SHA-256 of its exact text."""

    clause: Annotated[Code, Meta(description="The clause: its code, or code, version and digest.")]
    version: Annotated[ClauseVersionNumber, Meta(description="Number of the clause's version, from 1.")]
    digest: Annotated[Digest, Meta(description="SHA-256 of the file or text; a file stays outside.")]


_UNSEEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zs", "Zl", "Zp"})
"""Controls, formats, surrogates, private use, unassigned, separators (Unicode, table 4-4): of spaces nobody sees which
one it is, so that U+0020 is the only one.
"""

_UNSEEN = (
    *((0x034F, 0x034F), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F)),
    *((0x2800, 0x2800), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFFA0, 0xFFA0), (0xE0100, 0xE01EF)),
    *((0xFFFC, 0xFFFC), (0x16FE4, 0x16FE4), (0x1D159, 0x1D159)),
)
"""First and last code points of what else shows nothing: Default_Ignorable_Code_Point (Unicode 15), empty Braille, what
stands for an object, the note without a head.
"""


def is_exact(text: str) -> bool:
    """Whether a text is in Unicode Normalization Form C, shows all of its characters but line feeds, and is not blank.

    Source: UAX #15 (normalization), UAX #9 (what bidirectional controls do).
    """
    plain = all(char == "\n" or _is_seen(char) for char in text)
    return plain and bool(text.strip()) and unicodedata.is_normalized("NFC", text)


def is_line(text: str) -> bool:
    """Whether a heading or a name is an exact text of one line."""
    return "\n" not in text and is_exact(text)


def _is_seen(char: str) -> bool:
    point = ord(char)
    return char == " " or (
        unicodedata.category(char) not in _UNSEEN_CATEGORIES and not any(a <= point <= b for a, b in _UNSEEN)
    )
