"""Payments and their status: one row per payment, with what is under way, what arrived and what went back.

    payment.initiated ─▶ waiting ─attempt_started─▶ initiated ─▶ pending | unknown ─▶ succeeded ─▶ refunded, …
                            ▲                         │
                            └── retry, other channel ─┴─▶ exhausted | cancelled

`under_way_fen` is what the attempt asks for whose order is at a provider now; it outlives the state when money of
another attempt came first. The past of a row is folded again from its own stream.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from msgspec.structs import replace

from domain.kernel.event import Event
from domain.kernel.fields import INTERNAL, shown, states
from domain.payments.collection import OWN_REASONS
from domain.payments.payment import events as e
from domain.payments.payment.state import RECEIVED, PaymentPhase
from projections.engine.model import Index, Projection, ProjectionError, Recorded, Row

STATES = tuple(phase.value for phase in PaymentPhase if phase is not PaymentPhase.ABSENT)
_MONEY_CAME = frozenset(phase.value for phase in RECEIVED)


class Payment(Row, frozen=True, kw_only=True):
    """One payment.

    `amount_fen` is what was wished at first, `asked_on` the business date of the last attempt. `mandate` is empty for a
    payment of the lessee's own, `code` that of the last failure. `rests_since` is the day on which it was exhausted,
    charged back, or cancelled by people.
    """

    id: UUID
    tenant: UUID
    lease: UUID
    state: Annotated[str, states(PaymentPhase)]
    first_position: int
    bill: int | None
    mandate: Annotated[str, shown(str | None)]
    channel: str
    attempt: int
    amount_fen: int
    under_way_fen: int = 0
    received_fen: int = 0
    refunded_fen: int = 0
    charged_back_fen: int = 0
    not_before: date | None = None
    initiated_on: date
    asked_on: Annotated[date | None, INTERNAL] = None
    rests_since: Annotated[date | None, INTERNAL] = None
    code: Annotated[str, shown(str | None)] = ""


# --------------------------------------------------------------------------------------------------- fold

Change = dict[str, Any]


def _initiated(event: e.PaymentInitiated, recorded: Recorded) -> Payment:
    return Payment(
        position=recorded.position,
        id=recorded.stream,
        tenant=recorded.tenant,
        lease=event.lease,
        bill=event.bill,
        mandate=event.mandate or "",
        state=PaymentPhase.WAITING.value,
        channel=event.channel,
        attempt=1,
        amount_fen=event.amount_fen,
        not_before=event.collect_on,
        initiated_on=recorded.envelope.business_date,
        first_position=recorded.position,
    )


def _started(row: Payment, event: e.AttemptStarted, on: date) -> Change:
    return {
        "state": PaymentPhase.INITIATED.value,
        "under_way_fen": event.amount_fen,
        "not_before": None,
        "asked_on": on,
    }


def _stands(phase: PaymentPhase) -> Callable[[Payment, Any, date], Change]:
    return lambda row, event, on: {} if row.state in _MONEY_CAME else {"state": phase.value}


def _arrived(row: Payment, event: e.PaymentSucceeded | e.PaymentOverpaid, on: date) -> Change:
    return {
        "state": PaymentPhase.SUCCEEDED.value,
        "received_fen": row.received_fen + event.amount_fen,
        "under_way_fen": 0 if event.attempt == row.attempt else row.under_way_fen,
        "not_before": None,
    }


def _failed(row: Payment, event: e.PaymentFailed, on: date) -> Change:
    return {"under_way_fen": 0, "code": event.code}


def _waits(row: Payment, event: e.RetryScheduled, on: date) -> Change:
    return {"state": PaymentPhase.WAITING.value, "attempt": event.attempt, "not_before": event.not_before}


def _switched(row: Payment, event: e.ChannelSwitched, on: date) -> Change:
    return {
        "state": PaymentPhase.WAITING.value,
        "attempt": event.attempt,
        "channel": event.channel,
        "not_before": event.not_before,
    }


def _cancelled(row: Payment, event: e.PaymentCancelled, on: date) -> Change:
    rests = None if event.reason in OWN_REASONS else on
    return {"state": PaymentPhase.CANCELLED.value, "not_before": None, "rests_since": rests}


def _gone(row: Payment, **changes: Any) -> Change:
    """What went back; when nothing is kept, the state says how it went."""
    after = replace(row, **changes)
    if after.received_fen > after.refunded_fen + after.charged_back_fen:
        return changes
    return {**changes, "state": (PaymentPhase.CHARGED_BACK if after.charged_back_fen else PaymentPhase.REFUNDED).value}


def _refunded(row: Payment, event: e.PaymentRefunded, on: date) -> Change:
    return _gone(row, refunded_fen=row.refunded_fen + event.amount_fen)


def _charged_back(row: Payment, event: e.PaymentChargedBack, on: date) -> Change:
    return {**_gone(row, charged_back_fen=row.charged_back_fen + event.amount_fen), "rests_since": on}


_CHANGES: Mapping[type[Event], Callable[[Payment, Any, date], Change]] = {
    e.AttemptStarted: _started,
    e.PaymentPending: _stands(PaymentPhase.PENDING),
    e.OutcomeUnknown: _stands(PaymentPhase.UNKNOWN),
    e.PaymentSucceeded: _arrived,
    e.PaymentOverpaid: _arrived,
    e.PaymentFailed: _failed,
    e.RetryScheduled: _waits,
    e.ChannelSwitched: _switched,
    e.PaymentExhausted: lambda row, event, on: {"state": PaymentPhase.EXHAUSTED.value, "rests_since": on},
    e.PaymentCancelled: _cancelled,
    e.PaymentRefunded: _refunded,
    e.PaymentChargedBack: _charged_back,
}


def fold(row: Payment | None, event: Event, recorded: Recorded) -> Payment | None:
    """The row after one event. Raises `ProjectionError` for a payment that does not begin with its initiation."""
    if isinstance(event, e.PaymentInitiated):
        return _initiated(event, recorded)
    if row is None:
        raise ProjectionError(f"stream {recorded.stream}: expected payment.initiated, got {recorded.envelope.type}")
    changes = _CHANGES[type(event)](row, event, recorded.envelope.business_date)
    return replace(row, position=recorded.position, **changes)


PAYMENTS = Projection(
    name="payments",
    version=1,
    row=Payment,
    key=("id",),
    events=frozenset({e.PaymentInitiated, *_CHANGES}),
    fold=fold,
    indexes=(
        ("tenant", "id"),
        ("tenant", "lease"),
        Index(("tenant",), where="under_way_fen > 0"),
        Index(("tenant", "not_before"), where="state = 'waiting'"),
    ),
    fillfactor=70,
)
