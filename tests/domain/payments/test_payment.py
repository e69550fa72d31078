"""A payment: attempts, retries, channels, callbacks of every kind, and money that always counts."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from domain.kernel import Command, Event
from domain.payments.payment import (
    COMMANDS,
    PAYMENT,
    AttemptStarted,
    CallbackApplied,
    CallbackIgnored,
    CancelPayment,
    ChannelSwitched,
    CollectionPolicy,
    Ignored,
    InitiatePayment,
    OutcomeResolved,
    OutcomeUnknown,
    PaymentCancelled,
    PaymentChargedBack,
    PaymentExhausted,
    PaymentFailed,
    PaymentOverpaid,
    PaymentRefunded,
    Phase,
    ReceiveCallback,
    RecordChargeback,
    RecordFailed,
    RecordOutcomeUnknown,
    RecordPending,
    RecordSucceeded,
    RefundPayment,
    Reported,
    RetryPayment,
    RetryScheduled,
    Source,
    refusals,
)
from tests.domain.payments import cases, payment_table
from tests.domain.payments.cases import (
    BODY,
    BODY_2,
    FAILED,
    FEN,
    INITIATED,
    LATER,
    LEASE,
    ONLY,
    PENDING,
    POLICY,
    REF,
    REF_2,
    STARTED,
    SWITCHED,
    TOMORROW,
    UNKNOWN,
    WAITING,
    callback,
    given,
    record_success,
    succeeded,
)
from tests.domain.scenario import TODAY, context

GOLDEN = Path(__file__).with_name("payment_table.txt")

# ------------------------------------------------------------------------------------------------- table


def test_table_is_as_agreed() -> None:
    """A changed cell is a changed business rule: read the difference, then write the table anew."""
    assert payment_table.table().splitlines() == GOLDEN.read_text("utf-8").splitlines()


def test_table_has_every_command_and_reaches_every_phase() -> None:
    assert tuple(type(command) for command in cases.SAMPLES) == COMMANDS
    assert tuple(cases.HISTORIES) == tuple(Phase)
    for phase, history in cases.HISTORIES.items():
        assert given(*history).state.phase is phase


# ---------------------------------------------------------------------------------------------- attempts


def test_a_payment_begins_in_the_first_channel() -> None:
    command = InitiatePayment(lease=LEASE, bill=4, amount_fen=FEN, policy=POLICY, mandate="M-1")
    state = given().when(command).then(INITIATED)
    assert (state.phase, state.attempt, state.channel, state.tried) == (Phase.INITIATED, 1, "bank_a", ("bank_a",))


def test_a_payment_may_wait_for_its_day() -> None:
    command = InitiatePayment(lease=LEASE, bill=4, amount_fen=FEN, policy=POLICY, mandate="M-1", collect_on=TOMORROW)
    state = given().when(command).then(LATER)
    assert (state.phase, state.attempt, state.tried) == (Phase.WAITING, 1, ())
    given(LATER).when(RetryPayment(attempt=1)).then_refused(refusals.RETRY_NOT_DUE)
    first = AttemptStarted(attempt=1, channel="bank_a")
    state = given(LATER).when(RetryPayment(attempt=1), business_date=TOMORROW).then(first)
    assert (state.phase, state.retries, state.tried) == (Phase.INITIATED, 0, ("bank_a",))


def test_a_day_that_has_come_is_now() -> None:
    command = InitiatePayment(lease=LEASE, bill=4, amount_fen=FEN, policy=POLICY, mandate="M-1", collect_on=TODAY)
    given().when(command).then(INITIATED)


def test_channels_stand_once() -> None:
    policy = CollectionPolicy(channels=("bank_a", "bank_a"))
    command = InitiatePayment(lease=LEASE, bill=4, amount_fen=FEN, policy=policy)
    given().when(command).then_refused(refusals.CHANNELS_REPEAT, channels="bank_a bank_a")


def test_pending_then_paid() -> None:
    given(INITIATED).when(RecordPending(attempt=1, ref=REF)).then(PENDING)
    state = given(INITIATED, PENDING).when(record_success()).then(succeeded())
    assert (state.received_fen, state.left_fen, state.paid_by) == (FEN, FEN, (1,))


def test_what_comes_counts_whatever_was_asked_for() -> None:
    state = given(INITIATED).when(record_success(fen=FEN - 1)).then(succeeded(fen=FEN - 1))
    assert state.received_fen == FEN - 1


def test_retries_are_spaced_then_the_channel_is_switched_then_it_is_exhausted() -> None:
    """Two retries in each of two channels: six attempts, then people take over."""
    events: list[Event] = [INITIATED]
    on = TODAY
    for attempt, days in ((1, 1), (2, 3)):
        failed = PaymentFailed(attempt=attempt, channel="bank_a", code="insufficient_funds")
        waiting = RetryScheduled(attempt=attempt + 1, not_before=on + timedelta(days=days))
        command = RecordFailed(attempt=attempt, code="insufficient_funds")
        given(*events).when(command, business_date=on).then(failed, waiting)
        events += [failed, waiting]
        on += timedelta(days=days)
        started = AttemptStarted(attempt=attempt + 1, channel="bank_a")
        given(*events).when(RetryPayment(attempt=attempt + 1), business_date=on).then(started)
        events.append(started)
    failed = PaymentFailed(attempt=3, channel="bank_a", code="insufficient_funds")
    switched = ChannelSwitched(attempt=4, previous="bank_a", channel="bank_b")
    state = given(*events).when(RecordFailed(attempt=3, code="insufficient_funds")).then(failed, switched)
    assert (state.phase, state.retries, state.tried) == (Phase.INITIATED, 0, ("bank_a",) * 3 + ("bank_b",))


def test_a_final_code_switches_at_once() -> None:
    failed = PaymentFailed(attempt=1, channel="bank_a", code="account_closed")
    given(INITIATED).when(RecordFailed(attempt=1, code="account_closed")).then(failed, SWITCHED)


def test_the_last_channel_exhausts() -> None:
    given(ONLY).when(RecordFailed(attempt=1, code="insufficient_funds")).then(FAILED, PaymentExhausted(attempts=1))


def test_the_last_spacing_serves_for_all_further_retries() -> None:
    policy = CollectionPolicy(channels=("bank_a",), retries=3, spacing_days=(2,))
    begun = given().when(InitiatePayment(lease=LEASE, bill=1, amount_fen=1, policy=policy)).answer
    assert isinstance(begun, tuple)
    answer = given(*begun, FAILED, WAITING, STARTED).when(RecordFailed(attempt=2, code="x")).answer
    assert isinstance(answer, tuple)
    assert answer[1] == RetryScheduled(attempt=3, not_before=TODAY + timedelta(days=2))


def test_a_retry_waits_for_its_day_and_its_number() -> None:
    waiting = RetryScheduled(attempt=2, not_before=TOMORROW)
    past = (INITIATED, FAILED, waiting)
    given(*past).when(RetryPayment(attempt=2)).then_refused(
        refusals.RETRY_NOT_DUE, not_before=TOMORROW, business_date=TODAY
    )
    given(*past).when(RetryPayment(attempt=3)).then_refused(refusals.ATTEMPT_NOT_CURRENT, expected=2, got=3)
    given(*past).when(RetryPayment(attempt=2), business_date=TOMORROW).then(STARTED)


def test_a_scheduled_attempt_can_be_cancelled_a_running_one_cannot() -> None:
    given(INITIATED, FAILED, WAITING).when(CancelPayment(reason="paid_otherwise")).then(
        PaymentCancelled(reason="paid_otherwise")
    )
    given(INITIATED).when(CancelPayment(reason="paid_otherwise")).then_refused(refusals.NO_RETRY_SCHEDULED)


# ----------------------------------------------------------------------------------------- unknown outcomes

PAST_UNKNOWN = (INITIATED, UNKNOWN)


@pytest.mark.parametrize(
    "command",
    [
        RetryPayment(attempt=1),
        RetryPayment(attempt=2),
        CancelPayment(reason="paid_otherwise"),
        RecordPending(attempt=1, ref=REF),
        RecordFailed(attempt=1, code="insufficient_funds"),
        record_success(),
    ],
)
def test_nothing_but_a_query_settles_what_is_unknown(command: Command) -> None:
    given(*PAST_UNKNOWN).when(command).then_refused(refusals.OUTCOME_UNRESOLVED, attempt=1)


def test_a_query_resolves_to_success() -> None:
    resolved = OutcomeResolved(attempt=1, source=Source.QUERY)
    given(*PAST_UNKNOWN).when(record_success(source=Source.QUERY)).then(resolved, succeeded())


def test_a_query_resolves_to_failure_and_only_then_it_is_tried_again() -> None:
    resolved = OutcomeResolved(attempt=1, source=Source.QUERY)
    command = RecordFailed(attempt=1, code="insufficient_funds", source=Source.QUERY)
    waiting = RetryScheduled(attempt=2, not_before=TOMORROW)
    state = given(*PAST_UNKNOWN).when(command).then(resolved, FAILED, waiting)
    assert state.phase is Phase.WAITING


def test_a_callback_of_a_failure_does_not_resolve() -> None:
    ignored = CallbackIgnored(callback=BODY, attempt=1, reason=Ignored.UNRESOLVED)
    state = given(*PAST_UNKNOWN).when(callback(failed="insufficient_funds")).then(ignored)
    assert state.phase is Phase.UNKNOWN


def test_a_callback_of_money_does() -> None:
    applied = CallbackApplied(callback=BODY, attempt=1)
    resolved = OutcomeResolved(attempt=1, source=None)
    given(*PAST_UNKNOWN).when(callback()).then(applied, resolved, succeeded())


def test_a_pending_attempt_may_become_unknown() -> None:
    given(INITIATED, PENDING).when(RecordOutcomeUnknown(attempt=1, reason="timeout")).then(UNKNOWN)
    given(*PAST_UNKNOWN).when(RecordOutcomeUnknown(attempt=1, reason="x")).then_refused(refusals.UNKNOWN_ALREADY)
    second = OutcomeUnknown(attempt=2, reason="timeout")
    given(INITIATED, FAILED, WAITING, STARTED).when(RecordOutcomeUnknown(attempt=2, reason="timeout")).then(second)


# ------------------------------------------------------------------------------------------------ callbacks

APPLIED = CallbackApplied(callback=BODY, attempt=1)


def ignored(reason: Ignored, attempt: int = 1, digest: str = BODY) -> CallbackIgnored:
    return CallbackIgnored(callback=digest, attempt=attempt, reason=reason)


def test_a_callback_before_the_answer_is_applied() -> None:
    """Out of order: it is faster than the answer to the attempt, which then changes nothing."""
    given(INITIATED).when(callback()).then(APPLIED, succeeded())
    given(INITIATED, APPLIED, succeeded()).when(RecordPending(attempt=1, ref=REF)).then_refused(refusals.NOT_UNDER_WAY)
    given(INITIATED, APPLIED, succeeded()).when(record_success()).then_refused(refusals.PAID_ALREADY, attempt=1)


def test_a_failure_is_applied_like_an_answer() -> None:
    waiting = RetryScheduled(attempt=2, not_before=TOMORROW)
    given(INITIATED, PENDING).when(callback(failed="insufficient_funds")).then(APPLIED, FAILED, waiting)


def test_twice_is_once() -> None:
    paid = (INITIATED, PENDING, APPLIED, succeeded())
    given(*paid).when(callback()).then(ignored(Ignored.DUPLICATE))
    given(*paid).when(callback(digest=BODY_2)).then(ignored(Ignored.DUPLICATE, digest=BODY_2))
    failed = (INITIATED, APPLIED, FAILED, WAITING)
    given(*failed).when(callback(failed="insufficient_funds")).then(ignored(Ignored.DUPLICATE))


def test_a_late_failure_changes_nothing() -> None:
    past = (INITIATED, FAILED, WAITING, STARTED)
    given(*past).when(callback(failed="bank_unavailable")).then(ignored(Ignored.LATE))
    paid = (INITIATED, FAILED, WAITING, STARTED, succeeded(2))
    given(*paid).when(callback(failed="bank_unavailable")).then(ignored(Ignored.LATE))


def test_late_money_counts() -> None:
    """The first attempt was believed to have failed, a retry is scheduled: the money ends the matter."""
    state = given(INITIATED, FAILED, WAITING).when(callback()).then(APPLIED, succeeded())
    assert state.phase is Phase.SUCCEEDED
    given(*cases.HISTORIES[Phase.EXHAUSTED]).when(callback()).then(APPLIED, succeeded())
    given(*cases.HISTORIES[Phase.CANCELLED]).when(callback()).then(APPLIED, succeeded())


def test_late_money_of_another_channel_is_that_channels() -> None:
    switched = (INITIATED, PaymentFailed(attempt=1, channel="bank_a", code="account_closed"), SWITCHED)
    given(*switched).when(callback()).then(APPLIED, succeeded(channel="bank_a"))


def test_money_of_two_attempts_is_overpaid() -> None:
    past = (INITIATED, FAILED, WAITING, STARTED, succeeded(2, ref=REF_2))
    on_top = PaymentOverpaid(
        lease=LEASE, attempt=1, channel="bank_a", amount_fen=FEN, value_date=TODAY, provider_ref=REF
    )
    state = given(*past).when(callback()).then(APPLIED, on_top)
    assert (state.received_fen, state.paid_by) == (2 * FEN, (2, 1))


@pytest.mark.parametrize("attempt", [1, 7, -3])
def test_a_forged_callback_is_recorded_and_not_read(attempt: int) -> None:
    forged = CallbackIgnored(callback=BODY, attempt=max(attempt, 0), reason=Ignored.FORGED)
    state = given(INITIATED).when(callback(attempt, verified=False)).then(forged)
    assert state.phase is Phase.INITIATED
    given(INITIATED, forged).when(callback()).then(APPLIED, succeeded())


@pytest.mark.parametrize("attempt", [0, 2, 99])
def test_a_callback_for_no_attempt_of_ours(attempt: int) -> None:
    given(INITIATED).when(callback(attempt)).then(ignored(Ignored.UNKNOWN, attempt))


def test_a_scheduled_attempt_was_not_made() -> None:
    given(INITIATED, FAILED, WAITING).when(callback(2)).then(ignored(Ignored.UNKNOWN, 2))


@pytest.mark.parametrize("reported", [Reported.SUCCEEDED, Reported.FAILED])
def test_an_incomplete_callback_is_refused(reported: Reported) -> None:
    command = ReceiveCallback(callback=BODY, verified=True, attempt=1, reported=reported)
    given(INITIATED).when(command).then_refused(refusals.CALLBACK_INCOMPLETE, reported=reported)


def test_news_of_an_attempt_that_was_never_made_is_refused() -> None:
    given(INITIATED).when(record_success(2)).then_refused(refusals.ATTEMPT_NOT_CURRENT, expected=1, got=2)
    given(INITIATED).when(RecordFailed(attempt=2, code="x")).then_refused(refusals.ATTEMPT_NOT_CURRENT)


# ---------------------------------------------------------------------------------------------- afterwards


def test_money_goes_back_in_parts() -> None:
    past = [INITIATED, succeeded()]
    first = PaymentRefunded(lease=LEASE, amount_fen=2_000, left_fen=FEN - 2_000, reason="overcharged")
    state = given(*past).when(RefundPayment(amount_fen=2_000, reason="overcharged")).then(first)
    assert (state.phase, state.left_fen) == (Phase.SUCCEEDED, FEN - 2_000)
    given(*past, first).when(RefundPayment(amount_fen=FEN - 1_999, reason="x")).then_refused(
        refusals.REFUND_EXCEEDS, left_fen=FEN - 2_000, amount_fen=FEN - 1_999
    )
    rest = PaymentRefunded(lease=LEASE, amount_fen=FEN - 2_000, left_fen=0, reason="x")
    state = given(*past, first).when(RefundPayment(amount_fen=FEN - 2_000, reason="x")).then(rest)
    assert (state.phase, state.left_fen) == (Phase.REFUNDED, 0)


def test_a_chargeback_takes_what_is_left() -> None:
    refunded = PaymentRefunded(lease=LEASE, amount_fen=1, left_fen=FEN - 1, reason="overcharged")
    back = PaymentChargedBack(lease=LEASE, amount_fen=FEN - 1, reason="disputed")
    state = given(INITIATED, succeeded(), refunded).when(RecordChargeback(reason="disputed")).then(back)
    assert (state.phase, state.left_fen) == (Phase.CHARGED_BACK, 0)


def test_foreign_commands_and_events_are_mistakes() -> None:
    class Foreign(Command, frozen=True):
        pass

    class Happened(Event, frozen=True):
        pass

    with pytest.raises(TypeError, match="expected a command to a payment, got Foreign"):
        PAYMENT.decide(Foreign(), PAYMENT.initial, context())
    with pytest.raises(TypeError, match="expected an event of a payment, got Happened"):
        PAYMENT.evolve(PAYMENT.initial, Happened())


def test_record_succeeded_has_no_source_by_default_but_the_answer() -> None:
    assert RecordSucceeded(attempt=1, amount_fen=1, value_date=TODAY, ref=REF).source is Source.ANSWER
