"""A payment: attempts, retries, channels, callbacks of every kind, and money that always counts."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from domain.kernel.command import Command
from domain.kernel.event import Event
from domain.payments.payment import refusals
from domain.payments.payment.commands import (
    CancelPayment,
    InitiatePayment,
    ReceiveCallback,
    RecordFailed,
    RecordOutcomeUnknown,
    RecordPending,
    RecordSucceeded,
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
    PaymentPending,
    RetryScheduled,
)
from domain.payments.payment.rules import PAYMENT
from domain.payments.payment.state import PaymentPhase
from domain.payments.payment.values import FORGED_KEPT, CollectionPolicy, Ignored, Reported, Source
from tests.domain.payments import cases, payment_table
from tests.domain.payments.cases import (
    BEGUN,
    BODY,
    BODY_2,
    FAILED,
    FEN,
    FIRST,
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
from tests.given import TODAY, context

GOLDEN = Path(__file__).with_name("payment_table.txt")

# ------------------------------------------------------------------------------------------------- table


def test_table_is_as_agreed() -> None:
    """A changed cell is a changed business rule: read the difference, then write the table anew."""
    assert payment_table.table().splitlines() == GOLDEN.read_text("utf-8").splitlines()


def test_table_has_every_command_and_reaches_every_phase() -> None:
    assert tuple(type(command) for command in cases.SAMPLES) == PAYMENT.commands
    assert tuple(cases.HISTORIES) == tuple(PaymentPhase)
    for phase, history in cases.HISTORIES.items():
        assert given(*history).state.phase is phase


# ---------------------------------------------------------------------------------------------- attempts


def test_a_payment_begins_in_the_first_channel() -> None:
    command = InitiatePayment(lease=LEASE, bill=4, amount_fen=FEN, policy=POLICY, mandate="M-1")
    state = given().when(command).then(*BEGUN)
    assert (state.phase, state.attempt, state.channel, state.tried) == (
        PaymentPhase.INITIATED,
        1,
        "bank_a",
        ("bank_a",),
    )


def test_a_payment_may_wait_for_its_day() -> None:
    command = InitiatePayment(lease=LEASE, bill=4, amount_fen=FEN, policy=POLICY, mandate="M-1", collect_on=TOMORROW)
    state = given().when(command).then(LATER)
    assert (state.phase, state.attempt, state.tried) == (PaymentPhase.WAITING, 1, ())
    given(LATER).when(RetryPayment(attempt=1, amount_fen=FEN)).then_refused(refusals.RETRY_NOT_DUE)
    first = AttemptStarted(attempt=1, channel="bank_a", amount_fen=FEN)
    state = given(LATER).when(RetryPayment(attempt=1, amount_fen=FEN), business_date=TOMORROW).then(first)
    assert (state.phase, state.retries, state.tried) == (PaymentPhase.INITIATED, 0, ("bank_a",))


def test_a_day_that_has_come_is_now() -> None:
    command = InitiatePayment(lease=LEASE, bill=4, amount_fen=FEN, policy=POLICY, mandate="M-1", collect_on=TODAY)
    given().when(command).then(*BEGUN)


def test_channels_stand_once() -> None:
    policy = CollectionPolicy(channels=("bank_a", "bank_a"))
    command = InitiatePayment(lease=LEASE, bill=4, amount_fen=FEN, policy=policy)
    given().when(command).then_refused(refusals.CHANNELS_REPEAT, channels="bank_a bank_a")


def test_pending_then_paid() -> None:
    given(*BEGUN).when(RecordPending(attempt=1, ref=REF)).then(PENDING)
    state = given(*BEGUN, PENDING).when(record_success()).then(succeeded())
    assert (state.received_fen, state.kept_fen, state.under_way) == (FEN, FEN, None)


def test_what_comes_counts_whatever_was_asked_for() -> None:
    state = given(*BEGUN).when(record_success(fen=FEN - 1)).then(succeeded(fen=FEN - 1))
    assert state.received_fen == FEN - 1


def test_retries_are_spaced_then_the_channel_is_switched_then_it_is_exhausted() -> None:
    """Two retries in each of two channels: six attempts, then people take over."""
    events: list[Event] = [*BEGUN]
    on = TODAY
    for attempt, days in ((1, 1), (2, 3)):
        failed = PaymentFailed(attempt=attempt, channel="bank_a", code="insufficient_funds")
        waiting = RetryScheduled(attempt=attempt + 1, not_before=on + timedelta(days=days))
        command = RecordFailed(attempt=attempt, code="insufficient_funds")
        given(*events).when(command, business_date=on).then(failed, waiting)
        events += [failed, waiting]
        on += timedelta(days=days)
        started = AttemptStarted(attempt=attempt + 1, channel="bank_a", amount_fen=FEN)
        given(*events).when(RetryPayment(attempt=attempt + 1, amount_fen=FEN), business_date=on).then(started)
        events.append(started)
    failed = PaymentFailed(attempt=3, channel="bank_a", code="insufficient_funds")
    switched = ChannelSwitched(attempt=4, previous="bank_a", channel="bank_b", not_before=TODAY)
    state = given(*events).when(RecordFailed(attempt=3, code="insufficient_funds")).then(failed, switched)
    assert (state.phase, state.retries, state.tried) == (PaymentPhase.WAITING, 0, ("bank_a",) * 3)
    started = AttemptStarted(attempt=4, channel="bank_b", amount_fen=7)
    state = given(*events, failed, switched).when(RetryPayment(attempt=4, amount_fen=7)).then(started)
    assert (state.retries, state.tried, state.asked_fen) == (0, ("bank_a",) * 3 + ("bank_b",), (FEN,) * 3 + (7,))


def test_a_final_code_switches_at_once() -> None:
    failed = PaymentFailed(attempt=1, channel="bank_a", code="account_closed")
    given(*BEGUN).when(RecordFailed(attempt=1, code="account_closed")).then(failed, SWITCHED)


def test_the_last_channel_exhausts() -> None:
    given(ONLY, FIRST).when(RecordFailed(attempt=1, code="insufficient_funds")).then(
        FAILED, PaymentExhausted(attempts=1)
    )


def test_the_last_spacing_serves_for_all_further_retries() -> None:
    policy = CollectionPolicy(channels=("bank_a",), retries=3, spacing_days=(2,))
    begun = given().when(InitiatePayment(lease=LEASE, bill=1, amount_fen=1, policy=policy)).answer
    assert isinstance(begun, tuple)
    answer = given(*begun, FAILED, WAITING, STARTED).when(RecordFailed(attempt=2, code="x")).answer
    assert isinstance(answer, tuple)
    assert answer[1] == RetryScheduled(attempt=3, not_before=TODAY + timedelta(days=2))


def test_a_retry_waits_for_its_day_and_its_number() -> None:
    waiting = RetryScheduled(attempt=2, not_before=TOMORROW)
    past = (*BEGUN, FAILED, waiting)
    given(*past).when(RetryPayment(attempt=2, amount_fen=FEN)).then_refused(
        refusals.RETRY_NOT_DUE, not_before=TOMORROW, business_date=TODAY
    )
    given(*past).when(RetryPayment(attempt=3, amount_fen=FEN)).then_refused(
        refusals.ATTEMPT_NOT_CURRENT, expected=2, got=3
    )
    given(*past).when(RetryPayment(attempt=2, amount_fen=FEN), business_date=TOMORROW).then(STARTED)


def test_a_scheduled_attempt_can_be_cancelled_a_running_one_cannot() -> None:
    given(*BEGUN, FAILED, WAITING).when(CancelPayment(reason="paid_otherwise")).then(
        PaymentCancelled(reason="paid_otherwise")
    )
    given(*BEGUN).when(CancelPayment(reason="paid_otherwise")).then_refused(refusals.NO_RETRY_SCHEDULED)


# ----------------------------------------------------------------------------------------- unknown outcomes

PAST_UNKNOWN = (*BEGUN, UNKNOWN)


@pytest.mark.parametrize(
    "command",
    [
        RetryPayment(attempt=1, amount_fen=FEN),
        RetryPayment(attempt=2, amount_fen=FEN),
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
    assert state.phase is PaymentPhase.WAITING


def test_a_callback_of_a_failure_does_not_resolve() -> None:
    ignored = CallbackIgnored(callback=BODY, attempt=1, reason=Ignored.UNRESOLVED)
    state = given(*PAST_UNKNOWN).when(callback(failed="insufficient_funds")).then(ignored)
    assert state.phase is PaymentPhase.UNKNOWN


def test_a_callback_of_money_does() -> None:
    applied = CallbackApplied(callback=BODY, attempt=1)
    resolved = OutcomeResolved(attempt=1, source=None)
    given(*PAST_UNKNOWN).when(callback()).then(applied, resolved, succeeded())


def test_a_pending_attempt_may_become_unknown() -> None:
    given(*BEGUN, PENDING).when(RecordOutcomeUnknown(attempt=1, reason="timeout")).then(UNKNOWN)
    given(*PAST_UNKNOWN).when(RecordOutcomeUnknown(attempt=1, reason="x")).then_refused(refusals.UNKNOWN_ALREADY)
    second = OutcomeUnknown(attempt=2, reason="timeout")
    given(*BEGUN, FAILED, WAITING, STARTED).when(RecordOutcomeUnknown(attempt=2, reason="timeout")).then(second)


# ------------------------------------------------------------------------------------------------ callbacks

APPLIED = CallbackApplied(callback=BODY, attempt=1)


def ignored(reason: Ignored, attempt: int = 1, digest: str = BODY) -> CallbackIgnored:
    return CallbackIgnored(callback=digest, attempt=attempt, reason=reason)


def test_a_callback_before_the_answer_is_applied() -> None:
    """Out of order: it is faster than the answer to the attempt, which then changes nothing."""
    given(*BEGUN).when(callback()).then(APPLIED, succeeded())
    given(*BEGUN, APPLIED, succeeded()).when(RecordPending(attempt=1, ref=REF)).then_refused(refusals.NOT_UNDER_WAY)
    given(*BEGUN, APPLIED, succeeded()).when(record_success()).then_refused(refusals.PAID_ALREADY, attempt=1)


def test_a_failure_is_applied_like_an_answer() -> None:
    waiting = RetryScheduled(attempt=2, not_before=TOMORROW)
    given(*BEGUN, PENDING).when(callback(failed="insufficient_funds")).then(APPLIED, FAILED, waiting)


def test_twice_is_once() -> None:
    paid = (*BEGUN, PENDING, APPLIED, succeeded())
    given(*paid).when(callback()).then(ignored(Ignored.DUPLICATE))
    given(*paid).when(callback(digest=BODY_2)).then(ignored(Ignored.DUPLICATE, digest=BODY_2))
    failed = (*BEGUN, APPLIED, FAILED, WAITING)
    given(*failed).when(callback(failed="insufficient_funds")).then(ignored(Ignored.DUPLICATE))


def test_a_late_failure_changes_nothing() -> None:
    past = (*BEGUN, FAILED, WAITING, STARTED)
    given(*past).when(callback(failed="bank_unavailable")).then(ignored(Ignored.LATE))
    paid = (*BEGUN, FAILED, WAITING, STARTED, succeeded(2))
    given(*paid).when(callback(failed="bank_unavailable")).then(ignored(Ignored.LATE))


def test_late_money_counts() -> None:
    """The first attempt was believed to have failed, a retry is scheduled: the money ends the matter."""
    state = given(*BEGUN, FAILED, WAITING).when(callback()).then(APPLIED, succeeded())
    assert state.phase is PaymentPhase.SUCCEEDED
    given(*cases.HISTORIES[PaymentPhase.EXHAUSTED]).when(callback()).then(APPLIED, succeeded())
    given(*cases.HISTORIES[PaymentPhase.CANCELLED]).when(callback()).then(APPLIED, succeeded())


def test_late_money_of_another_channel_is_that_channels() -> None:
    switched = (*BEGUN, PaymentFailed(attempt=1, channel="bank_a", code="account_closed"), SWITCHED)
    given(*switched).when(callback()).then(APPLIED, succeeded(channel="bank_a"))


def test_money_of_two_attempts_is_overpaid() -> None:
    past = (*BEGUN, FAILED, WAITING, STARTED, succeeded(2, ref=REF_2))
    on_top = PaymentOverpaid(
        lease=LEASE, attempt=1, channel="bank_a", amount_fen=FEN, value_date=TODAY, provider_ref=REF
    )
    state = given(*past).when(callback()).then(APPLIED, on_top)
    assert (state.received_fen, [one.attempt for one in state.received]) == (2 * FEN, [2, 1])


@pytest.mark.parametrize("attempt", [1, 7, -3])
def test_a_forged_callback_is_recorded_and_not_read(attempt: int) -> None:
    forged = CallbackIgnored(callback=BODY, attempt=max(attempt, 0), reason=Ignored.FORGED)
    state = given(*BEGUN).when(callback(attempt, verified=False)).then(forged)
    assert state.phase is PaymentPhase.INITIATED
    given(*BEGUN, forged).when(callback()).then(APPLIED, succeeded())


@pytest.mark.parametrize("attempt", [0, 2, 99])
def test_a_callback_for_no_attempt_of_ours(attempt: int) -> None:
    given(*BEGUN).when(callback(attempt)).then(ignored(Ignored.UNKNOWN, attempt))


def test_a_scheduled_attempt_was_not_made() -> None:
    given(*BEGUN, FAILED, WAITING).when(callback(2)).then(ignored(Ignored.UNKNOWN, 2))


@pytest.mark.parametrize("reported", [Reported.SUCCEEDED, Reported.FAILED])
def test_an_incomplete_callback_is_refused(reported: Reported) -> None:
    command = ReceiveCallback(callback=BODY, verified=True, channel="bank_a", attempt=1, reported=reported)
    given(*BEGUN).when(command).then_refused(refusals.CALLBACK_INCOMPLETE, reported=reported)


def test_news_of_an_attempt_that_was_never_made_is_refused() -> None:
    given(*BEGUN).when(record_success(2)).then_refused(refusals.ATTEMPT_NOT_CURRENT, expected=1, got=2)
    given(*BEGUN).when(RecordFailed(attempt=2, code="x")).then_refused(refusals.ATTEMPT_NOT_CURRENT)


# ---------------------------------------------------------------------------------------------- afterwards


def test_a_provider_knows_nothing_of_another_ones_attempts() -> None:
    given(*BEGUN).when(callback(channel="bank_b")).then(ignored(Ignored.UNKNOWN))


def test_forged_callbacks_are_recorded_up_to_a_limit() -> None:
    forged = CallbackIgnored(callback=BODY, attempt=1, reason=Ignored.FORGED)
    given(*BEGUN, *[forged] * (FORGED_KEPT - 1)).when(callback(verified=False)).then(forged)
    given(*BEGUN, *[forged] * FORGED_KEPT).when(callback(verified=False)).then()
    given(*BEGUN, *[forged] * FORGED_KEPT).when(callback()).then(APPLIED, succeeded())


def test_an_order_that_is_out_is_followed_to_its_end_when_other_money_came_first() -> None:
    """Late money of attempt 1 while attempt 2 is out: that is settled, and the order's outcome is still recorded."""
    past = (*BEGUN, FAILED, WAITING, STARTED, APPLIED, succeeded())
    pending = PaymentPending(attempt=2, ref=REF_2)
    state = given(*past).when(RecordPending(attempt=2, ref=REF_2)).then(pending)
    assert (state.phase, state.under_way) == (PaymentPhase.SUCCEEDED, PaymentPhase.PENDING)
    failed = PaymentFailed(attempt=2, channel="bank_a", code="insufficient_funds")
    state = given(*past, pending).when(RecordFailed(attempt=2, code="insufficient_funds")).then(failed)
    assert (state.phase, state.under_way) == (PaymentPhase.SUCCEEDED, None)
    second = PaymentOverpaid(
        lease=LEASE, attempt=2, channel="bank_a", amount_fen=FEN, value_date=TODAY, provider_ref=REF
    )
    given(*past, pending).when(record_success(2)).then(second)


def test_without_a_mandate_no_more_is_asked_for_than_was_wished() -> None:
    waiting = (ONLY, FIRST, FAILED, WAITING)
    given(*waiting).when(RetryPayment(attempt=2, amount_fen=FEN + 1)).then_refused(
        refusals.BEYOND_WISH, amount_fen=FEN, got=FEN + 1
    )
    more = AttemptStarted(attempt=2, channel="bank_a", amount_fen=FEN + 1)
    given(*BEGUN, FAILED, WAITING).when(RetryPayment(attempt=2, amount_fen=FEN + 1)).then(more)


def test_foreign_commands_and_events_are_mistakes() -> None:
    class Foreign(Command, frozen=True):
        pass

    class Happened(Event, frozen=True):
        pass

    with pytest.raises(TypeError, match="expected a command to the aggregate payment, got Foreign"):
        PAYMENT.decide(Foreign(), PAYMENT.initial, context())
    with pytest.raises(TypeError, match="expected an event of the aggregate payment, got Happened"):
        PAYMENT.evolve(PAYMENT.initial, Happened())


def test_record_succeeded_has_no_source_by_default_but_the_answer() -> None:
    assert RecordSucceeded(attempt=1, amount_fen=1, value_date=TODAY, ref=REF).source is Source.ANSWER
