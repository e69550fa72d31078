"""Cross rules of access: whose a key is, who registers tenants, who may be the second person."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from msgspec import UNSET

from domain.access.api_key import API_KEY, ROLE_NOT_OF_USER, USER_NOT_ACTIVE, ApiKeyState, MakeApiKey, RotateApiKey
from domain.access.proposal import ENROLLED_BY_PROPOSER, PROPOSER_GONE, ApproveProposal
from domain.access.tenant import NOT_OWNER, RegisterTenant, ReinstateTenant, SuspendTenant
from domain.access.user import ITSELF, USER, GrantRole, ReinstateUser, SuspendUser, UserPhase, UserState, WithdrawRole
from domain.access.values import user_of
from domain.kernel.ids import IdError, parse_id
from domain.kernel.needs import CrossRule, Facts, Need, Proposal, Reference, StreamState
from domain.kernel.refusal import Refusal

OWNER = Reference("ledger.owner")
"""The tenant that runs the log."""


def _of(proposal: Proposal) -> tuple[UUID, str]:
    """The user and the role of the key that is made or changed."""
    key = proposal.command if isinstance(proposal.command, MakeApiKey) else proposal.state
    return key.user, key.role


def _user_needs(proposal: Proposal, _: Facts) -> Iterable[Need]:
    return (StreamState(USER.name, _of(proposal)[0]),)


def _has_its_role(proposal: Proposal, facts: Facts) -> Refusal | None:
    user, role = _of(proposal)
    state: UserState | None = facts[StreamState(USER.name, user)]
    if state is None or state.phase is not UserPhase.ACTIVE:
        return USER_NOT_ACTIVE()
    return None if role in state.roles else ROLE_NOT_OF_USER(role=role)


def _owner_needs(_: Proposal, __: Facts) -> Iterable[Need]:
    return (OWNER,)


def _by_the_owner(proposal: Proposal, facts: Facts) -> Refusal | None:
    return None if facts[OWNER] == proposal.context.tenant else NOT_OWNER()


def _nothing(_: Proposal, __: Facts) -> Iterable[Need]:
    return ()


def _not_itself(proposal: Proposal, _: Facts) -> Refusal | None:
    return ITSELF() if user_of(proposal.context.actor.id) == proposal.stream else None


def _persons_needs(proposal: Proposal, _: Facts) -> Iterable[Need]:
    """The user who proposed, the user who approves, the key that the latter acts by."""
    for actor in (proposal.state.proposed_by, proposal.context.actor.id):
        if (user := user_of(actor)) is not None:
            yield StreamState(USER.name, user)
    if (key := _key(proposal)) is not None:
        yield StreamState(API_KEY.name, key)


def _two_persons(proposal: Proposal, facts: Facts) -> Refusal | None:
    proposer: UserState | None = _user(proposal.state.proposed_by, facts)
    if proposer is None or proposer.phase is not UserPhase.ACTIVE or proposal.state.role not in proposer.roles:
        return PROPOSER_GONE()
    approver: UserState | None = _user(proposal.context.actor.id, facts)
    key: ApiKeyState | None = None if (of := _key(proposal)) is None else facts[StreamState(API_KEY.name, of)]
    made = proposal.state.proposed_by
    if approver is None or made in approver.enrolled_by or (key is not None and key.shown_to == made):
        return ENROLLED_BY_PROPOSER()
    return None


def _user(actor: str, facts: Facts) -> UserState | None:
    user = user_of(actor)
    return None if user is None else facts[StreamState(USER.name, user)]


def _key(proposal: Proposal) -> UUID | None:
    via = proposal.context.actor.via
    try:
        return None if via is UNSET else parse_id(API_KEY.name, via)
    except IdError:
        return None


CrossRule(MakeApiKey, _user_needs, _has_its_role)
CrossRule(RotateApiKey, _user_needs, _has_its_role)
CrossRule(RegisterTenant, _owner_needs, _by_the_owner)
CrossRule(SuspendTenant, _owner_needs, _by_the_owner)
CrossRule(ReinstateTenant, _owner_needs, _by_the_owner)
CrossRule(GrantRole, _nothing, _not_itself)
CrossRule(WithdrawRole, _nothing, _not_itself)
CrossRule(SuspendUser, _nothing, _not_itself)
CrossRule(ReinstateUser, _nothing, _not_itself)
CrossRule(ApproveProposal, _persons_needs, _two_persons)
