"""The clause library of a tenant: its own clauses as they stand in the ledger, and the shipped ones it has none of.

clause streams of the tenant ─┐
                              ├─▶ LibraryClause for each version, in the order in which contracts have them
shipped clauses ──────────────┘
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date
from uuid import UUID

from domain.contracts.assembly import usable_on
from domain.contracts.clause import CLAUSE, ClauseState, clause_stream
from domain.contracts.contract.values import CLAUSES_MAX, LibraryClause
from domain.kernel.needs import Facts, Need, Reference, Related, StreamState
from domain.kernel.refusal import refusal
from domain.pricing.parts import Form

CLAUSES_OF_TENANT = "clauses_of_tenant"

OWN_CLAUSES = Related(CLAUSE.name, CLAUSES_OF_TENANT, None, complete=True)
"""The tenant's own clauses; a further one may be mandatory."""

SOME_OWN_CLAUSES = Related(CLAUSE.name, CLAUSES_OF_TENANT, None)
"""The tenant's own clauses, or nearly all: drafts that are made at once need not wait for one another."""

SHIPPED_CLAUSES = Reference("shipped_clauses")
"""One entry for each clause that comes with the program, in the order in which contracts have them."""


OWN_CLAUSES_MAX = 500
"""Clauses of its own that a tenant may have: each contract that is assembled reads them all."""

MANDATORY_MAX = CLAUSES_MAX - 20
"""Mandatory clauses of one form: what a contract holds, less room for what a plan, a price or a lock adds."""

LIBRARY_FULL = refusal(
    "clause.library_full",
    "The library has as many clauses as a tenant may have: write the next version of one",
    "自拟条款数量已达上限，请在既有条款下起草新版本",
)
MANDATORY_FULL = refusal(
    "clause.mandatory_full",
    "As many clauses are mandatory in this form of lease as a contract has room for",
    "该业务形式的必备条款数量已达上限",
)

Version = tuple[str, int]
"""A clause and the number of its version."""


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


def entries_about(facts: Facts, held: Collection[Version], on: date) -> tuple[LibraryClause, ...]:
    """The entries that matter to a contract of these versions on a business date: theirs, and of each clause that is
    mandatory then the version that says so; not a clause's whole past.
    """
    found = entries(facts)
    mandatory = {
        (entry.clause, form): entry
        for entry in found
        if entry.mandatory and usable_on(entry, on)
        for form in entry.forms
    }
    saying = {(entry.clause, entry.version) for entry in mandatory.values()} | set(held)
    return tuple(entry for entry in found if (entry.clause, entry.version) in saying)


def mandatory_clauses(facts: Facts, form: Form, on: date) -> frozenset[str]:
    """The clauses that are, or will be, mandatory in contracts of this form."""
    return frozenset(
        entry.clause
        for entry in entries(facts)
        if entry.mandatory
        and form in entry.forms
        and entry.effective_from is not None
        and (entry.withdrawn_from is None or on < entry.withdrawn_from)
    )


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
