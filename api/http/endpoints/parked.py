"""Parked work, asked for again: POST /v1/parked/retry; whoever follows the ledger tries it within moments.

{of?: "lease_…"} ─▶ what failed or was refused of the tenant, or of one of its aggregates, has its turn ─▶ how much
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Depends, FastAPI, Request
from msgspec import UNSET, Meta, Struct, UnsetType
from starlette.responses import Response

from adapters.processes.parking import retry
from api.http.authentication import Needs
from api.http.commands.endpoint import read_body, read_headers
from api.http.commands.models import CommandReader
from api.http.description import COMMAND_PROBLEMS, Description, add
from api.http.problems import kinds
from api.http.problems.problem import Problem
from api.http.reads.answers import JSON, encode
from api.http.reads.routes import STRICT, Of
from api.identity.authentication import Principal
from api.permissions import Permission
from domain.kernel.command import Command
from domain.kernel.ids import IdError, parse_id

Asker = Annotated[Principal, Depends(Needs(Permission.RETRY))]


class GivenRetry(Command, frozen=True):
    """What is to be tried again: all of it, or what is parked for one aggregate."""

    of: (
        Annotated[
            str,
            Meta(
                pattern=r"^[a-z_]+_[0-9a-f]{32}$(?!\n)",
                max_length=80,
                description="For which aggregate, as the list of what is parked says; everything where it is left out.",
            ),
        ]
        | UnsetType
    ) = UNSET


class Asked(Struct, frozen=True):
    """How much is tried again now."""

    asked: Annotated[
        int,
        Meta(
            ge=0,
            description="How many follow-ups that failed or were refused have their turn. Timers have theirs at the "
            "next end of day, events of read models when these are rebuilt; what waits for its day waits.",
        ),
    ]


_RETRIES = CommandReader(GivenRetry)


async def retry_parked(request: Request, principal: Asker, of: Of) -> Response:
    """Let what failed or was refused be tried again now, and not when it would have been. What is done is done once."""
    given = _RETRIES.read(await read_body(read_headers(request.scope), request.receive))
    assert isinstance(given, GivenRetry), "that is what this reader reads"
    asked = await of.queries.run(retry, principal.tenant, _stream(given.of))
    return Response(encode(Asked(asked)), 202, headers={"Cache-Control": "no-store"}, media_type=JSON)


def _stream(named: str | UnsetType) -> UUID | None:
    if isinstance(named, UnsetType):
        return None
    try:
        return parse_id(named.rpartition("_")[0], named)
    except IdError:
        raise Problem(kinds.NOT_FOUND) from None


def register(app: FastAPI) -> None:
    """Add the route of this file."""
    description = Description(
        answer=Asked,
        status=202,
        words="They have their turn",
        takes={JSON: GivenRetry},
        problems=COMMAND_PROBLEMS,
        body_optional=True,
    )
    add(app, "POST", "/v1/parked/retry", retry_parked, "parked", description, dependencies=STRICT)
