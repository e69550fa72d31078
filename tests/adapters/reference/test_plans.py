"""The shipped catalogue: 36 plans, each priced at every term and found within the rules; and files that are not."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from decimal import Decimal
from importlib import resources
from typing import Any

import pytest

from adapters.reference import plans as loader
from adapters.reference.plans import CatalogueError, parse_plans, shipped_plans
from domain.kernel.money import Rounding
from domain.kernel.values import Business
from domain.parties.purposes import Purpose
from domain.pricing.amounts import share_of
from domain.pricing.guards import FORBIDDEN_AUTO_WORDS, CostPolicy, Lessor, LprQuote, check_offer
from domain.pricing.matching import Asset, Customer, Financing, match
from domain.pricing.offer import Offer
from domain.pricing.parts import AssetKind, CustomerClass, Form, NoBuyOut, TermUnit
from domain.pricing.plans import Plan, digest_of
from domain.pricing.schedules import principal_of
from domain.pricing.wording import find_forbidden
from tests.domain.pricing.offers import offer

PLANS = shipped_plans()
IDS = [plan.id for plan in PLANS]

# Given numbers: a one-year rate of 3 %, and the 24 % that a licensed lessor might allow itself.
UNLICENSED = CostPolicy(version=1, lessor=Lessor.UNLICENSED, lpr=(LprQuote(date(2026, 1, 1), "0.03"),))
LICENSED = CostPolicy(version=1, lessor=Lessor.LICENSED_FINANCE, own_cap="0.24")


def offered(plan: Plan, term: int, price_fen: int) -> Offer:
    least_fen = share_of(price_fen, plan.down_payment_min, Rounding.UP)
    return offer(plan, term=term, price_fen=price_fen, down_payment_fen=least_fen)


def test_there_are_36_and_each_has_its_own_name() -> None:
    assert len(PLANS) == len(set(IDS)) == len({plan.zh for plan in PLANS}) == len({plan.en for plan in PLANS}) == 36
    assert len({digest_of(plan) for plan in PLANS}) == 36


def test_catalogue_covers_what_it_promises() -> None:
    assert {kind for plan in PLANS for kind in plan.asset_kinds} == set(AssetKind)
    assert {who for plan in PLANS for who in plan.customer_classes} == set(CustomerClass)
    assert {plan.form for plan in PLANS} == set(Form)
    structures = {type(plan.structure).__struct_config__.tag for plan in PLANS}
    assert structures == {
        *("level", "equal_principal", "balloon", "step", "interest_only", "curtailed"),
        *("monthly_rent", "stepped_rent", "daily_rent"),
    }
    assert Counter(plan.business for plan in PLANS) == {Business.RENTAL: 21, Business.FINANCE: 15}


def test_catalogue_uses_every_rule() -> None:
    assert {plan.deposit.__struct_config__.tag for plan in PLANS} == {"free", "graded", "fixed"}
    assert {plan.buyout.__struct_config__.tag for plan in PLANS} == {"none", "gift", "share", "price"}


@pytest.mark.parametrize("plan", PLANS, ids=IDS)
def test_every_plan_prices_within_the_rules(plan: Plan) -> None:
    policy = UNLICENSED if plan.business is Business.RENTAL else LICENSED
    for term in plan.term.all():
        for price_fen in (plan.amount_min_fen, plan.amount_max_fen):
            made = offered(plan, term, price_fen)
            assert check_offer(made, policy, {"zh": plan.zh, "en": plan.en}) == ()
            assert principal_of(made.schedule) == made.financed_fen
            has_rate = plan.business is Business.FINANCE or not isinstance(plan.buyout, NoBuyOut)
            assert (made.rates is not None) == has_rate


@pytest.mark.parametrize("plan", PLANS, ids=IDS)
def test_every_plan_is_spelt_in_words_of_other_rooms(plan: Plan) -> None:
    assert set(plan.consents) <= {purpose.value for purpose in Purpose}
    assert plan.clause_set == plan.form
    assert find_forbidden(plan.zh + plan.en, FORBIDDEN_AUTO_WORDS) == ()


@pytest.mark.parametrize(
    "plan", [plan for plan in PLANS if plan.business is Business.FINANCE], ids=lambda plan: plan.id
)
def test_longer_money_is_not_cheaper(plan: Plan) -> None:
    rates = [Decimal(band.rate) for band in plan.rates]
    assert rates == sorted(rates)


@pytest.mark.parametrize(
    ("kind", "who", "score", "wish", "best"),
    [
        (
            AssetKind.PHONE,
            CustomerClass.INDIVIDUAL,
            720,
            Financing(600_000, 12, date(2026, 3, 16)),
            "phone_return",
        ),
        (
            AssetKind.NEW_CAR,
            CustomerClass.INDIVIDUAL,
            720,
            Financing(12_000_000, 36, date(2026, 3, 16)),
            "new_car_direct_principal",
        ),
        (
            AssetKind.CAMERA,
            CustomerClass.INDIVIDUAL,
            None,
            Financing(2_000_000, 5, date(2026, 3, 16), TermUnit.DAY),
            "camera_daily",
        ),
        (
            AssetKind.USED_CAR,
            CustomerClass.DEALER,
            None,
            Financing(90_000_000, 3, date(2026, 3, 16)),
            "dealer_stock_used",
        ),
    ],
)
def test_typical_wishes(kind: AssetKind, who: CustomerClass, score: int | None, wish: Financing, best: str) -> None:
    found = match(PLANS, Customer(who, score), Asset(kind), wish)
    assert found.fits[0].plan.id == best
    assert len(found.fits) + len(found.misfits) == 36


def test_deposit_is_waived_for_good_scores_only() -> None:
    wish, phone = Financing(600_000, 12, date(2026, 3, 16)), Asset(AssetKind.PHONE)
    poor = match(PLANS, Customer(CustomerClass.INDIVIDUAL, 649), phone, wish)
    good = match(PLANS, Customer(CustomerClass.INDIVIDUAL, 650), phone, wish)
    assert {fit.plan.id for fit in good.fits} - {fit.plan.id for fit in poor.fits} == {
        *("phone_return_free", "phone_buyout_free_12", "phone_gift_free"),
    }
    assert min(fit.deposit_fen for fit in poor.fits) == 180_000
    assert good.fits[0].deposit_fen == 0


def _body(**changes: Any) -> bytes:
    raw = json.loads((resources.files("adapters.reference") / loader.SHIPPED).read_text("utf-8"))
    return json.dumps([raw[0] | changes]).encode()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "truncated"),
        (b"{}", "Expected `array`"),
        (b"[", "truncated"),
        (b'["\xff"]', "Expected `object`"),
        (_body(rates=[{"up_to": 24, "rate": 0.1}]), r"\$\[0\].rates\[0\].rate"),
        (_body(rates=[{"up_to": 12, "rate": "0.1"}]), "plan phone_return: rate_bands"),
        (_body(amount_min_fen=-1), r"\$\[0\].amount_min_fen"),
        (_body(structure={"kind": "pyramid"}), "Invalid value 'pyramid'"),
        (_body(surprise=1), "unknown field `surprise`"),
        (_body(allocation=["principal"]), "allocation: expected an order of all components"),
    ],
)
def test_bad_catalogue_is_named(body: bytes, said: str) -> None:
    with pytest.raises(CatalogueError, match=f"tenant.json: .*{said}"):
        parse_plans(body, "tenant.json")


def test_catalogue_has_a_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loader, "CATALOGUE_BYTES_MAX", 10)
    with pytest.raises(CatalogueError, match="expected at most 10 bytes, got 11"):
        parse_plans(b"[] " + b" " * 8, "tenant.json")


def test_shipped_file_is_read_once() -> None:
    assert shipped_plans() is PLANS
