"""What an event changes: total over every event of the aggregate, judging nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from domain.kernel import Event
from domain.payments.payment import events as e
from domain.payments.payment.state import PaymentState, Phase
from domain.payments.payment.values import CALLBACKS_KEPT

State = PaymentState


def _initiated(state: State, event: e.PaymentInitiated) -> State:
    begun = replace(
        state,
        version=state.version + 1,
        lease=event.lease,
        bill=event.bill,
        amount_fen=event.amount_fen,
        policy=event.policy,
        mandate=event.mandate,
        attempt=1,
        channel=event.channel,
    )
    if event.collect_on is not None:
        return replace(begun, phase=Phase.WAITING, not_before=event.collect_on)
    return replace(begun, phase=Phase.INITIATED, tried=(event.channel,))


def _to(phase: Phase) -> Callable[[State, Event], State]:
    return lambda state, event: replace(state, version=state.version + 1, phase=phase)


def _recorded(state: State, event: Event) -> State:
    """A fact that changes nothing but the count; what follows from it is the next event."""
    return replace(state, version=state.version + 1)


def _paid(state: State, event: e.PaymentSucceeded | e.PaymentOverpaid) -> State:
    return replace(
        state,
        version=state.version + 1,
        phase=Phase.SUCCEEDED,
        received_fen=state.received_fen + event.amount_fen,
        paid_by=(*state.paid_by, event.attempt),
        not_before=None,
    )


def _retry_scheduled(state: State, event: e.RetryScheduled) -> State:
    return replace(
        state, version=state.version + 1, phase=Phase.WAITING, attempt=event.attempt, not_before=event.not_before
    )


def _retried(state: State, event: e.AttemptStarted) -> State:
    return replace(
        state,
        version=state.version + 1,
        phase=Phase.INITIATED,
        tried=(*state.tried, event.channel),
        retries=state.retries + (event.attempt > 1),
        not_before=None,
    )


def _switched(state: State, event: e.ChannelSwitched) -> State:
    return replace(
        state,
        version=state.version + 1,
        phase=Phase.INITIATED,
        attempt=event.attempt,
        channel=event.channel,
        tried=(*state.tried, event.channel),
        retries=0,
    )


def _refunded(state: State, event: e.PaymentRefunded) -> State:
    phase = state.phase if event.left_fen else Phase.REFUNDED
    returned = state.returned_fen + event.amount_fen
    return replace(state, version=state.version + 1, phase=phase, returned_fen=returned)


def _charged_back(state: State, event: e.PaymentChargedBack) -> State:
    returned = state.returned_fen + event.amount_fen
    return replace(state, version=state.version + 1, phase=Phase.CHARGED_BACK, returned_fen=returned)


def _callback(state: State, event: e.CallbackApplied | e.CallbackIgnored) -> State:
    """A forged callback is not remembered: it must not make the true one look like a duplicate."""
    if isinstance(event, e.CallbackIgnored):
        return replace(state, version=state.version + 1)
    kept = (*state.callbacks, event.callback)[-CALLBACKS_KEPT:]
    return replace(state, version=state.version + 1, callbacks=kept)


_EVOLVE: dict[type[Event], Callable[[State, Any], State]] = {
    e.PaymentInitiated: _initiated,
    e.PaymentPending: _to(Phase.PENDING),
    e.PaymentSucceeded: _paid,
    e.PaymentFailed: _recorded,
    e.OutcomeUnknown: _to(Phase.UNKNOWN),
    e.OutcomeResolved: _recorded,
    e.RetryScheduled: _retry_scheduled,
    e.AttemptStarted: _retried,
    e.ChannelSwitched: _switched,
    e.PaymentExhausted: _to(Phase.EXHAUSTED),
    e.PaymentCancelled: _to(Phase.CANCELLED),
    e.PaymentOverpaid: _paid,
    e.PaymentRefunded: _refunded,
    e.PaymentChargedBack: _charged_back,
    e.CallbackIgnored: _callback,
    e.CallbackApplied: _callback,
}


def evolve(state: PaymentState, event: Event) -> PaymentState:
    """The state after one event. Raises `TypeError` for an event of another aggregate."""
    apply = _EVOLVE.get(type(event))
    if apply is None:
        raise TypeError(f"expected an event of a payment, got {type(event).__name__}")
    return apply(state, event)
