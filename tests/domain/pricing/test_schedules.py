"""Schedules: sums exact to the fen, nothing negative, due dates that rise; and figures anyone can check by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import pairwise

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.pricing.dates import DayCount, Period, add_months, day_periods, monthly_periods, with_due_days
from domain.pricing.schedules import (
    Component,
    GrowingDebt,
    Instalment,
    Schedule,
    ScheduleError,
    Step,
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

START = date(2026, 3, 16)
THIRTY = DayCount.THIRTY_360
CAR_FEN = 12_000_000

Built = Callable[[int, str, Sequence[Period], DayCount], Schedule]


def months(count: int, start: date = START) -> tuple[Period, ...]:
    return monthly_periods(start, count)


def _rising(amount_fen: int, rate: str, periods: Sequence[Period], count: DayCount) -> Schedule:
    half = max(len(periods) - 1, 1)
    steps = [Step(half, "0.9"), Step(len(periods) - half, "1.1")] if len(periods) > 1 else [Step(1, "1")]
    return stepped(amount_fen, rate, periods, count, steps)


def _half_balloon(amount_fen: int, rate: str, periods: Sequence[Period], count: DayCount) -> Schedule:
    return balloon(amount_fen, rate, periods, count, amount_fen // 2)


FINANCE: dict[str, Built] = {
    "level": level,
    "equal_principal": equal_principal,
    "interest_only": interest_only,
    "balloon": _half_balloon,
    "step": _rising,
}

RATES = st.decimals(0, Decimal("0.36"), places=4).map(lambda rate: f"{rate:f}")
AMOUNTS = st.integers(1, 10**11)
TERMS = st.integers(1, 84)


def check_schedule(schedule: Schedule, amount_fen: int, periods: Sequence[Period]) -> None:
    assert principal_of(schedule) == amount_fen
    assert [row.number for row in schedule] == [period.number for period in periods]
    assert [row.due_on for row in schedule] == [period.due_on for period in periods]
    assert all(before.due_on < after.due_on for before, after in pairwise(schedule))
    assert min(min(row.principal_fen, row.interest_fen, row.fee_fen) for row in schedule) >= 0


def test_published_instalment() -> None:
    """120,000 over 36 months at 12 % a year: 3,985.72 a month."""
    schedule = level(CAR_FEN, "0.12", months(36), THIRTY)
    assert [row.total_fen for row in schedule[:-1]] == [398_572] * 35
    assert (schedule[0].principal_fen, schedule[0].interest_fen) == (278_572, 120_000)
    assert (schedule[-1].total_fen, total_of(schedule)) == (398_559, 14_348_579)


def test_level_without_interest_is_division() -> None:
    schedule = level(1_000, "0", months(3), THIRTY)
    assert [row.principal_fen for row in schedule] == [333, 333, 334]
    assert sum(row.interest_fen for row in schedule) == 0


def test_equal_principal_by_hand() -> None:
    schedule = equal_principal(1_000_00, "0.12", months(3), THIRTY)
    assert [row.principal_fen for row in schedule] == [33_333, 33_333, 33_334]
    assert [row.interest_fen for row in schedule] == [1_000, 667, 333]


def test_interest_only_by_hand() -> None:
    schedule = interest_only(10_000_000, "0.0588", months(3), DayCount.ACTUAL_365_FIXED)
    assert [row.principal_fen for row in schedule] == [0, 0, 10_000_000]
    # 31, 30 and 31 days of 588,000 fen a year.
    assert [row.interest_fen for row in schedule] == [49_940, 48_329, 49_940]


def test_balloon_comes_with_the_last_instalment() -> None:
    schedule = balloon(CAR_FEN, "0.12", months(36), THIRTY, 3_000_000)
    assert {row.total_fen for row in schedule[:-1]} == {328_929}
    assert 0 <= schedule[-1].total_fen - 3_000_000 - 328_929 + 36 < 72
    assert balloon(CAR_FEN, "0.12", months(36), THIRTY, 0) == level(CAR_FEN, "0.12", months(36), THIRTY)


def test_steps_are_in_proportion() -> None:
    schedule = stepped(CAR_FEN, "0.0948", months(24), THIRTY, [Step(12, "0.6"), Step(12, "1")])
    low, high = {row.total_fen for row in schedule[:12]}, {row.total_fen for row in schedule[12:-1]}
    assert len(low) == len(high) == 1
    assert abs(low.pop() - Fraction(6, 10) * high.pop()) <= 1


def test_rents() -> None:
    start = date(2026, 3, 2)
    periods = monthly_periods(start, 3, first_due_on=start)
    assert [row.principal_fen for row in monthly_rent(39_900, periods)] == [39_900] * 3
    gentle = stepped_rent(39_901, periods, [Step(1, "0.5"), Step(2, "1")])
    assert [row.principal_fen for row in gentle] == [19_951, 39_901, 39_901]
    by_day = daily_rent(1_500, day_periods(start, 17, 7, in_advance=True))
    assert [row.principal_fen for row in by_day] == [10_500, 10_500, 4_500]
    assert [row.due_on.day for row in by_day] == [2, 9, 16]
    assert daily_rent(100, months(2, date(2026, 1, 31)))[0].principal_fen == 2_800


def test_fees_are_spread() -> None:
    schedule = with_fees(level(100_000, "0.12", months(3), THIRTY), 1_000)
    assert [row.fee_fen for row in schedule] == [333, 333, 334]
    assert [row.fee_fen for row in with_fees(schedule, 0)] == [333, 333, 334]
    with pytest.raises(ScheduleError, match="expected 0 fen or more"):
        with_fees(schedule, -1)


def test_short_first_period_bears_less_interest() -> None:
    periods = monthly_periods(date(2026, 3, 20), 12, first_due_on=date(2026, 4, 5))
    schedule = level(1_000_000, "0.12", periods, THIRTY)
    assert schedule[0].interest_fen == 5_000
    assert len({row.total_fen for row in schedule[:-1]}) == 1
    assert total_of(schedule) < total_of(level(1_000_000, "0.12", months(12), THIRTY))


@pytest.mark.parametrize("build", FINANCE.values(), ids=FINANCE)
def test_nothing_makes_no_schedule(build: Built) -> None:
    with pytest.raises(ScheduleError, match="at least 1 fen, got 0"):
        build(0, "0.12", months(3), THIRTY)
    with pytest.raises(ScheduleError, match=r"0 or more, got -0\.01"):
        build(100, "-0.01", months(3), THIRTY)


@pytest.mark.parametrize("build", [level, equal_principal, interest_only])
def test_no_period_makes_no_schedule(build: Built) -> None:
    with pytest.raises(ScheduleError, match="at least one, got none"):
        build(100, "0.12", (), THIRTY)


@pytest.mark.parametrize("build", FINANCE.values(), ids=FINANCE)
def test_interest_is_not_asked_for_in_advance(build: Built) -> None:
    advance = monthly_periods(START, 3, first_due_on=START)
    with pytest.raises(ScheduleError, match="expected after 2026-03-16"):
        build(100_000, "0.12", advance, THIRTY)


def test_long_month_at_an_absurd_rate_is_refused() -> None:
    """At 99.8 % over 84 months almost nothing is repaid at first; the interest of a month of 31 days is above that."""
    with pytest.raises(ScheduleError, match="at least its interest"):
        level(CAR_FEN, "0.998", months(84), DayCount.ACTUAL_365_FIXED)
    assert principal_of(level(CAR_FEN, "0.998", months(84), THIRTY)) == CAR_FEN


def test_debt_never_grows_by_schedule() -> None:
    with pytest.raises(ScheduleError, match=r"instalment 1: expected at least its interest of 120000 fen, got 56866"):
        stepped(CAR_FEN, "0.12", months(24), THIRTY, [Step(12, "0.05"), Step(12, "1")])


@pytest.mark.parametrize("balloon_fen", [-1, 100_001])
def test_balloon_is_part_of_the_amount(balloon_fen: int) -> None:
    with pytest.raises(ScheduleError, match="balloon: expected 0 … 100000"):
        balloon(100_000, "0.12", months(3), THIRTY, balloon_fen)


@pytest.mark.parametrize("steps", [[], [Step(2, "1")], [Step(4, "1")], [Step(3, "0")]])
def test_steps_cover_the_periods(steps: list[Step]) -> None:
    with pytest.raises(ScheduleError, match="steps: expected weights for 3"):
        stepped(100_000, "0.12", months(3), THIRTY, steps)


def test_rent_steps_cover_the_periods() -> None:
    with pytest.raises(ScheduleError, match="steps: expected weights for 3 instalments, got 2"):
        stepped_rent(100, months(3), [Step(2, "1")])


def test_instalments_are_values() -> None:
    row = Instalment(1, START, 100, 20, 3)
    assert row.total_fen == 123
    assert msgspec.json.decode(msgspec.json.encode(row), type=Instalment) == row
    with pytest.raises(AttributeError, match="immutable"):
        row.principal_fen = 0  # type: ignore[misc]
    for body in (
        b'{"number":0,"due_on":"2026-03-16","principal_fen":1,"interest_fen":1}',
        b'{"number":1,"due_on":"2026-03-16","principal_fen":-1,"interest_fen":1}',
    ):
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(body, type=Instalment)
    assert [part.value for part in Component] == ["principal", "interest", "fee", "late_fee"]


@pytest.mark.parametrize("name", FINANCE)
@given(AMOUNTS, RATES, TERMS, st.dates(date(2020, 1, 1), date(2030, 12, 31)), st.sampled_from(DayCount))
def test_finance_schedules_are_exact(
    name: str, amount_fen: int, rate: str, term: int, start: date, count: DayCount
) -> None:
    periods = months(term, start)
    try:
        schedule = FINANCE[name](amount_fen, rate, periods, count)
    except ScheduleError as error:
        # A low step under a high rate cannot carry its own interest, and says so; no other structure may.
        assume(not (name == "step" and "at least its interest" in str(error)))
        raise
    check_schedule(schedule, amount_fen, periods)


@given(st.integers(100_000, 10**11), RATES, TERMS, st.sampled_from(DayCount))
def test_last_instalment_absorbs_fen_only(amount_fen: int, rate: str, term: int, count: DayCount) -> None:
    schedule = level(amount_fen, rate, months(term), count)
    assert len({row.total_fen for row in schedule[:-1]}) <= 1
    # Each rounding of at most a half fen grows with interest until the end.
    growth = (1 + Fraction(rate) / 11) ** term
    assert abs(schedule[-1].total_fen - schedule[0].total_fen) <= term * growth + 1


@given(st.integers(1, 10**9), RATES, st.integers(2, 60))
def test_level_is_worth_its_amount(amount_fen: int, rate: str, term: int) -> None:
    """Discounted at the contract's rate, the instalments are the amount, but for a fen each."""
    schedule = level(amount_fen, rate, months(term), THIRTY)
    with localcontext() as context:
        context.prec = 40
        factor = 1 / (1 + Decimal(rate) / 12)
        worth = sum((row.total_fen * factor**row.number for row in schedule), Decimal(0))
    assert abs(worth - amount_fen) <= term + 1


@given(AMOUNTS, TERMS, st.integers(0, 10**9))
def test_fees_are_exact(amount_fen: int, term: int, fee_fen: int) -> None:
    before = level(amount_fen, "0.1", months(term), THIRTY)
    after = with_fees(before, fee_fen)
    assert sum(row.fee_fen for row in after) == fee_fen
    assert total_of(after) == total_of(before) + fee_fen
    check_schedule(after, amount_fen, months(term))


@given(st.integers(1, 10**7), st.integers(1, 365), st.integers(1, 60), st.booleans())
def test_daily_rent_is_exact(rent_fen: int, days: int, every: int, in_advance: bool) -> None:
    periods = day_periods(START, days, every, in_advance=in_advance)
    check_schedule(daily_rent(rent_fen, periods), rent_fen * days, periods)


@given(st.integers(1, 10**9), TERMS, st.booleans())
def test_monthly_rent_is_exact(rent_fen: int, term: int, in_advance: bool) -> None:
    periods = monthly_periods(START, term, first_due_on=START if in_advance else None)
    check_schedule(monthly_rent(rent_fen, periods), rent_fen * term, periods)


def test_curtailment_by_hand() -> None:
    """100,000.00 at 7.3 % a year, 0.02 % a day: 30,000.00 back after 40 days of three months."""
    periods = with_due_days(months(3, date(2026, 3, 1)), [40])
    schedule = curtailed(10_000_000, "0.073", periods, DayCount.ACTUAL_365_FIXED, [(date(2026, 4, 10), 3_000_000)])
    rows = [(row.due_on.isoformat(), row.principal_fen, row.interest_fen) for row in schedule]
    assert rows == [
        ("2026-04-01", 0, 31 * 2_000),
        ("2026-04-10", 3_000_000, 9 * 2_000),
        ("2026-05-01", 0, 21 * 1_400),
        ("2026-06-01", 7_000_000, 31 * 1_400),
    ]


@pytest.mark.parametrize("reductions", [[-1], [60_000, 40_001]])
def test_curtailments_are_part_of_the_amount(reductions: list[int]) -> None:
    dated = [(date(2026, 5, 1 + at), fen) for at, fen in enumerate(reductions)]
    with pytest.raises(ScheduleError, match="reductions: expected 0 … 100000 fen in all"):
        curtailed(100_000, "0.1", months(3), THIRTY, dated)


@given(
    AMOUNTS,
    RATES,
    st.integers(1, 24),
    st.dates(date(2020, 1, 1), date(2030, 12, 31)),
    st.sampled_from(DayCount),
    st.lists(st.integers(1, 900), min_size=1, max_size=5, unique=True).map(sorted),
)
def test_curtailed_schedules_are_exact(
    amount_fen: int, rate: str, term: int, start: date, count: DayCount, days: list[int]
) -> None:
    periods = with_due_days(months(term, start), days)
    share_fen = amount_fen // 10
    reductions = [(start + timedelta(days=day), share_fen) for day in days]
    schedule = curtailed(amount_fen, rate, periods, count, reductions)
    check_schedule(schedule, amount_fen, periods)
    last = periods[-1].due_on
    assert sum(row.principal_fen for row in schedule[:-1]) == share_fen * sum(day < last for day, _ in reductions)
    # Whatever is paid back early bears no interest any more.
    whole = interest_only(amount_fen, rate, periods, count)
    assert all(part.interest_fen <= full.interest_fen for part, full in zip(schedule, whole, strict=True))


@pytest.mark.parametrize("name", FINANCE)
@given(AMOUNTS, RATES, st.integers(1, 20), st.sampled_from([3, 6]), st.sampled_from(DayCount))
def test_quarterly_and_half_yearly_schedules_are_exact(
    name: str, amount_fen: int, rate: str, count: int, every: int, day_count: DayCount
) -> None:
    periods = monthly_periods(START, count, every_months=every)
    try:
        schedule = FINANCE[name](amount_fen, rate, periods, day_count)
    except GrowingDebt:
        # As above: a low step, or at absurd rates a longer half-year, cannot carry its interest.
        assume(name != "step" and Decimal(rate) < Decimal("0.2"))
        raise
    check_schedule(schedule, amount_fen, periods)
    assert schedule[-1].due_on == add_months(START, count * every)


@pytest.mark.parametrize(("every", "fen"), [(1, 10_000), (3, 30_000), (6, 60_000)])
def test_whole_months_bear_their_share_of_a_year(every: int, fen: int) -> None:
    """1,000,000 fen at 12 % of 360 days: whatever the calendar, a month is 30 of them."""
    for start in (date(2026, 1, 31), date(2026, 2, 28), date(2028, 2, 29)):
        first = interest_only(1_000_000, "0.12", monthly_periods(start, 2, every_months=every), THIRTY)[0]
        assert first.interest_fen == fen


def test_days_of_a_quarter_count_one_by_one_where_they_are_counted() -> None:
    """31 + 30 + 31 days of 365, in leap years too."""
    periods = monthly_periods(START, 1, every_months=3)
    assert interest_only(36_500_000, "0.1", periods, DayCount.ACTUAL_365_FIXED)[0].interest_fen == 92 * 10_000
