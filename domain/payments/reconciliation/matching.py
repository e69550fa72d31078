"""Matching a provider's statement with our own payments: pure, total, and to the fen.

    statement rows ─┐
                    ├─▶ by reference ─▶ matched | exactly one break for every row of either side
    our payments  ──┘

    missing_here   the provider has money that we do not know of
    missing_there  we know of money that the provider does not have
    amount         both know of it, with different amounts
    duplicate      one side has the same reference again

What adds up: Σ rows = Σ matched + Σ got of the breaks, and Σ payments = Σ matched + Σ expected of the breaks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

from msgspec import Struct

from domain.kernel import Fen
from domain.payments.payment.values import Amount, ProviderRef


class BreakKind(StrEnum):
    """How the two sides differ."""

    MISSING_HERE = "missing_here"
    MISSING_THERE = "missing_there"
    AMOUNT = "amount"
    DUPLICATE = "duplicate"


class Money(Struct, frozen=True, order=True):
    """One line of either side: the provider's reference (as a digest) and the amount."""

    ref: ProviderRef
    amount_fen: Amount


class Difference(Struct, frozen=True, order=True):
    """One break: what we expected by our own books, what the statement has; 0 where a side has nothing."""

    ref: ProviderRef
    kind: BreakKind
    expected_fen: Fen
    got_fen: Fen


class Matching(Struct, frozen=True):
    """What comes out: the lines that agree, and the breaks in the order of their references."""

    matched: tuple[Money, ...]
    breaks: tuple[Difference, ...]

    @property
    def matched_fen(self) -> int:
        """The money both sides agree on."""
        return sum(one.amount_fen for one in self.matched)


def match(rows: Iterable[Money], ours: Iterable[Money]) -> Matching:
    """Match by reference; the order of the lines does not matter."""
    there, here = _by_ref(rows), _by_ref(ours)
    matched: list[Money] = []
    breaks: list[Difference] = []
    for ref in sorted(there.keys() | here.keys()):
        _match_one(ref, there.get(ref, []), here.get(ref, []), matched, breaks)
    return Matching(tuple(matched), tuple(breaks))


def _by_ref(lines: Iterable[Money]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for line in lines:
        found.setdefault(line.ref, []).append(line.amount_fen)
    return found


def _match_one(
    ref: str, there: Sequence[int], here: Sequence[int], matched: list[Money], breaks: list[Difference]
) -> None:
    """Lines with equal amounts meet first; what is left over is a duplicate if its reference met, else missing."""
    got, expected = sorted(there), sorted(here)
    same = next((amount for amount in expected if amount in got), None)
    if same is not None:
        matched.append(Money(ref, same))
        got.remove(same)
        expected.remove(same)
    elif got and expected:
        breaks.append(Difference(ref, BreakKind.AMOUNT, expected.pop(0), got.pop(0)))
    elif got:
        breaks.append(Difference(ref, BreakKind.MISSING_HERE, 0, got.pop(0)))
    else:
        breaks.append(Difference(ref, BreakKind.MISSING_THERE, expected.pop(0), 0))
    breaks += [Difference(ref, BreakKind.DUPLICATE, 0, amount) for amount in got]
    breaks += [Difference(ref, BreakKind.DUPLICATE, amount, 0) for amount in expected]
