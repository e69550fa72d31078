"""One event outside: its place, its RFC 6962 leaf hash, and the entry, byte for byte as it was hashed."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Raw, Struct

from adapters.postgres.reading.browse import envelope
from adapters.postgres.reading.reader import Stored
from api.queries.engine.shape import Position
from domain.kernel.ids import format_id

Hash = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
EventId = Annotated[str, Meta(pattern="^event_[0-9a-f]{32}$")]


class EventItem(Struct, frozen=True):
    """One event: its place, its RFC 6962 leaf hash, and the entry, byte for byte as it was hashed."""

    id: EventId
    position: Position
    leaf_hash: Hash
    entry: Annotated[Raw, Meta(extra_json_schema={"type": "object"})]


def event_item(stored: Stored) -> EventItem:
    """One stored event as people see it."""
    return EventItem(
        format_id("event", envelope(stored.entry).eid), stored.position, stored.leaf.hex(), Raw(stored.entry)
    )
