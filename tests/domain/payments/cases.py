"""Payments to test with: one command and one history for every need, all about the same bill."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

from domain.kernel import Command, Event
from domain.payments.payment import (
    PAYMENT,
    AttemptStarted,
    CancelPayment,
    ChannelSwitched,
    CollectionPolicy,
    InitiatePayment,
    OutcomeUnknown,
    PaymentCancelled,
    PaymentChargedBack,
    PaymentExhausted,
    PaymentFailed,
    PaymentInitiated,
    PaymentPending,
    PaymentRefunded,
    PaymentSucceeded,
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
)
from tests.domain.scenario import TODAY, scenarios

given = scenarios(PAYMENT)

LEASE = UUID(int=55)
FEN = 102_001
TOMORROW = TODAY + timedelta(days=1)
REF, REF_2 = "1" * 64, "2" * 64
BODY, BODY_2 = "a" * 64, "b" * 64
POLICY = CollectionPolicy(
    channels=("bank_a", "bank_b"), retries=2, spacing_days=(1, 3), final_codes=("account_closed",)
)
LAST_CHANCE = CollectionPolicy(channels=("bank_a",), retries=0)

INITIATED = PaymentInitiated(lease=LEASE, bill=4, amount_fen=FEN, channel="bank_a", policy=POLICY, mandate="M-1")
LATER = PaymentInitiated(
    lease=LEASE, bill=4, amount_fen=FEN, channel="bank_a", policy=POLICY, mandate="M-1", collect_on=TOMORROW
)
ONLY = PaymentInitiated(lease=LEASE, bill=None, amount_fen=FEN, channel="bank_a", policy=LAST_CHANCE)
PENDING = PaymentPending(attempt=1, ref=REF)
UNKNOWN = OutcomeUnknown(attempt=1, reason="timeout")
FAILED = PaymentFailed(attempt=1, channel="bank_a", code="insufficient_funds")
WAITING = RetryScheduled(attempt=2, not_before=TODAY)
STARTED = AttemptStarted(attempt=2, channel="bank_a")


def succeeded(attempt: int = 1, fen: int = FEN, channel: str = "bank_a", ref: str = REF) -> PaymentSucceeded:
    """Money of an attempt."""
    return PaymentSucceeded(
        lease=LEASE, attempt=attempt, channel=channel, amount_fen=fen, value_date=TODAY, provider_ref=ref
    )


def record_success(attempt: int = 1, source: Source = Source.ANSWER, fen: int = FEN) -> RecordSucceeded:
    """News of money."""
    return RecordSucceeded(attempt=attempt, amount_fen=fen, value_date=TODAY, ref=REF, source=source)


def callback(
    attempt: int = 1,
    *,
    digest: str = BODY,
    failed: str | None = None,
    verified: bool = True,
    fen: int = FEN,
    on: date = TODAY,
) -> ReceiveCallback:
    """A callback that reports a success, or a failure with this code."""
    if failed is not None:
        return ReceiveCallback(
            callback=digest, verified=verified, attempt=attempt, reported=Reported.FAILED, code=failed
        )
    return ReceiveCallback(
        callback=digest,
        verified=verified,
        attempt=attempt,
        reported=Reported.SUCCEEDED,
        amount_fen=fen,
        value_date=on,
        ref=REF,
    )


SAMPLES: tuple[Command, ...] = (
    InitiatePayment(lease=LEASE, bill=4, amount_fen=FEN, policy=POLICY, mandate="M-1"),
    RecordPending(attempt=1, ref=REF),
    record_success(),
    RecordFailed(attempt=1, code="insufficient_funds"),
    RecordOutcomeUnknown(attempt=1, reason="timeout"),
    RetryPayment(attempt=2),
    CancelPayment(reason="paid_otherwise"),
    RefundPayment(amount_fen=1_000, reason="overcharged"),
    RecordChargeback(reason="disputed"),
    callback(),
)
"""One command of each type, in the aggregate's own order."""

VARIANTS: dict[str, Command] = {
    "RecordSucceeded by query": record_success(source=Source.QUERY),
    "RecordFailed by query": RecordFailed(attempt=1, code="insufficient_funds", source=Source.QUERY),
    "RecordFailed for good": RecordFailed(attempt=1, code="account_closed"),
    "ReceiveCallback failed": callback(failed="insufficient_funds"),
    "ReceiveCallback forged": callback(verified=False),
    "ReceiveCallback of attempt 9": callback(9),
}

HISTORIES: dict[Phase, tuple[Event, ...]] = {
    Phase.ABSENT: (),
    Phase.INITIATED: (INITIATED,),
    Phase.PENDING: (INITIATED, PENDING),
    Phase.UNKNOWN: (INITIATED, UNKNOWN),
    Phase.WAITING: (INITIATED, FAILED, WAITING),
    Phase.SUCCEEDED: (INITIATED, succeeded()),
    Phase.EXHAUSTED: (ONLY, FAILED, PaymentExhausted(attempts=1)),
    Phase.CANCELLED: (INITIATED, FAILED, WAITING, PaymentCancelled(reason="paid_otherwise")),
    Phase.REFUNDED: (
        INITIATED,
        succeeded(),
        PaymentRefunded(lease=LEASE, amount_fen=FEN, left_fen=0, reason="returned"),
    ),
    Phase.CHARGED_BACK: (
        INITIATED,
        succeeded(),
        PaymentChargedBack(lease=LEASE, amount_fen=FEN, reason="disputed"),
    ),
}
"""A shortest sensible past for every phase."""

SWITCHED = ChannelSwitched(attempt=2, previous="bank_a", channel="bank_b")
