"""Identifiers: UUIDv7 (RFC 9562 §5.7) inside, `<noun>_<32 hex digits>` towards people and programs outside."""

from __future__ import annotations

import re
from uuid import UUID

RANDOM_BITS = 74
_MS_BITS = 48
_TEXT = re.compile(r"([a-z][a-z_]*)_([0-9a-f]{32})")


class IdError(ValueError):
    """An identifier that is not of the expected form."""


def uuid7(unix_ms: int, random: int) -> UUID:
    """A UUIDv7 from milliseconds since 1970 (48 bits) and 74 random bits, both given by the caller.

    Raises `IdError` when either does not fit. Layout: unix_ts_ms 48 | ver 4 | rand_a 12 | var 2 | rand_b 62.
    """
    if not 0 <= unix_ms < 1 << _MS_BITS:
        raise IdError(f"unix_ms: expected 0 … 2^48-1, got {unix_ms}")
    if not 0 <= random < 1 << RANDOM_BITS:
        raise IdError(f"random: expected {RANDOM_BITS} bits, got {random.bit_length()}")
    rand_a, rand_b = random >> 62, random & ((1 << 62) - 1)
    return UUID(int=unix_ms << 80 | 0x7 << 76 | rand_a << 64 | 0b10 << 62 | rand_b)


def format_id(noun: str, value: UUID) -> str:
    """`format_id("lease", u)` → `lease_018f…` (32 lower-case hex digits)."""
    return f"{noun}_{value.hex}"


def parse_id(noun: str, text: str) -> UUID:
    """The UUID in `<noun>_<hex>`; raises `IdError` naming what was expected and what came."""
    match = _TEXT.fullmatch(text)
    if match is None or match[1] != noun:
        raise IdError(f"expected {noun}_ and 32 lower-case hex digits, got {text[:64]!r}")
    return UUID(hex=match[2])
