"""What a mandate answers to a command: events, or the first rule that says no.

The order of refusals: existence (`unknown`, `exists`), the end (`closed`), the phase, then the command's own rules, top
to bottom as written in its function.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from domain.intake.application.numbers import looks_personal
from domain.kernel.command import Command, Context
from domain.kernel.event import Event
from domain.kernel.refusal import Refusal, RefusalKind
from domain.payments.mandate import commands as c
from domain.payments.mandate import events as e
from domain.payments.mandate import refusals as r
from domain.payments.mandate.state import LIVE, MandateState, Phase

State = MandateState
Answer = tuple[Event, ...] | Refusal
Handler = Callable[[Any, State, Context], Answer]


def _grant(command: c.GrantMandate, state: State, context: Context) -> Answer:
    if state.lease is not None and command.lease != state.lease:
        return r.LEASE_DIFFERS()
    if looks_personal(command.reference):
        return r.REFERENCE_PERSONAL()
    policy, limit_fen = command.policy, command.limit_fen
    if len(set(policy.channels)) != len(policy.channels):
        return r.CHANNELS_REPEAT(channels=" ".join(policy.channels))
    if limit_fen is not None and limit_fen < policy.minimum_fen:
        return r.LIMIT_TOO_SMALL(limit_fen=limit_fen, minimum_fen=policy.minimum_fen)
    if command.valid_until is not None and command.valid_until < context.business_date:
        return r.VALIDITY_PASSED(valid_until=command.valid_until, business_date=context.business_date)
    return (
        e.MandateGranted(
            lease=command.lease,
            reference=command.reference,
            policy=policy,
            granted_on=context.business_date,
            limit_fen=limit_fen,
            valid_until=command.valid_until,
            evidence=command.evidence,
        ),
    )


def _suspend(command: c.SuspendMandate, state: State, context: Context) -> Answer:
    return (e.MandateSuspended(reason=command.reason),)


def _resume(command: c.ResumeMandate, state: State, context: Context) -> Answer:
    if state.valid_until is not None and state.valid_until < context.business_date:
        return r.VALIDITY_PASSED(valid_until=state.valid_until, business_date=context.business_date)
    return (e.MandateResumed(),)


def _revoke(command: c.RevokeMandate, state: State, context: Context) -> Answer:
    return (e.MandateRevoked(revoked_on=context.business_date, reason=command.reason),)


def _expire(command: c.ExpireMandate, state: State, context: Context) -> Answer:
    if state.valid_until is None or context.business_date <= state.valid_until:
        return r.NOT_YET_EXPIRED(valid_until=state.valid_until, business_date=context.business_date)
    return (e.MandateExpired(business_date=context.business_date),)


_STANDS = frozenset({Phase.GRANTED})
_OVER = frozenset({Phase.REVOKED, Phase.EXPIRED})

# For each command: the phases in which it can be wished, the rule that says no in another one, and its function.
_RULES: dict[type[Command], tuple[frozenset[Phase], RefusalKind, Handler]] = {
    c.GrantMandate: (_OVER | {Phase.ABSENT}, r.EXISTS, _grant),
    c.SuspendMandate: (_STANDS, r.NOT_GRANTED, _suspend),
    c.ResumeMandate: (frozenset({Phase.SUSPENDED}), r.NOT_SUSPENDED, _resume),
    c.RevokeMandate: (LIVE, r.CLOSED, _revoke),
    c.ExpireMandate: (LIVE, r.CLOSED, _expire),
}

COMMANDS: tuple[type[Command], ...] = tuple(_RULES)
"""Every command of the aggregate, in the order of a mandate's life."""


def decide(command: Command, state: MandateState, context: Context) -> tuple[Event, ...] | Refusal:
    """The events a command leads to, or the first refusal. Raises `TypeError` for a command of another aggregate."""
    rule = _RULES.get(type(command))
    if rule is None:
        raise TypeError(f"expected a command to a mandate, got {type(command).__name__}")
    phases, otherwise, handler = rule
    if state.phase in phases:
        return handler(command, state, context)
    if state.phase is Phase.ABSENT:
        return r.UNKNOWN()
    if state.phase in _OVER:
        return r.CLOSED(phase=state.phase)
    return otherwise(phase=state.phase)
