"""What must stand elsewhere before a lease is made."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.contracts.contract import refusals as contract_refusals
from domain.contracts.contract.rules import CONTRACT
from domain.contracts.contract.state import ContractPhase, ContractState
from domain.contracts.offered import contract_stream
from domain.contracts.roots import schedule_digest
from domain.intake.application.state import ApplicationState
from domain.intake.application.values import Finding
from domain.kernel.decider import fold
from domain.kernel.money import PPM
from domain.kernel.refusal import Refusal
from domain.kernel.values import AssetClass, Business
from domain.leasing.admission import CONTRACT_DIFFERS, lease_stream, needed_consents, wrong_contract
from domain.leasing.lease.commands import CreateLease
from domain.pricing.matching import NOT_EFFECTIVE, PLAN_UNKNOWN, plan_in_force
from domain.pricing.plans import Plan
from domain.pricing.schedules import Instalment
from tests.domain.contracts.contract import contracts
from tests.domain.pricing.offers import CAR

DAY = date(2026, 6, 1)
PLAN = replace(CAR, effective_from=date(2026, 1, 1))
NEWER = replace(PLAN, version=2, effective_from=DAY)
TERMS = contracts.KEY_TERMS
LEASE = CreateLease(
    plan="phone_return", plan_digest="1" * 64, business=Business.RENTAL, asset_class=AssetClass.PHONE, currency="CNY",
    principal_fen=599_900, annual_rate="0", reference="L-1", allocation=TERMS.allocation, buyout_fen=20_000,
    late_fee_daily_rate=TERMS.late_fee_daily_rate, grace_days=TERMS.grace_days, subject=contracts.LESSEE,
    schedule=tuple(
        Instalment(number, due_on, 1, 0)
        for number, due_on in enumerate(
            [TERMS.first_due_on, *(TERMS.first_due_on + timedelta(days=number) for number in range(1, 11)),
             TERMS.last_due_on], start=1,
        )
    ),
)  # fmt: skip


TOTAL_FEN = 12 * 1 + 20_000
"""Every instalment of `LEASE` and the price at its end."""
AGREED = replace(TERMS, schedule_digest=schedule_digest(LEASE.schedule), total_cost_fen=TOTAL_FEN)


def contract_in(phase: ContractPhase, **change: Any) -> ContractState:
    """The contract in a phase, about this lease's schedule."""
    state = fold(CONTRACT, contracts.HISTORIES[phase])
    return replace(state, key_terms=state.key_terms and replace(AGREED, **change))


EXECUTED = contract_in(ContractPhase.EXECUTED)


@pytest.mark.parametrize("plans", [(PLAN, NEWER), (NEWER, PLAN)])
def test_newest_version_in_force(plans: tuple[Plan, ...]) -> None:
    assert plan_in_force(plans, PLAN.id, DAY) is NEWER
    assert plan_in_force(plans, PLAN.id, DAY - timedelta(days=1)) is PLAN


def test_plans_that_are_not_there() -> None:
    unknown, early = (
        plan_in_force((PLAN,), "nobody_knows", DAY),
        plan_in_force((NEWER,), PLAN.id, DAY - timedelta(days=1)),
    )
    assert unknown == PLAN_UNKNOWN()
    assert isinstance(early, Refusal)
    assert early.kind is NOT_EFFECTIVE


def kind_of(refusal: Refusal | None) -> object:
    """The rule that says no."""
    return None if refusal is None else refusal.kind


def test_a_lease_that_says_what_its_contract_says() -> None:
    assert wrong_contract(LEASE, EXECUTED) is None


@pytest.mark.parametrize("phase", list(ContractPhase))
def test_only_a_contract_in_force(phase: ContractPhase) -> None:
    answer = wrong_contract(LEASE, contract_in(phase))
    if phase is ContractPhase.ABSENT:
        assert kind_of(answer) is contract_refusals.UNKNOWN
    elif phase in (ContractPhase.EXECUTED, ContractPhase.ANCHORED, ContractPhase.AMENDED):
        assert answer is None
    else:
        assert answer == contract_refusals.NOT_IN_FORCE(phase=phase)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"subject": contracts.GUARANTOR}, "subject"),
        ({"subject": None}, "subject"),
        ({"plan": "other"}, "plan"),
        ({"plan_digest": "2" * 64}, "plan"),
        ({"currency": "EUR"}, "currency"),
        ({"deposit_fen": 1}, "deposit_fen"),
        ({"late_fee_daily_rate": "0"}, "late_fee_daily_rate"),
        ({"grace_days": 0}, "grace_days"),
        ({"allocation": TERMS.allocation[::-1]}, "allocation"),
        ({"schedule": LEASE.schedule[:-1]}, "schedule"),
        ({"schedule": (replace(LEASE.schedule[0], fee_fen=1), *LEASE.schedule[1:])}, "schedule_digest"),
        ({"principal_fen": LEASE.principal_fen + 1}, "principal_fen"),
        ({"upfront_fee_fen": 1}, "upfront_fee_fen"),
        ({"down_payment_fen": 1}, "down_payment_fen"),
        ({"application": UUID(int=8)}, "application"),
        ({"buyout_fen": 0}, "buyout_fen"),
        ({"buyout_fen": 20_001}, "buyout_fen"),
        ({"buyout_floor_fen": 20_001}, "buyout_fen"),
    ],
)
def test_whatever_differs_is_named(change: dict[str, Any], field: str) -> None:
    assert wrong_contract(replace(LEASE, **change), EXECUTED) == CONTRACT_DIFFERS(field=field)


@given(rents=st.lists(st.integers(0, 10**6), min_size=12, max_size=12), price_fen=st.integers(0, 10**6))
def test_buying_early_costs_the_price_and_the_rent_that_is_left(rents: list[int], price_fen: int) -> None:
    """However a price is written, what it comes to when all rent is paid is what the contract says."""
    schedule = tuple(replace(row, principal_fen=fen) for row, fen in zip(LEASE.schedule, rents, strict=True))
    lease = replace(
        LEASE, schedule=schedule, buyout_fen=sum(rents) + price_fen, buyout_credit_ppm=PPM, buyout_floor_fen=price_fen
    )
    total = {"schedule_digest": schedule_digest(schedule), "total_cost_fen": sum(rents) + price_fen}
    state = contract_in(ContractPhase.EXECUTED, buyout_fen=price_fen, **total)
    assert wrong_contract(lease, state) is None
    dearer = replace(lease, buyout_floor_fen=price_fen + 1)
    assert wrong_contract(dearer, state) == CONTRACT_DIFFERS(field="buyout_fen")


def test_one_lease_for_each_contract() -> None:
    one, other = UUID(int=1), UUID(int=2)
    assert lease_stream(one) == lease_stream(one) != lease_stream(other)
    assert contract_stream(one) not in (one, lease_stream(one))


def test_who_was_judged_by_a_person_need_not_agree_to_machines() -> None:
    """个人信息保护法 24: whoever refuses decisions by machine alone is not refused for that (16)."""
    plan = replace(PLAN, consents=("automated_decision", "third_parties"))
    both = {"automated_decision", "third_parties"}
    assert needed_consents(plan, None) == both
    assert needed_consents(plan, ApplicationState()) == both
    assert needed_consents(plan, ApplicationState(referred=True)) == {"third_parties"}
    assert needed_consents(plan, ApplicationState(finding=Finding.CONFIRMED)) == {"third_parties"}


@pytest.mark.parametrize(
    ("rate", "policy", "same"),
    [("0.02", 2, True), ("0.020", 2, True), ("0", 2, False), ("0.03", 2, False), ("0", 1, True)],
)
def test_settling_a_finance_lease_early_costs_what_its_contract_says(rate: str, policy: int, same: bool) -> None:
    """The price is the policy's, and the lessee was shown and confirmed one."""
    lease = replace(LEASE, business=Business.FINANCE, policy=policy)
    answer = wrong_contract(lease, contract_in(ContractPhase.EXECUTED, early_settlement_rate=rate))
    assert answer == (None if same else CONTRACT_DIFFERS(field="policy"))


def test_a_rental_is_not_settled_early_and_has_no_price_for_it() -> None:
    assert wrong_contract(replace(LEASE, policy=2), EXECUTED) is None


def test_the_lessee_pays_no_more_in_all_than_its_contract_says() -> None:
    """A contract made by hand may print any total above a schedule; no lease follows from it."""
    for total_fen in (TOTAL_FEN - 1, TOTAL_FEN + 1):
        answer = wrong_contract(LEASE, contract_in(ContractPhase.EXECUTED, total_cost_fen=total_fen))
        assert answer == CONTRACT_DIFFERS(field="total_cost_fen")
    more = {"upfront_fee_fen": 7, "down_payment_fen": 5}
    told = contract_in(ContractPhase.EXECUTED, total_cost_fen=TOTAL_FEN + 12, **more)
    assert wrong_contract(replace(LEASE, **more), told) is None
