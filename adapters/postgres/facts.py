"""Facts of rules: streams by their states, relations by their members, references and sums by functions.

    rule ─needs─▶ Found (facts; the versions of the streams that were read) ─▶ judged ─▶ Append.reads
           └─ asked again while it names something new

    stream ─▶ held (version, state, whose) ─▶ else replayed, and held; caught up when somebody finds that it has moved

No business context has a name here: relations, references and sums are tables of the composition root.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any
from uuid import UUID

from msgspec import Struct

from adapters.postgres.reader import Reader
from chain.entry import Entry
from domain.kernel.command import Command
from domain.kernel.decider import DECIDERS, Decider, fold
from domain.kernel.event import Event
from domain.kernel.needs import (
    CrossRule,
    Facts,
    FirstEvent,
    Need,
    Proposal,
    Reference,
    Related,
    StreamEvents,
    StreamState,
    Sum,
    missing,
)
from domain.kernel.refusal import Refusal

CACHED_STREAMS = 50_000
LOADED_AT_ONCE = 500
"""Streams that one query reads."""


class Held(Struct, frozen=True):
    """A stream as it is known: the aggregate it was folded as, the tenant of its first event, version and state."""

    decider: Decider[Any]
    tenant: UUID | None
    version: int
    state: Any


class States:
    """States of aggregates by stream, at most `CACHED_STREAMS` of them."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._held: OrderedDict[UUID, Held] = OrderedDict()

    def expect_new(self, decider: Decider[Any], stream: UUID) -> None:
        """Take a stream for new without looking; an append finds out when it is not."""
        if stream not in self._held:
            self._hold(stream, Held(decider, None, 0, decider.initial))

    def advance(self, decider: Decider[Any], stream: UUID, tenant: UUID, before: int, after: tuple[int, Any]) -> None:
        """Move a stream on from one version to another, unless somebody else has moved it meanwhile."""
        held = self._held.get(stream)
        if (held.version if held else 0) == before:
            self._hold(stream, Held(decider, tenant, *after))

    async def load(self, decider: Decider[Any], stream: UUID) -> tuple[int, Any]:
        """Version and state of a stream; (0, empty state) for a new one."""
        if stream in self._held:
            self._held.move_to_end(stream)
        else:
            await self.catch_up(decider, stream)
        held = self._held[stream]
        return held.version, held.state

    async def load_many(self, decider: Decider[Any], streams: Sequence[UUID]) -> None:
        """Read those streams of one aggregate that are not held yet, by few queries."""
        cold = [stream for stream in streams if stream not in self._held]
        for at in range(0, len(cold), LOADED_AT_ONCE):
            some = cold[at : at + LOADED_AT_ONCE]
            found = await self._reader.entries_of(some)
            for stream in some:
                self._hold_newer(stream, _replayed(decider, found.get(stream, [])))

    async def find(self, decider: Decider[Any], streams: Sequence[UUID], tenant: UUID) -> list[tuple[int, Any]]:
        """Version and state of each stream; the state is None where it is no stream of this aggregate and tenant."""
        cold = [stream for stream in streams if stream not in self._held or not self._held[stream].version]
        found = await self._reader.entries_of(cold) if cold else {}
        for stream, entries in found.items():
            if whose(entries[0]) == (tenant, decider.name):
                self._hold_newer(stream, _replayed(decider, entries))
        return [self._found(decider, stream, tenant, len(found.get(stream, ()))) for stream in streams]

    def _found(self, decider: Decider[Any], stream: UUID, tenant: UUID, read: int) -> tuple[int, Any]:
        held = self._held.get(stream)
        if held is None or not held.version:
            return read, None
        self._held.move_to_end(stream)
        return held.version, held.state if (held.tenant, held.decider) == (tenant, decider) else None

    async def moved(self, reads: Mapping[UUID, int]) -> bool:
        """Whether any stream is at another version than the one that was read; those are caught up."""
        versions = await self._reader.versions(list(reads)) if reads else {}
        moved = [stream for stream, version in reads.items() if versions.get(stream, 0) != version]
        for stream in moved:
            if (held := self._held.get(stream)) is not None and held.version:
                await self.catch_up(held.decider, stream)
        return bool(moved)

    async def catch_up(self, decider: Decider[Any], stream: UUID) -> int:
        """Read what a stream holds behind the known version; the version it has then."""
        held = self._held.get(stream) or Held(decider, None, 0, decider.initial)
        tenant, version, state = held.tenant, held.version, held.state
        async for entry in self._reader.stream_entries(stream, after=version):
            tenant = tenant or entry.tenant
            state = decider.evolve(state, entry.event())
            version += 1
        self._hold_newer(stream, Held(decider, tenant, version, state))
        return self._held[stream].version

    def _hold_newer(self, stream: UUID, now: Held) -> None:
        """Hold what was read, unless a command has moved the stream further while it was read."""
        held = self._held.get(stream)
        if held is None or now.version >= held.version:
            self._hold(stream, now)

    def _hold(self, stream: UUID, held: Held) -> None:
        self._held[stream] = held
        self._held.move_to_end(stream)
        if len(self._held) > CACHED_STREAMS:
            self._held.popitem(last=False)


def whose(first: Entry) -> tuple[UUID, str]:
    """The tenant and the aggregate of a stream, which its first entry tells."""
    return first.tenant, first.type.partition(".")[0]


def _replayed(decider: Decider[Any], entries: Sequence[Entry]) -> Held:
    state = fold(decider, (entry.event() for entry in entries))
    return Held(decider, entries[0].tenant if entries else None, len(entries), state)


# --------------------------------------------------------------------------------------------------------- facts

Relation = Callable[[UUID, Any], Awaitable[Sequence[UUID]]]
"""(tenant, key) → the streams that are related, oldest first, as fresh as the ledger."""

ReferenceSource = Callable[[UUID, Any], Any]
"""(tenant, key) → what stands in no stream."""

SumSource = Callable[[UUID, Any], Awaitable[Any]]
"""(tenant, key) → a sum, as fresh as the ledger."""

Lock = Callable[[UUID], AbstractAsyncContextManager[None]]
"""Excludes everybody else of the tenant who reads a sum, in all processes."""

Rules = Mapping[type[Command], Sequence[CrossRule]]


class Found(AsyncExitStack):
    """Facts that were read for one command; holds the tenant lock, where a sum was read, until the block ends.

    `reads` takes the version of every stream that was read.
    """

    def __init__(self, reads: dict[UUID, int]) -> None:
        super().__init__()
        self.facts: dict[Need, Any] = {}
        self.reads = reads
        self.locked = False

    def read(self, stream: UUID, version: int) -> None:
        """Remember the version that a stream had; the first one counts when it is read twice."""
        self.reads.setdefault(stream, version)


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

    async def judge(self, proposal: Proposal, found: Found) -> Refusal | None:
        """The first rule that says no, in their order; what was read for them is in `found`."""
        for rule in self._rules.get(type(proposal.command), ()):
            while needs := missing(rule.needs, proposal, found.facts):
                await self._load(proposal.context.tenant, needs, found)
            refusal = rule.judge(proposal, found.facts)
            if refusal is not None:
                return refusal
        return None

    async def facts(self, tenant: UUID, needs: Callable[[Facts], Iterable[Need]]) -> Facts:
        """Facts for somebody who writes nothing on the strength of them here: as the ledger has them now."""
        while True:
            async with Found({}) as found:
                while new := [need for need in dict.fromkeys(needs(found.facts)) if need not in found.facts]:
                    await self._load(tenant, new, found)
            if not await self.states.moved(found.reads):
                return found.facts

    async def _load(self, tenant: UUID, needs: Sequence[Need], found: Found) -> None:
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

    async def _fact(self, tenant: UUID, need: Need, found: Found) -> Any:
        match need:
            case FirstEvent(aggregate, stream):
                return await self._first(tenant, aggregate, stream, found)
            case StreamEvents(aggregate, stream):
                return await self._events(tenant, aggregate, stream, found)
            case Related(aggregate, relation, key):
                streams = await self._relations[relation](tenant, key)
                states = await self._states(tenant, aggregate, streams, found)
                return tuple(state for state in states if state is not None)
            case Reference(kind, key):
                return self._references[kind](tenant, key)
            case Sum(kind, key):
                if not found.locked:
                    await found.enter_async_context(self._lock(tenant))
                    found.locked = True
                return await self._sums[kind](tenant, key)
        raise TypeError(f"expected a need, got {type(need).__name__}")

    async def _states(self, tenant: UUID, aggregate: str, streams: Sequence[UUID], found: Found) -> list[Any]:
        states = []
        held = await self.states.find(DECIDERS[aggregate], streams, tenant)
        for stream, (version, state) in zip(streams, held, strict=True):
            found.read(stream, version)
            states.append(state)
        return states

    async def _events(self, tenant: UUID, aggregate: str, stream: UUID, found: Found) -> tuple[Event, ...]:
        entries = [entry async for entry in self._reader.stream_entries(stream)]
        found.read(stream, len(entries))
        ours = bool(entries) and whose(entries[0]) == (tenant, aggregate)
        return tuple(entry.event() for entry in entries) if ours else ()

    async def _first(self, tenant: UUID, aggregate: str, stream: UUID, found: Found) -> Any:
        stored = await self._reader.first(stream)
        if stored is None:
            found.read(stream, 0)
            return None
        entry = stored.parsed()
        return entry.event() if whose(entry) == (tenant, aggregate) else None
