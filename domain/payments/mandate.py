"""Mandate (代扣授权): a lessee's standing order to debit what falls due under one lease.

    Absent ─granted─▶ Granted ─suspended─▶ Suspended ─resumed─▶ Granted
      ▲                  │                     │
      │                  └──────────┬──────────┘
      └── granted again ── Revoked | Expired

One stream for each lease. Nothing is debited without a mandate that stands on that day; one that is live when its
lease is settled ends with it. A mandate that ended is replaced by granting again, with another reference if it is
another paper.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from enum import StrEnum
from typing import Annotated
from uuid import UUID, uuid5

from msgspec import Meta
from msgspec.structs import replace

from domain.kernel.command import Command, Context
from domain.kernel.decider import ABSENT, Answer, Decider, Rule, State
from domain.kernel.event import Event, event_type
from domain.kernel.fields import LeaseField, OptionalEvidenceField, ReasonField, ReferenceField
from domain.kernel.ids import looks_personal
from domain.kernel.money import Amount
from domain.kernel.refusal import Refusal, refusal
from domain.kernel.timer import TimerKind, all_close, expire
from domain.kernel.values import Code, Digest, Reference
from domain.payments.payment.values import CollectionPolicy

# -------------------------------------------------------------------------------------------------------------- events


@event_type("mandate.granted.v1")
class MandateGranted(Event, frozen=True):
    """The lessee allows debits from this business date on.

    `reference` is the tenant's number of the paper, `limit_fen` the most that one debit may ask, `valid_until` the last
    day of it, `evidence` SHA-256 of the record of the lessee's act.
    """

    lease: UUID
    reference: Reference
    policy: CollectionPolicy
    granted_on: date
    limit_fen: Amount | None = None
    valid_until: date | None = None
    evidence: Digest | None = None


@event_type("mandate.suspended.v1")
class MandateSuspended(Event, frozen=True):
    """Nothing is debited for the time being."""

    reason: Code


@event_type("mandate.resumed.v1")
class MandateResumed(Event, frozen=True):
    """Debits go on."""


@event_type("mandate.revoked.v1")
class MandateRevoked(Event, frozen=True):
    """The lessee, or the lessee's bank, ended the mandate, or it ended with its lease; nothing is debited any more."""

    revoked_on: date
    reason: Code


@event_type("mandate.expired.v1")
class MandateExpired(Event, frozen=True):
    """The last day of the mandate has passed."""

    business_date: date


# --------------------------------------------------------------------------------------------------------------- state


class MandatePhase(StrEnum):
    """The state machine's states; `ABSENT` is the empty stream."""

    ABSENT = "absent"
    GRANTED = "granted"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    EXPIRED = "expired"


LIVE = frozenset({MandatePhase.GRANTED, MandatePhase.SUSPENDED})
"""The mandate has not ended; only a granted one permits debits."""


class MandateState(State, frozen=True, kw_only=True):
    """One mandate: the terms that were granted last."""

    phase: MandatePhase = MandatePhase.ABSENT
    lease: UUID | None = None
    reference: str = ""
    policy: CollectionPolicy | None = None
    limit_fen: int | None = None
    valid_until: date | None = None


# ------------------------------------------------------------------------------------------------------------ commands


class GrantMandate(Command, frozen=True):
    """Record that the lessee allows debits: how they are tried, up to which amount each, until which day."""

    lease: LeaseField
    reference: ReferenceField
    policy: Annotated[CollectionPolicy, Meta(description="How each debit under the mandate is tried again.")]
    limit_fen: Annotated[
        Amount | None, Meta(description="The most that one debit may ask for, in fen; no limit without it.")
    ] = None
    valid_until: Annotated[
        date | None, Meta(description="Last business date of the mandate; without it, until it is revoked.")
    ] = None
    evidence: OptionalEvidenceField = None


class SuspendMandate(Command, frozen=True):
    """Debit nothing for the time being."""

    reason: ReasonField


class ResumeMandate(Command, frozen=True):
    """Debit again."""


class RevokeMandate(Command, frozen=True):
    """Record that the lessee, or the lessee's bank, ended the mandate."""

    reason: ReasonField


class ExpireMandate(Command, frozen=True):
    """End a mandate whose last day has passed."""


# ------------------------------------------------------------------------------------------------------------ refusals

UNKNOWN = refusal("mandate.unknown", "There is no such mandate", "代扣授权不存在")
EXISTS = refusal("mandate.exists", "A mandate stands already for this lease", "该租赁已有有效的代扣授权")
CLOSED = refusal("mandate.closed", "The mandate has ended", "代扣授权已终止")
NOT_GRANTED = refusal("mandate.not_granted", "The mandate does not stand", "代扣授权不在有效状态")
NOT_SUSPENDED = refusal("mandate.not_suspended", "The mandate is not suspended", "代扣授权未被暂停")
REFERENCE_PERSONAL = refusal(
    "mandate.reference_personal",
    "The reference looks like an identity or mobile number; personal data never enters the ledger",
    "授权编号疑似身份证号或手机号；个人信息不得进入账本",
)
LEASE_DIFFERS = refusal("mandate.lease_differs", "The mandate belongs to another lease", "代扣授权属于另一笔租赁")
CHANNELS_REPEAT = refusal("mandate.channels_repeat", "A channel stands only once in a policy", "策略中渠道不得重复")
LIMIT_TOO_SMALL = refusal(
    "mandate.limit_too_small",
    "The limit of a debit is below the least amount that the policy collects",
    "单笔限额低于策略的最低扣款金额",
)
VALIDITY_PASSED = refusal("mandate.validity_passed", "The last day of the mandate has passed", "代扣授权的有效期已过")
NOT_YET_EXPIRED = refusal("mandate.not_yet_expired", "The last day of the mandate has not passed", "代扣授权尚未到期")
REFERENCE_DIFFERS = refusal(
    "mandate.reference_differs", "The mandate that stands has another reference", "有效的代扣授权编号与所给不符"
)
BEYOND_LIMIT = refusal(
    "mandate.beyond_limit", "One debit may not ask for more than the lessee allowed", "单笔扣款超过承租人授权的限额"
)


# --------------------------------------------------------------------------------------------------------------- rules


def _grant(command: GrantMandate, state: MandateState, context: Context) -> Answer:
    if state.lease is not None and command.lease != state.lease:
        return LEASE_DIFFERS()
    if looks_personal(command.reference):
        return REFERENCE_PERSONAL()
    policy, limit_fen = command.policy, command.limit_fen
    if len(set(policy.channels)) != len(policy.channels):
        return CHANNELS_REPEAT(channels=" ".join(policy.channels))
    if limit_fen is not None and limit_fen < policy.minimum_fen:
        return LIMIT_TOO_SMALL(limit_fen=limit_fen, minimum_fen=policy.minimum_fen)
    if command.valid_until is not None and command.valid_until < context.business_date:
        return VALIDITY_PASSED(valid_until=command.valid_until, business_date=context.business_date)
    return (
        MandateGranted(
            lease=command.lease,
            reference=command.reference,
            policy=policy,
            granted_on=context.business_date,
            limit_fen=limit_fen,
            valid_until=command.valid_until,
            evidence=command.evidence,
        ),
    )


def _suspend(command: SuspendMandate, state: MandateState, context: Context) -> Answer:
    return (MandateSuspended(reason=command.reason),)


def _resume(command: ResumeMandate, state: MandateState, context: Context) -> Answer:
    if state.valid_until is not None and state.valid_until < context.business_date:
        return VALIDITY_PASSED(valid_until=state.valid_until, business_date=context.business_date)
    return (MandateResumed(),)


def _revoke(command: RevokeMandate, state: MandateState, context: Context) -> Answer:
    return (MandateRevoked(revoked_on=context.business_date, reason=command.reason),)


def _expire(command: ExpireMandate, state: MandateState, context: Context) -> Answer:
    if state.valid_until is None or context.business_date <= state.valid_until:
        return NOT_YET_EXPIRED(valid_until=state.valid_until, business_date=context.business_date)
    return (MandateExpired(business_date=context.business_date),)


def permits(state: MandateState, reference: str, amount_fen: int, on: date) -> Refusal | None:
    """Why a debit under a mandate with this reference may not be made on a day; `None` when it may."""
    if state.phase is not MandatePhase.GRANTED:
        return NOT_GRANTED(phase=state.phase)
    if state.valid_until is not None and state.valid_until < on:
        return VALIDITY_PASSED(valid_until=state.valid_until, business_date=on)
    if state.reference != reference:
        return REFERENCE_DIFFERS(expected=state.reference, got=reference)
    if state.limit_fen is not None and amount_fen > state.limit_fen:
        return BEYOND_LIMIT(limit_fen=state.limit_fen, amount_fen=amount_fen)
    return None


# -------------------------------------------------------------------------------------------------------------- evolve


def _granted(state: MandateState, event: MandateGranted) -> MandateState:
    return replace(
        state,
        phase=MandatePhase.GRANTED,
        lease=event.lease,
        reference=event.reference,
        policy=event.policy,
        limit_fen=event.limit_fen,
        valid_until=event.valid_until,
    )


def _to(phase: MandatePhase) -> Callable[[MandateState, Event], MandateState]:
    return lambda state, event: replace(state, phase=phase)


# ------------------------------------------------------------------------------------------------------------- decider

_GRANTED = frozenset({MandatePhase.GRANTED})
_OVER = frozenset({MandatePhase.REVOKED, MandatePhase.EXPIRED})

MANDATE = Decider(
    name="mandate",
    initial=MandateState(),
    unknown=UNKNOWN,
    closed=(_OVER, CLOSED),
    rules={
        GrantMandate: Rule(_OVER | ABSENT, EXISTS, _grant),
        SuspendMandate: Rule(_GRANTED, NOT_GRANTED, _suspend),
        ResumeMandate: Rule(frozenset({MandatePhase.SUSPENDED}), NOT_SUSPENDED, _resume),
        RevokeMandate: Rule(LIVE, CLOSED, _revoke),
        ExpireMandate: Rule(LIVE, CLOSED, _expire),
    },
    evolve={
        MandateGranted: _granted,
        MandateSuspended: _to(MandatePhase.SUSPENDED),
        MandateResumed: _to(MandatePhase.GRANTED),
        MandateRevoked: _to(MandatePhase.REVOKED),
        MandateExpired: _to(MandatePhase.EXPIRED),
    },
    timers=(
        TimerKind(
            name="mandate_expiry",
            order=25,
            command=lambda timer, day: ExpireMandate(),
            changes=expire("valid_until", MandateGranted) | all_close(MandateRevoked, MandateExpired),
        ),
    ),
)


def mandate_stream(lease: UUID) -> UUID:
    """The stream of a lease's mandate: one, whoever derives it."""
    return uuid5(lease, MANDATE.name)
