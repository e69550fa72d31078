"""Plans: what makes one contradict itself, each with a name; and the digest that stands for all of it."""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Any

import msgspec
import pytest
import rfc8785
from msgspec.structs import fields, replace

from domain.kernel.values import AssetClass, Business
from domain.pricing.deposits import DepositBand, FreeDeposit, GradedDeposit, Hold, Need, ScoreSource, Threshold, Waiver
from domain.pricing.parts import (
    AssetKind,
    Balloon,
    BuyOutPrice,
    BuyOutShare,
    Curtailed,
    Curtailment,
    DailyRent,
    Fee,
    FeeTiming,
    Form,
    Gift,
    Level,
    MonthlyRent,
    NoBuyOut,
    RateBand,
    Stepped,
    SteppedRent,
    Term,
    TermUnit,
    buyout_fen,
    steps_for,
)
from domain.pricing.plans import Plan, PlanError, PlanFault, canonical, check_catalogue, check_plan, digest_of
from domain.pricing.schedules import Component, Step
from tests.domain.pricing.offers import CAR, PHONE

FEE = Fee(code="service", en="Fee", zh="手续费", timing=FeeTiming.UPFRONT, share="0.01", fen=100)
DAYS = Term(TermUnit.DAY, 7, 90)

ZHIMA = Threshold(ScoreSource.ZHIMA, 650)
STOCK = replace(CAR, form=Form.FLOOR_PLAN, structure=Curtailed((Curtailment(90, "0.1"), Curtailment(120, "0.2"))))

WRONG: list[tuple[PlanFault, Plan, dict[str, Any]]] = [
    (PlanFault.NAMES, CAR, {"en": "Car\u202e"}),
    (PlanFault.NAMES, CAR, {"zh": "\u3164"}),
    (PlanFault.NAMES, CAR, {"fees": (replace(FEE, zh="费\u200b用"),)}),
    (PlanFault.NOTHING_COVERED, CAR, {"asset_kinds": ()}),
    (PlanFault.NOTHING_COVERED, CAR, {"asset_kinds": (AssetKind.NEW_CAR,) * 2}),
    (PlanFault.NOTHING_COVERED, CAR, {"customer_classes": ()}),
    (PlanFault.TERM_RANGE, CAR, {"term": Term(TermUnit.MONTH, 24, 12)}),
    (PlanFault.TERM_RANGE, CAR, {"term": Term(TermUnit.MONTH, 12, 30, 12)}),
    (PlanFault.TERM_UNIT, CAR, {"term": DAYS, "rates": (RateBand(90, "0.1"),)}),
    (PlanFault.TERM_UNIT, PHONE, {"structure": DailyRent(30)}),
    (PlanFault.AMOUNT_RANGE, CAR, {"amount_min_fen": 0}),
    (PlanFault.AMOUNT_RANGE, CAR, {"amount_min_fen": 50_000_001}),
    (PlanFault.DOWN_PAYMENT, CAR, {"down_payment_min": "1"}),
    (PlanFault.DOWN_PAYMENT, PHONE, {"down_payment_min": "0.1"}),
    (PlanFault.RATE_BANDS, CAR, {"rates": ()}),
    (PlanFault.RATE_BANDS, CAR, {"rates": (RateBand(36, "0.12"),)}),
    (PlanFault.RATE_BANDS, CAR, {"rates": (RateBand(60, "0.12"), RateBand(36, "0.1"))}),
    (PlanFault.STRUCTURE_BUSINESS, CAR, {"structure": MonthlyRent()}),
    (PlanFault.STRUCTURE_BUSINESS, PHONE, {"structure": Level()}),
    (PlanFault.FORM_BUSINESS, CAR, {"form": Form.OPERATING}),
    (PlanFault.FORM_BUSINESS, PHONE, {"form": Form.LEASEBACK}),
    (PlanFault.STEPS, CAR, {"structure": Stepped(())}),
    (PlanFault.STEPS, PHONE, {"structure": SteppedRent((Step(12, "0"),))}),
    (PlanFault.BALLOON_SHARE, CAR, {"structure": Balloon("0")}),
    (PlanFault.BALLOON_SHARE, CAR, {"structure": Balloon("1")}),
    (PlanFault.DEPOSIT_BANDS, CAR, {"deposit": GradedDeposit(Hold.CASH, ())}),
    (PlanFault.DEPOSIT_BANDS, CAR, {"deposit": GradedDeposit(Hold.CASH, (DepositBand(600, "0"),))}),
    (PlanFault.DEPOSIT_BANDS, CAR, {"deposit": GradedDeposit(Hold.CASH, (DepositBand(0, "0"), DepositBand(600, "1")))}),
    (PlanFault.DEPOSIT_BANDS, CAR, {"deposit": GradedDeposit(Hold.CASH, (DepositBand(600, "1"), DepositBand(0, "0")))}),
    (PlanFault.EVERY_MONTHS, CAR, {"structure": Level(every_months=2)}),
    (PlanFault.EVERY_MONTHS, CAR, {"structure": Level(every_months=12)}),
    (PlanFault.EVERY_MONTHS, CAR, {"structure": Level(every_months=3), "term": Term(TermUnit.MONTH, 12, 40, 4)}),
    (PlanFault.CURTAILMENTS, CAR, {"structure": Curtailed((Curtailment(90, "0.1"),))}),
    (PlanFault.CURTAILMENTS, STOCK, {"structure": Curtailed(())}),
    (PlanFault.CURTAILMENTS, STOCK, {"structure": Curtailed((Curtailment(90, "0.1"), Curtailment(90, "0.1")))}),
    (PlanFault.CURTAILMENTS, STOCK, {"structure": Curtailed((Curtailment(90, "0.1"), Curtailment(60, "0.1")))}),
    (PlanFault.CURTAILMENTS, STOCK, {"structure": Curtailed((Curtailment(90, "0.5"), Curtailment(120, "0.5")))}),
    (PlanFault.CURTAILMENTS, STOCK, {"structure": Curtailed((Curtailment(90, "0"),))}),
    (PlanFault.WAIVER, CAR, {"deposit": FreeDeposit(Waiver(Need.ANY, ()))}),
    (PlanFault.WAIVER, CAR, {"deposit": FreeDeposit(Waiver(Need.ALL, (ZHIMA, ZHIMA)))}),
    (PlanFault.WAIVER, CAR, {"deposit": GradedDeposit(Hold.CASH, (DepositBand(0, "1"),), waiver=Waiver(Need.ANY, ()))}),
    (PlanFault.EFFECTIVE, CAR, {"effective_to": date(2025, 12, 31)}),
    (PlanFault.FEE_CODES, CAR, {"fees": (FEE, FEE)}),
    (PlanFault.ALLOCATION, CAR, {"allocation": (Component.PRINCIPAL,)}),
    (PlanFault.ALLOCATION, CAR, {"allocation": (Component.PRINCIPAL,) * 4}),
    (PlanFault.CONSENTS, CAR, {"consents": ()}),
    (PlanFault.CONSENTS, CAR, {"consents": ("biometrics", "biometrics")}),
]


@pytest.mark.parametrize(("fault", "plan", "changes"), WRONG)
def test_contradictions_have_names(fault: PlanFault, plan: Plan, changes: dict[str, Any]) -> None:
    with pytest.raises(PlanError, match=f"plan {plan.id}: {fault}: expected .+, got ") as caught:
        check_plan(replace(plan, **changes))
    assert (caught.value.fault, caught.value.plan) == (fault, plan.id)
    assert caught.value.expected
    assert caught.value.got


def test_every_fault_is_shown() -> None:
    assert {fault for fault, _, _ in WRONG} | {PlanFault.DOUBLE} == set(PlanFault)


@pytest.mark.parametrize(
    "plan",
    [
        *(CAR, PHONE, STOCK),
        replace(CAR, structure=Level(every_months=6), effective_to=date(2026, 1, 1)),
        replace(CAR, deposit=FreeDeposit(Waiver(Need.ALL, (ZHIMA, Threshold(ScoreSource.BUREAU, 700))))),
    ],
)
def test_plain_plans_are_right(plan: Plan) -> None:
    check_plan(plan)
    assert msgspec.json.decode(canonical(plan), type=Plan) == plan


LATER = replace(CAR, version=2, effective_from=date(2026, 7, 1))


def test_a_version_stands_once() -> None:
    check_catalogue([CAR, PHONE, LATER])
    with pytest.raises(PlanError, match="each version once, got 1") as caught:
        check_catalogue([CAR, PHONE, CAR])
    assert caught.value.fault is PlanFault.DOUBLE


@pytest.mark.parametrize(
    "versions",
    [
        (CAR, replace(CAR, version=2)),
        (CAR, replace(CAR, version=2, effective_from=date(2025, 12, 31))),
        (LATER, replace(CAR, effective_to=date(2026, 7, 1))),
        (replace(CAR, version=3, effective_from=date(2026, 6, 30)), LATER, CAR),
    ],
    ids=["same day", "earlier day", "before the other ended", "out of order"],
)
def test_two_versions_are_never_in_force_together(versions: tuple[Plan, ...]) -> None:
    with pytest.raises(PlanError, match="plan car: effective: expected version") as caught:
        check_catalogue(versions)
    assert caught.value.fault is PlanFault.EFFECTIVE


def test_version_follows_on_the_day_after_the_last() -> None:
    check_catalogue([LATER, replace(CAR, effective_to=date(2026, 6, 30))])


def test_catalogue_checks_every_plan() -> None:
    with pytest.raises(PlanError, match="balloon_share"):
        check_catalogue([PHONE, replace(CAR, structure=Balloon("1"))])


@pytest.mark.parametrize("plan", [CAR, PHONE, replace(CAR, fees=(FEE,), zh="“新车” 直租\u2028/é")])
def test_canonical_form_is_that_of_rfc_8785(plan: Plan) -> None:
    other = rfc8785.dumps(msgspec.to_builtins(plan))
    assert canonical(plan) == other
    assert digest_of(plan) == hashlib.sha256(other).hexdigest()


@pytest.mark.parametrize("name", [field.name for field in fields(Plan)])
def test_digest_covers_every_field(name: str) -> None:
    stood = msgspec.to_builtins(CAR)
    for value in ("changed", 7, "2027-07-07", "0.07", ["biometrics"]):
        try:
            changed = msgspec.convert(stood | {name: value}, Plan)
        except msgspec.ValidationError:
            continue
        assert digest_of(changed) != digest_of(CAR)
        return
    choices = {
        "business": "rental",
        "form": "leaseback",
        "asset_kinds": ["phone"],
        "customer_classes": ["dealer"],
        "structure": {"kind": "equal_principal"},
        "term": {"unit": "day", "min": 1, "max": 2},
        "rates": [{"up_to": 60, "rate": "0.2"}],
        "day_count": "30E/360",
        "currency": "EUR",
        "deposit": {"mode": "fixed", "hold": "cash", "share": "0"},
        "buyout": {"rule": "gift"},
        "allocation": ["fee"],
        "fees": [msgspec.to_builtins(FEE)],
    }
    changed = msgspec.convert(stood | {name: choices[name]}, Plan)
    assert digest_of(changed) != digest_of(CAR)


@pytest.mark.parametrize(("term", "rate"), [(12, "0.12"), (36, "0.12"), (48, "0.13"), (60, "0.13")])
def test_rate_is_that_of_the_first_band_that_reaches(term: int, rate: str) -> None:
    assert CAR.rate(term) == rate


def test_terms_go_in_steps() -> None:
    assert list(CAR.term.all()) == [12, 24, 36, 48, 60]
    assert [term for term in range(70) if CAR.term.allows(term)] == [12, 24, 36, 48, 60]


def test_buyouts() -> None:
    rules = (NoBuyOut(), Gift(), BuyOutShare("0.0555"), BuyOutPrice(10_000))
    assert [buyout_fen(rule, 1_001) for rule in rules] == [None, 0, 56, 10_000]


def test_fees_have_two_parts() -> None:
    assert FEE.amount_fen(12_345) == 123 + 100
    assert replace(FEE, share="0").amount_fen(12_345) == 100


@pytest.mark.parametrize(
    ("repeat", "weights"), [(True, ["0.5", "1", "1", "0.5", "1"]), (False, ["0.5", "1", "1", "1", "1"])]
)
def test_steps_fill_a_term(repeat: bool, weights: list[str]) -> None:
    filled = steps_for((Step(1, "0.5"), Step(2, "1")), 5, repeat=repeat)
    assert [step.weight for step in filled] == weights
    assert {step.instalments for step in filled} == {1}
    assert len(steps_for((Step(9, "1"),), 5, repeat=repeat)) == 5


def test_kinds_have_the_classes_of_applications() -> None:
    by_class = {kind: kind.asset_class for kind in AssetKind}
    assert by_class[AssetKind.USED_PHONE] is AssetClass.PHONE
    assert by_class[AssetKind.DRONE] is AssetClass.DEVICE
    assert by_class[AssetKind.COMMERCIAL_VEHICLE] is AssetClass.VEHICLE
    assert AssetClass.UNSPECIFIED not in by_class.values()


def test_plans_do_not_change() -> None:
    with pytest.raises(AttributeError, match="immutable"):
        CAR.effective_from = date(2020, 1, 1)  # type: ignore[misc]
    assert CAR.business is Business.FINANCE
