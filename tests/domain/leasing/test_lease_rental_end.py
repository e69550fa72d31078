"""How rentals end, to the fen: what an early return and a lost device cost, and a demand that is answered or not."""

from __future__ import annotations

from fractions import Fraction
from math import floor
from uuid import UUID

import pytest
from hypothesis import given as forall
from hypothesis import strategies as st

from domain.accounting import chart
from domain.kernel.event import Event
from domain.kernel.money import PPM
from domain.leasing.lease import refusals as r
from domain.leasing.lease.commands import (
    ChargeOffLease,
    CloseLease,
    ElectRemedy,
    RecordCureExpired,
    RecordTotalLoss,
    RepossessAsset,
    ReturnAsset,
    ReversePayment,
    ServeDemand,
    TerminateLease,
)
from domain.leasing.lease.events.lifecycle import (
    AssetRepossessed,
    AssetReturned,
    AssetTotallyLost,
    CureAchieved,
    CureExpired,
    LeaseTerminated,
)
from domain.leasing.lease.events.money import BillIssued, CreditApplied, LeaseClosed
from domain.leasing.lease.state import LeasePhase
from domain.leasing.policies import POLICIES
from domain.leasing.values import BillKind, Remedy
from tests.domain.leasing import cases
from tests.domain.leasing.books_of import check_agreement, totals_of
from tests.domain.leasing.cases import PHONE_RUNNING, Step, bill, day, given, history, pay, state_of

TERMINATE = ElectRemedy(remedy=Remedy.TERMINATE)
DEMANDED: tuple[Step, ...] = (*PHONE_RUNNING, bill(1), (31, ServeDemand(cure_by=day(41))))
LOSE = RecordTotalLoss(on=day(200), liable=True)
BACK = ReturnAsset(on=day(200))


def phone(value_fen: int = 600_000, rent_fen: int = 50_000, *, paid: int = 0, policy: int = 2) -> tuple[Step, ...]:
    """A running phone of this value and monthly rent, so many rents billed and paid, without late fees."""
    lease = cases.changed(
        cases.PHONE,
        principal_fen=value_fen,
        schedule=cases.monthly(6, rent_fen, 0),
        policy=policy,
        late_fee_daily_rate="0",
    )
    bills = (step for n in range(1, paid + 1) for step in (bill(n), pay(n, rent_fen, 30 * n)))
    return ((0, lease), *PHONE_RUNNING[1:], *bills)


def last_bill(events: tuple[Event, ...], kind: BillKind) -> int:
    """What the one bill of a kind asks for, in fen; zero where there is none."""
    found = [event for event in events if isinstance(event, BillIssued) and event.kind is kind]
    assert len(found) <= 1
    assert all((one.principal_fen, one.interest_fen, one.accrued_fen) == (0, 0, 0) for one in found)
    return sum(one.fee_fen for one in found)


def half_up(amount: Fraction) -> int:
    """The whole number next to it; of two, the larger."""
    return floor(amount + Fraction(1, 2))


# ----------------------------------------------------------------------------------------------------- a lost device


@pytest.mark.parametrize(
    ("value_fen", "rent_fen", "paid", "owed_fen"),
    [
        (100_000, 10_000, 0, 100_000),
        (100_000, 10_000, 6, 52_000),
        (100_000, 16_666, 6, 20_003),
        (100_000, 16_667, 6, 20_000),
        (100_000, 30_000, 6, 20_000),
        (100_001, 30_000, 6, 20_000),
        (100_002, 30_000, 6, 20_000),
        (100_003, 30_000, 6, 20_001),
        (100_000, 10_001, 1, 91_999),
        (100_000, 10_002, 1, 91_998),
        (100_000, 10_003, 1, 91_998),
        (100_000, 10_004, 1, 91_997),
    ],
)
def test_minfadian_714_a_lost_device_costs_its_value_less_four_fifths_of_the_rent_paid(
    value_fen: int, rent_fen: int, paid: int, owed_fen: int
) -> None:
    """At least a fifth of the value, which binds once more rent was paid than the device was worth; both half up."""
    past = history(*phone(value_fen, rent_fen, paid=paid), (200, LOSE))
    assert last_bill(past, BillKind.COMPENSATION) == owed_fen
    assert totals_of(past)[chart.COMPENSATION_INCOME] == -owed_fen


@forall(st.integers(1, 10**6), st.integers(1, 10**5), st.integers(0, 6), st.sampled_from(sorted(POLICIES)))
def test_compensation_is_between_its_floor_and_the_value(value_fen: int, rent_fen: int, paid: int, policy: int) -> None:
    """Whatever was paid, for every version of the policy; nobody pays more than the device was worth."""
    past = history(*phone(value_fen, rent_fen, paid=paid, policy=policy), (200, LOSE))
    owed_fen, rule = last_bill(past, BillKind.COMPENSATION), POLICIES[policy]
    least_fen = half_up(Fraction(value_fen * rule.loss_floor_ppm, PPM))
    less_fen = half_up(Fraction(paid * rent_fen * rule.loss_credit_ppm, PPM))
    assert least_fen <= owed_fen <= value_fen
    assert owed_fen == max(least_fen, value_fen - less_fen)
    state = state_of(past)
    assert (state.phase, state.unbilled, state.balances.open_fen) == (LeasePhase.LOST_TOTAL, (), owed_fen)
    check_agreement(past, state)


def test_rent_that_is_billed_and_open_is_owed_beside_the_compensation() -> None:
    """And it does not count as paid."""
    past = history(*phone(), bill(1), (200, LOSE))
    assert last_bill(past, BillKind.COMPENSATION) == 600_000
    assert state_of(past).balances.open_fen == 650_000


def test_credit_meets_the_compensation_at_once() -> None:
    """Money that came ahead of rent that will never be billed."""
    outcome = given(*history(*phone(), pay(1, 30_000, 20))).when(LOSE, business_date=day(200))
    assert isinstance(outcome.answer, tuple)
    assert [type(event) for event in outcome.answer] == [AssetTotallyLost, BillIssued, CreditApplied]
    state = state_of(history(*phone(), pay(1, 30_000, 20), (200, LOSE)))
    assert (state.balances.open_fen, state.balances.credit_fen) == (570_000, 0)


def test_a_loss_that_has_not_happened_is_not_recorded() -> None:
    given(*history(*phone())).when(LOSE, business_date=day(199)).then_refused(
        r.DATE_IN_FUTURE, on=day(200), business_date=day(199)
    )
    assert isinstance(given(*history(*phone())).when(LOSE, business_date=day(200)).answer, tuple)


def test_a_case_of_the_insurer_goes_with_the_loss() -> None:
    lost = RecordTotalLoss(on=day(9), loss_case=UUID(int=7))
    given(*history(*phone())).when(lost, business_date=day(10)).then(AssetTotallyLost(on=day(9), loss_case=UUID(int=7)))


# --------------------------------------------------------------------------------------------------- an early return


@pytest.mark.parametrize(
    ("rent_fen", "paid", "fee_fen"),
    [(50_000, 0, 60_000), (50_000, 5, 10_000), (50_000, 6, 0), (1, 3, 1), (1, 4, 0), (2, 5, 0), (3, 5, 1), (13, 5, 3)],
)
def test_an_early_return_costs_a_fifth_of_the_rent_that_is_not_billed(rent_fen: int, paid: int, fee_fen: int) -> None:
    """Half up, and no bill of nothing."""
    past = history(*phone(rent_fen=rent_fen, paid=paid), (200, BACK))
    assert last_bill(past, BillKind.EARLY_RETURN) == fee_fen
    assert state_of(past).balances.open_fen == fee_fen


@forall(st.integers(1, 10**6), st.integers(0, 6), st.sampled_from(sorted(POLICIES)))
def test_the_fee_never_exceeds_the_rent_that_is_saved(rent_fen: int, paid: int, policy: int) -> None:
    past = history(*phone(rent_fen=rent_fen, paid=paid, policy=policy), (200, BACK))
    fee_fen, saved_fen = last_bill(past, BillKind.EARLY_RETURN), (6 - paid) * rent_fen
    assert fee_fen == half_up(Fraction(saved_fen * POLICIES[policy].early_return_fee_ppm, PPM)) <= saved_fen
    state = state_of(past)
    assert (state.phase, state.unbilled) == (LeasePhase.RETURNED, ())
    check_agreement(past, state)


def test_a_device_that_came_back_closes_when_its_fee_is_paid() -> None:
    returned = (*phone(paid=5), (160, ReturnAsset(on=day(159))))
    given(*history(*returned)).when(CloseLease(), business_date=day(161)).then_refused(r.BALANCE_OPEN, open_fen=10_000)
    paid = history(*returned, pay(9, 10_000, 160))
    given(*paid).when(CloseLease(), business_date=day(161)).then(LeaseClosed(on=day(161)))


def test_a_return_is_not_recorded_before_it_happened_and_a_vehicle_not_before_the_term_is_over() -> None:
    given(*history(*phone())).when(BACK, business_date=day(199)).then_refused(r.DATE_IN_FUTURE)
    given(*history(*cases.RUNNING, bill(1))).when(BACK, business_date=day(200)).then_refused(
        r.TERM_NOT_OVER, unbilled=11
    )
    given(*history(*cases.ALL_BILLED)).when(ReturnAsset(on=day(360)), business_date=day(360)).then(
        AssetReturned(on=day(360))
    )


# -------------------------------------------------------------------------------------------- a demand and its period


def test_minfadian_722_a_rental_ends_step_by_step() -> None:
    """Overdue, demanded, not paid, ended, taken back, and what is left is written off."""
    past = history(*DEMANDED)
    expired = CureExpired(on=day(42), cure_by=day(41), bills=(1,))
    given(*past).when(RecordCureExpired(), business_date=day(41)).then_refused(
        r.CURE_PERIOD_RUNNING, cure_by=day(41), business_date=day(41)
    )
    given(*past).when(RecordCureExpired(), business_date=day(42)).then(expired)
    elected = (*DEMANDED, (42, RecordCureExpired()), (42, TERMINATE))
    ended = LeaseTerminated(notice_reached_on=day(43))
    given(*history(*elected)).when(TerminateLease(notice_reached_on=day(43)), business_date=day(43)).then(ended)
    terminated = (*elected, (43, TerminateLease(notice_reached_on=day(43))))
    state = (
        given(*history(*terminated))
        .when(RepossessAsset(on=day(44)), business_date=day(45))
        .then(AssetRepossessed(on=day(44)))
    )
    assert (state.phase, state.unbilled, state.balances.open_fen) == (LeasePhase.REPOSSESSED, (), 50_000)
    gone = history(*terminated, (45, RepossessAsset(on=day(44))), (60, ChargeOffLease()))
    assert state_of(gone).phase is LeasePhase.CHARGED_OFF
    check_agreement(gone, state_of(gone))


def test_the_whole_rent_that_was_demanded_has_to_be_paid() -> None:
    """Ten days of late fee come first: 50,000 leave them open, and rent with them."""
    short = history(*DEMANDED, pay(1, 49_999, 40))
    assert not any(isinstance(event, CureAchieved) for event in short)
    whole = history(*DEMANDED, pay(1, 51_000, 40))
    assert whole[-1] == CureAchieved(on=day(40), bills=(1,))
    given(*whole).when(TERMINATE, business_date=day(42)).then_refused(r.NOTHING_OVERDUE)


def test_a_cure_that_bounced_leaves_the_period_where_it_was() -> None:
    """The money is taken back after the last day to pay: the rent is overdue again and the demand stands."""
    past = history(*DEMANDED, pay(1, 60_000, 40), (45, ReversePayment(payment=UUID(int=901), reason="returned")))
    state = state_of(past)
    assert state.demand is not None
    assert (state.demand.cured, state.demand.cure_by) == (False, day(41))
    given(*past).when(RecordCureExpired(), business_date=day(46)).then(
        CureExpired(on=day(46), cure_by=day(41), bills=(1,))
    )


def test_a_later_demand_takes_the_place_of_the_first() -> None:
    """Its period is its own: what was recorded of the first says nothing about the second."""
    past = history(*DEMANDED, (42, RecordCureExpired()), bill(2), (61, ServeDemand(cure_by=day(71))))
    state = state_of(past)
    assert state.demand is not None
    assert (state.demand.bills, state.demand.expired) == ((1, 2), False)
    given(*past).when(TERMINATE, business_date=day(71)).then_refused(r.CURE_PERIOD_RUNNING)
    given(*past).when(RecordCureExpired(), business_date=day(72)).then(
        CureExpired(on=day(72), cure_by=day(71), bills=(1, 2))
    )


def test_who_chose_has_no_period_any_more() -> None:
    past = history(*DEMANDED, (42, TERMINATE))
    given(*past).when(RecordCureExpired(), business_date=day(43)).then_refused(r.REMEDY_CHOSEN, remedy="terminate")


def test_money_after_the_choice_is_no_cure() -> None:
    """The choice stands; the money pays the debt all the same."""
    past = history(*DEMANDED, (42, TERMINATE), pay(1, 60_000, 43))
    assert not any(isinstance(event, CureAchieved) for event in past)
    assert state_of(past).balances.open_fen == 0


@forall(st.lists(st.integers(1, 80_000), max_size=6))
def test_a_demand_is_cured_exactly_when_its_rent_is_paid(amounts: list[int]) -> None:
    """By many payments or by one, once, with the last of them."""
    steps: list[Step] = list(DEMANDED)
    for n, fen in enumerate(amounts, start=1):
        steps.append(pay(n, fen, 31 + n))
        events = history(*steps)
        state = state_of(events)
        assert state.demand is not None
        assert state.demand.cured is (state.demand.unpaid(state.balances) == ())
        assert sum(isinstance(event, CureAchieved) for event in events) == state.demand.cured
