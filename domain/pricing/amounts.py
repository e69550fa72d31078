"""Decimal arithmetic of amounts: integers in, integers out, and every rounding has a name.

Binary floating point never enters. Where a quotient has to go on being calculated with (discount factors), it is a
`Decimal` of `WORKING` precision; where it becomes money, it is rounded once, by a `Rounding` the caller names.
"""

from __future__ import annotations

import decimal
from decimal import Context, Decimal

from domain.kernel.money import Rounding, divide

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


_DECIMAL_ROUNDINGS = {
    Rounding.HALF_UP: decimal.ROUND_HALF_UP,
    Rounding.DOWN: decimal.ROUND_DOWN,
    Rounding.UP: decimal.ROUND_UP,
}


def decimal_rounding(rounding: Rounding) -> str:
    """What the `decimal` module calls a rounding."""
    return _DECIMAL_ROUNDINGS[rounding]


def to_fen(value: Decimal, rounding: Rounding) -> int:
    """The whole number of fen that a decimal number of fen rounds to."""
    return int(value.to_integral_value(rounding=decimal_rounding(rounding)))


def share_of(amount_fen: int, share: str, rounding: Rounding) -> int:
    """A share, given as a decimal string (`0.0825`), of an amount."""
    above, below = Decimal(share).as_integer_ratio()
    return divide(amount_fen * above, below, rounding)
