"""Papers of contracts: composed from events, the exact texts of clauses, and schedules.

    contract's stream ─▶ state ─┬─▶ texts: the tenant's own drafts, else the library that comes with the program
                                └─▶ schedule: kept in DATA/schedules, else of the accepted offer, else of the lease

Everything that is looked up is held against the digests of the events, so that it may come from anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from msgspec import UNSET, Struct
from psycopg import Connection

from adapters.documents.document import ContractDocument
from adapters.documents.kept import KeptSchedules, set_papers
from adapters.documents.paper import ClauseText, paper_of
from adapters.documents.port import digest_of as file_digest_of
from adapters.documents.typeset import typeset
from adapters.postgres.schema import SHARD
from adapters.pricing.quotes import offer_of
from adapters.reference.clauses import shipped_clauses
from adapters.reference.plans import plans_of
from domain.contracts.clause import ClauseDrafted, clause_stream
from domain.contracts.contract.events import ContractAmended, ContractAssembled, TamperAlarmRaised
from domain.contracts.contract.rules import CONTRACT
from domain.contracts.contract.state import ContractState
from domain.contracts.roots import schedule_digest
from domain.intake.application.rules import APPLICATION
from domain.intake.offers import request_of
from domain.kernel.refusal import Refusal
from domain.kernel.values import ClauseRef
from domain.leasing.lease.events.lifecycle import LeaseCreated
from domain.pricing.plans import Plan, digest_of
from domain.pricing.schedules import Instalment
from projections.contracts.clause_library import CLAUSE_LIBRARY
from projections.contracts.contract_book import CONTRACT_BOOK, leases_of
from projections.engine import reading
from projections.engine.model import Recorded
from projections.intake.application_book import APPLICATION_BOOK
from projections.leasing.lease_book import LEASE_BOOK

SCHEDULES = "schedules"
"""Where schedules are kept by their digest, under the data directory."""


class ContractAtPosition(Struct, frozen=True):
    """A contract as its events have it up to a position.

    `made_on` is the day of its assembly or of its last amendment, `files` are the digests of all its files so far.
    """

    tenant: UUID
    state: ContractState
    made_on: date
    files: frozenset[str]


def agreed(connection: Connection[Any], contract: UUID, position: int) -> ContractAtPosition | None:
    """A contract up to a position; `None` when it was not there yet."""
    state, made_on, files, tenant = CONTRACT.initial, None, set[str](), contract
    for one in _events(connection, contract, position, CONTRACT_BOOK.types):
        tenant = one.tenant
        state = CONTRACT.evolve(state, one.event)
        if isinstance(one.event, (ContractAssembled, ContractAmended)):
            made_on = one.event.assembled_on if isinstance(one.event, ContractAssembled) else one.event.amended_on
        files |= {round_.document for round_ in (state.round,) if round_ is not None}
    return None if made_on is None else ContractAtPosition(tenant, state, made_on, frozenset(files))


def paper(
    connection: Connection[Any], data: Path, tenant: UUID, contract: UUID, found: ContractAtPosition
) -> ContractDocument:
    """The paper of a contract of the tenant. Raises `PaperIncomplete` and `DocumentError`."""
    state = found.state
    assert state.head is not None, "a contract was assembled"
    assert state.key_terms is not None, "a contract was assembled"
    texts = texts_of(connection, tenant, state)
    plans = plans_of(data)
    names = {digest_of(plan): plan.zh for plan in plans}
    wanted = state.key_terms.schedule_digest
    known = _schedules(connection, data, plans, tenant, contract, state)
    schedule = next((lines for lines in known if schedule_digest(lines) == wanted), None)
    plan = names.get(state.head.plan_digest, state.head.plan)
    return paper_of(state, found.made_on, plan, texts, schedule)


def set_paper(data: Path, contract: UUID, document: ContractDocument) -> bytes:
    """The PDF of a paper, which is from now on the one to show; for whoever may show it. Raises `NoChineseFont`."""
    pdf = typeset(document)
    set_papers(data).keep(contract, document.root, file_digest_of(pdf))
    return pdf


def texts_of(connection: Connection[Any], tenant: UUID, state: ContractState) -> dict[str, ClauseText]:
    """The texts of a contract's clauses by their digests, as far as they are known here."""
    found = {held.digest: _text(connection, tenant, held) for held in state.clauses}
    return {digest: text for digest, text in found.items() if text is not None}


def alarms(connection: Connection[Any], contract: UUID, position: int) -> list[tuple[int, TamperAlarmRaised]]:
    """Every alarm about copies of a contract, with its position, up to a position."""
    events = _events(connection, contract, position, CONTRACT_BOOK.types)
    return [(one.position, one.event) for one in events if isinstance(one.event, TamperAlarmRaised)]


def kept(data: Path) -> KeptSchedules:
    """The schedules that are kept beside the ledger."""
    return KeptSchedules(data / SCHEDULES)


def _text(connection: Connection[Any], tenant: UUID, held: ClauseRef) -> ClauseText | None:
    """The text with this digest: the tenant's own draft of the version, else the one that comes with the program."""
    for one in _events(connection, clause_stream(tenant, held.clause), None, CLAUSE_LIBRARY.types):
        event = one.event
        if isinstance(event, ClauseDrafted) and event.digest == held.digest and event.text is not None:
            return ClauseText(event.title, event.text)
    shipped = (one for one in shipped_clauses() if one.reference.digest == held.digest)
    return next((ClauseText(one.title, one.text) for one in shipped), None)


def _schedules(
    connection: Connection[Any], data: Path, plans: Sequence[Plan], tenant: UUID, contract: UUID, state: ContractState
) -> Iterator[Sequence[Instalment]]:
    """Every schedule that may be the contract's, the likeliest first: kept, offered, that of its lease."""
    assert state.key_terms is not None, "a contract was assembled"
    yield kept(data).find(state.key_terms.schedule_digest) or ()
    if state.application is not None:
        yield _offered(connection, plans, state.application)
    for lease in leases_of(connection, tenant, contract):
        for one in _events(connection, lease, None, LEASE_BOOK.types)[:1]:
            if isinstance(one.event, LeaseCreated):
                yield one.event.schedule


def _offered(connection: Connection[Any], plans: Sequence[Plan], application: UUID) -> tuple[Instalment, ...]:
    """The schedule of the offer that was accepted, worked out again from its plan; empty where there is none."""
    state = APPLICATION.initial
    for one in _events(connection, application, None, APPLICATION_BOOK.types):
        state = APPLICATION.evolve(state, one.event)
    if state.offer is None or state.offer.terms.priced is UNSET:
        return ()
    priced = state.offer.terms.priced
    plan = next((plan for plan in plans if digest_of(plan) == priced.plan_digest), None)
    asked = None if plan is None else request_of(priced, plan)
    offer = None if asked is None or isinstance(asked, Refusal) else offer_of(asked)
    return () if offer is None or isinstance(offer, Refusal) else offer.schedule


def _events(connection: Connection[Any], stream: UUID, position: int | None, types: frozenset[str]) -> list[Recorded]:
    up_to = reading.head_size(connection, SHARD) if position is None else position
    with connection.transaction():
        pages = list(reading.by_stream(connection, SHARD, 0, up_to, types, [str(stream)]))
    return [one for _, read in pages for one in read if isinstance(one, Recorded)]
