"""Reading the ledger: streams for replay, ranges by position, commands by key; for asyncio programs.

Every entry that is read for replay is checked: it parses strictly, and its sequence number follows its predecessor's.
Its event is checked when it is taken out: the type is registered and the body fits (older ones are upcast on the way).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct

from adapters.fair_queue import FairQueue
from adapters.postgres.connections import Pool
from adapters.postgres.schema import SHARD
from adapters.postgres.writing.sequencer import KnownCommand
from chain.entry import Entry, member_of, parse


class LedgerBroken(ValueError):
    """Stored events of which one is missing, is not whole, or is hidden from readers; run fsck."""


class StreamBroken(LedgerBroken):
    """A stored stream whose sequence numbers do not follow each other; run fsck."""


class Stored(Struct, frozen=True):
    """One stored event: its position (from 1), the exact entry bytes and the leaf hash kept beside them."""

    position: int
    entry: bytes
    leaf: bytes

    def parsed(self) -> Entry:
        """The entry; raises `chain.entry.EntryError`."""
        return parse(self.entry)


ALWAYS_FREE = 2
"""Connections that one asker leaves to others."""


class Reader:
    """Queries on a pool of connections."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._turns = FairQueue(pool.max_size, max(1, pool.max_size - ALWAYS_FREE))

    async def stream(self, stream: UUID, *, after: int = 0, up_to_position: int | None = None) -> list[Stored]:
        """Events of one stream behind version `after`, in order, optionally only up to a ledger position."""
        rows = await self._rows(_STREAM, (SHARD, stream, after, up_to_position, up_to_position))
        return [stored(row) for row in rows]

    async def first(self, stream: UUID) -> Stored | None:
        """The first event of a stream, which says whose and what it is."""
        rows = await self._rows(_FIRST, (SHARD, stream))
        return stored(rows[0]) if rows else None

    async def stream_entries(self, stream: UUID, *, after: int = 0) -> AsyncIterator[Entry]:
        """The entries of one stream behind version `after`, in order. Raises `StreamBroken` or `EntryError`."""
        for version, one in enumerate(await self.stream(stream, after=after), start=after + 1):
            yield _entry(one, stream, version)

    async def entries_of(self, streams: list[UUID]) -> dict[UUID, list[Entry]]:
        """All entries of several streams, as `stream_entries`, by one query; new streams are absent."""
        entries: dict[UUID, list[Entry]] = {}
        for stream, *row in await self._rows(_STREAMS, (SHARD, streams)):
            known = entries.setdefault(stream, [])
            known.append(_entry(stored(row), stream, len(known) + 1))
        return entries

    async def after(self, position: int, limit: int) -> list[Stored]:
        """At most `limit` events behind a position, in ledger order. Raises `LedgerBroken` where one is missing."""
        return following(position, [stored(row) for row in await self._rows(_AFTER, (SHARD, position, limit))])

    async def of_types(self, types: list[str], position: int, up_to: int, limit: int) -> list[Stored]:
        """At most `limit` events of these stored types, behind a position and up to another, in ledger order."""
        return [stored(row) for row in await self._rows(_OF_TYPES, (SHARD, position, up_to, types, limit))]

    async def at(self, positions: list[int]) -> list[Stored]:
        """The events at these positions, in ledger order."""
        return [stored(row) for row in await self._rows(_AT, (SHARD, positions))]

    async def size(self) -> int:
        """The position of the newest event, 0 for an empty ledger. Raises `LedgerBroken` when it is not told."""
        ((size,),) = await self._rows("SELECT size FROM ledger.head WHERE shard = %s", (SHARD,))
        if size is None:
            raise LedgerBroken("size in the head row: expected the number of events, got NULL")
        return int(size)

    async def command(self, tenant: UUID, key: str, *, system: bool) -> KnownCommand | None:
        """The accepted command with this idempotency key of callers, or of the program itself, if there is one."""
        rows = await self._rows(_COMMAND, (SHARD, tenant, system, key))
        return KnownCommand(*rows[0]) if rows else None

    async def known_keys(self, tenant: UUID, keys: list[str]) -> set[str]:
        """The program's own idempotency keys, of these, that the ledger holds."""
        return {key for (key,) in await self._rows(_KNOWN_KEYS, (SHARD, tenant, keys))}

    async def versions(self, streams: list[UUID]) -> dict[UUID, int]:
        """The versions of streams; new ones are absent."""
        return dict(await self._rows(_VERSIONS, (SHARD, streams)))

    async def last_begun(self, tenant: UUID, types: list[str], after: int) -> dict[str, int]:
        """The last position behind one at which a tenant's stream began with an event, by type of these events."""
        return dict(await self._rows(_LAST_BEGUN, (SHARD, after, types, member_of(tenant))))

    async def subject_key(self, tenant: UUID, subject: UUID) -> dict[UUID, bytes | None]:
        """The wrapped key of a tenant's subject; `None` in it when destroyed; empty when the subject is new."""
        return dict(await self._rows(_SUBJECT_KEY, (SHARD, tenant, subject)))

    async def _rows(self, query: str, parameters: tuple[object, ...]) -> list[tuple[Any, ...]]:
        async with self._turns.turn(), self._pool.connection() as connection:
            cursor = await connection.execute(query, parameters, binary=True, prepare=True)
            return await cursor.fetchall()


def stored(row: Sequence[Any]) -> Stored:
    """A row as an event; raises `LedgerBroken` for one that holds no bytes."""
    if None in row:
        raise LedgerBroken(f"position {row[0]}: expected a stored entry and its leaf, got NULL")
    return Stored(*row)


def following(position: int, found: list[Stored], up_to: int = 0) -> list[Stored]:
    """The events behind a position, each at the next one, at least up to a position that must be there.

    Raises `LedgerBroken` for the first that is missing: what is not shown must not look as if it never happened.
    """
    for expected, one in enumerate(found, start=position + 1):
        if one.position != expected:
            raise LedgerBroken(f"position {expected}: expected a stored event, got none before {one.position}")
    last = position + len(found)
    if last < up_to:
        raise LedgerBroken(f"position {last + 1}: expected a stored event, got none up to {up_to}")
    return found


def _entry(one: Stored, stream: UUID, version: int) -> Entry:
    entry = one.parsed()
    if entry.seq != version or entry.stream != stream:
        raise StreamBroken(
            f"position {one.position}: expected number {version} of stream {stream}, got {entry.seq} of {entry.stream}"
        )
    return entry


_STREAM = """
SELECT position, entry, leaf FROM ledger.events
WHERE shard = %s AND stream = %s AND seq > %s AND (%s::bigint IS NULL OR position <= %s) ORDER BY seq"""
_STREAMS = """
SELECT stream, position, entry, leaf FROM ledger.events WHERE shard = %s AND stream = ANY(%s) ORDER BY stream, seq"""
_FIRST = "SELECT position, entry, leaf FROM ledger.events WHERE shard = %s AND stream = %s AND seq = 1"
_AFTER = "SELECT position, entry, leaf FROM ledger.events WHERE shard = %s AND position > %s ORDER BY position LIMIT %s"
_AT = "SELECT position, entry, leaf FROM ledger.events WHERE shard = %s AND position = ANY(%s) ORDER BY position"
_OF_TYPES = """
SELECT position, entry, leaf FROM ledger.events
WHERE shard = %s AND position > %s AND position <= %s AND type = ANY(%s) ORDER BY position LIMIT %s"""
_COMMAND = """
SELECT digest, stream, seq, version, position, events, digest_key FROM ledger.commands
WHERE shard = %s AND tenant = %s AND system = %s AND key = %s"""
_KNOWN_KEYS = "SELECT key FROM ledger.commands WHERE shard = %s AND tenant = %s AND system AND key = ANY(%s)"
_VERSIONS = "SELECT stream, seq FROM ledger.stream_heads WHERE shard = %s AND stream = ANY(%s)"
_SUBJECT_KEY = "SELECT subject, wrapped FROM ledger.subject_keys WHERE shard = %s AND tenant = %s AND subject = %s"
_LAST_BEGUN = """
SELECT type, max(position) FROM ledger.events
WHERE shard = %s AND position > %s AND seq = 1 AND type = ANY(%s) AND position(%s::bytea IN entry) > 0 GROUP BY type"""
