"""Schedules: what is due when, to the fen, for every structure of the catalogue.

    level            等额本息   every instalment the same, less interest and more principal each time
    equal principal  等额本金   the same principal each time, falling interest
    balloon          尾款       level instalments and a large last one
    step             阶梯       instalments in steps of given weights, such as seasons or a gentle start
    interest only    先息后本   interest, and the whole principal at the end: wholesale floor plans
    curtailed        分期降额   interest, and principal in parts on days agreed: stock that grows old is paid down
    monthly rent     月租       the same rent each month
    daily rent       按日租金   a rent for each day of the period

Principal is what is financed, or, where an asset is rented out, the rent itself, which bears no interest. Sums are
exact: Σ principal is the financed amount, the last instalment takes what rounding left. Interest is rounded half up
for each period; instalments are rounded half up; the share of equal principal is rounded down.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal, localcontext
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct
from msgspec.structs import replace

from domain.kernel.money import Fen, Rounding, divide
from domain.pricing.amounts import WORKING, share_of, to_fen
from domain.pricing.dates import DayCount, Period, period_fraction

NOISE_FEN = Decimal("0.000001")
"""Below this an exact amount of principal counts as zero: what the working precision leaves."""


class ScheduleError(ValueError):
    """Terms that make no schedule; says what was expected and what came."""


class GrowingDebt(ScheduleError):
    """An instalment that would not even cover its interest; debt never grows by schedule."""

    def __init__(self, number: int, interest_fen: int, instalment_fen: int) -> None:
        super().__init__(
            f"instalment {number}: expected at least its interest of {interest_fen} fen, got {instalment_fen}"
        )
        self.number = number
        self.interest_fen = interest_fen
        self.instalment_fen = instalment_fen


class Component(StrEnum):
    """What a part of a bill is."""

    PRINCIPAL = "principal"
    INTEREST = "interest"
    FEE = "fee"
    LATE_FEE = "late_fee"


class Instalment(Struct, frozen=True, forbid_unknown_fields=True):
    """One bill to come: its number from 1, its due date, and its parts in fen."""

    number: Annotated[
        int,
        Meta(
            ge=1,
            description="Number of the bill (0 is the fee up front), the instalment, the refund or the break, from 1.",
        ),
    ]
    due_on: Annotated[date, Meta(description="Due date.")]
    principal_fen: Annotated[
        Fen,
        Meta(description="What is financed, in fen; of a rental the value of the device, of its instalments the rent."),
    ]
    interest_fen: Annotated[Fen, Meta(description="Interest of the instalment in fen.")]
    fee_fen: Annotated[Fen, Meta(description="Fee of the instalment in fen.")] = 0

    @property
    def total_fen(self) -> int:
        """What is due."""
        return self.principal_fen + self.interest_fen + self.fee_fen


Schedule = tuple[Instalment, ...]


class Step(Struct, frozen=True, forbid_unknown_fields=True):
    """So many instalments of this weight; `0.8` next to `1` is an instalment of four fifths."""

    instalments: Annotated[int, Meta(ge=1)]
    weight: Annotated[str, Meta(pattern=r"^(0|[1-9][0-9]{0,3})(\.[0-9]{1,10})?$(?!\n)")]


def level(amount_fen: int, annual_rate: str, periods: Sequence[Period], count: DayCount) -> Schedule:
    """等额本息: equal instalments; for whole months of 30/360, P·i·(1+i)^n ÷ ((1+i)^n − 1) with i the rate over 12.

    Raises `ScheduleError` for an amount below 1 fen, a negative rate, or bills in advance.
    """
    return stepped(amount_fen, annual_rate, periods, count, [Step(len(periods), "1")])


def balloon(
    amount_fen: int, annual_rate: str, periods: Sequence[Period], count: DayCount, balloon_fen: int
) -> Schedule:
    """尾款: equal instalments and, with the last one, `balloon_fen` of principal more.

    Raises `ScheduleError` as `level`, and for a balloon that is negative or exceeds the amount.
    """
    return stepped(amount_fen, annual_rate, periods, count, [Step(len(periods), "1")], balloon_fen)


def stepped(
    amount_fen: int,
    annual_rate: str,
    periods: Sequence[Period],
    count: DayCount,
    steps: Sequence[Step],
    balloon_fen: int = 0,
) -> Schedule:
    """阶梯: instalments in proportion to the weights of their steps, worth the amount at the contract's rate.

    Raises `ScheduleError` as `level` and for steps that do not cover the periods, `GrowingDebt` for an instalment that
    would not even cover its interest.
    """
    _check(amount_fen, annual_rate, periods, in_advance=False)
    if not 0 <= balloon_fen <= amount_fen:
        raise ScheduleError(f"balloon: expected 0 … {amount_fen} fen, got {balloon_fen}")
    weights = [Decimal(step.weight) for step in steps for _ in range(step.instalments)]
    if len(weights) != len(periods) or not sum(weights):
        raise ScheduleError(f"steps: expected weights for {len(periods)} instalments, got {len(weights)}")
    with localcontext(WORKING):
        payments = _payments(amount_fen, [_growth(annual_rate, p, count) for p in periods], weights, balloon_fen)
    rows, balance = [], amount_fen
    for period, payment_fen in zip(periods, payments, strict=True):
        interest_fen = _interest(balance, annual_rate, period, count)
        last = period is periods[-1]
        principal_fen = balance if last else min(max(payment_fen - interest_fen, 0), balance)
        rows.append(Instalment(period.number, period.due_on, principal_fen, interest_fen))
        balance -= principal_fen
    return tuple(rows)


def equal_principal(amount_fen: int, annual_rate: str, periods: Sequence[Period], count: DayCount) -> Schedule:
    """等额本金: the same principal each time, rounded down; the last instalment takes the rest. Raises as `level`."""
    _check(amount_fen, annual_rate, periods, in_advance=False)
    share_fen = divide(amount_fen, len(periods), Rounding.DOWN)
    return _with_interest(amount_fen, annual_rate, periods, count, [share_fen] * (len(periods) - 1))


def interest_only(amount_fen: int, annual_rate: str, periods: Sequence[Period], count: DayCount) -> Schedule:
    """先息后本: interest each time, the principal with the last instalment. Raises as `level`."""
    _check(amount_fen, annual_rate, periods, in_advance=False)
    return _with_interest(amount_fen, annual_rate, periods, count, [0] * (len(periods) - 1))


def curtailed(
    amount_fen: int,
    annual_rate: str,
    periods: Sequence[Period],
    count: DayCount,
    reductions: Sequence[tuple[date, int]],
) -> Schedule:
    """分期降额: interest each time on what is still owed, and reductions of the principal by due date.

    A reduction is part of the first bill that is due on its date or later; the last bill takes the rest. Raises
    `ScheduleError` as `level`, and for reductions that are negative or exceed the amount.
    """
    _check(amount_fen, annual_rate, periods, in_advance=False)
    amounts = [fen for _, fen in reductions]
    if min(amounts, default=0) < 0 or sum(amounts) > amount_fen:
        raise ScheduleError(f"reductions: expected 0 … {amount_fen} fen in all, got {amounts}")
    principals, before = [], date.min
    for period in periods[:-1]:
        principals.append(sum(fen for due_on, fen in reductions if before < due_on <= period.due_on))
        before = period.due_on
    return _with_interest(amount_fen, annual_rate, periods, count, principals)


def monthly_rent(rent_fen: int, periods: Sequence[Period]) -> Schedule:
    """月租: the same rent for each period, as principal; in advance or in arrears. Raises `ScheduleError`."""
    _check(rent_fen, "0", periods, in_advance=True)
    return tuple(Instalment(period.number, period.due_on, rent_fen, 0) for period in periods)


def stepped_rent(rent_fen: int, periods: Sequence[Period], steps: Sequence[Step]) -> Schedule:
    """阶梯租金: `rent_fen` times the weight of the step, rounded half up, for each period. Raises `ScheduleError`."""
    _check(rent_fen, "0", periods, in_advance=True)
    weights = [step.weight for step in steps for _ in range(step.instalments)]
    if len(weights) != len(periods):
        raise ScheduleError(f"steps: expected weights for {len(periods)} instalments, got {len(weights)}")
    return tuple(
        Instalment(period.number, period.due_on, share_of(rent_fen, weight, Rounding.HALF_UP), 0)
        for period, weight in zip(periods, weights, strict=True)
    )


def daily_rent(rent_fen_a_day: int, periods: Sequence[Period]) -> Schedule:
    """按日租金: a rent for each calendar day of the period. Raises `ScheduleError`."""
    _check(rent_fen_a_day, "0", periods, in_advance=True)
    return tuple(
        Instalment(period.number, period.due_on, rent_fen_a_day * (period.ends_on - period.starts_on).days, 0)
        for period in periods
    )


def with_fees(schedule: Schedule, total_fen: int) -> Schedule:
    """The schedule with a fee spread evenly over it, rounded down; the last instalment takes the rest."""
    if total_fen < 0:
        raise ScheduleError(f"fee: expected 0 fen or more, got {total_fen}")
    share_fen = divide(total_fen, len(schedule), Rounding.DOWN)
    rest_fen = total_fen - share_fen * len(schedule)
    return tuple(
        replace(row, fee_fen=row.fee_fen + share_fen + (rest_fen if row is schedule[-1] else 0)) for row in schedule
    )


def principal_of(schedule: Schedule) -> int:
    """Σ principal in fen."""
    return sum(row.principal_fen for row in schedule)


def total_of(schedule: Schedule) -> int:
    """Everything the schedule asks for, in fen."""
    return sum(row.total_fen for row in schedule)


def _check(amount_fen: int, annual_rate: str, periods: Sequence[Period], *, in_advance: bool) -> None:
    if amount_fen < 1:
        raise ScheduleError(f"amount: expected at least 1 fen, got {amount_fen}")
    if not periods:
        raise ScheduleError("periods: expected at least one, got none")
    if Decimal(annual_rate) < 0:
        raise ScheduleError(f"annual rate: expected 0 or more, got {annual_rate}")
    # Interest is earned at the end of a period; a bill at its begin would ask for it before it is owed.
    if not in_advance and (periods[0].in_advance or periods[0].due_on <= periods[0].starts_on):
        raise ScheduleError(f"first due date: expected after {periods[0].starts_on}, got {periods[0].due_on}")


def _growth(annual_rate: str, period: Period, count: DayCount) -> Decimal:
    """What one fen grows to over a period."""
    days, year = period_fraction(period, count)
    return 1 + WORKING.divide(Decimal(annual_rate) * days, Decimal(year))


def _payments(
    amount_fen: int, growths: Sequence[Decimal], weights: Sequence[Decimal], balloon_fen: int
) -> tuple[int, ...]:
    """Instalments before the balloon, each rounded half up; checked not to let the debt grow."""
    factor, worth = Decimal(1), Decimal(0)
    for growth, weight in zip(growths, weights, strict=True):
        factor = WORKING.divide(factor, growth)
        worth += factor * weight
    unit = WORKING.divide(amount_fen - balloon_fen * factor, worth)
    balance = Decimal(amount_fen)
    for number, (growth, weight) in enumerate(zip(growths, weights, strict=True), start=1):
        interest = balance * (growth - 1)
        if unit * weight < interest - NOISE_FEN:
            raise GrowingDebt(number, to_fen(interest, Rounding.UP), to_fen(unit * weight, Rounding.DOWN))
        balance -= unit * weight - interest
    return tuple(to_fen(unit * weight, Rounding.HALF_UP) for weight in weights)


def _with_interest(
    amount_fen: int, annual_rate: str, periods: Sequence[Period], count: DayCount, principals_fen: Sequence[int]
) -> Schedule:
    """Given principals with the interest on what is still owed; the last instalment takes the rest of the principal."""
    rows, balance = [], amount_fen
    for period, principal_fen in zip(periods, [*principals_fen, None], strict=True):
        interest_fen = _interest(balance, annual_rate, period, count)
        paid_fen = balance if principal_fen is None else principal_fen
        rows.append(Instalment(period.number, period.due_on, paid_fen, interest_fen))
        balance -= paid_fen
    return tuple(rows)


def _interest(balance_fen: int, annual_rate: str, period: Period, count: DayCount) -> int:
    """Interest of one period, rounded half up from the exact quotient."""
    above, below = Decimal(annual_rate).as_integer_ratio()
    days, year = period_fraction(period, count)
    return divide(balance_fen * above * days, below * year, Rounding.HALF_UP)
