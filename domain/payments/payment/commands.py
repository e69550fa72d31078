"""Commands to a payment, in the order of its life."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from msgspec import Meta

from domain.kernel.command import Command
from domain.kernel.fields import AmountFenField, ChannelField, LeaseField, ReasonField, ValueDateField
from domain.kernel.money import Amount
from domain.kernel.values import Code, Digest, Reference
from domain.leasing.values import BillNumber
from domain.payments.payment.values import Attempt, CollectionPolicy, ProviderRef, RefundNumber, Reported, Source

AttemptField = Annotated[Attempt, Meta(description="Number of the attempt, from 1.")]
RefField = Annotated[ProviderRef, Meta(description="SHA-256 of the provider's own reference, lower-case hex.")]
SourceField = Annotated[Source, Meta(description="Who says so.")]
CodeField = Annotated[Code, Meta(description="Why it failed, as a code.")]
NumberField = Annotated[
    RefundNumber,
    Meta(description="Number of the bill (0 is the fee up front), the instalment, the refund or the break, from 1."),
]
OptionalValueDateField = Annotated[
    date | None, Meta(description="The day from which the money counts; may lie in the past.")
]


class InitiatePayment(Command, frozen=True):
    """Collect a bill of a lease, or an advance without a bill, at once or on a day to come."""

    lease: LeaseField
    bill: Annotated[BillNumber | None, Meta(description="Number of the bill, or null for an advance.")]
    amount_fen: AmountFenField
    policy: Annotated[CollectionPolicy, Meta(description="How the payment is tried again.")]
    mandate: Annotated[
        Reference | None, Meta(description="The number of the direct-debit mandate; says nothing about a person.")
    ] = None
    collect_on: Annotated[date | None, Meta(description="The day on which to collect; at once without it.")] = None


class RecordPending(Command, frozen=True):
    """Record that the provider took the attempt."""

    attempt: AttemptField
    ref: RefField


class RecordSucceeded(Command, frozen=True):
    """Record that the money of an attempt arrived."""

    attempt: AttemptField
    amount_fen: AmountFenField
    value_date: ValueDateField
    ref: RefField
    source: SourceField = Source.ANSWER


class RecordFailed(Command, frozen=True):
    """Record that an attempt came to nothing."""

    attempt: AttemptField
    code: CodeField
    source: SourceField = Source.ANSWER


class RecordOutcomeUnknown(Command, frozen=True):
    """Record that nobody knows how the attempt ended: the answer was lost or made no sense."""

    attempt: AttemptField
    reason: ReasonField


class RetryPayment(Command, frozen=True):
    """Begin the attempt that was scheduled, and ask for so much."""

    attempt: AttemptField
    amount_fen: AmountFenField


class CancelPayment(Command, frozen=True):
    """Give up further attempts; only while none is under way."""

    reason: ReasonField


class RefundPayment(Command, frozen=True):
    """Give money back through the provider that brought it, as the lease decided under this number."""

    number: NumberField
    amount_fen: AmountFenField
    reason: ReasonField


class RecordRefunded(Command, frozen=True):
    """Record that the provider paid a refund out."""

    number: NumberField
    value_date: ValueDateField
    ref: RefField


class RecordRefundFailed(Command, frozen=True):
    """Record that the provider will not pay a refund out."""

    number: NumberField
    code: CodeField


class RecordChargeback(Command, frozen=True):
    """Record that the payer's bank took the money of an attempt back; today unless `value_date` says otherwise."""

    attempt: AttemptField
    reason: ReasonField
    value_date: OptionalValueDateField = None


class ReceiveCallback(Command, frozen=True):
    """Take what the provider of `channel` called back with; of another channel's attempts it knows nothing.

    `callback` is the digest of the bytes that came, `verified` what the signature check said. A success needs
    `amount_fen`, `value_date` and `ref`, a failure its `code`, a chargeback `code` and `value_date`.
    """

    callback: Digest
    verified: bool
    channel: ChannelField
    attempt: Annotated[int, Meta(description="Number of the attempt, from 1.")]
    reported: Reported
    amount_fen: Annotated[
        Amount | None, Meta(description="Amount in the smallest unit of the currency (fen for CNY).")
    ] = None
    value_date: OptionalValueDateField = None
    ref: Annotated[ProviderRef | None, Meta(description="SHA-256 of the provider's own reference, lower-case hex.")] = (
        None
    )
    code: Annotated[Code | None, Meta(description="Why it failed, as a code.")] = None
