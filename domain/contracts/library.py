"""The clause library of a tenant: its own clauses as they stand in the ledger, and the shipped ones it has none of.

clause streams of the tenant ─┐
                              ├─▶ LibraryClause for each version, in the order in which contracts have them
shipped clauses ──────────────┘
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from uuid import UUID

from domain.contracts.clause import CLAUSE, ClauseState, clause_stream
from domain.contracts.contract.values import LibraryClause
from domain.kernel.needs import Facts, Need, Reference, Related, StreamState

CLAUSES_OF_TENANT = "clauses_of_tenant"

OWN_CLAUSES = Related(CLAUSE.name, CLAUSES_OF_TENANT, None, complete=True)
"""The tenant's own clauses; a further one may be mandatory."""

SHIPPED_CLAUSES = Reference("shipped_clauses")
"""One entry for each clause that comes with the program, in the order in which contracts have them."""


def library_needs(tenant: UUID, named: Iterable[str], facts: Facts) -> Iterable[Need]:
    """The library, with the streams of shipped and of named clauses, though the tenant has none of its own yet."""
    yield from (OWN_CLAUSES, SHIPPED_CLAUSES)
    codes = {*named, *(shipped.clause for shipped in facts.get(SHIPPED_CLAUSES, ()))}
    yield from (StreamState(CLAUSE.name, clause_stream(tenant, code)) for code in sorted(codes))


def entries(facts: Facts) -> tuple[LibraryClause, ...]:
    """Every version of every clause: in the order of the shipped library, the tenant's further ones behind it."""
    named = (need for need in facts if isinstance(need, StreamState) and need.aggregate == CLAUSE.name)
    states: list[ClauseState | None] = [*facts[OWN_CLAUSES], *map(facts.__getitem__, named)]
    own = {state.clause: state for state in states if state is not None}
    found: list[LibraryClause] = []
    for shipped in facts[SHIPPED_CLAUSES]:
        found += _versions(own.pop(shipped.clause)) if shipped.clause in own else [shipped]
    return (*found, *(entry for state in own.values() for entry in _versions(state)))


def entries_about(facts: Facts, named: Collection[str]) -> tuple[LibraryClause, ...]:
    """The entries that matter to a contract with these clauses: theirs and those of mandatory ones."""
    return tuple(entry for entry in entries(facts) if entry.mandatory or entry.clause in named)


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
