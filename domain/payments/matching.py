"""Matching a provider's statement with our own payments: pure, total, and to the fen.

    statement rows ─┐
                    ├─▶ by kind and reference ─▶ matched | exactly one break for every row of either side
    our payments  ──┘

A row is a collection, a refund or a chargeback; a chargeback has the reference of the money that it takes back.

    missing_here   the provider has money that we do not know of
    missing_there  we know of money that the provider does not have
    amount         both know of it, with different amounts
    duplicate      one side has the same reference again

What adds up: Σ rows = Σ matched + Σ got of the breaks, and Σ payments = Σ matched + Σ expected of the breaks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from domain.kernel.money import Amount, Fen
from domain.payments.payment.values import ProviderRef


class BreakKind(StrEnum):
    """Kind of difference between the two sides."""

    MISSING_HERE = "missing_here"
    MISSING_THERE = "missing_there"
    AMOUNT = "amount"
    DUPLICATE = "duplicate"


class Movement(StrEnum):
    """Which way money moved, as a statement says it: in, out by us, out by the payer's bank."""

    COLLECTION = "collection"
    REFUND = "refund"
    CHARGEBACK = "chargeback"


class Money(Struct, frozen=True, order=True):
    """One line of either side: kind, the provider's reference (as a digest) and the amount."""

    movement: Movement
    ref: ProviderRef
    amount_fen: Amount


class Difference(Struct, frozen=True, order=True):
    """One break: what we expected by our own books, what the statement has; 0 where a side has nothing."""

    movement: Movement
    ref: Annotated[ProviderRef, Meta(description="SHA-256 of the provider's own reference, lower-case hex.")]
    kind: Annotated[BreakKind, Meta(description="Kind of the break.")]
    expected_fen: Fen
    got_fen: Fen


class Matching(Struct, frozen=True):
    """Result of matching: the lines that agree, and the breaks in the order of their references."""

    matched: tuple[Money, ...]
    breaks: tuple[Difference, ...]

    @property
    def matched_fen(self) -> int:
        """The money both sides agree on."""
        return sum(one.amount_fen for one in self.matched)


def match(rows: Iterable[Money], ours: Iterable[Money]) -> Matching:
    """Match by kind and reference; the order of the lines does not matter."""
    there, here = _by_name(rows), _by_name(ours)
    matched: list[Money] = []
    breaks: list[Difference] = []
    for name in sorted(there.keys() | here.keys()):
        _match_one(name, there.get(name, []), here.get(name, []), matched, breaks)
    return Matching(tuple(matched), tuple(breaks))


_Name = tuple[Movement, str]


def _by_name(lines: Iterable[Money]) -> dict[_Name, list[int]]:
    amounts: dict[_Name, list[int]] = {}
    for line in lines:
        amounts.setdefault((line.movement, line.ref), []).append(line.amount_fen)
    return amounts


def _match_one(
    name: _Name, there: Sequence[int], here: Sequence[int], matched: list[Money], breaks: list[Difference]
) -> None:
    """Lines with equal amounts meet first; what is left over is a duplicate if its reference met, else missing."""
    got, expected = sorted(there), sorted(here)
    same = next((amount for amount in expected if amount in got), None)
    if same is not None:
        matched.append(Money(*name, same))
        got.remove(same)
        expected.remove(same)
    elif got and expected:
        breaks.append(Difference(*name, BreakKind.AMOUNT, expected.pop(0), got.pop(0)))
    elif got:
        breaks.append(Difference(*name, BreakKind.MISSING_HERE, 0, got.pop(0)))
    else:
        breaks.append(Difference(*name, BreakKind.MISSING_THERE, expected.pop(0), 0))
    breaks += [Difference(*name, BreakKind.DUPLICATE, 0, amount) for amount in got]
    breaks += [Difference(*name, BreakKind.DUPLICATE, amount, 0) for amount in expected]
