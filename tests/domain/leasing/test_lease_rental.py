"""Rentals: 民法典 722 instead of 752, early return, loss. What they cost is policy."""

from __future__ import annotations

import pytest

from domain.accounting import chart
from domain.kernel.event import Event
from domain.kernel.values import Business
from domain.leasing.lease import refusals as r
from domain.leasing.lease.commands import (
    DisposeAsset,
    ElectRemedy,
    RecordTotalLoss,
    RepossessAsset,
    ReturnAsset,
    ServeDemand,
    TerminateLease,
)
from domain.leasing.lease.events.lifecycle import AssetReturned, AssetTotallyLost, DemandServed, RemedyElected
from domain.leasing.lease.events.money import BillIssued
from domain.leasing.lease.state import LeasePhase
from domain.leasing.policies import POLICIES
from domain.leasing.values import BillKind, Remedy
from tests.domain.leasing import cases
from tests.domain.leasing.books_of import totals_of
from tests.domain.leasing.cases import PHONE_RUNNING, Step, bill, day, given, history, pay, state_of

TERMINATE = ElectRemedy(remedy=Remedy.TERMINATE)
DEMANDED: tuple[Step, ...] = (*PHONE_RUNNING, bill(1), (31, ServeDemand(cure_by=day(41))))


def fee_of(number: int, fen: int, on: int, kind: BillKind) -> BillIssued:
    return BillIssued(
        number=number,
        issued_on=day(on),
        due_on=day(on),
        principal_fen=0,
        interest_fen=0,
        fee_fen=fen,
        accrued_fen=0,
        business=Business.RENTAL,
        kind=kind,
    )


def test_minfadian_752_all_rent_at_once_is_for_finance_leases() -> None:
    answer = given(*history(*DEMANDED)).when(ElectRemedy(remedy=Remedy.ACCELERATE), business_date=day(42))
    answer.then_refused(r.RENTAL_NOT_ACCELERATED)
    assert "民法典 752" in r.RENTAL_NOT_ACCELERATED.source


def test_minfadian_722_one_overdue_rent_a_demand_and_a_period_are_enough() -> None:
    """Below the threshold of finance leases: one instalment of ten."""
    long = cases.changed(cases.PHONE, schedule=cases.monthly(10, 50_000, 0))
    past = history((0, long), *DEMANDED[1:])
    given(*past).when(TERMINATE, business_date=day(41)).then_refused(r.CURE_PERIOD_RUNNING)
    given(*past).when(TERMINATE, business_date=day(42)).then(
        RemedyElected(remedy=Remedy.TERMINATE, overdue_instalments=1, overdue_rent_fen=50_000, total_rent_fen=500_000)
    )


def test_minfadian_722_not_without_overdue_rent_or_demand() -> None:
    given(*history(*PHONE_RUNNING)).when(TERMINATE, business_date=day(42)).then_refused(r.NOTHING_OVERDUE)
    given(*history(*PHONE_RUNNING, bill(1))).when(TERMINATE, business_date=day(42)).then_refused(r.NO_DEMAND)
    paid = history(*DEMANDED, pay(1, 50_000, 40), bill(2))
    given(*paid).when(TERMINATE, business_date=day(70)).then_refused(r.DEMAND_CURED)
    assert "民法典 722" in r.NO_DEMAND.source


@pytest.mark.parametrize(("policy", "least"), [(1, 7), (2, 10)])
def test_minfadian_722_how_long_is_reasonable_is_policy(policy: int, least: int) -> None:
    past = history((0, cases.changed(cases.PHONE, policy=policy)), *PHONE_RUNNING[1:], bill(1))
    short, enough = (ServeDemand(cure_by=day(31 + days)) for days in (least - 1, least))
    given(*past).when(short, business_date=day(31)).then_refused(r.CURE_TOO_SHORT)
    given(*past).when(enough, business_date=day(31)).then(
        DemandServed(on=day(31), cure_by=day(31 + least), overdue_fen=50_000, bills=(1,))
    )


def test_the_device_is_the_lessors_and_its_sale_is_no_business_of_the_lessee() -> None:
    steps = (*DEMANDED, (42, TERMINATE), (42, TerminateLease(notice_reached_on=day(42))))
    given(*history(*steps, (43, RepossessAsset(on=day(43))))).when(DisposeAsset(proceeds_fen=9)).then_refused(
        r.NOT_A_FINANCE_LEASE
    )


# ---------------------------------------------------------------------------------------------- early return, loss


def test_an_early_return_costs_a_share_of_the_rent_that_is_not_billed() -> None:
    """Five rents of 500 yuan are left; a fifth of that."""
    past = history(*PHONE_RUNNING, bill(1), pay(1, 50_000, 30))
    state = (
        given(*past)
        .when(ReturnAsset(on=day(44)), business_date=day(45))
        .then(AssetReturned(on=day(44)), fee_of(2, 50_000, 45, BillKind.EARLY_RETURN))
    )
    assert (state.phase, state.unbilled, state.balances.open_fen) == (LeasePhase.RETURNED, (), 50_000)
    returned = history(*PHONE_RUNNING, bill(1), pay(1, 50_000, 30), (45, ReturnAsset(on=day(44))))
    assert totals_of(returned)[chart.FEE_INCOME] == -50_000


def test_an_early_return_is_free_where_the_policy_says_so() -> None:
    past = history((0, cases.changed(cases.PHONE, policy=1)), *PHONE_RUNNING[1:])
    given(*past).when(ReturnAsset(on=day(5)), business_date=day(5)).then(AssetReturned(on=day(5)))


def lost(*steps: Step, liable: bool = True) -> tuple[Event, ...]:
    answer = (
        given(*history(*PHONE_RUNNING, *steps))
        .when(RecordTotalLoss(on=day(200), liable=liable), business_date=day(200))
        .answer
    )
    assert isinstance(answer, tuple)
    assert answer[0] == AssetTotallyLost(on=day(200))
    return answer[1:]


def test_minfadian_714_who_answers_for_a_lost_device_owes_its_value_less_rent_paid() -> None:
    """6,000 yuan less four fifths of 500."""
    assert lost(bill(1), pay(1, 50_000, 30)) == (fee_of(2, 560_000, 200, BillKind.COMPENSATION),)
    state = state_of(history(*PHONE_RUNNING, (200, RecordTotalLoss(on=day(200), liable=True))))
    assert (state.phase, state.balances.open_fen) == (LeasePhase.LOST_TOTAL, 600_000)


def test_minfadian_729_who_does_not_answer_for_it_owes_nothing_more() -> None:
    assert lost(liable=False) == ()


def test_compensation_has_a_floor_and_an_income_of_its_own() -> None:
    cheap = cases.changed(cases.PHONE, principal_fen=100_000)
    steps: list[Step] = [(0, cheap), *PHONE_RUNNING[1:]]
    for n in (1, 2):
        steps += [bill(n), pay(n, 50_000, 30 * n)]
    past = history(*steps, (61, RecordTotalLoss(on=day(61), liable=True)))
    floor = 100_000 * POLICIES[2].loss_floor_ppm // 1_000_000
    assert past[-1] == fee_of(3, floor, 61, BillKind.COMPENSATION)
    assert totals_of(past)[chart.COMPENSATION_INCOME] == -floor


def test_a_lost_vehicle_is_still_what_it_was_whoever_is_liable() -> None:
    for liable in (False, True):
        past = history(*cases.RUNNING, (10, RecordTotalLoss(on=day(9), liable=liable)))
        assert [event.kind for event in past if isinstance(event, BillIssued)] == [BillKind.REST]
