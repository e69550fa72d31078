"""Money of a payment that goes back: refunds that the lease asked for, chargebacks of the payer's bank."""

from __future__ import annotations

from domain.payments.payment import refusals
from domain.payments.payment.commands import RecordChargeback, RecordRefunded, RecordRefundFailed, RefundPayment
from domain.payments.payment.events import CallbackApplied, CallbackIgnored, PaymentOverpaid, RefundFailed
from domain.payments.payment.state import PaymentPhase
from domain.payments.payment.values import Ignored
from tests.domain.payments import cases
from tests.domain.payments.cases import (
    ASKED,
    BEGUN,
    BODY_2,
    FAILED,
    FEN,
    LEASE,
    REF,
    REF_2,
    REFUND_FAILED,
    STARTED,
    WAITING,
    asked,
    charged_back,
    given,
    refunded,
    succeeded,
)
from tests.given import TODAY

PAID = (*BEGUN, succeeded())


def ignored(reason: Ignored) -> CallbackIgnored:
    return CallbackIgnored(callback=BODY_2, attempt=1, reason=reason)


def refund(fen: int, number: int = 1) -> RefundPayment:
    return RefundPayment(number=number, amount_fen=fen, reason="credit")


def test_money_goes_back_in_parts_when_the_provider_says_so() -> None:
    state = given(*PAID).when(refund(2_000)).then(asked(2_000))
    assert (state.phase, state.kept_fen) == (PaymentPhase.SUCCEEDED, FEN)
    paid_out = RecordRefunded(number=1, value_date=TODAY, ref=REF_2)
    state = given(*PAID, asked(2_000)).when(paid_out).then(refunded(2_000))
    assert (state.phase, state.kept_fen) == (PaymentPhase.SUCCEEDED, FEN - 2_000)
    past = (*PAID, asked(2_000), refunded(2_000), asked(FEN - 2_000, 2))
    state = given(*past).when(RecordRefunded(number=2, value_date=TODAY, ref=REF_2)).then(refunded(FEN - 2_000, 2))
    assert (state.phase, state.kept_fen) == (PaymentPhase.REFUNDED, 0)


def test_a_refund_that_no_money_covers_fails_instead_of_being_refused() -> None:
    """The lease gave its credit away already: a refusal would lose it."""
    short = RefundFailed(lease=LEASE, number=2, amount_fen=FEN - 1_999, code="not_covered")
    state = given(*PAID, asked(2_000)).when(refund(FEN - 1_999, 2)).then(short)
    assert (state.kept_fen, [one.open for one in state.refunds]) == (FEN, [True, False])
    given(*BEGUN).when(refund(1)).then(RefundFailed(lease=LEASE, number=1, amount_fen=1, code="not_covered"))
    given(*PAID, charged_back()).when(refund(1)).then(
        RefundFailed(lease=LEASE, number=1, amount_fen=1, code="not_covered")
    )


def test_what_came_on_top_goes_back_first() -> None:
    on_top = PaymentOverpaid(
        lease=LEASE, attempt=1, channel="bank_a", amount_fen=FEN, value_date=TODAY, provider_ref=REF
    )
    past = (*BEGUN, FAILED, WAITING, STARTED, succeeded(2, ref=REF_2), on_top)
    given(*past).when(refund(FEN)).then(asked(FEN, attempt=1))
    given(*past, asked(FEN, attempt=1)).when(refund(FEN, 2)).then(asked(FEN, 2, attempt=2))


def test_a_refund_ends_once() -> None:
    failed = RecordRefundFailed(number=1, code="payee_account_closed")
    state = given(*PAID, ASKED).when(failed).then(REFUND_FAILED)
    assert [one.left_fen for one in state.received] == [FEN]
    for past in ((*PAID, ASKED, REFUND_FAILED), (*PAID, ASKED, refunded()), PAID):
        given(*past).when(failed).then_refused(refusals.REFUND_NOT_OPEN, number=1)
        given(*past).when(RecordRefunded(number=1, value_date=TODAY, ref=REF)).then_refused(refusals.REFUND_NOT_OPEN)
    given(*PAID, ASKED, REFUND_FAILED).when(refund(1)).then_refused(refusals.REFUND_KNOWN, number=1)


def test_a_chargeback_takes_the_whole_money_of_its_attempt() -> None:
    """What was refunded of it before is on top of that: the lease's account shows it as owed."""
    state = (
        given(*PAID, asked(1), refunded(1)).when(RecordChargeback(attempt=1, reason="disputed")).then(charged_back())
    )
    assert (state.phase, state.kept_fen) == (PaymentPhase.CHARGED_BACK, 0)
    given(*PAID, charged_back()).when(RecordChargeback(attempt=1, reason="disputed")).then_refused(
        refusals.CHARGED_BACK_ALREADY, attempt=1
    )
    given(*PAID).when(RecordChargeback(attempt=2, reason="disputed")).then_refused(refusals.NOT_RECEIVED)


def test_a_chargeback_names_its_attempt() -> None:
    """The second attempt's money was the payment's own, the first one's came on top."""
    on_top = PaymentOverpaid(
        lease=LEASE, attempt=1, channel="bank_a", amount_fen=FEN, value_date=TODAY, provider_ref=REF
    )
    past = (*BEGUN, FAILED, WAITING, STARTED, succeeded(2, ref=REF_2), on_top)
    state = given(*past).when(RecordChargeback(attempt=1, reason="disputed")).then(charged_back(on_top=True))
    assert (state.phase, state.kept_fen) == (PaymentPhase.SUCCEEDED, FEN)
    given(*past).when(RecordChargeback(attempt=2, reason="disputed")).then(charged_back(2, ref=REF_2))


def test_a_provider_calls_back_with_a_chargeback() -> None:
    back = cases.VARIANTS["ReceiveCallback charged back"]
    applied = CallbackApplied(callback=BODY_2, attempt=1)
    given(*PAID).when(back).then(applied, charged_back())
    given(*PAID, charged_back()).when(back).then(ignored(Ignored.DUPLICATE))
    given(*BEGUN).when(back).then(ignored(Ignored.EARLY))
