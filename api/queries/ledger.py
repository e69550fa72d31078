"""The ledger as a whole: the tenant's events in order, and receipts that show offline that one is in the log."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from adapters.postgres.connections import Connection
from adapters.postgres.log import Log, RememberingSigner
from adapters.postgres.reading import browse
from adapters.postgres.reading.reader import Stored
from api.permissions import Permission
from api.queries.engine.events import EventId, EventItem, Hash, event_item
from api.queries.engine.parameters import by_position
from api.queries.engine.read import Read, ReadRequest, ReadResult
from api.queries.engine.shape import Position
from domain.kernel.ids import format_id

Types = Annotated[
    str | None,
    Meta(
        description="Only events of these types, separated by commas.",
        pattern=r"^[a-z0-9_.]+(,[a-z0-9_.]+){0,19}$",
        max_length=1_000,
        examples=["application.drafted.v1"],
    ),
]


class EventFilter(Struct, frozen=True, kw_only=True):
    """Which events are wanted."""

    types: Types = None


def wanted_types(types: str | None) -> frozenset[str]:
    """The event types of a filter; types that nobody knows match nothing."""
    return frozenset(types.split(",")) if types else frozenset()


def _list_events(request: ReadRequest) -> ReadResult:
    """The tenant's events in ledger order."""
    types = wanted_types(request.filters.types)
    page = browse.ledger_page(
        request.connection, request.tenant, request.after or 0, request.limit, request.moment, types
    )
    return ReadResult(tuple(map(event_item, page.events)), request.moment, page.scanned_to if page.has_more else None)


class VerifierKey(Struct, frozen=True):
    """A key of the log (C2SP signed-note verifier key) and the tree size from which it signs."""

    from_size: Position
    vkey: str


class Receipt(Struct, frozen=True):
    """What shows, offline, that an event is in the log.

    `proof` is a C2SP tlog-proof file with the checkpoint inside; `leaf_hash` is SHA-256(0x00 ‖ entry),
    `entry_sha256` SHA-256 of the entry alone.
    """

    event: Annotated[EventId, Meta(description="The event's id: `event_` and 32 hex digits.")]
    position: Annotated[Position, Meta(description="Its position in the ledger, from 1.")]
    leaf_hash: Annotated[Hash, Meta(description="Its RFC 6962 leaf hash, in lower-case hex.")]
    entry_sha256: Annotated[Hash, Meta(description="SHA-256 of its entry alone, in lower-case hex.")]
    proof: Annotated[str, Meta(description="A C2SP tlog-proof file: the path, and the checkpoint it leads to.")]
    checkpoint: Annotated[str, Meta(description="The signed checkpoint alone, a C2SP note.")]
    tree_size: Annotated[Position, Meta(description="How many events the checkpoint covers.")]
    verifier_keys: Annotated[tuple[VerifierKey, ...], Meta(description="The keys that checkpoints are verified by.")]


def receipt_of(
    connection: Connection,
    position: int | None,
    tenant: UUID,
    *,
    eid: UUID | None = None,
    signer: RememberingSigner,
    now: datetime,
) -> Receipt | None:
    """The receipt of a tenant's event by its position or id; `None` when there is none. A checkpoint that contains the
    event is published if need be.
    """
    stored = browse.event_by_id(connection, eid) if eid else browse.event_at(connection, position or 0)
    if stored is None or (known := browse.envelope(stored.entry)).tenant != tenant:
        return None
    log = Log(connection)
    published = log.newest()
    if published is None or published.size < stored.position:
        log.publish(signer, now)
    return _made(stored, known.eid, log.proof(stored.position), log)


def _made(stored: Stored, eid: UUID, proof: bytes, log: Log) -> Receipt:
    # The proof holds the checkpoint that it was made for, which may be newer than the one that was looked at.
    checkpoint = proof.partition(b"\n\n")[2].decode()
    return Receipt(
        event=format_id("event", eid),
        position=stored.position,
        leaf_hash=stored.leaf.hex(),
        entry_sha256=sha256(stored.entry).hexdigest(),
        proof=proof.decode(),
        checkpoint=checkpoint,
        tree_size=int(checkpoint.split("\n")[1]),
        verifier_keys=tuple(VerifierKey(since, str(key)) for since, key in log.vkeys()),
    )


READS = (
    Read(
        path="/events", query=_list_events, answer=EventItem, many=True, filters=EventFilter, cursor=by_position(),
        permission=Permission.READ_EVENTS, tag="events",
    ),
)  # fmt: skip
