"""API keys where their secrets are shown: made, given a new secret, and the first one of a tenant's administrator.

POST /v1/api_keys, …/rotate ─▶ `api.identity.keys` ─▶ the key's text, once; a repeated request is answered without it
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Depends, FastAPI, Request
from msgspec import Meta, Struct
from starlette.responses import Response

from adapters.postgres.writing.sequencer import VersionConflict
from api.http.authentication import Needs
from api.http.commands.endpoint import insisted, read_body, read_headers, stream_id
from api.http.commands.headers import etag, idempotency_key
from api.http.commands.models import CommandReader
from api.http.description import (
    COMMAND_PROBLEMS,
    CREATE_PROBLEMS,
    ETAG,
    IDEMPOTENCY,
    POSITION,
    REPLAYED,
    Description,
    add,
)
from api.http.problems import kinds
from api.http.problems.problem import refused
from api.http.reads.answers import JSON, encode
from api.http.reads.routes import STRICT, Of, path_of
from api.identity.authentication import Principal
from api.identity.keys import KEY_DAYS, OVERLAP_HOURS, Acting, ShownKey, WantedKey, make_key, rotate_key
from api.permissions import Permission
from domain.access.api_key import API_KEY, LIFE_DAYS_MAX, OVERLAP_HOURS_MAX, Scopes
from domain.access.values import Label, UserRole
from domain.kernel.command import Command
from domain.kernel.ids import format_id
from domain.kernel.refusal import Refusal

ApiKeyPath = path_of(API_KEY.name)
Keeper = Annotated[Principal, Depends(Needs(Permission.ACCESS))]
Days = Annotated[int, Meta(ge=1, le=LIFE_DAYS_MAX, description="Days until it expires.")]


class GivenKey(Command, frozen=True):
    """The key that is wanted, and whose."""

    user: Annotated[UUID, Meta(description="Whose key it is: `user_` and 32 hex digits.")]
    role: Annotated[UserRole, Meta(description="The role that it acts in, one of its user's.")]
    label: Annotated[Label, Meta(description="What it is for, such as `till-3`; says nothing about a person.")]
    scopes: Annotated[
        Scopes, Meta(description="The permissions it has within its role; without it all that the role has.")
    ] = ()
    days: Days = KEY_DAYS


class GivenRotation(Command, frozen=True):
    """How long the new secret lives, and how long the one before works on."""

    days: Days = KEY_DAYS
    overlap_hours: Annotated[
        int, Meta(ge=0, le=OVERLAP_HOURS_MAX, description="Hours for which the secret of before works on.")
    ] = OVERLAP_HOURS


class NewKey(Struct, frozen=True, kw_only=True):
    """A key with its secret, which is shown this once."""

    id: Annotated[str, Meta(description="The key's id, which events and logs name.")]
    key: Annotated[
        str | None, Meta(description="What to send as a bearer token; null where the request was answered before.")
    ]
    expires_at: Annotated[str, Meta(description="When it no longer works.")]
    version: Annotated[int, Meta(ge=1, description="The version of the key's stream.")]
    receipt: Annotated[str, Meta(description="The receipt of the event.")]


_KEYS, _ROTATIONS = CommandReader(GivenKey), CommandReader(GivenRotation)


async def make_api_key(request: Request, principal: Keeper, of: Of) -> Response:
    """Make an API key of a user. Its secret is shown once; a repeated request is answered without it."""
    headers = read_headers(request.scope)
    key = idempotency_key(headers.idempotency_key)
    given = _KEYS.read(await read_body(headers, request.receive))
    wanted = WantedKey(user=given.user, role=given.role, label=given.label, scopes=given.scopes, days=given.days)
    with of.answering(principal.tenant, key):
        return _answered(await make_key(of.running.ledger, _acting(principal), wanted, key=key), 201)


async def rotate_api_key(request: Request, api_key: ApiKeyPath, principal: Keeper, of: Of) -> Response:  # type: ignore[valid-type]
    """Give a key a new secret. The one before works on for a while, so that whoever uses it has time to change."""
    headers = read_headers(request.scope)
    key = idempotency_key(headers.idempotency_key)
    stream = stream_id(API_KEY.name, api_key)
    await of.owner_of(stream, principal.tenant, API_KEY.name)
    given = _ROTATIONS.read(await read_body(headers, request.receive))
    with of.answering(principal.tenant, key):
        try:
            shown = await rotate_key(
                of.running.ledger,
                _acting(principal),
                stream,
                days=given.days,
                overlap_hours=given.overlap_hours,
                key=key,
                expected=await insisted(of, API_KEY, stream, headers),
            )
        except VersionConflict as conflict:
            raise kinds.PRECONDITION_FAILED(version=conflict.actual) from None
    return _answered(shown, 200)


def _acting(principal: Principal) -> Acting:
    return Acting(principal.tenant, principal.actor, principal.permissions)


def _answered(shown: ShownKey | Refusal, status: int) -> Response:
    if isinstance(shown, Refusal):
        raise refused(shown)
    name = format_id(API_KEY.name, shown.id)
    told = NewKey(
        id=name,
        key=shown.text,
        expires_at=shown.expires_at,
        version=shown.appended.version,
        receipt=f"/v1/receipts/{shown.appended.last_position}",
    )
    headers = {
        "ETag": etag(shown.appended.version),
        "Ledger-Position": str(shown.appended.last_position),
        "Cache-Control": "no-store",
    }
    if shown.text is None:
        headers["Idempotent-Replayed"] = "true"
    if status == 201:
        headers["Location"] = f"/v1/{API_KEY.plural}/{name}"
    return Response(encode(told), status, headers=headers, media_type=JSON)


def register(app: FastAPI) -> None:
    """Add the routes of this file."""
    made = Description(
        answer=NewKey, status=201, words="Made", headers=(POSITION, ETAG, REPLAYED), takes={JSON: GivenKey},
        problems=CREATE_PROBLEMS, parameters=(IDEMPOTENCY,),
    )  # fmt: skip
    rotated = Description(
        answer=NewKey, words="Rotated", headers=(POSITION, ETAG, REPLAYED), takes={JSON: GivenRotation},
        body_optional=True, problems=COMMAND_PROBLEMS, parameters=(IDEMPOTENCY,),
    )  # fmt: skip
    plural = API_KEY.plural
    add(app, "POST", f"/v1/{plural}", make_api_key, plural, made, dependencies=STRICT)
    add(app, "POST", f"/v1/{plural}/{{api_key}}/rotate", rotate_api_key, plural, rotated, dependencies=STRICT)
