"""Numbers with a check digit: vehicles (GB 16735) and, to keep them out, identity and mobile numbers of persons."""

from __future__ import annotations

import re

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
