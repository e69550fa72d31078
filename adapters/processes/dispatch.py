"""Issuing many commands at once, each exactly once: in order within a stream, side by side across streams.

    [Issue, …] ─▶ one queue per stream ─▶ some streams loaded at once ─▶ bounded number under way ─▶ execute ─▶ Issued
                                              └─ doubtful, and refused on the newest version: no word to the database

The idempotency key of an issue is made of what it follows from, so that issuing it again changes nothing. So is the id
of its command: a second run that finds the first one dead leaves the same ledger.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from itertools import islice
from typing import Any
from uuid import UUID, uuid5

from msgspec import Struct

from adapters.postgres.ledger import Ledger, Request
from adapters.postgres.reader import Reader
from adapters.postgres.sequencer import Appended
from domain.kernel.command import Actor, Command, Context
from domain.kernel.decider import Decider
from domain.kernel.refusal import Refusal
from domain.kernel.times import BEIJING

STREAMS_IN_FLIGHT = 1_024
"""Streams with a command under way: enough for group commits of about a thousand events."""

LOADED_AHEAD = 500
"""Streams that are read together before they are worked on, by one query and on one connection."""

KEYS_AT_ONCE = 5_000
SYSTEM = "system"
_LAST_SECOND = time(23, 59, 59)


class Issue(Struct, frozen=True, kw_only=True):
    """One command to be executed because of something, under a key that says because of what.

    `doubtful`: it is refused more often than not, such as a monthly look at whether there is anything to do.
    """

    decider: Decider[Any]
    stream: UUID
    key: str
    command: Command
    context: Context
    doubtful: bool = False


@dataclass
class Issued:
    """What became of issues: accepted now, known from an earlier run, granted with nothing to do, refused by code."""

    accepted: int = 0
    repeated: int = 0
    idle: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    refusals: list[tuple[Issue, Refusal]] = field(default_factory=list)

    def add(self, other: Issued) -> None:
        """Count another run's outcome in."""
        self.accepted += other.accepted
        self.repeated += other.repeated
        self.idle += other.idle
        self.refused.update(other.refused)
        self.refusals += other.refusals


def command_id(tenant: UUID, key: str) -> UUID:
    """The id of the command with this idempotency key."""
    return uuid5(tenant, key)


def end_of(day: date) -> datetime:
    """The last second of a business date: when what a day's end does is said to have happened."""
    return datetime.combine(day, _LAST_SECOND, BEIJING)


def context(tenant: UUID, key: str, day: date, by: str, correlation: UUID) -> Context:
    """The context of a command that the program issues on its own for a business date; `by` says which part of it."""
    return Context(
        tenant=tenant,
        actor=Actor(SYSTEM, by),
        command=command_id(tenant, key),
        correlation=correlation,
        now=end_of(day),
        business_date=day,
    )


async def issue_all(
    ledger: Ledger, reader: Reader, issues: Sequence[Issue], *, streams_in_flight: int = STREAMS_IN_FLIGHT
) -> Issued:
    """Execute the issues whose keys the ledger does not hold yet; a refusal of one leaves the others alone.

    Whatever else is raised (`OutcomeUnknown`, `StreamBusy`, `KeyReused`) stops all of them; issuing the same again
    goes on where it stopped.
    """
    known = await known_keys(reader, issues)
    queues: dict[UUID, deque[Issue]] = {}
    versions = await _versions(reader, [issue.stream for issue in issues if issue.doubtful])
    repeated = 0
    for issue in issues:
        if issue.key in known:
            repeated += 1
        else:
            queues.setdefault(issue.stream, deque()).append(issue)
    run = _Run(ledger, versions, queues.values())
    run.issued.repeated = repeated
    async with asyncio.TaskGroup() as group:
        for _ in range(min(streams_in_flight, len(queues))):
            group.create_task(run.work())
    return run.issued


async def known_keys(reader: Reader, issues: Sequence[Issue]) -> set[str]:
    """Those of the issues' keys that the ledger holds."""
    known: set[str] = set()
    for at in range(0, len(issues), KEYS_AT_ONCE):
        some = issues[at : at + KEYS_AT_ONCE]
        for tenant in {issue.context.tenant for issue in some}:
            keys = [issue.key for issue in some if issue.context.tenant == tenant]
            known |= await reader.known_keys(tenant, keys)
    return known


async def issued_since(reader: Reader, tenant: UUID, position: int, by: str) -> int:
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
    """One run of `issue_all`: `versions` are the newest ones of the streams with doubtful issues."""

    def __init__(self, ledger: Ledger, versions: Mapping[UUID, int], queues: Iterable[deque[Issue]]) -> None:
        self.issued = Issued()
        self._ledger = ledger
        self._versions = versions
        self._cold = iter(queues)
        self._loaded: deque[deque[Issue]] = deque()
        self._loading: asyncio.Task[int] | None = None

    async def work(self) -> None:
        """Take streams, one after the other, until none is left."""
        while (queue := await self._next()) is not None:
            for issue in queue:
                foreseen = await self._foreseen(issue) if issue.doubtful else None
                if foreseen is None:
                    self._count(issue, await self._ledger.execute(issue.decider, _request(issue)))
                else:
                    self._count(issue, foreseen)
                    # Nothing was waited for; thousands of these in a row must not keep everybody else waiting.
                    await asyncio.sleep(0)

    async def _next(self) -> deque[Issue] | None:
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
            await self._ledger.states.load_many(decider, of)
        self._loaded.extend(some)
        self._loading = None
        return len(some)

    async def _foreseen(self, issue: Issue) -> Refusal | None:
        """The refusal of a doubtful issue, if it was decided on the newest version there is."""
        version, state = await self._ledger.load(issue.decider, issue.stream)
        if version != self._versions.get(issue.stream):
            return None
        decision = issue.decider.decide(issue.command, state, issue.context)
        return decision if isinstance(decision, Refusal) else None

    def _count(self, issue: Issue, outcome: Appended | Refusal) -> None:
        issued = self.issued
        if isinstance(outcome, Refusal):
            issued.refused[outcome.code] += 1
            issued.refusals.append((issue, outcome))
        elif outcome.replayed:
            issued.repeated += 1
        elif outcome.events:
            issued.accepted += 1
        else:
            issued.idle += 1


def _request(issue: Issue) -> Request:
    return Request(stream=issue.stream, key=issue.key, command=issue.command, context=issue.context)
