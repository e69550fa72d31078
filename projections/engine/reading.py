"""Reading the ledger: events by position, of the types a fold wants, envelope parsed once and body decoded once.

Positions have no holes and the head row is committed together with its events, so a window of positions is complete as
soon as the head has passed it: nothing can turn up in it later.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from psycopg import Connection

from domain.kernel.event import decode_body
from projections.engine.model import Envelope, ProjectionError, Recorded

BATCH_ROWS_MAX = 5_000
"""Positions in one batch of the runner: memory stays small and one batch is done in a fraction of a second."""

BY_STREAM_ROWS = 5_000
"""Events that are read at once where they are read stream by stream."""

REASON_MAX_CHARS = 500

_WINDOW = """
    SELECT position, entry FROM ledger.events
    WHERE shard = %s AND position > %s AND position <= %s AND type = ANY(%s) ORDER BY position"""
_CHOSEN = "SELECT position, entry FROM ledger.events WHERE shard = %s AND position = ANY(%s) ORDER BY position"
_BY_STREAM = """
    SELECT e.position, e.entry, e.stream::text FROM ledger.events e
    WHERE e.shard = %s AND e.position > %s AND e.position <= %s AND e.type = ANY(%s) {chosen}
    ORDER BY e.stream, e.position"""
_WHOLE_STREAMS = """
    SELECT stream, position, entry FROM ledger.events
    WHERE shard = %s AND stream = ANY(%s) AND position <= %s ORDER BY stream, seq"""
_CHOSEN_STREAMS = "AND e.stream = ANY(%s::uuid[])"
_PLACE_OF = "SELECT stream::text, type FROM ledger.events WHERE shard = %s AND position = %s"


class _Owned(Struct, gc=False):
    """The tenant of an entry, and nothing else: readable where the rest is of a release to come."""

    tenant: UUID


_decode = msgspec.json.Decoder(Envelope).decode


class Unreadable(Struct, frozen=True):
    """An event that could not be decoded: where it is, why, and the type it is stored under."""

    position: int
    stream: str
    error: str
    type: str


ReadEvent = Recorded | Unreadable


def head_size(connection: Connection[Any], shard: int) -> int:
    """The number of events that the shard's ledger holds; raises `ProjectionError` when it has no head row."""
    row = connection.execute("SELECT size FROM ledger.head WHERE shard = %s", (shard,)).fetchone()
    if row is None:
        raise ProjectionError(f"expected a head row of shard {shard}, got none")
    size: int = row[0]
    return size


def window(connection: Connection[Any], shard: int, after: int, up_to: int, types: Iterable[str]) -> list[ReadEvent]:
    """The events at positions `after` + 1 … `up_to` whose stored type is one of `types`, in order."""
    return _read(connection, shard, _WINDOW, (shard, after, up_to, list(types)))


def chosen(connection: Connection[Any], shard: int, positions: Sequence[int]) -> list[ReadEvent]:
    """The events at exactly these positions, in order."""
    return _read(connection, shard, _CHOSEN, (shard, list(positions)))


def by_stream(
    connection: Connection[Any],
    shard: int,
    after: int,
    up_to: int,
    types: Iterable[str],
    chosen: Sequence[str] | None = None,
) -> Iterator[tuple[str | None, list[ReadEvent]]]:
    """The events at positions `after` + 1 … `up_to` in the order of their streams, some whole streams at a time.

    Of all streams, or of the `chosen` ones. Each time about `BY_STREAM_ROWS` events, and the last stream up to which
    everything is told; `None` at the end. Needs a transaction.
    """
    waiting: list[tuple[int, bytes, str]] = []
    with connection.cursor("events_by_stream", binary=True) as cursor:
        parameters = (shard, after, up_to, list(types))
        if chosen is None:
            cursor.execute(_BY_STREAM.format(chosen=""), parameters)
        else:
            cursor.execute(_BY_STREAM.format(chosen=_CHOSEN_STREAMS), (*parameters, list(chosen)))
        while page := cursor.fetchmany(BY_STREAM_ROWS):
            last, before = page[-1][2], len(waiting)
            waiting += page
            # The last stream may go on in the next page; everything before it is told.
            start = max(before - 1, 0)
            cut = next((at for at in range(len(waiting) - 1, start - 1, -1) if waiting[at][2] != last), -1) + 1
            if cut:
                yield waiting[cut - 1][2], _decoded(connection, shard, waiting[:cut])
                waiting = waiting[cut:]
    yield None, _decoded(connection, shard, waiting)


def entries_of(
    connection: Connection[Any], shard: int, streams: Sequence[UUID], up_to: int
) -> dict[UUID, list[tuple[int, bytes]]]:
    """(position, entry) of every event of some streams up to a position, by stream, oldest first."""
    found: dict[UUID, list[tuple[int, bytes]]] = {}
    cursor = connection.cursor(binary=True).execute(_WHOLE_STREAMS, (shard, list(streams), up_to))
    for stream, position, entry in cursor.fetchall():
        found.setdefault(stream, []).append((position, entry))
    return found


def decode(position: int, entry: bytes) -> Recorded:
    """One stored entry as a fold sees it. Raises whatever `msgspec` or an upcaster raises for it."""
    envelope = _decode(entry)
    return Recorded(position, envelope, decode_body(envelope.type, envelope.body))


def tenants(connection: Connection[Any], shard: int, positions: Sequence[int]) -> dict[int, UUID]:
    """The tenants of the events at these positions; without those whose entries cannot be read so far."""
    found: dict[int, UUID] = {}
    cursor = connection.cursor(binary=True).execute(_CHOSEN, (shard, list(positions)))
    for position, entry in cursor.fetchall():
        with suppress(msgspec.DecodeError, RecursionError):
            found[position] = msgspec.json.decode(entry, type=_Owned).tenant
    return found


def reason(error: Exception) -> str:
    """The reason why an event was parked, as one bounded line."""
    return f"{type(error).__name__}: {error}"[:REASON_MAX_CHARS]


def _read(connection: Connection[Any], shard: int, query: str, parameters: tuple[Any, ...]) -> list[ReadEvent]:
    return _decoded(connection, shard, connection.cursor(binary=True).execute(query, parameters).fetchall())


def _decoded(connection: Connection[Any], shard: int, rows: Iterable[Sequence[Any]]) -> list[ReadEvent]:
    """Rows that begin with position and entry."""
    read: list[ReadEvent] = []
    for position, entry, *_ in rows:
        try:
            read.append(decode(position, entry))
        except Exception as error:  # noqa: BLE001  an upcaster may raise anything; it parks the event and nothing else
            stream, kind = _place_of(connection, shard, position)
            read.append(Unreadable(position, stream, reason(error), kind))
    return read


def _place_of(connection: Connection[Any], shard: int, position: int) -> tuple[str, str]:
    """Stream and type, from the columns beside the entry."""
    row = connection.execute(_PLACE_OF, (shard, position)).fetchone()
    assert row is not None, "the event was read a moment ago and events are never removed"
    return row[0], row[1]
