"""Division and rounding of money: integers in, integers out, and every rounding has a name.

Binary floating point never enters. Where a quotient has to go on being calculated with (discount factors), it is a
`Decimal` of `WORKING` precision; where it becomes money, it is rounded once, by a `Rounding` the caller names.
"""

from __future__ import annotations

import decimal
from decimal import Context, Decimal
from enum import StrEnum

WORKING_DIGITS = 50
"""Enough that 400 periods of compounding leave more than 30 digits beyond the fen."""

WORKING = Context(
    prec=WORKING_DIGITS,
    rounding=decimal.ROUND_HALF_EVEN,
    Emin=-999_999,
    Emax=999_999,
    traps=[decimal.InvalidOperation, decimal.DivisionByZero, decimal.Overflow],
)
"""The context of all decimal arithmetic here; use it through `decimal.localcontext(WORKING)`."""


class Rounding(StrEnum):
    """How a quotient becomes a whole number."""

    HALF_UP = decimal.ROUND_HALF_UP
    """To the nearest, ties away from zero: 四舍五入, as bills are rounded in China."""
    DOWN = decimal.ROUND_DOWN
    """Towards zero: what is left over goes to the last instalment."""
    UP = decimal.ROUND_UP
    """Away from zero."""


def divide(numerator: int, denominator: int, rounding: Rounding) -> int:
    """The whole number that numerator ÷ denominator rounds to, exactly, whatever their size.

    Raises `ZeroDivisionError`.
    """
    if denominator < 0:
        numerator, denominator = -numerator, -denominator
    whole, rest = divmod(abs(numerator), denominator)
    if rounding is Rounding.HALF_UP:
        whole += 2 * rest >= denominator
    elif rounding is Rounding.UP:
        whole += rest > 0
    return -whole if numerator < 0 else whole


def to_fen(value: Decimal, rounding: Rounding) -> int:
    """The whole number of fen that a decimal number of fen rounds to."""
    return int(value.to_integral_value(rounding=rounding.value))


def share_of(amount_fen: int, share: str, rounding: Rounding) -> int:
    """A share, given as a decimal string (`0.0825`), of an amount."""
    above, below = Decimal(share).as_integer_ratio()
    return divide(amount_fen * above, below, rounding)
