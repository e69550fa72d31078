"""Commands over HTTP: one route for each command of an aggregate, derived from its registry.

    headers ─▶ principal ─▶ may it? ─▶ whose stream? ─▶ Idempotency-Key ─▶ body ─▶ command ─▶ Ledger.execute ─▶ bytes

The response is a pure function of what the ledger keeps with the idempotency key (stream, sequence numbers,
positions), so a repeated request gets the same bytes years later.

A new application's id is drawn afresh for every request (UUIDv7, 74 random bits: nobody can guess or derive it). A
repeated draft therefore arrives with another id; the ledger finds the key, and the command is put again to the stream
that the key belongs to, where its payload is compared. First requests pay nothing for that.
"""

from __future__ import annotations

import re
from uuid import UUID

from msgspec import Struct
from starlette.types import Receive, Scope, Send

from adapters.postgres.ledger import Request
from adapters.postgres.sequencer import Appended, KeyReused, VersionConflict
from adapters.system import new_id
from api.http import catalogue
from api.http.access import Permission, Principal
from api.http.headers import idempotency_key, if_match
from api.http.models import CommandReader
from api.http.problems import Problem, refused
from api.http.services import RETRY_AFTER_S, Owner, Services
from domain.application import APPLICATION, COMMANDS, DraftApplication
from domain.kernel import Command, Context, IdError, Refusal, business_date, format_id, parse_id

BODY_MAX_BYTES = 1 << 20
"""A command is small; documents stay outside and enter by digest."""

NOUN = "application"
COLLECTION = "/v1/applications"
CASE_NOUN = "case"
_JSON_TYPE = re.compile(r'application/json(?:\s*;\s*charset="?utf-8"?)?\s*', re.IGNORECASE)
_HUMP = re.compile(r"(?<!^)(?=[A-Z])")

_P = Permission
_PERMISSIONS: dict[Permission, str] = {
    _P.INTAKE: "DraftApplication SubmitApplication UploadDocument RecordDocumentExtraction RouteToLane "
    "RequestHumanReview WithdrawApplication ExpireApplication",
    _P.VERIFY: "StartVerification RecordIdentityVerified RecordIdentityFailed RecordLivenessPassed "
    "RecordLivenessFailed RecordCarrierNameMatched RecordCarrierNameMismatched IdentifyVehicle "
    "RecordOdometerReading CompleteVerification",
    _P.DECIDE: "ReferApplication FinaliseTerms ApproveApplication DeclineApplication IssueAdverseNotice",
    _P.REVIEW: "CompleteHumanReview",
    _P.OFFER: "SelectOffer CreateOffer PresentOffer RecordOfferReturned AcceptOffer CancelOffer DeclineOffer "
    "StartContracting CompleteApplication",
    _P.WORK: "ScheduleWork StartWork CompleteWork",
}
PERMISSION_OF = {name: permission for permission, names in _PERMISSIONS.items() for name in names.split()}
"""Which permission each command takes."""


class Spec(Struct, frozen=True):
    """One command on the wire: its path segment (empty for the one that creates), its permission, its reader."""

    segment: str
    permission: Permission
    reader: CommandReader

    @property
    def command(self) -> type[Command]:
        """The command's class."""
        return self.reader.command

    @property
    def creates(self) -> bool:
        """Whether it opens a new stream."""
        return not self.segment

    @property
    def path(self) -> str:
        """The route's pattern."""
        return COLLECTION if self.creates else f"{COLLECTION}/{{application}}/{self.segment}"


def segment_of(command: type[Command]) -> str:
    """`SubmitApplication` → `submit`, `RouteToLane` → `route_to_lane`, the draft → nothing."""
    if command is DraftApplication:
        return ""
    return _HUMP.sub("_", command.__name__).lower().removesuffix(f"_{NOUN}")


def specs() -> list[Spec]:
    """Every command of the application. Raises `KeyError` for one without a permission."""
    return [Spec(segment_of(cls), PERMISSION_OF[cls.__name__], CommandReader(cls)) for cls in COMMANDS]


class Headers(Struct, frozen=True):
    """The headers that steer a command; repeated ones are joined by a comma (RFC 9110 §5.3)."""

    authorization: str | None = None
    content_type: str | None = None
    content_length: str | None = None
    idempotency_key: str | None = None
    if_match: str | None = None
    case_id: str | None = None


_WANTED = {field.replace("_", "-").encode(): field for field in Headers.__struct_fields__}


def read_headers(scope: Scope) -> Headers:
    """Pick the headers out of an ASGI scope in one pass."""
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        field = _WANTED.get(name)
        if field is not None:
            text = value.decode("latin-1")
            found[field] = f"{found[field]}, {text}" if field in found else text
    return Headers(**found)


class CommandEndpoint:
    """The ASGI application of one command's route."""

    def __init__(self, services: Services, spec: Spec) -> None:
        self._services = services
        self._spec = spec
        self.path = spec.path

    def fits(self, path: str, application: str) -> bool:
        """Whether a path that ends in this command's segment is this command's address."""
        return path == COLLECTION if self._spec.creates else bool(application)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request; problems are raised."""
        headers = read_headers(scope)
        principal = await self._services.access.principal(headers.authorization)
        principal.require(self._spec.permission)
        if scope["query_string"]:
            raise Problem(catalogue.QUERY_INVALID)
        stream, owner = await self._target(scope, headers, principal)
        key = idempotency_key(headers.idempotency_key)
        command = self._spec.reader.read(await read_body(headers, receive))
        place = (principal.tenant, key)
        if place in self._services.in_flight:
            raise catalogue.IDEMPOTENCY_IN_FLIGHT().with_headers(Retry_After=RETRY_AFTER_S)
        self._services.in_flight.add(place)
        try:
            outcome = await self._execute(stream, owner, key, command, principal, headers)
        finally:
            self._services.in_flight.discard(place)
        if isinstance(outcome, Refusal):
            raise refused(outcome)
        await self._answer(outcome, send)

    async def _target(self, scope: Scope, headers: Headers, principal: Principal) -> tuple[UUID, Owner]:
        if self._spec.creates:
            stream = new_id()
            case = stream if headers.case_id is None else _case(headers.case_id)
            return stream, Owner(principal.tenant, case)
        stream = application_id(scope["path_params"]["application"])
        return stream, await self._services.owner_of(stream, principal.tenant)

    async def _execute(
        self, stream: UUID, owner: Owner, key: str, command: Command, principal: Principal, headers: Headers
    ) -> Appended | Refusal:
        ledger, now = self._services.running.ledger, self._services.now()
        expected = await self._expected(stream, headers)
        context = Context(
            tenant=principal.tenant,
            actor=principal.actor,
            command=new_id(),
            correlation=owner.correlation,
            now=now,
            business_date=business_date(now),
        )
        request = Request(
            stream=stream, key=key, command=command, context=context, expected=expected, new=self._spec.creates
        )
        try:
            outcome = await ledger.execute(APPLICATION, request)
        except KeyReused:
            if not self._spec.creates:
                raise
            return await self._again(request)
        except VersionConflict as conflict:
            raise catalogue.PRECONDITION_FAILED(version=conflict.actual) from None
        if self._spec.creates and isinstance(outcome, Appended):
            self._services.remember_owner(stream, owner)
        return outcome

    async def _again(self, request: Request) -> Appended | Refusal:
        """Put a repeated draft to the stream that its key belongs to; raises `KeyReused` for another payload."""
        known = await self._services.running.reader.command(request.context.tenant, request.key)
        assert known is not None, "the ledger just found this key"
        again = Request(stream=known.stream, key=request.key, command=request.command, context=request.context)
        return await self._services.running.ledger.execute(APPLICATION, again)

    async def _expected(self, stream: UUID, headers: Headers) -> int | None:
        """The version that If-Match insists on; of several the one that the stream is at, if any."""
        versions = None if self._spec.creates else if_match(headers.if_match)
        if versions is None:
            return None
        if len(versions) == 1:
            return next(iter(versions))
        version, _ = await self._services.running.ledger.load(APPLICATION, stream)
        # No version is -1: the conflict is found where repeated requests are found first.
        return version if version in versions else -1

    async def _answer(self, appended: Appended, send: Send) -> None:
        body = outcome_body(appended)
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
            headers.append((b"location", b"%b/%b" % (COLLECTION.encode(), format_id(NOUN, appended.stream).encode())))
        status = 201 if self._spec.creates else 200
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def outcome_body(appended: Appended) -> bytes:
    """The answer to an accepted command, from what the ledger keeps with its idempotency key and nothing else."""
    return b'{"id":"%b","version":%d,"first_position":%d,"last_position":%d,"receipt":"/v1/receipts/%d"}' % (
        format_id(NOUN, appended.stream).encode(),
        appended.version,
        appended.position,
        appended.last_position,
        appended.last_position,
    )


def application_id(text: str) -> UUID:
    """The stream of an application's id. Raises `resource.not_found` for everything else, which names nothing."""
    try:
        return parse_id(NOUN, text)
    except IdError:
        raise Problem(catalogue.NOT_FOUND) from None


def _case(text: str) -> UUID:
    try:
        return parse_id(CASE_NOUN, text)
    except IdError:
        raise catalogue.HEADER_INVALID(header="Case-Id", expected="case_ and 32 hex digits") from None


async def read_body(headers: Headers, receive: Receive) -> bytes:
    """The body of a request, at most `BODY_MAX_BYTES`. Raises `body.too_large` and `body.media_type`."""
    length = headers.content_length
    if length is not None and (not length.isdigit() or int(length) > BODY_MAX_BYTES):
        raise catalogue.TOO_LARGE(limit_bytes=BODY_MAX_BYTES)
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Problem(catalogue.NOT_JSON)
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > BODY_MAX_BYTES:
            raise catalogue.TOO_LARGE(limit_bytes=BODY_MAX_BYTES)
        chunks.append(chunk)
        if not message.get("more_body"):
            break
    if size and not _JSON_TYPE.fullmatch(headers.content_type or ""):
        raise Problem(catalogue.NOT_JSON_TYPE)
    return b"".join(chunks)
