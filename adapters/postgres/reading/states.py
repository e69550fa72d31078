"""States of streams, cached by stream and version.

stream ─▶ cached (version, state, whose) ─▶ else replayed, and cached; caught up when somebody finds that it has moved
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


class CachedStream(Struct, frozen=True, gc=False):
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
        self._cached: OrderedDict[UUID, CachedStream] = OrderedDict()

    def expect_new(self, decider: Decider[Any], stream: UUID) -> None:
        """Take a stream for new without looking; an append finds out when it is not."""
        self._cached.setdefault(stream, CachedStream(decider, None, None, 0, decider.initial))

    def advance(self, decider: Decider[Any], stream: UUID, by: Context, before: int, after: tuple[int, Any]) -> None:
        """Move a stream on from one version to another, unless somebody else has moved it meanwhile."""
        cached = self._cached.get(stream)
        if (cached.version if cached else 0) == before:
            self._cached[stream] = CachedStream(decider, by.tenant, by.correlation, *after)

    async def case_of(self, stream: UUID) -> UUID | None:
        """The case of a stream, which its first event names; `None` for one that is not there."""
        cached = self._cached.get(stream)
        if cached is not None and cached.version:
            return cached.case
        first = await self._reader.first(stream)
        return None if first is None else first.parsed().correlation

    async def load(self, decider: Decider[Any], stream: UUID) -> tuple[int, Any]:
        """Version and state of a stream; (0, empty state) for a new one."""
        cached = self._cached.get(stream)
        if cached is None:
            await self.catch_up(decider, stream)
            cached = self._cached[stream]
        else:
            self._cached.move_to_end(stream)
            self._drop_oldest()
        return cached.version, cached.state

    async def load_many(self, decider: Decider[Any], streams: Sequence[UUID]) -> None:
        """Read those streams of one aggregate that are not cached yet, by few queries."""
        cold = [stream for stream in streams if stream not in self._cached]
        for at in range(0, len(cold), LOADED_AT_ONCE):
            some = cold[at : at + LOADED_AT_ONCE]
            found = await self._reader.entries_of(some)
            for stream in some:
                self._cache_newer(stream, _replayed(decider, found.get(stream, [])))

    async def find(self, decider: Decider[Any], streams: Sequence[UUID], tenant: UUID) -> list[tuple[int, Any]]:
        """Version and state of each stream; the state is None where it is no stream of this aggregate and tenant."""
        cold = [stream for stream in streams if stream not in self._cached or not self._cached[stream].version]
        found = await self._reader.entries_of(cold) if cold else {}
        for stream, entries in found.items():
            if whose(entries[0]) == (tenant, decider.name):
                self._cache_newer(stream, _replayed(decider, entries))
        return [self._found(decider, stream, tenant, len(found.get(stream, ()))) for stream in streams]

    async def current(self, decider: Decider[Any], stream: UUID, tenant: UUID) -> Any:
        """The state of a tenant's stream as the ledger has it now; `None` where it is no such stream of the tenant."""
        cached = self._cached.get(stream)
        if cached is not None and cached.version and cached.decider is decider:
            await self.catch_up(decider, stream)
        [(_, known)] = await self.find(decider, [stream], tenant)
        return known

    def _found(self, decider: Decider[Any], stream: UUID, tenant: UUID, read: int) -> tuple[int, Any]:
        cached = self._cached.get(stream)
        if cached is None or not cached.version:
            return read, None
        self._cached.move_to_end(stream)
        return cached.version, cached.state if (cached.tenant, cached.decider) == (tenant, decider) else None

    async def moved(self, reads: Reads, tenant: UUID) -> bool:
        """Whether a stream is at another version than the one that was read, or the tenant began a further one; those
        are caught up.
        """
        seen = reads.versions
        versions = await self._reader.versions(list(seen)) if seen else {}
        moved = [stream for stream, version in seen.items() if versions.get(stream, 0) != version]
        for stream in moved:
            if (cached := self._cached.get(stream)) is not None and cached.version:
                await self.catch_up(cached.decider, stream)
        return bool(moved) or await self._begun(reads.beginnings, tenant)

    async def _begun(self, beginnings: Mapping[str, int], tenant: UUID) -> bool:
        if not beginnings:
            return False
        last = await self._reader.last_begun(tenant, list(beginnings), min(beginnings.values()))
        return any(last.get(name, 0) > looked_to for name, looked_to in beginnings.items())

    async def catch_up(self, decider: Decider[Any], stream: UUID) -> int:
        """Read what a stream holds behind the known version; the version it has then."""
        cached = self._cached.get(stream) or CachedStream(decider, None, None, 0, decider.initial)
        tenant, case, version, state = cached.tenant, cached.case, cached.version, cached.state
        async for entry in self._reader.stream_entries(stream, after=version):
            tenant, case = tenant or entry.tenant, case or entry.correlation
            state = decider.evolve(state, entry.event())
            version += 1
        self._cache_newer(stream, CachedStream(decider, tenant, case, version, state))
        return self._cached[stream].version

    def _cache_newer(self, stream: UUID, now: CachedStream) -> None:
        """Keep what was read, unless a command has moved the stream further while it was read."""
        cached = self._cached.get(stream)
        if cached is None or now.version >= cached.version:
            self._cache(stream, now)

    def _cache(self, stream: UUID, cached: CachedStream) -> None:
        self._cached[stream] = cached
        self._cached.move_to_end(stream)
        self._drop_oldest()

    def _drop_oldest(self) -> None:
        while len(self._cached) > CACHED_STREAMS:
            self._cached.popitem(last=False)


def whose(first: Entry) -> tuple[UUID, str]:
    """The tenant and the aggregate of a stream, which its first entry tells."""
    return first.tenant, first.type.partition(".")[0]


def _replayed(decider: Decider[Any], entries: Sequence[Entry]) -> CachedStream:
    state = fold(decider, (entry.event() for entry in entries))
    if not entries:
        return CachedStream(decider, None, None, 0, state)
    return CachedStream(decider, entries[0].tenant, entries[0].correlation, len(entries), state)
