"""Proposals: a command that one person proposes, and that happens when another one approves it.

POST /v1/proposals          {command, target, given} ─read as the command itself─▶ the aggregate would agree ─▶ proposal
POST …/{proposal}/approve   ─▶ proposal.approved and the command's own events, in one append

Who proposes and who approves need the permission that the command itself takes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import Depends, FastAPI, Request
from msgspec import Meta, field
from msgspec.structs import replace
from starlette.responses import Response

from adapters.postgres.ledger import Companion
from adapters.postgres.ledger import Request as LedgerRequest
from adapters.postgres.writing.sequencer import Appended, VersionConflict
from adapters.system import new_id
from api.exposure import EXPOSED, list_refused, proposable
from api.http.authentication import Needs, require
from api.http.commands.endpoint import insisted, outcome, outcome_body, read_body, read_headers, stream_id
from api.http.commands.headers import etag, idempotency_key
from api.http.commands.models import CommandReader
from api.http.commands.specs import Spec, specs
from api.http.description import IDEMPOTENCY, LOCATION, add
from api.http.problems import kinds
from api.http.problems.problem import refused
from api.http.reads.answers import JSON
from api.http.reads.routes import STRICT, Of, path_of
from api.http.services import Services
from api.identity.authentication import Principal
from api.permissions import Permission
from domain.access.approval import UNKNOWN_COMMAND, CommandName
from domain.access.proposal import (
    PROPOSAL,
    TARGET_MOVED,
    ApproveProposal,
    MakeProposal,
    ProposalState,
)
from domain.kernel.command import Command, Context
from domain.kernel.fields import ReasonField
from domain.kernel.ids import format_id
from domain.kernel.refusal import Refusal
from domain.kernel.times import business_date
from domain.kernel.values import canonical_json

ProposalPath = path_of(PROPOSAL.name)
Proposer = Annotated[Principal, Depends(Needs(Permission.PROPOSE))]
TARGET_MAX_CHARS = 100


class GivenProposal(Command, frozen=True):
    """The command that is proposed: which, to what, and what it is given."""

    command: Annotated[CommandName, Meta(description="Aggregate and command, such as `lease.charge_off`.")]
    target: Annotated[
        str,
        Meta(
            description="What the command is for, such as `lease_` and 32 hex digits.",
            pattern=r"^[a-z_]+_[0-9a-f]{32}$(?!\n)",
            max_length=TARGET_MAX_CHARS,
        ),
    ]
    reason: ReasonField
    given: Annotated[dict[str, Any], Meta(description="The body that the command itself would take.")] = field(
        default_factory=dict
    )


_PROPOSALS, _APPROVALS = CommandReader(GivenProposal), CommandReader(ApproveProposal)


@cache
def _specs() -> Mapping[str, Spec]:
    """The wire form of each command that can be proposed, by its name."""
    names = proposable()
    return {
        spec.command_name: spec for of in EXPOSED for spec in specs(of) if spec.segment and spec.command_name in names
    }


async def make_proposal(request: Request, principal: Proposer, of: Of) -> Response:
    """Propose a command that a second person then approves. What the command's own rules refuse is refused at once."""
    headers = read_headers(request.scope)
    key = idempotency_key(headers.idempotency_key)
    given = _PROPOSALS.read(await read_body(headers, request.receive))
    spec = _specs().get(given.command)
    if spec is None:
        raise refused(UNKNOWN_COMMAND(command=given.command))
    require(principal, spec.permission)
    noun = spec.of.decider.name
    target = stream_id(noun, given.target)
    owner = await of.owner_of(target, principal.tenant, noun)
    body = spec.reader.read(json.dumps(given.given).encode())
    if (no_list := list_refused(body)) is not None:
        raise refused(no_list)
    text = canonical_json(body).decode()
    context = _context(of, principal, owner.correlation)
    asked = (given.command, target, text, given.reason)
    known = await of.running.ledger.repeated(principal.tenant, key, MakeProposal, asked, None)
    if known is not None:
        return _answered(known, created=True)
    version, state = await of.running.ledger.load(spec.of.decider, target)
    would = spec.of.decider.decide(body, state, replace(context, proposed_by=context.actor.id))
    if isinstance(would, Refusal):
        raise refused(would)
    command = MakeProposal(target=target, command=given.command, given=text, version=version, reason=given.reason)
    return await _done(of, LedgerRequest(
        stream=new_id(), key=key, command=command, context=context, asked=asked, about=target, new=True, system=False,
    ), created=True)  # fmt: skip


async def approve_proposal(request: Request, proposal: ProposalPath, principal: Proposer, of: Of) -> Response:  # type: ignore[valid-type]
    """Approve what another person proposed: the command happens with the approval, or neither does."""
    headers = read_headers(request.scope)
    key = idempotency_key(headers.idempotency_key)
    stream = stream_id(PROPOSAL.name, proposal)
    owner = await of.owner_of(stream, principal.tenant, PROPOSAL.name)
    given = _APPROVALS.read(await read_body(headers, request.receive))
    state = (await of.running.ledger.load(PROPOSAL, stream))[1]
    spec, companion = _proposed(state)
    require(principal, spec.permission)
    if (no_list := list_refused(companion.command)) is not None:
        raise refused(no_list)
    return await _done(of, LedgerRequest(
        stream=stream, key=key, command=given, together=companion, system=False,
        expected=await insisted(of, PROPOSAL, stream, headers),
        context=replace(_context(of, principal, owner.correlation), proposed_by=state.proposed_by),
    ))  # fmt: skip


def _proposed(state: ProposalState) -> tuple[Spec, Companion]:
    """The command that was proposed, as it is read now."""
    assert state.target is not None, "it was proposed"
    spec = _specs()[state.command]
    command = msgspec.json.decode(state.given, type=spec.command)
    companion = Companion(decider=spec.of.decider, stream=state.target, command=command, expected=state.at_version)
    return spec, companion


def _context(of: Services, principal: Principal, case: UUID) -> Context:
    now = of.now()
    return Context(
        tenant=principal.tenant,
        actor=principal.actor,
        correlation=case,
        now=now,
        business_date=business_date(now),
    )


async def _done(of: Services, asked: LedgerRequest, *, created: bool = False) -> Response:
    try:
        with of.answering(asked.context.tenant, asked.key):
            done = await of.running.ledger.execute(PROPOSAL, asked)
    except VersionConflict as conflict:
        if conflict.stream == asked.stream:
            raise kinds.PRECONDITION_FAILED(version=conflict.actual) from None
        raise refused(TARGET_MOVED()) from None
    if isinstance(done, Refusal):
        raise refused(done)
    return _answered(done, created=created)


def _answered(done: Appended, *, created: bool = False) -> Response:
    headers = {
        "ETag": etag(done.version),
        "Ledger-Position": str(done.last_position),
        "Cache-Control": "no-store",
    } | ({"Idempotent-Replayed": "true"} if done.replayed else {})
    if created:
        headers[LOCATION] = f"/v1/{PROPOSAL.plural}/{format_id(PROPOSAL.name, done.stream)}"
    body = outcome_body(PROPOSAL.name, done)
    return Response(body, 201 if created else 200, headers=headers, media_type=JSON)


def register(app: FastAPI) -> None:
    """Add the routes of this file."""
    plural = PROPOSAL.plural
    made, approved = (
        replace(outcome(created=created), takes={JSON: taken}, parameters=(IDEMPOTENCY,))
        for created, taken in ((True, GivenProposal), (False, ApproveProposal))
    )
    # What is proposed is about something, which may not be there.
    made = replace(made, problems=(404, *made.problems))
    add(app, "POST", f"/v1/{plural}", make_proposal, plural, made, dependencies=STRICT)
    add(app, "POST", f"/v1/{plural}/{{proposal}}/approve", approve_proposal, plural, approved, dependencies=STRICT)
