"""Quotes: a plan and a request worked out to the fen, with the cash flows that a rate is solved from.

    QuoteRequest ──quote──▶ Quote: schedule, fees, deposit, buy-out, cash flows

Cash flows are the lessee's: what it gets on day 0 less what it pays then, and what it pays later. A rental whose asset
goes back has no rate; one with a buy-out has the rate implied by the asset's *market* price, not by the price in
the contract. A deposit paid in cash and its return are cash flows; a frozen one is not.

Whatever is requested comes out as a quote or as a refusal with a name; nothing is raised.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from msgspec import Struct
from msgspec.structs import replace

from domain.kernel.money import MAX_SAFE_INTEGER, Fen, Rounding
from domain.kernel.needs import Reference
from domain.kernel.refusal import Refusal, refusal
from domain.kernel.values import Business, Rate
from domain.pricing.amounts import share_of
from domain.pricing.dates import (
    Adjustment,
    DateError,
    IsBusinessDay,
    Period,
    add_days,
    add_months,
    adjusted,
    day_periods,
    every_day,
    monthly_periods,
    with_due_days,
)
from domain.pricing.deposits import FixedDeposit, GradedDeposit, Hold, deposit_fen
from domain.pricing.matching import Asset, Customer, Financing, reasons_against
from domain.pricing.parts import (
    Balloon,
    Curtailed,
    DailyRent,
    EqualPrincipal,
    FeeTiming,
    Form,
    InterestOnly,
    MonthlyRent,
    Stepped,
    SteppedRent,
    buyout_fen,
    every_months,
    steps_for,
)
from domain.pricing.plans import Plan
from domain.pricing.rates import AmbiguousCashFlows, DatedFlow, check_unambiguous
from domain.pricing.schedules import (
    GrowingDebt,
    Schedule,
    ScheduleError,
    balloon,
    curtailed,
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

FIRST_DUE_MONTHS_MAX = 1
"""How many months later than one interval after the start the first bill may fall due."""

AMOUNT_NOT_POSITIVE = refusal("offer.amount_not_positive", "An offer is about money", "报价金额必须大于零")
DOWN_PAYMENT = refusal(
    "offer.down_payment", "The down payment is outside what the plan allows", "首付款不在方案允许范围内"
)
FIRST_DUE = refusal("offer.first_due", "The first bill would fall due too early or too late", "首期应付日过早或过晚")
FIRST_DUE_FIXED = refusal(
    "offer.first_due_fixed", "The plan itself says when its first bill falls due", "该方案的首期应付日由方案本身确定"
)
NO_DATES = refusal(
    "offer.no_dates", "No due dates can be made of these days and holidays", "按所给日期与节假日无法排出应付日"
)
INTEREST_NOT_COVERED = refusal(
    "offer.interest_not_covered",
    "An instalment would not even cover its interest; debt never grows by schedule",
    "某期应付款不足以支付当期利息，欠款不得因还款计划而增加",
)
NO_SCHEDULE = refusal("offer.no_schedule", "These terms make no schedule", "按所给条件无法生成还款计划")
AMOUNT_TOO_LARGE = refusal(
    "offer.amount_too_large", "The amounts are larger than can be recorded", "金额超出可记录范围"
)
RATE_AMBIGUOUS = refusal(
    "offer.rate_ambiguous",
    "The deposit is held so long that what is paid has no single rate",
    "保证金占用过多，该报价不存在唯一的内部收益率",
)


class QuoteRequest(Struct, frozen=True, kw_only=True):
    """Request for a quote: plan, customer, asset, price, term and start.

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
    first day leaves nothing. `flows` alone are empty where a bill does not fall on whole months from the start.
    """

    request: QuoteRequest
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


def quote(request: QuoteRequest, is_business_day: IsBusinessDay = every_day) -> Quote | Refusal:
    """Work a request out, or refuse it: the plan does not fit, the dates make no schedule, or the money no offer."""
    if (wrong := _wrong(request)) is not None:
        return wrong
    try:
        return _quoted(request, _periods(request, is_business_day), is_business_day)
    except DateError as error:
        return NO_DATES(start=request.start, reason=error)
    except GrowingDebt as error:
        return INTEREST_NOT_COVERED(
            number=error.number, interest_fen=error.interest_fen, instalment_fen=error.instalment_fen
        )
    except ScheduleError as error:
        return NO_SCHEDULE(reason=error)
    except AmbiguousCashFlows:
        return RATE_AMBIGUOUS()


def _wrong(request: QuoteRequest) -> Refusal | None:
    """What is wrong with a request before anything is worked out."""
    plan = request.plan
    prices = {"price_fen": request.price_fen, "market_price_fen": request.market_price_fen}
    for name, fen in prices.items():
        if fen is not None and fen < 1:
            return AMOUNT_NOT_POSITIVE(**{name: fen})
        if fen is not None and fen > MAX_SAFE_INTEGER:
            return AMOUNT_TOO_LARGE(max_fen=MAX_SAFE_INTEGER)
    financing = Financing(request.price_fen, request.term, request.start, plan.term.unit)
    if reasons := reasons_against(plan, request.customer, request.asset, financing):
        return reasons[0]
    least_fen = share_of(request.price_fen, plan.down_payment_min, Rounding.UP)
    most_fen = 0 if plan.business is Business.RENTAL else request.price_fen - 1
    if not least_fen <= request.down_payment_fen <= most_fen:
        return DOWN_PAYMENT(down_payment_fen=request.down_payment_fen, min_fen=least_fen, max_fen=most_fen)
    return None if request.first_due_on is None else _wrong_first_due(request, request.first_due_on)


def _wrong_first_due(request: QuoteRequest, given: date) -> Refusal | None:
    """Rents in advance begin on the first day, daily ones in their own rhythm; what bears interest not before a day."""
    structure = request.plan.structure
    if isinstance(structure, DailyRent):
        return FIRST_DUE_FIXED(plan=request.plan.id)
    try:
        earliest = request.start if isinstance(structure, (MonthlyRent, SteppedRent)) else add_days(request.start, 1)
        latest = add_months(request.start, every_months(structure) + FIRST_DUE_MONTHS_MAX)
    except DateError as error:
        return NO_DATES(start=request.start, reason=error)
    if not earliest <= given <= latest:
        return FIRST_DUE(first_due_on=given, earliest=earliest, latest=latest)
    return None


def _periods(request: QuoteRequest, is_business_day: IsBusinessDay) -> tuple[Period, ...]:
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
    months = every_months(structure)
    periods = monthly_periods(
        request.start,
        request.term // months,
        every_months=months,
        first_due_on=first,
        month_end=request.month_end,
        adjustment=request.adjustment,
        is_business_day=is_business_day,
    )
    if not isinstance(structure, Curtailed):
        return periods
    days = [one.after_days for one in structure.curtailments]
    return with_due_days(periods, days, adjustment=request.adjustment, is_business_day=is_business_day)


def _schedule(request: QuoteRequest, periods: tuple[Period, ...], is_business_day: IsBusinessDay) -> Schedule:
    plan = request.plan
    rate = plan.rate(request.term)
    if plan.business is Business.RENTAL:
        schedule = _rents(request, share_of(request.price_fen, rate, Rounding.HALF_UP), periods)
    else:
        schedule = _instalments(request, rate, periods, is_business_day)
    spread_fen = _fees(request, FeeTiming.SPREAD)
    return with_fees(schedule, spread_fen) if spread_fen else schedule


def _rents(request: QuoteRequest, rent_fen: int, periods: tuple[Period, ...]) -> Schedule:
    structure = request.plan.structure
    if isinstance(structure, DailyRent):
        return daily_rent(rent_fen, periods)
    if isinstance(structure, SteppedRent):
        return stepped_rent(rent_fen, periods, steps_for(structure.steps, request.term, repeat=False))
    return monthly_rent(rent_fen, periods)


def _instalments(
    request: QuoteRequest, rate: str, periods: tuple[Period, ...], is_business_day: IsBusinessDay
) -> Schedule:
    amount_fen = request.price_fen - request.down_payment_fen
    structure, count = request.plan.structure, request.plan.day_count
    if isinstance(structure, EqualPrincipal):
        return equal_principal(amount_fen, rate, periods, count)
    if isinstance(structure, InterestOnly):
        return interest_only(amount_fen, rate, periods, count)
    if isinstance(structure, Balloon):
        return balloon(amount_fen, rate, periods, count, share_of(amount_fen, structure.share, Rounding.DOWN))
    if isinstance(structure, Stepped):
        steps = steps_for(structure.steps, len(periods), repeat=structure.repeat)
        return stepped(amount_fen, rate, periods, count, steps)
    if isinstance(structure, Curtailed):
        reductions = [
            (
                adjusted(add_days(request.start, one.after_days), request.adjustment, is_business_day),
                share_of(amount_fen, one.share, Rounding.DOWN),
            )
            for one in structure.curtailments
        ]
        return curtailed(amount_fen, rate, periods, count, reductions)
    return level(amount_fen, rate, periods, count)


def _fees(request: QuoteRequest, timing: FeeTiming) -> int:
    amount_fen = request.price_fen - request.down_payment_fen
    return sum(fee.amount_fen(amount_fen) for fee in request.plan.fees if fee.timing is timing)


def _quoted(request: QuoteRequest, periods: tuple[Period, ...], is_business_day: IsBusinessDay) -> Quote | Refusal:
    plan = request.plan
    schedule = _schedule(request, periods, is_business_day)
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
        deposit_fen=deposit_fen(plan.deposit, request.price_fen, request.customer.scores),
        buyout_fen=end_fen,
        cost_fen=total_of(schedule) + upfront_fen + (end_fen or 0) - received_fen,
    )
    if worked_out.cost_fen + received_fen + request.down_payment_fen > MAX_SAFE_INTEGER:
        return AMOUNT_TOO_LARGE(max_fen=MAX_SAFE_INTEGER)
    valued = plan.business is Business.FINANCE or (end_fen is not None and request.market_price_fen is not None)
    return _with_flows(worked_out, periods) if valued and worked_out.cost_fen >= 0 else worked_out


def _received(request: QuoteRequest, financed_fen: int) -> int:
    if request.plan.business is Business.RENTAL:
        return request.price_fen if request.market_price_fen is None else request.market_price_fen
    if request.plan.form is Form.LEASEBACK and request.paid_out_fen is not None:
        return request.paid_out_fen
    return financed_fen


def _with_flows(worked_out: Quote, periods: tuple[Period, ...]) -> Quote:
    """The quote with its cash flows; the end of the last period is when the buy-out is paid and the deposit back.

    Raises `AmbiguousCashFlows`.
    """
    held_fen = _held(worked_out)
    at_once_fen = worked_out.received_fen - worked_out.upfront_fees_fen - held_fen
    at_last_fen = held_fen - (worked_out.buyout_fen or 0)
    if at_once_fen - periods[0].in_advance * worked_out.schedule[0].total_fen <= 0:
        return worked_out
    found = replace(worked_out, dated_flows=_by_date(worked_out, periods[-1], at_once_fen, at_last_fen))
    if not all(period.whole_months for period in periods):
        return found
    paid = _by_month(periods, [row.total_fen for row in worked_out.schedule])
    months = [at_once_fen - paid[0], *(-fen for fen in paid[1:])]
    months[-1] += at_last_fen
    check_unambiguous(months)
    return replace(found, flows=tuple(months))


def _by_date(worked_out: Quote, last: Period, at_once_fen: int, at_last_fen: int) -> tuple[DatedFlow, ...]:
    """What comes and goes on each day, in order. Raises `AmbiguousCashFlows`."""
    start, ended = worked_out.request.start, max(last.ends_on, last.due_on)
    days = dict[date, int]()
    for day, fen in (
        (start, at_once_fen),
        *((row.due_on, -row.total_fen) for row in worked_out.schedule),
        (ended, at_last_fen),
    ):
        days[day] = days.get(day, 0) + fen
    flows = tuple(DatedFlow(day, fen) for day, fen in sorted(days.items()))
    check_unambiguous([flow.fen for flow in flows], [(flow.on - start).days for flow in flows])
    return flows


def _by_month(periods: Sequence[Period], totals_fen: Sequence[int]) -> list[int]:
    """What is paid in each month from 0, where every period is of whole months."""
    months, at = [0] * (sum(period.whole_months for period in periods) + 1), 0
    for period, total_fen in zip(periods, totals_fen, strict=True):
        months[at if period.in_advance else at + period.whole_months] += total_fen
        at += period.whole_months
    return months


def _held(worked_out: Quote) -> int:
    """The deposit, where it is cash."""
    deposit = worked_out.request.plan.deposit
    cash = isinstance(deposit, (FixedDeposit, GradedDeposit)) and deposit.hold is Hold.CASH
    return worked_out.deposit_fen if cash else 0


# ------------------------------------------------------------------------------------- what rules ask for

OFFER = "offer"

PLANS = Reference("plans")
"""Every version of every plan of the tenant's catalogue."""

COST_POLICY = Reference("cost_policy")
"""What the tenant's offers may cost."""


def worked_out(request: QuoteRequest) -> Reference:
    """The offer of a request, or the rule that says no; its rates are solved outside the domain."""
    return Reference(OFFER, request)
