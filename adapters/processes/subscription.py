"""Following the ledger: processes see every event once, in order, and answer with commands.

    position ─▶ events behind it ─▶ for each: process(event, entry) → wishes ─▶ issue_all ─▶ position moves on

A process is a pure function; a reactor is its sibling with effects, which tells what happened by commands. The position
is kept in the read schema and moves after the commands are on disk: whoever dies in between issues them again, under
the same keys. What a process wished and an aggregate refused is kept beside the position, because nobody else asked
for it and somebody has to look.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from psycopg_pool import AsyncConnectionPool

from adapters.postgres.ledger import Ledger
from adapters.postgres.reader import Reader
from adapters.postgres.schema import SHARD
from adapters.processes.dispatch import STREAMS_IN_FLIGHT, SYSTEM, Issue, Issued, command_id, issue_all
from chain.entry import Entry
from domain.kernel.command import Actor, Command, Context
from domain.kernel.decider import Decider
from domain.kernel.event import EVENT_TYPES, Event
from domain.kernel.refusal import Refusal
from domain.kernel.times import parse_utc

PAGE_EVENTS = 2_000
"""Events that are looked at before the position moves on."""

REACTIONS_IN_FLIGHT = 32
"""Reactors under way at a time: each waits for somebody outside."""

_DDL = """
CREATE TABLE IF NOT EXISTS read.processes (
    shard    smallint NOT NULL,
    name     text     NOT NULL,
    position bigint   NOT NULL CHECK (position >= 0),
    PRIMARY KEY (shard, name)
);
CREATE TABLE IF NOT EXISTS read.process_refusals (
    shard  smallint NOT NULL,
    tenant uuid     NOT NULL,
    key    text     NOT NULL,
    stream uuid     NOT NULL,
    code   text     NOT NULL,
    facts  text     NOT NULL,
    PRIMARY KEY (shard, tenant, key)
)"""
_POSITION = "SELECT position FROM read.processes WHERE shard = %s AND name = %s"
_MOVE = """
INSERT INTO read.processes (shard, name, position) VALUES (%s, %s, %s)
ON CONFLICT (shard, name) DO UPDATE SET position = greatest(processes.position, EXCLUDED.position)"""
_REFUSED = """
INSERT INTO read.process_refusals (shard, tenant, key, stream, code, facts) VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (shard, tenant, key) DO UPDATE SET code = EXCLUDED.code, facts = EXCLUDED.facts"""
_REFUSALS = """
SELECT key, stream, code, facts FROM read.process_refusals WHERE shard = %s AND tenant = %s ORDER BY key"""

Pool = AsyncConnectionPool[Any]


class Wish(Struct, frozen=True, kw_only=True):
    """A command that follows from an event: for which stream of which aggregate, under which key."""

    decider: Decider[Any]
    stream: UUID
    key: str
    command: Command


Process = Callable[[Event, Entry], Sequence[Wish]]
"""A process manager: pure, from an event and its envelope to what follows."""

Reactor = Callable[[Event, Entry], Awaitable[Sequence[Wish]]]
"""The same with effects; it may be called again for an event, and must then have no second effect."""


class Refused(Struct, frozen=True):
    """A command of a process that an aggregate refused."""

    key: str
    stream: UUID
    code: str
    facts: str


@dataclass
class Follower:
    """Keeps processes up to date with the ledger, together under one name and position.

    `interest` are the event classes that any of them acts on; everything else is stepped over.
    """

    name: str
    ledger: Ledger
    reader: Reader
    pool: Pool
    interest: frozenset[type[Event]]
    processes: Sequence[Process] = ()
    reactors: Sequence[Reactor] = ()
    streams_in_flight: int = STREAMS_IN_FLIGHT
    total: Issued = field(default_factory=Issued)

    def __post_init__(self) -> None:
        names = (name for name, cls in EVENT_TYPES.items() if cls in self.interest)
        self._aggregates = frozenset(name.partition(".")[0] for name in names)

    async def prepare(self) -> None:
        """Create the tables that are missing; call once."""
        await self._execute(_DDL)

    async def catch_up(self) -> Issued:
        """Follow until no event is left, including those that its own commands append; what became of the wishes."""
        issued = Issued()
        position = await self.position()
        while page := await self.reader.after(position, PAGE_EVENTS):
            entries = [stored.parsed() for stored in page]
            heard = [(event, entry) for entry in entries if (event := self._heard(entry)) is not None]
            wishes = [issue for issues in await self._side_by_side(heard) for issue in issues]
            if wishes:
                issued.add(await self._issue(wishes))
            position = page[-1].position
            await self._execute(_MOVE, (SHARD, self.name, position))
        self.total.add(issued)
        return issued

    async def refusals(self, tenant: UUID) -> list[Refused]:
        """What was wished and refused, of one tenant, in the order of the keys."""
        async with self.pool.connection() as connection:
            cursor = await connection.execute(_REFUSALS, (SHARD, tenant))
            return [Refused(*row) for row in await cursor.fetchall()]

    async def position(self) -> int:
        """The ledger position up to which everything that follows is on disk."""
        async with self.pool.connection() as connection:
            cursor = await connection.execute(_POSITION, (SHARD, self.name))
            row = await cursor.fetchone()
            return int(row[0]) if row else 0

    def _heard(self, entry: Entry) -> Event | None:
        """The event of an entry, if anybody acts on it."""
        if entry.type.partition(".")[0] not in self._aggregates:
            return None
        event = entry.event()
        return event if type(event) in self.interest else None

    async def _side_by_side(self, heard: Sequence[tuple[Event, Entry]]) -> list[list[Issue]]:
        """What follows from each event, in their order, however long its reactor took."""
        if not self.reactors:
            return [await self._issues(event, entry) for event, entry in heard]
        turns = asyncio.Semaphore(REACTIONS_IN_FLIGHT)

        async def in_turn(event: Event, entry: Entry) -> list[Issue]:
            async with turns:
                return await self._issues(event, entry)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(in_turn(event, entry)) for event, entry in heard]
        return [task.result() for task in tasks]

    async def _issues(self, event: Event, entry: Entry) -> list[Issue]:
        wishes = [wish for process in self.processes for wish in process(event, entry)]
        for reactor in self.reactors:
            wishes += await reactor(event, entry)
        return [self._issue_of(wish, entry) for wish in wishes]

    def _issue_of(self, wish: Wish, entry: Entry) -> Issue:
        """The command belongs to the case and to the business date of the event that it follows from."""
        return Issue(
            decider=wish.decider,
            stream=wish.stream,
            key=wish.key,
            command=wish.command,
            context=Context(
                tenant=entry.tenant,
                actor=Actor(SYSTEM, f"process:{self.name}"),
                command=command_id(entry.tenant, wish.key),
                correlation=entry.correlation,
                now=parse_utc(entry.occurred_at),
                business_date=entry.business_date,
            ),
        )

    async def _issue(self, wishes: Sequence[Issue]) -> Issued:
        issued = await issue_all(self.ledger, self.reader, wishes, streams_in_flight=self.streams_in_flight)
        for issue, refusal in issued.refusals:
            await self._execute(_REFUSED, _refused_row(issue, refusal))
        return issued

    async def _execute(self, query: str, parameters: tuple[object, ...] | None = None) -> None:
        async with self.pool.connection() as connection:
            await connection.execute(query, parameters)


def _refused_row(issue: Issue, refusal: Refusal) -> tuple[object, ...]:
    facts = msgspec.json.encode(dict(refusal.facts)).decode()
    return (SHARD, issue.context.tenant, issue.key, issue.stream, refusal.code, facts)
