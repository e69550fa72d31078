"""Money that crosses: refunds under way when the bank takes everything back, attempts that overtake one another."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.kernel.decider import fold
from domain.kernel.event import Event
from domain.payments.payment import refusals
from domain.payments.payment.commands import (
    InitiatePayment,
    ReceiveCallback,
    RecordChargeback,
    RecordFailed,
    RecordOutcomeUnknown,
    RecordPending,
    RecordRefunded,
    RecordRefundFailed,
    RefundPayment,
    RetryPayment,
)
from domain.payments.payment.events import (
    AttemptStarted,
    CallbackApplied,
    CallbackIgnored,
    ChannelSwitched,
    OutcomeResolved,
    OutcomeUnknown,
    PaymentCancelled,
    PaymentExhausted,
    PaymentFailed,
    PaymentOverpaid,
    RefundFailed,
    RetryScheduled,
)
from domain.payments.payment.rules import PAYMENT
from domain.payments.payment.state import PaymentPhase
from domain.payments.payment.values import CALLBACKS_KEPT, CollectionPolicy, Ignored, Reported, Source
from tests.domain.payments.cases import (
    ASKED,
    BEGUN,
    BODY,
    BODY_2,
    FAILED,
    FEN,
    FIRST,
    INITIATED,
    LEASE,
    POLICY,
    REF,
    REF_2,
    STARTED,
    WAITING,
    asked,
    callback,
    charged_back,
    given,
    record_success,
    refunded,
    succeeded,
)
from tests.given import TODAY, context

PAID = (*BEGUN, succeeded())
BACK = RecordChargeback(attempt=1, reason="disputed")
RETRIED = (*BEGUN, FAILED, WAITING, STARTED)
"""The second attempt is out; the first failed."""


def overpaid(attempt: int, fen: int = FEN, ref: str = REF_2) -> PaymentOverpaid:
    """Money that came on top."""
    return PaymentOverpaid(
        lease=LEASE, attempt=attempt, channel="bank_a", amount_fen=fen, value_date=TODAY, provider_ref=ref
    )


# ------------------------------------------------------------------------------------------ what arrives is what counts


@pytest.mark.parametrize("fen", [1, FEN - 1, FEN, FEN + 1])
def test_what_came_counts_whatever_was_asked_for(fen: int) -> None:
    """A provider that debits a part, or too much, says how much it was; nothing more is tried."""
    state = given(*BEGUN).when(record_success(fen=fen)).then(succeeded(fen=fen))
    assert (state.phase, state.received_fen, state.kept_fen, state.asked_fen) == (
        PaymentPhase.SUCCEEDED,
        fen,
        fen,
        (FEN,),
    )
    given(*BEGUN, succeeded(fen=fen)).when(RetryPayment(attempt=2, amount_fen=1)).then_refused(
        refusals.NO_RETRY_SCHEDULED
    )
    given(*BEGUN, succeeded(fen=fen)).when(RefundPayment(number=1, amount_fen=fen + 1, reason="credit")).then(
        RefundFailed(lease=LEASE, number=1, amount_fen=fen + 1, code="not_covered")
    )


def test_late_money_of_an_earlier_attempt_stops_the_retry_that_waits() -> None:
    """Attempt 1 was called failed and its money came all the same: attempt 2 is never begun."""
    past = (*BEGUN, FAILED, WAITING)
    state = given(*past).when(record_success(1)).then(succeeded(1))
    assert (state.phase, state.not_before, state.under_way) == (PaymentPhase.SUCCEEDED, None, None)
    given(*past, succeeded(1)).when(RetryPayment(attempt=2, amount_fen=FEN)).then_refused(refusals.NO_RETRY_SCHEDULED)


def test_an_attempt_that_is_out_stays_out_when_another_one_brings_its_money() -> None:
    """Both may bring money; the second one's then came on top, and its failure leads to nothing more."""
    state = given(*RETRIED).when(record_success(1)).then(succeeded(1))
    assert (state.phase, state.under_way) == (PaymentPhase.SUCCEEDED, PaymentPhase.INITIATED)
    both = (*RETRIED, succeeded(1))
    second = replace(record_success(2), ref=REF_2)
    state = given(*both).when(second).then(overpaid(2))
    assert (state.received_fen, state.under_way) == (2 * FEN, None)
    failed = PaymentFailed(attempt=2, channel="bank_a", code="insufficient_funds")
    state = given(*both).when(RecordFailed(attempt=2, code="insufficient_funds")).then(failed)
    assert (state.phase, state.under_way, state.kept_fen) == (PaymentPhase.SUCCEEDED, None, FEN)


def test_what_is_unknown_is_resolved_even_after_the_money_of_another_attempt() -> None:
    lost = (*RETRIED, OutcomeUnknown(attempt=2, reason="timeout"), succeeded(1))
    assert given(*lost).state.under_way is PaymentPhase.UNKNOWN
    given(*lost).when(RecordFailed(attempt=2, code="insufficient_funds")).then_refused(
        refusals.OUTCOME_UNRESOLVED, attempt=2
    )
    given(*lost).when(RecordFailed(attempt=2, code="insufficient_funds", source=Source.QUERY)).then(
        OutcomeResolved(attempt=2, source=Source.QUERY),
        PaymentFailed(attempt=2, channel="bank_a", code="insufficient_funds"),
    )
    given(*lost).when(replace(record_success(2, Source.QUERY), ref=REF_2)).then(
        OutcomeResolved(attempt=2, source=Source.QUERY), overpaid(2)
    )


def test_money_of_an_attempt_counts_once() -> None:
    given(*PAID).when(record_success(1)).then_refused(refusals.PAID_ALREADY, attempt=1)
    given(*PAID).when(record_success(2)).then_refused(refusals.ATTEMPT_NOT_CURRENT, expected=1, got=2)
    given(*PAID).when(callback(digest=BODY_2)).then(
        CallbackIgnored(callback=BODY_2, attempt=1, reason=Ignored.DUPLICATE)
    )
    given(*PAID, charged_back()).when(record_success(1)).then_refused(refusals.PAID_ALREADY, attempt=1)


@pytest.mark.parametrize(
    "past",
    [
        (*BEGUN, FAILED, WAITING, PaymentCancelled(reason="paid_otherwise")),
        (*BEGUN, FAILED, PaymentExhausted(attempts=1)),
    ],
    ids=["cancelled", "exhausted"],
)
def test_money_counts_after_people_took_over(past: tuple[Event, ...]) -> None:
    state = given(*past).when(callback()).then(CallbackApplied(callback=BODY, attempt=1), succeeded())
    assert (state.phase, state.kept_fen) == (PaymentPhase.SUCCEEDED, FEN)


# ------------------------------------------------------------------------------------ refunds and chargebacks cross


def test_a_refund_that_is_under_way_when_the_money_is_taken_back_ends_either_way() -> None:
    """The provider may have paid it out before; then the lessee has it twice, which the lease's account shows."""
    past = (*PAID, ASKED, charged_back())
    assert given(*past).state.phase is PaymentPhase.CHARGED_BACK
    paid_out = RecordRefunded(number=1, value_date=TODAY, ref=REF_2)
    state = given(*past).when(paid_out).then(refunded())
    assert (state.phase, state.kept_fen, state.refunds[0].open) == (PaymentPhase.CHARGED_BACK, 0, False)
    failed = RefundFailed(lease=LEASE, number=1, amount_fen=1_000, code="charged_back")
    state = given(*past).when(RecordRefundFailed(number=1, code="charged_back")).then(failed)
    assert (state.phase, state.kept_fen, state.received[0].reserved_fen) == (PaymentPhase.CHARGED_BACK, 0, 0)


def test_a_chargeback_after_a_full_refund_is_a_chargeback_all_the_same() -> None:
    """Everything went back and is then taken: FEN are owed, and the phase says who took them last."""
    past = (*PAID, asked(FEN), refunded(FEN))
    assert given(*past).state.phase is PaymentPhase.REFUNDED
    state = given(*past).when(BACK).then(charged_back())
    assert (state.phase, state.kept_fen) == (PaymentPhase.CHARGED_BACK, 0)


def test_each_attempts_money_is_taken_back_apart() -> None:
    """Two attempts brought money: one chargeback leaves the other's, the second leaves nothing."""
    past = (*RETRIED, succeeded(2, ref=REF_2), overpaid(1, ref=REF))
    one = (*past, charged_back(1, on_top=True))
    assert (given(*one).state.phase, given(*one).state.kept_fen) == (PaymentPhase.SUCCEEDED, FEN)
    state = given(*one).when(RecordChargeback(attempt=2, reason="disputed")).then(charged_back(2, ref=REF_2))
    assert (state.phase, state.kept_fen) == (PaymentPhase.CHARGED_BACK, 0)
    given(*one).when(BACK).then_refused(refusals.CHARGED_BACK_ALREADY, attempt=1)


def test_a_chargeback_of_refunded_money_is_paid_with_what_came_on_top() -> None:
    """The second attempt's money was refunded and then taken back, too: as much went as came, and nothing is left."""
    refund = (asked(FEN, attempt=2), refunded(FEN, attempt=2))
    past = (*RETRIED, succeeded(2, ref=REF_2), *refund, overpaid(1, ref=REF))
    assert given(*past).state.phase is PaymentPhase.SUCCEEDED
    state = given(*past).when(RecordChargeback(attempt=2, reason="disputed")).then(charged_back(2, ref=REF_2))
    assert (state.phase, state.net_fen) == (PaymentPhase.CHARGED_BACK, 0)


def test_a_refund_is_not_paid_from_money_that_was_taken_back() -> None:
    """What came on top was charged back, so it is the first one's money that goes back to the lessee."""
    past = (*RETRIED, succeeded(2, ref=REF_2), overpaid(1, ref=REF), charged_back(1, on_top=True))
    given(*past).when(RefundPayment(number=1, amount_fen=FEN, reason="credit")).then(asked(FEN, attempt=2))
    taken = (*past, asked(FEN, attempt=2))
    given(*taken).when(RefundPayment(number=2, amount_fen=1, reason="credit")).then(
        RefundFailed(lease=LEASE, number=2, amount_fen=1, code="not_covered")
    )


def test_a_refund_is_one_transaction_and_not_pieced_together() -> None:
    """Each attempt brought enough for a half; a provider refunds within one transaction only."""
    past = (*RETRIED, succeeded(2, ref=REF_2), overpaid(1, ref=REF))
    given(*past).when(RefundPayment(number=1, amount_fen=FEN + 1, reason="credit")).then(
        RefundFailed(lease=LEASE, number=1, amount_fen=FEN + 1, code="not_covered")
    )


def test_money_on_top_of_what_was_refunded_makes_the_payment_succeed_again() -> None:
    past = (*RETRIED, succeeded(1), asked(FEN), refunded(FEN))
    assert given(*past).state.phase is PaymentPhase.REFUNDED
    state = given(*past).when(replace(record_success(2), ref=REF_2)).then(overpaid(2))
    assert (state.phase, state.kept_fen) == (PaymentPhase.SUCCEEDED, FEN)


def test_a_failed_refund_can_be_wished_again_under_a_new_number() -> None:
    failed = RefundFailed(lease=LEASE, number=1, amount_fen=1_000, code="payee_account_closed")
    past = (*PAID, ASKED, failed)
    given(*past).when(RefundPayment(number=1, amount_fen=1_000, reason="credit")).then_refused(
        refusals.REFUND_KNOWN, number=1
    )
    state = given(*past).when(RefundPayment(number=2, amount_fen=FEN, reason="credit")).then(asked(FEN, 2))
    assert [(one.number, one.open) for one in state.refunds] == [(1, False), (2, True)]


def test_a_chargeback_is_dated_by_the_bank_or_today() -> None:
    """A business date that is not the day of the money shows which one is taken."""
    later, banks = TODAY + timedelta(days=9), TODAY + timedelta(days=4)
    given(*PAID).when(BACK, business_date=later).then(replace(charged_back(), value_date=later))
    given(*PAID).when(replace(BACK, value_date=banks), business_date=later).then(
        replace(charged_back(), value_date=banks)
    )


@pytest.mark.parametrize("missing", ["code", "value_date"])
def test_a_chargeback_without_reason_or_day_is_incomplete(missing: str) -> None:
    whole = ReceiveCallback(
        callback=BODY, verified=True, channel="bank_a", attempt=1, reported=Reported.CHARGED_BACK, code="disputed",
        value_date=TODAY,
    )  # fmt: skip
    given(*PAID).when(replace(whole, **{missing: None})).then_refused(refusals.CALLBACK_INCOMPLETE)


@pytest.mark.parametrize("missing", ["amount_fen", "value_date", "ref"])
def test_money_without_amount_day_or_reference_is_incomplete(missing: str) -> None:
    """It is refused and not ignored: the provider sends it again, and nothing is remembered of it."""
    given(*BEGUN).when(replace(callback(), **{missing: None})).then_refused(
        refusals.CALLBACK_INCOMPLETE, reported="succeeded"
    )


# -------------------------------------------------------------------------------------------------- trying again


def test_what_becomes_of_each_failure_in_order() -> None:
    """Two retries a day and three days later, then the next channel at once with retries of its own, then people."""
    state, on, told = fold(PAYMENT, BEGUN), TODAY, list[Event]()
    for _ in range(6):
        failed = PAYMENT.decide(
            RecordFailed(attempt=state.attempt, code="insufficient_funds"), state, context(business_date=on)
        )
        assert isinstance(failed, tuple)
        state, told = fold(PAYMENT, failed, state), [*told, failed[-1]]
        if state.phase is not PaymentPhase.WAITING:
            break
        assert state.not_before is not None
        on = state.not_before
        begun = PAYMENT.decide(RetryPayment(attempt=state.attempt, amount_fen=FEN), state, context(business_date=on))
        assert begun == (AttemptStarted(attempt=state.attempt, channel=state.channel, amount_fen=FEN),)
        state = fold(PAYMENT, begun, state)
    first, then, last, end = (TODAY + timedelta(days=days) for days in (1, 4, 5, 8))
    assert told == [
        RetryScheduled(attempt=2, not_before=first),
        RetryScheduled(attempt=3, not_before=then),
        ChannelSwitched(attempt=4, previous="bank_a", channel="bank_b", not_before=then),
        RetryScheduled(attempt=5, not_before=last),
        RetryScheduled(attempt=6, not_before=end),
        PaymentExhausted(attempts=6),
    ]
    assert (state.phase, state.tried) == (PaymentPhase.EXHAUSTED, ("bank_a",) * 3 + ("bank_b",) * 3)


def test_the_last_spacing_serves_for_all_further_retries() -> None:
    policy = CollectionPolicy(channels=("bank_a",), retries=4, spacing_days=(2, 5))
    events: tuple[Event, ...] = (replace(INITIATED, policy=policy), FIRST)
    days = []
    for attempt in (1, 2, 3, 4):
        answer = given(*events).when(RecordFailed(attempt=attempt, code="x")).answer
        assert isinstance(answer, tuple)
        assert isinstance(answer[1], RetryScheduled)
        days.append((answer[1].not_before - TODAY).days)
        events = (*events, *answer, AttemptStarted(attempt=attempt + 1, channel="bank_a", amount_fen=FEN))
    assert days == [2, 5, 5, 5]


def test_a_lessees_own_payment_asks_for_at_most_what_was_wished() -> None:
    """Under a mandate what is due is asked for, which may be more by now."""
    own = (replace(INITIATED, mandate=None), FIRST, FAILED, WAITING)
    more = RetryPayment(attempt=2, amount_fen=FEN + 1)
    given(*own).when(more).then_refused(refusals.BEYOND_WISH, amount_fen=FEN, got=FEN + 1)
    given(*own).when(RetryPayment(attempt=2, amount_fen=FEN)).then(STARTED)
    given(*BEGUN, FAILED, WAITING).when(more).then(replace(STARTED, amount_fen=FEN + 1))


@pytest.mark.parametrize(("days", "begins"), [(-1, True), (0, True), (1, False)])
def test_a_payment_for_a_day_to_come_waits_for_it(days: int, begins: bool) -> None:
    on = TODAY + timedelta(days=days)
    wish = InitiatePayment(lease=LEASE, bill=4, amount_fen=FEN, policy=POLICY, mandate="M-1", collect_on=on)
    state = given().when(wish).then(*(BEGUN if begins else (replace(INITIATED, collect_on=on),)))
    assert state.phase is (PaymentPhase.INITIATED if begins else PaymentPhase.WAITING)
    if not begins:
        past = (replace(INITIATED, collect_on=on),)
        given(*past).when(RetryPayment(attempt=1, amount_fen=FEN)).then_refused(refusals.RETRY_NOT_DUE)
        given(*past).when(RetryPayment(attempt=1, amount_fen=FEN), business_date=on).then(FIRST)


@pytest.mark.parametrize("command", [RecordPending(attempt=1, ref=REF), RecordOutcomeUnknown(attempt=1, reason="x")])
def test_news_of_an_attempt_that_is_over_is_refused(command: RecordPending | RecordOutcomeUnknown) -> None:
    given(*RETRIED).when(command).then_refused(refusals.ATTEMPT_NOT_CURRENT, expected=2, got=1)
    given(*PAID).when(command).then_refused(refusals.NOT_UNDER_WAY, phase="succeeded")


# ----------------------------------------------------------------------------------------------------- callbacks


@for_all(st.integers(0, 3 * CALLBACKS_KEPT))
def test_so_many_callbacks_are_remembered(count: int) -> None:
    digests = [f"{n:064x}" for n in range(count)]
    state = fold(PAYMENT, [*PAID, *(CallbackApplied(callback=digest, attempt=1) for digest in digests)])
    assert state.callbacks == tuple(digests[-CALLBACKS_KEPT:])
    ignored = [CallbackIgnored(callback=digest, attempt=1, reason=Ignored.FORGED) for digest in digests]
    state = fold(PAYMENT, [*PAID, *ignored])
    assert (state.callbacks, state.forged) == ((), count)
