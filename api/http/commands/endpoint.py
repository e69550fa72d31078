"""Commands over HTTP: one route for each command of an aggregate, derived from what `api.exposure` opens.

    headers ─▶ principal ─▶ may it? ─▶ whose stream? ─▶ Idempotency-Key ─▶ body ─▶ command ─▶ Ledger.execute ─▶ bytes
                                                                            │
                                                           filled in ◀──────┘ see `api.fills`

The response is a pure function of what the ledger keeps with the idempotency key (stream, sequence numbers,
positions), so a repeated request gets the same bytes years later.

A new stream's id is drawn afresh for every request (UUIDv7, 74 random bits: nobody can guess or derive it). A
repeated draft therefore arrives with another id; the ledger finds the key, and the command is put again to the stream
that the key belongs to, where its payload is compared. First requests pay nothing for that. Commands that are filled in
ask for their key first: what was true of a repeated request once need not be true again.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import parse_qsl
from uuid import UUID

from msgspec import Meta, Struct
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from adapters.postgres.ledger import Request
from adapters.postgres.writing.sequencer import Appended, KeyReused, VersionConflict
from adapters.system import new_id
from api.edge.metrics import APPENDED
from api.fills import FILLED, Filled, Given, Members
from api.http.authentication import principal_of, require
from api.http.commands.headers import idempotency_key, if_match, none_match
from api.http.commands.specs import Spec
from api.http.description import COMMAND_PROBLEMS, CREATE_PROBLEMS, ETAG, LOCATION, POSITION, REPLAYED, Description
from api.http.problems import kinds
from api.http.problems.faults import unknown_parameters
from api.http.problems.problem import Problem, refused
from api.http.services import Owner, Services
from api.identity.authentication import Principal
from api.queries.engine.shape import Position
from domain.access.approval import NEEDED
from domain.kernel.command import Command, Context
from domain.kernel.decider import Decider
from domain.kernel.ids import IdError, format_id, parse_id
from domain.kernel.refusal import Refusal
from domain.kernel.times import business_date

BODY_MAX_BYTES = 1 << 20
"""A command is small; documents stay outside and enter by digest."""

CASE_NOUN = "case"
JSON_TYPE = re.compile(r'application/json(?:\s*;\s*charset="?utf-8"?)?\s*', re.IGNORECASE)


class Headers(Struct, frozen=True):
    """The headers that steer a command; repeated ones are joined by a comma (RFC 9110 §5.3)."""

    authorization: str | None = None
    content_type: str | None = None
    content_length: str | None = None
    idempotency_key: str | None = None
    if_match: str | None = None
    if_none_match: str | None = None
    case_id: str | None = None


_WANTED = {field.replace("_", "-").encode(): field for field in Headers.__struct_fields__}


def no_query(scope: Scope) -> None:
    """Refuse a query where an address knows none. Raises `query.invalid`."""
    if query := scope["query_string"]:
        names = [name for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True)]
        raise Problem(kinds.QUERY_INVALID, faults=unknown_parameters(names))


def read_headers(scope: Scope) -> Headers:
    """Pick the headers out of an ASGI scope in one pass."""
    found: dict[str, str] = {}
    more: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        field = _WANTED.get(name)
        if field is None:
            continue
        text = value.decode("latin-1")
        if field in found:
            more.setdefault(field, [found[field]]).append(text)
        else:
            found[field] = text
    return Headers(**(found | {field: ", ".join(texts) for field, texts in more.items()}))


class Asking(Struct, frozen=True):
    """One request on its way: who asks, about which stream (`draws`: a new one), under which key, what was given."""

    principal: Principal
    headers: Headers
    stream: UUID
    owner: Owner
    key: str
    members: Members
    draws: bool


class CommandEndpoint:
    """The ASGI application of one command's route."""

    def __init__(self, services: Services, spec: Spec, not_taken: Callable[[Command], Refusal | None]) -> None:
        self._services = services
        self._spec = spec
        self._not_taken = not_taken
        self._of = spec.of
        self._filled = FILLED.get(spec.command)
        self.noun = spec.of.decider.name
        self.path = spec.path

    def fits(self, path: str, identifier: str) -> bool:
        """Whether a path that ends in this command's segment is this command's address."""
        return path == self._of.collection if self._spec.creates else bool(identifier)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request; problems are raised."""
        headers = read_headers(scope)
        principal = await principal_of(self._services, scope, headers.authorization)
        require(principal, self._spec.permission)
        no_query(scope)
        stream, owner = await self._target(scope, headers, principal)
        key = idempotency_key(headers.idempotency_key)
        members = self._spec.reader.members(await read_body(headers, receive))
        placed = self._of.place(principal.tenant, members) if self._spec.creates else None
        draws = self._spec.creates and placed is None
        with self._services.answering(principal.tenant, key):
            outcome = await self._outcome(Asking(principal, headers, placed or stream, owner, key, members, draws))
        if isinstance(outcome, Refusal):
            raise refused(outcome)
        if not outcome.replayed:
            APPENDED.inc()
        await self._answer(outcome, send)

    async def _target(self, scope: Scope, headers: Headers, principal: Principal) -> tuple[UUID, Owner]:
        if self._spec.creates:
            stream = new_id()
            case = stream if headers.case_id is None else _case(headers.case_id)
            return stream, Owner(principal.tenant, self.noun, case)
        stream = stream_id(self.noun, scope["path_params"][self.noun])
        return stream, await self._services.owner_of(stream, principal.tenant, self.noun)

    async def _outcome(self, asking: Asking) -> Appended | Refusal:
        now = self._services.now()
        context = Context(
            tenant=asking.principal.tenant,
            actor=asking.principal.actor,
            correlation=asking.owner.correlation,
            now=now,
            business_date=business_date(now),
        )
        if await self._needs_second_person(asking):
            return NEEDED(command=self._spec.command_name)
        if self._filled is None:
            command = self._spec.reader.command_of(asking.members)
            return self._not_taken(command) or await self._execute(asking, command, context)
        whole = await self._whole(asking, context, self._filled)
        return await self._execute(asking, whole, context) if isinstance(whole, Command) else whole

    async def _needs_second_person(self, asking: Asking) -> bool:
        """Whether one person alone may not give the command now; what happened once is told as it was."""
        tenant = asking.principal.tenant
        if not await self._services.approvals.needed(tenant, self._spec.command_name):
            return False
        return await self._services.running.reader.command(tenant, asking.key, system=False) is None

    async def _whole(self, asking: Asking, context: Context, filled: Filled) -> Command | Appended | Refusal:
        """The command with what nobody gives of it; the first outcome of a repeated request."""
        repeated = await self._services.running.ledger.repeated(
            context.tenant,
            asking.key,
            self._spec.command,
            asking.members,
            None if asking.draws else asking.stream,
        )
        if repeated is not None:
            return repeated
        given = Given(context.tenant, asking.stream, context.business_date, asking.members)
        more = await filled.work(self._services.running, given)
        return more if isinstance(more, Refusal) else self._spec.reader.command_of({**asking.members, **more})

    async def _execute(self, asking: Asking, command: Command, context: Context) -> Appended | Refusal:
        request = Request(
            stream=asking.stream,
            key=asking.key,
            system=False,
            command=command,
            context=context,
            expected=await self._expected(asking),
            new=asking.draws,
            asked=None if self._filled is None else asking.members,
        )
        try:
            outcome = await self._services.running.ledger.execute(self._of.decider, request)
        except KeyReused:
            if not asking.draws:
                raise
            return await self._again(request)
        except VersionConflict as conflict:
            if self._spec.creates and self._of.taken is not None:
                return self._of.taken()
            raise kinds.PRECONDITION_FAILED(version=conflict.actual) from None
        if asking.draws and isinstance(outcome, Appended):
            self._services.remember_owner(asking.stream, asking.owner)
        return outcome

    async def _again(self, request: Request) -> Appended | Refusal:
        """Put a repeated draft to the stream that its key belongs to; raises `KeyReused` for another payload."""
        repeated = await self._services.running.ledger.repeated(
            request.context.tenant,
            request.key,
            self._spec.command,
            request.command if request.asked is None else request.asked,
            None,
        )
        assert repeated is not None, "the ledger just found this key"
        return repeated

    async def _expected(self, asking: Asking) -> int | None:
        """The version that the caller's conditions leave; a new stream has none."""
        if self._spec.creates:
            return None if asking.draws else 0
        return await insisted(self._services, self._of.decider, asking.stream, asking.headers)

    async def _answer(self, appended: Appended, send: Send) -> None:
        body = outcome_body(self.noun, appended)
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            (b"etag", b'"%d"' % appended.version),
            (b"ledger-position", b"%d" % appended.last_position),
            (b"cache-control", b"no-store"),
        ]
        if appended.replayed:
            headers.append((b"idempotent-replayed", b"true"))
        if self._spec.creates:
            address = f"{self._of.collection}/{format_id(self.noun, appended.stream)}"
            headers.append((b"location", address.encode()))
        status = 201 if self._spec.creates else 200
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


async def insisted(of: Services, decider: Decider[Any], stream: UUID, headers: Headers) -> int | None:
    """The version that If-Match insists on, of several the one that the stream is at; one that If-None-Match lacks.

    No version is -1: the conflict is found where repeated requests are found first.
    """
    versions, without = if_match(headers.if_match), headers.if_none_match
    if without is None and (versions is None or len(versions) == 1):
        return None if versions is None else next(iter(versions))
    version, _ = await of.running.ledger.load(decider, stream)
    if none_match(without, version):
        return -1
    return version if versions is None or version in versions else -1


class Outcome(Struct, frozen=True):
    """An accepted command: where its events stand. Follow `receipt` for the proof."""

    id: Annotated[
        str, Meta(pattern="^[a-z_]+_[0-9a-f]{32}$", description="Whose events they are: noun, 32 hex digits.")
    ]
    version: Annotated[int, Meta(description="The version after it, as in the ETag.")]
    first_position: Annotated[Position, Meta(description="Position of the first event that it appended.")]
    last_position: Annotated[Position, Meta(description="Position of the last event that it appended.")]
    receipt: Annotated[str, Meta(description="Address of the proof that the last of them is in the log.")]


def outcome(*, created: bool = False, body_optional: bool = False) -> Description:
    """What an accepted command answers."""
    headers = (POSITION, ETAG, REPLAYED, *((LOCATION,) if created else ()))
    return Description(
        answer=Outcome,
        status=201 if created else 200,
        words="Created" if created else "Done",
        headers=headers,
        body_optional=body_optional,
        problems=CREATE_PROBLEMS if created else COMMAND_PROBLEMS,
    )


def outcome_body(noun: str, appended: Appended) -> bytes:
    """The answer to an accepted command, from what the ledger keeps with its idempotency key and nothing else."""
    return b'{"id":"%b","version":%d,"first_position":%d,"last_position":%d,"receipt":"/v1/receipts/%d"}' % (
        format_id(noun, appended.stream).encode(),
        appended.version,
        appended.position,
        appended.last_position,
        appended.last_position,
    )


def stream_id(noun: str, text: str) -> UUID:
    """The stream of an id. Raises `resource.not_found` for everything else, which names nothing."""
    try:
        return parse_id(noun, text)
    except IdError:
        raise Problem(kinds.NOT_FOUND) from None


def _case(text: str) -> UUID:
    try:
        return parse_id(CASE_NOUN, text)
    except IdError:
        raise kinds.HEADER_INVALID(header="Case-Id", expected="case_ and 32 hex digits") from None


async def read_body(headers: Headers, receive: Receive) -> bytes:
    """The body of a request, at most `BODY_MAX_BYTES`. Raises `body.too_large` and `body.media_type`."""
    length = headers.content_length
    if length is not None and (not length.isdigit() or int(length) > BODY_MAX_BYTES):
        raise kinds.TOO_LARGE(limit_bytes=BODY_MAX_BYTES)
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > BODY_MAX_BYTES:
            raise kinds.TOO_LARGE(limit_bytes=BODY_MAX_BYTES)
        chunks.append(chunk)
        if not message.get("more_body"):
            break
    if size and not JSON_TYPE.fullmatch(headers.content_type or ""):
        raise Problem(kinds.NOT_JSON_TYPE)
    return b"".join(chunks)
