"""Consent (同意): one person's yes to one purpose, for named recipients, until a day, and its end.

    Requested ─▶ Granted ─▶ Withdrawn
        │         │   ▲
        │         ▼   │ renewed
        └▶ Declined   Expired

A stream holds one purpose, so that a separate consent (个人信息保护法 23–30) is separate by construction. What ends
a consent does not touch what was done under it (个人信息保护法 15): `permits` is asked for a day.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import Meta
from msgspec.structs import replace

from domain.kernel.command import Command, Context
from domain.kernel.decider import ABSENT, Answer, Decider, Rule, State
from domain.kernel.event import Event, event_type
from domain.kernel.fields import ChannelField, ClauseRefField, ExpiresOnField, OptionalEvidenceField
from domain.kernel.refusal import Refusal, refusal
from domain.kernel.timer import TimerKind, all_close, expire
from domain.kernel.values import ClauseRef, Code, Digest
from domain.parties.purposes import IN_WRITING, RENEWALS_MAX, WITH_USES, Period, Purpose, Recipients, Uses

# -------------------------------------------------------------------------------------------------------------- events


@event_type("consent.requested.v1")
class ConsentRequested(Event, frozen=True):
    """A person was asked, in the words of this clause version; silence is no consent (个人信息保护法 14)."""

    subject: UUID
    purpose: Purpose
    recipients: Recipients
    clause: ClauseRef
    expires_on: date
    uses: Uses = ()


@event_type("consent.granted.v1")
class ConsentGranted(Event, frozen=True):
    """The person said yes, from this business date to `expires_on`, both included.

    `evidence` is the digest of the record of the act: a signed form, a recording of the screen.
    """

    purpose: Purpose
    recipients: Recipients
    clause: ClauseRef
    granted_on: date
    expires_on: date
    uses: Uses = ()
    evidence: Digest | None = None


@event_type("consent.declined.v1")
class ConsentDeclined(Event, frozen=True):
    """The person said no. Service goes on unless it cannot do without (个人信息保护法 16)."""

    channel: Code


@event_type("consent.renewed.v1")
class ConsentRenewed(Event, frozen=True):
    """The person said yes again to the same; what was granted is prolonged, or begins anew after it expired."""

    clause: ClauseRef
    renewed_on: date
    expires_on: date
    evidence: Digest | None = None


@event_type("consent.withdrawn.v1")
class ConsentWithdrawn(Event, frozen=True):
    """The person took it back; nothing from this business date on, nothing before it undone (个人信息保护法 15)."""

    withdrawn_on: date
    channel: Code


@event_type("consent.expired.v1")
class ConsentExpired(Event, frozen=True):
    """Its last business date passed."""

    business_date: date


# --------------------------------------------------------------------------------------------------------------- state


class ConsentPhase(StrEnum):
    """The state machine's states; `ABSENT` is the empty stream."""

    ABSENT = "absent"
    REQUESTED = "requested"
    GRANTED = "granted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class ConsentState(State, frozen=True, kw_only=True):
    """One consent.

    `periods` are those it stood in, oldest first, disjoint; a withdrawal does not shorten them, `withdrawn_on` is the
    first day without it. `asked_until` is what the request proposed.
    """

    phase: ConsentPhase = ConsentPhase.ABSENT
    subject: UUID | None = None
    purpose: Purpose | None = None
    recipients: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    clause: ClauseRef | None = None
    asked_until: date | None = None
    periods: tuple[Period, ...] = ()
    withdrawn_on: date | None = None

    @property
    def expires_on(self) -> date | None:
        """The last business date of the latest period."""
        return self.periods[-1].last if self.periods else None


# ------------------------------------------------------------------------------------------------------------ commands


class RequestConsent(Command, frozen=True):
    """Ask a person for consent to one purpose, until `expires_on` at the latest."""

    subject: Annotated[UUID, Meta(description="The person that personal fields are about; a random id of yours.")]
    purpose: Annotated[Purpose, Meta(description="What the consent is for; each purpose needs its own.")]
    recipients: Recipients
    clause: ClauseRefField
    expires_on: ExpiresOnField
    uses: Uses = ()


class GrantConsent(Command, frozen=True):
    """Record the person's yes: to what was asked for, or to less of it."""

    recipients: Recipients
    clause: ClauseRefField
    expires_on: ExpiresOnField
    uses: Uses = ()
    evidence: OptionalEvidenceField = None


class DeclineConsent(Command, frozen=True):
    """Record the person's no."""

    channel: ChannelField


class RenewConsent(Command, frozen=True):
    """Record that the person said yes again, to the same recipients and uses, until a later day."""

    clause: ClauseRefField
    expires_on: ExpiresOnField
    evidence: OptionalEvidenceField = None


class WithdrawConsent(Command, frozen=True):
    """Record that the person takes the consent back, which is as easy as giving it (个人信息保护法 15)."""

    channel: ChannelField


class ExpireConsent(Command, frozen=True):
    """Close a consent whose last business date passed."""


# ------------------------------------------------------------------------------------------------------------ refusals

UNKNOWN = refusal("consent.unknown", "There is no such consent", "同意记录不存在")
EXISTS = refusal("consent.exists", "The consent exists already", "同意记录已存在")
CLOSED = refusal("consent.closed", "The consent is over; ask for a new one", "同意已终止，须重新征得")
NOT_REQUESTED = refusal(
    "consent.not_requested", "Only a consent that was asked for can be answered", "只有已征询的同意可以答复"
)
NOT_GRANTED = refusal("consent.not_granted", "The consent was not granted", "尚未取得同意", "个人信息保护法 13, 14")
NOT_RENEWABLE = refusal(
    "consent.not_renewable",
    "Only a consent that stands or has expired can be renewed",
    "只有有效或已到期的同意可以续期",
)
EXPIRY_PASSED = refusal("consent.expiry_passed", "The last business date is in the past", "截止营业日已过")
NOT_YET_EXPIRED = refusal("consent.not_yet_expired", "The consent's last business date has not passed", "同意尚未到期")
NOT_LATER = refusal("consent.not_later", "A renewal ends later than what it renews", "续期截止日须晚于原截止日")
RENEWALS_FULL = refusal("consent.renewals_full", "The consent was renewed as often as it may be", "续期次数已达上限")
CLAUSE_DIFFERS = refusal(
    "consent.clause_differs",
    "The person was asked in the words of another clause version",
    "授权文本版本与征询时不一致",
    "个人信息保护法 14, 17",
)
BEYOND_REQUEST = refusal(
    "consent.beyond_request",
    "More is granted than the person was asked for",
    "授权范围超出征询范围",
    "个人信息保护法 14",
)
RECIPIENT_TWICE = refusal("consent.recipient_twice", "A recipient or use is named twice", "接收方或用途重复")
USES_MISSING = refusal(
    "consent.uses_missing", "A credit inquiry needs agreed uses", "查询信用信息须约定用途", "征信业管理条例 18"
)
NOT_IN_WRITING = refusal(
    "consent.not_in_writing",
    "This consent is given in writing; the record of it is missing",
    "该同意须为书面形式，缺少书面凭证",
    "征信业管理条例 18, 29",
)


# --------------------------------------------------------------------------------------------------------------- rules


def _request(command: RequestConsent, state: ConsentState, context: Context) -> Answer:
    return _wrong_scope(command.purpose, command, context) or (
        ConsentRequested(
            subject=command.subject,
            purpose=command.purpose,
            recipients=command.recipients,
            clause=command.clause,
            expires_on=command.expires_on,
            uses=command.uses,
        ),
    )


def _grant(command: GrantConsent, state: ConsentState, context: Context) -> Answer:
    purpose = state.purpose
    assert purpose is not None, "a consent that was asked for has a purpose"
    if command.clause != state.clause:
        return CLAUSE_DIFFERS(expected=state.clause and state.clause.digest, got=command.clause.digest)
    wrong = _beyond(command, state) or _wrong_scope(purpose, command, context) or _unwritten(purpose, command.evidence)
    return wrong or (
        ConsentGranted(
            purpose=purpose,
            recipients=command.recipients,
            clause=command.clause,
            granted_on=context.business_date,
            expires_on=command.expires_on,
            uses=command.uses,
            evidence=command.evidence,
        ),
    )


def _decline(command: DeclineConsent, state: ConsentState, context: Context) -> Answer:
    return (ConsentDeclined(channel=command.channel),)


def _renew(command: RenewConsent, state: ConsentState, context: Context) -> Answer:
    """A renewal may be in the words of a newer clause; a request that ran out was never granted, and is over."""
    purpose, until = state.purpose, state.expires_on
    if until is None:
        return CLOSED(phase=state.phase)
    assert purpose is not None, "a consent that was granted has a purpose"
    if state.version > RENEWALS_MAX:
        return RENEWALS_FULL(limit=RENEWALS_MAX)
    if (passed := _passed(command.expires_on, context)) is not None:
        return passed
    if command.expires_on <= until:
        return NOT_LATER(expires_on=until, got=command.expires_on)
    return _unwritten(purpose, command.evidence) or (
        ConsentRenewed(
            clause=command.clause,
            renewed_on=context.business_date,
            expires_on=command.expires_on,
            evidence=command.evidence,
        ),
    )


def _withdraw(command: WithdrawConsent, state: ConsentState, context: Context) -> Answer:
    return (ConsentWithdrawn(withdrawn_on=context.business_date, channel=command.channel),)


def _expire(command: ExpireConsent, state: ConsentState, context: Context) -> Answer:
    """What was granted runs out on its own last day, what was only asked for on the day it was asked until."""
    until = state.expires_on or state.asked_until
    assert until is not None, "an open consent has a last day"
    if context.business_date <= until:
        return NOT_YET_EXPIRED(expires_on=until, business_date=context.business_date)
    return (ConsentExpired(business_date=context.business_date),)


def _wrong_scope(purpose: Purpose, command: RequestConsent | GrantConsent, context: Context) -> Refusal | None:
    if any(len(set(names)) < len(names) for names in (command.recipients, command.uses)):
        return RECIPIENT_TWICE()
    if purpose in WITH_USES and not command.uses:
        return USES_MISSING(purpose=purpose)
    return _passed(command.expires_on, context)


def _passed(expires_on: date, context: Context) -> Refusal | None:
    today = context.business_date
    return EXPIRY_PASSED(expires_on=expires_on, business_date=today) if expires_on < today else None


def _unwritten(purpose: Purpose, evidence: str | None) -> Refusal | None:
    return NOT_IN_WRITING(purpose=purpose) if purpose in IN_WRITING and evidence is None else None


def _beyond(command: GrantConsent, state: ConsentState) -> Refusal | None:
    """Less than what was asked for may be granted, more may not."""
    more = sorted({*command.recipients} - {*state.recipients}) + sorted({*command.uses} - {*state.uses})
    if state.asked_until is not None and command.expires_on > state.asked_until:
        more.append(str(command.expires_on))
    return BEYOND_REQUEST(more=" ".join(more)) if more else None


# -------------------------------------------------------------------------------------------------------------- evolve


def _requested(state: ConsentState, event: ConsentRequested) -> ConsentState:
    return replace(
        state,
        phase=ConsentPhase.REQUESTED,
        subject=event.subject,
        purpose=event.purpose,
        recipients=event.recipients,
        uses=event.uses,
        clause=event.clause,
        asked_until=event.expires_on,
    )


def _granted(state: ConsentState, event: ConsentGranted) -> ConsentState:
    return replace(
        state,
        phase=ConsentPhase.GRANTED,
        purpose=event.purpose,
        recipients=event.recipients,
        uses=event.uses,
        clause=event.clause,
        periods=(*state.periods, Period(event.granted_on, event.expires_on)),
    )


def _renewed(state: ConsentState, event: ConsentRenewed) -> ConsentState:
    """A renewal in time prolongs the last period; a late one begins another and leaves the gap a gap."""
    last = state.periods[-1] if state.periods else None
    if last is not None and event.renewed_on <= last.last:
        periods = (*state.periods[:-1], Period(last.first, event.expires_on))
    else:
        periods = (*state.periods, Period(event.renewed_on, event.expires_on))
    return replace(state, phase=ConsentPhase.GRANTED, clause=event.clause, periods=periods)


def _withdrawn(state: ConsentState, event: ConsentWithdrawn) -> ConsentState:
    return replace(state, phase=ConsentPhase.WITHDRAWN, withdrawn_on=event.withdrawn_on)


def _ended(phase: ConsentPhase) -> Callable[[ConsentState, Event], ConsentState]:
    return lambda state, event: replace(state, phase=phase)


_REQUESTED, _GRANTED = frozenset({ConsentPhase.REQUESTED}), frozenset({ConsentPhase.GRANTED})
_OVER = frozenset({ConsentPhase.DECLINED, ConsentPhase.WITHDRAWN, ConsentPhase.EXPIRED})

CONSENT = Decider(
    name="consent",
    initial=ConsentState(),
    unknown=UNKNOWN,
    closed=(_OVER, CLOSED),
    rules={
        RequestConsent: Rule(ABSENT, EXISTS, _request),
        GrantConsent: Rule(_REQUESTED, NOT_REQUESTED, _grant),
        DeclineConsent: Rule(_REQUESTED, NOT_REQUESTED, _decline),
        RenewConsent: Rule(_GRANTED | {ConsentPhase.EXPIRED}, NOT_RENEWABLE, _renew),
        WithdrawConsent: Rule(_GRANTED, NOT_GRANTED, _withdraw),
        ExpireConsent: Rule(_REQUESTED | _GRANTED, CLOSED, _expire),
    },
    evolve={
        ConsentRequested: _requested,
        ConsentGranted: _granted,
        ConsentDeclined: _ended(ConsentPhase.DECLINED),
        ConsentRenewed: _renewed,
        ConsentWithdrawn: _withdrawn,
        ConsentExpired: _ended(ConsentPhase.EXPIRED),
    },
    timers=(
        TimerKind(
            name="consent_expiry",
            order=20,
            command=lambda timer, day: ExpireConsent(),
            changes=expire("expires_on", ConsentRequested, ConsentGranted, ConsentRenewed)
            | all_close(ConsentDeclined, ConsentWithdrawn, ConsentExpired),
        ),
    ),
)
