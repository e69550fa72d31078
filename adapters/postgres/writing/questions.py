"""Queries under the head row's lock, in one round trip: all that a batch of appends is judged by.

Every question but that for heads and commands is saved where no append of the batch needs its answer.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import psycopg

from adapters.postgres.advisory import IS_HELD
from adapters.postgres.connections import AsyncConnection
from adapters.postgres.schema import SHARD
from adapters.postgres.writing.columns import Booleans, Texts, Uuids
from adapters.postgres.writing.sequencer import Append, Fence, Head, Known, KnownCommand
from chain.entry import member_of
from chain.merkle import Frontier


async def look(connection: AsyncConnection, appends: Sequence[Append]) -> tuple[Head, int, Known]:
    """Lock the head row of a transaction that has begun; the head, the room for positions, and what is known."""
    head = await _ask(connection, _LOCK_HEAD, (SHARD,))
    # A statement of its own: it must see what was committed while we waited for the lock.
    versions = await _ask(connection, _READ_VERSIONS, (SHARD, Uuids.of(_streams(appends))))
    cases = await _ask(connection, _READ_CASES, (*_cases(appends), SHARD))
    known = await _ask(connection, _READ_COMMANDS, (*_keys(appends), SHARD))
    subjects = await _ask_for_subjects(connection, appends)
    beginnings = await _ask_for_beginnings(connection, appends)
    fences = await _ask_for_fences(connection, appends)
    locked = await head.fetchone()
    assert locked is not None
    size, frontier, recorded_at, room = locked
    return (
        Head(Frontier.from_bytes(size, frontier), recorded_at),
        room,
        Known(
            versions={stream: (seq, leaf) for stream, seq, leaf in await versions.fetchall()},
            cases={(tenant, case): (seq, leaf) for tenant, case, seq, leaf in await cases.fetchall()},
            commands={(row[0], row[1], row[2]): KnownCommand(*row[3:]) for row in await known.fetchall()},
            subjects={(tenant, subject): lives for tenant, subject, lives in await _rows(subjects)},
            begun={(tenant, name): position for tenant, name, position in await _rows(beginnings)},
            fences=frozenset(itertools.starmap(Fence, await _rows(fences))),
        ),
    )


async def _ask(
    connection: AsyncConnection, query: str, parameters: tuple[object, ...]
) -> psycopg.AsyncCursor[tuple[Any, ...]]:
    return await connection.execute(query, parameters, prepare=True, binary=True)


async def _rows(cursor: psycopg.AsyncCursor[tuple[Any, ...]] | None) -> list[Any]:
    """The rows of a statement, none for one that was saved."""
    return [] if cursor is None else await cursor.fetchall()


def _streams(appends: Sequence[Append]) -> list[UUID]:
    """Every stream whose version matters."""
    written = {part.stream for append in appends for part in append.parts}
    return list(written.union(stream for append in appends if append.reads for stream, _ in append.reads))


def _cases(appends: Sequence[Append]) -> tuple[Uuids, Uuids]:
    """The tenants and the correlations of every case that grows."""
    cases = {drafted.case for append in appends for part in append.parts for drafted in part.drafts}
    return Uuids.of([tenant for tenant, _ in cases]), Uuids.of([correlation for _, correlation in cases])


def _keys(appends: Sequence[Append]) -> tuple[Uuids, Booleans, Texts]:
    """The idempotency keys of commands, column by column."""
    return (
        Uuids.of([append.tenant for append in appends]),
        Booleans.of([append.system for append in appends]),
        Texts.of([append.key for append in appends]),
    )


async def _ask_for_subjects(
    connection: AsyncConnection, appends: Sequence[Append]
) -> psycopg.AsyncCursor[tuple[Any, ...]] | None:
    """The subjects of a batch that are known; most batches are about nobody and save the statement."""
    wanted = {(append.tenant, row.subject) for append in appends for row in append.personal}
    if not wanted:
        return None
    tenants, subjects = map(list, zip(*wanted, strict=True))
    return await _ask(connection, _READ_SUBJECTS, (tenants, subjects, SHARD))


async def _ask_for_beginnings(
    connection: AsyncConnection, appends: Sequence[Append]
) -> psycopg.AsyncCursor[tuple[Any, ...]] | None:
    """Ask for the last beginnings of streams of some kinds since they were looked for; most batches save it."""
    asked = [(append.tenant, *beginning) for append in appends for beginning in append.beginnings]
    if not asked:
        return None
    tenants, types, looked_to = map(list, zip(*asked, strict=True))
    members = [member_of(tenant) for tenant in tenants]
    return await _ask(connection, _LAST_BEGUN, (tenants, members, types, looked_to, SHARD))


async def _ask_for_fences(
    connection: AsyncConnection, appends: Sequence[Append]
) -> psycopg.AsyncCursor[tuple[Any, ...]] | None:
    """The tenant locks of a batch that are still held; most batches save the statement."""
    wanted = [append.fence for append in appends if append.fence is not None]
    if not wanted:
        return None
    columns = [fence.lock for fence in wanted], [fence.holder for fence in wanted]
    return await _ask(connection, _HELD_FENCES, columns)


_LOCK_HEAD = "SELECT size, frontier, recorded_at, room FROM ledger.head WHERE shard = %b FOR UPDATE"
_READ_VERSIONS = "SELECT stream, seq, leaf FROM ledger.stream_heads WHERE shard = %b AND stream = ANY(%b)"
# One probe of the index for each: a table that grew faster than its statistics is otherwise read as a whole.
_READ_CASES = """
SELECT wanted.tenant, wanted.correlation, head.seq, head.leaf
FROM unnest(%b::uuid[], %b::uuid[]) AS wanted (tenant, correlation) CROSS JOIN LATERAL (
    SELECT seq, leaf FROM ledger.case_heads
    WHERE shard = %b AND tenant = wanted.tenant AND correlation = wanted.correlation LIMIT 1
) AS head"""
_READ_COMMANDS = """
SELECT wanted.tenant, wanted.system, wanted.key,
       known.digest, known.stream, known.seq, known.version, known.position, known.events,
       known.digest_key
FROM unnest(%b::uuid[], %b::boolean[], %b::text[]) AS wanted (tenant, system, key) CROSS JOIN LATERAL (
    SELECT digest, stream, seq, version, position, events, digest_key FROM ledger.commands
    WHERE shard = %b AND tenant = wanted.tenant AND system = wanted.system AND key = wanted.key LIMIT 1
) AS known"""
_READ_SUBJECTS = """
SELECT tenant, subject, wrapped IS NOT NULL FROM unnest(%b::uuid[], %b::uuid[]) AS wanted (tenant, subject)
JOIN ledger.subject_keys USING (tenant, subject) WHERE shard = %b"""
# Of the tenant alone: else whoever begins many streams would keep everybody else from being judged.
_LAST_BEGUN = """
SELECT wanted.tenant, wanted.type, max(events.position)
FROM unnest(%b::uuid[], %b::bytea[], %b::text[], %b::bigint[]) AS wanted (tenant, member, type, looked_to)
JOIN ledger.events ON events.shard = %b AND events.position > wanted.looked_to AND events.seq = 1
 AND events.type = wanted.type AND position(wanted.member IN events.entry) > 0
GROUP BY wanted.tenant, wanted.type"""
_HELD_FENCES = f"""
SELECT wanted.lock, wanted.holder FROM unnest(%b::bigint[], %b::integer[]) AS wanted (lock, holder)
JOIN pg_locks AS held ON held.pid = wanted.holder AND {IS_HELD}"""
