"""Facts of rules: streams by their states, relations by their members, references and sums by functions.

    rule ─needs─▶ LoadedFacts (facts; the versions of the streams that were read) ─▶ judged ─▶ Append.reads
           └─ asked again while it names something new

No business context has a name here: relations, references and sums are tables of the composition root.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any
from uuid import UUID

from msgspec import Struct

from adapters.postgres.reading.reader import Reader
from adapters.postgres.reading.states import Reads, States, whose
from adapters.postgres.writing.sequencer import Fence, StateMoved
from domain.kernel.command import Command
from domain.kernel.decider import DECIDERS
from domain.kernel.event import Event
from domain.kernel.needs import (
    Candidate,
    CrossRule,
    Facts,
    FirstEvent,
    Need,
    Reference,
    Related,
    StreamEvents,
    StreamState,
    Sum,
    missing,
)
from domain.kernel.refusal import Refusal

JUDGED_AGAIN = 3
"""Times that is looked again because another stream moved on that a judgement stands on."""


class Members(Struct, frozen=True):
    """The streams of a relation, oldest first: all that began up to a position, with an event of one of the types."""

    streams: Sequence[UUID]
    position: int
    begin: frozenset[str]


Relation = Callable[[UUID, Any], Awaitable[Members]]
"""(tenant, key) → the streams that are related, as fresh as the ledger."""

ReferenceSource = Callable[[UUID, Any], Any]
"""(tenant, key) → what stands in no stream."""

SumSource = Callable[[UUID, Any], Awaitable[Any]]
"""(tenant, key) → a sum, as fresh as the ledger."""

Lock = Callable[[UUID], AbstractAsyncContextManager[Fence]]
"""Excludes everybody else of the tenant who reads a sum, in all processes."""

Rules = Mapping[type[Command], Sequence[CrossRule]]


class LoadedFacts(AsyncExitStack):
    """Facts that were read for one command; holds the tenant lock, where a sum was read, until the block ends.

    `reads` takes the version of every stream that was read.
    """

    def __init__(self, reads: Reads) -> None:
        super().__init__()
        self.facts: dict[Need, Any] = {}
        self.reads = reads

    def read(self, stream: UUID, version: int) -> None:
        """Remember the version that a stream had; the first one counts when it is read twice."""
        self.reads.versions.setdefault(stream, version)

    def found_all(self, members: Members) -> None:
        """Remember up to where all streams of a relation were looked for; the first look counts."""
        for name in members.begin:
            self.reads.beginnings.setdefault(name, members.position)


class FactLoader:
    """Loads facts of a tenant and has the rules on a command judged."""

    def __init__(
        self,
        reader: Reader,
        states: States,
        lock: Lock,
        *,
        rules: Rules,
        relations: Mapping[str, Relation],
        references: Mapping[str, ReferenceSource],
        sums: Mapping[str, SumSource],
    ) -> None:
        self.states = states
        self._reader = reader
        self._lock = lock
        self._rules = rules
        self._relations = relations
        self._references = references
        self._sums = sums

    def has_rules(self, command: Command) -> bool:
        """Whether any rule over other streams is on this class of command."""
        return type(command) in self._rules

    async def judge(self, candidate: Candidate, found: LoadedFacts) -> Refusal | None:
        """The first rule that says no, in their order; what was read for them is in `found`."""
        for rule in self._rules.get(type(candidate.command), ()):
            while needs := missing(rule.needs, candidate, found.facts):
                await self._load(candidate.context.tenant, needs, found)
            refusal = rule.judge(candidate, found.facts)
            if refusal is not None:
                return refusal
        return None

    async def facts(self, tenant: UUID, needs: Callable[[Facts], Iterable[Need]]) -> Facts:
        """Facts for somebody who writes nothing on the strength of them here: as the ledger has them now.

        Raises `StateMoved` when they moved on each time that they were looked at.
        """
        for _ in range(1 + JUDGED_AGAIN):
            async with LoadedFacts(Reads()) as found:
                while new := [need for need in dict.fromkeys(needs(found.facts)) if need not in found.facts]:
                    await self._load(tenant, new, found)
            if not await self.states.moved(found.reads, tenant):
                return found.facts
        raise StateMoved(f"state.moved: what is asked about moved on {1 + JUDGED_AGAIN} times")

    async def _load(self, tenant: UUID, needs: Sequence[Need], found: LoadedFacts) -> None:
        """Load facts; the states of streams of one aggregate together."""
        streams: dict[str, list[StreamState]] = {}
        for need in needs:
            if isinstance(need, StreamState):
                streams.setdefault(need.aggregate, []).append(need)
            else:
                found.facts[need] = await self._fact(tenant, need, found)
        for aggregate, some in streams.items():
            states = await self._states(tenant, aggregate, [need.stream for need in some], found)
            found.facts.update(zip(some, states, strict=True))

    async def _fact(self, tenant: UUID, need: Need, found: LoadedFacts) -> Any:
        match need:
            case FirstEvent(aggregate, stream):
                return await self._first(tenant, aggregate, stream, found)
            case StreamEvents(aggregate, stream):
                return await self._events(tenant, aggregate, stream, found)
            case Related():
                return await self._related(tenant, need, found)
            case Reference(kind, key):
                return self._references[kind](tenant, key)
            case Sum(kind, key):
                if found.reads.fence is None:
                    found.reads.fence = await found.enter_async_context(self._lock(tenant))
                return await self._sums[kind](tenant, key)
        raise TypeError(f"expected a need, got {type(need).__name__}")

    async def _related(self, tenant: UUID, need: Related, found: LoadedFacts) -> tuple[Any, ...]:
        members = await self._relations[need.relation](tenant, need.key)
        if need.complete:
            found.found_all(members)
        states = await self._states(tenant, need.aggregate, members.streams, found)
        return tuple(state for state in states if state is not None)

    async def _states(self, tenant: UUID, aggregate: str, streams: Sequence[UUID], found: LoadedFacts) -> list[Any]:
        states = []
        held = await self.states.find(DECIDERS[aggregate], streams, tenant)
        for stream, (version, state) in zip(streams, held, strict=True):
            found.read(stream, version)
            states.append(state)
        return states

    async def _events(self, tenant: UUID, aggregate: str, stream: UUID, found: LoadedFacts) -> tuple[Event, ...]:
        entries = [entry async for entry in self._reader.stream_entries(stream)]
        found.read(stream, len(entries))
        ours = bool(entries) and whose(entries[0]) == (tenant, aggregate)
        return tuple(entry.event() for entry in entries) if ours else ()

    async def _first(self, tenant: UUID, aggregate: str, stream: UUID, found: LoadedFacts) -> Any:
        stored = await self._reader.first(stream)
        if stored is None:
            found.read(stream, 0)
            return None
        entry = stored.parsed()
        return entry.event() if whose(entry) == (tenant, aggregate) else None
