"""Rows of one transaction of the group commit, written by few statements over whole columns.

Small batches go in by `unnest`, large ones by binary COPY; everything after the events is one statement, and the
COMMIT rides in the same round trip.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import chain
from operator import attrgetter
from typing import Any, TypeVar
from uuid import UUID

from adapters.postgres.connections import AsyncConnection
from adapters.postgres.schema import SHARD
from adapters.postgres.writing.columns import Bigints, Booleans, Byteas, Column, Integers, Texts, Uuids
from adapters.postgres.writing.sequencer import Appended, Batch
from chain.entry import Case, Link

COPY_FROM_EVENTS = 512
"""Batches of at least so many events go in by COPY (measured: unnest is faster below, COPY above)."""

CHANNEL = "ledger"
"""Every commit notifies this channel with the ledger's new size."""


K = TypeVar("K", UUID, Case)


async def write(connection: AsyncConnection, batch: Batch) -> None:
    """Write a batch and commit it; two round trips when it is large, else one."""
    by_copy = len(batch.positions) >= COPY_FROM_EVENTS
    if by_copy:
        async with connection.cursor() as cursor, cursor.copy(_COPY_EVENTS) as copy:
            await copy.write(_copy_rows(batch))
    async with connection.pipeline():
        if not by_copy:
            await connection.execute(_INSERT_EVENTS, _event_columns(batch), prepare=True, binary=True)
        await connection.execute(*_rest(batch), prepare=True, binary=True)
        await _write_personal(connection, batch)
        await connection.execute("COMMIT")


async def _write_personal(connection: AsyncConnection, batch: Batch) -> None:
    keys = [(append.tenant, *pair) for append in batch.accepted for pair in append.subject_keys]
    if keys:
        tenants, subjects, wrapped = zip(*keys, strict=True)
        columns = (SHARD, Uuids.of(tenants), Uuids.of(subjects), Byteas.of(wrapped))
        await connection.execute(_INSERT_KEYS, columns, prepare=True, binary=True)
    rows = list(_vault_rows(batch))
    if rows:
        packed = (of(column) for of, column in zip(_VAULT_COLUMNS, zip(*rows, strict=True), strict=True))
        await connection.execute(_INSERT_VAULT, (SHARD, *packed), prepare=True, binary=True)


def _vault_rows(batch: Batch) -> Iterator[tuple[Any, ...]]:
    appends = [append for append in batch.accepted if append.personal]
    if not appends:
        return
    eids = (drafted.eid for append in batch.accepted for part in append.parts for drafted in part.drafts)
    position: dict[UUID, int] = dict(zip(eids, batch.positions, strict=True))
    for append in appends:
        for row in append.personal:
            sealed = row.sealed
            place = (append.tenant, row.eid, sealed.path, position[row.eid], row.subject)
            yield *place, sealed.digest, sealed.nonce, sealed.ciphertext


def _event_columns(batch: Batch) -> tuple[object, ...]:
    return (
        SHARD,
        Bigints.of(batch.positions),
        Uuids.of(batch.streams),
        Integers.of(batch.seqs),
        Texts.of(batch.types),
        Byteas.of(batch.entries),
        Byteas.of(batch.leaves),
    )


def _rest(batch: Batch) -> tuple[str, tuple[object, ...]]:
    """The statement for everything but the events, with its columns; only what there are rows for stands in it."""
    head, size = batch.head, batch.head.frontier.size
    inserts = [*_heads(batch), (_ACCEPTED, _command_columns(batch))]
    grown = (size, head.frontier.to_bytes(), head.frontier.root(), head.recorded_at, SHARD)
    written = ", ".join(f"w{place} AS ({statement})" for place, (statement, _) in enumerate(inserts))
    return f"WITH {written}, {_GROWN}", (
        *chain.from_iterable(columns for _, columns in inserts),
        *grown,
        CHANNEL,
        str(size),
    )


def _heads(batch: Batch) -> Iterator[tuple[str, tuple[object, ...]]]:
    """Statements for the heads of streams and cases. The head row's lock keeps everybody else from making one that is
    new here, so that a new one needs no look for a conflict, which costs as much as the row.
    """
    for statement, streams in zip(
        (_NEW_STREAMS, _MOVED_STREAMS), _apart(batch.moved, batch.known.versions), strict=True
    ):
        if streams:
            yield statement, (SHARD, Uuids.of([*streams]), *_links(streams.values()))
    for statement, cases in zip((_NEW_CASES, _MOVED_CASES), _apart(batch.moved_cases, batch.known.cases), strict=True):
        if cases:
            tenants, correlations = zip(*cases, strict=True)
            yield statement, (SHARD, Uuids.of(tenants), Uuids.of(correlations), *_links(cases.values()))


def _apart(links: Mapping[K, Link], known: Mapping[K, Link]) -> tuple[dict[K, Link], dict[K, Link]]:
    """Links of new streams or cases, and links that have moved on."""
    if not known:
        return dict(links), {}
    new = {one: link for one, link in links.items() if one not in known}
    return new, {one: link for one, link in links.items() if one in known}


def _links(links: Collection[Link]) -> tuple[Integers, Byteas]:
    return Integers.of([seq for seq, _ in links]), Byteas.of([leaf for _, leaf in links])


def _command_columns(batch: Batch) -> tuple[object, ...]:
    placed = [outcome for outcome in batch.outcomes if isinstance(outcome, Appended) and not outcome.replayed]
    of_commands = [of([*map(get, batch.accepted)]) for of, get in _OF_COMMANDS]
    of_places = [of([*map(get, placed)]) for of, get in _OF_PLACES]
    return (SHARD, *of_commands, *of_places)


_COPY_HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_COPY_TRAILER = b"\xff\xff"
_COPY_FIXED = struct.Struct("!hihiqi16siii")


def _copy_rows(batch: Batch) -> bytes:
    """The events in PostgreSQL's binary COPY format: each field is its length in bytes and its bytes."""
    fixed, size = _COPY_FIXED.pack, struct.Struct("!i").pack
    parts = [_COPY_HEADER]
    for position, stream, seq, kind, entry, leaf in zip(
        batch.positions, batch.streams, batch.seqs, batch.types, batch.entries, batch.leaves, strict=True
    ):
        name = kind.encode()
        parts += (
            fixed(7, 2, SHARD, 8, position, 16, stream.bytes, 4, seq, len(name)),
            name,
            size(len(entry)),
            entry,
            size(len(leaf)),
            leaf,
        )
    parts.append(_COPY_TRAILER)
    return b"".join(parts)


_COPY_EVENTS = "COPY ledger.events (shard, position, stream, seq, type, entry, leaf) FROM STDIN (FORMAT binary)"
_INSERT_EVENTS = """
INSERT INTO ledger.events (shard, position, stream, seq, type, entry, leaf)
SELECT %b::smallint, * FROM unnest(%b::bigint[], %b::uuid[], %b::integer[], %b::text[], %b::bytea[], %b::bytea[])"""
_NEW_STREAMS = """
INSERT INTO ledger.stream_heads (shard, stream, seq, leaf)
SELECT %b::smallint, * FROM unnest(%b::uuid[], %b::integer[], %b::bytea[])"""
_MOVED_STREAMS = f"{_NEW_STREAMS} ON CONFLICT (shard, stream) DO UPDATE SET seq = excluded.seq, leaf = excluded.leaf"
_NEW_CASES = """
INSERT INTO ledger.case_heads (shard, tenant, correlation, seq, leaf)
SELECT %b::smallint, * FROM unnest(%b::uuid[], %b::uuid[], %b::integer[], %b::bytea[])"""
_MOVED_CASES = f"""{_NEW_CASES}
ON CONFLICT (shard, tenant, correlation) DO UPDATE SET seq = excluded.seq, leaf = excluded.leaf"""
_ACCEPTED = """
INSERT INTO ledger.commands (shard, tenant, system, key, digest, digest_key, stream, seq, version, position, events)
SELECT %b::smallint, * FROM unnest(%b::uuid[], %b::boolean[], %b::text[], %b::bytea[], %b::integer[],
                                   %b::uuid[], %b::integer[], %b::integer[], %b::bigint[], %b::integer[])"""
_GROWN = """grown AS (
    UPDATE ledger.head SET size = %b, frontier = %b, root = %b, recorded_at = %b WHERE shard = %b
)
SELECT pg_notify(%b, %b)"""
_INSERT_KEYS = """
INSERT INTO ledger.subject_keys (shard, tenant, subject, wrapped)
SELECT %b::smallint, * FROM unnest(%b::uuid[], %b::uuid[], %b::bytea[])"""
_INSERT_VAULT = """
INSERT INTO ledger.vault (shard, tenant, eid, path, position, subject, digest, nonce, ciphertext)
SELECT %b::smallint, *
FROM unnest(%b::uuid[], %b::uuid[], %b::text[], %b::bigint[], %b::uuid[], %b::text[], %b::bytea[], %b::bytea[])"""
_VAULT_COLUMNS: Sequence[Callable[[Any], Column]] = (
    *(Uuids.of, Uuids.of, Texts.of, Bigints.of, Uuids.of),
    *(Texts.of, Byteas.of, Byteas.of),
)
_OF_COMMANDS: Sequence[tuple[Callable[[Any], Column], attrgetter[Any]]] = (
    (Uuids.of, attrgetter("tenant")),
    (Booleans.of, attrgetter("system")),
    (Texts.of, attrgetter("key")),
    (Byteas.of, attrgetter("digest")),
    (Integers.of, attrgetter("digest_key")),
)
_OF_PLACES: Sequence[tuple[Callable[[Any], Column], attrgetter[Any]]] = (
    (Uuids.of, attrgetter("stream")),
    (Integers.of, attrgetter("seq")),
    (Integers.of, attrgetter("version")),
    (Bigints.of, attrgetter("position")),
    (Integers.of, attrgetter("events")),
)
