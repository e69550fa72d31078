"""Proposals: two persons, the same content, in time; whoever could be one person under two names is none."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from domain.access import proposal as p
from domain.access.api_key import API_KEY, ApiKeyPhase, ApiKeyState
from domain.access.approval import (
    APPROVAL,
    NEEDED,
    UNCHANGED,
    UNKNOWN_COMMAND,
    ApprovalRequired,
    RequireApproval,
)
from domain.access.proposal import (
    PROPOSAL,
    ApproveProposal,
    MakeProposal,
    ProposalApproved,
    ProposalMade,
    ProposalRejected,
    ProposalWithdrawn,
    RejectProposal,
    WithdrawProposal,
    digest_of,
)
from domain.access.user import USER, UserPhase, UserState
from domain.access.values import UserRole
from domain.kernel.command import SYSTEM, Actor
from domain.kernel.needs import Need, StreamState
from domain.kernel.times import utc_text
from tests.given import CONTEXT, given

ANNE = Actor("risk_officer", "person_" + "a" * 32, "api_key_" + "1" * 32)
BO = Actor("merchant_admin", "person_" + "b" * 32, "api_key_" + "2" * 32)
ROBOT = Actor("merchant_admin", "machine_" + "c" * 32, "api_key_" + "3" * 32)
LEASE = UUID(int=9)
MAKE = MakeProposal(target=LEASE, command="lease.charge_off", given='{"reason":"insolvent"}', version=7, reason="lost")
DIGEST = digest_of(CONTEXT.tenant, MAKE)
MADE = ProposalMade(
    target=LEASE,
    command="lease.charge_off",
    given=MAKE.given,
    version=7,
    digest=DIGEST,
    reason="lost",
    by=ANNE.id,
    role=UserRole.RISK_OFFICER,
    key=UUID(hex="1" * 32),
    expires_at=utc_text(CONTEXT.now + timedelta(hours=72)),
)
APPROVE = ApproveProposal(digest=DIGEST)


def test_a_person_proposes_and_another_approves() -> None:
    given(PROPOSAL).when(MAKE, actor=ANNE).then(MADE)
    given(PROPOSAL, MADE).when(APPROVE, actor=BO).then(ProposalApproved(by=BO.id, digest=DIGEST))


@pytest.mark.parametrize("command", [APPROVE, RejectProposal(reason="wrong")])
def test_who_proposed_does_not_decide(command: Any) -> None:
    """Another key of the same person is the same person."""
    other_key = replace(ANNE, via="api_key_" + "9" * 32)
    for actor in (ANNE, other_key, replace(ANNE, role="merchant_admin")):
        given(PROPOSAL, MADE).when(command, actor=actor).then_refused(p.SAME_PERSON)


@pytest.mark.parametrize("actor", [ROBOT, Actor(SYSTEM, "process:posting"), Actor("merchant_admin", "key_" + "0" * 16)])
def test_machines_and_processes_neither_propose_nor_decide(actor: Actor) -> None:
    given(PROPOSAL).when(MAKE, actor=actor).then_refused(p.PERSON_NEEDED)
    given(PROPOSAL, MADE).when(APPROVE, actor=actor).then_refused(p.PERSON_NEEDED)


def test_what_is_approved_is_what_was_read() -> None:
    other = ApproveProposal(digest="0" * 64)
    given(PROPOSAL, MADE).when(other, actor=BO).then_refused(p.OTHER_CONTENT)


@pytest.mark.parametrize(
    "changes", [{"target": UUID(int=8)}, {"given": "{}"}, {"version": 8}, {"command": "lease.close"}]
)
def test_the_digest_is_of_all_that_happens(changes: dict[str, Any]) -> None:
    assert digest_of(CONTEXT.tenant, replace(MAKE, **changes)) != DIGEST
    assert digest_of(UUID(int=99), MAKE) != DIGEST


def test_a_proposal_ends() -> None:
    late = CONTEXT.now + timedelta(hours=72)
    given(PROPOSAL, MADE).when(APPROVE, actor=BO, now=late).then_refused(p.EXPIRED)
    rejected = ProposalRejected(by=BO.id, reason="wrong")
    given(PROPOSAL, MADE).when(RejectProposal(reason="wrong"), actor=BO).then(rejected)
    given(PROPOSAL, MADE, rejected).when(APPROVE, actor=BO).then_refused(p.DECIDED, phase="rejected")
    withdrawn = ProposalWithdrawn(by=ANNE.id, reason="mistake")
    given(PROPOSAL, MADE).when(WithdrawProposal(reason="mistake"), actor=ANNE).then(withdrawn)
    given(PROPOSAL, MADE).when(WithdrawProposal(reason="mistake"), actor=BO).then_refused(p.NOT_YOURS)
    approved = ProposalApproved(by=BO.id, digest=DIGEST)
    given(PROPOSAL, MADE, approved).when(WithdrawProposal(reason="x"), actor=ANNE).then_refused(p.DECIDED)


@pytest.mark.parametrize("text", ["x" * 8_193, "财" * 2_731, '{"note":"13800138000"}'])
def test_what_may_not_be_kept_is_not_proposed(text: str) -> None:
    given(PROPOSAL).when(replace(MAKE, given=text), actor=ANNE).then_refused(p.NOT_KEPT)


ROLES = ("merchant_admin", "risk_officer")
ACTIVE = UserState(phase=UserPhase.ACTIVE, roles=ROLES, vouched=ROLES, enrolled_by=("command-line",))
KEY = ApiKeyState(phase=ApiKeyPhase.LIVE, shown_to=("command-line",), vouched=True)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({}, None),
        ({"proposer": None}, p.PROPOSER_GONE),
        ({"proposer": replace(ACTIVE, phase=UserPhase.SUSPENDED)}, p.PROPOSER_GONE),
        ({"proposer": replace(ACTIVE, roles=("merchant_admin",))}, p.PROPOSER_GONE),
        ({"proposer": replace(ACTIVE, vouched=("merchant_admin",))}, p.NOT_VOUCHED),
        ({"proposers_key": replace(KEY, vouched=False)}, p.NOT_VOUCHED),
        ({"proposers_key": None}, p.PROPOSER_GONE),
        ({"proposers_key": replace(KEY, phase=ApiKeyPhase.REVOKED)}, p.PROPOSER_GONE),
        ({"approver": None}, p.APPROVER_GONE),
        ({"approver": replace(ACTIVE, phase=UserPhase.SUSPENDED)}, p.APPROVER_GONE),
        ({"approver": replace(ACTIVE, roles=("risk_officer",))}, p.APPROVER_GONE),
        ({"approvers_key": replace(KEY, phase=ApiKeyPhase.REVOKED)}, p.APPROVER_GONE),
        ({"approver": replace(ACTIVE, vouched=("risk_officer",))}, p.NOT_VOUCHED),
        ({"approvers_key": replace(KEY, vouched=False)}, p.NOT_VOUCHED),
        ({"approver": replace(ACTIVE, enrolled_by=("command-line", ANNE.id))}, p.NOT_INDEPENDENT),
        ({"approvers_key": replace(KEY, shown_to=(ANNE.id, "command-line"))}, p.NOT_INDEPENDENT),
        ({"proposer": replace(ACTIVE, enrolled_by=(BO.id,))}, p.NOT_INDEPENDENT),
        ({"proposers_key": replace(KEY, shown_to=(BO.id,))}, p.NOT_INDEPENDENT),
    ],
)
def test_who_could_be_the_other_again_is_no_second_person(changes: dict[str, Any], refusal: object) -> None:
    found = {"proposer": ACTIVE, "approver": ACTIVE, "proposers_key": KEY, "approvers_key": KEY} | changes
    facts: dict[Need, Any] = {
        StreamState(USER.name, UUID(hex="a" * 32)): found["proposer"],
        StreamState(USER.name, UUID(hex="b" * 32)): found["approver"],
        StreamState(API_KEY.name, UUID(hex="1" * 32)): found["proposers_key"],
        StreamState(API_KEY.name, UUID(hex="2" * 32)): found["approvers_key"],
    }
    verdict = given(facts).when(APPROVE, given(PROPOSAL, MADE).state, actor=BO)
    assert (verdict.answer.kind if verdict.answer else None) is refusal


@pytest.mark.parametrize(
    ("user", "key", "refusal"),
    [
        (ACTIVE, KEY, None),
        (replace(ACTIVE, vouched=()), KEY, p.NOT_VOUCHED),
        (ACTIVE, replace(KEY, vouched=False), p.NOT_VOUCHED),
        (replace(ACTIVE, phase=UserPhase.SUSPENDED), KEY, p.PROPOSER_GONE),
        (ACTIVE, replace(KEY, phase=ApiKeyPhase.REVOKED), p.PROPOSER_GONE),
    ],
)
def test_who_is_not_vouched_for_proposes_nothing(user: UserState, key: ApiKeyState, refusal: object) -> None:
    facts: dict[Need, Any] = {
        StreamState(USER.name, UUID(hex="a" * 32)): user,
        StreamState(API_KEY.name, UUID(hex="1" * 32)): key,
    }
    verdict = given(facts).when(MAKE, PROPOSAL.initial, actor=ANNE)
    assert (verdict.answer.kind if verdict.answer else None) is refusal


def test_digits_inside_an_identifier_are_no_persons_number() -> None:
    payment = '{"payment":"01a229fa-5790-776d-84d5-017262279051"}'
    assert given(PROPOSAL).when(replace(MAKE, given=payment), actor=ANNE).answer


def test_a_machine_says_nothing_about_what_needs_two() -> None:
    answer = given(APPROVAL).when(RequireApproval(commands=("lease.charge_off",)), actor=ROBOT).answer
    assert answer.code == "user.person_needed"  # type: ignore[union-attr]


# ------------------------------------------------------------------------------------------------- what needs it

LISTED = ApprovalRequired(commands=("lease.charge_off", "lease.waive_bill"))


def test_the_list_grows_alone_and_shrinks_by_two() -> None:
    more = RequireApproval(commands=("lease.waive_bill", "lease.charge_off", "lease.charge_off"))
    given(APPROVAL).when(more, actor=BO).then(LISTED)
    less, fewer = RequireApproval(commands=("lease.charge_off",)), ApprovalRequired(commands=("lease.charge_off",))
    given(APPROVAL, LISTED).when(less, actor=BO).then_refused(NEEDED, command="approval.require")
    given(APPROVAL, LISTED).when(RequireApproval(commands=()), actor=BO).then_refused(NEEDED)
    given(APPROVAL, LISTED).when(less, actor=BO, proposed_by=ANNE.id).then(fewer)
    given(APPROVAL, LISTED).when(less, actor=Actor(SYSTEM, "command-line")).then(fewer)
    given(APPROVAL, LISTED).when(more, actor=BO).then_refused(UNCHANGED)


@pytest.mark.parametrize(
    "name", ["lease.nothing", "application.draft", "user.register", "lease.create", "proposal.approve", "nothing.draft"]
)
def test_what_cannot_be_proposed_is_not_listed(name: str) -> None:
    """Else nobody could do it at all: what is given of it is personal, or it is the approving itself."""
    given(APPROVAL).when(RequireApproval(commands=(name,)), actor=BO).then_refused(UNKNOWN_COMMAND, command=name)
