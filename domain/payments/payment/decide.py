"""What a payment answers to a command: events, or the first rule that says no.

The order of refusals: is there a payment (`unknown`, `exists`), is it about the attempt that is under way
(`not_under_way`, `attempt_not_current`), is its outcome unknown (`outcome_unresolved`), then the command's own rules.
News of money is never refused for being late: whichever attempt brought it, and whatever was believed of it, it counts.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from domain.kernel import Command, Context, Event, Refusal
from domain.payments.payment import commands as c
from domain.payments.payment import events as e
from domain.payments.payment import refusals as r
from domain.payments.payment.state import RECEIVED, UNDER_WAY, PaymentState, Phase
from domain.payments.payment.values import Ignored, Reported, Source

State = PaymentState
Answer = tuple[Event, ...] | Refusal

# ----------------------------------------------------------------------------------------------- attempts


def _initiate(command: c.InitiatePayment, state: State, context: Context) -> Answer:
    if state.phase is not Phase.ABSENT:
        return r.EXISTS()
    channels = command.policy.channels
    if len(set(channels)) != len(channels):
        return r.CHANNELS_REPEAT(channels=" ".join(channels))
    later = command.collect_on is not None and command.collect_on > context.business_date
    return (
        e.PaymentInitiated(
            lease=command.lease,
            bill=command.bill,
            amount_fen=command.amount_fen,
            channel=channels[0],
            policy=command.policy,
            mandate=command.mandate,
            collect_on=command.collect_on if later else None,
        ),
    )


def _not_current(state: State, attempt: int) -> Refusal | None:
    if state.phase not in UNDER_WAY:
        return r.NOT_UNDER_WAY(phase=state.phase)
    return None if attempt == state.attempt else r.ATTEMPT_NOT_CURRENT(expected=state.attempt, got=attempt)


def _pending(command: c.RecordPending, state: State, context: Context) -> Answer:
    if (other := _not_current(state, command.attempt)) is not None:
        return other
    if state.phase is Phase.UNKNOWN:
        return r.OUTCOME_UNRESOLVED(attempt=state.attempt)
    if state.phase is Phase.PENDING:
        return r.PENDING_ALREADY(attempt=state.attempt)
    return (e.PaymentPending(attempt=command.attempt, ref=command.ref),)


def _succeeded(command: c.RecordSucceeded, state: State, context: Context) -> Answer:
    """Money counts whichever attempt brought it; an answer alone does not settle what is unknown."""
    if not 1 <= command.attempt <= len(state.tried):
        return r.ATTEMPT_NOT_CURRENT(expected=state.attempt, got=command.attempt)
    if command.attempt in state.paid_by:
        return r.PAID_ALREADY(attempt=command.attempt)
    if _is_unresolved(state, command.attempt) and command.source is not Source.QUERY:
        return r.OUTCOME_UNRESOLVED(attempt=state.attempt)
    return _money(state, command, command.source)


def _failed(command: c.RecordFailed, state: State, context: Context) -> Answer:
    if (other := _not_current(state, command.attempt)) is not None:
        return other
    if state.phase is Phase.UNKNOWN and command.source is not Source.QUERY:
        return r.OUTCOME_UNRESOLVED(attempt=state.attempt)
    return _failure(state, command.code, context.business_date, command.source)


def _outcome_unknown(command: c.RecordOutcomeUnknown, state: State, context: Context) -> Answer:
    if (other := _not_current(state, command.attempt)) is not None:
        return other
    if state.phase is Phase.UNKNOWN:
        return r.UNKNOWN_ALREADY(attempt=state.attempt)
    return (e.OutcomeUnknown(attempt=command.attempt, reason=command.reason),)


def _retry(command: c.RetryPayment, state: State, context: Context) -> Answer:
    if state.phase is Phase.UNKNOWN:
        return r.OUTCOME_UNRESOLVED(attempt=state.attempt)
    if state.phase is not Phase.WAITING:
        return r.NO_RETRY_SCHEDULED(phase=state.phase)
    if command.attempt != state.attempt:
        return r.ATTEMPT_NOT_CURRENT(expected=state.attempt, got=command.attempt)
    if state.not_before is not None and context.business_date < state.not_before:
        return r.RETRY_NOT_DUE(not_before=state.not_before, business_date=context.business_date)
    return (e.AttemptStarted(attempt=state.attempt, channel=state.channel),)


def _cancel(command: c.CancelPayment, state: State, context: Context) -> Answer:
    if state.phase is Phase.UNKNOWN:
        return r.OUTCOME_UNRESOLVED(attempt=state.attempt)
    if state.phase is not Phase.WAITING:
        return r.NO_RETRY_SCHEDULED(phase=state.phase)
    return (e.PaymentCancelled(reason=command.reason),)


# ---------------------------------------------------------------------------------------------- afterwards


def _refund(command: c.RefundPayment, state: State, context: Context) -> Answer:
    if state.phase is not Phase.SUCCEEDED:
        return r.NOT_RECEIVED(phase=state.phase)
    if command.amount_fen > state.left_fen:
        return r.REFUND_EXCEEDS(left_fen=state.left_fen, amount_fen=command.amount_fen)
    left = state.left_fen - command.amount_fen
    return (
        e.PaymentRefunded(lease=_lease(state), amount_fen=command.amount_fen, left_fen=left, reason=command.reason),
    )


def _charge_back(command: c.RecordChargeback, state: State, context: Context) -> Answer:
    if state.phase is not Phase.SUCCEEDED:
        return r.NOT_RECEIVED(phase=state.phase)
    return (e.PaymentChargedBack(lease=_lease(state), amount_fen=state.left_fen, reason=command.reason),)


def _callback(command: c.ReceiveCallback, state: State, context: Context) -> Answer:
    """Every callback is recorded, applied or not; a forged one is not even read."""
    reason = _ignored(command, state)
    if reason is not None:
        return (e.CallbackIgnored(callback=command.callback, attempt=max(command.attempt, 0), reason=reason),)
    if command.reported is Reported.FAILED:
        if command.code is None:
            return r.CALLBACK_INCOMPLETE(reported=command.reported)
        follows = _failure(state, command.code, context.business_date, None)
    else:
        if command.amount_fen is None or command.value_date is None or command.ref is None:
            return r.CALLBACK_INCOMPLETE(reported=command.reported)
        follows = _money(state, command, None)
    return (e.CallbackApplied(callback=command.callback, attempt=command.attempt), *follows)


def _ignored(command: c.ReceiveCallback, state: State) -> Ignored | None:
    if not command.verified:
        return Ignored.FORGED
    if command.callback in state.callbacks or command.attempt in state.paid_by:
        return Ignored.DUPLICATE
    if not 1 <= command.attempt <= len(state.tried):
        return Ignored.UNKNOWN
    if command.reported is Reported.SUCCEEDED:
        return None
    if state.phase not in UNDER_WAY or command.attempt != state.attempt:
        return Ignored.LATE
    return Ignored.UNRESOLVED if state.phase is Phase.UNKNOWN else None


# --------------------------------------------------------------------------------------- what an outcome means


def _lease(state: State) -> UUID:
    assert state.lease is not None, "a payment that was initiated is for a lease"
    return state.lease


def _is_unresolved(state: State, attempt: int) -> bool:
    return state.phase is Phase.UNKNOWN and attempt == state.attempt


def _resolved(state: State, attempt: int, source: Source | None) -> tuple[Event, ...]:
    return (e.OutcomeResolved(attempt=attempt, source=source),) if _is_unresolved(state, attempt) else ()


def _money(state: State, news: c.RecordSucceeded | c.ReceiveCallback, source: Source | None) -> tuple[Event, ...]:
    assert news.amount_fen is not None, "news of money says how much"
    assert news.value_date is not None, "news of money says from when"
    assert news.ref is not None, "news of money says which"
    if state.phase in RECEIVED:
        return (
            e.PaymentOverpaid(
                lease=_lease(state),
                attempt=news.attempt,
                channel=state.channel_of(news.attempt),
                amount_fen=news.amount_fen,
                value_date=news.value_date,
                provider_ref=news.ref,
            ),
        )
    succeeded = e.PaymentSucceeded(
        lease=_lease(state),
        attempt=news.attempt,
        channel=state.channel_of(news.attempt),
        amount_fen=news.amount_fen,
        value_date=news.value_date,
        provider_ref=news.ref,
    )
    return (*_resolved(state, news.attempt, source), succeeded)


def _failure(state: State, code: str, on: date, source: Source | None) -> tuple[Event, ...]:
    failed = e.PaymentFailed(attempt=state.attempt, channel=state.channel, code=code)
    return (*_resolved(state, state.attempt, source), failed, _after_failure(state, code, on))


def _after_failure(state: State, code: str, on: date) -> Event:
    policy = state.policy
    assert policy is not None, "a payment that was initiated has a policy"
    if state.retries < policy.retries and code not in policy.final_codes:
        days = policy.spacing_days[min(state.retries, len(policy.spacing_days) - 1)]
        return e.RetryScheduled(attempt=state.attempt + 1, not_before=on + timedelta(days=days))
    following = policy.channels.index(state.channel) + 1
    if following < len(policy.channels):
        return e.ChannelSwitched(attempt=state.attempt + 1, previous=state.channel, channel=policy.channels[following])
    return e.PaymentExhausted(attempts=state.attempt)


_HANDLERS: dict[type[Command], Callable[[Any, State, Context], Answer]] = {
    c.InitiatePayment: _initiate,
    c.RecordPending: _pending,
    c.RecordSucceeded: _succeeded,
    c.RecordFailed: _failed,
    c.RecordOutcomeUnknown: _outcome_unknown,
    c.RetryPayment: _retry,
    c.CancelPayment: _cancel,
    c.RefundPayment: _refund,
    c.RecordChargeback: _charge_back,
    c.ReceiveCallback: _callback,
}

COMMANDS: tuple[type[Command], ...] = tuple(_HANDLERS)
"""Every command of the aggregate, in the order of a payment's life."""


def decide(command: Command, state: PaymentState, context: Context) -> tuple[Event, ...] | Refusal:
    """The events a command leads to, or the first refusal. Raises `TypeError` for a command of another aggregate."""
    handler = _HANDLERS.get(type(command))
    if handler is None:
        raise TypeError(f"expected a command to a payment, got {type(command).__name__}")
    if state.phase is Phase.ABSENT and handler is not _initiate:
        return r.UNKNOWN()
    return handler(command, state, context)
