"""After the end: the price of the asset, money that comes, money that is taken back, and what became of a demand."""

from __future__ import annotations

from uuid import UUID

import pytest

from domain.accounting import chart
from domain.leasing.lease import refusals as r
from domain.leasing.lease.commands import (
    ChargeOffLease,
    CloseLease,
    CompleteBuyout,
    ElectRemedy,
    QuoteBuyout,
    QuoteEarlySettlement,
    RecordCureExpired,
    RefundCredit,
    ReleaseDeposit,
    ReversePayment,
    ServeDemand,
    SettleEarly,
)
from domain.leasing.lease.events.lifecycle import CureAchieved, CureExpired, EarlySettlementQuoted, LeaseReopened
from domain.leasing.lease.events.money import BuyoutCompleted, PaymentPosted
from domain.leasing.lease.state import LeasePhase
from domain.leasing.values import PartKind, QuotePart, Remedy
from tests.domain.leasing import cases
from tests.domain.leasing.books_of import check_agreement, totals_of
from tests.domain.leasing.cases import RUNNING, SETTLED, SETTLED_EARLY, Step, bill, day, given, history, pay, state_of

DEMANDED: tuple[Step, ...] = (*RUNNING, bill(1), bill(2), (64, ServeDemand(cure_by=day(79))))
LATE_FEE_AT_75 = 42 * 53 + 12 * 53


def reverse(n: int, on: int) -> Step:
    return on, ReversePayment(payment=UUID(int=900 + n), reason="returned")


# --------------------------------------------------------------------------------------------- price of the asset


def test_an_asset_is_bought_after_an_early_settlement() -> None:
    steps = (*SETTLED_EARLY, (16, QuoteBuyout(as_of=day(16))), pay(2, 10_000, 16))
    given(*history(*SETTLED_EARLY)).when(CompleteBuyout(), business_date=day(16)).then_refused(r.NO_QUOTE)
    state = (
        given(*history(*steps))
        .when(CompleteBuyout(), business_date=day(16))
        .then(BuyoutCompleted(on=day(16), price_fen=10_000, credit_fen=-10_000))
    )
    assert state.phase is LeasePhase.BOUGHT_OUT


def test_a_settlement_is_quoted_with_the_price_on_request() -> None:
    quote = QuoteEarlySettlement(as_of=day(15), with_buyout=True)
    answer = given(*history(*RUNNING)).when(quote, business_date=day(10)).answer
    assert isinstance(answer, tuple)
    quoted = answer[0]
    assert isinstance(quoted, EarlySettlementQuoted)
    assert quoted.parts[-1] == QuotePart(kind=PartKind.BUYOUT_PRICE, fen=10_000)
    assert (quoted.amount_fen, quoted.price_fen) == (1_237_000, 10_000)
    past = history(*RUNNING, (10, quote), pay(1, 1_236_999, 15))
    given(*past).when(SettleEarly(), business_date=day(15)).then_refused(
        r.CREDIT_TOO_SMALL, credit_fen=1_236_999, asked_fen=1_237_000
    )
    done = history(*RUNNING, (10, quote), pay(1, 1_237_000, 15), (15, SettleEarly()))
    assert done[-1] == BuyoutCompleted(on=day(15), price_fen=10_000, credit_fen=-10_000)
    assert state_of(done).phase is LeasePhase.BOUGHT_OUT
    assert totals_of(done)[chart.BUYOUT_INCOME] == -10_000


# ------------------------------------------------------------------------------------------------- money afterwards


def test_money_on_a_settled_lease_is_the_lessees() -> None:
    later = pay(20, 7_000, 200)[1]
    state = (
        given(*history(*SETTLED))
        .when(later, business_date=day(200))
        .then(
            PaymentPosted(
                payment=UUID(int=920),
                amount_fen=7_000,
                value_date=day(200),
                posted_on=day(200),
                applied=(),
                credit_fen=7_000,
            )
        )
    )
    assert (state.phase, state.balances.credit_fen) == (LeasePhase.SETTLED, 7_000)
    past = history(*SETTLED, pay(20, 7_000, 200))
    assert totals_of(past)[chart.LESSEE_CREDIT] == -7_000
    given(*past).when(RefundCredit(amount_fen=7_001)).then_refused(r.CREDIT_TOO_SMALL)
    back = history(*SETTLED, pay(20, 7_000, 200), (201, RefundCredit(amount_fen=7_000)))
    assert chart.LESSEE_CREDIT not in totals_of(back)
    given(*back).when(CloseLease()).then_refused(r.CLOSED)


def test_credit_that_is_taken_back_leaves_a_settled_lease_settled() -> None:
    past = history(*SETTLED, pay(20, 7_000, 200), reverse(20, 201))
    assert state_of(past).phase is LeasePhase.SETTLED
    assert totals_of(past) == totals_of(history(*SETTLED))


def test_a_debt_that_comes_back_opens_the_lease_again() -> None:
    past = history(*cases.REOPENED)
    state = state_of(past)
    assert past[-1] == LeaseReopened(on=day(182))
    assert (state.phase, state.balances.open_fen) == (LeasePhase.REOPENED, 50_000)
    check_agreement(past, state)
    given(*past).when(CloseLease(), business_date=day(183)).then_refused(r.BALANCE_OPEN)
    paid = history(*cases.REOPENED, pay(30, 50_150, 183))
    assert state_of(paid).balances.open_fen == 0
    gone = given(*past).when(ChargeOffLease(), business_date=day(300)).answer
    assert isinstance(gone, tuple)


def test_a_refund_of_money_that_bounces_is_owed_by_the_lessee() -> None:
    steps = (*SETTLED, pay(20, 7_000, 200), (201, RefundCredit(amount_fen=7_000)), reverse(20, 202))
    state = state_of(history(*steps))
    assert (state.phase, state.balances.credit_fen) == (LeasePhase.REOPENED, -7_000)
    settled = history(*steps, pay(21, 7_000, 210), (210, CloseLease()))
    assert state_of(settled).phase is LeasePhase.SETTLED


def test_a_written_off_debt_that_comes_back_is_written_off_again() -> None:
    end = 90
    # Paid before the write-off, so that its reversal brings the debt back.
    before = (*cases.REPOSSESSED, pay(40, 5_000, 85), *cases.CHARGED_OFF[len(cases.REPOSSESSED) :])
    owed_fen = state_of(history(*before)).charged_off_fen
    closed = (*before, pay(50, owed_fen, end), (end, ReleaseDeposit(fen=50_000)), (end, CloseLease()))
    state = state_of(history(*closed, reverse(40, 95)))
    assert (state.phase, state.charged_off_fen > owed_fen, state.balances.open_fen) == (LeasePhase.CHARGED_OFF, True, 0)


# ----------------------------------------------------------------------------------------------------- the demand


def test_a_payment_of_what_was_demanded_is_a_cure() -> None:
    enough = 212_000 + LATE_FEE_AT_75
    past = history(*DEMANDED, pay(1, enough, 75))
    assert past[-1] == CureAchieved(on=day(75), bills=(1, 2))
    given(*past).when(RecordCureExpired(), business_date=day(80)).then_refused(r.DEMAND_CURED)
    assert not any(isinstance(event, CureAchieved) for event in history(*DEMANDED, pay(1, 211_999, 75)))


def test_other_money_is_no_second_cure() -> None:
    past = history(*DEMANDED, pay(1, 300_000, 75), pay(2, 1_000, 76))
    assert sum(isinstance(event, CureAchieved) for event in past) == 1


def test_a_cure_that_is_taken_back_is_none() -> None:
    past = history(*DEMANDED, pay(1, 300_000, 75), reverse(1, 85))
    assert isinstance(given(*past).when(ElectRemedy(remedy=Remedy.ACCELERATE), business_date=day(86)).answer, tuple)
    again = history(*DEMANDED, pay(1, 300_000, 75), reverse(1, 85), pay(2, 300_000, 87))
    assert sum(isinstance(event, CureAchieved) for event in again) == 2


@pytest.mark.parametrize("on", [79, 80])
def test_the_period_has_passed_on_the_day_after(on: int) -> None:
    outcome = given(*history(*DEMANDED, pay(1, 110_000, 75))).when(RecordCureExpired(), business_date=day(on))
    if on == 79:
        outcome.then_refused(r.CURE_PERIOD_RUNNING)
    else:
        expired = CureExpired(on=day(80), cure_by=day(79), bills=(2,))
        outcome.then(expired)
        given(*history(*DEMANDED), expired).when(RecordCureExpired(), business_date=day(81)).then_refused(
            r.CURE_EXPIRED_ALREADY, cure_by=day(79)
        )


def test_a_late_cure_carries_no_remedy() -> None:
    past = history(*DEMANDED, (80, RecordCureExpired()), pay(1, 300_000, 82))
    assert past[-1] == CureAchieved(on=day(82), bills=(1, 2))
    given(*past).when(ElectRemedy(remedy=Remedy.ACCELERATE), business_date=day(83)).then_refused(r.DEFAULT_TOO_SMALL)
