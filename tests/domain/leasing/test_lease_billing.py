"""Bills, interest and payments of a lease, as events."""

from __future__ import annotations

from uuid import UUID

import pytest

from domain.kernel.decider import fold
from domain.kernel.event import Event
from domain.kernel.money import MAX_SAFE_INTEGER
from domain.leasing.lease import refusals as r
from domain.leasing.lease.commands import (
    AccrueInterest,
    AssessLateFees,
    IssueBill,
    PostPayment,
    RefundCredit,
    ReversePayment,
    WaiveBill,
    WaivedPart,
)
from domain.leasing.lease.events.lifecycle import ScheduleReplayed
from domain.leasing.lease.events.money import (
    BillIssued,
    BillWaived,
    CreditApplied,
    CreditRefunded,
    DebtRecovered,
    InterestAccrued,
    LateFeeAssessed,
    LeaseChargedOff,
    PaymentPosted,
    PaymentReversed,
    RecoveryReversed,
)
from domain.leasing.lease.rules.decider import LEASE
from domain.leasing.lease.state import LeasePhase
from domain.leasing.values import Applied, Part
from domain.pricing.schedules import Component
from tests.domain.leasing import cases
from tests.domain.leasing.books_of import check_agreement, totals_of
from tests.domain.leasing.cases import BILLED, PHONE_RUNNING, RUNNING, Step, bill, day, given, history, pay

P, INT, L = Component.PRINCIPAL, Component.INTEREST, Component.LATE_FEE
FIRST = UUID(int=901)


def at(*steps: Step) -> tuple[Event, ...]:
    return history(*steps)


def applied(number: int, component: Component, fen: int) -> Applied:
    return Applied(number=number, component=component, fen=fen)


def first_bill(accrued_fen: int = 0) -> BillIssued:
    return BillIssued(
        number=1,
        issued_on=day(30),
        due_on=day(30),
        principal_fen=100_000,
        interest_fen=6_000,
        fee_fen=0,
        accrued_fen=accrued_fen,
        business=cases.AUTO.business,
    )


# -------------------------------------------------------------------------------------------------------- bills


def test_a_bill_is_issued_on_its_day() -> None:
    given(*at(*RUNNING)).when(IssueBill(number=1), business_date=day(29)).then_refused(
        r.BILL_TOO_EARLY, from_day=day(30), business_date=day(29)
    )
    state = given(*at(*RUNNING)).when(IssueBill(number=1), business_date=day(30)).then(first_bill())
    assert (state.next_number, len(state.unbilled), state.balances.open_fen) == (2, 11, 106_000)


def test_a_plan_may_bill_some_days_ahead() -> None:
    given(*at(*PHONE_RUNNING)).when(IssueBill(number=1), business_date=day(24)).then_refused(r.BILL_TOO_EARLY)
    answer = given(*at(*PHONE_RUNNING)).when(IssueBill(number=1), business_date=day(25)).answer
    assert isinstance(answer, tuple)
    assert isinstance(answer[0], BillIssued)
    assert (answer[0].issued_on, answer[0].due_on) == (day(25), day(30))


def test_bills_come_in_order() -> None:
    given(*at(*RUNNING)).when(IssueBill(number=2), business_date=day(90)).then_refused(
        r.BILL_NOT_NEXT, expected=1, got=2
    )
    given(*at(*cases.ALL_BILLED)).when(IssueBill(number=13), business_date=day(400)).then_refused(r.NOTHING_TO_BILL)


def test_money_paid_in_advance_meets_the_bill() -> None:
    past = at(*RUNNING, pay(1, 150_000, 5))
    state = (
        given(*past)
        .when(IssueBill(number=1), business_date=day(30))
        .then(
            first_bill(),
            CreditApplied(on=day(30), applied=(applied(1, P, 100_000), applied(1, INT, 6_000)), credit_fen=-106_000),
        )
    )
    assert state.balances.credit_fen == 44_000


@pytest.mark.parametrize(("known_on", "fen"), [(43, 200_000), (43, 106_100), (40, 50_000)])
def test_money_that_passed_a_due_date_before_its_bill_owes_the_late_fee(known_on: int, fen: int) -> None:
    """A day that closes late issues its bill behind the money: the late fee is assessed before credit pays it."""
    past = at(*RUNNING, pay(1, fen, known_on))
    answered = given(*past).when(IssueBill(number=1), business_date=day(30))
    assert isinstance(answered.answer, tuple)
    events = (*past, *answered.answer)
    kinds = [type(event) for event in answered.answer]
    assert kinds == [BillIssued, LateFeeAssessed, CreditApplied]
    check_agreement(events, fold(LEASE, events))
    on_time = at(*BILLED, pay(1, fen, known_on))
    assert totals_of(events) == totals_of(on_time)


# ----------------------------------------------------------------------------------------------------- interest


@pytest.mark.parametrize(("on", "fen"), [(1, 200), (10, 2_000), (29, 5_800), (30, 6_000), (45, 6_000)])
def test_interest_of_a_period_is_earned_by_days(on: int, fen: int) -> None:
    given(*at(*RUNNING)).when(AccrueInterest(up_to=day(on)), business_date=day(on)).then(
        InterestAccrued(up_to=day(on), fen=fen)
    )


def test_only_what_is_new_is_accrued_and_the_bill_says_what_was() -> None:
    past = at(*RUNNING, (10, AccrueInterest(up_to=day(10))))
    given(*past).when(AccrueInterest(up_to=day(10)), business_date=day(11)).then_refused(r.NOTHING_TO_ACCRUE)
    past = at(*RUNNING, (10, AccrueInterest(up_to=day(10))), (20, AccrueInterest(up_to=day(20))))
    assert past[-1] == InterestAccrued(up_to=day(20), fen=2_000)
    given(*past).when(IssueBill(number=1), business_date=day(30)).then(first_bill(accrued_fen=4_000))


def test_interest_is_not_accrued_ahead_nor_on_rent() -> None:
    given(*at(*RUNNING)).when(AccrueInterest(up_to=day(2)), business_date=day(1)).then_refused(r.DATE_IN_FUTURE)
    given(*at(*PHONE_RUNNING)).when(AccrueInterest(up_to=day(1)), business_date=day(1)).then_refused(
        r.NOT_A_FINANCE_LEASE
    )


# ---------------------------------------------------------------------------------------------------- late fees


def test_late_fees_are_assessed_bill_by_bill() -> None:
    """0.05 % a day of 106,000, from three days after the due date: 53 a day."""
    past = at(*BILLED, bill(2))
    given(*past).when(AssessLateFees(up_to=day(63)), business_date=day(70)).then(
        LateFeeAssessed(number=1, fen=30 * 53, up_to=day(63))
    )
    given(*past).when(AssessLateFees(up_to=day(70)), business_date=day(70)).then(
        LateFeeAssessed(number=1, fen=37 * 53, up_to=day(70)), LateFeeAssessed(number=2, fen=7 * 53, up_to=day(70))
    )
    given(*past).when(AssessLateFees(up_to=day(71)), business_date=day(70)).then_refused(r.DATE_IN_FUTURE)
    given(*at(*BILLED)).when(AssessLateFees(up_to=day(33)), business_date=day(70)).then_refused(r.NOTHING_TO_ASSESS)


# ----------------------------------------------------------------------------------------------------- payments


def posted(fen: int, on: int, worth: int, credit_fen: int, *moves: Applied) -> PaymentPosted:
    return PaymentPosted(
        payment=FIRST,
        amount_fen=fen,
        value_date=day(worth),
        posted_on=day(on),
        applied=moves,
        credit_fen=credit_fen,
    )


def test_a_payment_on_time() -> None:
    given(*at(*BILLED)).when(pay(1, 106_000, 30)[1], business_date=day(30)).then(
        posted(106_000, 30, 30, 0, applied(1, P, 100_000), applied(1, INT, 6_000))
    )


def test_a_partial_payment_pays_interest_before_principal() -> None:
    given(*at(*BILLED)).when(pay(1, 50_000, 30)[1], business_date=day(30)).then(
        posted(50_000, 30, 30, 0, applied(1, P, 44_000), applied(1, INT, 6_000))
    )


def test_an_over_payment_and_an_advance_are_credit() -> None:
    given(*at(*BILLED)).when(pay(1, 106_001, 30)[1], business_date=day(30)).then(
        posted(106_001, 30, 30, 1, applied(1, P, 100_000), applied(1, INT, 6_000))
    )
    given(*at(*RUNNING)).when(pay(1, 7, 3)[1], business_date=day(3)).then(posted(7, 3, 3, 7))


def test_a_late_payment_owes_its_late_fee_first() -> None:
    """Ten chargeable days at 53; the order of the policy puts the late fee last."""
    given(*at(*BILLED)).when(pay(1, 106_530, 43)[1], business_date=day(43)).then(
        LateFeeAssessed(number=1, fen=530, up_to=day(43)),
        posted(106_530, 43, 43, 0, applied(1, P, 100_000), applied(1, INT, 6_000), applied(1, L, 530)),
    )


def test_a_back_dated_payment_takes_the_late_fee_back_and_leaves_a_mark() -> None:
    past = at(*BILLED, (43, AssessLateFees(up_to=day(43))))
    answer = given(*past).when(pay(1, 106_000, 44, worth=33)[1], business_date=day(44)).answer
    assert isinstance(answer, tuple)
    assert answer[:2] == (
        posted(106_000, 44, 33, 0, applied(1, P, 100_000), applied(1, INT, 6_000)),
        LateFeeAssessed(number=1, fen=-530, up_to=day(43)),
    )
    assert isinstance(answer[2], ScheduleReplayed)
    assert answer[2].from_date == day(33)


def test_a_payment_is_posted_once_and_not_before_its_day() -> None:
    past = at(*BILLED, pay(1, 100, 31))
    given(*past).when(pay(1, 70, 30)[1], business_date=day(31)).then_refused(
        r.PAYMENT_KNOWN, payment=FIRST, known_fen=100, known_on=day(31), amount_fen=70, value_date=day(30)
    )
    given(*past).when(pay(2, 100, 32)[1], business_date=day(31)).then_refused(r.DATE_IN_FUTURE)


def test_a_reversal_gives_back_what_the_payment_did() -> None:
    past = at(*BILLED, pay(1, 106_000, 30))
    answer = given(*past).when(ReversePayment(payment=FIRST, reason="returned"), business_date=day(40)).answer
    assert isinstance(answer, tuple)
    assert answer[0] == PaymentReversed(
        payment=FIRST,
        amount_fen=106_000,
        reason="returned",
        on=day(40),
        applied=(applied(1, P, -100_000), applied(1, INT, -6_000)),
        credit_fen=0,
    )
    assert isinstance(answer[1], ScheduleReplayed)


def test_a_reversal_moves_later_money_back() -> None:
    past = at(*BILLED, pay(1, 106_000, 30), bill(2), pay(2, 106_000, 60))
    answer = given(*past).when(ReversePayment(payment=FIRST, reason="returned"), business_date=day(61)).answer
    assert isinstance(answer, tuple)
    late, reversal = answer[0], answer[1]
    assert isinstance(late, LateFeeAssessed)
    assert isinstance(reversal, PaymentReversed)
    assert (late.number, late.fen) == (1, 27 * 53)
    assert sum(x.fen for x in reversal.applied) + reversal.credit_fen == -106_000
    assert {x.number for x in reversal.applied} == {2}, "the second payment pays the first bill now"


def test_a_reversal_happens_once_and_to_a_known_payment() -> None:
    past = at(*BILLED, pay(1, 100, 31), (32, ReversePayment(payment=FIRST, reason="returned")))
    given(*past).when(ReversePayment(payment=FIRST, reason="returned")).then_refused(r.PAYMENT_REVERSED_ALREADY)
    given(*past).when(ReversePayment(payment=UUID(int=5), reason="returned")).then_refused(r.PAYMENT_UNKNOWN)
    given(*past).when(pay(1, 100, 33)[1], business_date=day(33)).then_refused(r.PAYMENT_KNOWN)


def test_credit_is_refunded_as_far_as_it_goes() -> None:
    past = at(*RUNNING, pay(1, 500, 3))
    given(*past).when(RefundCredit(amount_fen=501)).then_refused(r.CREDIT_TOO_SMALL, credit_fen=500, asked_fen=501)
    state = (
        given(*past)
        .when(RefundCredit(amount_fen=500), business_date=day(4))
        .then(CreditRefunded(amount_fen=500, on=day(4)))
    )
    assert state.balances.credit_fen == 0


# ------------------------------------------------------------------------------------------------------ waivers


def test_a_waiver_takes_at_most_what_is_open() -> None:
    asked = WaiveBill(number=1, parts=(WaivedPart(component=INT, fen=6_000),), reason="goodwill")
    given(*at(*BILLED)).when(asked, business_date=day(30)).then(
        BillWaived(
            number=1,
            parts=(Part(number=1, component=INT, fen=6_000),),
            reason="goodwill",
            on=day(30),
            applied=(),
            credit_fen=0,
        )
    )
    paid = at(*BILLED, pay(1, 1, 30))
    given(*paid).when(asked, business_date=day(30)).then_refused(
        r.WAIVER_TOO_LARGE, component=INT, open_fen=5_999, asked_fen=6_000
    )


def test_parts_of_one_component_count_together() -> None:
    twice = (WaivedPart(component=INT, fen=4_000), WaivedPart(component=INT, fen=4_000))
    given(*at(*BILLED)).when(WaiveBill(number=1, parts=twice, reason="x"), business_date=day(30)).then_refused(
        r.WAIVER_TOO_LARGE, component=INT, open_fen=6_000, asked_fen=8_000
    )


def test_a_late_fee_is_assessed_up_to_the_day_it_is_waived() -> None:
    waive = WaiveBill(number=1, parts=(WaivedPart(component=L, fen=530),), reason="goodwill")
    answer = given(*at(*BILLED)).when(waive, business_date=day(43)).answer
    assert isinstance(answer, tuple)
    assert [type(event) for event in answer] == [LateFeeAssessed, BillWaived]
    given(*at(*BILLED)).when(WaiveBill(number=2, parts=waive.parts, reason="x")).then_refused(r.BILL_UNKNOWN)


# --------------------------------------------------------------------------------------------------- written off


def test_money_on_a_written_off_debt_is_a_recovery() -> None:
    past = at(*cases.CHARGED_OFF)
    post = PostPayment(payment=FIRST, amount_fen=1_000, value_date=day(90))
    state = (
        given(*past)
        .when(post, business_date=day(91))
        .then(DebtRecovered(payment=FIRST, amount_fen=1_000, value_date=day(90), posted_on=day(91)))
    )
    assert (state.phase, state.recovered_fen) == (LeasePhase.CHARGED_OFF, 1_000)


def test_a_recovery_is_taken_back_as_one() -> None:
    past = at(*cases.RECOVERED)
    state = (
        given(*past)
        .when(ReversePayment(payment=UUID(int=950), reason="charged_back"), business_date=day(90))
        .then(RecoveryReversed(payment=UUID(int=950), amount_fen=2_000_000, reason="charged_back", on=day(90)))
    )
    assert (state.phase, state.recovered_fen) == (LeasePhase.CHARGED_OFF, 0)


def test_a_payment_reversed_after_the_write_off_is_written_off_too() -> None:
    past = at(*BILLED, pay(1, 50_000, 31), *cases.CHARGED_OFF[len(RUNNING) + 1 :])
    answer = given(*past).when(ReversePayment(payment=FIRST, reason="returned"), business_date=day(90)).answer
    assert isinstance(answer, tuple)
    assert isinstance(answer[-1], LeaseChargedOff)
    state = cases.state_of((*past, *answer))
    assert (state.phase, state.balances.open_fen) == (LeasePhase.CHARGED_OFF, 0)
    assert sum(part.fen for part in answer[-1].parts) >= 50_000


def test_all_money_of_a_lease_together_stays_within_what_books_can_hold() -> None:
    """Each amount is; their sum has to be refused where it comes about, for an event cannot be taken back."""
    most = MAX_SAFE_INTEGER
    first = (3, PostPayment(payment=UUID(int=1), amount_fen=most - 10, value_date=day(3)))
    next_one = PostPayment(payment=UUID(int=2), amount_fen=10, value_date=day(3))
    past = history(*RUNNING, first)
    assert given(*past).when(next_one, business_date=day(3)).answer
    one_more = PostPayment(payment=UUID(int=2), amount_fen=11, value_date=day(3))
    given(*past).when(one_more, business_date=day(3)).then_refused(r.SUM_TOO_LARGE, limit_fen=most)
