"""Rates of a cash flow: what they mean, and proof that a given rate is the right one.

    NPV(i) = Σ cash_flow_k ÷ (1 + i)^k = 0          i: internal rate of return of a month (内部收益率)
    nominal rate a year    = 12 × i                 how Chinese practice annualises it
    effective rate a year  = (1 + i)^12 − 1
    APR by dates: Σ cash_flow ÷ (1 + r)^(days ÷ 365) = 0, Directive 2008/48/EC Annex I, days of Actual/365 (Fixed)

Solving for a rate is somebody else's work, in floating point if they like. Here it is only verified, in decimal
arithmetic of 50 digits: one unit of the last place below the rate the present value must have one sign, one unit
above the other. A rate that is not within a unit of its last place of the true one raises.

Cash flows whose bills do not fall on whole months have a rate by dates only; `monthly_rate_of` says what that is a
month. Cash flows that cost nothing have the rate zero, unless a deposit held for long gives them another one as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal, localcontext
from itertools import accumulate, pairwise

from msgspec import Struct

from domain.kernel.money import Rounding
from domain.kernel.values import Rate
from domain.pricing.amounts import WORKING, decimal_rounding
from domain.pricing.dates import DAYS_OF_YEAR_FIXED, MONTHS_A_YEAR

RATE_PLACES = 10
"""Decimal places of every rate that is computed, rounded half up."""

_RATE = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,20})?")

UNIT = Decimal(1).scaleb(-RATE_PLACES)


class RateMismatch(ValueError):
    """A rate that the cash flows do not have: the present value that it leaves, in fen, and the rate itself."""

    def __init__(self, rate: str, below: Decimal, above: Decimal) -> None:
        super().__init__(
            f"rate {rate}: expected a net present value of 0 fen within {UNIT} of it, "
            f"got {below:.6f} fen below and {above:.6f} fen above"
        )
        self.rate = rate
        self.expected = "0"
        self.got = (f"{below:.6f}", f"{above:.6f}")


class MalformedRate(ValueError):
    """A rate that is no decimal text of 0 or more."""


class AmbiguousCashFlows(ValueError):
    """Cash flows that have no rate, or may have several; says why."""


class DatedFlow(Struct, frozen=True):
    """Money on a day, from the lessee's view: in is positive. Unit: fen."""

    on: date
    fen: int


class Rates(Struct, frozen=True, forbid_unknown_fields=True):
    """What an offer costs as rates; decimal strings of ten places, `0.1376990847` is 13.77 %.

    Where bills fall on whole months the first three are those of the monthly cash flows, else they follow from `apr`.
    """

    monthly_irr: Rate
    nominal_annual_rate: Rate
    effective_annual_rate: Rate
    apr: Rate


def quantised(value: Decimal) -> str:
    """A rate as text: ten places, rounded half up."""
    rounded = value.quantize(UNIT, rounding=decimal_rounding(Rounding.HALF_UP), context=WORKING)
    return f"{rounded or abs(rounded):f}"


def nominal_annual_rate(monthly_rate: str) -> str:
    """12 × the monthly rate."""
    with localcontext(WORKING):
        return quantised(Decimal(monthly_rate) * MONTHS_A_YEAR)


def effective_annual_rate(monthly_rate: str) -> str:
    """(1 + monthly rate)^12 − 1."""
    with localcontext(WORKING):
        return quantised((1 + Decimal(monthly_rate)) ** MONTHS_A_YEAR - 1)


def monthly_rate_of(effective_rate: str) -> str:
    """The monthly rate that compounds to a yearly one: (1 + rate)^(1/12) − 1."""
    with localcontext(WORKING):
        return quantised((1 + Decimal(effective_rate)) ** WORKING.divide(Decimal(1), Decimal(MONTHS_A_YEAR)) - 1)


def verify_rate(cash_flows: Sequence[int], monthly_rate: str) -> None:
    """Raise `RateMismatch` unless `monthly_rate` is the internal rate of the cash flows, one for each month from 0.

    Raises `AmbiguousCashFlows` where no rate, or more than one, may exist, `MalformedRate` for other text.
    """
    check_unambiguous(cash_flows)
    _verify(list(enumerate(cash_flows)), monthly_rate, month_factor)


def verify_apr(flows: Sequence[DatedFlow], apr: str) -> None:
    """The same for a rate a year and flows by dates, which must be in order; time runs from the first."""
    points = by_days(flows)
    check_unambiguous([fen for _, fen in points], [day for day, _ in points])
    _verify(points, apr, day_factor)


def by_days(flows: Sequence[DatedFlow]) -> list[tuple[int, int]]:
    """Days since the first flow, and fen. Raises `AmbiguousCashFlows` for flows that are not in order."""
    if any(after.on < before.on for before, after in pairwise(flows)):
        raise AmbiguousCashFlows("expected flows in the order of their dates")
    return [((flow.on - flows[0].on).days, flow.fen) for flow in flows]


def month_factor(growth: Decimal) -> Decimal:
    """What a fen of the next month is worth now where it grows so much in a month."""
    return WORKING.divide(Decimal(1), growth)


def day_factor(growth: Decimal) -> Decimal:
    """What a fen of tomorrow is worth today where it grows so much in a year."""
    return growth ** WORKING.divide(Decimal(-1), Decimal(DAYS_OF_YEAR_FIXED))


def check_unambiguous(cash_flows: Sequence[int], times: Sequence[int] | None = None) -> None:
    """Raise `AmbiguousCashFlows` unless the flows have exactly one rate of 0 or more.

    One change of sign suffices (Descartes); so does one change of sign of the running sums, the last of them not
    zero (Norstrøm 1972, Journal of Financial and Quantitative Analysis 7), as with a deposit that comes back. Where the
    last sum is zero, zero is a rate, and the only one if the lessee holds the lessor's money at least as much, over
    time, as the lessor holds the lessee's: with v = 1 ÷ (1 + i) the present value is (1 − v) × Σ sum × v^time, and if
    the sums begin above zero and change their sign at most once, that Σ has a root between 0 and 1 exactly when it is
    below zero at v = 1. `times` are those of the flows, by default 0, 1, 2 …
    """
    flows = list(cash_flows)
    sums = list(accumulate(flows))
    changes = _sign_changes(sums)
    if sums and sums[-1]:
        if _sign_changes(flows) == 1 or changes == 1:
            return
    elif any(flows) and changes <= 1 and _held(sums, times) >= 0:
        return
    raise AmbiguousCashFlows(
        "expected flows or their running sums to change sign exactly once, "
        f"got {_sign_changes(flows)} and {changes} changes"
    )


def _held(sums: Sequence[int], times: Sequence[int] | None) -> int:
    """Σ sum × time that it lasts, from the side that holds money first: below zero when the other holds more."""
    lasting = [1] * (len(sums) - 1) if times is None else [after - before for before, after in pairwise(times)]
    first = next(amount for amount in sums if amount)
    held = sum(amount * time for amount, time in zip(sums, lasting, strict=False))
    return held if first > 0 else -held


def _sign_changes(numbers: Sequence[int]) -> int:
    signs = [number > 0 for number in numbers if number]
    return sum(before != after for before, after in pairwise(signs))


def _verify(points: Sequence[tuple[int, int]], rate: str, worth_of: Callable[[Decimal], Decimal]) -> None:
    if not _RATE.fullmatch(rate):
        raise MalformedRate(f"rate: expected decimal text such as 0.0114749237, got {rate[:40]!r}")
    middle = Decimal(rate)
    if not middle and not sum(fen for _, fen in points):
        return
    with localcontext(WORKING):
        values = [present_value(points, worth_of(1 + middle + unit)) for unit in (-UNIT, UNIT)]
    if values[0] * values[1] > 0:
        raise RateMismatch(rate, values[0], values[1])


def present_value(points: Sequence[tuple[int, int]], factor: Decimal) -> Decimal:
    """Σ fen × factor^time, in the working precision."""
    with localcontext(WORKING):
        return sum((fen * factor**time for time, fen in points), Decimal(0))
