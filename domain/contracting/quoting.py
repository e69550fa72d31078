"""Quotes: a plan and a wish worked out to the fen, with the cash flows that a rate is solved from.

    Request ──quote──▶ Quote: schedule, fees, deposit, buy-out, cash flows

Cash flows are the lessee's: what it gets on day 0 less what it pays then, and what it pays later. A rental whose asset
goes back has no rate; one with a buy-out has the rate implied by the asset's *market* price, not by the price in
the contract. A deposit paid in cash and its return are cash flows; a frozen one is not.
"""

from __future__ import annotations

from datetime import date

from msgspec import Struct
from msgspec.structs import replace

from domain.application.values import Rate
from domain.contracting.amounts import share_of
from domain.contracting.dates import (
    Adjustment,
    IsBusinessDay,
    Period,
    day_periods,
    every_day,
    monthly_periods,
)
from domain.contracting.matching import Asset, Customer, Wish, reasons_against
from domain.contracting.parts import (
    Balloon,
    Business,
    DailyRent,
    EqualPrincipal,
    FeeTiming,
    Form,
    FreeDeposit,
    Hold,
    InterestOnly,
    MonthlyRent,
    Stepped,
    SteppedRent,
    buyout_fen,
    deposit_fen,
    steps_for,
)
from domain.contracting.plans import Plan
from domain.contracting.rates import DatedFlow
from domain.contracting.schedules import (
    Schedule,
    balloon,
    daily_rent,
    equal_principal,
    interest_only,
    level,
    monthly_rent,
    principal_of,
    stepped,
    stepped_rent,
    total_of,
    with_fees,
)
from domain.kernel import Fen, Refusal, refusal
from domain.kernel.money import Rounding

AMOUNT_NOT_POSITIVE = refusal("offer.amount_not_positive", "An offer is about money", "报价金额必须大于零")
DOWN_PAYMENT = refusal(
    "offer.down_payment", "The down payment is outside what the plan allows", "首付款不在方案允许范围内"
)


class Request(Struct, frozen=True, kw_only=True):
    """What is to be priced.

    `price_fen` is the asset's price in the contract; `market_price_fen` what it costs elsewhere on the day, from a
    source that is not the lessor; `paid_out_fen` what a lease-back really pays to the lessee, by default all of it.
    """

    plan: Plan
    customer: Customer
    asset: Asset
    price_fen: int
    term: int
    start: date
    first_due_on: date | None = None
    market_price_fen: int | None = None
    down_payment_fen: int = 0
    paid_out_fen: int | None = None
    month_end: bool = False
    adjustment: Adjustment = Adjustment.NONE


class Quote(Struct, frozen=True, kw_only=True):
    """A request worked out to the fen.

    `received_fen` is what the lessee gets for it: money, or an asset at its market price. `cost_fen` is how much more
    is paid than that, without the deposit. `flows` are by month from 0, `dated_flows` by date; both are empty where
    no rate makes sense: the asset goes back, no market price is known, the cost is negative, or what is paid on the
    first day leaves nothing.
    """

    request: Request
    schedule: Schedule
    contract_rate: Rate
    financed_fen: Fen
    received_fen: int
    upfront_fees_fen: Fen
    deposit_fen: Fen
    buyout_fen: Fen | None
    cost_fen: int
    flows: tuple[int, ...] = ()
    dated_flows: tuple[DatedFlow, ...] = ()


def quote(request: Request, is_business_day: IsBusinessDay = every_day) -> Quote | Refusal:
    """Work a request out, or refuse it: the plan does not fit, or the money makes no offer.

    Raises `DateError` or `ScheduleError` for dates or a structure that make no schedule.
    """
    if request.price_fen < 1:
        return AMOUNT_NOT_POSITIVE(price_fen=request.price_fen)
    plan = request.plan
    wish = Wish(request.price_fen, request.term, request.start, plan.term.unit)
    if reasons := reasons_against(plan, request.customer, request.asset, wish):
        return reasons[0]
    least_fen = share_of(request.price_fen, plan.down_payment_min, Rounding.UP)
    most_fen = 0 if plan.business is Business.RENTAL else request.price_fen - 1
    if not least_fen <= request.down_payment_fen <= most_fen:
        return DOWN_PAYMENT(down_payment_fen=request.down_payment_fen, min_fen=least_fen, max_fen=most_fen)
    return _quoted(request, _periods(request, is_business_day))


def _periods(request: Request, is_business_day: IsBusinessDay) -> tuple[Period, ...]:
    structure = request.plan.structure
    if isinstance(structure, DailyRent):
        return day_periods(
            request.start,
            request.term,
            structure.every_days,
            in_advance=structure.in_advance,
            adjustment=request.adjustment,
            is_business_day=is_business_day,
        )
    first = request.first_due_on
    if first is None and isinstance(structure, (MonthlyRent, SteppedRent)) and structure.in_advance:
        first = request.start
    return monthly_periods(
        request.start,
        request.term,
        first_due_on=first,
        month_end=request.month_end,
        adjustment=request.adjustment,
        is_business_day=is_business_day,
    )


def _schedule(request: Request, periods: tuple[Period, ...]) -> Schedule:
    plan = request.plan
    rate = plan.rate(request.term)
    if plan.business is Business.RENTAL:
        schedule = _rents(request, share_of(request.price_fen, rate, Rounding.HALF_UP), periods)
    else:
        schedule = _instalments(request, rate, periods)
    spread_fen = _fees(request, FeeTiming.SPREAD)
    return with_fees(schedule, spread_fen) if spread_fen else schedule


def _rents(request: Request, rent_fen: int, periods: tuple[Period, ...]) -> Schedule:
    structure = request.plan.structure
    if isinstance(structure, DailyRent):
        return daily_rent(rent_fen, periods)
    if isinstance(structure, SteppedRent):
        return stepped_rent(rent_fen, periods, steps_for(structure.steps, request.term, repeat=False))
    return monthly_rent(rent_fen, periods)


def _instalments(request: Request, rate: str, periods: tuple[Period, ...]) -> Schedule:
    amount_fen = request.price_fen - request.down_payment_fen
    structure, count = request.plan.structure, request.plan.day_count
    if isinstance(structure, EqualPrincipal):
        return equal_principal(amount_fen, rate, periods, count)
    if isinstance(structure, InterestOnly):
        return interest_only(amount_fen, rate, periods, count)
    if isinstance(structure, Balloon):
        return balloon(amount_fen, rate, periods, count, share_of(amount_fen, structure.share, Rounding.DOWN))
    if isinstance(structure, Stepped):
        steps = steps_for(structure.steps, request.term, repeat=structure.repeat)
        return stepped(amount_fen, rate, periods, count, steps)
    return level(amount_fen, rate, periods, count)


def _fees(request: Request, timing: FeeTiming) -> int:
    amount_fen = request.price_fen - request.down_payment_fen
    return sum(fee.amount_fen(amount_fen) for fee in request.plan.fees if fee.timing is timing)


def _quoted(request: Request, periods: tuple[Period, ...]) -> Quote:
    plan = request.plan
    schedule = _schedule(request, periods)
    upfront_fen = _fees(request, FeeTiming.UPFRONT)
    end_fen = buyout_fen(plan.buyout, request.price_fen)
    received_fen = _received(request, principal_of(schedule))
    worked_out = Quote(
        request=request,
        schedule=schedule,
        contract_rate=plan.rate(request.term),
        financed_fen=principal_of(schedule),
        received_fen=received_fen,
        upfront_fees_fen=upfront_fen,
        deposit_fen=deposit_fen(plan.deposit, request.price_fen, request.customer.score),
        buyout_fen=end_fen,
        cost_fen=total_of(schedule) + upfront_fen + (end_fen or 0) - received_fen,
    )
    valued = plan.business is Business.FINANCE or (end_fen is not None and request.market_price_fen is not None)
    return _with_flows(worked_out, periods) if valued and worked_out.cost_fen >= 0 else worked_out


def _received(request: Request, financed_fen: int) -> int:
    if request.plan.business is Business.RENTAL:
        return request.price_fen if request.market_price_fen is None else request.market_price_fen
    if request.plan.form is Form.LEASEBACK and request.paid_out_fen is not None:
        return request.paid_out_fen
    return financed_fen


def _with_flows(worked_out: Quote, periods: tuple[Period, ...]) -> Quote:
    """The quote with its cash flows; the end of the last period is when the buy-out is paid and the deposit back."""
    first, last, count = periods[0], periods[-1], len(periods)
    deposit = worked_out.request.plan.deposit
    cash = not isinstance(deposit, FreeDeposit) and deposit.hold is Hold.CASH
    held_fen = worked_out.deposit_fen if cash else 0
    moves = [
        (0, worked_out.request.start, worked_out.received_fen - worked_out.upfront_fees_fen - held_fen),
        *((row.number - first.in_advance, row.due_on, -row.total_fen) for row in worked_out.schedule),
        (count, max(last.ends_on, last.due_on), held_fen - (worked_out.buyout_fen or 0)),
    ]
    months, days = [0] * (count + 1), dict[date, int]()
    for month, day, fen in moves:
        months[month] += fen
        days[day] = days.get(day, 0) + fen
    if months[0] <= 0:
        return worked_out
    dated = tuple(DatedFlow(day, fen) for day, fen in sorted(days.items()))
    return replace(worked_out, flows=tuple(months), dated_flows=dated)
