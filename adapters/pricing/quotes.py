"""Offers worked out: a request quoted by the domain, its rates solved by floats, verified in decimals, and priced."""

from __future__ import annotations

from datetime import date

from adapters.pricing.solver import priced
from adapters.reference.holidays import ChineseHolidays
from domain.kernel.refusal import Refusal
from domain.pricing.offer import Offer
from domain.pricing.quoting import QuoteRequest, quote

_HOLIDAYS = ChineseHolidays()


def offer_of(request: QuoteRequest) -> Offer | Refusal:
    """The offer of a request, or the rule that says no. The same request has the same offer, whenever it is asked.

    That holds as long as the published holidays do; a notice that moves a due date makes another offer.
    """
    worked_out = quote(request, _is_business_day)
    return worked_out if isinstance(worked_out, Refusal) else priced(worked_out)


def _is_business_day(on: date) -> bool:
    return _HOLIDAYS.day(on).working
