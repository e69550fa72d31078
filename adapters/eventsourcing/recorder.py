"""The library's application recorder over our tables: written by the one group commit, read by position.

A library call is one append: all of its events or none, of however many streams.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from hashlib import sha256
from itertools import groupby
from typing import Any
from uuid import UUID

import psycopg
from eventsourcing.persistence import (
    ApplicationRecorder,
    DatabaseError,
    DataError,
    IntegrityError,
    Notification,
    NotSupportedError,
    OperationalError,
    StoredEvent,
    Subscription,
    Tracking,
)
from psycopg_pool import PoolTimeout

from adapters.eventsourcing.codec import EntryCodec, stream_of
from adapters.eventsourcing.subscription import LedgerSubscription
from adapters.eventsourcing.writer import WriterThread
from adapters.postgres.connections import Connection, DatabaseUnavailable, blocking_pool_of, connect
from adapters.postgres.schema import SHARD
from adapters.postgres.writing.group_commit import OutcomeUnknown, WriterClosed
from adapters.postgres.writing.rows import CHANNEL
from adapters.postgres.writing.sequencer import Append, AppendError, Part
from chain.entry import EntryError, parse
from domain.kernel.command import Actor, Context
from domain.kernel.times import business_date

READ_CONNECTIONS = 8

LIBRARY_ACTOR = Actor("library", "eventsourcing")
"""Who acts when a call of the library brings no context of its own."""


class LedgerRecorder(ApplicationRecorder):
    """Records stored events as entries of the ledger. Use as a context manager, or call `close`.

    `tenant` owns what is written without a context. `codec` says how events become entries and which version a
    stream begins with. Raises `OperationalError` when the database cannot be reached.
    """

    def __init__(
        self,
        url: str,
        *,
        tenant: UUID,
        clock: Callable[[], datetime],
        new_id: Callable[[], UUID],
        codec: EntryCodec | None = None,
    ) -> None:
        self._url = url
        self._tenant = tenant
        self._clock = clock
        self._new_id = new_id
        self._codec = codec or EntryCodec()
        with _errors():
            self._writer = WriterThread(url, clock=clock).start()
        self._pool = blocking_pool_of(url, least=1, most=READ_CONNECTIONS)
        self._pool.open()

    def __enter__(self) -> LedgerRecorder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Write what is waiting, then disconnect. Idempotent."""
        self._writer.close()
        self._pool.close()

    def insert_events(
        self,
        stored_events: Sequence[StoredEvent],
        *,
        tracking: Tracking | None = None,
        context: Context | None = None,
        command: UUID | None = None,
        **_: Any,
    ) -> Sequence[int]:
        """Append events in one transaction; their ledger positions.

        `context` tells actor, tenant and time, `command` the command's id, which is the idempotency key: the same call
        again gets its first positions. Both are given as `app.save(…, context=…, command=…)`. Raises `IntegrityError`
        when the versions do not follow their stream's, `DataError` for an event that cannot be an entry,
        `NotSupportedError` for a tracking object, `OperationalError` when the database is gone.
        """
        if tracking is not None:
            raise NotSupportedError("a projection commits its own position with its own tables, got a tracking object")
        if not stored_events:
            return []
        _check_versions(stored_events)
        given = context or self._context(stream_of(stored_events[0].originator_id))
        cause = command or self._new_id()
        append = Append(
            tenant=given.tenant,
            key=cause.hex,
            system=True,
            digest=_digest(stored_events),
            parts=tuple(
                self._part(list(events), given, cause)
                for _, events in groupby(stored_events, lambda one: one.originator_id)
            ),
        )
        with _errors():
            appended = self._writer.append(append)
        return list(range(appended.position, appended.position + appended.events))

    def _part(self, events: Sequence[StoredEvent], context: Context, cause: UUID) -> Part:
        """Neighbours of one stream."""
        drafts = tuple(self._codec.draft(event, context, cause, self._new_id()) for event in events)
        return Part(stream_of(events[0].originator_id), self._codec.seq(events[0].originator_version) - 1, drafts)

    def _context(self, stream: UUID) -> Context:
        now = self._clock()
        return Context(
            tenant=self._tenant,
            actor=LIBRARY_ACTOR,
            correlation=stream,
            now=now,
            business_date=business_date(now),
        )

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """Events of one stream by version, exclusive of `gt`, inclusive of `lte`.

        Raises `DatabaseError` when a number of the stream is missing or an entry is another event's.
        """
        stream = stream_of(originator_id)
        after = 0 if gt is None else self._codec.seq(gt)
        up_to = None if lte is None else self._codec.seq(lte)
        query = _STREAM_DOWN if desc else _STREAM_UP
        rows = self._rows(query, (SHARD, stream, after, up_to, up_to, limit))
        _check_numbers([seq for _, seq, _ in rows], after, desc)
        return [self._stored(*row) for row in rows]

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """Events in ledger order; a notification's id is the event's position."""
        after = 0 if start is None else start - 1 if inclusive_of_start else start
        wanted = list(topics) or None
        rows = self._rows(_NOTIFICATIONS, (SHARD, after, stop, stop, wanted, wanted, limit))
        stored = (self._stored(*row) for row in rows)
        return [
            Notification(event.originator_id, event.originator_version, event.topic, event.state, position)
            for event, (position, _, _) in zip(stored, rows, strict=True)
        ]

    def max_notification_id(self) -> int | None:
        """The ledger's size, `None` when it is empty."""
        size: int | None = self._rows("SELECT nullif(size, 0) FROM ledger.head WHERE shard = %s", (SHARD,))[0][0]
        return size

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> Subscription[ApplicationRecorder]:
        """All events behind position `gt`, those to come included. See `LedgerSubscription`."""
        return LedgerSubscription(self, gt, topics, listen=self._listen)

    def _listen(self) -> Connection:
        with _errors():
            connection = connect(self._url)
            connection.execute(f"LISTEN {CHANNEL}")
            return connection

    def _rows(self, query: str, parameters: tuple[object, ...]) -> list[tuple[Any, ...]]:
        with _errors(), self._pool.connection() as connection:
            return connection.execute(query, parameters, binary=True, prepare=True).fetchall()

    def _stored(self, position: int, seq: int, entry: bytes) -> StoredEvent:
        try:
            parsed = parse(entry)
        except EntryError as error:
            raise DatabaseError(f"position {position}: {error}") from error
        if parsed.seq != seq:
            raise DatabaseError(f"position {position}: expected number {seq} of its stream, got {parsed.seq}")
        topic, state = self._codec.topic_and_state(parsed)
        return StoredEvent(parsed.stream, self._codec.version(seq), topic, state)


def _check_versions(stored_events: Sequence[StoredEvent]) -> None:
    """Raise unless the versions of each stream follow each other."""
    following: dict[UUID | str, int] = {}
    for event in stored_events:
        expected = following.get(event.originator_id, event.originator_version)
        if event.originator_version != expected:
            raise IntegrityError(f"{event.originator_id}: expected version {expected}, got {event.originator_version}")
        following[event.originator_id] = expected + 1


def _check_numbers(seqs: Sequence[int], after: int, desc: bool) -> None:
    """Raise unless the numbers follow each other without a hole, upwards from behind `after` or downwards."""
    step = -1 if desc else 1
    first = seqs[0] if desc and seqs else after + 1
    expected = list(range(first, first + step * len(seqs), step))
    if list(seqs) != expected:
        at = next(index for index, pair in enumerate(zip(seqs, expected, strict=True)) if pair[0] != pair[1])
        raise DatabaseError(f"expected number {expected[at]} of the stream, got {seqs[at]}; run fsck")


def _digest(stored_events: Sequence[StoredEvent]) -> bytes:
    """What makes a repeated call the same call. The ledger shows the same bytes, so a plain hash tells nothing new."""
    digest = sha256()
    for event in stored_events:
        for part in (repr((event.originator_id, event.originator_version, event.topic)).encode(), event.state):
            digest.update(len(part).to_bytes(8, "big") + part)
    return digest.digest()


@contextmanager
def _errors() -> Iterator[None]:
    """Errors of ours and of psycopg as the library's programs expect them."""
    try:
        yield
    except (OutcomeUnknown, WriterClosed, DatabaseUnavailable, psycopg.OperationalError, PoolTimeout) as error:
        raise OperationalError(str(error)) from error
    except AppendError as error:
        raise IntegrityError(str(error)) from error
    except psycopg.DataError as error:
        raise DataError(str(error)) from error
    except psycopg.Error as error:
        raise DatabaseError(str(error)) from error


_STREAM_UP = """
SELECT position, seq, entry FROM ledger.events
WHERE shard = %s AND stream = %s AND seq > %s AND (%s::bigint IS NULL OR seq <= %s) ORDER BY seq LIMIT %s"""
_STREAM_DOWN = _STREAM_UP.replace("ORDER BY seq", "ORDER BY seq DESC")
_NOTIFICATIONS = """
SELECT position, seq, entry FROM ledger.events
WHERE shard = %s AND position > %s AND (%s::bigint IS NULL OR position <= %s)
AND (%s::text[] IS NULL OR type = ANY(%s)) ORDER BY position LIMIT %s"""
