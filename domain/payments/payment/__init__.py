"""Payment (收款): collecting one bill of a lease, or one advance, attempt by attempt.

    Initiated ─▶ Pending ─▶ Succeeded ─▶ Refunded | ChargedBack
        │  │        │
        │  └────────┴─▶ Unknown ─ a query resolves it, never a retry ─▶ Succeeded | failed
        └─▶ failed ─▶ Waiting(not before) ─▶ Initiated …      retries of the policy in one channel
                 ├──▶ channel switched ─▶ Initiated …         the policy's channels in order
                 └──▶ Exhausted                               people take over

A stream for each collection. Whatever a provider calls back with is recorded, applied or ignored with its reason;
money that arrives late, or twice, always counts.
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
    "RecordSucceeded",
    "RefundPayment",
    "Reported",
    "RetryPayment",
    "RetryScheduled",
    "Source",
    "decide",
    "evolve",
    "refusals",
]
