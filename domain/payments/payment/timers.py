"""Timers of a payment: when to try again, when to ask how an attempt or a refund ended.

None of them has a command: what an attempt asks for depends on what is open in the evening (`domain.payments.
collection`), and what follows from a query on the provider's answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from domain.kernel.timer import Change, Opens, TimerKind, all_close, closes_number
from domain.payments.payment.events import (
    AttemptStarted,
    ChannelSwitched,
    OutcomeUnknown,
    PaymentCancelled,
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

_DAY = timedelta(days=1)


def _initiated(event: PaymentInitiated, on: date, lead_days: int) -> Iterable[Change]:
    return () if event.collect_on is None else (Opens(event.collect_on, 1),)


def _not_before(event: RetryScheduled | ChannelSwitched, on: date, lead_days: int) -> Iterable[Change]:
    return (Opens(event.not_before, event.attempt),)


def _pending(event: PaymentPending, on: date, lead_days: int) -> Iterable[Change]:
    return (Opens(on + _DAY, event.attempt),)


def _unknown(event: OutcomeUnknown, on: date, lead_days: int) -> Iterable[Change]:
    return (Opens(on, event.attempt),)


def _refund(event: RefundRequested, on: date, lead_days: int) -> Iterable[Change]:
    return (Opens(on, event.number),)


RETRY = TimerKind(
    name="payment_retry",
    order=80,
    changes={
        PaymentInitiated: _initiated,
        RetryScheduled: _not_before,
        ChannelSwitched: _not_before,
        **all_close(AttemptStarted, PaymentSucceeded, PaymentOverpaid, PaymentCancelled),
    },
)
QUERY = TimerKind(
    name="payment_query",
    order=90,
    changes={
        PaymentPending: _pending,
        OutcomeUnknown: _unknown,
        # Another attempt that is still out is asked for until it is known how it ended.
        **dict.fromkeys((PaymentFailed, PaymentSucceeded, PaymentOverpaid), closes_number("attempt")),
    },
)
REFUND = TimerKind(
    name="payment_refund",
    order=95,
    changes={
        RefundRequested: _refund,
        PaymentRefunded: closes_number("number"),
        RefundFailed: closes_number("number"),
    },
)
TIMERS = (RETRY, QUERY, REFUND)
