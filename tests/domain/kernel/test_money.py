"""Division of money: every quotient has a named rounding."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.money import Rounding, divide

HALF_UP, DOWN, UP = Rounding


@pytest.mark.parametrize(
    ("numerator", "denominator", "rounding", "expected"),
    [
        (5, 2, HALF_UP, 3),
        (-5, 2, HALF_UP, -3),
        (5, -2, HALF_UP, -3),
        (7, 3, HALF_UP, 2),
        (8, 3, HALF_UP, 3),
        (8, 3, DOWN, 2),
        (-8, 3, DOWN, -2),
        (7, 3, UP, 3),
        (-7, 3, UP, -3),
        (6, 3, UP, 2),
        (0, 3, UP, 0),
        (10**40 + 1, 2, HALF_UP, 5 * 10**39 + 1),
    ],
)
def test_roundings(numerator: int, denominator: int, rounding: Rounding, expected: int) -> None:
    assert divide(numerator, denominator, rounding) == expected


@given(st.integers(), st.integers().filter(bool))
def test_roundings_are_next_to_the_quotient(numerator: int, denominator: int) -> None:
    exact = Fraction(numerator, denominator)
    down, half, up = (divide(numerator, denominator, rounding) for rounding in (DOWN, HALF_UP, UP))
    assert abs(down) <= abs(exact) <= abs(up)
    assert half in {down, up}
    assert abs(half - exact) <= Fraction(1, 2)
    assert abs(up) - abs(down) == (0 if exact.denominator == 1 else 1)


def test_nothing_is_divided_by_nothing() -> None:
    with pytest.raises(ZeroDivisionError):
        divide(1, 0, HALF_UP)
