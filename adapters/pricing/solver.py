"""Rates solved by `pyxirr` and by bisection; what comes out is decimal text that the domain verifies for itself.

    quote ─its cash flows─▶ pyxirr, else bisection ─▶ secant steps in decimals ─▶ text ─price, which verifies─▶ offer

Floats stay in this file: they are where the search begins. A solver stops at a present value near zero that can be a
few units of the tenth place away from the rate, so secant steps in decimals follow. Flows with a deposit that comes
back can have a rate below zero beside the one that counts; where the solver hits upon that, or upon nothing, bisection
finds it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from decimal import Decimal

import pyxirr

from domain.kernel.refusal import Refusal
from domain.pricing.offer import RATE_UNKNOWN, Offer, RateBeyond, price
from domain.pricing.quoting import Quote
from domain.pricing.rates import (
    AmbiguousCashFlows,
    DatedFlow,
    RateMismatch,
    by_days,
    check_unambiguous,
    day_factor,
    month_factor,
    present_value,
    quantised,
)

POLISH_STEPS = 3
STEP = Decimal("1e-12")
"""Width of the secant: narrow enough for a straight line, wide enough for fifty digits."""

BISECTIONS = 80
RATE_MAX = Decimal(10_000)
"""A million per cent a period; what costs more is not a rate but a mistake."""

_Worth = Callable[[Decimal], Decimal]


class NoRate(ValueError):
    """Cash flows for which the search found no rate."""


def priced(worked_out: Quote) -> Offer | Refusal:
    """The offer of a quote with its rates, solved here and verified there; a refusal where no rate can be stated."""
    try:
        monthly = solve_monthly(worked_out.flows) if worked_out.flows else None
        apr = solve_apr(worked_out.dated_flows) if worked_out.dated_flows else None
        return price(worked_out, monthly, apr)
    except (NoRate, AmbiguousCashFlows, RateMismatch, RateBeyond):
        return RATE_UNKNOWN(cost_fen=worked_out.cost_fen)


def solve_monthly(cash_flows: Sequence[int]) -> str:
    """The internal rate of return of one period of cash flows in fen, as decimal text of ten places.

    Raises `AmbiguousCashFlows` where there may be none or several, `NoRate` when the search fails.
    """
    check_unambiguous(cash_flows)
    amounts = list(cash_flows)
    return _solved(lambda: pyxirr.irr(amounts), list(enumerate(amounts)), month_factor)


def solve_apr(flows: Sequence[DatedFlow]) -> str:
    """The yearly rate of dated cash flows in fen (Actual/365 Fixed), as decimal text of ten places.

    Raises as `solve_monthly` does.
    """
    points = by_days(flows)
    check_unambiguous([fen for _, fen in points], [day for day, _ in points])
    days, amounts = [flow.on for flow in flows], [flow.fen for flow in flows]
    return _solved(lambda: pyxirr.xirr(days, amounts, day_count=pyxirr.DayCount.ACT_365F), points, day_factor)


def _solved(
    propose: Callable[[], float | None], points: Sequence[tuple[int, int]], factor_of: Callable[[Decimal], Decimal]
) -> str:
    if not sum(fen for _, fen in points):
        return quantised(Decimal(0))

    def worth(rate: Decimal) -> Decimal:
        return present_value(points, factor_of(1 + rate))

    proposed = _proposed(propose)
    rate = _bisected(worth) if proposed is None else proposed
    for _ in range(POLISH_STEPS):
        rate = _nearer(rate, worth)
    return quantised(rate)


def _proposed(propose: Callable[[], float | None]) -> Decimal | None:
    """What the solver found, if it is a rate that counts."""
    try:
        found = propose()
    except pyxirr.InvalidPaymentsError:
        return None
    return Decimal(found) if found is not None and math.isfinite(found) and 0 <= found < RATE_MAX else None


def _bisected(worth: _Worth) -> Decimal:
    """The rate above zero between a negative present value at 0 and a positive one at a high rate."""
    low, high = Decimal(0), STEP
    while worth(high) < 0 and high < RATE_MAX:
        high *= 2
    if worth(low) >= 0 or high >= RATE_MAX:
        raise NoRate("expected a rate above zero, got none, one below or one beyond all measure")
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if worth(middle) < 0 else (low, middle)
    return high


def _nearer(rate: Decimal, worth: _Worth) -> Decimal:
    """One secant step; the rate itself where there is no slope to follow, or where it would lead below zero."""
    here, there = worth(rate), worth(rate + STEP)
    if here == there:
        return rate
    return max(rate - here * STEP / (there - here), Decimal(0))
