"""Proposal (复核申请): a command that one person proposes and another approves, which is when it happens (四眼原则).

    Absent ─made─▶ Open ─approved─▶ Approved (the command's own events stand in the same append)
                     ├──rejected──▶ Rejected
                     └──withdrawn─▶ Withdrawn

Who approves is another person than who proposed: not another key, not another session, and no machine. Both were
registered, and given their role and the key that they act by, by whoever runs the ledger or by two persons, for an
administrator could register himself twice; and neither did so for the other. An approval and the events of the command
are written together or not at all; what refuses the command refuses the approval, and the proposal stays open. What
changed since it was proposed, or was decided by nobody before `expires_at`, is proposed again. A proposal is of the
case of what it is about.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta
from msgspec.structs import replace

from domain.access.approval import CommandName
from domain.access.values import Instant, PersonId, UserRole, is_past, is_person
from domain.kernel.command import Actor, Command, Context
from domain.kernel.decider import ABSENT, Answer, Decider, Rule, State, without_phase
from domain.kernel.event import Event, event_type
from domain.kernel.fields import ReasonField
from domain.kernel.ids import IdError, looks_personal, parse_id
from domain.kernel.refusal import Refusal, refusal
from domain.kernel.times import utc_text
from domain.kernel.values import Code, Count, Digest, canonical_json

GIVEN_MAX_BYTES = 8_192
LIFE_HOURS = 72

Given = Annotated[str, Meta(min_length=2, max_length=GIVEN_MAX_BYTES)]
"""What was given of a command, as canonical JSON (RFC 8785)."""


@event_type("proposal.made.v1")
class ProposalMade(Event, frozen=True):
    """A person who acts in a role proposes a command to a stream that stood at `version`, until `expires_at`.

    `digest` is SHA-256 of the canonical JSON of tenant, target, command, given and version: what an approver confirms.
    """

    target: UUID
    command: CommandName
    given: Given
    version: Count
    digest: Digest
    reason: Code
    by: PersonId
    role: UserRole
    key: UUID
    expires_at: Instant


@event_type("proposal.approved.v1")
class ProposalApproved(Event, frozen=True):
    """Another person approved what has this digest, and the command happened: its events are of the same append, which
    their common `cause` shows.
    """

    by: PersonId
    digest: Digest


@event_type("proposal.rejected.v1")
class ProposalRejected(Event, frozen=True):
    """Another person refused to approve; the command does not happen."""

    by: PersonId
    reason: Code


@event_type("proposal.withdrawn.v1")
class ProposalWithdrawn(Event, frozen=True):
    """Who proposed no longer does."""

    by: PersonId
    reason: Code


class ProposalPhase(StrEnum):
    """The state machine's states; `ABSENT` is the empty stream."""

    ABSENT = "absent"
    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class ProposalState(State, frozen=True, kw_only=True):
    """One proposal."""

    phase: ProposalPhase = ProposalPhase.ABSENT
    target: UUID | None = None
    command: str = ""
    given: str = ""
    digest: str = ""
    at_version: int = 0
    reason: str = ""
    proposed_by: str = ""
    role: str = ""
    key: UUID | None = None
    expires_at: str = ""
    decided_by: str = ""


class MakeProposal(Command, frozen=True):
    """Propose a command."""

    target: UUID
    command: CommandName
    given: Given
    version: Count
    reason: ReasonField


class ApproveProposal(Command, frozen=True):
    """Approve a proposal; the proposed command happens with it."""

    digest: Annotated[Digest, Meta(description="The proposal's digest: what the approver read and confirms.")]


class RejectProposal(Command, frozen=True):
    """Refuse to approve a proposal."""

    reason: ReasonField


class WithdrawProposal(Command, frozen=True):
    """Take a proposal of one's own back."""

    reason: ReasonField


UNKNOWN = refusal("proposal.unknown", "There is no such proposal", "没有该复核申请")
KNOWN = refusal("proposal.known", "The proposal was made already", "该复核申请已提交")
DECIDED = refusal("proposal.decided", "The proposal was decided or withdrawn already", "复核申请已处理或撤回")
EXPIRED = refusal("proposal.expired", "Nobody decided the proposal in time", "复核申请未在期限内处理")
PERSON_NEEDED = refusal(
    "proposal.person_needed",
    "A proposal is made and decided by persons, not by machines",
    "复核申请须由自然人提交和处理",
)
SAME_PERSON = refusal(
    "proposal.same_person", "Who proposed does not decide; a second person must", "提交人不能自行复核，须由第二人处理"
)
NOT_INDEPENDENT = refusal(
    "proposal.not_independent",
    "One of the two registered the other, gave it a role or saw its key; another person must decide",
    "提交人与复核人之一曾登记对方、授予对方角色或见过对方密钥，须由其他人复核",
)
NOT_VOUCHED = refusal(
    "proposal.not_vouched",
    "Of two persons each was registered, and given role and key, by whoever runs the ledger, or by two persons",
    "提交人和复核人均须由账本运营者（或经双人复核）登记并授予角色和密钥",
)
TARGET_MOVED = refusal(
    "proposal.target_moved",
    "What it is about has changed since it was proposed; propose it again",
    "复核对象在提交后已发生变化，请重新提交",
)
PROPOSER_GONE = refusal(
    "proposal.proposer_gone",
    "Who proposed may no longer act in that role, or by that key",
    "提交人已不能以该角色或该密钥行事",
)
APPROVER_GONE = refusal(
    "proposal.approver_gone",
    "Who approves may no longer act in this role, or by this key",
    "复核人已不能以该角色或该密钥行事",
)
NOT_YOURS = refusal("proposal.not_yours", "Only who proposed takes it back", "只有提交人可以撤回")
NOT_KEPT = refusal(
    "proposal.not_kept",
    "What is given is kept for ever: of limited length, and no number of a person",
    "所给内容将永久保存：长度有限，且不得包含个人号码",
)
OTHER_CONTENT = refusal(
    "proposal.other_content", "What is approved is not what was proposed", "所确认的内容与提交的内容不一致"
)


def digest_of(tenant: UUID, command: MakeProposal) -> Digest:
    """SHA-256 of what is proposed, in hex: tenant, target, command, given and version as canonical JSON."""
    said = {
        "tenant": tenant,
        "target": command.target,
        "command": command.command,
        "given": command.given,
        "version": command.version,
    }
    return sha256(canonical_json(said)).hexdigest()


def key_of(actor: Actor) -> UUID | None:
    """The stream of the key that an actor acts by, if it is one."""
    try:
        return None if actor.via is UNSET else parse_id("api_key", actor.via)
    except IdError:
        return None


def _make(command: MakeProposal, state: ProposalState, context: Context) -> Answer:
    key = key_of(context.actor)
    if not is_person(context.actor.id) or key is None:
        return PERSON_NEEDED()
    if len(command.given.encode()) > GIVEN_MAX_BYTES or looks_personal(command.given, alone=True):
        return NOT_KEPT(limit=GIVEN_MAX_BYTES)
    made = ProposalMade(
        target=command.target,
        command=command.command,
        given=command.given,
        version=command.version,
        digest=digest_of(context.tenant, command),
        reason=command.reason,
        by=context.actor.id,
        role=UserRole(context.actor.role),
        key=key,
        expires_at=utc_text(context.now + timedelta(hours=LIFE_HOURS)),
    )
    return (made,)


def _approve(command: ApproveProposal, state: ProposalState, context: Context) -> Answer:
    if command.digest != state.digest:
        return OTHER_CONTENT()
    return _not_decided_by(state, context) or (ProposalApproved(by=context.actor.id, digest=state.digest),)


def _reject(command: RejectProposal, state: ProposalState, context: Context) -> Answer:
    return _not_decided_by(state, context) or (ProposalRejected(by=context.actor.id, reason=command.reason),)


def _withdraw(command: WithdrawProposal, state: ProposalState, context: Context) -> Answer:
    if context.actor.id != state.proposed_by:
        return NOT_YOURS()
    return (ProposalWithdrawn(by=context.actor.id, reason=command.reason),)


def _not_decided_by(state: ProposalState, context: Context) -> Refusal | None:
    if not is_person(context.actor.id):
        return PERSON_NEEDED()
    if context.actor.id == state.proposed_by:
        return SAME_PERSON()
    return EXPIRED(expires_at=state.expires_at) if is_past(state.expires_at, context.now) else None


def _made(state: ProposalState, event: ProposalMade) -> ProposalState:
    return replace(
        state,
        phase=ProposalPhase.OPEN,
        target=event.target,
        command=event.command,
        given=event.given,
        digest=event.digest,
        at_version=event.version,
        reason=event.reason,
        proposed_by=event.by,
        role=event.role,
        key=event.key,
        expires_at=event.expires_at,
    )


def _approved(state: ProposalState, event: ProposalApproved) -> ProposalState:
    return replace(state, phase=ProposalPhase.APPROVED, decided_by=event.by)


def _rejected(state: ProposalState, event: ProposalRejected) -> ProposalState:
    return replace(state, phase=ProposalPhase.REJECTED, decided_by=event.by)


def _withdrawn(state: ProposalState, event: ProposalWithdrawn) -> ProposalState:
    return replace(state, phase=ProposalPhase.WITHDRAWN, decided_by=event.by)


_OPEN = frozenset({ProposalPhase.OPEN})

PROPOSAL = Decider(
    name="proposal",
    initial=ProposalState(),
    rules={
        MakeProposal: Rule(ABSENT, without_phase(KNOWN), _make),
        ApproveProposal: Rule(_OPEN, DECIDED, _approve),
        RejectProposal: Rule(_OPEN, DECIDED, _reject),
        WithdrawProposal: Rule(_OPEN, DECIDED, _withdraw),
    },
    evolve={
        ProposalMade: _made,
        ProposalApproved: _approved,
        ProposalRejected: _rejected,
        ProposalWithdrawn: _withdrawn,
    },
    unknown=UNKNOWN,
)
