"""Queries of the ledger: the owner of a stream, the events of a range, the size at an instant.

For one blocking connection. Positions have no holes and `recorded_at` never goes back with them, so an instant is found
by bisection and needs no index of its own.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from itertools import pairwise
from uuid import UUID

import msgspec
from msgspec import Struct

from adapters.postgres.connections import Connection
from adapters.postgres.reading.reader import LedgerBroken, Stored, StreamBroken, following, stored
from adapters.postgres.schema import SHARD
from chain.entry import member_of
from domain.kernel.times import utc_text

SCAN_EVENTS_MAX = 1_000
"""Events that one page may look at; a page may be short, even empty, and still have more behind it."""

EVENT_SKEW_MS = 120_000
"""An event's id is made this long at most before (or, on another clock, after) its recording."""

EVENT_SCAN_MAX = 20_000
"""Events that the search for one event, by its id or beside another, may look at."""


class Envelope(Struct, frozen=True):
    """Envelope of an entry, as far as these queries need it."""

    eid: UUID
    type: str
    tenant: UUID
    stream: UUID
    seq: int
    correlation: UUID
    recorded_at: str


class Scanned(Struct, frozen=True):
    """Some events in ledger order, the last position that was looked at, and whether there is more behind it."""

    events: tuple[Stored, ...]
    scanned_to: int
    has_more: bool


_ENVELOPE = msgspec.json.Decoder(Envelope)


def envelope(entry: bytes) -> Envelope:
    """The envelope of stored bytes. Raises `msgspec.MsgspecError` for bytes that are no entry."""
    return _ENVELOPE.decode(entry)


def head_size(connection: Connection) -> int:
    """The position of the newest event, 0 for an empty ledger."""
    row = connection.execute("SELECT size FROM ledger.head WHERE shard = %s", (SHARD,)).fetchone()
    assert row is not None, "the schema comes with a head row"
    return int(row[0])


def origin(connection: Connection) -> str:
    """The name of the log in its checkpoints."""
    row = connection.execute("SELECT origin FROM ledger.head WHERE shard = %s", (SHARD,)).fetchone()
    assert row is not None, "the schema comes with a head row"
    return str(row[0])


def first_entry(connection: Connection, stream: UUID) -> bytes | None:
    """The entry of a stream's first event; `None` when there is no such stream."""
    row = connection.execute(
        "SELECT entry FROM ledger.events WHERE shard = %s AND stream = %s AND seq = 1", (SHARD, stream)
    ).fetchone()
    return bytes(row[0]) if row else None


def first_envelope(connection: Connection, stream: UUID) -> Envelope | None:
    """The envelope of a stream's first event, which says whose it is; `None` when there is no such stream."""
    entry = first_entry(connection, stream)
    return None if entry is None else envelope(entry)


def event_at(connection: Connection, position: int) -> Stored | None:
    """The event at a position. Raises `LedgerBroken` where the ledger holds one that is not there."""
    found = _between(connection, position, position)
    # What came between the first look and the head is there at the second one.
    if not found and 0 < position <= head_size(connection) and not (found := _between(connection, position, position)):
        raise LedgerBroken(f"position {position}: expected a stored event, got none")
    return found[0] if found else None


def stream_page(connection: Connection, stream: UUID, after: int, limit: int, up_to: int) -> Scanned:
    """Events of one stream behind position `after`, none behind `up_to`. Raises `StreamBroken` where one is missing."""
    rows = connection.execute(_STREAM, (SHARD, stream, after, up_to, limit + 1), binary=True).fetchall()
    for (seq, at, *_), (later, *_) in pairwise([(0, 0), *rows] if after == 0 else rows):
        if later != seq + 1:
            raise StreamBroken(f"behind position {at}: expected number {seq + 1} of stream {stream}, got {later}")
    events = tuple(stored(row[1:]) for row in rows[:limit])
    return Scanned(events, events[-1].position if events else after, len(rows) > limit)


def ledger_page(
    connection: Connection, tenant: UUID, after: int, limit: int, up_to: int, types: Collection[str] = ()
) -> Scanned:
    """A tenant's events behind position `after`, none behind `up_to`, only of `types` if any are given.

    Raises `LedgerBroken` where one is missing, whose ever it is.
    """
    rows = connection.execute(_LEDGER, (SHARD, after, up_to, SCAN_EVENTS_MAX), binary=True).fetchall()
    found: list[Stored] = []
    for one in following(after, [stored(row) for row in rows], min(up_to, after + SCAN_EVENTS_MAX)):
        seen = envelope(one.entry)
        if seen.tenant != tenant or (types and seen.type not in types):
            continue
        if len(found) == limit:
            return Scanned(tuple(found), found[-1].position, has_more=True)
        found.append(one)
    scanned_to = rows[-1][0] if rows else after
    return Scanned(tuple(found), scanned_to, has_more=len(rows) == SCAN_EVENTS_MAX and scanned_to < up_to)


def nearest(
    connection: Connection, tenant: UUID, position: int, *, later: bool, nouns: Collection[str] | None = None
) -> int | None:
    """The position of a tenant's event next before or behind a position, only of `nouns` if any are named.

    Looks at `EVENT_SCAN_MAX` events and is `None` when it is none of them.
    """
    limits = (SHARD, position, EVENT_SCAN_MAX, member_of(tenant), nouns is None, sorted(nouns or ()))
    row = connection.execute(_LATER if later else _EARLIER, limits, binary=True).fetchone()
    return row[0] if row and envelope(bytes(row[1])).tenant == tenant else None


def position_as_of(connection: Connection, instant: datetime) -> int:
    """The last position that was recorded at or before an instant; 0 when that is before the first."""
    wanted = utc_text(instant)
    known, unknown = 0, head_size(connection)
    while known < unknown:
        middle = (known + unknown + 1) // 2
        one = event_at(connection, middle)
        assert one is not None, "the ledger has grown as far"
        if envelope(one.entry).recorded_at <= wanted:
            known = middle
        else:
            unknown = middle - 1
    return known


def event_by_id(connection: Connection, eid: UUID) -> Stored | None:
    """The event with this id, found around the time inside the id (RFC 9562 §5.7); `None` when it is not there.

    Only ids that were made when their event was recorded are found; events of an import are asked for by position.
    """
    made_ms = eid.int >> 80
    if made_ms > _LATEST_MS:
        return None
    after = position_as_of(connection, _instant(max(made_ms - EVENT_SKEW_MS, 0)))
    last = min(position_as_of(connection, _instant(made_ms + EVENT_SKEW_MS)), after + EVENT_SCAN_MAX)
    while after < last:
        found = _between(connection, after + 1, min(after + SCAN_EVENTS_MAX, last))
        for one in found:
            if envelope(one.entry).eid == eid:
                return one
        after += SCAN_EVENTS_MAX
    return None


_LATEST_MS = 253_370_764_800_000
"""The year 9999, less than which every date fits."""


def _instant(unix_ms: int) -> datetime:
    return datetime.fromtimestamp(unix_ms / 1000, UTC)


def _between(connection: Connection, first: int, last: int) -> list[Stored]:
    return [stored(row) for row in connection.execute(_BETWEEN, (SHARD, first, last), binary=True).fetchall()]


_COLUMNS = "SELECT position, entry, leaf FROM ledger.events WHERE shard = %s"
_BETWEEN = f"{_COLUMNS} AND position BETWEEN %s AND %s ORDER BY position"
_STREAM = (
    "SELECT seq, position, entry, leaf FROM ledger.events "
    "WHERE shard = %s AND stream = %s AND position > %s AND position <= %s ORDER BY seq LIMIT %s"
)
_NEAREST = (
    "SELECT position, entry FROM (SELECT position, type, entry FROM ledger.events "
    "WHERE shard = %s AND position {side} %s ORDER BY position {order} LIMIT %s) AS near "
    "WHERE position(%s::bytea IN entry) > 0 AND (%s OR split_part(type, '.', 1) = ANY(%s)) "
    "ORDER BY position {order} LIMIT 1"
)
_EARLIER, _LATER = _NEAREST.format(side="<", order="DESC"), _NEAREST.format(side=">", order="ASC")
_LEDGER = f"{_COLUMNS} AND position > %s AND position <= %s ORDER BY position LIMIT %s"
