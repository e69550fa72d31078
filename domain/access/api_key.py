"""API key (接口密钥): a secret by which a user acts in one of its roles, until it expires or is revoked.

    Absent ─made─▶ Live ─revoked─▶ Revoked
                   rotated (a new secret; the one before works on for a while)

Only SHA-256 digests of secrets are recorded; a secret is shown once, to whoever made it. A plain digest is enough: a
slow one protects what can be guessed, and nobody guesses 190 random bits. A key names its own stream, so that whoever
is asked to let it in reads this stream and no table beside it: what the ledger says is what works.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import Meta
from msgspec.structs import replace

from domain.access.user import UserPhase, UserState, role_refused
from domain.access.values import (
    SCOPES_MAX,
    ActorId,
    Instant,
    Label,
    Scope,
    UserRole,
    is_past,
    user_of,
    vouches,
)
from domain.kernel.command import SYSTEM, Command, Context
from domain.kernel.decider import ABSENT, Answer, Decider, Rule, State, without_phase
from domain.kernel.event import Event, event_type
from domain.kernel.fields import ReasonField
from domain.kernel.ids import looks_personal
from domain.kernel.refusal import Refusal, refusal
from domain.kernel.times import utc_text
from domain.kernel.values import Code, Digest

NOT_SHOWN = "not_shown"
"""Why a key is revoked that was made and could not be shown: nobody knows it."""

LIFE_DAYS_MAX = 366
OVERLAP_HOURS_MAX = 7 * 24
Scopes = Annotated[tuple[Scope, ...], Meta(max_length=SCOPES_MAX)]


@event_type("api_key.made.v1")
class ApiKeyMade(Event, frozen=True):
    """A key of a user: in which role it acts, and within that role for which permissions, sorted; none means all.

    Who is `vouched` for was given it by whoever runs the ledger, or by two persons.
    `digest` is SHA-256 of the key's whole text, `expires_at` the first instant at which it no longer works, `by` who
    made it and saw its secret.
    """

    user: UUID
    role: UserRole
    scopes: Scopes
    label: Label
    digest: Digest
    expires_at: Instant
    by: ActorId
    vouched: bool


@event_type("api_key.rotated.v1")
class ApiKeyRotated(Event, frozen=True):
    """The key has a new secret, which `by` saw, and a new end; the one of before works until `previous_until`."""

    digest: Digest
    previous_until: Instant
    expires_at: Instant
    by: ActorId
    vouched: bool


@event_type("api_key.revoked.v1")
class ApiKeyRevoked(Event, frozen=True):
    """The key works no longer, with any secret."""

    reason: Code


class ApiKeyPhase(StrEnum):
    """The state machine's states; `ABSENT` is the empty stream."""

    ABSENT = "absent"
    LIVE = "live"
    REVOKED = "revoked"


class ApiKeyState(State, frozen=True, kw_only=True):
    """One key; `previous` is the secret's digest before the last rotation."""

    phase: ApiKeyPhase = ApiKeyPhase.ABSENT
    user: UUID | None = None
    role: str = ""
    scopes: tuple[str, ...] = ()
    label: str = ""
    digest: str = ""
    expires_at: str = ""
    previous: str = ""
    previous_until: str = ""
    shown_to: tuple[str, ...] = ()
    vouched: bool = False
    never_shown: bool = False


class MakeApiKey(Command, frozen=True):
    """Make a key of a user."""

    user: UUID
    role: UserRole
    label: Label
    digest: Digest
    expires_at: Instant
    scopes: Scopes = ()


class RotateApiKey(Command, frozen=True):
    """Give a key a new secret."""

    digest: Digest
    previous_until: Instant
    expires_at: Instant


class RevokeApiKey(Command, frozen=True):
    """End a key's life."""

    reason: ReasonField


UNKNOWN = refusal("api_key.unknown", "There is no such key", "没有该密钥")
KNOWN = refusal("api_key.known", "The key was made already", "该密钥已创建")
REVOKED = refusal("api_key.revoked", "The key is revoked", "密钥已吊销")
REASON_RESERVED = refusal("api_key.reason_reserved", "This reason is the program's own", "该原因代码由程序保留")
EXPIRED = refusal("api_key.expired", "The key has expired; make another", "密钥已过期，请另行创建")
LABEL_PERSONAL = refusal("api_key.label_personal", "A label must not hold a number of a person", "标签不得包含个人号码")
LIFE_TOO_LONG = refusal("api_key.life_too_long", "A key lives for a year at most", "密钥有效期最长一年")
LIFE_PAST = refusal(
    "api_key.life_past", "A key ends after the instant at which it is made", "密钥的失效时间须晚于创建时间"
)
OVERLAP_TOO_LONG = refusal(
    "api_key.overlap_too_long",
    "The secret of before works on for a week at most",
    "旧密钥最多继续有效一周",
)
USER_NOT_ACTIVE = refusal("api_key.user_not_active", "Its user is not active in this tenant", "其用户在本租户中未启用")
ROLE_NOT_OF_USER = refusal(
    "api_key.role_not_of_user", "Its user does not have the key's role", "其用户没有该密钥的角色"
)
SCOPE_NOT_YOURS = refusal(
    "api_key.scope_not_yours",
    "Who makes or changes a key must have all that the key may",
    "创建或变更密钥者须具备该密钥的全部权限",
)
SCOPE_NOT_OF_ROLE = refusal(
    "api_key.scope_not_of_role",
    "The role of the key has no such permission",
    "该密钥的角色不具备此权限",
)
ROLE_NOT_YOURS = refusal(
    "api_key.role_not_yours",
    "Your role may not make, change or end keys of this role",
    "您的角色不能创建、变更或吊销该角色的密钥",
)


def accepts(key: ApiKeyState, digest: str, now: datetime) -> bool:
    """Whether a secret of this digest opens at this instant."""
    if key.phase is not ApiKeyPhase.LIVE or is_past(key.expires_at, now):
        return False
    previous = bool(key.previous) and not is_past(key.previous_until, now)
    # How long it takes to compare two digests tells nothing about what they are digests of.
    return digest == key.digest or (previous and digest == key.previous)


def acts(key: ApiKeyState, user: UserState) -> bool:
    """Whether the key's user may act in the key's role."""
    return user.phase is UserPhase.ACTIVE and key.role in user.roles


def _make(command: MakeApiKey, state: ApiKeyState, context: Context) -> Answer:
    if looks_personal(command.label):
        return LABEL_PERSONAL()
    refused = _not_yours(command.role, context) or _life(command.expires_at, context)
    if refused is not None:
        return refused
    made = ApiKeyMade(
        user=command.user,
        role=command.role,
        scopes=tuple(sorted(set(command.scopes))),
        label=command.label,
        digest=command.digest,
        expires_at=command.expires_at,
        by=context.actor.id,
        vouched=vouches(context.actor, context.proposed_by),
    )
    return (made,)


def _rotate(command: RotateApiKey, state: ApiKeyState, context: Context) -> Answer:
    if is_past(state.expires_at, context.now):
        return EXPIRED()
    refused = _not_yours(state.role, context) or _life(command.expires_at, context)
    if refused is not None:
        return refused
    if command.previous_until > utc_text(context.now + timedelta(hours=OVERLAP_HOURS_MAX)):
        return OVERLAP_TOO_LONG(hours=OVERLAP_HOURS_MAX)
    until = min(command.previous_until, state.expires_at)
    rotated = ApiKeyRotated(
        digest=command.digest,
        previous_until=until,
        expires_at=command.expires_at,
        by=context.actor.id,
        vouched=vouches(context.actor, context.proposed_by) or user_of(context.actor.id) == state.user,
    )
    return (rotated,)


def _revoke(command: RevokeApiKey, state: ApiKeyState, context: Context) -> Answer:
    if command.reason == NOT_SHOWN and context.actor.role != SYSTEM:
        return REASON_RESERVED(reason=NOT_SHOWN)
    return _not_yours(state.role, context) or (ApiKeyRevoked(reason=command.reason),)


def _not_yours(role: str, context: Context) -> Refusal | None:
    return role_refused(role, context, ROLE_NOT_YOURS)


def _life(expires_at: str, context: Context) -> Refusal | None:
    if is_past(expires_at, context.now):
        return LIFE_PAST()
    too_long = expires_at > utc_text(context.now + timedelta(days=LIFE_DAYS_MAX))
    return LIFE_TOO_LONG(days=LIFE_DAYS_MAX) if too_long else None


def _made(state: ApiKeyState, event: ApiKeyMade) -> ApiKeyState:
    return replace(
        state,
        phase=ApiKeyPhase.LIVE,
        user=event.user,
        role=event.role,
        scopes=event.scopes,
        label=event.label,
        digest=event.digest,
        expires_at=event.expires_at,
        shown_to=(event.by,),
        vouched=event.vouched,
    )


def _rotated(state: ApiKeyState, event: ApiKeyRotated) -> ApiKeyState:
    return replace(
        state,
        digest=event.digest,
        expires_at=event.expires_at,
        previous=state.digest,
        previous_until=event.previous_until,
        shown_to=tuple(sorted({*state.shown_to, event.by})),
        vouched=state.vouched and event.vouched,
    )


def _revoked(state: ApiKeyState, event: ApiKeyRevoked) -> ApiKeyState:
    return replace(state, phase=ApiKeyPhase.REVOKED, never_shown=event.reason == NOT_SHOWN)


_LIVE = frozenset({ApiKeyPhase.LIVE})

API_KEY = Decider(
    name="api_key",
    initial=ApiKeyState(),
    rules={
        MakeApiKey: Rule(ABSENT, without_phase(KNOWN), _make),
        RotateApiKey: Rule(_LIVE, without_phase(REVOKED), _rotate),
        RevokeApiKey: Rule(_LIVE, without_phase(REVOKED), _revoke),
    },
    evolve={ApiKeyMade: _made, ApiKeyRotated: _rotated, ApiKeyRevoked: _revoked},
    unknown=UNKNOWN,
)
