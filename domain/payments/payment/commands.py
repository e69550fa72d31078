"""Commands to a payment, in the order of its life."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from domain.kernel.command import Command
from domain.kernel.money import Amount
from domain.kernel.values import Code, Digest, Reference
from domain.leasing.values import BillNumber
from domain.payments.payment.values import Attempt, CollectionPolicy, ProviderRef, RefundNumber, Reported, Source


class InitiatePayment(Command, frozen=True):
    """Collect a bill of a lease, or an advance without a bill, at once or on a day to come."""

    lease: UUID
    bill: BillNumber | None
    amount_fen: Amount
    policy: CollectionPolicy
    mandate: Reference | None = None
    collect_on: date | None = None


class RecordPending(Command, frozen=True):
    """Record that the provider took the attempt."""

    attempt: Attempt
    ref: ProviderRef


class RecordSucceeded(Command, frozen=True):
    """Record that the money of an attempt arrived."""

    attempt: Attempt
    amount_fen: Amount
    value_date: date
    ref: ProviderRef
    source: Source = Source.ANSWER


class RecordFailed(Command, frozen=True):
    """Record that an attempt came to nothing."""

    attempt: Attempt
    code: Code
    source: Source = Source.ANSWER


class RecordOutcomeUnknown(Command, frozen=True):
    """Record that nobody knows how the attempt ended: the answer was lost or made no sense."""

    attempt: Attempt
    reason: Code


class RetryPayment(Command, frozen=True):
    """Begin the attempt that was scheduled, and ask for so much."""

    attempt: Attempt
    amount_fen: Amount


class CancelPayment(Command, frozen=True):
    """Give up further attempts; only while none is under way."""

    reason: Code


class RefundPayment(Command, frozen=True):
    """Give money back through the provider that brought it, as the lease decided under this number."""

    number: RefundNumber
    amount_fen: Amount
    reason: Code


class RecordRefunded(Command, frozen=True):
    """Record that the provider paid a refund out."""

    number: RefundNumber
    value_date: date
    ref: ProviderRef


class RecordRefundFailed(Command, frozen=True):
    """Record that the provider will not pay a refund out."""

    number: RefundNumber
    code: Code


class RecordChargeback(Command, frozen=True):
    """Record that the payer's bank took the money of an attempt back; today unless `value_date` says otherwise."""

    attempt: Attempt
    reason: Code
    value_date: date | None = None


class ReceiveCallback(Command, frozen=True):
    """Take what the provider of `channel` called back with; of another channel's attempts it knows nothing.

    `callback` is the digest of the bytes that came, `verified` what the signature check said. A success needs
    `amount_fen`, `value_date` and `ref`, a failure its `code`, a chargeback `code` and `value_date`.
    """

    callback: Digest
    verified: bool
    channel: Code
    attempt: int
    reported: Reported
    amount_fen: Amount | None = None
    value_date: date | None = None
    ref: ProviderRef | None = None
    code: Code | None = None
