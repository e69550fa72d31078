"""Transitions of a payment: each event gives the next state, for every event type and without judging it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from domain.kernel.event import Event
from domain.payments.payment import events as e
from domain.payments.payment.state import RECEIVED, PaymentPhase, PaymentState, Received, Refund
from domain.payments.payment.values import CALLBACKS_KEPT, Ignored


def _initiated(state: PaymentState, event: e.PaymentInitiated) -> PaymentState:
    return replace(
        state,
        phase=PaymentPhase.WAITING,
        lease=event.lease,
        bill=event.bill,
        amount_fen=event.amount_fen,
        policy=event.policy,
        mandate=event.mandate,
        attempt=1,
        channel=event.channel,
        not_before=event.collect_on,
    )


def _started(state: PaymentState, event: e.AttemptStarted) -> PaymentState:
    return replace(
        state,
        phase=PaymentPhase.INITIATED,
        under_way=PaymentPhase.INITIATED,
        tried=(*state.tried, event.channel),
        asked_fen=(*state.asked_fen, event.amount_fen),
        retries=state.retries + (state.channel in state.tried),
        not_before=None,
    )


def _stands(under_way: PaymentPhase) -> Callable[[PaymentState, Event], PaymentState]:
    """The state of an order; the payment's phase only while no money is there."""

    def apply(state: PaymentState, event: Event) -> PaymentState:
        phase = state.phase if state.phase in RECEIVED else under_way
        return replace(state, phase=phase, under_way=under_way)

    return apply


def _to(phase: PaymentPhase) -> Callable[[PaymentState, Event], PaymentState]:
    return lambda state, event: replace(state, phase=phase, not_before=None)


def _recorded(state: PaymentState, event: Event) -> PaymentState:
    """A fact that changes nothing but the count; what follows from it is the next event."""
    return state


def _failed(state: PaymentState, event: e.PaymentFailed) -> PaymentState:
    return replace(state, under_way=None)


def _paid(state: PaymentState, event: e.PaymentSucceeded | e.PaymentOverpaid) -> PaymentState:
    money = Received(attempt=event.attempt, amount_fen=event.amount_fen, ref=event.provider_ref)
    return replace(
        state,
        phase=PaymentPhase.SUCCEEDED,
        under_way=None if event.attempt == state.attempt else state.under_way,
        received=(*state.received, money),
        not_before=None,
    )


def _retry_scheduled(state: PaymentState, event: e.RetryScheduled) -> PaymentState:
    return replace(state, phase=PaymentPhase.WAITING, attempt=event.attempt, not_before=event.not_before)


def _switched(state: PaymentState, event: e.ChannelSwitched) -> PaymentState:
    return replace(
        state,
        phase=PaymentPhase.WAITING,
        attempt=event.attempt,
        channel=event.channel,
        retries=0,
        not_before=event.not_before,
    )


def _money_changed(state: PaymentState, attempt: int, **changes: Any) -> PaymentState:
    """The state with one attempt's money changed; when not more came than went, the phase says how it went."""
    received = tuple(replace(one, **changes) if one.attempt == attempt else one for one in state.received)
    after = replace(state, received=received)
    if after.net_fen > 0:
        return after
    back = any(one.charged_back for one in received)
    return replace(after, phase=PaymentPhase.CHARGED_BACK if back else PaymentPhase.REFUNDED)


def _refund_requested(state: PaymentState, event: e.RefundRequested) -> PaymentState:
    money = state.money_of(event.attempt)
    assert money is not None, "only money that arrived is refunded"
    refund = Refund(number=event.number, attempt=event.attempt, amount_fen=event.amount_fen, open=True)
    after = replace(state, refunds=(*state.refunds, refund))
    return _money_changed(after, event.attempt, reserved_fen=money.reserved_fen + event.amount_fen)


def _refund_over(state: PaymentState, number: int) -> PaymentState:
    refunds = tuple(replace(one, open=False) if one.number == number else one for one in state.refunds)
    return replace(state, refunds=refunds)


def _refunded(state: PaymentState, event: e.PaymentRefunded) -> PaymentState:
    money = state.money_of(event.attempt)
    assert money is not None, "only money that arrived is refunded"
    return _money_changed(
        _refund_over(state, event.number),
        event.attempt,
        reserved_fen=money.reserved_fen - event.amount_fen,
        refunded_fen=money.refunded_fen + event.amount_fen,
    )


def _refund_failed(state: PaymentState, event: e.RefundFailed) -> PaymentState:
    """A refund that no attempt's money covered was never asked for; its number is known all the same."""
    known = state.refund(event.number)
    if known is None:
        none = Refund(number=event.number, attempt=0, amount_fen=event.amount_fen, open=False)
        return replace(state, refunds=(*state.refunds, none))
    money = state.money_of(known.attempt)
    assert money is not None, "only money that arrived is refunded"
    reserved_fen = money.reserved_fen - event.amount_fen
    return _money_changed(_refund_over(state, event.number), known.attempt, reserved_fen=reserved_fen)


def _charged_back(state: PaymentState, event: e.PaymentChargedBack) -> PaymentState:
    return _money_changed(state, event.attempt, charged_back=True)


def _callback_applied(state: PaymentState, event: e.CallbackApplied) -> PaymentState:
    kept = (*state.callbacks, event.callback)[-CALLBACKS_KEPT:]
    return replace(state, callbacks=kept)


def _callback_ignored(state: PaymentState, event: e.CallbackIgnored) -> PaymentState:
    """What is ignored is not remembered: a forgery must not make the true one look like a duplicate."""
    return replace(state, forged=state.forged + (event.reason is Ignored.FORGED))


EVOLVE: dict[type[Event], Callable[[PaymentState, Any], PaymentState]] = {
    e.PaymentInitiated: _initiated,
    e.AttemptStarted: _started,
    e.PaymentPending: _stands(PaymentPhase.PENDING),
    e.PaymentSucceeded: _paid,
    e.PaymentFailed: _failed,
    e.OutcomeUnknown: _stands(PaymentPhase.UNKNOWN),
    e.OutcomeResolved: _recorded,
    e.RetryScheduled: _retry_scheduled,
    e.ChannelSwitched: _switched,
    e.PaymentExhausted: _to(PaymentPhase.EXHAUSTED),
    e.PaymentCancelled: _to(PaymentPhase.CANCELLED),
    e.PaymentOverpaid: _paid,
    e.RefundRequested: _refund_requested,
    e.PaymentRefunded: _refunded,
    e.RefundFailed: _refund_failed,
    e.PaymentChargedBack: _charged_back,
    e.CallbackIgnored: _callback_ignored,
    e.CallbackApplied: _callback_applied,
}
