"""From an offer to key terms: what was kept gives the offer again, and no field of terms can be another one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace

from domain.contracts.contract.values import KeyTerms
from domain.contracts.offered import (
    CONTRACT_OFFER_DIFFERS,
    ContractConditions,
    contract_stream,
    key_terms_of,
    wrong_key_terms,
)
from domain.contracts.roots import schedule_digest
from domain.intake.application.values import Priced, Terms, WantedScore
from domain.intake.offers import (
    NOT_PRICED,
    OFFER_DIFFERS,
    TERMS_DIFFER,
    WANTED_UNKNOWN,
    offer_digest,
    priced_of,
    principal_fen,
    request_of,
    terms_of,
    wrong_offer,
)
from domain.kernel.refusal import Refusal
from domain.pricing.dates import Adjustment
from domain.pricing.deposits import DepositBand, FixedDeposit, GradedDeposit, Hold, Scored, ScoreSource
from domain.pricing.guards import FORBIDDEN_WORDING, LPR_UNKNOWN, CostPolicy
from domain.pricing.matching import Customer
from domain.pricing.offer import Offer
from domain.pricing.parts import (
    BuyOutPrice,
    CustomerClass,
    DailyRent,
    Fee,
    FeeTiming,
    NoBuyOut,
    RateBand,
    Term,
    TermUnit,
)
from domain.pricing.plans import Plan
from domain.pricing.quoting import Quote, QuoteRequest, quote
from tests.domain.pricing.offers import CAR, LICENSED, PHONE, START, UNLICENSED, offer, request

DEAR = replace(
    CAR,
    fees=(Fee(code="filing", en="Filing", zh="抵押登记费", timing=FeeTiming.UPFRONT, fen=12_345),),
    deposit=FixedDeposit(Hold.CASH, "0.05"),
    buyout=BuyOutPrice(20_000),
)
"""A car with a fee up front, a deposit in cash and a price at the end."""
DOWN = {"down_payment_fen": 2_000_000}
MADE = offer(DEAR, **DOWN)
KEPT = priced_of(request(DEAR, **DOWN), MADE)
TERMS = terms_of(MADE, KEPT)
AGREED = ContractConditions(lock=True, forum="华东仲裁委员会", early_settlement_rate="0.02")
KEY_TERMS = key_terms_of(MADE, DEAR, AGREED)


def again(kept: Priced, plan: Plan) -> QuoteRequest:
    """The request of what was kept; its codes are those of the catalogue."""
    asked = request_of(kept, plan)
    assert isinstance(asked, QuoteRequest)
    return asked


def judged(terms: Terms, made: Offer = MADE, policy: CostPolicy = LICENSED, **more: Any) -> Refusal | None:
    """What is wrong with terms; `texts` go with them, `on` is the day on which they are offered."""
    texts: Mapping[str, str] = more.get("texts", {})
    return wrong_offer(terms, made, policy, texts, more.get("on", START))


# ------------------------------------------------------------------------------------------------ what is kept


def test_everything_that_was_wanted_is_kept() -> None:
    """No field of a request is left to its default, so that a forgotten one shows."""
    others = (Scored(ScoreSource.ZHIMA, 712), Scored(ScoreSource.BUREAU, 640))
    asked = request(
        CAR,
        customer=Customer(CustomerClass.INDIVIDUAL, 910, others),
        term=48,
        start=date(2026, 4, 30),
        first_due_on=date(2026, 5, 31),
        market_price_fen=12_500_000,
        down_payment_fen=1_500_000,
        paid_out_fen=10_500_000,
        month_end=True,
        adjustment=Adjustment.FOLLOWING,
    )
    kept = priced_of(asked, MADE)
    back = again(kept, CAR)
    assert back.customer.scores == asked.customer.scores == (Scored(ScoreSource.DECISION, 910), *others)
    assert replace(back, customer=asked.customer) == asked
    assert kept.wanted.scores == (
        WantedScore("decision", 910),
        WantedScore("zhima", 712),
        WantedScore("bureau", 640),
    )
    assert (kept.plan, kept.plan_digest, kept.offer) == (MADE.plan, MADE.plan_digest, offer_digest(MADE))


@pytest.mark.parametrize(
    "change",
    [
        {"customer_class": "friend"},
        {"asset_kind": "spaceship"},
        {"adjustment": "whenever"},
        {"scores": (WantedScore("gut_feeling", 999),)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_code_outside_the_catalogue_is_refused(change: dict[str, Any]) -> None:
    wanted = replace(KEPT.wanted, **change)
    refused = request_of(replace(KEPT, wanted=wanted), DEAR)
    assert isinstance(refused, Refusal)
    assert refused.kind is WANTED_UNKNOWN
    assert dict(refused.facts) == {
        "customer_class": wanted.customer_class,
        "asset_kind": wanted.asset_kind,
        "adjustment": wanted.adjustment,
    }


@given(
    price_fen=st.integers(2_000_000, 40_000_000),
    down_fen=st.integers(0, 900_000),
    term=st.sampled_from([12, 24, 36, 48, 60]),
    score=st.none() | st.integers(0, 1_000),
)
def test_what_is_kept_makes_the_same_quote(price_fen: int, down_fen: int, term: int, score: int | None) -> None:
    """Also where the scores decide about the deposit."""
    bands = (DepositBand(600, "0"), DepositBand(0, "0.3"))
    graded = replace(DEAR, deposit=GradedDeposit(Hold.CASH, bands, unscored_share="0.2"))
    customer = Customer(CustomerClass.INDIVIDUAL, score)
    asked = request(graded, price_fen=price_fen, down_payment_fen=down_fen, term=term, customer=customer)
    made, made_again = quote(asked), quote(again(priced_of(asked, MADE), graded))
    assert isinstance(made, Quote)
    assert isinstance(made_again, Quote)
    assert replace(made_again, request=asked) == made


def test_a_digest_belongs_to_one_offer() -> None:
    """One fen, one day or another deposit make another one; the same wish makes the same."""
    others = [
        replace(MADE, price_fen=MADE.price_fen + 1),
        replace(MADE, deposit_fen=MADE.deposit_fen + 1),
        replace(MADE, schedule=MADE.schedule[:-1]),
        replace(MADE, rates=None),
    ]
    assert len({offer_digest(one) for one in (MADE, *others)}) == 5
    assert offer_digest(offer(DEAR, **DOWN)) == offer_digest(MADE)
    assert len(offer_digest(MADE)) == 64


def test_an_application_has_one_contract() -> None:
    one, other = UUID(int=1), UUID(int=2)
    assert contract_stream(one) == contract_stream(UUID(int=1))
    assert len({one, other, contract_stream(one), contract_stream(other)}) == 4


# ----------------------------------------------------------------------------------------------------- the terms


def test_a_finance_lease_is_about_what_is_financed() -> None:
    """120,000 yuan less 20,000 down; the deposit is a twentieth of the price."""
    assert principal_fen(MADE) == TERMS.amount_fen == 10_000_000
    assert (TERMS.months, TERMS.deposit_fen, TERMS.currency) == (36, 600_000, "CNY")
    assert MADE.rates is not None
    assert TERMS.annual_rate == MADE.rates.nominal_annual_rate != MADE.rates.effective_annual_rate


def test_a_rental_is_about_the_price_of_the_object() -> None:
    """With a buy-out it has a rate; a device that goes back has none."""
    assert principal_fen(offer(PHONE)) == 600_000
    lent = replace(PHONE, buyout=NoBuyOut())
    made = offer(lent)
    assert terms_of(made, KEPT).annual_rate is None
    key_terms = key_terms_of(made, lent, AGREED)
    assert (key_terms.apr, key_terms.irr, key_terms.buyout_fen) == (None, None, None)
    assert key_terms.financed_fen == 600_000


def test_days_are_no_months() -> None:
    by_day = replace(
        PHONE, structure=DailyRent(7), term=Term(TermUnit.DAY, 1, 60), buyout=NoBuyOut(), rates=(RateBand(60, "0.005"),)
    )
    made = offer(by_day, term=30)
    assert (made.term, terms_of(made, KEPT).months) == (30, None)
    assert key_terms_of(made, by_day, AGREED).instalments == 5


def test_terms_of_their_own_offer_pass() -> None:
    assert judged(TERMS) is None


def test_terms_without_a_plan_are_not_offered() -> None:
    refused = judged(replace(TERMS, priced=UNSET))
    assert refused is not None
    assert refused.kind is NOT_PRICED


def test_another_offer_than_the_plan_makes_is_refused() -> None:
    """Whoever sends the terms may name any digest; it is worked out again."""
    refused = judged(replace(TERMS, priced=replace(KEPT, offer="0" * 64)))
    assert refused is not None
    assert refused.kind is OFFER_DIFFERS
    assert dict(refused.facts) == {"expected": offer_digest(MADE), "got": "0" * 64}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("amount_fen", 10_000_001),
        ("currency", "EUR"),
        ("months", 35),
        ("months", None),
        ("annual_rate", "0.1"),
        ("annual_rate", None),
        ("deposit_fen", 0),
        ("deposit_fen", None),
    ],
)
def test_a_term_that_is_not_the_offers_is_refused_by_name(field: str, value: object) -> None:
    refused = judged(replace(TERMS, **{field: value}))
    assert refused is not None
    assert refused.kind is TERMS_DIFFER
    expected = {"field": field, "expected": getattr(TERMS, field), "got": value}
    assert dict(refused.facts) == {name: str(fact) for name, fact in expected.items()}


def test_guards_are_asked_last_and_their_first_no_counts() -> None:
    words = {"title": "车抵贷"}
    refused = judged(TERMS, texts=words)
    assert refused is not None
    assert refused.kind is FORBIDDEN_WORDING
    wrong = judged(replace(TERMS, months=35), texts=words)
    assert wrong is not None
    assert wrong.kind is TERMS_DIFFER


def test_the_day_of_the_offer_decides_which_cap_holds() -> None:
    """Before the first published rate there is no cap to compare with, and then nothing is offered."""
    made = offer(PHONE)
    kept = priced_of(request(PHONE), made)
    assert judged(terms_of(made, kept), made, UNLICENSED) is None
    early = judged(terms_of(made, kept), made, UNLICENSED, on=date(2026, 2, 19))
    assert early is not None
    assert early.kind is LPR_UNKNOWN


# ------------------------------------------------------------------------------------------------- the key terms


def test_key_terms_say_what_the_offer_says() -> None:
    assert MADE.rates is not None
    assert (
        KeyTerms(
            currency="CNY",
            financed_fen=10_000_000,
            total_cost_fen=MADE.total_fen,
            deposit_fen=600_000,
            instalments=36,
            first_due_on=date(2026, 4, 16),
            last_due_on=date(2029, 3, 16),
            apr=MADE.rates.nominal_annual_rate,
            irr=MADE.rates.effective_annual_rate,
            schedule_digest=schedule_digest(MADE.schedule),
            lock=True,
            late_fee_daily_rate="0.0003",
            grace_days=3,
            allocation=DEAR.allocation,
            early_settlement_rate="0.02",
            upfront_fee_fen=12_345,
            down_payment_fen=2_000_000,
            buyout_fen=20_000,
            forum="华东仲裁委员会",
        )
        == KEY_TERMS
    )
    assert wrong_key_terms(KEY_TERMS, MADE, DEAR) is None


def test_what_is_agreed_apart_is_not_the_offers() -> None:
    """A lock, the courts instead of arbitration and another price of settling early are no difference."""
    for free in ({"lock": False}, {"forum": None}, {"early_settlement_rate": "0.5"}):
        assert wrong_key_terms(replace(KEY_TERMS, **free), MADE, DEAR) is None


WRONG: dict[str, object] = {
    "currency": "EUR",
    "financed_fen": 1,
    "total_cost_fen": MADE.total_fen - 1,
    "deposit_fen": 600_001,
    "instalments": 35,
    "first_due_on": date(2026, 4, 17),
    "last_due_on": date(2029, 3, 15),
    "apr": "0.12",
    "irr": None,
    "schedule_digest": "5" * 64,
    "late_fee_daily_rate": "0.0004",
    "grace_days": 2,
    "allocation": DEAR.allocation[::-1],
    "upfront_fee_fen": 12_344,
    "down_payment_fen": 0,
    "buyout_fen": None,
}


@pytest.mark.parametrize("field", WRONG)
def test_a_key_term_that_is_not_the_offers_is_refused_by_name(field: str) -> None:
    refused = wrong_key_terms(replace(KEY_TERMS, **{field: WRONG[field]}), MADE, DEAR)
    assert refused is not None
    assert refused.kind is CONTRACT_OFFER_DIFFERS
    assert dict(refused.facts) == {"field": field}


def test_every_key_term_is_compared_or_agreed_apart() -> None:
    assert set(WRONG) | set(ContractConditions.__struct_fields__) == set(KeyTerms.__struct_fields__)
