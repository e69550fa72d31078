"""User (用户): a person or a machine that acts for a tenant, with its roles.

    Absent ─registered─▶ Active ⇄ Suspended
                         role_granted, role_withdrawn

Every key belongs to one user, and every event says which user acted: `person_` or `machine_` and the user's hex digits.
What needs a second person needs a second user; a person is registered once, however many keys it has. Names of persons
stand nowhere here: a label is a staff number or the name of a till.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import Meta
from msgspec.structs import replace

from domain.access.values import GIVEN_BY, ROLES_MAX, STAFF_NUMBER, ActorId, Label, UserRole, is_person, vouches
from domain.kernel.command import SYSTEM, Actor, Command, Context
from domain.kernel.decider import ABSENT, Answer, Decider, Rule, State, without_phase
from domain.kernel.event import Event, event_type
from domain.kernel.fields import ReasonField
from domain.kernel.ids import format_id, looks_personal
from domain.kernel.refusal import Refusal, RefusalKind, refusal
from domain.kernel.values import Code


class UserKind(StrEnum):
    """Who a user is: somebody, or a program."""

    PERSON = "person"
    MACHINE = "machine"


Roles = Annotated[tuple[UserRole, ...], Meta(min_length=1, max_length=ROLES_MAX)]


@event_type("user.registered.v1")
class UserRegistered(Event, frozen=True):
    """A user of the tenant: `label` is the tenant's own name of it, of a person a staff number; `roles` is what it may
    act as, sorted; `by` is who registered it. Who is `vouched` for was registered by whoever runs the ledger, or by
    two persons, and can be one of two itself.
    """

    kind: UserKind
    label: Label
    roles: Roles
    by: ActorId
    vouched: bool


@event_type("user.role_granted.v1")
class UserRoleGranted(Event, frozen=True):
    """The user may act in a further role, as `by` said; `vouched` is as of a registration."""

    role: UserRole
    by: ActorId
    vouched: bool


@event_type("user.role_withdrawn.v1")
class UserRoleWithdrawn(Event, frozen=True):
    """The user may no longer act in a role: its keys of that role no longer work."""

    role: UserRole


@event_type("user.suspended.v1")
class UserSuspended(Event, frozen=True):
    """No key of the user works."""

    reason: Code


@event_type("user.reinstated.v1")
class UserReinstated(Event, frozen=True):
    """The user's keys work again."""


class UserPhase(StrEnum):
    """The state machine's states; `ABSENT` is the empty stream."""

    ABSENT = "absent"
    ACTIVE = "active"
    SUSPENDED = "suspended"


class UserState(State, frozen=True, kw_only=True):
    """One user."""

    phase: UserPhase = UserPhase.ABSENT
    kind: UserKind = UserKind.MACHINE
    label: str = ""
    roles: tuple[str, ...] = ()
    enrolled_by: tuple[str, ...] = ()
    vouched: tuple[str, ...] = ()


class RegisterUser(Command, frozen=True):
    """Register a person or a machine that acts for the tenant."""

    kind: Annotated[UserKind, Meta(description="Whether it is a person or a machine.")]
    label: Annotated[Label, Meta(description="The tenant's own name of the user, such as a staff number; no name.")]
    roles: Annotated[Roles, Meta(description="What the user may act as.")]


class GrantRole(Command, frozen=True):
    """Let a user act in a further role."""

    role: Annotated[UserRole, Meta(description="The role.")]


class WithdrawRole(Command, frozen=True):
    """Let a user no longer act in a role."""

    role: Annotated[UserRole, Meta(description="The role.")]


class SuspendUser(Command, frozen=True):
    """Let no key of a user work."""

    reason: ReasonField


class ReinstateUser(Command, frozen=True):
    """Let a suspended user's keys work again."""


UNKNOWN = refusal("user.unknown", "There is no such user", "没有该用户")
KNOWN = refusal("user.known", "The user is registered already", "该用户已登记")
OTHER_STATE = refusal("user.wrong_state", "The user is not in a state for this", "用户当前状态不允许此操作")
LABEL_PERSONAL = refusal("user.label_personal", "A label must not hold a number of a person", "标签不得包含个人号码")
NO_STAFF_NUMBER = refusal(
    "user.no_staff_number",
    "A person's label is a staff number: up to four capital letters and digits, such as E017",
    "自然人的标签须为工号：最多四个大写字母加数字，例如 E017",
)
PERSON_NEEDED = refusal(
    "user.person_needed", "Persons look after users and keys, not machines", "用户与密钥须由自然人管理"
)
ROLE_NOT_YOURS = refusal(
    "user.role_not_yours", "Your role may not give or take this role", "您的角色不能授予或收回该角色"
)
HAS_ROLE = refusal("user.has_role", "The user has this role already", "用户已有该角色")
LACKS_ROLE = refusal("user.lacks_role", "The user does not have this role", "用户没有该角色")
ITSELF = refusal("user.itself", "Nobody decides about himself", "不能对自己作出此操作")
LAST_ROLE = refusal(
    "user.last_role", "It is the user's only role; suspend the user instead", "这是该用户唯一的角色，请改为停用该用户"
)


def actor_of(user: UUID, kind: str, role: str, via: str) -> Actor:
    """As events name a user who acts in a role by a key."""
    return Actor(role, format_id(kind, user), via)


def _register(command: RegisterUser, state: UserState, context: Context) -> Answer:
    if (refused := keeper_refused(context.actor)) is not None:
        return refused
    if looks_personal(command.label):
        return LABEL_PERSONAL()
    if command.kind is UserKind.PERSON and not STAFF_NUMBER.fullmatch(command.label):
        return NO_STAFF_NUMBER()
    roles = tuple(sorted(set(command.roles)))
    refused = _not_all_given(roles, context)
    return (_registered_by(command, roles, context),) if refused is None else refused


def _registered_by(command: RegisterUser, roles: tuple[UserRole, ...], context: Context) -> UserRegistered:
    return UserRegistered(
        kind=command.kind,
        label=command.label,
        roles=roles,
        by=context.actor.id,
        vouched=vouches(context.actor, context.proposed_by),
    )


def _grant(command: GrantRole, state: UserState, context: Context) -> Answer:
    if (refused := _not_given(command.role, context)) is not None:
        return refused
    if command.role in state.roles:
        return HAS_ROLE(role=command.role)
    vouched = vouches(context.actor, context.proposed_by)
    return (UserRoleGranted(role=command.role, by=context.actor.id, vouched=vouched),)


def _withdraw(command: WithdrawRole, state: UserState, context: Context) -> Answer:
    if (refused := _not_given(command.role, context)) is not None:
        return refused
    if command.role not in state.roles:
        return LACKS_ROLE(role=command.role)
    return LAST_ROLE() if len(state.roles) == 1 else (UserRoleWithdrawn(role=command.role),)


def _suspend(command: SuspendUser, state: UserState, context: Context) -> Answer:
    refused = _not_all_given(state.roles, context)
    return (UserSuspended(reason=command.reason),) if refused is None else refused


def _reinstate(command: ReinstateUser, state: UserState, context: Context) -> Answer:
    refused = _not_all_given(state.roles, context)
    return (UserReinstated(),) if refused is None else refused


def keeper_refused(actor: Actor) -> Refusal | None:
    """Why an actor may not look after users and keys: a machine could make itself persons."""
    return None if actor.role == SYSTEM or is_person(actor.id) else PERSON_NEEDED()


def role_refused(role: str, context: Context, not_yours: RefusalKind) -> Refusal | None:
    """Why an actor may not give or take a role, or look after its keys; `not_yours` says that of its own role."""
    if (refused := keeper_refused(context.actor)) is not None:
        return refused
    by = context.actor.role
    return None if role in GIVEN_BY.get(by, frozenset()) else not_yours(by=by, role=role)


def _not_given(role: str, context: Context) -> Refusal | None:
    return role_refused(role, context, ROLE_NOT_YOURS)


def _not_all_given(roles: Iterable[str], context: Context) -> Refusal | None:
    """Who could not have given all roles of a user decides nothing about it."""
    return next((refused for role in roles if (refused := _not_given(role, context)) is not None), None)


def _registered(state: UserState, event: UserRegistered) -> UserState:
    return replace(
        state,
        phase=UserPhase.ACTIVE,
        kind=event.kind,
        label=event.label,
        roles=event.roles,
        enrolled_by=(event.by,),
        vouched=tuple(event.roles) if event.vouched else (),
    )


def _role_granted(state: UserState, event: UserRoleGranted) -> UserState:
    return replace(
        state,
        roles=tuple(sorted({*state.roles, event.role})),
        enrolled_by=tuple(sorted({*state.enrolled_by, event.by})),
        vouched=tuple(sorted({*state.vouched, *([event.role] if event.vouched else [])})),
    )


def _role_withdrawn(state: UserState, event: UserRoleWithdrawn) -> UserState:
    return replace(
        state,
        roles=tuple(role for role in state.roles if role != event.role),
        vouched=tuple(role for role in state.vouched if role != event.role),
    )


def _suspended(state: UserState, event: UserSuspended) -> UserState:
    return replace(state, phase=UserPhase.SUSPENDED)


def _reinstated(state: UserState, event: UserReinstated) -> UserState:
    return replace(state, phase=UserPhase.ACTIVE)


_ACTIVE = frozenset({UserPhase.ACTIVE})

USER = Decider(
    name="user",
    initial=UserState(),
    rules={
        RegisterUser: Rule(ABSENT, without_phase(KNOWN), _register),
        GrantRole: Rule(_ACTIVE, OTHER_STATE, _grant),
        WithdrawRole: Rule(_ACTIVE, OTHER_STATE, _withdraw),
        SuspendUser: Rule(_ACTIVE, OTHER_STATE, _suspend),
        ReinstateUser: Rule(frozenset({UserPhase.SUSPENDED}), OTHER_STATE, _reinstate),
    },
    evolve={
        UserRegistered: _registered,
        UserRoleGranted: _role_granted,
        UserRoleWithdrawn: _role_withdrawn,
        UserSuspended: _suspended,
        UserReinstated: _reinstated,
    },
    unknown=UNKNOWN,
)
