"""What an event changes: total over every event of the aggregate, judging nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from domain.kernel.event import Event
from domain.payments.payment import events as e
from domain.payments.payment.state import RECEIVED, PaymentState, Phase, Received, Refund
from domain.payments.payment.values import CALLBACKS_KEPT, Ignored

State = PaymentState


def _initiated(state: State, event: e.PaymentInitiated) -> State:
    return replace(
        state,
        version=state.version + 1,
        phase=Phase.WAITING,
        lease=event.lease,
        bill=event.bill,
        amount_fen=event.amount_fen,
        policy=event.policy,
        mandate=event.mandate,
        attempt=1,
        channel=event.channel,
        not_before=event.collect_on,
    )


def _started(state: State, event: e.AttemptStarted) -> State:
    return replace(
        state,
        version=state.version + 1,
        phase=Phase.INITIATED,
        under_way=Phase.INITIATED,
        tried=(*state.tried, event.channel),
        asked_fen=(*state.asked_fen, event.amount_fen),
        retries=state.retries + (state.channel in state.tried),
        not_before=None,
    )


def _stands(under_way: Phase) -> Callable[[State, Event], State]:
    """An order's own standing; the payment's phase only while no money is there."""

    def apply(state: State, event: Event) -> State:
        phase = state.phase if state.phase in RECEIVED else under_way
        return replace(state, version=state.version + 1, phase=phase, under_way=under_way)

    return apply


def _to(phase: Phase) -> Callable[[State, Event], State]:
    return lambda state, event: replace(state, version=state.version + 1, phase=phase, not_before=None)


def _recorded(state: State, event: Event) -> State:
    """A fact that changes nothing but the count; what follows from it is the next event."""
    return replace(state, version=state.version + 1)


def _failed(state: State, event: e.PaymentFailed) -> State:
    return replace(state, version=state.version + 1, under_way=None)


def _paid(state: State, event: e.PaymentSucceeded | e.PaymentOverpaid) -> State:
    money = Received(attempt=event.attempt, amount_fen=event.amount_fen, ref=event.provider_ref)
    return replace(
        state,
        version=state.version + 1,
        phase=Phase.SUCCEEDED,
        under_way=None if event.attempt == state.attempt else state.under_way,
        received=(*state.received, money),
        not_before=None,
    )


def _retry_scheduled(state: State, event: e.RetryScheduled) -> State:
    return replace(
        state, version=state.version + 1, phase=Phase.WAITING, attempt=event.attempt, not_before=event.not_before
    )


def _switched(state: State, event: e.ChannelSwitched) -> State:
    return replace(
        state,
        version=state.version + 1,
        phase=Phase.WAITING,
        attempt=event.attempt,
        channel=event.channel,
        retries=0,
        not_before=event.not_before,
    )


def _money_changed(state: State, attempt: int, **changes: Any) -> State:
    """The state with one attempt's money changed; when nothing of all money is kept, the phase says how it went."""
    received = tuple(replace(one, **changes) if one.attempt == attempt else one for one in state.received)
    after = replace(state, version=state.version + 1, received=received)
    if after.kept_fen:
        return after
    back = any(one.charged_back for one in received)
    return replace(after, phase=Phase.CHARGED_BACK if back else Phase.REFUNDED)


def _refund_requested(state: State, event: e.RefundRequested) -> State:
    money = state.money_of(event.attempt)
    assert money is not None, "only money that arrived is refunded"
    refund = Refund(number=event.number, attempt=event.attempt, amount_fen=event.amount_fen, open=True)
    after = replace(state, refunds=(*state.refunds, refund))
    return _money_changed(after, event.attempt, reserved_fen=money.reserved_fen + event.amount_fen)


def _refund_over(state: State, number: int) -> State:
    refunds = tuple(replace(one, open=False) if one.number == number else one for one in state.refunds)
    return replace(state, refunds=refunds)


def _refunded(state: State, event: e.PaymentRefunded) -> State:
    money = state.money_of(event.attempt)
    assert money is not None, "only money that arrived is refunded"
    return _money_changed(
        _refund_over(state, event.number),
        event.attempt,
        reserved_fen=money.reserved_fen - event.amount_fen,
        refunded_fen=money.refunded_fen + event.amount_fen,
    )


def _refund_failed(state: State, event: e.RefundFailed) -> State:
    """A refund that no attempt's money covered was never asked for; its number is known all the same."""
    known = state.refund(event.number)
    if known is None:
        none = Refund(number=event.number, attempt=0, amount_fen=event.amount_fen, open=False)
        return replace(state, version=state.version + 1, refunds=(*state.refunds, none))
    money = state.money_of(known.attempt)
    assert money is not None, "only money that arrived is refunded"
    reserved_fen = money.reserved_fen - event.amount_fen
    return _money_changed(_refund_over(state, event.number), known.attempt, reserved_fen=reserved_fen)


def _charged_back(state: State, event: e.PaymentChargedBack) -> State:
    return _money_changed(state, event.attempt, charged_back=True)


def _callback_applied(state: State, event: e.CallbackApplied) -> State:
    kept = (*state.callbacks, event.callback)[-CALLBACKS_KEPT:]
    return replace(state, version=state.version + 1, callbacks=kept)


def _callback_ignored(state: State, event: e.CallbackIgnored) -> State:
    """What is ignored is not remembered: a forgery must not make the true one look like a duplicate."""
    return replace(state, version=state.version + 1, forged=state.forged + (event.reason is Ignored.FORGED))


_EVOLVE: dict[type[Event], Callable[[State, Any], State]] = {
    e.PaymentInitiated: _initiated,
    e.AttemptStarted: _started,
    e.PaymentPending: _stands(Phase.PENDING),
    e.PaymentSucceeded: _paid,
    e.PaymentFailed: _failed,
    e.OutcomeUnknown: _stands(Phase.UNKNOWN),
    e.OutcomeResolved: _recorded,
    e.RetryScheduled: _retry_scheduled,
    e.ChannelSwitched: _switched,
    e.PaymentExhausted: _to(Phase.EXHAUSTED),
    e.PaymentCancelled: _to(Phase.CANCELLED),
    e.PaymentOverpaid: _paid,
    e.RefundRequested: _refund_requested,
    e.PaymentRefunded: _refunded,
    e.RefundFailed: _refund_failed,
    e.PaymentChargedBack: _charged_back,
    e.CallbackIgnored: _callback_ignored,
    e.CallbackApplied: _callback_applied,
}


def evolve(state: PaymentState, event: Event) -> PaymentState:
    """The state after one event. Raises `TypeError` for an event of another aggregate."""
    apply = _EVOLVE.get(type(event))
    if apply is None:
        raise TypeError(f"expected an event of a payment, got {type(event).__name__}")
    return apply(state, event)
