"""Refunds through a payment's provider: numbered, and credit again when they do not arrive."""

from __future__ import annotations

from uuid import UUID

from domain.leasing.lease import refusals as r
from domain.leasing.lease.commands import CloseLease, PostPayment, RefundCredit, ReturnRefund
from domain.leasing.lease.events.money import CreditRefunded, RefundReturned
from domain.leasing.lease.state import LeasePhase
from tests.domain.leasing import cases
from tests.domain.leasing.cases import RUNNING, bill, day, given, history

FIRST = UUID(int=950)
BACK = ReturnRefund(number=1, reason="payee_account_closed")


def paid(fen: int, on: int = 3) -> cases.Step:
    return on, PostPayment(payment=FIRST, amount_fen=fen, value_date=day(on))


def through(fen: int = 500, payment: UUID = FIRST) -> RefundCredit:
    """A refund through the provider of a payment."""
    return RefundCredit(amount_fen=fen, payment=payment)


def test_a_refund_through_a_provider_has_a_number() -> None:
    past = (*RUNNING, paid(500))
    went = CreditRefunded(amount_fen=200, on=day(4), payment=FIRST, number=1)
    state = given(*history(*past)).when(through(200), business_date=day(4)).then(went)
    assert (state.balances.credit_fen, [one.number for one in state.refunds]) == (300, [1])
    again = CreditRefunded(amount_fen=300, on=day(5), payment=FIRST, number=2)
    given(*history(*past, (4, through(200)))).when(through(300), business_date=day(5)).then(again)
    stranger = UUID(int=5)
    given(*history(*past)).when(through(1, stranger)).then_refused(r.PAYMENT_UNKNOWN, payment=stranger)
    given(*history(*past)).when(through(501)).then_refused(r.CREDIT_TOO_SMALL, credit_fen=500, asked_fen=501)


def test_a_refund_that_did_not_arrive_is_credit_again() -> None:
    past = (*RUNNING, paid(500), (4, through()))
    event = RefundReturned(
        number=1, amount_fen=500, value_date=day(4), on=day(9), reason="payee_account_closed", applied=(),
        credit_fen=500,
    )  # fmt: skip
    state = given(*history(*past)).when(BACK, business_date=day(9)).then(event)
    assert state.balances.credit_fen == 500
    given(*history(*past, (9, BACK))).when(BACK).then_refused(r.REFUND_RETURNED_ALREADY, number=1)
    given(*history(*past)).when(ReturnRefund(number=2, reason="x")).then_refused(r.REFUND_UNKNOWN, number=2)


def test_a_refund_that_did_not_arrive_pays_what_fell_due_meanwhile() -> None:
    """It counts from the day it left, as if it never had: the same balances, and no late fee for what it covers."""
    kept = (*RUNNING, paid(50_000), bill(1))
    left = (*RUNNING, paid(50_000), (4, through(50_000)), bill(1))
    state = given(*history(*left, (40, BACK))).state
    never_left = given(*history(*kept)).state
    assert state.balances.open_fen == never_left.balances.open_fen == 56_000
    assert state.balances.credit_fen == never_left.balances.credit_fen == 0


def test_a_settled_lease_takes_a_refund_back_and_gives_it_out_again() -> None:
    """The provider's answer may come after the lease was closed."""
    owed = (181, PostPayment(payment=FIRST, amount_fen=70, value_date=day(181)))
    closed = (*cases.RETURNED, owed, (181, through(70)), (181, CloseLease()))
    state = given(*history(*closed, (182, BACK))).state
    assert (state.phase, state.balances.credit_fen) == (LeasePhase.SETTLED, 70)
    out = RefundCredit(amount_fen=70)
    given(*history(*closed, (182, BACK))).when(out, business_date=day(183)).then(
        CreditRefunded(amount_fen=70, on=day(183))
    )
    given(*history(*closed)).when(out, business_date=day(183)).then_refused(r.CREDIT_TOO_SMALL)
