"""Subscriptions: whoever reacts to events sees each of them once, in order, and answers with follow-up commands.

    position ─▶ events behind it ─▶ for each: reactor(occurrence) → follow-up commands ─▶ dispatch_all ─▶ position moves

A process manager is pure: its facts are loaded, then it is asked. Other reactors have effects, and tell what happened
by commands. The position is kept in the read schema and moves after the commands are on disk: whoever dies in between
dispatches them again, under the same keys. What an aggregate or a rule refused, and what failed, is parked beside the
position: nobody else asked for it, somebody has to look, and all others go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from adapters.postgres.advisory import StillHeld, alone, lock_number
from adapters.postgres.connections import Connection, Pool, has_table
from adapters.postgres.ledger import Ledger
from adapters.postgres.reading.facts import FactLoader
from adapters.postgres.reading.reader import Reader, Stored
from adapters.postgres.schema import SHARD
from adapters.processes import parking
from adapters.processes.dispatch import (
    STREAMS_IN_FLIGHT,
    Dispatch,
    Dispatched,
    DispatchKey,
    beginning_of,
    dispatch_all,
    failure_of,
    in_context,
)
from adapters.processes.parking import IS_DUE, Parking, Unsettled, Waiting
from chain.entry import Entry
from domain.calendar.calendar import CALENDAR, CalendarOpened, CalendarState, DayClosed, calendar_stream
from domain.kernel.command import Context
from domain.kernel.event import Event, stored_types
from domain.kernel.needs import Facts, Need
from domain.kernel.process import (
    FAILED,
    HELD,
    NOT_YET,
    Followed,
    FollowUp,
    Occurrence,
    ProcessManager,
    Unanswered,
    process_actor,
)
from domain.kernel.refusal import Refusal
from domain.kernel.times import parse_utc

PAGE_EVENTS = 2_000
"""Events that are looked at before the position moves on."""

REACTIONS_IN_FLIGHT = 32
"""Reactions under way at a time: each waits for somebody outside."""

_DDL = """
CREATE TABLE IF NOT EXISTS read.processes (
    shard    smallint NOT NULL,
    name     text     NOT NULL,
    position bigint   NOT NULL CHECK (position >= 0),
    PRIMARY KEY (shard, name)
)"""
_PROGRESS = "SELECT name, position FROM read.processes WHERE shard = %s ORDER BY name"
_LOCK = "SELECT pg_advisory_xact_lock(%s)"
_STANDS = f"""
WITH stands AS (
    SELECT head.shard, coalesce(processes.position, 0) AS position, head.size
    FROM ledger.head LEFT JOIN read.processes ON processes.shard = head.shard AND processes.name = %s
    WHERE head.shard = %s)
SELECT position, size, EXISTS (
    SELECT FROM ledger.events
    WHERE events.shard = stands.shard AND events.position > stands.position AND events.type = ANY(%s))
OR EXISTS (SELECT FROM read.parked WHERE parked.shard = stands.shard AND parked.process = %s AND {IS_DUE})
FROM stands"""
_MOVE = """
INSERT INTO read.processes (shard, name, position) VALUES (%s, %s, %s)
ON CONFLICT (shard, name) DO UPDATE SET position = greatest(processes.position, EXCLUDED.position)"""


_BEHIND = FAILED(behind="earlier")
_DAY_BEGINS: frozenset[type[Event]] = frozenset({CalendarOpened, DayClosed})
"""Events with which a business date begins, and what waits for it has its turn."""


Reactor = Callable[[Occurrence], Awaitable[Followed]]
"""From an event to what follows; it may be asked again for an event, and must then have no second effect."""


def progress(connection: Connection) -> list[tuple[str, int]]:
    """Name and position of every subscription that has begun; nothing before the first one has."""
    if not has_table(connection, "read.processes"):
        return []
    return connection.execute(_PROGRESS, (SHARD,)).fetchall()


@dataclass
class Subscription:
    """Keeps one reactor up to date with the ledger, under a name and a position of its own.

    `interest` are the event classes that it acts on; everything else is stepped over.
    """

    name: str
    ledger: Ledger
    reader: Reader
    pool: Pool
    interest: frozenset[type[Event]]
    react: Reactor
    streams_in_flight: int = STREAMS_IN_FLIGHT
    total: Dispatched = field(default_factory=Dispatched)
    seen: int = 0
    """The size of the ledger when it was last found to have nothing to do, or began a page."""

    def __post_init__(self) -> None:
        known = stored_types().items()
        self._days = {stored for stored, current in known if current in _DAY_BEGINS}
        self._heard = {stored for stored, current in known if current in self.interest}
        self._types = sorted(self._days | self._heard)
        self.parking = Parking(self.pool, self.name)

    async def prepare(self) -> None:
        """Create the tables that are missing; call once."""
        async with self.pool.connection() as connection, connection.transaction():
            await connection.execute(_LOCK, (lock_number(b"leaseledger.subscriptions/1"),))
            await connection.execute(_DDL)
            await connection.execute(parking.DDL)

    async def catch_up(self) -> Dispatched:
        """Follow until no event is left, including those that its own commands append; what became of the commands.

        What cannot follow from one event is parked under its key, and the next one has its turn.
        """
        position, self.seen, to_do = await self._stands()
        size = self.seen
        if not to_do:
            if position < size:
                await self._move(size)
            return Dispatched()
        async with self._alone() as still:
            dispatched = await self._catch_up(still)
        self.total.add(dispatched)
        return dispatched

    async def _catch_up(self, still: StillHeld) -> Dispatched:
        dispatched = Dispatched()
        await self._retry(dispatched)
        while True:
            await still()
            position, size, _ = await self._stands()
            self.seen = size
            page = await self.reader.of_types(self._types, position, size, PAGE_EVENTS)
            asked_for = await self._take(page, dispatched)
            await still()
            whole = len(page) < PAGE_EVENTS
            await self._move(size if whole else page[-1].position)
            if whole and not asked_for:
                return dispatched

    async def _take(self, page: Sequence[Stored], dispatched: Dispatched) -> int:
        """Take up a page of events; where a day of a tenant begins, what waits for it comes first."""
        entries = [(stored.position, stored.parsed()) for stored in page]
        asked_for = 0
        if begun := {entry.tenant for _, entry in entries if entry.type in self._days}:
            await self.parking.day_began(begun)
            asked_for = await self._retry(dispatched)
        heard = [(position, entry) for position, entry in entries if entry.type in self._heard]
        return asked_for + await self._answer(heard, {position: 0 for position, _ in heard}, dispatched)

    async def _retry(self, dispatched: Dispatched) -> int:
        """Try what is parked and due, page by page; how many commands that were."""
        asked_for = last = 0
        while tried := await self.parking.due(PAGE_EVENTS, last):
            last = max(tried)
            events = await self.reader.at(list(tried))
            asked_for += await self._answer([(one.position, one.parsed()) for one in events], tried, dispatched)
        return asked_for

    async def _answer(
        self, heard: Sequence[tuple[int, Entry]], tried: Mapping[int, int], dispatched: Dispatched
    ) -> int:
        """Do what follows from some events, and add it to what was done; how many commands that were."""
        if not heard:
            return 0
        failing = await self.parking.failing(tried)
        left: list[Unsettled] = []
        answers = await self._side_by_side(heard, failing)
        wait = await self._waits_for(answers, tried)
        wait.held = await self.parking.held_out()
        follow_ups = self._sorted_out(answers, failing, wait, left)
        dispatched.refused.update(one.refusal.code for one in left)
        commands = [one for _, one in follow_ups]
        done = await dispatch_all(self.ledger, self.reader, commands, streams_in_flight=self.streams_in_flight)
        dispatched.add(done)
        await self.parking.settle(tried, left, _granted(follow_ups, done, left))
        return len(follow_ups)

    def _sorted_out(
        self,
        answers: Sequence[tuple[int, Entry, Followed]],
        failing: dict[UUID, int],
        wait: _Wait,
        left: list[Unsettled],
    ) -> list[tuple[int, Dispatch]]:
        """The commands to dispatch, with their events' positions; what is left to people, or waits, goes to `left`.

        What failed of a stream holds up all that comes later for it, so that nothing is done before its cause.
        """
        follow_ups: list[tuple[int, Dispatch]] = []
        for position, entry, some in answers:
            for one in (self._waits(position, entry),) if _holds_up(failing, entry.stream, position) else some:
                refusal = _refusal_of(one, failing, position) or wait.for_its_day(one, position, entry)
                if refusal is None and isinstance(one, FollowUp):
                    follow_ups.append((position, self._dispatch_of(one, entry)))
                elif refusal is not None:
                    left.append(Unsettled(position, one.key, entry.tenant, one.stream, refusal))
        return follow_ups

    async def _waits_for(self, answers: Sequence[tuple[int, Entry, Followed]], tried: Mapping[int, int]) -> _Wait:
        """What is known of days to come: the business dates, and what waits already, of streams that ask."""
        named = {one.stream for _, _, some in answers for one in some if isinstance(one, FollowUp) and one.not_before}
        waiting = await self.parking.waiting(named, list(tried)) if named else []
        return _Wait(await self._business_dates(answers), waiting)

    async def _business_dates(self, answers: Sequence[tuple[int, Entry, Followed]]) -> Mapping[UUID, date | None]:
        """The business dates of tenants of whom something follows later than its event; `None` without a calendar."""
        found: dict[UUID, date | None] = {}
        for tenant in {entry.tenant for _, entry, some in answers for one in some if _ahead(one, entry) is not None}:
            _, state = await self.ledger.load(CALENDAR, calendar_stream(tenant))
            assert isinstance(state, CalendarState)
            found[tenant] = state.business_date
        return found

    def _waits(self, position: int, entry: Entry) -> Unanswered:
        return Unanswered(stream=entry.stream, key=f"{self.name}:{position}", refusal=_BEHIND)

    def _alone(self) -> AbstractAsyncContextManager[StillHeld]:
        """Wait until nobody else catches up under this name: an end of day beside a role, a second role."""
        return alone(self.pool, f"leaseledger.subscription/1 {self.name}".encode())

    async def position(self) -> int:
        """The ledger position up to which everything that follows is on disk."""
        return (await self._stands())[0]

    async def _stands(self) -> tuple[int, int, bool]:
        """The position, the size of the ledger, and whether anything of interest stands between or is due again."""
        async with self.pool.connection() as connection:
            cursor = await connection.execute(_STANDS, (self.name, SHARD, self._types, self.name))
            row = await cursor.fetchone()
            assert row is not None, "every ledger has a head"
            return row

    async def _move(self, position: int) -> None:
        await self._execute(_MOVE, (SHARD, self.name, position))

    async def _side_by_side(
        self, heard: Sequence[tuple[int, Entry]], failing: Mapping[UUID, int]
    ) -> list[tuple[int, Entry, Followed]]:
        """What follows from each event, in their order, however long its reactor took; what waits is left out."""
        turns = asyncio.Semaphore(REACTIONS_IN_FLIGHT)

        async def in_turn(position: int, entry: Entry) -> tuple[int, Entry, Followed]:
            if _holds_up(failing, entry.stream, position):
                return position, entry, ()
            async with turns:
                return position, entry, await self._followed(position, entry)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(in_turn(*one)) for one in heard]
        return [task.result() for task in tasks]

    async def _followed(self, position: int, entry: Entry) -> Followed:
        """What follows from one event; an error of this one alone is what is left of it."""
        try:
            return await self.react(occurrence_of(entry.event(), entry))
        except Exception as error:  # noqa: BLE001 - one event's error is nobody else's
            key = f"{self.name}:{position}"
            return (Unanswered(stream=entry.stream, key=key, refusal=failure_of(error, key)),)

    def _dispatch_of(self, follow_up: FollowUp, entry: Entry) -> Dispatch:
        """The command belongs to the case of its event, and to the event's business date or the one it waited for."""
        day, now = _ahead(follow_up, entry), parse_utc(entry.occurred_at)
        given = Context(
            tenant=entry.tenant,
            actor=process_actor(self.name),
            correlation=entry.correlation,
            now=now if day is None else max(now, beginning_of(day)),
            business_date=day or entry.business_date,
        )
        return in_context(follow_up, given)

    async def _execute(self, query: str, parameters: tuple[object, ...] | None = None) -> None:
        async with self.pool.connection() as connection:
            await connection.execute(query, parameters)


def _holds_up(failing: Mapping[UUID, int], stream: UUID, position: int) -> bool:
    """Whether something failed of a stream before a position."""
    return stream in failing and failing[stream] < position


def _refusal_of(one: FollowUp | Unanswered, failing: dict[UUID, int], position: int) -> Refusal | None:
    """Why something does not follow now; what failed, or waits, holds up what comes later for its stream."""
    waits = _holds_up(failing, one.stream, position)
    refusal = one.refusal if isinstance(one, Unanswered) else _BEHIND if waits else None
    if refusal is not None and refusal.kind is FAILED:
        failing.setdefault(one.stream, position)
    return refusal


def _ahead(one: FollowUp | Unanswered, entry: Entry) -> date | None:
    """The day that something follows on, where that is later than the business date of its event."""
    day = one.not_before if isinstance(one, FollowUp) else None
    return None if day is None or day <= entry.business_date else day


@dataclass
class _Wait:
    """Who waits for a day to come: `today` has business dates, `waiting` what waits already.

    What names a day is behind whatever waits for that day, or an earlier one, of the same stream: a calendar that moves
    on meanwhile must not let money be taken back before it was posted.
    """

    today: Mapping[UUID, date | None]
    waiting: list[Waiting]
    held: Mapping[UUID, int] = field(default_factory=dict)

    def for_its_day(self, one: FollowUp | Unanswered, position: int, entry: Entry) -> Refusal | None:
        """Why something does not follow before its day; without a calendar no day comes. Nor does it before timers
        of its stream that could not be fired on an earlier day.
        """
        if isinstance(one, FollowUp) and _holds_up(self.held, one.stream, position):
            return HELD()
        if not isinstance(one, FollowUp) or one.not_before is None:
            return None
        until = one.not_before if self._has_not_come(one, entry) else self._of_whoever_is_first(one, position)
        if until is None:
            return None
        self.waiting.append(Waiting(one.stream, position, until))
        return NOT_YET(until=until)

    def _has_not_come(self, one: FollowUp, entry: Entry) -> bool:
        if (day := _ahead(one, entry)) is None:
            return False
        reached = self.today[entry.tenant]
        return reached is None or reached < day

    def _of_whoever_is_first(self, one: FollowUp, position: int) -> date | None:
        """The day of what waits before it for the same stream."""
        days = [
            first.until
            for first in self.waiting
            if first.stream == one.stream and first.position < position and first.until <= (one.not_before or date.min)
        ]
        return max(days, default=None)


def _granted(follow_ups: Sequence[tuple[int, Dispatch]], done: Dispatched, left: list[Unsettled]) -> set[DispatchKey]:
    """The keys of what was done; what was not goes to `left`, with the position of the first event that asked."""
    at: dict[DispatchKey, int] = {}
    for position, one in follow_ups:
        at.setdefault((one.context.tenant, one.key), position)
    refused = {id(one) for one, _ in done.refusals}
    granted = {(one.context.tenant, one.key) for _, one in follow_ups if id(one) not in refused}
    for one, refusal in done.refusals:
        key = (one.context.tenant, one.key)
        if key not in granted:
            left.append(Unsettled(at[key], one.key, one.context.tenant, one.stream, refusal))
    return granted


def occurrence_of(event: Event, entry: Entry) -> Occurrence:
    """What reactors are told of an entry."""
    return Occurrence(event=event, stream=entry.stream, tenant=entry.tenant, business_date=entry.business_date)


def reactor_of(manager: ProcessManager, facts: FactLoader) -> Reactor:
    """A process manager with the facts that it needs."""

    async def react(occurrence: Occurrence) -> Followed:
        reaction = manager.reacts[type(occurrence.event)]

        def needs(found: Facts) -> Iterable[Need]:
            return reaction.needs(occurrence, found)

        return reaction.follow(occurrence, await facts.facts(occurrence.tenant, needs))

    return react
