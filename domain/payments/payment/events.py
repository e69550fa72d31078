"""Events of a payment: every event type of the aggregate."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from domain.kernel.event import Event, event_type
from domain.kernel.money import Amount
from domain.kernel.values import Code, Digest, Reference
from domain.leasing.values import BillNumber
from domain.payments.payment.values import Attempt, CollectionPolicy, Ignored, ProviderRef, RefundNumber, Source

# ----------------------------------------------------------------------------------------------- attempts


@event_type("payment.initiated.v1")
class PaymentInitiated(Event, frozen=True):
    """Money of a lease is to be collected, first in `channel`: for a bill, or without a number what is due or early.

    Attempt 1 begins at once, or on the business date `collect_on` if there is one. `mandate` is the tenant's reference
    of the lessee's standing order to debit; without one it is the lessee who pays.
    """

    lease: UUID
    bill: BillNumber | None
    amount_fen: Amount
    channel: Code
    policy: CollectionPolicy
    mandate: Reference | None = None
    collect_on: date | None = None


@event_type("payment.pending.v1")
class PaymentPending(Event, frozen=True):
    """The provider took the attempt and will say later how it ended."""

    attempt: Attempt
    ref: ProviderRef


@event_type("payment.succeeded.v1")
class PaymentSucceeded(Event, frozen=True):
    """Money arrived, worth from `value_date`; `amount_fen` is what came, whatever was asked for."""

    lease: UUID
    attempt: Attempt
    channel: Code
    amount_fen: Amount
    value_date: date
    provider_ref: ProviderRef


@event_type("payment.failed.v1")
class PaymentFailed(Event, frozen=True):
    """The attempt came to nothing; what follows from it is the next event."""

    attempt: Attempt
    channel: Code
    code: Code


@event_type("payment.outcome_unknown.v1")
class OutcomeUnknown(Event, frozen=True):
    """Nobody knows how the attempt ended: money may have moved. Nothing is tried again before a query says."""

    attempt: Attempt
    reason: Code


@event_type("payment.outcome_resolved.v1")
class OutcomeResolved(Event, frozen=True):
    """It is known again how the attempt ended; what it was is the next event."""

    attempt: Attempt
    source: Source | None
    """`None` when a verified callback brought the money's news."""


@event_type("payment.retry_scheduled.v1")
class RetryScheduled(Event, frozen=True):
    """The same channel will be tried again, on this business date at the earliest."""

    attempt: Attempt
    not_before: date


@event_type("payment.attempt_started.v1")
class AttemptStarted(Event, frozen=True):
    """An attempt begins; what it asks for is fixed before any provider hears of it."""

    attempt: Attempt
    channel: Code
    amount_fen: Amount


@event_type("payment.channel_switched.v1")
class ChannelSwitched(Event, frozen=True):
    """The channel failed for good; the next attempt is in the next one of the policy, from this business date on."""

    attempt: Attempt
    previous: Code
    channel: Code
    not_before: date


@event_type("payment.exhausted.v1")
class PaymentExhausted(Event, frozen=True):
    """Every channel failed; people take over."""

    attempts: Attempt


@event_type("payment.cancelled.v1")
class PaymentCancelled(Event, frozen=True):
    """No further attempt is wanted, such as when nothing is open any more."""

    reason: Code


# ---------------------------------------------------------------------------------------------- afterwards


@event_type("payment.overpaid.v1")
class PaymentOverpaid(Event, frozen=True):
    """A second attempt succeeded as well: this money came on top of what had arrived."""

    lease: UUID
    attempt: Attempt
    channel: Code
    amount_fen: Amount
    value_date: date
    provider_ref: ProviderRef


@event_type("payment.refund_requested.v1")
class RefundRequested(Event, frozen=True):
    """So much of an attempt's money is to go back; the provider is asked until it says how that ended."""

    lease: UUID
    number: RefundNumber
    attempt: Attempt
    channel: Code
    amount_fen: Amount
    reason: Code


@event_type("payment.refunded.v1")
class PaymentRefunded(Event, frozen=True):
    """The provider paid a refund out."""

    lease: UUID
    number: RefundNumber
    attempt: Attempt
    channel: Code
    amount_fen: Amount
    value_date: date
    provider_ref: ProviderRef


@event_type("payment.refund_failed.v1")
class RefundFailed(Event, frozen=True):
    """A refund came to nothing: nothing went out, and the lease has its credit again."""

    lease: UUID
    number: RefundNumber
    amount_fen: Amount
    code: Code


@event_type("payment.charged_back.v1")
class PaymentChargedBack(Event, frozen=True):
    """The payer's bank took back the whole money of an attempt, whatever had been refunded of it.

    `on_top` says that this money had come on top; `provider_ref` is the reference that the money came with.
    """

    lease: UUID
    attempt: Attempt
    channel: Code
    amount_fen: Amount
    reason: Code
    value_date: date
    provider_ref: ProviderRef
    on_top: bool


@event_type("payment.callback_ignored.v1")
class CallbackIgnored(Event, frozen=True):
    """A provider's callback came and changed nothing; `callback` is the digest of its bytes."""

    callback: Digest
    attempt: int
    reason: Ignored


@event_type("payment.callback_applied.v1")
class CallbackApplied(Event, frozen=True):
    """A provider's callback came and what it says follows; `callback` is the digest of its bytes."""

    callback: Digest
    attempt: Attempt
