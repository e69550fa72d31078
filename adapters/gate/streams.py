"""Other streams, as fresh as the ledger: read when asked, never from a cache."""

from __future__ import annotations

from typing import TypeVar
from uuid import UUID

from adapters.postgres.reader import Reader
from chain.entry import Entry
from domain.kernel.decider import Decider, State, fold

S = TypeVar("S", bound=State)


class Streams:
    """States of aggregates for one who knows tenant and kind; what is another tenant's, or of another kind, is not."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def state(self, decider: Decider[S], stream: UUID | None, tenant: UUID) -> S | None:
        """The state of a stream as the ledger has it now; None when there is no such stream of this tenant."""
        entries = await self.entries(decider.name, stream, tenant)
        return fold(decider, (entry.event() for entry in entries)) if entries else None

    async def entries(self, aggregate: str, stream: UUID | None, tenant: UUID) -> list[Entry]:
        """The entries of a stream, in order; none when there is no such stream of this tenant."""
        stored = [] if stream is None else await self._reader.stream(stream)
        return [one.parsed() for one in stored] if stored and _is(stored[0].parsed(), aggregate, tenant) else []

    async def exists(self, aggregate: str, stream: UUID | None, tenant: UUID) -> bool:
        """Whether there is such a stream of this tenant; reads its first event only."""
        first = None if stream is None else await self._reader.first(stream)
        return first is not None and _is(first.parsed(), aggregate, tenant)


def _is(first: Entry, aggregate: str, tenant: UUID) -> bool:
    return (first.tenant, first.type.partition(".")[0]) == (tenant, aggregate)
