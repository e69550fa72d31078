"""Rounding of decimal numbers and shares: by name, exact, without the ambient decimal context."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.money import Rounding
from domain.pricing.amounts import WORKING_DIGITS, share_of, to_fen


@pytest.mark.parametrize(
    ("value", "rounding", "fen"),
    [
        ("0.5", Rounding.HALF_UP, 1),
        ("1.5", Rounding.HALF_UP, 2),
        ("2.5", Rounding.HALF_UP, 3),
        ("2.4999999999999999999999999", Rounding.HALF_UP, 2),
        ("2.9", Rounding.DOWN, 2),
        ("2.1", Rounding.UP, 3),
        ("2", Rounding.UP, 2),
    ],
)
def test_roundings_have_names(value: str, rounding: Rounding, fen: int) -> None:
    assert to_fen(Decimal(value), rounding) == fen


@pytest.mark.parametrize(
    ("share", "rounding", "fen"),
    [
        ("0.0825", Rounding.HALF_UP, 8_250),
        ("0.000005", Rounding.HALF_UP, 1),
        ("0.000005", Rounding.DOWN, 0),
        ("0.000001", Rounding.UP, 1),
        ("0", Rounding.UP, 0),
        ("1.5", Rounding.DOWN, 150_000),
    ],
)
def test_share_of_an_amount(share: str, rounding: Rounding, fen: int) -> None:
    assert share_of(100_000, share, rounding) == fen


@given(st.integers(0, 10**14), st.decimals(0, 2, places=10), st.sampled_from(Rounding))
def test_share_is_the_rounded_exact_product(amount_fen: int, share: Decimal, rounding: Rounding) -> None:
    exact = amount_fen * Fraction(share)
    got = share_of(amount_fen, f"{share:f}", rounding)
    away = got - exact
    bounds = {
        Rounding.HALF_UP: Fraction(-1, 2) < away <= Fraction(1, 2),
        Rounding.DOWN: -1 < away <= 0,
        Rounding.UP: 0 <= away < 1,
    }
    assert bounds[rounding]


def test_somebody_elses_precision_changes_nothing() -> None:
    with localcontext() as narrow:
        narrow.prec = 3
        assert share_of(123_456_789, "0.3333333333", Rounding.HALF_UP) == 41_152_263
        assert to_fen(Decimal("123456789.5"), Rounding.HALF_UP) == 123_456_790
    assert WORKING_DIGITS == 50
