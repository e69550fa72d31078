"""Persons: what the vault holds of one, for whoever may see it and says what for."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Depends, FastAPI, Request
from msgspec import UNSET, Meta, Struct, UnsetType
from starlette.responses import Response

from api.http.authentication import Needs
from api.http.commands.endpoint import CASE_NOUN, read_body, read_headers
from api.http.commands.models import CommandReader
from api.http.description import COMMAND_PROBLEMS, POSITION, Description, add
from api.http.problems import kinds
from api.http.problems.problem import Problem, refused
from api.http.reads.answers import JSON, encode
from api.http.reads.routes import STRICT, Of, path_of
from api.identity.authentication import Principal
from api.permissions import Permission
from api.queries.parties import Look, look_at
from domain.kernel.command import Command
from domain.kernel.fields import noun
from domain.kernel.ids import IdError, parse_id
from domain.kernel.refusal import Refusal
from domain.parties.subject import FIELDS_MAX, SUBJECT, UNKNOWN, FieldName, LookPurpose

SubjectPath = path_of(SUBJECT.name)
Looker = Annotated[Principal, Depends(Needs(Permission.READ_PERSONAL))]


class GivenLook(Command, frozen=True):
    """What a person's values are needed for."""

    purpose: Annotated[LookPurpose, Meta(description="What the values are needed for; the event says so.")]
    fields: Annotated[
        tuple[FieldName, ...],
        Meta(
            min_length=1,
            max_length=FIELDS_MAX,
            description="Kinds of values, such as `application.phone`; all where this member is left out.",
        ),
    ] = ()
    about: (
        Annotated[UUID, noun(CASE_NOUN), Meta(description="The case they are needed for: `case_` and 32 hex digits.")]
        | UnsetType
    ) = UNSET


class KeptValue(Struct, frozen=True):
    """One personal value that was given to the ledger at a position."""

    field: Annotated[str, Meta(description="The aggregate that keeps it and its field.")]
    position: Annotated[int, Meta(description="The position of the event that brought it.")]
    value: Annotated[str, Meta(description="The value itself.")]


class PersonalValues(Struct, frozen=True):
    """What is kept of a person, as far as it was asked for, oldest first."""

    looked_at: Annotated[int, Meta(description="The position of the event that says who looked, and what for.")]
    values: tuple[KeptValue, ...]


_LOOKS = CommandReader(GivenLook)


async def look_at_subject(
    request: Request,
    subject: SubjectPath,  # type: ignore[valid-type]
    principal: Looker,
    of: Of,
) -> Response:
    """Read back what the vault holds of a person. That somebody looked, and what for, is recorded before the answer."""
    try:
        person = parse_id(SUBJECT.name, subject)
    except IdError:
        raise Problem(kinds.NOT_FOUND) from None
    body = await read_body(read_headers(request.scope), request.receive)
    given = _LOOKS.read(body)
    assert isinstance(given, GivenLook), "that is what this reader reads"
    wanted = Look(
        tenant=principal.tenant,
        actor=principal.actor,
        subject=person,
        purpose=given.purpose,
        fields=given.fields,
        about=given.about,
    )
    looked = await look_at(of.running.ledger, of.queries, of.running.vault, wanted)
    if isinstance(looked, Refusal):
        raise Problem(kinds.NOT_FOUND) if looked.kind is UNKNOWN else refused(looked)
    told = PersonalValues(looked.position, tuple(KeptValue(o.field, o.position, o.value) for o in looked.values))
    headers = {"Ledger-Position": str(looked.position), "Cache-Control": "no-store"}
    return Response(encode(told), headers=headers, media_type=JSON)


def register(app: FastAPI) -> None:
    """Add the route of this file."""
    description = Description(
        answer=PersonalValues, headers=(POSITION,), takes={JSON: GivenLook}, problems=COMMAND_PROBLEMS
    )
    add(app, "POST", "/v1/subjects/{subject}/look", look_at_subject, "subjects", description, dependencies=STRICT)
