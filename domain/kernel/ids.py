"""Identifiers: our own, UUIDv7 (RFC 9562 §5.7) and `<noun>_<32 hex digits>` outside; numbers of vehicles and persons.

A vehicle's has a check digit (GB 16735); identity and mobile numbers of persons are known here to keep them out.
"""

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


_VIN = re.compile(r"[A-HJ-NPR-Z0-9]{17}")
_VIN_VALUES = {
    **{str(digit): digit for digit in range(10)},
    **dict(zip("ABCDEFGH", range(1, 9), strict=True)),
    **dict(zip("JKLMN", range(1, 6), strict=True)),
    "P": 7,
    "R": 9,
    **dict(zip("STUVWXYZ", range(2, 10), strict=True)),
}
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_VIN_CHECK_AT = 8
_VIN_CHECK_DIGITS = "0123456789X"

_MOBILE = re.compile(r"(?<![0-9])1[3-9][0-9]{9}(?![0-9])")
_IDENTITY = re.compile(
    r"(?<![0-9])[1-9][0-9]{5}(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9Xx](?![0-9])"
)
_IDENTITY_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_IDENTITY_CHECK_DIGITS = "10X98765432"


def vin_is_valid(vin: str) -> bool:
    """Whether a vehicle identification number has 17 allowed characters and its check digit, the ninth, holds."""
    if not _VIN.fullmatch(vin):
        return False
    total = sum(_VIN_VALUES[char] * weight for char, weight in zip(vin, _VIN_WEIGHTS, strict=True))
    return vin[_VIN_CHECK_AT] == _VIN_CHECK_DIGITS[total % 11]


def looks_personal(text: str) -> bool:
    """Whether a text holds a mainland mobile number, or an identity number whose check digit (GB 11643) holds."""
    if _MOBILE.search(text):
        return True
    return any(_identity_check_holds(found.group()) for found in _IDENTITY.finditer(text))


def _identity_check_holds(number: str) -> bool:
    total = sum(int(digit) * weight for digit, weight in zip(number[:17], _IDENTITY_WEIGHTS, strict=True))
    return number[17].upper() == _IDENTITY_CHECK_DIGITS[total % 11]
