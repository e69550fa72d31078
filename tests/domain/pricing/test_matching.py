"""Matching: who is offered what, in which order, and every reason against the rest."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.kernel.refusal import Refusal, RefusalKind
from domain.pricing import matching
from domain.pricing.deposits import (
    DepositBand,
    FixedDeposit,
    FreeDeposit,
    GradedDeposit,
    Hold,
    Need,
    Scored,
    ScoreSource,
    Threshold,
    Waiver,
)
from domain.pricing.matching import (
    Asset,
    Customer,
    Financing,
    Matches,
    in_force,
    match,
    plan_in_force,
    reasons_against,
)
from domain.pricing.parts import AssetKind, CustomerClass, RateBand, TermUnit
from domain.pricing.plans import Plan
from tests.domain.pricing.offers import CAR, PHONE, START

SOMEBODY = Customer(CustomerClass.INDIVIDUAL, 640, (Scored(ScoreSource.ZHIMA, 690),))
NEW_CAR = Asset(AssetKind.NEW_CAR)
WISH = Financing(12_000_000, 36, START)

WAIVER = Waiver(Need.ANY, (Threshold(ScoreSource.DECISION, 650), Threshold(ScoreSource.ZHIMA, 700)))
WIDE = replace(CAR, id="wide", asset_kinds=(AssetKind.NEW_CAR, AssetKind.USED_CAR))
CHEAP = replace(CAR, id="cheap", rates=(RateBand(60, "0.09"),))
SECURED = replace(CAR, id="secured", rates=(RateBand(60, "0.05"),), deposit=FixedDeposit(Hold.CASH, "0.1"))
PICKY = replace(
    CAR,
    id="picky",
    rates=(RateBand(60, "0.01"),),
    deposit=FreeDeposit(Waiver(Need.ANY, (Threshold(ScoreSource.DECISION, 650), Threshold(ScoreSource.ZHIMA, 700)))),
)
GRADED = replace(CAR, id="graded", deposit=GradedDeposit(Hold.CASH, (DepositBand(600, "0.05"), DepositBand(0, "0.5"))))
EVERYTHING = (CAR, WIDE, CHEAP, SECURED, PICKY, GRADED, PHONE)


def ids(found: Matches) -> list[str]:
    return [fit.plan.id for fit in found.fits]


def test_order_of_what_fits() -> None:
    """No deposit first, then less of it, then the lower rate, then the narrower plan, then the id."""
    found = match(EVERYTHING, SOMEBODY, NEW_CAR, WISH)
    assert ids(found) == ["cheap", "car", "wide", "graded", "secured"]
    assert [fit.deposit_fen for fit in found.fits] == [0, 0, 0, 600_000, 1_200_000]
    assert [fit.rate for fit in found.fits] == ["0.09", "0.12", "0.12", "0.12", "0.05"]


def test_reasons_against_the_rest() -> None:
    found = match(EVERYTHING, SOMEBODY, NEW_CAR, WISH)
    reasons = {misfit.plan.id: [reason.code for reason in misfit.reasons] for misfit in found.misfits}
    assert reasons == {
        "phone": ["plan.asset_not_covered", "plan.amount_above", "plan.term_not_offered"],
        "picky": ["plan.score_too_low"],
    }


@given(st.permutations(EVERYTHING))
def test_order_of_the_catalogue_does_not_matter(plans: list[Plan]) -> None:
    assert match(plans, SOMEBODY, NEW_CAR, WISH) == match(EVERYTHING, SOMEBODY, NEW_CAR, WISH)


@pytest.mark.parametrize(
    ("score", "zhima", "code"),
    [
        (650, None, None),
        (None, 700, None),
        (0, 700, None),
        (649, 699, "plan.score_too_low"),
        (649, None, "plan.score_missing"),
        (None, 699, "plan.score_missing"),
        (None, None, "plan.score_missing"),
    ],
)
def test_scores_open_a_plan_and_a_missing_one_is_not_zero(score: int | None, zhima: int | None, code: str) -> None:
    others = () if zhima is None else (Scored(ScoreSource.ZHIMA, zhima),)
    found = match([PICKY], Customer(CustomerClass.INDIVIDUAL, score, others), NEW_CAR, WISH)
    assert ids(found) == ([] if code else ["picky"])
    assert [reason.code for misfit in found.misfits for reason in misfit.reasons] == ([code] if code else [])


def test_missing_scores_are_named() -> None:
    (reason,) = reasons_against(PICKY, Customer(CustomerClass.INDIVIDUAL, 3), NEW_CAR, WISH)
    assert dict(reason.facts) == {
        "plan": "picky", "need": "any", "thresholds": "decision 650, zhima 700", "missing": "zhima"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "customer", "asset", "wish"),
    [
        (matching.ASSET_NOT_COVERED, SOMEBODY, Asset(AssetKind.DRONE), WISH),
        (matching.CUSTOMER_NOT_COVERED, Customer(CustomerClass.COMPANY), NEW_CAR, WISH),
        (matching.NOT_EFFECTIVE, SOMEBODY, NEW_CAR, replace(WISH, on=date(2025, 12, 31))),
        (matching.ENDED, SOMEBODY, NEW_CAR, replace(WISH, on=date(2027, 1, 1))),
        (matching.AMOUNT_BELOW, SOMEBODY, NEW_CAR, replace(WISH, amount_fen=999_999)),
        (matching.AMOUNT_ABOVE, SOMEBODY, NEW_CAR, replace(WISH, amount_fen=50_000_001)),
        (matching.TERM_UNIT, SOMEBODY, NEW_CAR, replace(WISH, unit=TermUnit.DAY)),
        (matching.TERM_NOT_OFFERED, SOMEBODY, NEW_CAR, replace(WISH, term=35)),
        (matching.TERM_NOT_OFFERED, SOMEBODY, NEW_CAR, replace(WISH, term=72)),
    ],
)
def test_each_reason(kind: RefusalKind, customer: Customer, asset: Asset, wish: Financing) -> None:
    reasons = reasons_against(replace(CAR, effective_to=date(2026, 12, 31)), customer, asset, wish)
    assert [reason.kind for reason in reasons] == [kind]
    assert ("plan", "car") in reasons[0].facts
    assert reasons[0].sentence("zh") != reasons[0].sentence("en")


@pytest.mark.parametrize("amount_fen", [1_000_000, 50_000_000])
def test_ends_of_the_range_belong_to_it(amount_fen: int) -> None:
    wish = replace(WISH, amount_fen=amount_fen, on=CAR.effective_from)
    assert reasons_against(CAR, SOMEBODY, NEW_CAR, wish) == ()


def test_later_version_takes_over_on_its_day() -> None:
    later = replace(CAR, version=2, effective_from=date(2026, 4, 1))
    before = match([later, CAR], SOMEBODY, NEW_CAR, replace(WISH, on=date(2026, 3, 31)))
    assert [fit.plan.version for fit in before.fits] == [1]
    assert [reason.code for reason in before.misfits[0].reasons] == ["plan.not_effective"]
    after = match([later, CAR], SOMEBODY, NEW_CAR, replace(WISH, on=date(2026, 4, 1)))
    assert [fit.plan.version for fit in after.fits] == [2]
    assert [reason.code for reason in after.misfits[0].reasons] == ["plan.superseded"]


@given(st.integers(0, 60_000_000), st.integers(0, 80), st.none() | st.integers(0, 1_000), st.sampled_from(AssetKind))
def test_every_plan_is_judged_once(amount_fen: int, term: int, score: int | None, kind: AssetKind) -> None:
    customer = Customer(CustomerClass.INDIVIDUAL, score)
    found = match(EVERYTHING, customer, Asset(kind), Financing(amount_fen, term, START))
    assert sorted([*ids(found), *(misfit.plan.id for misfit in found.misfits)]) == sorted(p.id for p in EVERYTHING)
    assert all(misfit.reasons for misfit in found.misfits)
    assert [fit.deposit_fen for fit in found.fits] == sorted(fit.deposit_fen for fit in found.fits)


def test_versions_of_a_day() -> None:
    first = replace(CAR, effective_to=date(2026, 6, 30))
    later = replace(CAR, version=2, effective_from=date(2026, 9, 1), effective_to=date(2026, 9, 30))
    plans = (later, PHONE, first)

    def found(on: date) -> list[tuple[str, int]]:
        return [(plan.id, plan.version) for plan in in_force(plans, on)]

    assert found(date(2025, 12, 31)) == []
    assert found(date(2026, 6, 30)) == [("car", 1), ("phone", 1)]
    assert found(date(2026, 7, 1)) == found(date(2026, 10, 1)) == [("phone", 1)]
    assert found(date(2026, 9, 1)) == [("car", 2), ("phone", 1)]
    assert plan_in_force(plans, "car", date(2026, 9, 30)) is later
    codes = {
        "boat": plan_in_force(plans, "boat", START),
        "early": plan_in_force(plans, "car", date(2025, 12, 31)),
        "between": plan_in_force(plans, "car", date(2026, 8, 1)),
        "late": plan_in_force(plans, "car", date(2026, 10, 1)),
    }
    assert {name: one.code for name, one in codes.items() if isinstance(one, Refusal)} == {
        "boat": "plan.unknown",
        "early": "plan.not_effective",
        "between": "plan.ended",
        "late": "plan.ended",
    }
    assert dict(codes["between"].facts) == {"plan": "car", "effective_to": "2026-06-30"}  # type: ignore[union-attr]
