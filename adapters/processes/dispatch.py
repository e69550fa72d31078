"""Dispatching many commands at once, each exactly once: in order within a stream, side by side across streams.

    [Dispatch, …] ─▶ one queue per stream ─▶ some streams loaded at once ─▶ bounded number ─▶ execute ─▶ Dispatched
                                              └─ doubtful, and refused on the newest version: no word to the database

The idempotency key of a dispatch is made of what it follows from, so that dispatching it again changes nothing: a
second run that finds the first one dead leaves the same ledger.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from itertools import islice
from typing import Any
from uuid import UUID

import psycopg
import structlog
from msgspec import Struct
from psycopg_pool import PoolTimeout

from adapters.postgres.connections import DatabaseUnavailable
from adapters.postgres.ledger import Ledger, Request, StreamBusy
from adapters.postgres.reading.reader import Reader
from adapters.postgres.writing.group_commit import OutcomeUnknown, WriterClosed
from adapters.postgres.writing.sequencer import Appended, StateMoved
from domain.kernel.command import SYSTEM, Actor, Command, Context
from domain.kernel.decider import Decider
from domain.kernel.process import FAILED, FollowUp
from domain.kernel.refusal import Refusal
from domain.kernel.times import BEIJING

STREAMS_IN_FLIGHT = 1_024
"""Streams with a command under way: enough for group commits of about a thousand events."""

LOADED_AHEAD = 500
"""Streams that are read together before they are worked on, by one query and on one connection."""

KEYS_AT_ONCE = 5_000
EVERYBODYS = (
    OutcomeUnknown, WriterClosed, DatabaseUnavailable, PoolTimeout, psycopg.OperationalError, psycopg.InterfaceError
)  # fmt: skip
"""Errors that say nothing about the command that met them: the database is gone, or the program ends."""

PAUSES_S = (0.05, 0.2, 0.8)
"""How long is waited before a command is tried again whose streams others move."""

_log = structlog.get_logger(__name__)
_LAST_SECOND = time(23, 59, 59)


class Dispatch(Struct, frozen=True, kw_only=True):
    """One command to be executed because of something, under a key that says because of what.

    `doubtful`: it is refused more often than not, such as a monthly look at whether there is anything to do. A new
    stream is of the case of the stream that it is `about`.
    """

    decider: Decider[Any]
    stream: UUID
    key: str
    command: Command
    context: Context
    doubtful: bool = False
    about: UUID | None = None


DispatchKey = tuple[UUID, str]
"""What makes a command of the program the same one: tenant and idempotency key."""


@dataclass
class Dispatched:
    """Outcome of commands: accepted now, known from an earlier run, granted with nothing to do, refused by code."""

    accepted: int = 0
    repeated: int = 0
    idle: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    refusals: list[tuple[Dispatch, Refusal]] = field(default_factory=list)

    def add(self, other: Dispatched) -> None:
        """Count another run's outcome in."""
        self.accepted += other.accepted
        self.repeated += other.repeated
        self.idle += other.idle
        self.refused.update(other.refused)
        self.refusals += other.refusals


def end_of(day: date) -> datetime:
    """The last second of a business date: when what a day's end does is said to have happened."""
    return datetime.combine(day, _LAST_SECOND, BEIJING)


def beginning_of(day: date) -> datetime:
    """The first moment of a business date: when what waited for it is said to have happened."""
    return datetime.combine(day, time.min, BEIJING)


def context(tenant: UUID, day: date, by: str, correlation: UUID) -> Context:
    """The context of a command that the program gives on its own for a business date; `by` says which part of it."""
    return Context(
        tenant=tenant,
        actor=Actor(SYSTEM, by),
        correlation=correlation,
        now=end_of(day),
        business_date=day,
    )


def dispatch_of(follow_up: FollowUp, tenant: UUID, day: date, by: str, about: UUID) -> Dispatch:
    """A follow-up command for a business date about a stream, in the name of a part of the program."""
    return in_context(follow_up, context(tenant, day, by, about), about)


def in_context(follow_up: FollowUp, given: Context, about: UUID | None = None) -> Dispatch:
    """A follow-up command with the context it is executed in."""
    return Dispatch(
        decider=follow_up.decider,
        stream=follow_up.stream,
        key=follow_up.key,
        command=follow_up.command,
        context=given,
        about=about,
    )


def failure_of(error: Exception, key: str) -> Refusal:
    """The refusal that an error of one command or one event becomes, so that all others go on.

    Raises the error where it is everybody's. Its type and its place are kept, and its text is not: it may say what a
    person gave.
    """
    if isinstance(error, EVERYBODYS):
        raise error
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}" if trace is not None else ""
    _log.error("process.failed", key=key, error=type(error).__name__, at=place)
    return FAILED(error=type(error).__name__, at=place)


async def dispatch_all(
    ledger: Ledger, reader: Reader, dispatches: Sequence[Dispatch], *, streams_in_flight: int = STREAMS_IN_FLIGHT
) -> Dispatched:
    """Execute the dispatches whose keys the ledger does not hold yet; a refusal of one leaves the others alone.

    An error of one (`StreamBusy`, `KeyReused`, a fault of ours) is its refusal `process.failed`, and that of what comes
    behind it for the same stream. `EVERYBODYS` stop all; dispatching the same again goes on where it stopped.
    """
    known = await known_keys(reader, dispatches)
    queues: dict[UUID, deque[Dispatch]] = {}
    versions = await _versions(reader, [dispatch.stream for dispatch in dispatches if dispatch.doubtful])
    repeated = 0
    for dispatch in dispatches:
        if dispatch.key in known:
            repeated += 1
        else:
            queues.setdefault(dispatch.stream, deque()).append(dispatch)
    run = _Run(ledger, versions, queues.values())
    run.dispatched.repeated = repeated
    async with asyncio.TaskGroup() as group:
        for _ in range(min(streams_in_flight, len(queues))):
            group.create_task(run.work())
    return run.dispatched


async def known_keys(reader: Reader, dispatches: Sequence[Dispatch]) -> set[str]:
    """Those of the dispatches' keys that the ledger holds."""
    known: set[str] = set()
    for at in range(0, len(dispatches), KEYS_AT_ONCE):
        some = dispatches[at : at + KEYS_AT_ONCE]
        for tenant in {dispatch.context.tenant for dispatch in some}:
            keys = [dispatch.key for dispatch in some if dispatch.context.tenant == tenant]
            known |= await reader.known_keys(tenant, keys)
    return known


async def dispatched_since(reader: Reader, tenant: UUID, position: int, by: str) -> int:
    """How many commands a part of the program (its actor id begins with `by`) got accepted behind a position.

    The ledger is asked, so that what a run did that died is counted in.
    """
    marker = f'"actor":{{"id":"{by}'.encode()
    causes: set[UUID] = set()
    while page := await reader.after(position, KEYS_AT_ONCE):
        position = page[-1].position
        entries = (stored.parsed() for stored in page if marker in stored.entry)
        causes.update(entry.cause for entry in entries if entry.tenant == tenant and entry.actor.id.startswith(by))
    return len(causes)


async def _versions(reader: Reader, streams: Sequence[UUID]) -> dict[UUID, int]:
    versions: dict[UUID, int] = {}
    for at in range(0, len(streams), KEYS_AT_ONCE):
        versions |= await reader.versions(list(streams[at : at + KEYS_AT_ONCE]))
    return versions


class _Run:
    """One run of `dispatch_all`: `versions` are the newest ones of the streams with doubtful dispatches."""

    def __init__(self, ledger: Ledger, versions: Mapping[UUID, int], queues: Iterable[deque[Dispatch]]) -> None:
        self.dispatched = Dispatched()
        self._ledger = ledger
        self._versions = versions
        self._cold = iter(queues)
        self._loaded: deque[deque[Dispatch]] = deque()
        self._loading: asyncio.Task[int] | None = None

    async def work(self) -> None:
        """Take streams, one after the other, until none is left."""
        while (queue := await self._next()) is not None:
            failed = ""
            for dispatch in queue:
                outcome = FAILED(behind=failed) if failed else await self._outcome(dispatch)
                self._count(dispatch, outcome)
                if isinstance(outcome, Refusal) and outcome.kind is FAILED:
                    failed = failed or dispatch.key

    async def _outcome(self, dispatch: Dispatch) -> Appended | Refusal:
        try:
            foreseen = await self._foreseen(dispatch) if dispatch.doubtful else None
            if foreseen is None:
                return await self._executed(dispatch)
        except Exception as error:  # noqa: BLE001 - one command's error is nobody else's
            return failure_of(error, dispatch.key)
        # Nothing was waited for; thousands of these in a row must not keep everybody else waiting.
        await asyncio.sleep(0)
        return foreseen

    async def _executed(self, dispatch: Dispatch) -> Appended | Refusal:
        """The outcome of a command; what others moved meanwhile is only a matter of asking again."""
        for pause_s in PAUSES_S:
            try:
                return await self._ledger.execute(dispatch.decider, _request(dispatch))
            except (StreamBusy, StateMoved):
                await asyncio.sleep(pause_s)
        return await self._ledger.execute(dispatch.decider, _request(dispatch))

    async def _next(self) -> deque[Dispatch] | None:
        """The queue of a stream that was loaded; `None` at the end."""
        while not self._loaded:
            # Everybody waits for the same loading, and is woken at once: one by one they would become a commit each.
            if self._loading is None:
                self._loading = asyncio.create_task(self._load())
            if not await self._loading:
                return None
        return self._loaded.popleft()

    async def _load(self) -> int:
        """Load some streams together; how many."""
        some = list(islice(self._cold, LOADED_AHEAD))
        streams: dict[int, tuple[Decider[Any], list[UUID]]] = {}
        for queue in some:
            streams.setdefault(id(queue[0].decider), (queue[0].decider, []))[1].append(queue[0].stream)
        for decider, of in streams.values():
            try:
                await self._ledger.states.load_many(decider, of)
            except EVERYBODYS:
                raise
            except Exception:  # noqa: BLE001 - whose stream it is finds out when it is loaded alone
                _log.warning("process.loading_failed", aggregate=decider.name, streams=len(of))
        self._loaded.extend(some)
        self._loading = None
        return len(some)

    async def _foreseen(self, dispatch: Dispatch) -> Refusal | None:
        """The refusal of a doubtful dispatch, if it was decided on the newest version there is."""
        version, state = await self._ledger.states.load(dispatch.decider, dispatch.stream)
        if version != self._versions.get(dispatch.stream):
            return None
        decision = dispatch.decider.decide(dispatch.command, state, dispatch.context)
        return decision if isinstance(decision, Refusal) else None

    def _count(self, dispatch: Dispatch, outcome: Appended | Refusal) -> None:
        dispatched = self.dispatched
        if isinstance(outcome, Refusal):
            dispatched.refused[outcome.code] += 1
            dispatched.refusals.append((dispatch, outcome))
        elif outcome.replayed:
            dispatched.repeated += 1
        elif outcome.events:
            dispatched.accepted += 1
        else:
            dispatched.idle += 1


def _request(dispatch: Dispatch) -> Request:
    return Request(
        stream=dispatch.stream,
        key=dispatch.key,
        command=dispatch.command,
        context=dispatch.context,
        about=dispatch.about,
    )
