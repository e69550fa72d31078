"""Cross rules of access: whose a key is, who registers tenants, who may be the second person."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from domain.access.api_key import (
    API_KEY,
    ROLE_NOT_OF_USER,
    USER_NOT_ACTIVE,
    ApiKeyPhase,
    ApiKeyState,
    MakeApiKey,
    RotateApiKey,
)
from domain.access.proposal import (
    APPROVER_GONE,
    NOT_INDEPENDENT,
    NOT_VOUCHED,
    PROPOSER_GONE,
    ApproveProposal,
    MakeProposal,
    key_of,
)
from domain.access.tenant import NOT_OWNER, RegisterTenant, ReinstateTenant, SuspendTenant
from domain.access.user import ITSELF, USER, GrantRole, ReinstateUser, SuspendUser, UserPhase, UserState, WithdrawRole
from domain.access.values import user_of
from domain.kernel.command import Actor
from domain.kernel.needs import Candidate, CrossRule, Facts, Need, Reference, StreamState
from domain.kernel.refusal import Refusal

OWNER = Reference("ledger.owner")
"""The tenant that runs the log."""


def _of(candidate: Candidate) -> tuple[UUID, str]:
    """The user and the role of the key that is made or changed."""
    key = candidate.command if isinstance(candidate.command, MakeApiKey) else candidate.state
    return key.user, key.role


def _user_needs(candidate: Candidate, _: Facts) -> Iterable[Need]:
    return (StreamState(USER.name, _of(candidate)[0]),)


def _has_its_role(candidate: Candidate, facts: Facts) -> Refusal | None:
    user, role = _of(candidate)
    state: UserState | None = facts[StreamState(USER.name, user)]
    if state is None or state.phase is not UserPhase.ACTIVE:
        return USER_NOT_ACTIVE()
    return None if role in state.roles else ROLE_NOT_OF_USER(role=role)


def _owner_needs(_: Candidate, __: Facts) -> Iterable[Need]:
    return (OWNER,)


def _by_the_owner(candidate: Candidate, facts: Facts) -> Refusal | None:
    return None if facts[OWNER] == candidate.context.tenant else NOT_OWNER()


def _nothing(_: Candidate, __: Facts) -> Iterable[Need]:
    return ()


def _not_itself(candidate: Candidate, _: Facts) -> Refusal | None:
    return ITSELF() if user_of(candidate.context.actor.id) == candidate.stream else None


def _acting(actor: str, key: UUID | None) -> tuple[StreamState, ...]:
    """The user and the key of somebody who acts."""
    user = user_of(actor)
    assert user is not None, "only persons come so far"
    return (StreamState(USER.name, user), *([] if key is None else [StreamState(API_KEY.name, key)]))


def _proposer_needs(candidate: Candidate, _: Facts) -> Iterable[Need]:
    return _acting(candidate.context.actor.id, key_of(candidate.context.actor))


def _proposer_vouched(candidate: Candidate, facts: Facts) -> Refusal | None:
    who = _of_actor(candidate.context.actor)
    if not _acts(*who, facts):
        return PROPOSER_GONE()
    return None if _vouched(*who, facts) else NOT_VOUCHED()


def _persons_needs(candidate: Candidate, _: Facts) -> Iterable[Need]:
    actor = candidate.context.actor
    return (*_acting(candidate.state.proposed_by, candidate.state.key), *_acting(actor.id, key_of(actor)))


def _two_persons(candidate: Candidate, facts: Facts) -> Refusal | None:
    """Each is a person of its own, as far as the ledger can know."""
    made, actor = candidate.state, candidate.context.actor
    first, second = (made.proposed_by, made.role, made.key), _of_actor(actor)
    if not _acts(*first, facts):
        return PROPOSER_GONE()
    if not _acts(*second, facts):
        return APPROVER_GONE()
    if not (_vouched(*first, facts) and _vouched(*second, facts)):
        return NOT_VOUCHED()
    met = _has_met(made.proposed_by, second, facts) or _has_met(actor.id, first, facts)
    return NOT_INDEPENDENT() if met else None


def _of_actor(actor: Actor) -> tuple[str, str, UUID | None]:
    """Who acts, in which role, by which key."""
    return actor.id, actor.role, key_of(actor)


def _acts(actor: str, role: str, key: UUID | None, facts: Facts) -> bool:
    """Whether somebody may act in this role now, by a key that nobody revoked: what a stolen one proposed or approves
    is nobody's. A key that expired meanwhile was its owner's to the end.
    """
    of_user, *of_key = _acting(actor, key)
    user: UserState | None = facts[of_user]
    keys: list[ApiKeyState | None] = [facts[one] for one in of_key]
    live = all(one is not None and one.phase is ApiKeyPhase.LIVE for one in keys)
    return user is not None and user.phase is UserPhase.ACTIVE and role in user.roles and live


def _vouched(actor: str, role: str, key: UUID | None, facts: Facts) -> bool:
    """Whether whoever runs the ledger, or two persons, made somebody a user in this role and gave it this key."""
    of_user, *of_key = _acting(actor, key)
    user: UserState | None = facts[of_user]
    keys: list[ApiKeyState | None] = [facts[one] for one in of_key]
    return user is not None and role in user.vouched and any(one is not None and one.vouched for one in keys)


def _has_met(one: str, other: tuple[str, str, UUID | None], facts: Facts) -> bool:
    """Whether one of two made the other a user, gave it a role, or saw the secret of its key."""
    of_user, *of_key = _acting(other[0], other[2])
    user: UserState | None = facts[of_user]
    seen = (facts[key].shown_to for key in of_key if facts[key] is not None)
    return (user is not None and one in user.enrolled_by) or any(one in who for who in seen)


CrossRule(MakeApiKey, _user_needs, _has_its_role)
CrossRule(RotateApiKey, _user_needs, _has_its_role)
CrossRule(RegisterTenant, _owner_needs, _by_the_owner)
CrossRule(SuspendTenant, _owner_needs, _by_the_owner)
CrossRule(ReinstateTenant, _owner_needs, _by_the_owner)
CrossRule(GrantRole, _nothing, _not_itself)
CrossRule(WithdrawRole, _nothing, _not_itself)
CrossRule(SuspendUser, _nothing, _not_itself)
CrossRule(ReinstateUser, _nothing, _not_itself)
CrossRule(MakeProposal, _proposer_needs, _proposer_vouched)
CrossRule(ApproveProposal, _persons_needs, _two_persons)
