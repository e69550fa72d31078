"""Evidence: receipts of single events, and the log as C2SP tlog-tiles for whoever wants to verify all of it."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Depends, FastAPI, Path, Request
from starlette.responses import Response

from adapters.postgres.connections import Connection
from adapters.postgres.log import Log, Published
from adapters.postgres.reading.opening import ledger_state
from api.http.authentication import Needs, caller, require
from api.http.description import ETAG, NOT_MODIFIED, POSITION, PUBLIC_PROBLEMS, Description, add
from api.http.methods import ANY_ORIGIN
from api.http.problems import kinds
from api.http.problems.problem import Problem
from api.http.reads.answers import answer
from api.http.reads.routes import PUBLIC, STRICT, Of
from api.http.repeating import repeating
from api.identity.authentication import Principal
from api.permissions import Permission
from api.queries.ledger import Receipt, receipt_of
from chain.errors import MalformedTile
from chain.tiles import TILE_WIDTH, TileName, tile_width
from domain.kernel.ids import IdError, parse_id

IMMUTABLE = "max-age=31536000, immutable"
"""A tile of a given width never changes; nor does a bundle."""

CHECKPOINT_MAX_AGE = "public, max-age=1"
TEXT = "text/plain; charset=utf-8"
OCTETS = "application/octet-stream"
_POSITION_MAX_DIGITS = 16

ReceiptReader = Annotated[Principal, Depends(Needs(Permission.READ_RECEIPTS))]
EventPath = Annotated[
    str, Path(description="A ledger position, or an event's id: `event_` and 32 hex digits.", examples=["1"])
]
TilePath = Annotated[
    str,
    Path(
        description="`<level>/<index>[.p/<width>]` or `entries/<index>[.p/<width>]` (C2SP tlog-tiles).",
        examples=["0/000", "entries/000.p/1"],
    ),
]


async def read_receipt(event: EventPath, principal: ReceiptReader, of: Of) -> Response:
    """The proof that one event is in the log, under a signed checkpoint; the checkpoint is published if need be."""
    running = of.running
    position, eid = _asked(event)
    found = await of.queries.run(receipt_of, position, principal.tenant, eid=eid, signer=running.signer, now=of.now())
    if found is None:
        raise Problem(kinds.NOT_FOUND)
    return answer(found, found.tree_size)


def _asked(text: str) -> tuple[int | None, UUID | None]:
    if text.isascii() and text.isdigit() and len(text) <= _POSITION_MAX_DIGITS:
        return int(text), None
    try:
        return None, parse_id("event", text)
    except IdError:
        raise Problem(kinds.NOT_FOUND) from None


async def read_checkpoint(request: Request, of: Of) -> Response:
    """The newest published checkpoint (C2SP tlog-checkpoint)."""
    published = await of.queries.run(_newest)
    if published is None:
        raise Problem(kinds.NOT_FOUND)
    return _public(request, published.note, TEXT, CHECKPOINT_MAX_AGE)


async def read_verifier_keys(request: Request, of: Of) -> Response:
    """The log's verifier keys, oldest first, one on a line (C2SP signed-note)."""
    keys = await of.queries.run(lambda connection: Log(connection).vkeys())
    text = "".join(f"{key}\n" for _, key in keys)
    return _public(request, text.encode(), TEXT, CHECKPOINT_MAX_AGE)


def _public(request: Request, data: bytes, media_type: str, cache: str) -> Response:
    """What pages of any origin may read."""
    return repeating(request, data, media_type, {"Cache-Control": cache, **ANY_ORIGIN})


async def read_tile(request: Request, tile: TilePath, of: Of) -> Response:
    """One tile of hashes, for anyone; or one bundle of entries, for auditors and operators of the log's own tenant.

    A bundle holds the entries of every tenant, so only keys of the tenant that runs the log are given it, and it needs
    the permission `read_log_entries`.
    """
    name = _tile_name(tile)
    if name.level is None:
        principal = await caller(request)
        require(principal, Permission.READ_LOG_ENTRIES)
        if principal.tenant != (await of.queries.run(ledger_state)).owner:
            raise kinds.NOT_ALLOWED(role=principal.role, permission="log of all tenants")
    data = await of.queries.run(_tile, name)
    if not data:
        raise Problem(kinds.NOT_FOUND)
    if name.level is None:
        # Entries of all tenants in one answer: their length is nobody's business, so that they are not compressed.
        headers = {"Cache-Control": f"private, {IMMUTABLE}", "Vary": "Authorization"}
        return repeating(request, data, OCTETS, headers, compress=False)
    return _public(request, data, OCTETS, f"public, {IMMUTABLE}")


def _tile_name(path: str) -> TileName:
    try:
        return TileName.parse(f"tile/{path}")
    except MalformedTile:
        raise Problem(kinds.NOT_FOUND) from None


def _newest(connection: Connection) -> Published | None:
    return Log(connection).newest()


def _tile(connection: Connection, name: TileName) -> bytes:
    """The tile's bytes; empty where the newest published tree has no such tile of at least this width."""
    log = Log(connection)
    published = log.newest()
    size = published.size if published else 0
    if name.index > size // TILE_WIDTH or tile_width(name.level or 0, name.index, size) < name.width:
        return b""
    return log.entries(name.index, name.width) if name.level is None else log.tile(name.level, name.index, name.width)


def register(app: FastAPI) -> None:
    """Add the routes of this file."""
    text = Description(
        content={"text/plain": {"schema": {"type": "string"}}}, headers=(ETAG,), problems=PUBLIC_PROBLEMS,
        also=NOT_MODIFIED,
    )  # fmt: skip
    tile = Description(
        content={"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        headers=(ETAG,),
        also=NOT_MODIFIED,
        security=({}, {"ApiKey": []}),
    )
    for path, endpoint, description in (
        ("/v1/receipts/{event}", read_receipt, Description(answer=Receipt, headers=(POSITION,))),
        ("/tlog/checkpoint", read_checkpoint, text),
        ("/tlog/vkeys", read_verifier_keys, text),
        ("/tlog/tile/{tile:path}", read_tile, tile),
    ):
        limits = PUBLIC if path.startswith("/tlog") else STRICT
        add(app, "GET", path, endpoint, "evidence", description, dependencies=limits)
