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

    id: Annotated[EventId, Meta(description="Its id: `event_` and 32 hex digits.")]
    position: Annotated[Position, Meta(description="Its position in the ledger, from 1.")]
    leaf_hash: Annotated[Hash, Meta(description="Its RFC 6962 leaf hash, in lower-case hex.")]
    entry: Annotated[Raw, Meta(description="The entry as it was hashed.", extra_json_schema={"type": "object"})]


def event_item(stored: Stored) -> EventItem:
    """One stored event as people see it."""
    return EventItem(
        format_id("event", envelope(stored.entry).eid), stored.position, stored.leaf.hex(), Raw(stored.entry)
    )
