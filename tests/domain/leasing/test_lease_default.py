"""Default and its remedies: 民法典 752 and 758, 融资租赁解释 5 and 10, rule by rule."""

from __future__ import annotations

from datetime import date

import pytest

from domain.kernel.event import Event
from domain.kernel.refusal import RefusalKind
from domain.leasing.lease import refusals as r
from domain.leasing.lease.commands import (
    AccelerateLease,
    AccrueInterest,
    CloseLease,
    DisposeAsset,
    ElectRemedy,
    ReAgeBills,
    RefundCredit,
    RepossessAsset,
    RestructureLease,
    ServeDemand,
    TerminateLease,
)
from domain.leasing.lease.events.lifecycle import DemandServed, LeaseAccelerated, LeaseTerminated, RemedyElected
from domain.leasing.lease.events.money import AssetDisposed, BillIssued
from domain.leasing.lease.state import LeasePhase
from domain.leasing.values import BillKind, NewDueDate, Remedy
from domain.pricing.schedules import Instalment
from tests.domain.leasing import cases
from tests.domain.leasing.cases import RUNNING, Step, bill, day, given, history, pay, state_of

ACCELERATE = ElectRemedy(remedy=Remedy.ACCELERATE)
TERMINATE = ElectRemedy(remedy=Remedy.TERMINATE)
DEMANDED: tuple[Step, ...] = (*RUNNING, bill(1), bill(2), (64, ServeDemand(cure_by=day(79))))


def at(*steps: Step) -> tuple[Event, ...]:
    return history(*steps)


def one_large(share_ppm: int) -> tuple[Step, ...]:
    """One overdue instalment that is so many millionths of all rent, 1,000,000 fen, and fifteen days to pay it."""
    first = Instalment(1, day(30), share_ppm, 0)
    rest = Instalment(2, day(60), 1_000_000 - share_ppm, 0)
    lease = cases.changed(cases.AUTO, principal_fen=1_000_000, schedule=(first, rest), late_fee_daily_rate="0")
    return ((0, lease), *RUNNING[1:], bill(1), (31, ServeDemand(cure_by=day(46))))


# -------------------------------------------------------------------------------------- 融资租赁解释 5: thresholds


def test_jieshi_5_two_unpaid_instalments_are_enough() -> None:
    given(*at(*DEMANDED)).when(TERMINATE, business_date=day(80)).then(
        RemedyElected(
            remedy=Remedy.TERMINATE, overdue_instalments=2, overdue_rent_fen=212_000, total_rent_fen=1_272_000
        )
    )


def test_jieshi_5_one_unpaid_instalment_below_fifteen_per_cent_is_not() -> None:
    steps = (*RUNNING, bill(1), (31, ServeDemand(cure_by=day(46))))
    given(*at(*steps)).when(TERMINATE, business_date=day(50)).then_refused(
        r.DEFAULT_TOO_SMALL, instalments=1, unpaid_fen=106_000, total_fen=1_272_000
    )


@pytest.mark.parametrize(("share_ppm", "enough"), [(149_999, False), (150_000, True), (150_001, True)])
def test_jieshi_5_fifteen_per_cent_of_all_rent_exactly(share_ppm: int, enough: bool) -> None:
    outcome = given(*at(*one_large(share_ppm))).when(ACCELERATE, business_date=day(47))
    if enough:
        outcome.then(
            RemedyElected(
                remedy=Remedy.ACCELERATE,
                overdue_instalments=1,
                overdue_rent_fen=share_ppm,
                total_rent_fen=1_000_000,
            )
        )
    else:
        outcome.then_refused(r.DEFAULT_TOO_SMALL)


def test_jieshi_5_late_fees_and_fees_are_no_rent() -> None:
    """A bill whose rent is paid is not overdue for this purpose, whatever late fee is open."""
    steps = (*DEMANDED, pay(1, 212_000 + 37 * 53, 70))
    state = state_of(at(*steps))
    assert state.balances.open_fen == 7 * 53
    assert state.overdue(day(80)) == ()
    given(*at(*steps)).when(TERMINATE, business_date=day(80)).then_refused(r.DEFAULT_TOO_SMALL)


def test_jieshi_5_a_bill_is_overdue_from_the_day_after_it_was_due() -> None:
    state = state_of(at(*RUNNING, bill(1)))
    assert state.overdue(day(30)) == ()
    assert state.overdue(day(31)) == ((1, 106_000),)


# ----------------------------------------------------------------------- 融资租赁解释 5, 民法典 752: demand, period


def test_minfadian_752_no_remedy_without_a_demand() -> None:
    given(*at(*RUNNING, bill(1), bill(2))).when(ACCELERATE, business_date=day(80)).then_refused(r.NO_DEMAND)


@pytest.mark.parametrize(("on", "passed"), [(70, False), (79, False), (80, True)])
def test_minfadian_752_a_reasonable_period_has_to_pass(on: int, passed: bool) -> None:
    outcome = given(*at(*DEMANDED)).when(ACCELERATE, business_date=day(on))
    if passed:
        assert isinstance(outcome.answer, tuple)
    else:
        outcome.then_refused(r.CURE_PERIOD_RUNNING, cure_by=day(79), business_date=day(on))


def test_minfadian_752_what_was_demanded_and_paid_carries_no_remedy() -> None:
    """Bills 3 and 4 are unpaid too, but they were never demanded."""
    steps = (*DEMANDED, pay(1, 230_000, 75), bill(3), bill(4))
    given(*at(*steps)).when(TERMINATE, business_date=day(130)).then_refused(r.DEMAND_CURED, bills="1 2")


def test_jieshi_5_how_long_is_reasonable_is_policy() -> None:
    on = day(64)
    for days, policy, granted in ((14, 2, False), (15, 2, True), (6, 1, False), (7, 1, True)):
        lease = cases.changed(cases.AUTO, policy=policy)
        past = at((0, lease), *RUNNING[1:], bill(1), bill(2))
        answer = given(*past).when(ServeDemand(cure_by=day(64 + days)), business_date=on)
        if granted:
            answer.then(DemandServed(on=on, cure_by=day(64 + days), overdue_fen=212_000, bills=(1, 2)))
        else:
            answer.then_refused(r.CURE_TOO_SHORT, expected_days=15 if policy == 2 else 7, got_days=days)


def test_nothing_overdue_is_not_demanded() -> None:
    given(*at(*RUNNING, bill(1))).when(ServeDemand(cure_by=day(60)), business_date=day(30)).then_refused(
        r.NOTHING_OVERDUE
    )


# ------------------------------------------------------------------- 民法典 752, 融资租赁解释 10: one or the other


@pytest.mark.parametrize("second", Remedy)
@pytest.mark.parametrize("first", Remedy)
def test_jieshi_10_the_choice_is_made_once(first: Remedy, second: Remedy) -> None:
    past = at(*RUNNING, *cases.by_default(80, first))
    given(*past).when(ElectRemedy(remedy=second), business_date=day(81)).then_refused(r.REMEDIES_EXCLUDE, chosen=first)


def test_jieshi_10_who_chose_all_rent_does_not_terminate() -> None:
    past = at(*RUNNING, *cases.by_default(80, Remedy.ACCELERATE))
    end = TerminateLease(notice_reached_on=day(81))
    given(*past).when(end, business_date=day(81)).then_refused(r.REMEDIES_EXCLUDE, chosen=Remedy.ACCELERATE)
    given(*at(*cases.ACCELERATED)).when(end, business_date=day(81)).then_refused(r.REMEDIES_EXCLUDE)


def test_jieshi_10_who_chose_the_end_does_not_accelerate() -> None:
    given(*at(*cases.ELECTED_END)).when(AccelerateLease(), business_date=day(81)).then_refused(
        r.REMEDIES_EXCLUDE, chosen=Remedy.TERMINATE
    )


@pytest.mark.parametrize("command", [AccelerateLease(), TerminateLease(notice_reached_on=day(80))])
def test_minfadian_752_no_remedy_is_used_that_was_not_chosen(command: AccelerateLease | TerminateLease) -> None:
    given(*at(*DEMANDED)).when(command, business_date=day(80)).then_refused(r.NO_REMEDY)


def test_new_terms_come_too_late_after_the_choice() -> None:
    past = at(*cases.ELECTED_END)
    new = (
        RestructureLease(schedule=cases.monthly(10, 100_000, 0, first=3), reason="late"),
        ReAgeBills(due_dates=(NewDueDate(number=1, due_on=day(99)),), reason="late"),
    )
    for command in new:
        given(*past).when(command, business_date=day(80)).then_refused(r.REMEDY_CHOSEN)


@pytest.mark.parametrize("remedy", Remedy)
def test_no_demand_is_served_after_the_choice(remedy: Remedy) -> None:
    """The end of its period could never be recorded: the lease was held out of its tenant's days for good."""
    past = at(*DEMANDED, (80, ElectRemedy(remedy=remedy)))
    again = ServeDemand(cure_by=day(99))
    given(*past).when(again, business_date=day(81)).then_refused(r.REMEDY_CHOSEN, remedy=remedy)


@pytest.mark.parametrize(
    "agreed",
    [
        ReAgeBills(due_dates=(NewDueDate(number=1, due_on=day(70)),), reason="hardship"),
        RestructureLease(schedule=cases.monthly(10, 100_000, 4_000, first=3), reason="hardship"),
    ],
    ids=["re-aged", "restructured"],
)
def test_a_new_agreement_lets_the_demand_lapse(agreed: ReAgeBills | RestructureLease) -> None:
    past = at(*DEMANDED, (66, agreed))
    assert state_of(past).demand is None
    given(*past).when(TERMINATE, business_date=day(95)).then_refused(r.NO_DEMAND)


# ---------------------------------------------------------------------------------------------- what follows


def test_minfadian_752_acceleration_bills_all_rent_today() -> None:
    past = at(*RUNNING, *cases.by_default(80, Remedy.ACCELERATE))
    answer = given(*past).when(AccelerateLease(), business_date=day(80)).answer
    assert isinstance(answer, tuple)
    assert answer[0] == LeaseAccelerated(on=day(80))
    bills = [event for event in answer if isinstance(event, BillIssued)]
    assert [event.number for event in bills] == list(range(3, 13))
    assert {event.due_on for event in bills} == {day(80)}
    assert sum(event.principal_fen + event.interest_fen for event in bills) == 10 * 106_000


def test_acceleration_credits_what_was_accrued_once() -> None:
    past = at(*RUNNING, *cases.by_default(80, Remedy.ACCELERATE), (80, AccrueInterest(up_to=day(80))))
    answer = given(*past).when(AccelerateLease(), business_date=day(80)).answer
    assert isinstance(answer, tuple)
    assert [event.accrued_fen for event in answer if isinstance(event, BillIssued)][:3] == [4_000, 0, 0]


def test_termination_claims_principal_and_interest_earned_until_then() -> None:
    given(*at(*cases.ELECTED_END)).when(TerminateLease(notice_reached_on=day(79)), business_date=day(80)).then(
        LeaseTerminated(notice_reached_on=day(79)),
        BillIssued(
            number=3,
            issued_on=day(80),
            due_on=day(80),
            principal_fen=1_000_000,
            interest_fen=4_000,
            fee_fen=0,
            accrued_fen=0,
            business=cases.AUTO.business,
            kind=BillKind.REST,
        ),
    )


def test_termination_of_a_rental_claims_no_rent_to_come() -> None:
    steps = (
        *cases.PHONE_RUNNING,
        bill(1),
        bill(2),
        (64, ServeDemand(cure_by=day(79))),
        (80, TERMINATE),
        (80, TerminateLease(notice_reached_on=day(80))),
    )
    state = state_of(at(*steps))
    assert (state.phase, state.unbilled, state.balances.open_fen) == (LeasePhase.TERMINATED, (), 100_000)


def test_a_notice_works_when_it_arrives() -> None:
    given(*at(*cases.ELECTED_END)).when(TerminateLease(notice_reached_on=day(81)), business_date=day(80)).then_refused(
        r.DATE_IN_FUTURE
    )


@pytest.mark.parametrize(
    ("past", "refused"),
    [(cases.RUNNING, r.NOT_TERMINATED), (cases.ACCELERATED, r.NOT_TERMINATED), (cases.REPOSSESSED, r.NOT_TERMINATED)],
)
def test_the_asset_is_taken_back_after_termination_only(past: tuple[Step, ...], refused: RefusalKind) -> None:
    given(*at(*past)).when(RepossessAsset(on=day(85)), business_date=day(85)).then_refused(refused)


def disposal(proceeds_fen: int, costs_fen: int, on: date) -> AssetDisposed:
    answer = (
        given(*at(*cases.REPOSSESSED))
        .when(DisposeAsset(proceeds_fen=proceeds_fen, costs_fen=costs_fen), business_date=on)
        .answer
    )
    assert isinstance(answer, tuple)
    (found,) = [event for event in answer if isinstance(event, AssetDisposed)]
    return found


def test_minfadian_758_the_surplus_is_the_lessees() -> None:
    sold = disposal(1_500_000, 10_000, day(86))
    debt_fen = sum(x.fen for x in sold.applied)
    assert sold.surplus_fen == sold.credit_fen == 1_500_000 - 10_000 - debt_fen > 0
    past = at(*cases.REPOSSESSED, (86, DisposeAsset(proceeds_fen=1_500_000, costs_fen=10_000)))
    state = state_of(past)
    assert state.balances.open_fen == 0
    given(*past).when(CloseLease(), business_date=day(86)).then_refused(r.CREDIT_OPEN, credit_fen=sold.surplus_fen)
    assert isinstance(given(*past).when(RefundCredit(amount_fen=sold.surplus_fen), business_date=day(86)).answer, tuple)


def test_minfadian_758_there_is_no_surplus_below_the_debt() -> None:
    sold = disposal(900_000, 20_000, day(86))
    assert (sold.surplus_fen, sold.credit_fen) == (0, 0)
    assert sum(x.fen for x in sold.applied) == 880_000


def test_costs_are_at_most_the_proceeds() -> None:
    given(*at(*cases.REPOSSESSED)).when(DisposeAsset(proceeds_fen=1, costs_fen=2)).then_refused(
        r.COSTS_EXCEED_PROCEEDS, proceeds_fen=1, costs_fen=2
    )


def test_the_rules_name_their_statutes() -> None:
    assert "融资租赁解释 5" in r.DEFAULT_TOO_SMALL.source
    assert "民法典 752" in r.REMEDIES_EXCLUDE.source
    assert "融资租赁解释 10" in r.REMEDIES_EXCLUDE.source
    assert "民法典 752" in r.NO_DEMAND.source
    assert r.NO_DEMAND.source == r.CURE_PERIOD_RUNNING.source == r.DEMAND_CURED.source
