"""Group commit: whatever queued behind the previous fsync becomes the next transaction, no linger.

    append() ─▶ queue ─▶ [ lock head · read what is known ] ─▶ sequence() ─▶ [ insert all · COMMIT ] ─▶ outcomes
                                  one round trip                                  one round trip

One task and one connection for each process and shard; the head row's lock makes the writers of several processes
take turns. A connection that dies during COMMIT leaves the outcome unknown: the batch is then put through again from
its first step, which waits for the lock (so the lost transaction is decided by then) and finds the keys of what was
written. Nothing is ever repeated without that look.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
import structlog

from adapters.postgres.advisory import IS_HELD
from adapters.postgres.connections import AsyncConnection, DatabaseUnavailable, connect_async
from adapters.postgres.schema import SHARD
from adapters.postgres.writing.rows import write
from adapters.postgres.writing.sequencer import (
    Append,
    Appended,
    AppendError,
    Batch,
    Fence,
    Head,
    Known,
    KnownCommand,
    sequence,
)
from chain.entry import member_of
from chain.merkle import Frontier
from domain.kernel.times import utc_text

MAX_BATCH_EVENTS = 4_096
"""Events in one transaction; more only make the first caller wait longer."""

TOLD_AT_ONCE = 32
"""Callers that hear of their outcome before the next turn of the event loop."""

CROWD = 256
"""A batch of so many callers or more tells them side by side with the next transaction: they decide what comes next,
which takes longer than the server needs, and neither of the two should wait for the other.
"""

NO_ROOM = (psycopg.errors.DiskFull, psycopg.errors.OutOfMemory)
RECOVERY_TIMEOUT_S = 60.0
RECOVERY_PAUSE_S = 0.1

Waiting = tuple[Append, "asyncio.Future[Appended]"]
Outcome = tuple["asyncio.Future[Appended]", Appended | BaseException]
_log = structlog.get_logger(__name__)


class OutcomeUnknown(AppendError):
    """The database went away and did not come back in time: ask for the key again before doing anything else."""


class WriterClosed(AppendError):
    """The writer was closed before this append was tried; nothing of it was written."""


class GroupCommit:
    """The one queue of a process and shard into the ledger. Use as an async context manager.

    `clock` gives the time of recording as an aware datetime.
    """

    def __init__(self, url: str, *, clock: Callable[[], datetime]) -> None:
        self._url = url
        self._clock = clock
        self._waiting: list[Waiting] = []
        self._wake = asyncio.Event()
        self._closing = False
        self._connection: AsyncConnection | None = None
        self._task: asyncio.Task[None] | None = None
        self._telling: set[asyncio.Task[None]] = set()
        self._delivery: asyncio.Future[None] | None = None

    async def __aenter__(self) -> GroupCommit:
        self._connection = await connect_async(self._url)
        self._task = asyncio.create_task(self._run(), name="group-commit")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing = True
        self._wake.set()
        if self._task is not None:
            await self._task
        await asyncio.gather(*self._telling)
        if self._connection is not None:
            await self._connection.close()

    @property
    def waiting(self) -> int:
        """Appends that wait for the next transaction."""
        return len(self._waiting)

    async def append(self, append: Append) -> Appended:
        """Queue one append and wait until its transaction is on disk.

        Raises `VersionConflict`, `ReadMoved`, `KeyReused`, `SubjectErased`, `SubjectKeyTaken`, `OutcomeUnknown` or
        `WriterClosed`, and `ValueError` for a stream without events.
        """
        if not append.parts or not all(part.drafts for part in append.parts):
            named = f"stream {append.stream}" if append.parts else "append"
            raise ValueError(f"{named}: expected at least one event, got none")
        if self._closing:
            raise WriterClosed("the writer is closed")
        future: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
        waiting = (append, future)
        self._waiting.append(waiting)
        self._wake.set()
        try:
            return await future
        except asyncio.CancelledError:
            await self._withdrawn(waiting)
            raise

    async def _withdrawn(self, waiting: Waiting) -> None:
        """Take an append back that nobody waits for any more; wait until the transaction ended that may hold it.

        Whoever gives up must not go on while it is being written: what it holds (a tenant lock) vouches for it.
        """
        if waiting in self._waiting:
            self._waiting.remove(waiting)
            return
        delivery = self._delivery
        while delivery is not None and not delivery.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait({delivery})

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                batch = self._take()
                await self._deliver(batch)
            if self._closing:
                return

    def _take(self) -> list[Waiting]:
        events = count = 0
        for append, _ in self._waiting:
            events += append.events
            if count and events > MAX_BATCH_EVENTS:
                break
            count += 1
        taken, self._waiting = self._waiting[:count], self._waiting[count:]
        return taken

    async def _deliver(self, waiting: Sequence[Waiting]) -> None:
        self._delivery = asyncio.get_running_loop().create_future()
        try:
            outcomes = await self._outcomes([append for append, _ in waiting])
        finally:
            self._delivery.set_result(None)
        told = list(zip((future for _, future in waiting), outcomes, strict=True))
        if len(told) < CROWD:
            _tell(told)
            return
        # Half a batch should be waiting before the next one begins: else they would shrink to a caller each.
        first = max(0, len(told) // 2 - len(self._waiting))
        await _tell_in_turns(told[:first])
        telling = asyncio.create_task(_tell_in_turns(told[first:]), name="group-commit-outcomes")
        self._telling.add(telling)
        telling.add_done_callback(self._telling.discard)

    async def _outcomes(self, appends: Sequence[Append]) -> Sequence[Appended | BaseException]:
        try:
            return await self._commit_surely(appends)
        except OutcomeUnknown as error:
            return [error] * len(appends)
        except Exception as error:  # noqa: BLE001 - the caller must hear of it, whatever it is
            if len(appends) == 1:
                return [error]
            # One of them cannot be written at all (its key is no text, say): halves find it, and the rest goes in.
            middle = len(appends) // 2
            return [*await self._outcomes(appends[:middle]), *await self._outcomes(appends[middle:])]

    async def _commit_surely(self, appends: Sequence[Append]) -> Sequence[Appended | AppendError]:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + RECOVERY_TIMEOUT_S
        while True:
            try:
                if self._connection is None:
                    self._connection = await connect_async(self._url)
                return await self._commit(self._connection, appends)
            except NO_ROOM:
                # The server lives, has said no, and has written nothing.
                raise
            except (psycopg.OperationalError, DatabaseUnavailable) as error:
                await self._drop_connection()
                if loop.time() >= deadline:
                    raise OutcomeUnknown(
                        f"the database did not come back within {RECOVERY_TIMEOUT_S:.0f} s ({type(error).__name__})"
                    ) from error
                _log.warning("ledger.connection_lost", error=type(error).__name__, appends=len(appends))
                await asyncio.sleep(RECOVERY_PAUSE_S)

    async def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg.Error):
                await connection.close()

    async def _commit(self, connection: AsyncConnection, appends: Sequence[Append]) -> Sequence[Appended | AppendError]:
        try:
            batch = await self._sequence(connection, appends)
            if not batch.positions:
                await connection.execute("ROLLBACK")
                return batch.outcomes
            await write(connection, batch)
            return batch.outcomes
        except Exception:
            # The transaction may be open still; only a closed connection cannot be rolled back.
            if not connection.closed:
                await connection.execute("ROLLBACK")
            raise

    async def _sequence(self, connection: AsyncConnection, appends: Sequence[Append]) -> Batch:
        streams = _streams(appends)
        async with connection.pipeline():
            await connection.execute("BEGIN")
            head = await connection.execute(_LOCK_HEAD, (SHARD,), prepare=True)
            # A statement of its own: it must see what was committed while we waited for the lock.
            versions = await connection.execute(_READ_VERSIONS, (SHARD, streams), prepare=True)
            known = await connection.execute(
                _READ_COMMANDS,
                ([append.tenant for append in appends], [append.key for append in appends], SHARD),
                prepare=True,
            )
            subjects = await _ask_for_subjects(connection, appends)
            beginnings = await _ask_for_beginnings(connection, appends)
            fences = await _ask_for_fences(connection, appends)
            locked = await head.fetchone()
            assert locked is not None
            size, frontier, recorded_at, room = locked
            found = {stream: (seq, leaf) for stream, seq, leaf in await versions.fetchall()}
            keys = {(tenant, key): KnownCommand(*rest) for tenant, key, *rest in await known.fetchall()}
            readable: dict[UUID, bool] = dict(await _rows(subjects))
            begun = {(tenant, name): position for tenant, name, position in await _rows(beginnings)}
            held = frozenset(itertools.starmap(Fence, await _rows(fences)))
        before = Head(Frontier.from_bytes(size, frontier), recorded_at)
        batch = sequence(appends, before, Known(found, keys, readable, begun, held), utc_text(self._clock()))
        if batch.head.frontier.size > room:
            await connection.execute(_MAKE_ROOM, (SHARD, batch.head.frontier.size))
        return batch


def _tell(outcomes: Sequence[Outcome]) -> None:
    for future, outcome in outcomes:
        if future.cancelled():
            continue
        if isinstance(outcome, BaseException):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)


async def _tell_in_turns(outcomes: Sequence[Outcome]) -> None:
    """Tell some, let them and everybody else go on, tell the next."""
    for at in range(0, len(outcomes), TOLD_AT_ONCE):
        _tell(outcomes[at : at + TOLD_AT_ONCE])
        await asyncio.sleep(0)


async def _rows(cursor: psycopg.AsyncCursor[tuple[Any, ...]] | None) -> list[Any]:
    """The rows of a statement, none for one that was saved."""
    return [] if cursor is None else await cursor.fetchall()


def _streams(appends: Sequence[Append]) -> list[UUID]:
    """Every stream whose version matters."""
    written = {part.stream for append in appends for part in append.parts}
    return list(written.union(stream for append in appends if append.reads for stream, _ in append.reads))


async def _ask_for_subjects(
    connection: AsyncConnection, appends: Sequence[Append]
) -> psycopg.AsyncCursor[tuple[Any, ...]] | None:
    """The subjects of a batch that are known; most batches are about nobody and save the statement."""
    wanted = list({row.subject for append in appends for row in append.personal})
    return await connection.execute(_READ_SUBJECTS, (SHARD, wanted), prepare=True) if wanted else None


async def _ask_for_beginnings(
    connection: AsyncConnection, appends: Sequence[Append]
) -> psycopg.AsyncCursor[tuple[Any, ...]] | None:
    """Where streams of some kinds last began, since they were looked for; most batches save the statement."""
    asked = [(append.tenant, *beginning) for append in appends for beginning in append.beginnings]
    if not asked:
        return None
    tenants, types, looked_to = map(list, zip(*asked, strict=True))
    members = [member_of(tenant) for tenant in tenants]
    return await connection.execute(_LAST_BEGUN, (tenants, members, types, looked_to, SHARD), prepare=True)


async def _ask_for_fences(
    connection: AsyncConnection, appends: Sequence[Append]
) -> psycopg.AsyncCursor[tuple[Any, ...]] | None:
    """The tenant locks of a batch that are still held; most batches save the statement."""
    wanted = [append.fence for append in appends if append.fence is not None]
    if not wanted:
        return None
    columns = [fence.lock for fence in wanted], [fence.holder for fence in wanted]
    return await connection.execute(_HELD_FENCES, columns, prepare=True)


_LOCK_HEAD = "SELECT size, frontier, recorded_at, room FROM ledger.head WHERE shard = %b FOR UPDATE"
_READ_VERSIONS = "SELECT stream, seq, leaf FROM ledger.stream_heads WHERE shard = %b AND stream = ANY(%b)"
# One probe of the index for each key: a table that grew faster than its statistics is otherwise read as a whole.
_READ_COMMANDS = """
SELECT wanted.tenant, wanted.key, known.digest, known.stream, known.seq, known.version, known.position, known.events
FROM unnest(%b::uuid[], %b::text[]) AS wanted (tenant, key) CROSS JOIN LATERAL (
    SELECT digest, stream, seq, version, position, events FROM ledger.commands
    WHERE shard = %b AND tenant = wanted.tenant AND key = wanted.key LIMIT 1
) AS known"""
_READ_SUBJECTS = """
SELECT subject, wrapped IS NOT NULL FROM ledger.subject_keys WHERE shard = %b AND subject = ANY(%b)"""
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
_MAKE_ROOM = "SELECT ledger.make_room(%s::smallint, %s)"
