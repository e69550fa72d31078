"""Cross rules of access: a key is of an active user who has its role."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from domain.access.api_key import ROLE_NOT_OF_USER, USER_NOT_ACTIVE, MakeApiKey, RotateApiKey
from domain.access.user import USER, UserPhase, UserState
from domain.kernel.needs import CrossRule, Facts, Need, Proposal, StreamState
from domain.kernel.refusal import Refusal


def _of(proposal: Proposal) -> tuple[UUID, str]:
    """The user and the role of the key that is made or changed."""
    key = proposal.command if isinstance(proposal.command, MakeApiKey) else proposal.state
    return key.user, key.role


def _needs(proposal: Proposal, _: Facts) -> Iterable[Need]:
    return (StreamState(USER.name, _of(proposal)[0]),)


def _has_its_role(proposal: Proposal, facts: Facts) -> Refusal | None:
    user, role = _of(proposal)
    state: UserState | None = facts[StreamState(USER.name, user)]
    if state is None or state.phase is not UserPhase.ACTIVE:
        return USER_NOT_ACTIVE()
    return None if role in state.roles else ROLE_NOT_OF_USER(role=role)


CrossRule(MakeApiKey, _needs, _has_its_role)
CrossRule(RotateApiKey, _needs, _has_its_role)
