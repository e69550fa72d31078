"""What the interface answers with: one frozen struct for each resource, encoded in field order, nothing left out.

Instants are RFC 3339 text in UTC, ids `<noun>_<hex>`, hashes lower-case hex, amounts integers of the smallest unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from hashlib import sha256
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta, Raw, Struct

from adapters.postgres.browse import envelope
from adapters.postgres.reader import Stored
from domain.intake.application.checklist import StepState
from domain.intake.application.decider import APPLICATION
from domain.intake.application.state import ApplicationState, Document, Offer, Phase
from domain.intake.application.values import AssetClass, Finding, Terms
from domain.kernel.ids import format_id
from domain.kernel.times import utc_text
from projections.engine.reading import decode
from projections.intake import application_book
from projections.intake.application_book import Application as Row

Instant = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
Hash = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
Position = Annotated[int, Meta(ge=0)]
ApplicationId = Annotated[str, Meta(pattern="^application_[0-9a-f]{32}$")]
SubjectId = Annotated[str, Meta(pattern="^subject_[0-9a-f]{32}$")]
EventId = Annotated[str, Meta(pattern="^event_[0-9a-f]{32}$")]


class Outcome(Struct, frozen=True):
    """An accepted command: where its events stand. Follow `receipt` for the proof."""

    id: Annotated[str, Meta(pattern="^[a-z_]+_[0-9a-f]{32}$")]
    version: int
    first_position: Position
    last_position: Position
    receipt: str


class ApplicationSummary(Struct, frozen=True, kw_only=True):
    """One application in a list. `terms_*` is what was offered or approved last."""

    id: ApplicationId
    version: int
    state: Phase
    reference: str
    asset_class: AssetClass
    product: str
    channel: str
    amount_fen: int
    currency: str
    expires_on: date | None
    lane: str | None
    decision: str | None
    review_pending: bool
    documents: int
    offers: int
    offer_state: str | None
    terms_amount_fen: int | None
    terms_months: int | None
    terms_rate: str | None
    drafted_at: Instant
    submitted_at: Instant | None
    decided_at: Instant | None
    closed_at: Instant | None


class Application(Struct, frozen=True, kw_only=True):
    """One application, folded from its own events; valid at the version in `ETag`. Holds no personal data."""

    id: ApplicationId
    version: int
    state: Phase
    reference: str
    asset_class: AssetClass
    product: str
    channel: str
    amount_fen: int
    currency: str
    subject: SubjectId | None
    expires_on: date | None
    lane: str | None
    decision: str | None
    reasons: tuple[str, ...]
    adverse_notice_issued: bool
    review_pending: bool
    finding: Finding | None
    steps: dict[str, StepState]
    documents: tuple[Document, ...]
    terms: Terms | None
    offers: int
    offer: Offer | None
    drafted_at: Instant
    submitted_at: Instant | None
    decided_at: Instant | None
    closed_at: Instant | None
    first_position: Position
    last_position: Position


class ApplicationPage(Struct, frozen=True):
    """Some applications in the order of their ids; `next` is the `starting_after` of the next page."""

    data: tuple[ApplicationSummary, ...]
    has_more: bool
    next: ApplicationId | None


class EventItem(Struct, frozen=True):
    """One event: its place, its RFC 6962 leaf hash, and the entry, byte for byte as it was hashed."""

    id: EventId
    position: Position
    leaf_hash: Hash
    entry: Annotated[Raw, Meta(extra_json_schema={"type": "object"})]


class EventPage(Struct, frozen=True):
    """Some events in ledger order; a page may be short and still have more behind it. `next` continues it."""

    data: tuple[EventItem, ...]
    has_more: bool
    next: Position | None


class VerifierKey(Struct, frozen=True):
    """A key of the log (C2SP signed-note verifier key) and the tree size from which it signs."""

    from_size: Position
    vkey: str


class Receipt(Struct, frozen=True):
    """What shows, offline, that an event is in the log.

    `proof` is a C2SP tlog-proof file with the checkpoint inside; `leaf_hash` is SHA-256(0x00 ‖ entry),
    `entry_sha256` SHA-256 of the entry alone.
    """

    event: EventId
    position: Position
    leaf_hash: Hash
    entry_sha256: Hash
    proof: str
    checkpoint: str
    tree_size: Position
    verifier_keys: tuple[VerifierKey, ...]


class Health(Struct, frozen=True):
    """The process answers."""

    status: str


class ReadModel(Struct, frozen=True):
    """How far one read model is behind the ledger."""

    name: str
    version: int
    status: str
    position: Position
    behind: int
    dead_letters: int


class Readiness(Struct, frozen=True):
    """Whether requests can be served: the database answers and the read models are near the ledger's head."""

    status: str
    ledger_position: Position
    read_models: tuple[ReadModel, ...]


_ENCODER = msgspec.json.Encoder()


def encode(resource: object) -> bytes:
    """The bytes of a resource."""
    return _ENCODER.encode(resource)


def folded(stored: Sequence[Stored]) -> Application | None:
    """An application from its events, oldest first; `None` for none.

    Raises `msgspec.MsgspecError` for stored bytes that are damaged.
    """
    state, row = APPLICATION.initial, None
    for one in stored:
        recorded = decode(one.position, one.entry)
        state = APPLICATION.evolve(state, recorded.event)
        row = application_book.fold(row, recorded.event, recorded)
    return None if row is None else _application(row, state)


def _application(row: Row, state: ApplicationState) -> Application:
    return Application(
        **_common(row),
        subject=None if state.subject is None else format_id("subject", state.subject),
        reasons=state.reasons,
        adverse_notice_issued=state.notice_issued,
        finding=state.finding,
        steps=state.step_states(),
        documents=state.documents,
        terms=state.terms,
        offers=state.offers,
        offer=state.offer,
        first_position=row.first_position,
        last_position=row.position,
    )


def summary(row: Row) -> ApplicationSummary:
    """A row of the application book as people see it."""
    return ApplicationSummary(
        **_common(row),
        documents=row.documents,
        offers=row.offers,
        offer_state=row.offer_state,
        terms_amount_fen=row.terms_amount_fen,
        terms_months=row.terms_months,
        terms_rate=row.terms_rate,
    )


def _common(row: Row) -> dict[str, Any]:
    same = ("version", "reference", "product", "channel", "amount_fen", "currency", "expires_on", "lane", "decision")
    times = ("drafted_at", "submitted_at", "decided_at", "closed_at")
    return {
        "id": format_id("application", row.id),
        "state": Phase(row.state),
        "asset_class": AssetClass(row.asset_class),
        "review_pending": row.review_pending,
        **{name: getattr(row, name) for name in same},
        **{name: _instant(getattr(row, name)) for name in times},
    }


def _instant(at: datetime | None) -> str | None:
    return None if at is None else utc_text(at)


def event_id(eid: UUID) -> str:
    """An event's id outside."""
    return format_id("event", eid)


def event_item(stored: Stored) -> EventItem:
    """One stored event as people see it."""
    return EventItem(event_id(envelope(stored.entry).eid), stored.position, stored.leaf.hex(), Raw(stored.entry))


def entry_sha256(stored: Stored) -> str:
    """SHA-256 of the entry's bytes in hex."""
    return sha256(stored.entry).hexdigest()
