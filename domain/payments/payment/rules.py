"""Decider of a payment: each command gives events, or the refusal of the first rule that says no.

The order of refusals: is there a payment (`unknown`, `exists`), is it about the attempt that is under way
(`not_under_way`, `attempt_not_current`), is its outcome unknown (`outcome_unresolved`), then the command's own rules.
News of money is never refused for being late: whichever attempt brought it, and whatever was believed of it, it counts.

    RefundPayment(number) ─▶ refund_requested ─provider─▶ refunded | refund_failed
                        └──▶ refund_failed                 no attempt's money covers it

A refund is never refused for its money: the lease gave its credit away already, and a failure brings that back.
"""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

from domain.kernel.command import SYSTEM, Context
from domain.kernel.decider import ABSENT, Answer, Decider, Rule, without_phase
from domain.kernel.event import Event
from domain.kernel.refusal import Refusal
from domain.kernel.times import business_date
from domain.payments.payment import commands as c
from domain.payments.payment import events as e
from domain.payments.payment import refusals as r
from domain.payments.payment.evolve import EVOLVE
from domain.payments.payment.state import EXISTING, RECEIVED, PaymentPhase, PaymentState
from domain.payments.payment.timers import TIMERS
from domain.payments.payment.values import FORGED_KEPT, Ignored, Reported, Source

AHEAD_MAX_DAYS = 31
"""Banks say a day or two; a slip by years would keep the money from its lease until then."""

COLLECT_AHEAD_MAX_DAYS = 366
"""A wish is about rents of the year to come; one of a slip by years would wait for ever."""

NOT_COVERED = "not_covered"
"""The code of a refund that is more than is left of what any one attempt brought."""

# ----------------------------------------------------------------------------------------------- attempts


def _initiate(command: c.InitiatePayment, state: PaymentState, context: Context) -> Answer:
    channels = command.policy.channels
    if len(set(channels)) != len(channels):
        return r.CHANNELS_REPEAT(channels=" ".join(channels))
    on, last = command.collect_on or context.business_date, _ahead(_heard_on(context), COLLECT_AHEAD_MAX_DAYS)
    if on > last:
        return r.COLLECT_ON_FAR(latest=last, got=on)
    later = on > context.business_date
    begun = e.PaymentInitiated(
        lease=command.lease,
        bill=command.bill,
        amount_fen=command.amount_fen,
        channel=channels[0],
        policy=command.policy,
        mandate=command.mandate,
        collect_on=on if later else None,
    )
    if later:
        return (begun,)
    return (begun, e.AttemptStarted(attempt=1, channel=channels[0], amount_fen=command.amount_fen))


def _not_current(state: PaymentState, attempt: int) -> Refusal | None:
    if state.under_way is None:
        return r.NOT_UNDER_WAY(phase=state.phase)
    return None if attempt == state.attempt else r.ATTEMPT_NOT_CURRENT(expected=state.attempt, got=attempt)


def _pending(command: c.RecordPending, state: PaymentState, context: Context) -> Answer:
    if (other := _not_current(state, command.attempt)) is not None:
        return other
    if state.under_way is PaymentPhase.UNKNOWN:
        return r.OUTCOME_UNRESOLVED(attempt=state.attempt)
    if state.under_way is PaymentPhase.PENDING:
        return r.PENDING_ALREADY(attempt=state.attempt)
    return (e.PaymentPending(attempt=command.attempt, ref=command.ref),)


def _succeeded(command: c.RecordSucceeded, state: PaymentState, context: Context) -> Answer:
    """Money counts whichever attempt brought it; an answer alone does not settle what is unknown."""
    if not 1 <= command.attempt <= len(state.tried):
        return r.ATTEMPT_NOT_CURRENT(expected=state.attempt, got=command.attempt)
    if state.money_of(command.attempt) is not None:
        return r.PAID_ALREADY(attempt=command.attempt)
    if _is_unresolved(state, command.attempt) and command.source is not Source.QUERY:
        return r.OUTCOME_UNRESOLVED(attempt=state.attempt)
    return _answer_far(command.value_date, context) or _money(state, command, command.source)


def _failed(command: c.RecordFailed, state: PaymentState, context: Context) -> Answer:
    if (other := _not_current(state, command.attempt)) is not None:
        return other
    if state.under_way is PaymentPhase.UNKNOWN and command.source is not Source.QUERY:
        return r.OUTCOME_UNRESOLVED(attempt=state.attempt)
    return _failure(state, command.code, context.business_date, command.source)


def _outcome_unknown(command: c.RecordOutcomeUnknown, state: PaymentState, context: Context) -> Answer:
    if (other := _not_current(state, command.attempt)) is not None:
        return other
    if state.under_way is PaymentPhase.UNKNOWN:
        return r.UNKNOWN_ALREADY(attempt=state.attempt)
    return (e.OutcomeUnknown(attempt=command.attempt, reason=command.reason),)


def _retry(command: c.RetryPayment, state: PaymentState, context: Context) -> Answer:
    if state.phase is PaymentPhase.UNKNOWN:
        return r.OUTCOME_UNRESOLVED(attempt=state.attempt)
    if state.phase is not PaymentPhase.WAITING:
        return r.NO_RETRY_SCHEDULED(phase=state.phase)
    if command.attempt != state.attempt:
        return r.ATTEMPT_NOT_CURRENT(expected=state.attempt, got=command.attempt)
    if state.not_before is not None and context.business_date < state.not_before:
        return r.RETRY_NOT_DUE(not_before=state.not_before, business_date=context.business_date)
    if state.mandate is None and command.amount_fen > state.amount_fen:
        return r.BEYOND_WISH(amount_fen=state.amount_fen, got=command.amount_fen)
    return (e.AttemptStarted(attempt=state.attempt, channel=state.channel, amount_fen=command.amount_fen),)


def _cancel(command: c.CancelPayment, state: PaymentState, context: Context) -> Answer:
    if state.phase is PaymentPhase.UNKNOWN:
        return r.OUTCOME_UNRESOLVED(attempt=state.attempt)
    if state.phase is not PaymentPhase.WAITING:
        return r.NO_RETRY_SCHEDULED(phase=state.phase)
    return (e.PaymentCancelled(reason=command.reason),)


# ---------------------------------------------------------------------------------------------- callbacks


def _callback(command: c.ReceiveCallback, state: PaymentState, context: Context) -> Answer:
    """Every callback is recorded, applied or not; a forged one is not even read, and the next thousand not kept."""
    reason = _ignored(command, state)
    if reason is Ignored.FORGED and state.forged >= FORGED_KEPT:
        return ()
    if reason is not None:
        return (e.CallbackIgnored(callback=command.callback, attempt=max(command.attempt, 0), reason=reason),)
    follows = _news(command, state, context)
    if isinstance(follows, Refusal):
        return follows
    return (e.CallbackApplied(callback=command.callback, attempt=command.attempt), *follows)


def _news(command: c.ReceiveCallback, state: PaymentState, context: Context) -> Answer:
    match command:
        case c.ReceiveCallback(reported=Reported.FAILED, code=str(code)):
            return _failure(state, code, context.business_date, None)
        case c.ReceiveCallback(reported=Reported.CHARGED_BACK, code=str(code), value_date=date() as on):
            return _charge_back(c.RecordChargeback(attempt=command.attempt, reason=code, value_date=on), state, context)
        case c.ReceiveCallback(reported=Reported.SUCCEEDED, amount_fen=int(), value_date=date() as on, ref=str()):
            return _far(on, context) or _money(state, command, None)
    return r.CALLBACK_INCOMPLETE(reported=command.reported)


def _ignored(command: c.ReceiveCallback, state: PaymentState) -> Ignored | None:
    if not command.verified:
        return Ignored.FORGED
    if not 1 <= command.attempt <= len(state.tried) or state.channel_of(command.attempt) != command.channel:
        return Ignored.UNKNOWN
    if command.callback in state.callbacks:
        return Ignored.DUPLICATE
    money = state.money_of(command.attempt)
    if command.reported is Reported.CHARGED_BACK:
        if money is None:
            return Ignored.EARLY
        return Ignored.DUPLICATE if money.charged_back else None
    return Ignored.DUPLICATE if money is not None else _ignored_outcome(command, state)


def _ignored_outcome(command: c.ReceiveCallback, state: PaymentState) -> Ignored | None:
    if command.reported is Reported.SUCCEEDED:
        return None
    if state.under_way is None or command.attempt != state.attempt:
        return Ignored.LATE
    return Ignored.UNRESOLVED if state.under_way is PaymentPhase.UNKNOWN else None


# --------------------------------------------------------------------------------------- what an outcome means


def _is_unresolved(state: PaymentState, attempt: int) -> bool:
    return state.under_way is PaymentPhase.UNKNOWN and attempt == state.attempt


def _resolved(state: PaymentState, attempt: int, source: Source | None) -> tuple[Event, ...]:
    return (e.OutcomeResolved(attempt=attempt, source=source),) if _is_unresolved(state, attempt) else ()


def value_date_far(value_date: date, heard_on: date) -> Refusal | None:
    """Why news that was heard on a day may not say that money is worth from another; a day near enough is waited for.

    `heard_on` is the later of the business date and the calendar's: after a standstill days are caught up, and what a
    provider says then is of today.
    """
    last = _ahead(heard_on, AHEAD_MAX_DAYS)
    return r.VALUE_DATE_FAR(latest=last, got=value_date) if value_date > last else None


def _far(value_date: date, context: Context) -> Refusal | None:
    return value_date_far(value_date, _heard_on(context))


def _answer_far(value_date: date, context: Context) -> Refusal | None:
    """What a provider answered was judged when it was heard; the program's command is of the day of its question."""
    return None if context.actor.role == SYSTEM else _far(value_date, context)


def _heard_on(context: Context) -> date:
    return max(context.business_date, business_date(context.now))


def _ahead(of: date, days: int) -> date:
    return date.fromordinal(min(of.toordinal() + days, date.max.toordinal()))


def _money(state: PaymentState, news: c.RecordSucceeded | c.ReceiveCallback, source: Source | None) -> Answer:
    assert news.amount_fen is not None, "news of money says how much"
    assert news.value_date is not None, "news of money says from when"
    assert news.ref is not None, "news of money says which"
    assert state.lease is not None, "a payment that was initiated is for a lease"
    kind = e.PaymentOverpaid if state.phase in RECEIVED else e.PaymentSucceeded
    arrived = kind(
        lease=state.lease,
        attempt=news.attempt,
        channel=state.channel_of(news.attempt),
        amount_fen=news.amount_fen,
        value_date=news.value_date,
        provider_ref=news.ref,
    )
    return (*_resolved(state, news.attempt, source), arrived)


def _failure(state: PaymentState, code: str, on: date, source: Source | None) -> tuple[Event, ...]:
    failed = e.PaymentFailed(attempt=state.attempt, channel=state.channel, code=code)
    events = (*_resolved(state, state.attempt, source), failed)
    # Money of another attempt came meanwhile: nothing is tried again.
    return events if state.phase in RECEIVED else (*events, _after_failure(state, code, on))


def _after_failure(state: PaymentState, code: str, on: date) -> Event:
    policy = state.policy
    assert policy is not None, "a payment that was initiated has a policy"
    if state.retries < policy.retries and code not in policy.final_codes:
        days = policy.spacing_days[min(state.retries, len(policy.spacing_days) - 1)]
        return e.RetryScheduled(attempt=state.attempt + 1, not_before=on + timedelta(days=days))
    following = policy.channels.index(state.channel) + 1
    if following < len(policy.channels):
        return e.ChannelSwitched(
            attempt=state.attempt + 1, previous=state.channel, channel=policy.channels[following], not_before=on
        )
    return e.PaymentExhausted(attempts=state.attempt)


# ---------------------------------------------------------------------------- what becomes of money that arrived


def _refund(command: c.RefundPayment, state: PaymentState, context: Context) -> Answer:
    """The money that came last goes back first: what came on top before the payment's own."""
    number, amount_fen = command.number, command.amount_fen
    if state.refund(number) is not None:
        return r.REFUND_KNOWN(number=number)
    lease = _lease(state)
    money = next((one for one in reversed(state.received) if one.left_fen >= amount_fen), None)
    if money is None:
        return (e.RefundFailed(lease=lease, number=number, amount_fen=amount_fen, code=NOT_COVERED),)
    return (
        e.RefundRequested(
            lease=lease,
            number=number,
            attempt=money.attempt,
            channel=state.channel_of(money.attempt),
            amount_fen=amount_fen,
            reason=command.reason,
        ),
    )


def _refunded(command: c.RecordRefunded, state: PaymentState, context: Context) -> Answer:
    """The whole of what was asked for."""
    known = state.refund(command.number)
    if known is None or not known.open:
        return r.REFUND_NOT_OPEN(number=command.number)
    if (far := _answer_far(command.value_date, context)) is not None:
        return far
    return (
        e.PaymentRefunded(
            lease=_lease(state),
            number=known.number,
            attempt=known.attempt,
            channel=state.channel_of(known.attempt),
            amount_fen=known.amount_fen,
            value_date=command.value_date,
            provider_ref=command.ref,
        ),
    )


def _refund_failed(command: c.RecordRefundFailed, state: PaymentState, context: Context) -> Answer:
    """Nothing went out."""
    known = state.refund(command.number)
    if known is None or not known.open:
        return r.REFUND_NOT_OPEN(number=command.number)
    return (e.RefundFailed(lease=_lease(state), number=known.number, amount_fen=known.amount_fen, code=command.code),)


def _charge_back(command: c.RecordChargeback, state: PaymentState, context: Context) -> Answer:
    """The payer's bank undoes the whole transaction; what was refunded of it before, the lessee owes."""
    money = state.money_of(command.attempt)
    if money is None:
        return r.NOT_RECEIVED(phase=state.phase, attempt=command.attempt)
    if money.charged_back:
        return r.CHARGED_BACK_ALREADY(attempt=command.attempt)
    value_date = command.value_date or context.business_date
    if (far := _far(value_date, context)) is not None:
        return far
    return (
        e.PaymentChargedBack(
            lease=_lease(state),
            attempt=command.attempt,
            channel=state.channel_of(command.attempt),
            amount_fen=money.amount_fen,
            reason=command.reason,
            value_date=value_date,
            provider_ref=money.ref,
            on_top=money is not state.received[0],
        ),
    )


def _lease(state: PaymentState) -> UUID:
    assert state.lease is not None, "a payment that was initiated is for a lease"
    return state.lease


PAYMENT = Decider(
    name="payment",
    initial=PaymentState(),
    unknown=r.UNKNOWN,
    rules={
        c.InitiatePayment: Rule(ABSENT, without_phase(r.EXISTS), _initiate),
        c.RecordPending: Rule(EXISTING, r.UNKNOWN, _pending),
        c.RecordSucceeded: Rule(EXISTING, r.UNKNOWN, _succeeded),
        c.RecordFailed: Rule(EXISTING, r.UNKNOWN, _failed),
        c.RecordOutcomeUnknown: Rule(EXISTING, r.UNKNOWN, _outcome_unknown),
        c.RetryPayment: Rule(EXISTING, r.UNKNOWN, _retry),
        c.CancelPayment: Rule(EXISTING, r.UNKNOWN, _cancel),
        c.RefundPayment: Rule(EXISTING, r.UNKNOWN, _refund),
        c.RecordRefunded: Rule(EXISTING, r.UNKNOWN, _refunded),
        c.RecordRefundFailed: Rule(EXISTING, r.UNKNOWN, _refund_failed),
        c.RecordChargeback: Rule(EXISTING, r.UNKNOWN, _charge_back),
        c.ReceiveCallback: Rule(EXISTING, r.UNKNOWN, _callback),
    },
    evolve=EVOLVE,
    timers=TIMERS,
)
