"""States of streams, held by stream and version.

stream ─▶ held (version, state, whose) ─▶ else replayed, and held; caught up when somebody finds that it has moved
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from msgspec import Struct

from adapters.postgres.reading.reader import Reader
from adapters.postgres.writing.sequencer import Fence
from chain.entry import Entry
from domain.kernel.command import Context
from domain.kernel.decider import Decider, fold

CACHED_STREAMS = 50_000
LOADED_AT_ONCE = 500
"""Streams that one query reads."""


class Held(Struct, frozen=True, gc=False):
    """A stream as it is known: the aggregate it was folded as, tenant and case of its first event, version, state."""

    decider: Decider[Any]
    tenant: UUID | None
    case: UUID | None
    version: int
    state: Any


@dataclass
class Reads:
    """What a judgement stands on: stream → version that was read, type of event → position up to which all streams
    that it begins were looked for; the tenant lock, where a sum was read.
    """

    versions: dict[UUID, int] = field(default_factory=dict)
    beginnings: dict[str, int] = field(default_factory=dict)
    fence: Fence | None = None


class States:
    """States of aggregates by stream, at most `CACHED_STREAMS` of them."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._held: OrderedDict[UUID, Held] = OrderedDict()

    def expect_new(self, decider: Decider[Any], stream: UUID) -> None:
        """Take a stream for new without looking; an append finds out when it is not."""
        self._held.setdefault(stream, Held(decider, None, None, 0, decider.initial))

    def advance(self, decider: Decider[Any], stream: UUID, by: Context, before: int, after: tuple[int, Any]) -> None:
        """Move a stream on from one version to another, unless somebody else has moved it meanwhile."""
        held = self._held.get(stream)
        if (held.version if held else 0) == before:
            self._held[stream] = Held(decider, by.tenant, by.correlation, *after)

    async def case_of(self, stream: UUID) -> UUID | None:
        """The case of a stream, which its first event names; `None` for one that is not there."""
        held = self._held.get(stream)
        if held is not None and held.version:
            return held.case
        first = await self._reader.first(stream)
        return None if first is None else first.parsed().correlation

    async def load(self, decider: Decider[Any], stream: UUID) -> tuple[int, Any]:
        """Version and state of a stream; (0, empty state) for a new one."""
        held = self._held.get(stream)
        if held is None:
            await self.catch_up(decider, stream)
            held = self._held[stream]
        else:
            self._held.move_to_end(stream)
            self._drop_oldest()
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

    async def current(self, decider: Decider[Any], stream: UUID, tenant: UUID) -> Any:
        """The state of a tenant's stream as the ledger has it now; `None` where it is no such stream of the tenant."""
        held = self._held.get(stream)
        if held is not None and held.version and held.decider is decider:
            await self.catch_up(decider, stream)
        [(_, known)] = await self.find(decider, [stream], tenant)
        return known

    def _found(self, decider: Decider[Any], stream: UUID, tenant: UUID, read: int) -> tuple[int, Any]:
        held = self._held.get(stream)
        if held is None or not held.version:
            return read, None
        self._held.move_to_end(stream)
        return held.version, held.state if (held.tenant, held.decider) == (tenant, decider) else None

    async def moved(self, reads: Reads, tenant: UUID) -> bool:
        """Whether a stream is at another version than the one that was read, or the tenant began a further one; those
        are caught up.
        """
        seen = reads.versions
        versions = await self._reader.versions(list(seen)) if seen else {}
        moved = [stream for stream, version in seen.items() if versions.get(stream, 0) != version]
        for stream in moved:
            if (held := self._held.get(stream)) is not None and held.version:
                await self.catch_up(held.decider, stream)
        return bool(moved) or await self._begun(reads.beginnings, tenant)

    async def _begun(self, beginnings: Mapping[str, int], tenant: UUID) -> bool:
        if not beginnings:
            return False
        last = await self._reader.last_begun(tenant, list(beginnings), min(beginnings.values()))
        return any(last.get(name, 0) > looked_to for name, looked_to in beginnings.items())

    async def catch_up(self, decider: Decider[Any], stream: UUID) -> int:
        """Read what a stream holds behind the known version; the version it has then."""
        held = self._held.get(stream) or Held(decider, None, None, 0, decider.initial)
        tenant, case, version, state = held.tenant, held.case, held.version, held.state
        async for entry in self._reader.stream_entries(stream, after=version):
            tenant, case = tenant or entry.tenant, case or entry.correlation
            state = decider.evolve(state, entry.event())
            version += 1
        self._hold_newer(stream, Held(decider, tenant, case, version, state))
        return self._held[stream].version

    def _hold_newer(self, stream: UUID, now: Held) -> None:
        """Hold what was read, unless a command has moved the stream further while it was read."""
        held = self._held.get(stream)
        if held is None or now.version >= held.version:
            self._hold(stream, now)

    def _hold(self, stream: UUID, held: Held) -> None:
        self._held[stream] = held
        self._held.move_to_end(stream)
        self._drop_oldest()

    def _drop_oldest(self) -> None:
        while len(self._held) > CACHED_STREAMS:
            self._held.popitem(last=False)


def whose(first: Entry) -> tuple[UUID, str]:
    """The tenant and the aggregate of a stream, which its first entry tells."""
    return first.tenant, first.type.partition(".")[0]


def _replayed(decider: Decider[Any], entries: Sequence[Entry]) -> Held:
    state = fold(decider, (entry.event() for entry in entries))
    if not entries:
        return Held(decider, None, None, 0, state)
    return Held(decider, entries[0].tenant, entries[0].correlation, len(entries), state)
