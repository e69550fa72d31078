"""Proposals: one row for each, for whoever waits for a second person or could be one; and what needs one."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from domain.access.approval import APPROVAL
from domain.access.proposal import PROPOSAL, ProposalPhase
from domain.kernel.fields import shown, states
from projections.engine.model import StateRow
from projections.engine.states import BY_ID, state_projection


class Proposal(StateRow, frozen=True, kw_only=True):
    """One proposal: which command to which stream, what was given of it, who proposed and who decided."""

    state: Annotated[str, states(ProposalPhase)]
    command: str
    target: UUID
    at_version: int
    given: str
    digest: str
    reason: str
    proposed_by: str
    decided_by: str
    expires_at: str


class Approval(StateRow, frozen=True, kw_only=True):
    """What a tenant wants two persons for; `commands` are joined by spaces."""

    commands: Annotated[str, shown(tuple[str, ...])]


APPROVALS = state_projection(
    APPROVAL, Approval, name="approvals", version=1, columns={"commands": lambda state: " ".join(state.commands)}
)

PROPOSALS = state_projection(
    PROPOSAL,
    Proposal,
    name="proposals",
    version=1,
    indexes=(BY_ID, ("tenant", "state")),
)
