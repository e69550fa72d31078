"""Rates solved in floating point by `pyxirr`; what comes out is decimal text that the domain verifies for itself.

Floats stay in this file. The solver stops at a present value near zero that can be a few units of the tenth place away
from the rate, so secant steps follow; then the rate is rounded half up to ten places. Flows with a deposit that comes
back can have a rate below zero beside the one that counts; where the solver hits upon it, bisection finds the other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from decimal import Decimal

import pyxirr

from domain.contracting.rates import DatedFlow, check_unambiguous, quantised

POLISH_STEPS = 3
STEP = 1e-6
"""Width of the secant: wide enough to be above the noise of a double, narrow enough for a straight line."""

BISECTIONS = 60
RATE_MAX = 10_000.0
"""A million per cent a period; what costs more is not a rate but a mistake."""


class NoRate(ValueError):
    """Cash flows for which the solver found no rate."""


def solve_monthly(cash_flows: Sequence[int]) -> str:
    """The internal rate of return of one period of cash flows in fen, as decimal text of ten places.

    Raises `AmbiguousCashFlows` where there may be none or several, `NoRate` when the search fails.
    """
    check_unambiguous(cash_flows)
    amounts = list(cash_flows)
    return _solved(lambda: pyxirr.irr(amounts), lambda rate: pyxirr.npv(rate, amounts), len(amounts))


def solve_apr(flows: Sequence[DatedFlow]) -> str:
    """The yearly rate of dated cash flows in fen (Actual/365 Fixed), as decimal text of ten places.

    Raises as `solve_monthly` does.
    """
    check_unambiguous([flow.fen for flow in flows])
    days, amounts = [flow.on for flow in flows], [flow.fen for flow in flows]
    count = pyxirr.DayCount.ACT_365F
    return _solved(
        lambda: pyxirr.xirr(days, amounts, day_count=count),
        lambda rate: pyxirr.xnpv(rate, days, amounts, day_count=count),
        len(amounts),
    )


def _solved(solve: Callable[[], float | None], worth: Callable[[float], float | None], flows: int) -> str:
    try:
        rate = solve()
    except pyxirr.InvalidPaymentsError as error:
        raise NoRate(f"expected a rate of {flows} cash flows, got {error}") from None
    if rate is None or not math.isfinite(rate):
        raise NoRate(f"expected a rate of {flows} cash flows, got {rate}")
    if rate < -STEP:
        rate = _bisected(worth)
    for _ in range(POLISH_STEPS):
        rate = _nearer(rate, worth)
    return quantised(Decimal(rate))


def _bisected(worth: Callable[[float], float | None]) -> float:
    """The rate above zero between a negative present value at 0 and a positive one at a high rate."""
    low, high = 0.0, STEP
    while (worth(high) or 0.0) < 0 and high < RATE_MAX:
        high *= 2
    if (worth(low) or 0.0) >= 0 or high >= RATE_MAX:
        raise NoRate("expected a rate above zero, got only one below")
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if (worth(middle) or 0.0) < 0 else (low, middle)
    return high


def _nearer(rate: float, worth: Callable[[float], float | None]) -> float:
    """One secant step; the rate itself where there is no slope to follow."""
    here, there = worth(rate), worth(rate + STEP)
    if here is None or there is None or here == there:
        return rate
    return rate - here * STEP / (there - here)
