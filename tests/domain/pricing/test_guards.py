"""Guards: each says no for its own reason, in a fixed order, with the facts; and an ordinary offer passes them all."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.kernel.refusal import REFUSALS, Refusal, RefusalKind
from domain.pricing import guards
from domain.pricing.deposits import FixedDeposit, Hold
from domain.pricing.guards import (
    Cap,
    CostPolicy,
    Guard,
    Lessor,
    LprQuote,
    Measure,
    cap_on,
    check_offer,
    check_wording,
    judge,
)
from domain.pricing.offer import Offer
from domain.pricing.parts import Fee, FeeTiming, Form, NoBuyOut, RateBand
from tests.domain.pricing.offers import CAR, LICENSED, PHONE, START, UNLICENSED, offer

LPR = (
    LprQuote(date(2025, 12, 20), "0.031"),
    LprQuote(date(2026, 2, 20), "0.03"),
    LprQuote(date(2026, 4, 20), "0.029"),
)
HEAVY_FEE = Fee(code="service", en="Fee", zh="手续费", timing=FeeTiming.UPFRONT, fen=3_000_000)
RETURNED = replace(PHONE, buyout=NoBuyOut())


def codes(refusals: tuple[Refusal, ...]) -> list[str]:
    return [one.code for one in refusals]


def test_ordinary_offers_pass() -> None:
    assert check_offer(offer(PHONE), UNLICENSED, {"title": PHONE.zh}) == ()
    assert check_offer(offer(CAR), LICENSED, {"title": CAR.zh}) == ()


@pytest.mark.parametrize(
    ("on", "cap"),
    [
        (date(2025, 12, 20), "0.124"),
        (date(2026, 2, 19), "0.124"),
        (date(2026, 2, 20), "0.12"),
        (date(2026, 4, 20), "0.116"),
        (date(2030, 1, 1), "0.116"),
    ],
)
def test_cap_is_four_times_the_rate_of_the_day(on: date, cap: str) -> None:
    answer = cap_on(replace(UNLICENSED, lpr=LPR), on)
    assert isinstance(answer, Cap)
    assert Decimal(answer.rate) == Decimal(cap)
    assert answer.lpr is not None
    assert answer.lpr.published_on <= on


def test_order_of_publications_does_not_matter() -> None:
    assert cap_on(replace(UNLICENSED, lpr=LPR[::-1]), START) == cap_on(replace(UNLICENSED, lpr=LPR), START)


def test_no_rate_no_cap_no_offer() -> None:
    early = cap_on(replace(UNLICENSED, lpr=LPR), date(2025, 12, 19))
    assert isinstance(early, Refusal)
    assert early.kind is guards.LPR_UNKNOWN
    assert codes(check_offer(offer(PHONE), replace(UNLICENSED, lpr=()))) == ["offer.lpr_unknown"]


@pytest.mark.parametrize(
    ("known_until", "expected"), [(START, []), (date(2026, 3, 15), ["offer.lpr_stale"]), (None, [])]
)
def test_rate_is_relied_on_as_far_as_somebody_looked(known_until: date | None, expected: list[str]) -> None:
    assert codes(check_offer(offer(PHONE), replace(UNLICENSED, lpr_known_until=known_until))) == expected


def test_rate_is_that_of_the_day_of_the_offer() -> None:
    """The offer is made in April for a lease that starts in March, or the other way round."""
    policy = replace(UNLICENSED, lpr=LPR)
    assert check_offer(offer(PHONE), policy) == ()
    assert codes(check_offer(offer(PHONE), policy, on=date(2026, 4, 20))) == ["offer.cost_above_cap"]
    assert codes(check_offer(offer(PHONE), policy, on=date(2025, 1, 1))) == ["offer.lpr_unknown"]


def test_verdicts_say_what_was_compared() -> None:
    policy = replace(UNLICENSED, lpr=LPR)
    verdicts = {verdict.guard: dict(verdict.facts) for verdict in judge(offer(PHONE), policy, {"title": PHONE.zh})}
    assert list(verdicts) == list(Guard)
    assert verdicts[Guard.COST]["lpr_published_on"] == "2026-02-20"
    assert (verdicts[Guard.COST]["lpr"], verdicts[Guard.COST]["cap"]) == ("0.03", "0.12")
    assert verdicts[Guard.COST]["measure"] == "effective_annual_rate"
    assert verdicts[Guard.LATE_FEE] == {"rate": "0.1095", "cap": "0.12"}
    assert verdicts[Guard.MARKET] == {"price_fen": "600000", "market_price_fen": "600000"}
    assert verdicts[Guard.WORDING] == {"texts": "1"}
    licensed = dict(judge(offer(CAR), LICENSED)[3].facts)
    assert "lpr" not in licensed
    assert licensed["cap"] == "0.24"


def test_licensed_lessor_states_its_own_cap() -> None:
    assert cap_on(LICENSED, START) == Cap("0.24")
    assert codes(check_offer(offer(CAR), replace(LICENSED, own_cap=None))) == ["offer.own_cap_missing"]


def test_cap_counts_fees() -> None:
    """12 % in the contract is exactly the cap; a fee on top is above it."""
    at_cap = replace(CAR, late_fee_daily_rate="0")
    policy = replace(UNLICENSED, lpr_multiple="4.001")
    assert check_offer(offer(at_cap), policy) == ()
    refused = check_offer(offer(replace(at_cap, fees=(HEAVY_FEE,))), policy)
    assert codes(refused) == ["offer.cost_above_cap"]
    facts = dict(refused[0].facts)
    assert facts["measure"] == "nominal_annual_rate"
    assert Decimal(facts["rate"]) > Decimal("0.3")
    assert Decimal(facts["cap"]) == Decimal("0.12003")


def test_phones_are_measured_by_the_effective_rate() -> None:
    """A rent that is nominally below 12 % is effectively above 12 %."""
    dear = offer(replace(PHONE, rates=(RateBand(12, "0.0879"),)))
    assert dear.rates is not None
    assert Decimal(dear.rates.nominal_annual_rate) < Decimal("0.12") < Decimal(dear.rates.effective_annual_rate)
    assert codes(check_offer(dear, UNLICENSED)) == ["offer.cost_above_cap"]
    assert check_offer(dear, replace(UNLICENSED, rental_measure=Measure.NOMINAL)) == ()


def test_inflated_price_hides_interest_and_is_found() -> None:
    """The rents are honest for 6,000; the phone costs 5,000 elsewhere."""
    refused = check_offer(offer(PHONE, market_price_fen=500_000), UNLICENSED)
    assert codes(refused) == ["offer.price_above_market", "offer.cost_above_cap"]
    assert dict(refused[0].facts) == {"price_fen": "600000", "max_fen": "500000"}


@pytest.mark.parametrize(("tolerance", "expected"), [("0.02", []), ("0.0199", ["offer.price_above_market"])])
def test_price_has_a_tolerance(tolerance: str, expected: list[str]) -> None:
    cheap = replace(CAR, rates=(RateBand(60, "0.05"),))
    made = offer(cheap, price_fen=10_200_000, market_price_fen=10_000_000)
    assert codes(check_offer(made, replace(LICENSED, price_tolerance=tolerance))) == expected


def test_phone_without_a_market_price_is_refused() -> None:
    assert codes(check_offer(offer(PHONE, market_price_fen=None), UNLICENSED)) == ["offer.market_price_missing"]
    returned = offer(RETURNED, market_price_fen=None)
    assert check_offer(returned, UNLICENSED) == ()
    assert codes(check_offer(returned, replace(UNLICENSED, rent_share_max="1.1"))) == ["offer.market_price_missing"]


@pytest.mark.parametrize(("share", "expected"), [("1.0512", []), ("1.0511", ["offer.rent_above_cap"])])
def test_whole_rent_has_a_cap(share: str, expected: list[str]) -> None:
    assert codes(check_offer(offer(RETURNED), replace(UNLICENSED, rent_share_max=share))) == expected


def test_penalty_is_under_the_cap_too() -> None:
    """0.033 % a day is 12.045 % a year."""
    refused = check_offer(offer(replace(PHONE, late_fee_daily_rate="0.00033")), UNLICENSED)
    assert codes(refused) == ["offer.late_fee_above_cap"]
    assert dict(refused[0].facts) == {"rate": "0.12045", "cap": "0.12"}


@pytest.mark.parametrize("paid_out_fen", [11_999_999, 11_000_000, 12_000_001])
def test_nothing_is_deducted_from_a_lease_back(paid_out_fen: int) -> None:
    plan = replace(CAR, form=Form.LEASEBACK)
    assert check_offer(offer(plan), LICENSED) == ()
    refused = check_offer(offer(plan, paid_out_fen=paid_out_fen), LICENSED)
    assert codes(refused) == ["offer.interest_deducted"]
    assert dict(refused[0].facts) == {"financed_fen": "12000000", "paid_out_fen": str(paid_out_fen)}
    assert "民法典 670" in refused[0].kind.source
    assert guards.TERMS_OF_BUSINESS in refused[0].kind.source


def test_house_rules_say_that_they_are() -> None:
    """No refusal claims a statute for leases that speaks of loans, or none at all, without saying so."""
    sourced = [kind for code, kind in REFUSALS.items() if code.startswith("offer.") and kind.source]
    assert len(sourced) == 5
    assert [kind.code for kind in sourced if guards.TERMS_OF_BUSINESS not in kind.source] == []


def test_price_below_zero_is_refused() -> None:
    assert codes(check_offer(offer(PHONE, market_price_fen=700_000), UNLICENSED)) == ["offer.below_zero"]


@pytest.mark.parametrize(
    "plan",
    [replace(PHONE, deposit=FixedDeposit(Hold.CASH, "1")), replace(CAR, fees=(replace(HEAVY_FEE, fen=12_000_000),))],
)
def test_offer_that_leaves_nothing_is_refused(plan: Any) -> None:
    policy = LICENSED if plan.id == "car" else UNLICENSED
    assert codes(check_offer(offer(plan), policy)) == ["offer.nothing_received"]


def test_schedule_that_does_not_add_up_is_refused() -> None:
    """An offer may come from outside; its numbers are counted again."""
    made = offer(CAR)
    assert codes(check_offer(replace(made, financed_fen=made.financed_fen - 1), LICENSED)) == ["offer.schedule_sum"]


def test_forbidden_words_are_refused_in_every_place() -> None:
    texts = {"title": "新车 以 租 代 購", "body": "车抵贷与汽车信贷", "note": "正常"}
    refused = check_offer(offer(CAR), LICENSED, texts)
    assert [dict(one.facts)["place"] for one in refused] == ["body", "body", "title"]
    assert [dict(one.facts)["word"] for one in refused] == ["车抵贷", "汽车信贷", "以租代购"]
    assert {one.kind for one in refused} == {guards.FORBIDDEN_WORDING}


def test_words_are_forbidden_for_vehicles_only() -> None:
    assert check_wording(offer(PHONE), UNLICENSED, {"title": "以租代购"}) == ()


def test_tenant_adds_words_and_takes_none_away() -> None:
    policy = replace(LICENSED, more_forbidden_words=("零利息",))
    assert policy.forbidden_words == (*guards.FORBIDDEN_AUTO_WORDS, "零利息")
    assert codes(check_wording(offer(CAR), policy, {"title": "零 利 息"})) == ["offer.forbidden_wording"]


def test_order_of_refusals_is_fixed() -> None:
    plan = replace(CAR, form=Form.LEASEBACK, fees=(HEAVY_FEE,), late_fee_daily_rate="0.001")
    made = offer(plan, paid_out_fen=11_000_000, market_price_fen=10_000_000)
    refused = check_offer(replace(made, financed_fen=1), replace(LICENSED, own_cap="0.15"), {"title": "车抵贷"})
    assert codes(refused) == [
        "offer.schedule_sum",
        "offer.interest_deducted",
        "offer.price_above_market",
        "offer.cost_above_cap",
        "offer.late_fee_above_cap",
        "offer.forbidden_wording",
    ]


def test_every_refusal_speaks_both_languages() -> None:
    kinds: list[RefusalKind] = [kind for code, kind in REFUSALS.items() if code.startswith(("offer.", "plan."))]
    assert len(kinds) >= 24
    assert [kind.code for kind in kinds if not kind.en or not any(char >= "\u4e00" for char in kind.zh)] == []


@given(st.integers(1, 400), st.integers(1, 400))
def test_cap_decides_exactly(lpr_bp: int, monthly_ppm: int) -> None:
    """Whatever rate and cap: refused if and only if the measured rate is above the cap."""
    rate = f"{Decimal('0.0834') + Decimal(monthly_ppm) / 10_000:f}"
    made: Offer = offer(replace(PHONE, rates=(RateBand(12, rate),), late_fee_daily_rate="0"))
    policy = CostPolicy(version=1, lessor=Lessor.UNLICENSED, lpr=(LprQuote(START, f"{Decimal(lpr_bp) / 10_000:f}"),))
    assert made.rates is not None
    above = Decimal(made.rates.effective_annual_rate) > 4 * Decimal(lpr_bp) / 10_000
    assert codes(check_offer(made, policy)) == (["offer.cost_above_cap"] if above else [])


def test_what_is_exactly_at_the_cap_passes() -> None:
    made = offer(replace(CAR, late_fee_daily_rate="0.0004"))
    assert made.rates is not None
    exact = made.rates.nominal_annual_rate
    late = replace(made, late_fee_daily_rate="0")
    below = f"{Decimal(exact) - Decimal('0.0000000001'):f}"
    assert check_offer(late, replace(LICENSED, own_cap=exact)) == ()
    assert codes(check_offer(late, replace(LICENSED, own_cap=below))) == ["offer.cost_above_cap"]
    # 0.04 % a day is 14.6 % a year.
    assert check_offer(made, replace(LICENSED, own_cap="0.146")) == ()
    assert codes(check_offer(made, replace(LICENSED, own_cap="0.1459999999"))) == ["offer.late_fee_above_cap"]
