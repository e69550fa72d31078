"""Money: integers of the smallest unit (fen for CNY, cents for EUR) beside an ISO 4217 code; no float anywhere."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Meta

MAX_SAFE_INTEGER = 2**53 - 1
"""Largest integer that every I-JSON reader keeps exactly (RFC 7493 §2.2)."""

Fen = Annotated[int, Meta(ge=0, le=MAX_SAFE_INTEGER)]
"""An amount in the smallest unit of its currency, not negative."""

Amount = Annotated[int, Meta(ge=1, le=MAX_SAFE_INTEGER)]
"""An amount of money that moves: more than nothing."""

DeltaFen = Annotated[int, Meta(ge=-MAX_SAFE_INTEGER, le=MAX_SAFE_INTEGER)]
"""A signed change of an amount in the smallest unit of its currency."""

PPM = 1_000_000
"""Parts per million in one: shares of policies and plans are integers of this unit, units last in names (`*_ppm`)."""

Ppm = Annotated[int, Meta(ge=0, le=PPM)]
"""A share of at most the whole."""

Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$", max_length=3)]
"""ISO 4217 alphabetic code."""


class Rounding(StrEnum):
    """How a division that does not come out even is settled; no division goes without one."""

    HALF_UP = "half_up"
    """To the nearest, a half away from zero: what people do on paper (四舍五入)."""

    DOWN = "down"
    """Towards zero."""

    UP = "up"
    """Away from zero."""


def divide(numerator: int, denominator: int, rounding: Rounding) -> int:
    """The quotient as an integer, rounded as named; `divide(-5, 2, Rounding.HALF_UP)` is -3.

    Raises `ZeroDivisionError`.
    """
    whole, rest = divmod(abs(numerator), abs(denominator))
    if rounding is Rounding.HALF_UP:
        whole += 2 * rest >= abs(denominator)
    elif rounding is Rounding.UP:
        whole += rest > 0
    return -whole if (numerator < 0) is not (denominator < 0) else whole
