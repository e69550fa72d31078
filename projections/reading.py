"""Reading the ledger: events by position, of the types a fold wants, envelope parsed once and body decoded once.

Positions have no holes and a head row that is committed together with its events, so a window of positions is
complete as soon as the head has passed it: nothing can turn up in it later.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from psycopg import Connection

from chain.entry import EntryError, parse
from domain.kernel import Event
from projections.model import ProjectionError, Recorded

BATCH_ROWS_MAX = 5_000
"""Positions in one batch of the runner: memory stays small and one poison event delays at most this many."""

_COLUMNS = "position, stream, entry"
_WINDOW = f"""
    SELECT {_COLUMNS} FROM ledger.events
    WHERE shard = %s AND position > %s AND position <= %s AND type = ANY(%s) ORDER BY position"""
_CHOSEN = f"""
    SELECT {_COLUMNS} FROM ledger.events
    WHERE shard = %s AND position = ANY(%s) ORDER BY position"""
_STREAMS = f"""
    SELECT {_COLUMNS} FROM ledger.events
    WHERE shard = %s AND stream = ANY(%s) AND position <= %s AND type = ANY(%s) ORDER BY position"""


class Readable(Struct, frozen=True):
    """One event that was read: decoded, or with the reason why it could not be."""

    position: int
    stream: UUID
    event: Event | None
    recorded: Recorded | None
    error: str = ""


def head_size(connection: Connection[Any], shard: int) -> int:
    """How many events the shard's ledger holds; raises `ProjectionError` when it has no head row."""
    row = connection.execute("SELECT size FROM ledger.head WHERE shard = %s", (shard,)).fetchone()
    if row is None:
        raise ProjectionError(f"expected a head row of shard {shard}, got none")
    size: int = row[0]
    return size


def window(connection: Connection[Any], shard: int, after: int, up_to: int, types: Iterable[str]) -> list[Readable]:
    """The events at positions `after` + 1 … `up_to` whose stored type is one of `types`, in order."""
    return _read(connection, _WINDOW, (shard, after, up_to, list(types)))


def chosen(connection: Connection[Any], shard: int, positions: Sequence[int]) -> list[Readable]:
    """The events at exactly these positions, in order."""
    return _read(connection, _CHOSEN, (shard, list(positions)))


def streams(
    connection: Connection[Any], shard: int, ids: Sequence[UUID], up_to: int, types: Iterable[str]
) -> list[Readable]:
    """The events of some streams up to and including a position, in order."""
    return _read(connection, _STREAMS, (shard, list(ids), up_to, list(types)))


def decode(position: int, stream: UUID, entry: bytes) -> Readable:
    """One stored entry as a fold wants it; what cannot be decoded keeps its reason instead of raising."""
    try:
        parsed = parse(entry)
        recorded = Recorded(position, parsed, datetime.fromisoformat(parsed.occurred_at))
        return Readable(position, stream, parsed.event(), recorded)
    except (EntryError, ValueError, KeyError, TypeError) as error:
        # Upcasters are functions on stored bodies, so a body of an unexpected shape may also raise KeyError or TypeError.
        return Readable(position, stream, None, None, reason(error))


def reason(error: Exception) -> str:
    """Why an event was parked, as one bounded line."""
    return f"{type(error).__name__}: {error}"[:500]


def _read(connection: Connection[Any], query: str, parameters: tuple[Any, ...]) -> list[Readable]:
    cursor = connection.cursor(binary=True)
    return [decode(*row) for row in cursor.execute(query, parameters).fetchall()]
