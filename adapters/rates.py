"""Rates solved in floating point by `pyxirr`; what comes out is decimal text that the domain verifies for itself.

Floats stay in this file. A result is rounded half up to the ten places of `domain.contracting.rates`, which a double
holds with room to spare for rates below 10,000 % a period.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

import pyxirr

from domain.contracting.rates import DatedFlow, check_unambiguous, quantised


class NoRate(ValueError):
    """Cash flows for which the solver found no rate."""


def solve_monthly(cash_flows: Sequence[int]) -> str:
    """The internal rate of return of one period of cash flows in fen, as decimal text of ten places.

    Raises `AmbiguousCashFlows` where there may be none or several, `NoRate` when the search fails.
    """
    check_unambiguous(cash_flows)
    return _text(lambda: pyxirr.irr(list(cash_flows)), len(cash_flows))


def solve_apr(flows: Sequence[DatedFlow]) -> str:
    """The yearly rate of dated cash flows in fen (Actual/365 Fixed), as decimal text of ten places.

    Raises as `solve_monthly` does.
    """
    check_unambiguous([flow.fen for flow in flows])
    days, amounts = [flow.on for flow in flows], [flow.fen for flow in flows]
    return _text(lambda: pyxirr.xirr(days, amounts, day_count=pyxirr.DayCount.ACT_365F), len(flows))


def _text(solve: Callable[[], float | None], flows: int) -> str:
    try:
        rate = solve()
    except pyxirr.InvalidPaymentsError as error:
        raise NoRate(f"expected a rate of {flows} cash flows, got {error}") from None
    if rate is None or not Decimal(rate).is_finite():
        raise NoRate(f"expected a rate of {flows} cash flows, got {rate}")
    return quantised(Decimal(rate))
