"""Offers worked out: a request quoted by the domain, its rates solved by floats, verified in decimals, and priced."""

from __future__ import annotations

from datetime import date

from adapters.holidays import ChineseHolidays
from adapters.rates import NoRate, solve_apr, solve_monthly
from domain.contracting.dates import DateError
from domain.contracting.pricing import Offer, price
from domain.contracting.quoting import Request, quote
from domain.contracting.rates import AmbiguousCashFlows
from domain.contracting.schedules import ScheduleError
from domain.kernel import Refusal, refusal

NOT_COMPUTABLE = refusal(
    "offer.not_computable", "What was wanted makes no schedule or no rate", "所提条件无法计算出还款计划或利率"
)

_HOLIDAYS = ChineseHolidays()


def priced(request: Request) -> Offer | Refusal:
    """The offer of a request, or the rule that says no. The same request has the same offer, whenever it is asked."""
    try:
        worked_out = quote(request, _is_business_day)
        if isinstance(worked_out, Refusal):
            return worked_out
        if not worked_out.flows:
            return price(worked_out)
        return price(worked_out, solve_monthly(worked_out.flows), solve_apr(worked_out.dated_flows))
    except (DateError, ScheduleError, NoRate, AmbiguousCashFlows) as error:
        return NOT_COMPUTABLE(reason=type(error).__name__)


def _is_business_day(on: date) -> bool:
    return _HOLIDAYS.day(on).working
