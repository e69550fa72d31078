"""Identifiers: our own, UUIDv7 (RFC 9562 §5.7) and `<noun>_<32 hex digits>` outside; numbers of vehicles and persons.

A vehicle's has a check digit (GB 16735); identity and mobile numbers of persons are known here to keep them out.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Callable
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

_UUID = re.compile(
    r"(?<![0-9a-z])[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}(?![0-9a-z])", re.IGNORECASE
)
_LETTERS_LEAST = 2
"""Letters of a UUID that was drawn: one in a thousand has fewer."""

_DIGITS_LEAST = 11
"""A mobile number has so many digits; all other numbers of persons have more."""

# What people put between groups of digits, at most two of them.
_GAP = r"[\s\-._/()·•‐‑–—―]{0,2}"
_MOBILE = re.compile(  # in groups of 3 4 4 or 4 3 4, or digit by digit; with or without the code of the country
    rf"(?<![0-9])(?:(?:\+|00)?86{_GAP})?0?1(?:[3-9][0-9]{_GAP}[0-9]{{4}}{_GAP}[0-9]{{4}}"
    rf"|[3-9][0-9]{{2}}{_GAP}[0-9]{{3}}{_GAP}[0-9]{{4}}|([ \-.])[3-9](?:\1[0-9]){{9}})(?![0-9])"
)
_PROVINCE = r"(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3]|91)"
_MONTH_AND_DAY = r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
_IDENTITY = re.compile(
    rf"(?<![0-9]){_PROVINCE}[0-9]{{4}}{_GAP}(?:19|20)[0-9]{{2}}{_GAP}{_MONTH_AND_DAY}{_GAP}[0-9]{{3}}[0-9Xx](?![0-9])"
)
_IDENTITY_OF_BEFORE = re.compile(
    rf"(?<![0-9]){_PROVINCE}[0-9]{{4}}{_GAP}[0-9]{{2}}{_MONTH_AND_DAY}{_GAP}[0-9]{{3}}(?![0-9])"
)
_CARD = re.compile(rf"(?<![0-9])62[0-9]{{2}}(?:{_GAP}[0-9]{{4}}){{3}}(?:{_GAP}[0-9]{{1,3}})?(?![0-9])")
_IMEI_BODIES = ("01", "35", "86", "91", "98", "99")
"""How IMEIs begin (3GPP TS 23.003 §6.2: the reporting body); with their check digit they are no identity numbers."""

_NUMERALS = {
    ord(numeral): str(digit)
    for digit, numerals in enumerate(
        ("〇零", "一壹幺", "二贰两", "三叁", "四肆", "五伍", "六陆", "七柒", "八捌", "九玖")
    )
    for numeral in numerals
}
_IDENTITY_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_IDENTITY_CHECK_DIGITS = "10X98765432"


def vin_is_valid(vin: str) -> bool:
    """Whether a vehicle identification number has 17 allowed characters and its check digit, the ninth, holds."""
    if not _VIN.fullmatch(vin):
        return False
    total = sum(_VIN_VALUES[char] * weight for char, weight in zip(vin, _VIN_WEIGHTS, strict=True))
    return vin[_VIN_CHECK_AT] == _VIN_CHECK_DIGITS[total % 11]


def looks_personal(text: str, *, alone: bool = False) -> bool:
    """Whether a text holds a number of a person, however it is written: digits of any script or Chinese numerals, with
    what people put between groups of them.

    Known are mainland mobile numbers, with and without the code of the country, identity numbers of 18 digits whose
    check digit holds (GB 11643) and of 15 digits with a date in them, and cards of UnionPay whose check digit holds.
    `alone` looks only at numbers that touch no letter, for in an identifier digits between letters are random, and so
    are those of a UUID that has letters (RFC 9562 §4): of 20,000 such one would hold a mobile number by chance.
    """
    plain = text if text.isascii() else _plain(text)
    if alone:
        plain = _UUID.sub(_without_chance, plain)
    if sum(map(plain.count, string.digits)) < _DIGITS_LEAST:
        return False
    return any(
        is_one(_digits(found.group()))
        for pattern, is_one in _PERSONAL
        for found in pattern.finditer(plain)
        if not (alone and _touches_letter(plain, *found.span()))
    )


def _plain(text: str) -> str:
    """A text with ASCII digits for those of all scripts, without what is not seen."""
    folded = unicodedata.normalize("NFKC", text).translate(_NUMERALS)
    seen = (char for char in folded if unicodedata.category(char) != "Cf")
    return "".join(str(digit) if (digit := unicodedata.decimal(char, None)) is not None else char for char in seen)


def _without_chance(uuid: re.Match[str]) -> str:
    """A letter for a UUID with letters; one of digits alone may be a number that was filled up."""
    return "x" if sum(map(str.isalpha, uuid.group())) >= _LETTERS_LEAST else uuid.group()


def _digits(number: str) -> str:
    return "".join(char for char in number if char.isascii() and char.isalnum())


def _touches_letter(text: str, first: int, behind: int) -> bool:
    return (first > 0 and text[first - 1].isalpha()) or (behind < len(text) and text[behind].isalpha())


def _is_identity_of_before(number: str) -> bool:
    return not (number.startswith(_IMEI_BODIES) and _luhn_holds(number))


def _luhn_holds(number: str) -> bool:
    """Whether the check digit of ISO/IEC 7812-1, annex B holds."""
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(number)))
    return sum(digit - 9 * (digit > 9) for digit in doubled) % 10 == 0


def _identity_check_holds(number: str) -> bool:
    total = sum(int(digit) * weight for digit, weight in zip(number[:17], _IDENTITY_WEIGHTS, strict=True))
    return number[17].upper() == _IDENTITY_CHECK_DIGITS[total % 11]


_PERSONAL: tuple[tuple[re.Pattern[str], Callable[[str], bool]], ...] = (
    (_MOBILE, lambda _: True),
    (_IDENTITY, _identity_check_holds),
    (_IDENTITY_OF_BEFORE, _is_identity_of_before),
    (_CARD, _luhn_holds),
)
