"""Revenue to come: interest of a finance lease and rent of a rental by calendar month, exact to the fen.

Interest of a period is spread over its days; a month gets the difference of two running totals, each rounded half up,
so that the months add up to the schedule.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from datetime import date, timedelta

from msgspec import Struct

from domain.kernel.money import Rounding, divide
from domain.kernel.values import Business
from domain.leasing.lease.state import LeaseState


class MonthAmount(Struct, frozen=True):
    """An amount of one calendar month, in fen."""

    year: int
    month: int
    fen: int


def future_interest(state: LeaseState) -> tuple[MonthAmount, ...]:
    """Interest that is neither billed nor accrued, by the month that earns it; months without any are left out.

    What is accrued already is taken from the first months.
    """
    months: dict[tuple[int, int], int] = {}
    start = state.period_start
    if state.business is Business.RENTAL or start is None:
        return ()
    for instalment in state.unbilled:
        for month, fen in _spread(instalment.interest_fen, start, instalment.due_on):
            months[month] = months.get(month, 0) + fen
        start = instalment.due_on
    accrued = state.accrued_fen
    for month in sorted(months):
        deducted = min(accrued, months[month])
        months[month] -= deducted
        accrued -= deducted
    return _amounts(months)


def future_rent(state: LeaseState) -> tuple[MonthAmount, ...]:
    """Rent of a rental that runs and is not billed, by the month in which it falls due."""
    months: dict[tuple[int, int], int] = {}
    if state.business is Business.FINANCE or state.period_start is None:
        return ()
    for instalment in state.unbilled:
        month = (instalment.due_on.year, instalment.due_on.month)
        months[month] = months.get(month, 0) + instalment.principal_fen + instalment.interest_fen
    return _amounts(months)


def _amounts(months: dict[tuple[int, int], int]) -> tuple[MonthAmount, ...]:
    return tuple(MonthAmount(year, month, fen) for (year, month), fen in sorted(months.items()) if fen)


def _spread(fen: int, start: date, end: date) -> Iterator[tuple[tuple[int, int], int]]:
    """Shares of an amount by month; a period of no days earns everything on its last one."""
    span = (end - start).days
    if span <= 0:
        yield (end.year, end.month), fen
        return
    day, recognised = start, 0
    while recognised < fen:
        last = date(day.year, day.month, calendar.monthrange(day.year, day.month)[1])
        until = min(last, end)
        earned = divide(fen * (until - start).days, span, Rounding.HALF_UP)
        if earned != recognised:
            yield (until.year, until.month), earned - recognised
        recognised, day = earned, last + timedelta(days=1)
