"""Group commit: whatever queued behind the previous fsync becomes the next transaction, no linger.

    append() ─▶ queue ─▶ [ lock head · read what is known ] ─▶ sequence() ─▶ [ insert all · COMMIT ] ─▶ outcomes
                                  one round trip                                  one round trip

One task and one connection for each process and shard; the head row's lock makes the writers of several processes
take turns. A connection that dies during COMMIT leaves the outcome unknown: the batch is then put through again from
its first step, which waits for the lock (so the lost transaction is decided by then) and finds the keys of what was
written. Nothing is ever repeated without that look.

Behind a synchronous standby an answer waits until the standby has what it says. So a batch of nothing but repeated
commands is committed, too: the commit waits for what came before it, a rollback would not. Nothing here is cancelled or
timed out; where somebody else ended the server's wait (SQLSTATE 01000 at the commit) the outcome is unknown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime

import psycopg
import structlog

from adapters.postgres.connections import AsyncConnection, DatabaseUnavailable, WriterConnection, connect_writer
from adapters.postgres.schema import SHARD
from adapters.postgres.writing.columns import register
from adapters.postgres.writing.questions import look
from adapters.postgres.writing.rows import write
from adapters.postgres.writing.sequencer import (
    Append,
    Appended,
    AppendError,
    Batch,
    sequence,
)
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

WAIT_ENDED = ("01000", "57P01")
"""SQLSTATE of the warnings by which a server says that it did not wait for its standby: whoever cancelled the wait, or
ended the server's process, leaves a transaction that is committed here and maybe nowhere else.
"""

Waiting = tuple[Append | None, "asyncio.Future[Appended | None]"]
"""An append, or nothing but the wish to know that what was written before is safe."""
Outcome = tuple["asyncio.Future[Appended | None]", Appended | BaseException | None]
_log = structlog.get_logger(__name__)


class OutcomeUnknown(AppendError):
    """The database went away and did not come back in time: ask for the key again before doing anything else."""


class CommitUnsure(psycopg.OperationalError):
    """A commit whose wait for the synchronous standby was ended by somebody: written here, and maybe only here."""


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
        self._connection: WriterConnection | None = None
        self._warned: str | None = None
        self._task: asyncio.Task[None] | None = None
        self._telling: set[asyncio.Task[None]] = set()
        self._delivery: asyncio.Future[None] | None = None

    async def __aenter__(self) -> GroupCommit:
        self._connection = await self._connect()
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
        appended = await self._put(append)
        assert appended is not None
        return appended

    async def settled(self) -> None:
        """Wait until everything that was committed before is as safe as a commit makes it.

        Whoever found a command by reading knows that this server has it, and not yet that a standby has. Raises
        `OutcomeUnknown` or `WriterClosed`.
        """
        await self._put(None)

    async def _put(self, append: Append | None) -> Appended | None:
        if self._closing:
            raise WriterClosed("the writer is closed")
        future: asyncio.Future[Appended | None] = asyncio.get_running_loop().create_future()
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
            events += append.events if append else 0
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
        told: list[Outcome] = list(zip((future for _, future in waiting), outcomes, strict=True))
        if len(told) < CROWD:
            _tell(told)
            return
        # Half a batch should be waiting before the next one begins: else they would shrink to a caller each.
        first = max(0, len(told) // 2 - len(self._waiting))
        await _tell_in_turns(told[:first])
        telling = asyncio.create_task(_tell_in_turns(told[first:]), name="group-commit-outcomes")
        self._telling.add(telling)
        telling.add_done_callback(self._telling.discard)

    async def _outcomes(self, wanted: Sequence[Append | None]) -> list[Appended | BaseException | None]:
        """An outcome for each append that is wanted: `None` where nothing but safety was asked for, and is given."""
        appends = [append for append in wanted if append]
        settled: BaseException | None = None
        try:
            outcomes: Sequence[Appended | BaseException] = await self._commit_surely(appends)
        except OutcomeUnknown as error:
            outcomes, settled = [error] * len(appends), error
        except Exception as error:  # noqa: BLE001 - the caller must hear of it, whatever it is
            outcomes = await self._in_halves(appends, error)
            settled = await self._unsettled() if len(appends) < len(wanted) else None
        told = iter(outcomes)
        return [next(told) if append else settled for append in wanted]

    async def _in_halves(self, appends: Sequence[Append], error: Exception) -> list[Appended | BaseException]:
        """One of them cannot be written at all (its key is no text, say): halves find it, and the rest goes in."""
        if len(appends) <= 1:
            return [error for _ in appends]
        middle = len(appends) // 2
        return [*await self._of_appends(appends[:middle]), *await self._of_appends(appends[middle:])]

    async def _of_appends(self, appends: Sequence[Append]) -> Sequence[Appended | BaseException]:
        try:
            return await self._commit_surely(appends)
        except OutcomeUnknown as error:
            return [error] * len(appends)
        except Exception as error:  # noqa: BLE001 - see `_outcomes`
            return await self._in_halves(appends, error)

    async def _unsettled(self) -> BaseException | None:
        """Why what was committed before may not be safe; `None` when it is."""
        try:
            await self._commit_surely(())
        except Exception as error:  # noqa: BLE001 - see `_outcomes`
            return error
        return None

    async def _commit_surely(self, appends: Sequence[Append]) -> Sequence[Appended | AppendError]:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + RECOVERY_TIMEOUT_S
        while True:
            try:
                if self._connection is None:
                    self._connection = await self._connect()
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

    async def _connect(self) -> WriterConnection:
        connection = await connect_writer(self._url)
        connection.add_notice_handler(self._hear)
        register(connection)
        return connection

    def _hear(self, notice: psycopg.errors.Diagnostic) -> None:
        if notice.sqlstate in WAIT_ENDED:
            self._warned = notice.message_primary

    async def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg.Error):
                await connection.close()

    async def _commit(self, connection: AsyncConnection, appends: Sequence[Append]) -> Sequence[Appended | AppendError]:
        try:
            batch = await self._sequence(connection, appends)
            self._warned = None
            if batch.positions:
                await write(connection, batch)
            else:
                await connection.execute("COMMIT")
            if self._warned is not None:
                raise CommitUnsure(self._warned)
            return batch.outcomes
        except Exception:
            # The transaction may be open still; only a closed connection cannot be rolled back.
            if not connection.closed:
                await connection.execute("ROLLBACK")
            raise

    async def _sequence(self, connection: AsyncConnection, appends: Sequence[Append]) -> Batch:
        async with connection.pipeline():
            await connection.execute("BEGIN")
            before, room, known = await look(connection, appends)
        batch = sequence(appends, before, known, utc_text(self._clock()))
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


_MAKE_ROOM = "SELECT ledger.make_room(%s::smallint, %s)"
