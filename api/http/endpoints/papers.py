"""A contract on paper: set as a PDF, its schedule handed in, the signed file checked and taken as a signature.

    GET  …/document.pdf      events + texts + schedule ─typeset─▶ the same bytes for the same version
    GET  …/texts             the clauses byte for byte, to compare a copy with: `check_texts`, then …/alarms
    POST …/schedule          instalments ─digest as agreed?─▶ kept beside the ledger, the paper set at once
    POST …/present           the digest of a paper that was set of this version, where one was
    POST …/signed-document   PDF ─▶ every signature holds, by a trusted root? ─▶ names a party? ─▶ an update of the
                             contract's latest file? ─▶ SignContract with method `pades`

Nobody's name is on this paper: it can be set again at any time, by anyone who may read the contract, and reading it is
not reading personal data. Whatever is wrong with a signed file has a problem of its own, which repeats nothing of it.
"""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from typing import Annotated, Any
from uuid import UUID

import msgspec
from anyio import to_thread
from fastapi import Depends, FastAPI, Request
from msgspec import Meta
from msgspec.structs import replace
from starlette.responses import Response

from adapters.documents.checking import checked_apart
from adapters.documents.document import DocumentError
from adapters.documents.fonts import NoChineseFont
from adapters.documents.kept import trusted_roots
from adapters.documents.paper import Missing, PaperIncomplete
from adapters.documents.port import FILE_MAX_BYTES, Flaw, SignatureInvalid, TrustUnusable
from adapters.documents.typeset import typeset
from adapters.postgres import ledger
from adapters.postgres.writing.sequencer import Appended, VersionConflict
from api import papers
from api.http import words
from api.http.authentication import Needs
from api.http.commands.endpoint import JSON_TYPE, Outcome, outcome, outcome_body, stream_id
from api.http.commands.headers import KEY_MAX_CHARS, etag, idempotency_key, if_match, listed, none_match
from api.http.commands.models import CommandReader
from api.http.description import ETAG, NOT_MODIFIED, POSITION, Description, add
from api.http.problems import kinds
from api.http.problems.problem import Problem, refused
from api.http.reads.answers import JSON, encode
from api.http.reads.routes import STRICT, At, Of, by_position, path_of
from api.http.services import Owner, Services
from api.identity.authentication import Principal
from api.permissions import Permission
from api.queries.engine.events import Hash
from domain.contracts.contract.commands import SignContract
from domain.contracts.contract.rules import CONTRACT
from domain.contracts.contract.values import Signature
from domain.contracts.roots import schedule_digest
from domain.kernel.command import Command, Context
from domain.kernel.refusal import Refusal
from domain.kernel.times import business_date
from domain.pricing.schedules import Instalment

PDF = "application/pdf"
PDF_MAX_BYTES = FILE_MAX_BYTES

SCHEDULE_MAX_BYTES = 1 << 20
INSTALMENTS_MAX = 3_720
"""Ten years of days: what key terms can count to."""

PRIVATE = "private, no-store"
_PDF_TYPE = re.compile(r"application/pdf\s*", re.IGNORECASE)

ContractPath = path_of(CONTRACT.name)
Moment = Annotated[At, Depends(by_position)]
ContractReader = Annotated[Principal, Depends(Needs(Permission.READ_RECORDS))]
ContractWriter = Annotated[Principal, Depends(Needs(Permission.CONTRACT))]


class GivenSchedule(Command, frozen=True):
    """The instalments whose digest a contract has."""

    schedule: Annotated[
        tuple[Instalment, ...],
        Meta(
            min_length=1,
            max_length=INSTALMENTS_MAX,
            description="Instalments in the order of their numbers, without a hole.",
        ),
    ]


class KeptSchedule(msgspec.Struct, frozen=True):
    """A schedule that is kept now: its digest, as the contract has it, its instalments and their sum."""

    schedule_digest: Hash
    instalments: int
    total_fen: int


_SCHEDULES = CommandReader(GivenSchedule)
_HEADERS = (
    {
        "name": "Idempotency-Key", "in": "header", "required": True, "description": words.IDEMPOTENCY_KEY,
        "schema": {"type": "string", "minLength": 1, "maxLength": KEY_MAX_CHARS, "pattern": "^[!#-~]+$"},
    },
    {
        "name": "If-Match", "in": "header", "required": False, "description": words.IF_MATCH,
        "schema": {"type": "string", "examples": ['"3"']},
    },
)  # fmt: skip


# -------------------------------------------------------------------------------------------------------- paper


async def read_document(
    request: Request,
    contract: ContractPath,  # type: ignore[valid-type]
    principal: ContractReader,
    at: Moment,
    of: Of,
) -> Response:
    """The contract as a PDF: parties by their ids, key terms, clauses, schedule. No names.

    The same version of a contract gives the same bytes, so that its SHA-256 (`Repr-Digest`) is what `present` says of
    it. The schedule is the one that was handed in, or that of the contract's lease. Reading binds nobody to this paper.
    """
    stream, position = await _own(of, contract, principal, at)
    found = await _agreed(of, stream, position)
    headers = {
        "ETag": etag(found.state.version),
        "Ledger-Position": str(position),
        "Cache-Control": PRIVATE,
        "Vary": "Authorization",
    }
    if none_match(listed(request.headers, "if-none-match"), found.state.version):
        return Response(status_code=304, headers=headers)
    try:
        data = of.running.settings.data
        document = await of.queries.run(papers.paper, data, principal.tenant, stream, found)
        async with of.papers.turn():
            pdf = await to_thread.run_sync(typeset, document)
    except PaperIncomplete as error:
        if error.missing is Missing.SCHEDULE:
            raise Problem(kinds.SCHEDULE_MISSING) from None
        raise kinds.TEXT_MISSING(clause=error.clause) from None
    except NoChineseFont:
        raise Problem(kinds.NO_FONT) from None
    digest = b64encode(sha256(pdf).digest()).decode()
    headers |= {
        "Repr-Digest": f"sha-256=:{digest}:",
        "Content-Disposition": f'inline; filename="contract_{stream.hex}.pdf"',
    }
    return Response(pdf, headers=headers, media_type=PDF)


async def _own(of: Services, contract: str, principal: Principal, at: At) -> tuple[UUID, int]:
    stream = stream_id(CONTRACT.name, contract)
    await of.owner_of(stream, principal.tenant, CONTRACT.name)
    return stream, await at.moment.in_ledger(of)


async def _agreed(of: Services, stream: UUID, position: int) -> papers.ContractAtPosition:
    found = await of.queries.run(papers.agreed, stream, position)
    if found is None:
        raise Problem(kinds.NOT_FOUND)
    return found


async def keep_schedule(
    request: Request,
    contract: ContractPath,  # type: ignore[valid-type]
    principal: ContractWriter,
    of: Of,
) -> Response:
    """Hand the instalments in whose digest the contract has, so that its paper can be set.

    They are kept beside the ledger, by their digest; nothing is appended, and handing them in again changes nothing.
    From then on only this paper is taken as the document that was shown.
    """
    stream = stream_id(CONTRACT.name, contract)
    await of.owner_of(stream, principal.tenant, CONTRACT.name)
    idempotency_key(listed(request.headers, "idempotency-key"))
    given = _SCHEDULES.read(await _body(request, SCHEDULE_MAX_BYTES, JSON_TYPE, kinds.NOT_JSON_TYPE))
    assert isinstance(given, GivenSchedule), "that is what this reader reads"
    position = await of.running.reader.size()
    found = await _agreed(of, stream, position)
    _require(request, found)
    assert found.state.key_terms is not None, "a contract was assembled"
    digest = schedule_digest(given.schedule)
    pending = found.state.amendment
    expected = {found.state.key_terms.schedule_digest, *((pending.key_terms.schedule_digest,) if pending else ())}
    if digest not in expected:
        raise kinds.SCHEDULE_DIFFERS(expected=found.state.key_terms.schedule_digest, got=digest)
    await to_thread.run_sync(papers.kept(of.running.settings.data).keep, given.schedule)
    await _set_at_once(of, principal.tenant, stream, found)
    kept = KeptSchedule(digest, len(given.schedule), sum(one.total_fen for one in given.schedule))
    headers = {
        "ETag": etag(found.state.version), "Ledger-Position": str(position), "Cache-Control": "no-store"
    }  # fmt: skip
    return Response(encode(kept), headers=headers, media_type=JSON)


async def _set_at_once(of: Services, tenant: UUID, stream: UUID, found: papers.ContractAtPosition) -> None:
    """Set the paper where it can be, so that no other one is presented; without a text or a font nobody can."""
    data = of.running.settings.data
    try:
        document = await of.queries.run(papers.paper, data, tenant, stream, found)
        await to_thread.run_sync(papers.set_paper, data, stream, document)
    except (PaperIncomplete, DocumentError, NoChineseFont):
        return


# ------------------------------------------------------------------------------------------------------ signatures


async def receive_signed_document(
    request: Request,
    contract: ContractPath,  # type: ignore[valid-type]
    principal: ContractWriter,
    of: Of,
) -> Response:
    """Hand the signed file in: its signatures are checked, and the last one is recorded as the party's.

    Every signature must hold under the trusted certificates, nothing but signatures may have been added, the signer's
    certificate must name the party by its id, and what was signed must be the contract's latest file. As long as others
    have to sign, no signature may forbid theirs. The event says `pades`. The file itself is not kept.
    """
    stream = stream_id(CONTRACT.name, contract)
    owner = await of.owner_of(stream, principal.tenant, CONTRACT.name)
    key = idempotency_key(listed(request.headers, "idempotency-key"))
    with of.uploading(principal):
        return await _received(request, of, stream, owner, key, principal)


async def _received(
    request: Request, of: Services, stream: UUID, owner: Owner, key: str, principal: Principal
) -> Response:
    pdf = await _body(request, PDF_MAX_BYTES, _PDF_TYPE, kinds.NOT_PDF_TYPE)
    with of.answering(principal.tenant, key):
        now = of.now()
        context = Context(
            tenant=principal.tenant,
            actor=principal.actor,
            correlation=owner.correlation,
            now=now,
            business_date=business_date(now),
        )
        outcome = await _signed(request, of, stream, key, pdf, context)
    if isinstance(outcome, Refusal):
        raise refused(outcome)
    return _answered(outcome)


async def _signed(
    request: Request, of: Services, stream: UUID, key: str, pdf: bytes, context: Context
) -> Appended | Refusal:
    asked = sha256(pdf).hexdigest()
    repeated = await of.running.ledger.repeated(context.tenant, key, SignContract, asked, stream)
    if repeated is not None:
        return repeated
    found = await _agreed(of, stream, await of.running.reader.size())
    insists = _require(request, found)
    async with of.checks.turn():
        signature = await to_thread.run_sync(_checked, of, pdf, found)
    asking = ledger.Request(
        stream=stream, key=key, system=False, command=SignContract(signature=signature), context=context, asked=asked,
        expected=found.state.version if insists else None,
    )  # fmt: skip
    try:
        return await of.running.ledger.execute(CONTRACT, asking)
    except VersionConflict as conflict:
        raise kinds.PRECONDITION_FAILED(version=conflict.actual) from None


def _require(request: Request, found: papers.ContractAtPosition) -> bool:
    """Whether the request insists on the version that was found. Raises `precondition.failed` for another one."""
    version, versions = found.state.version, if_match(listed(request.headers, "if-match"))
    without = listed(request.headers, "if-none-match")
    if (versions is not None and version not in versions) or none_match(without, version):
        raise kinds.PRECONDITION_FAILED(version=version)
    return versions is not None or without is not None


def _checked(of: Services, pdf: bytes, found: papers.ContractAtPosition) -> Signature:
    try:
        roots, crls = trusted_roots(of.running.settings.trust_directory)
        return checked_apart(pdf, roots, found.files, at=of.now(), crls=crls, waiting=found.state.waiting())
    except SignatureInvalid as error:
        raise Problem(kinds.SIGNATURES[error.flaw], facts=_facts(error)) from None
    except TrustUnusable:
        raise Problem(kinds.TENANT_DATA_BROKEN) from None


def _facts(error: SignatureInvalid) -> dict[str, str]:
    """Limits and numbers are ours; everything else that was expected or found may be the file's own text."""
    if error.flaw is Flaw.FORBIDS_MORE:
        return {"expected": error.expected, "got": error.got}
    return {"limit": error.expected} if error.flaw is Flaw.TOO_COSTLY else {}


def _answered(appended: Appended) -> Response:
    headers = {
        "ETag": etag(appended.version),
        "Ledger-Position": str(appended.last_position),
        "Cache-Control": "no-store",
    } | ({"Idempotent-Replayed": "true"} if appended.replayed else {})
    return Response(outcome_body(CONTRACT.name, appended), headers=headers, media_type=JSON)


async def _body(request: Request, limit: int, fitting: re.Pattern[str], otherwise: Any) -> bytes:
    """The body of a request, at most `limit` bytes. Raises `body.too_large`, or `otherwise` for another type."""
    if not fitting.fullmatch(request.headers.get("content-type", "")):
        raise Problem(otherwise)
    chunks, size = list[bytes](), 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise kinds.TOO_LARGE(limit_bytes=limit)
        chunks.append(chunk)
    return b"".join(chunks)


def register(app: FastAPI) -> None:
    """Add the routes of this file."""
    address, file = "/v1/contracts/{contract}", {"type": "string", "format": "binary"}
    document = Description(content={PDF: {"schema": file}}, headers=(POSITION, ETAG), also=NOT_MODIFIED)
    schedule, signed = (
        replace(outcome(), answer=answer, takes={media_type: taken}, parameters=_HEADERS)
        for answer, media_type, taken in ((KeptSchedule, JSON, GivenSchedule), (Outcome, PDF, file))
    )
    for method, path, endpoint, description in (
        ("GET", f"{address}/document.pdf", read_document, document),
        ("POST", f"{address}/schedule", keep_schedule, schedule),
        ("POST", f"{address}/signed-document", receive_signed_document, signed),
    ):
        add(app, method, path, endpoint, "contracts", description, dependencies=STRICT)
