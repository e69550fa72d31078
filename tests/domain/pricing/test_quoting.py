"""Quotes: what a wish comes to, what makes no offer, and the cash flows as the lessee sees them."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from msgspec.structs import replace

from domain.kernel.refusal import Refusal, RefusalKind
from domain.pricing import matching, quoting
from domain.pricing.dates import Adjustment, DayCount
from domain.pricing.deposits import FixedDeposit, Hold
from domain.pricing.matching import Customer
from domain.pricing.parts import (
    Balloon,
    BuyOutShare,
    Curtailed,
    Curtailment,
    CustomerClass,
    DailyRent,
    EqualPrincipal,
    Fee,
    FeeTiming,
    Form,
    InterestOnly,
    Level,
    MonthlyRent,
    NoBuyOut,
    RateBand,
    Stepped,
    SteppedRent,
    Term,
    TermUnit,
)
from domain.pricing.plans import Plan
from domain.pricing.quoting import quote
from domain.pricing.rates import DatedFlow
from domain.pricing.schedules import Step
from tests.domain.pricing.offers import CAR, PHONE, START, quoted, request

QUARTERLY = replace(CAR, structure=Level(every_months=3))
STOCK = replace(
    CAR,
    form=Form.FLOOR_PLAN,
    structure=Curtailed((Curtailment(90, "0.1"), Curtailment(120, "0.2"))),
    term=Term(TermUnit.MONTH, 1, 6),
    day_count=DayCount.ACTUAL_365_FIXED,
)
DAILY = replace(
    PHONE, structure=DailyRent(7), term=Term(TermUnit.DAY, 1, 60), buyout=NoBuyOut(), rates=(RateBand(60, "0.005"),)
)
UPFRONT = Fee(code="service", en="Fee", zh="手续费", timing=FeeTiming.UPFRONT, fen=300_000)
SPREAD = Fee(code="tracker", en="Tracker", zh="终端费", timing=FeeTiming.SPREAD, fen=36_001)


def test_car_with_a_fee_up_front() -> None:
    """120,000 over 36 months at 12 %, 3,000 up front."""
    worked_out = quoted(replace(CAR, fees=(UPFRONT,)))
    assert worked_out.flows == (11_700_000, *(-398_572,) * 35, -398_559)
    assert (worked_out.financed_fen, worked_out.received_fen) == (12_000_000, 12_000_000)
    assert (worked_out.upfront_fees_fen, worked_out.cost_fen) == (300_000, 2_648_579)
    assert worked_out.dated_flows[:2] == (DatedFlow(START, 11_700_000), DatedFlow(date(2026, 4, 16), -398_572))


def test_down_payment_is_not_financed() -> None:
    worked_out = quoted(CAR, down_payment_fen=2_000_000)
    assert (worked_out.financed_fen, worked_out.flows[0]) == (10_000_000, 10_000_000)


@pytest.mark.parametrize("down_payment_fen", [-1, 1_200_000, 12_000_000])
def test_down_payment_is_within_the_plan(down_payment_fen: int) -> None:
    plan = replace(CAR, down_payment_min="0.2")
    answer = quote(request(plan, down_payment_fen=down_payment_fen))
    assert isinstance(answer, Refusal)
    assert answer.kind is quoting.DOWN_PAYMENT
    assert dict(answer.facts) == {
        "down_payment_fen": str(down_payment_fen),
        "min_fen": "2400000",
        "max_fen": "11999999",
    }


def test_rental_has_no_down_payment() -> None:
    answer = quote(request(PHONE, down_payment_fen=1))
    assert isinstance(answer, Refusal)
    assert answer.code == "offer.down_payment"


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"price_fen": 0}, quoting.AMOUNT_NOT_POSITIVE),
        ({"price_fen": -5}, quoting.AMOUNT_NOT_POSITIVE),
        ({"price_fen": 999_999}, matching.AMOUNT_BELOW),
        ({"term": 13}, matching.TERM_NOT_OFFERED),
        ({"start": date(2025, 12, 31)}, matching.NOT_EFFECTIVE),
        ({"customer": Customer(CustomerClass.DEALER)}, matching.CUSTOMER_NOT_COVERED),
    ],
)
def test_plan_that_does_not_fit_is_refused(changes: dict[str, Any], kind: RefusalKind) -> None:
    answer = quote(request(CAR, **changes))
    assert isinstance(answer, Refusal)
    assert answer.kind is kind


def test_gift_is_paid_for_with_rents_in_advance() -> None:
    worked_out = quoted(PHONE)
    assert worked_out.flows == (600_000 - 52_560, *(-52_560,) * 11, 0)
    assert (worked_out.buyout_fen, worked_out.cost_fen) == (0, 12 * 52_560 - 600_000)
    assert worked_out.schedule[0].due_on == START
    assert worked_out.dated_flows[-1] == DatedFlow(date(2027, 3, 16), 0)


def test_rate_is_implied_by_the_market_price() -> None:
    worked_out = quoted(PHONE, market_price_fen=500_000)
    assert worked_out.flows[0] == 500_000 - 52_560
    assert worked_out.received_fen == 500_000


def test_buyout_is_the_last_flow() -> None:
    plan = replace(PHONE, buyout=BuyOutShare("0.3"), rates=(RateBand(12, "0.065"),))
    worked_out = quoted(plan)
    assert worked_out.buyout_fen == 180_000
    assert worked_out.flows == (600_000 - 39_000, *(-39_000,) * 11, -180_000)


@pytest.mark.parametrize(
    ("plan", "changes"),
    [
        (replace(PHONE, buyout=NoBuyOut()), {}),
        (PHONE, {"market_price_fen": None}),
        (PHONE, {"market_price_fen": 700_000}),
        (replace(PHONE, deposit=FixedDeposit(Hold.CASH, "1")), {}),
        (replace(CAR, fees=(replace(UPFRONT, fen=12_000_000),)), {}),
    ],
    ids=["goes back", "no market price", "below zero", "deposit takes all", "fee takes all"],
)
def test_where_no_rate_makes_sense_there_are_no_flows(plan: Plan, changes: dict[str, Any]) -> None:
    worked_out = quoted(plan, **changes)
    assert worked_out.flows == ()
    assert worked_out.dated_flows == ()


def test_cash_deposit_flows_and_a_frozen_one_does_not() -> None:
    cash = quoted(replace(CAR, deposit=FixedDeposit(Hold.CASH, "0.1")))
    frozen = quoted(replace(CAR, deposit=FixedDeposit(Hold.PREAUTHORISED, "0.1")))
    plain = quoted(CAR)
    assert cash.deposit_fen == frozen.deposit_fen == 1_200_000
    assert frozen.flows == plain.flows
    assert cash.flows[0] == plain.flows[0] - 1_200_000
    assert cash.flows[-1] == plain.flows[-1] + 1_200_000
    assert cash.cost_fen == plain.cost_fen


def test_lease_back_is_what_was_paid_out() -> None:
    plan = replace(CAR, form=Form.LEASEBACK)
    assert quoted(plan).received_fen == 12_000_000
    assert quoted(plan, paid_out_fen=11_500_000).flows[0] == 11_500_000
    assert quoted(CAR, paid_out_fen=11_500_000).flows[0] == 12_000_000


def test_spread_fees_are_in_the_schedule() -> None:
    worked_out = quoted(replace(CAR, fees=(SPREAD, UPFRONT)))
    assert [row.fee_fen for row in worked_out.schedule] == [1_000] * 35 + [1_001]
    assert worked_out.upfront_fees_fen == 300_000


STRUCTURES = [
    (CAR, EqualPrincipal(), "", 12, [1_000_000] * 12),
    (CAR, InterestOnly(), "", 12, [0] * 11 + [12_000_000]),
    (CAR, Balloon("0.5"), "0", 12, [500_000] * 11 + [6_500_000]),
    (CAR, Stepped((Step(1, "1"), Step(1, "3")), repeat=True), "0", 12, [500_000, 1_500_000] * 6),
    (CAR, Stepped((Step(6, "1"), Step(1, "3"))), "0", 12, [500_000] * 6 + [1_500_000] * 6),
    (PHONE, SteppedRent((Step(3, "0.5"), Step(1, "1"))), "0.1", 12, [30_000] * 3 + [60_000] * 9),
    (PHONE, MonthlyRent(in_advance=False), "0.1", 12, [60_000] * 12),
]


@pytest.mark.parametrize(("plan", "structure", "rate", "term", "principal"), STRUCTURES)
def test_each_structure(plan: Plan, structure: Any, rate: str, term: int, principal: list[int]) -> None:
    changed = replace(plan, structure=structure, rates=(RateBand(60, rate),) if rate else plan.rates)
    worked_out = quoted(changed, term=term)
    assert [row.principal_fen for row in worked_out.schedule] == principal
    assert worked_out.financed_fen == sum(principal)


def test_daily_rent() -> None:
    worked_out = quoted(DAILY, term=10)
    assert [row.principal_fen for row in worked_out.schedule] == [21_000, 9_000]
    assert [row.due_on for row in worked_out.schedule] == [START, date(2026, 3, 23)]


def test_first_due_date_and_holidays_are_passed_through() -> None:
    def working(day: date) -> bool:
        return day.weekday() < 5

    worked_out = quote(
        request(CAR, first_due_on=date(2026, 4, 5), adjustment=Adjustment.FOLLOWING, month_end=True), working
    )
    assert isinstance(worked_out, quoting.Quote)
    assert [row.due_on for row in worked_out.schedule[:3]] == [date(2026, 4, 6), date(2026, 5, 5), date(2026, 6, 5)]


@pytest.mark.parametrize(
    ("plan", "given", "code", "facts"),
    [
        (CAR, date(2026, 3, 16), "offer.first_due", {"earliest": "2026-03-17", "latest": "2026-05-16"}),
        (CAR, date(2026, 5, 17), "offer.first_due", {"earliest": "2026-03-17", "latest": "2026-05-16"}),
        (PHONE, date(2026, 3, 15), "offer.first_due", {"earliest": "2026-03-16", "latest": "2026-05-16"}),
        (QUARTERLY, date(2026, 7, 17), "offer.first_due", {"earliest": "2026-03-17", "latest": "2026-07-16"}),
        (DAILY, date(2026, 3, 16), "offer.first_due_fixed", {"plan": "phone"}),
    ],
)
def test_first_due_date_is_near_the_start(plan: Plan, given: date, code: str, facts: dict[str, str]) -> None:
    answer = quote(request(plan, first_due_on=given))
    assert isinstance(answer, Refusal)
    assert answer.code == code
    assert facts.items() <= dict(answer.facts).items()


@pytest.mark.parametrize(("plan", "given"), [(CAR, "2026-03-17"), (CAR, "2026-05-16"), (QUARTERLY, "2026-07-16")])
def test_first_due_date_may_be_so_early_and_so_late(plan: Plan, given: str) -> None:
    worked_out = quoted(plan, first_due_on=date.fromisoformat(given))
    assert worked_out.schedule[0].due_on.isoformat() == given
    # It is not a whole interval after the start, so that there is a rate by dates only.
    assert worked_out.flows == ()
    assert worked_out.dated_flows[0].fen == 12_000_000


def test_quarterly_instalments() -> None:
    """120,000 at 12 %: 3 % a quarter on what is owed, twelve times; a month's flow stands where a quarter ends."""
    worked_out = quoted(QUARTERLY)
    assert [row.due_on for row in worked_out.schedule[:2]] == [date(2026, 6, 16), date(2026, 9, 16)]
    assert len(worked_out.schedule) == 12
    assert worked_out.schedule[0].interest_fen == 360_000
    # 12,000,000 × 0.03 × 1.03^12 ÷ (1.03^12 − 1)
    assert {row.total_fen for row in worked_out.schedule[:-1]} == {1_205_545}
    assert len(worked_out.flows) == 37
    assert [month for month, fen in enumerate(worked_out.flows) if fen] == list(range(0, 37, 3))
    assert worked_out.flows[3] == -1_205_545


def test_half_yearly_principal() -> None:
    worked_out = quoted(replace(CAR, structure=EqualPrincipal(every_months=6)))
    assert [row.principal_fen for row in worked_out.schedule] == [2_000_000] * 6
    assert [row.interest_fen for row in worked_out.schedule] == [720_000 - 120_000 * at for at in range(6)]
    assert worked_out.schedule[-1].due_on == date(2029, 3, 16)


def test_stock_is_paid_down() -> None:
    """10 % after 90 days, 20 % after 120, the rest at the end; interest for the days on what is still owed."""
    worked_out = quoted(STOCK, term=6)
    rows = [(row.due_on.isoformat(), row.principal_fen, row.interest_fen) for row in worked_out.schedule]
    days = [31, 30, 29, 2, 28, 2, 31, 31]
    owed = [12_000_000] * 3 + [10_800_000] * 2 + [8_400_000] * 3
    expected = [round(fen * day * 12 / 36_500) for fen, day in zip(owed, days, strict=True)]
    assert rows == [
        ("2026-04-16", 0, expected[0]),
        ("2026-05-16", 0, expected[1]),
        ("2026-06-14", 1_200_000, expected[2]),
        ("2026-06-16", 0, expected[3]),
        ("2026-07-14", 2_400_000, expected[4]),
        ("2026-07-16", 0, expected[5]),
        ("2026-08-16", 0, expected[6]),
        ("2026-09-16", 8_400_000, expected[7]),
    ]
    assert worked_out.flows == ()
    assert worked_out.dated_flows[-1] == DatedFlow(date(2026, 9, 16), -8_400_000 - expected[7])


def test_curtailments_after_the_end_are_the_rest() -> None:
    assert [row.principal_fen for row in quoted(STOCK, term=3).schedule] == [0, 0, 1_200_000, 10_800_000]
    assert [row.principal_fen for row in quoted(STOCK, term=2).schedule] == [0, 12_000_000]


def test_curtailment_that_falls_due_with_a_bill_is_part_of_it() -> None:
    """90 days are Sunday 2026-06-14; when nothing falls due at a weekend it meets the bill of the 15th."""

    def working(day: date) -> bool:
        return day.weekday() < 5

    worked_out = quote(request(STOCK, term=6, start=date(2026, 3, 15), adjustment=Adjustment.FOLLOWING), working)
    assert isinstance(worked_out, quoting.Quote)
    rows = [(row.due_on.isoformat(), row.principal_fen) for row in worked_out.schedule]
    assert rows[2] == ("2026-06-15", 1_200_000)
    assert sum(fen for _, fen in rows) == 12_000_000
    assert len({due_on for due_on, _ in rows}) == len(rows)


def test_what_makes_no_dates_is_refused() -> None:
    never = quote(request(CAR, adjustment=Adjustment.FOLLOWING), lambda _: False)
    assert isinstance(never, Refusal)
    assert never.kind is quoting.NO_DATES
    late = quote(request(CAR, start=date(9990, 1, 1), term=60, first_due_on=None))
    assert isinstance(late, quoting.Quote)
    too_late = quote(request(CAR, start=date(9999, 1, 31)))
    assert isinstance(too_late, Refusal)
    assert too_late.kind is quoting.NO_DATES


def test_instalments_that_do_not_cover_their_interest_are_refused() -> None:
    """At 99.8 % over seven years a month of 31 days costs more than the level instalment."""
    dear = replace(
        CAR,
        rates=(RateBand(84, "0.998"),),
        term=Term(TermUnit.MONTH, 12, 84, 12),
        day_count=DayCount.ACTUAL_365_FIXED,
    )
    answer = quote(request(dear, term=84))
    assert isinstance(answer, Refusal)
    assert answer.kind is quoting.INTEREST_NOT_COVERED
    facts = dict(answer.facts)
    assert int(facts["interest_fen"]) > int(facts["instalment_fen"])


def test_free_money_with_a_deposit_costs_nothing() -> None:
    """Interest-free: with a deposit of a tenth the rate is zero; with most of it held there is no single rate."""
    free = replace(CAR, rates=(RateBand(60, "0"),))
    worked_out = quoted(replace(free, deposit=FixedDeposit(Hold.CASH, "0.1")))
    assert sum(worked_out.flows) == 0
    answer = quote(request(replace(free, deposit=FixedDeposit(Hold.CASH, "0.9"))))
    assert isinstance(answer, Refusal)
    assert answer.kind is quoting.RATE_AMBIGUOUS


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"market_price_fen": 0}, "offer.amount_not_positive"),
        ({"market_price_fen": -1}, "offer.amount_not_positive"),
        ({"market_price_fen": 2**53}, "offer.amount_too_large"),
        ({"price_fen": 2**53}, "offer.amount_too_large"),
    ],
)
def test_amounts_are_amounts(changes: dict[str, Any], code: str) -> None:
    answer = quote(request(CAR, **changes))
    assert isinstance(answer, Refusal)
    assert answer.code == code


def test_rents_of_nothing_make_no_schedule() -> None:
    answer = quote(request(replace(PHONE, rates=(RateBand(12, "0.0000000001"),))))
    assert isinstance(answer, Refusal)
    assert answer.kind is quoting.NO_SCHEDULE


def test_bills_that_add_up_to_too_much_are_refused() -> None:
    plan = replace(PHONE, amount_max_fen=2**53 - 1, rates=(RateBand(12, "9"),))
    answer = quote(request(plan, price_fen=2**52))
    assert isinstance(answer, Refusal)
    assert answer.kind is quoting.AMOUNT_TOO_LARGE
