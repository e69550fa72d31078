"""Payment (收款): collecting what is due of a lease, or one advance, attempt by attempt.

    Initiated ─▶ Pending ─▶ Succeeded ─▶ Refunded | ChargedBack
        ▲ │  │        │
        │ │  └────────┴─▶ Unknown ─ a query resolves it, never a retry ─▶ Succeeded | failed
        │ └─▶ failed ─┬─▶ retry scheduled ─┐            retries of the policy in one channel
        │             ├─▶ channel switched ┤            the policy's channels in order
        │             └─▶ Exhausted        ▼            people take over
        └── attempt started(amount) ── Waiting(not before) ─▶ Cancelled

A stream for each collection. Every attempt begins by an event that fixes its amount, so a payment that waits has no
order at any provider. Whatever a provider calls back with is recorded, applied or ignored with its reason; money that
arrives late, or twice, always counts.
"""

from __future__ import annotations

from domain.kernel import Decider
from domain.payments.payment import refusals
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
from domain.payments.payment.decide import COMMANDS, decide
from domain.payments.payment.events import (
    AttemptStarted,
    CallbackApplied,
    CallbackIgnored,
    ChannelSwitched,
    OutcomeResolved,
    OutcomeUnknown,
    PaymentCancelled,
    PaymentChargedBack,
    PaymentExhausted,
    PaymentFailed,
    PaymentInitiated,
    PaymentOverpaid,
    PaymentPending,
    PaymentRefunded,
    PaymentSucceeded,
    RefundFailed,
    RefundRequested,
    RetryScheduled,
)
from domain.payments.payment.evolve import evolve
from domain.payments.payment.state import PaymentState, Phase
from domain.payments.payment.values import CollectionPolicy, Ignored, Reported, Source

PAYMENT = Decider(name="payment", initial=PaymentState(), decide=decide, evolve=evolve)
"""The aggregate, registered under the first part of its event types."""

__all__ = [
    "COMMANDS",
    "PAYMENT",
    "AttemptStarted",
    "CallbackApplied",
    "CallbackIgnored",
    "CancelPayment",
    "ChannelSwitched",
    "CollectionPolicy",
    "Ignored",
    "InitiatePayment",
    "OutcomeResolved",
    "OutcomeUnknown",
    "PaymentCancelled",
    "PaymentChargedBack",
    "PaymentExhausted",
    "PaymentFailed",
    "PaymentInitiated",
    "PaymentOverpaid",
    "PaymentPending",
    "PaymentRefunded",
    "PaymentState",
    "PaymentSucceeded",
    "Phase",
    "ReceiveCallback",
    "RecordChargeback",
    "RecordFailed",
    "RecordOutcomeUnknown",
    "RecordPending",
    "RecordRefundFailed",
    "RecordRefunded",
    "RecordSucceeded",
    "RefundFailed",
    "RefundPayment",
    "RefundRequested",
    "Reported",
    "RetryPayment",
    "RetryScheduled",
    "Source",
    "decide",
    "evolve",
    "refusals",
]
