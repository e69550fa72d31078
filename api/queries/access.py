"""Access: users, keys, tenants, approvals and proposals."""

from __future__ import annotations

from api.exposed import Exposed
from api.permissions import Permission
from api.queries.engine.resources import Filter, Resource, reads_of
from domain.access.api_key import API_KEY
from domain.access.approval import APPROVAL, approval_stream
from domain.access.approval import KNOWN as APPROVAL_KNOWN
from domain.access.proposal import PROPOSAL
from domain.access.tenant import TENANT, tenant_stream
from domain.access.user import USER
from projections.access.access_book import API_KEYS, TENANTS, USERS
from projections.access.proposals import APPROVALS, PROPOSALS

_P = Permission

EXPOSED = (
    Exposed(decider=USER, otherwise=_P.ACCESS),
    Exposed(
        decider=API_KEY,
        otherwise=_P.ACCESS,
        withheld={
            "MakeApiKey": "a key is made where its secret is shown, POST /v1/api_keys",
            "RotateApiKey": "a secret is shown where it is made, POST /v1/api_keys/{api_key}/rotate",
        },
    ),
    Exposed(
        decider=TENANT,
        otherwise=_P.TENANTS,
        place=lambda owner, given: tenant_stream(owner, given["tenant"]) if "tenant" in given else None,
    ),
    Exposed(
        decider=APPROVAL,
        otherwise=_P.ACCESS,
        place=lambda tenant, _: approval_stream(tenant),
        taken=APPROVAL_KNOWN,
        again="require",
    ),
    Exposed(
        decider=PROPOSAL,
        otherwise=_P.PROPOSE,
        withheld={
            "MakeProposal": "what is proposed is read like the command itself, POST /v1/proposals",
            "ApproveProposal": "the proposed command happens with it, POST /v1/proposals/{proposal}/approve",
        },
    ),
)

READS = (
    *reads_of(Resource(USER, USERS), _P.ACCESS, ("state", "kind"), columns="id label kind roles state last_position"),
    *reads_of(
        Resource(API_KEY, API_KEYS, renamed={"holder": "user"}),
        _P.ACCESS,
        (Filter("user", column="holder", about="Only of this user."), "state"),
        columns="id label user role scopes state expires_at",
    ),
    *reads_of(Resource(TENANT, TENANTS), _P.TENANTS, ("state",), columns="id label registered state"),
    *reads_of(Resource(APPROVAL, APPROVALS), _P.PROPOSE, columns="id commands last_position"),
    *reads_of(
        Resource(PROPOSAL, PROPOSALS),
        _P.PROPOSE,
        ("state", "command"),
        columns="id command target reason proposed_by state expires_at decided_by",
    ),
)
