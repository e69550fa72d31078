"""What a consent answers to a command: events, or the first rule that says no.

The order of refusals is fixed: existence (`unknown`, `exists`), the end (`closed`), the phase, then the command's own
rules, top to bottom as written in its function.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from domain.kernel.command import Command, Context
from domain.kernel.event import Event
from domain.kernel.refusal import Refusal, RefusalKind
from domain.parties.consent import commands as c
from domain.parties.consent import events as e
from domain.parties.consent import refusals as r
from domain.parties.consent.state import ConsentState, Phase
from domain.parties.consent.values import IN_WRITING, RENEWALS_MAX, WITH_USES, Purpose

State = ConsentState
Answer = tuple[Event, ...] | Refusal
Handler = Callable[[Any, State, Context], Answer]


def _request(command: c.RequestConsent, state: State, context: Context) -> Answer:
    if _twice(command.recipients) or _twice(command.uses):
        return r.RECIPIENT_TWICE()
    if command.purpose in WITH_USES and not command.uses:
        return r.USES_MISSING(purpose=command.purpose)
    if (passed := _passed(command.expires_on, context)) is not None:
        return passed
    return (
        e.ConsentRequested(
            subject=command.subject,
            purpose=command.purpose,
            recipients=command.recipients,
            clause=command.clause,
            expires_on=command.expires_on,
            uses=command.uses,
        ),
    )


def _grant(command: c.GrantConsent, state: State, context: Context) -> Answer:
    purpose = state.purpose
    assert purpose is not None, "a consent that was asked for has a purpose"
    if command.clause != state.clause:
        return r.CLAUSE_DIFFERS(expected=state.clause and state.clause.digest, got=command.clause.digest)
    if (beyond := _beyond(command, state)) is not None:
        return beyond
    if _twice(command.recipients) or _twice(command.uses):
        return r.RECIPIENT_TWICE()
    if purpose in WITH_USES and not command.uses:
        return r.USES_MISSING(purpose=purpose)
    if (passed := _passed(command.expires_on, context)) is not None:
        return passed
    if (unwritten := _unwritten(purpose, command.evidence)) is not None:
        return unwritten
    return (
        e.ConsentGranted(
            purpose=purpose,
            recipients=command.recipients,
            clause=command.clause,
            granted_on=context.business_date,
            expires_on=command.expires_on,
            uses=command.uses,
            evidence=command.evidence,
        ),
    )


def _decline(command: c.DeclineConsent, state: State, context: Context) -> Answer:
    return (e.ConsentDeclined(channel=command.channel),)


def _renew(command: c.RenewConsent, state: State, context: Context) -> Answer:
    """A renewal is an act of its own, in the words of a clause that may be newer than the first one."""
    purpose, until = state.purpose, state.expires_on
    assert purpose is not None, "a consent that was granted has a purpose"
    assert until is not None, "a consent that was granted has a period"
    if state.version > RENEWALS_MAX:
        return r.RENEWALS_FULL(limit=RENEWALS_MAX)
    if (passed := _passed(command.expires_on, context)) is not None:
        return passed
    if command.expires_on <= until:
        return r.NOT_LATER(expires_on=until, got=command.expires_on)
    if (unwritten := _unwritten(purpose, command.evidence)) is not None:
        return unwritten
    return (
        e.ConsentRenewed(
            clause=command.clause,
            renewed_on=context.business_date,
            expires_on=command.expires_on,
            evidence=command.evidence,
        ),
    )


def _withdraw(command: c.WithdrawConsent, state: State, context: Context) -> Answer:
    return (e.ConsentWithdrawn(withdrawn_on=context.business_date, channel=command.channel),)


def _expire(command: c.ExpireConsent, state: State, context: Context) -> Answer:
    """What was granted runs out on its own last day, what was only asked for on the day it was asked until."""
    until = state.expires_on or state.asked_until
    assert until is not None, "an open consent has a last day"
    if context.business_date <= until:
        return r.NOT_YET_EXPIRED(expires_on=until, business_date=context.business_date)
    return (e.ConsentExpired(business_date=context.business_date),)


def _twice(names: tuple[str, ...]) -> bool:
    return len(set(names)) < len(names)


def _passed(expires_on: date, context: Context) -> Refusal | None:
    if expires_on < context.business_date:
        return r.EXPIRY_PASSED(expires_on=expires_on, business_date=context.business_date)
    return None


def _unwritten(purpose: Purpose, evidence: str | None) -> Refusal | None:
    return r.NOT_IN_WRITING(purpose=purpose) if purpose in IN_WRITING and evidence is None else None


def _beyond(command: c.GrantConsent, state: State) -> Refusal | None:
    """Less than what was asked for may be granted, more may not."""
    more = sorted({*command.recipients} - {*state.recipients}) + sorted({*command.uses} - {*state.uses})
    if state.asked_until is not None and command.expires_on > state.asked_until:
        more.append(str(command.expires_on))
    return r.BEYOND_REQUEST(more=" ".join(more)) if more else None


_REQUESTED = frozenset({Phase.REQUESTED})
_STANDS = frozenset({Phase.GRANTED})
_OPEN = _REQUESTED | _STANDS
_OVER = frozenset({Phase.DECLINED, Phase.WITHDRAWN, Phase.EXPIRED})

# For each command: the phases in which it can be wished, the rule that says no in another one, and its function.
_RULES: dict[type[Command], tuple[frozenset[Phase], RefusalKind, Handler]] = {
    c.RequestConsent: (frozenset({Phase.ABSENT}), r.EXISTS, _request),
    c.GrantConsent: (_REQUESTED, r.NOT_REQUESTED, _grant),
    c.DeclineConsent: (_REQUESTED, r.NOT_REQUESTED, _decline),
    c.RenewConsent: (_STANDS, r.NOT_RENEWABLE, _renew),
    c.WithdrawConsent: (_STANDS, r.NOT_GRANTED, _withdraw),
    c.ExpireConsent: (_OPEN, r.CLOSED, _expire),
}

COMMANDS: tuple[type[Command], ...] = tuple(_RULES)
"""Every command of the aggregate, in the order of a consent's life."""


def decide(command: Command, state: ConsentState, context: Context) -> tuple[Event, ...] | Refusal:
    """The events a command leads to, or the first refusal. Raises `TypeError` for a command of another aggregate."""
    rule = _RULES.get(type(command))
    if rule is None:
        raise TypeError(f"expected a command to a consent, got {type(command).__name__}")
    phases, otherwise, handler = rule
    if state.phase in phases or (handler is _renew and state.phase is Phase.EXPIRED and state.periods):
        return handler(command, state, context)
    if state.phase is Phase.ABSENT:
        return r.UNKNOWN()
    if state.phase in _OVER and otherwise is not r.EXISTS:
        return r.CLOSED(phase=state.phase)
    return otherwise(phase=state.phase)
