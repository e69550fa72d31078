"""The clause library of a tenant as it stands in the ledger; a clause without a stream is as it was shipped.

clause streams of the tenant ─┐
                              ├─▶ LibraryClause for each version, in the order in which contracts have them
shipped clauses ──────────────┘
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from uuid import UUID

from adapters.postgres.reader import Reader
from adapters.reference.clauses import shipped_clauses
from domain.contracts.clause import CLAUSE, ClauseState
from domain.contracts.contract.values import LibraryClause
from domain.kernel.decider import fold

ClauseStreams = Callable[[UUID], Awaitable[Sequence[UUID]]]
"""The streams of a tenant's own clauses, as fresh as the ledger."""


class ClauseLibrary:
    """What whoever composes a contract reads of the library: a person's request, a process, the gate."""

    def __init__(self, reader: Reader, streams: ClauseStreams) -> None:
        self._reader = reader
        self._streams = streams

    async def entries(self, tenant: UUID) -> tuple[LibraryClause, ...]:
        """Every version of every clause: in the order of the shipped library, the tenant's further ones behind it."""
        own: dict[str, ClauseState] = {}
        for stream in await self._streams(tenant):
            state = fold(CLAUSE, [one.parsed().event() for one in await self._reader.stream(stream)])
            own[state.clause] = state
        entries: list[LibraryClause] = []
        for shipped in shipped_clauses():
            entries += _versions(own.pop(shipped.clause)) if shipped.clause in own else [shipped.entry]
        return (*entries, *(entry for state in own.values() for entry in _versions(state)))

    async def about(self, tenant: UUID, named: Collection[str]) -> tuple[LibraryClause, ...]:
        """The entries that matter to a contract with these clauses: theirs and those of mandatory ones."""
        return tuple(entry for entry in await self.entries(tenant) if entry.mandatory or entry.clause in named)


def _versions(state: ClauseState) -> Iterable[LibraryClause]:
    for version in state.versions:
        yield LibraryClause(
            clause=state.clause,
            version=version.number,
            digest=version.digest,
            title=version.title,
            forms=version.forms,
            mandatory=version.mandatory,
            effective_from=version.effective_from,
            withdrawn_from=version.withdrawn_from,
        )
