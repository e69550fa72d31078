"""Payments to test with: one command and one history for every need, all about the same bill."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

from domain.kernel.command import Command
from domain.kernel.event import Event
from domain.payments.payment.commands import (
    CancelPayment,
    InitiatePayment,
    ReceiveCallback,
    RecordChargeback,
    RecordFailed,
    RecordOutcomeUnknown,
    RecordPending,
    RecordRefunded,
    RecordRefundFailed,
    RecordSucceeded,
    RefundPayment,
    RetryPayment,
)
from domain.payments.payment.events import (
    AttemptStarted,
    ChannelSwitched,
    OutcomeUnknown,
    PaymentCancelled,
    PaymentChargedBack,
    PaymentExhausted,
    PaymentFailed,
    PaymentInitiated,
    PaymentPending,
    PaymentRefunded,
    PaymentSucceeded,
    RefundFailed,
    RefundRequested,
    RetryScheduled,
)
from domain.payments.payment.rules import PAYMENT
from domain.payments.payment.state import PaymentPhase
from domain.payments.payment.values import CollectionPolicy, Reported, Source
from tests.given import TODAY, scenarios

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
FIRST = AttemptStarted(attempt=1, channel="bank_a", amount_fen=FEN)
STARTED = AttemptStarted(attempt=2, channel="bank_a", amount_fen=FEN)
BEGUN = (INITIATED, FIRST)
SWITCHED = ChannelSwitched(attempt=2, previous="bank_a", channel="bank_b", not_before=TODAY)
ASKED = RefundRequested(lease=LEASE, number=1, attempt=1, channel="bank_a", amount_fen=1_000, reason="credit")
REFUND_FAILED = RefundFailed(lease=LEASE, number=1, amount_fen=1_000, code="payee_account_closed")


def succeeded(attempt: int = 1, fen: int = FEN, channel: str = "bank_a", ref: str = REF) -> PaymentSucceeded:
    """Money of an attempt."""
    return PaymentSucceeded(
        lease=LEASE, attempt=attempt, channel=channel, amount_fen=fen, value_date=TODAY, provider_ref=ref
    )


def refunded(fen: int = 1_000, number: int = 1, attempt: int = 1) -> PaymentRefunded:
    """A refund that was paid out."""
    return PaymentRefunded(
        lease=LEASE, number=number, attempt=attempt, channel="bank_a", amount_fen=fen, value_date=TODAY,
        provider_ref=REF_2,
    )  # fmt: skip


def asked(fen: int = 1_000, number: int = 1, attempt: int = 1) -> RefundRequested:
    """A refund that was asked for."""
    return RefundRequested(
        lease=LEASE, number=number, attempt=attempt, channel="bank_a", amount_fen=fen, reason="credit"
    )


def charged_back(attempt: int = 1, fen: int = FEN, *, on_top: bool = False, ref: str = REF) -> PaymentChargedBack:
    """Money that the payer's bank took back."""
    return PaymentChargedBack(
        lease=LEASE, attempt=attempt, channel="bank_a", amount_fen=fen, reason="disputed", value_date=TODAY,
        provider_ref=ref, on_top=on_top,
    )  # fmt: skip


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
    channel: str = "bank_a",
) -> ReceiveCallback:
    """A callback that reports a success, or a failure with this code."""
    if failed is not None:
        return ReceiveCallback(
            callback=digest, verified=verified, channel=channel, attempt=attempt, reported=Reported.FAILED, code=failed
        )
    return ReceiveCallback(
        callback=digest,
        verified=verified,
        channel=channel,
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
    RetryPayment(attempt=2, amount_fen=FEN),
    CancelPayment(reason="paid_otherwise"),
    RefundPayment(number=1, amount_fen=1_000, reason="credit"),
    RecordRefunded(number=1, value_date=TODAY, ref=REF_2),
    RecordRefundFailed(number=1, code="payee_account_closed"),
    RecordChargeback(attempt=1, reason="disputed"),
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
    "ReceiveCallback of another channel": callback(channel="bank_b"),
    "ReceiveCallback charged back": ReceiveCallback(
        callback=BODY_2,
        verified=True,
        channel="bank_a",
        attempt=1,
        reported=Reported.CHARGED_BACK,
        value_date=TODAY,
        code="disputed",
    ),
}

HISTORIES: dict[PaymentPhase, tuple[Event, ...]] = {
    PaymentPhase.ABSENT: (),
    PaymentPhase.INITIATED: BEGUN,
    PaymentPhase.PENDING: (*BEGUN, PENDING),
    PaymentPhase.UNKNOWN: (*BEGUN, UNKNOWN),
    PaymentPhase.WAITING: (*BEGUN, FAILED, WAITING),
    PaymentPhase.SUCCEEDED: (*BEGUN, succeeded()),
    PaymentPhase.EXHAUSTED: (ONLY, FIRST, FAILED, PaymentExhausted(attempts=1)),
    PaymentPhase.CANCELLED: (*BEGUN, FAILED, WAITING, PaymentCancelled(reason="paid_otherwise")),
    PaymentPhase.REFUNDED: (*BEGUN, succeeded(), asked(FEN), refunded(FEN)),
    PaymentPhase.CHARGED_BACK: (*BEGUN, succeeded(), charged_back()),
}
"""A shortest sensible past for every phase."""
