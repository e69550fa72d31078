"""Matching a statement: all four kinds of break, every line in one place, and money that adds up."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given as for_all
from hypothesis import strategies as st

from domain.payments.matching import BreakKind, Difference, Money, Movement, match

A, B = "a" * 64, "b" * 64
COLLECTION = Movement.COLLECTION


def money(ref: str, fen: int) -> Money:
    """A collection."""
    return Money(COLLECTION, ref, fen)


def test_all_agree() -> None:
    got = match([money(A, 5), money(B, 7)], [money(B, 7), money(A, 5)])
    assert got.matched == (money(A, 5), money(B, 7))
    assert got.breaks == ()
    assert got.matched_fen == 12


def test_nothing_is_nothing() -> None:
    assert match([], []).matched == ()


def test_missing_here() -> None:
    assert match([money(A, 5)], []).breaks == (Difference(COLLECTION, A, BreakKind.MISSING_HERE, 0, 5),)


def test_missing_there() -> None:
    assert match([], [money(A, 5)]).breaks == (Difference(COLLECTION, A, BreakKind.MISSING_THERE, 5, 0),)


def test_amount() -> None:
    assert match([money(A, 4)], [money(A, 5)]).breaks == (Difference(COLLECTION, A, BreakKind.AMOUNT, 5, 4),)


def test_duplicate_there() -> None:
    got = match([money(A, 5), money(A, 5)], [money(A, 5)])
    assert got.matched == (money(A, 5),)
    assert got.breaks == (Difference(COLLECTION, A, BreakKind.DUPLICATE, 0, 5),)


def test_duplicate_here() -> None:
    got = match([money(A, 5)], [money(A, 5), money(A, 3)])
    assert got.breaks == (Difference(COLLECTION, A, BreakKind.DUPLICATE, 3, 0),)


def test_the_equal_line_of_a_duplicate_is_the_one_that_matches() -> None:
    got = match([money(A, 9), money(A, 5)], [money(A, 5)])
    assert got.matched == (money(A, 5),)
    assert got.breaks == (Difference(COLLECTION, A, BreakKind.DUPLICATE, 0, 9),)


def test_kinds_are_never_mixed_up() -> None:
    """A chargeback has the reference of the money that it takes back: only the kind tells them apart."""
    both = [money(A, 5), Money(Movement.CHARGEBACK, A, 5)]
    assert match(both, both).breaks == ()
    got = match([money(A, 5)], [Money(Movement.REFUND, A, 5)])
    assert got.breaks == (
        Difference(COLLECTION, A, BreakKind.MISSING_HERE, 0, 5),
        Difference(Movement.REFUND, A, BreakKind.MISSING_THERE, 5, 0),
    )


lines = st.lists(
    st.builds(Money, st.sampled_from(Movement), st.sampled_from([f"{n:064x}" for n in range(6)]), st.integers(1, 4)),
    max_size=12,
)


def total(amounts: Iterable[int]) -> tuple[int, int]:
    """How many lines, and how much money; a side of a break that has nothing is no line."""
    there = [amount for amount in amounts if amount]
    return len(there), sum(there)


@for_all(lines, lines)
def test_every_line_ends_in_one_place_and_money_adds_up(rows: list[Money], ours: list[Money]) -> None:
    got = match(rows, ours)
    matched = [one.amount_fen for one in got.matched]
    assert total(row.amount_fen for row in rows) == total([*matched, *(one.got_fen for one in got.breaks)])
    assert total(one.amount_fen for one in ours) == total([*matched, *(one.expected_fen for one in got.breaks)])
    assert all(one.expected_fen != one.got_fen for one in got.breaks)


@for_all(lines, lines)
def test_a_reference_is_matched_once_or_differs_once_and_the_rest_repeats_it(
    rows: list[Money], ours: list[Money]
) -> None:
    got = match(rows, ours)
    first = [(one.movement, one.ref) for one in got.matched]
    first += [(one.movement, one.ref) for one in got.breaks if one.kind is not BreakKind.DUPLICATE]
    assert sorted(first) == sorted({(line.movement, line.ref) for line in (*rows, *ours)})


@for_all(lines, lines, st.randoms(use_true_random=False))
def test_the_order_of_lines_does_not_matter(rows: list[Money], ours: list[Money], random: st.DataObject) -> None:
    shuffled, also = list(rows), list(ours)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    random.shuffle(also)  # type: ignore[attr-defined]
    assert match(shuffled, also) == match(rows, ours)
