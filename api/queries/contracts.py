"""Contracts, their texts and alarms; the clause library."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from adapters.postgres.schema import SHARD
from adapters.reference.clauses import shipped_clauses
from api import papers
from api.exposed import Exposed, Members
from api.permissions import Permission
from api.queries.engine.events import Hash
from api.queries.engine.parameters import suggested, the_day
from api.queries.engine.read import Read, ReadRequest, ReadResult
from api.queries.engine.resources import Filter, Resource, owned, reads_of
from api.queries.engine.shape import Position
from domain.contracts import clause as clauses_refusals
from domain.contracts.clause import CLAUSE, ClauseDrafted, clause_stream, effective
from domain.contracts.contract import refusals as contract_refusals
from domain.contracts.contract.rules import CONTRACT
from domain.contracts.contract.state import ContractState
from domain.contracts.offered import contract_stream
from domain.kernel.fields import noun
from domain.kernel.values import ClauseRef
from domain.leasing.lease.events.lifecycle import LeaseCreated
from domain.pricing.parts import Form
from projections.contracts import clause_library
from projections.contracts.clause_library import CLAUSE_LIBRARY
from projections.contracts.contract_book import CONTRACT_BOOK
from projections.engine import reading
from projections.engine.model import Recorded
from projections.engine.pages import listing

NO_CONTRACT = UUID(int=0)
"""The id of no contract, for a lease that is not there."""

OWN_CLAUSES_MAX = 2_000
"""Clauses of its own that a tenant may have in one answer; beyond, they are listed page by page."""


class TextMissing(Exception):
    """The text of a clause is kept elsewhere; the ledger has its digest only."""

    def __init__(self, clause: str) -> None:
        super().__init__(f"{clause}: expected its text, got its digest only")
        self.clause = clause


def _contract_of(request: ReadRequest, lease: UUID) -> UUID:
    """The contract of a lease of the tenant; none when there was no such lease, or none is named in it."""
    up_to = request.moment
    entries = reading.entries_of(request.connection, SHARD, [lease], up_to).get(lease, [])[:1]
    history = [reading.decode(*one) for one in entries]
    if not owned(history, request.tenant, "lease"):
        return NO_CONTRACT
    created = history[0].event
    return created.contract or NO_CONTRACT if isinstance(created, LeaseCreated) else NO_CONTRACT


def _is_for(row: clause_library.Clause, form: Form) -> bool:
    return form in row.forms.split()


def _is_effective(row: clause_library.Clause, on: date) -> bool:
    return effective(clause_library.versions_of(row), on) is not None


# -------------------------------------------------------------------------------------------------- the library


def _operating(_: date) -> Form:
    return Form.OPERATING


class LibraryFilter(Struct, frozen=True):
    """The contract that clauses are looked for."""

    form: Annotated[
        Form,
        Meta(description="The contract's form of lease.", examples=["operating"]),
        suggested(_operating),
    ]
    on: Annotated[date, Meta(description="The contract's business date.", examples=["2099-01-01"]), suggested(the_day)]


class UsableClause(Struct, frozen=True, kw_only=True):
    """A clause that a contract of the asked form and day may hold: its reference as a contract names it, and its text.

    `own` says whether the tenant drafted it; other clauses come with the program. `text` is null where it is kept
    elsewhere.
    """

    reference: ClauseRef
    title: str
    mandatory: bool
    own: bool
    text: str | None


class ClauseLibrary(Struct, frozen=True):
    """Every clause that a contract of this form may hold on this business date, in the order of contracts."""

    form: Form
    on: date
    clauses: tuple[UsableClause, ...]


def _read_clause_library(request: ReadRequest) -> ReadResult:
    """What a contract of this form may be made of on this business date, with the exact texts.

    A clause of the tenant takes the place of the one of the same code that comes with the program.
    """
    form, on = request.filters.form, request.filters.on
    page = listing(
        request.connection, CLAUSE_LIBRARY, request.tenant, limit=OWN_CLAUSES_MAX, as_of_position=request.position
    )
    own = [_usable(request, row, on, form) for row in page.rows]
    codes = {row.clause for row in page.rows}
    shipped = [
        UsableClause(reference=one.reference, title=one.title, mandatory=one.mandatory, own=False, text=one.text)
        for one in shipped_clauses()
        if one.clause not in codes and form in one.forms and one.effective_from <= on
    ]
    order = {one.clause: n for n, one in enumerate(shipped_clauses())}
    usable = [*shipped, *(one for one in own if one is not None)]
    usable.sort(key=lambda one: (order.get(one.reference.clause, len(order)), one.reference.clause))
    return ReadResult(ClauseLibrary(form, on, tuple(usable)), page.position)


def _usable(request: ReadRequest, row: clause_library.Clause, on: date, form: Form) -> UsableClause | None:
    version = effective(clause_library.versions_of(row), on)
    if version is None or form not in version.forms:
        return None
    reference = ClauseRef(clause=row.clause, version=version.number, digest=version.digest)
    text = _own_text(request, version.drafted_at) if version.text_in_ledger else None
    return UsableClause(reference=reference, title=version.title, mandatory=version.mandatory, own=True, text=text)


def _own_text(request: ReadRequest, position: int) -> str | None:
    """The text in the draft at a position."""
    drafted = reading.chosen(request.connection, SHARD, [position])[0]
    event = drafted.event if isinstance(drafted, Recorded) else None
    return event.text if isinstance(event, ClauseDrafted) else None


# --------------------------------------------------------------------------------------------- one contract's texts


class AgreedText(Struct, frozen=True):
    """One clause as it was agreed: title and exact text."""

    clause: str
    title: str
    text: str


class AgreedTexts(Struct, frozen=True):
    """The clauses of a contract in their order; `clause` and `text` of each are what `check_texts` compares."""

    root: Hash
    texts: tuple[AgreedText, ...]


class TamperAlarm(Struct, frozen=True):
    """A copy differed in this clause: changed, missing, added or moved; digests of both, null where one has none."""

    position: Position
    clause: str
    tampering: str
    version: int | None
    expected: Hash | None
    got: Hash | None


def _agreed(request: ReadRequest) -> papers.ContractAtPosition | None:
    found = papers.agreed(request.connection, request.ids["contract"], request.moment)
    return found if found is not None and found.tenant == request.tenant else None


def _read_texts(request: ReadRequest) -> ReadResult | None:
    """The clauses of a contract in their order, byte for byte as agreed: hand a copy to `check_texts` to compare it."""
    found = _agreed(request)
    if found is None:
        return None
    known = papers.texts_of(request.connection, request.tenant, found.state)
    texts = []
    for held in found.state.clauses:
        if held.digest not in known:
            raise TextMissing(held.clause)
        texts.append(AgreedText(held.clause, known[held.digest].title, known[held.digest].text))
    return ReadResult(AgreedTexts(found.state.root, tuple(texts)), request.moment, version=found.state.version)


def _list_alarms(request: ReadRequest) -> ReadResult | None:
    """Every copy's clause that differed from what was agreed, by name; none for faithful copies."""
    if _agreed(request) is None:
        return None
    found = papers.alarms(request.connection, request.ids["contract"], request.moment)
    alarms = tuple(
        TamperAlarm(where, one.clause, one.tampering.value, one.version, one.expected, one.got) for where, one in found
    )
    return ReadResult(alarms, request.moment)


CONTRACTS = Resource(CONTRACT, CONTRACT_BOOK, ContractState)


class _Versions(Struct, frozen=True):
    """The versions of a clause, number n at place n - 1."""

    versions: tuple[clause_library.ListedVersion, ...]


CLAUSES = Resource(CLAUSE, CLAUSE_LIBRARY, _Versions, of_row=lambda row: _Versions(clause_library.versions_of(row)))

_P = Permission


def _clause_stream(tenant: UUID, members: Members) -> UUID:
    return clause_stream(tenant, members["clause"])


def _contract_stream(_: UUID, members: Members) -> UUID | None:
    """An application has one contract; others are drawn."""
    application = members.get("application")
    return None if application is None else contract_stream(application)


EXPOSED = (
    Exposed(
        decider=CLAUSE,
        permissions={_P.LIBRARY: "DraftClause PublishClause WithdrawClause"},
        place=_clause_stream,
        taken=clauses_refusals.EXISTS,
        again="draft",
    ),
    Exposed(
        decider=CONTRACT,
        permissions={
            _P.CONTRACT: "AssembleContract PresentContract AcknowledgeDisclosure AnchorContract "
            "ProposeAmendment LapseAmendment CheckTexts",
            _P.SIGN_ON_TRUST: "SignContract SignAmendment",
            _P.END_CONTRACT: "TerminateContract FulfilContract VoidContract",
        },
        place=_contract_stream,
        taken=contract_refusals.EXISTS,
    ),
)

READS = (
    *reads_of(
        CONTRACTS,
        _P.READ_RECORDS,
        (
            "state",
            Filter("plan", about="Only on this plan."),
            Filter("reference", about="Only with this business number."),
            Filter("subject", column="lessee", about="Only with this lessee."),
            Filter("application", about="Only of this application."),
            Filter(
                "lease", column="id", type=Annotated[UUID, noun("lease")], about="Only the contract of this lease.",
                find=_contract_of,
            ),
        ),
        columns="id reference state plan signed parties total_cost_fen currency assembled_on",
    ),
    Read(
        path="/contracts/{contract}/texts", query=_read_texts, answer=AgreedTexts, permission=_P.READ_RECORDS,
        tag="contracts", versioned=True, named="read_texts",
    ),
    Read(
        path="/contracts/{contract}/alarms", query=_list_alarms, answer=TamperAlarm, permission=_P.READ_RECORDS,
        tag="contracts", many=True, named="list_alarms",
    ),
    *reads_of(
        CLAUSES,
        _P.READ_RECORDS,
        (
            Filter("clause", about="Only this clause."),
            Filter("state", about="Only where the newest version is so."),
            Filter("form", type=Form, about="Only where the newest version is for this form of lease.", holds=_is_for),
            Filter("on", type=date, about="Only with a version in effect on this day.", holds=_is_effective),
        ),
        columns="id clause state version last_position",
    ),
    Read(
        path="/clause-library", query=_read_clause_library, answer=ClauseLibrary, filters=LibraryFilter,
        models=(CLAUSE_LIBRARY,), permission=_P.READ_RECORDS, tag="clauses",
    ),
)  # fmt: skip
