"""Contracts, clauses, the business day and timers as people see them, one frozen struct each."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from adapters.processes.timers import FIRINGS
from api.http.lease_resources import ApplicationId, ContractId
from api.http.resources import Hash, Position, SubjectId
from domain.calendar.timers import Timer
from domain.contracts.clause.values import ClauseRef
from domain.kernel.ids import format_id
from domain.pricing.parts import Form
from projections.calendar.business_day import BusinessDay, Step
from projections.calendar.timer_kinds import KINDS
from projections.contracts import clause_library, contract_book

PartyId = Annotated[str, Meta(pattern="^party_[0-9a-f]{32}$")]
ClauseId = Annotated[str, Meta(pattern="^clause_[0-9a-f]{32}$")]
TimerPlace = Annotated[str, Meta(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}/[a-z_]+/[a-z]+_[0-9a-f]{32}/[0-9]{1,9}$")]

AGGREGATES: Mapping[str, str] = {
    "demand_cure": "lease",
    "payment_query": "payment",
    "payment_refund": "payment",
    "payment_retry": "payment",
    **{kind: firing.decider.name for kind, firing in FIRINGS.items()},
}
"""Which aggregate waits for each kind of timer; a test holds every kind against it."""

TIMER_KINDS = tuple(kind.name for kind in KINDS)


class ContractSummary(Struct, frozen=True, kw_only=True):
    """One contract in a list: terms in force, or those being agreed upon; the address of one has everything.

    `document` is the SHA-256 of the latest file. Of `parties`, `signed` have signed it; of the `addressed`, to whom the
    terms are put, so many have `acknowledged` the latest showing.
    """

    id: ContractId
    version: int
    state: str
    reference: str
    form: str
    plan: str
    lessee: SubjectId | None
    lessor: PartyId | None
    application: ApplicationId | None
    root: Hash
    document: Hash | None
    currency: str
    financed_fen: int
    total_cost_fen: int
    deposit_fen: int
    instalments: int
    apr: str | None
    first_due_on: date
    last_due_on: date
    parties: int
    addressed: int
    acknowledged: int
    signed: int
    amendments: int
    amendment_pending: bool
    alarms: int
    assembled_on: date
    executed_on: date | None
    ended_on: date | None
    first_position: Position
    last_position: Position


class ContractPage(Struct, frozen=True):
    """Some contracts in the order of their ids; `next` is the `starting_after` of the next page."""

    data: tuple[ContractSummary, ...]
    has_more: bool
    next: ContractId | None


class ListedVersion(Struct, frozen=True, kw_only=True):
    """One version of a clause: what its text hashes to, which forms of lease it is for, from when until when.

    `text_in_ledger` is false where the text is kept elsewhere; `drafted_at` is the position of the draft's event.
    """

    number: int
    state: str
    title: str
    gloss: str
    digest: Hash
    size_bytes: int
    forms: tuple[Form, ...]
    mandatory: bool
    effective_from: date | None
    withdrawn_from: date | None
    text_in_ledger: bool
    drafted_at: Position


class ClauseSummary(Struct, frozen=True, kw_only=True):
    """One clause of the tenant's own with all its versions; `state` is that of the newest."""

    id: ClauseId
    version: int
    clause: str
    state: str
    versions: tuple[ListedVersion, ...]
    first_position: Position
    last_position: Position


class ClausePage(Struct, frozen=True):
    """Some clauses in the order of their ids; `next` is the `starting_after` of the next page."""

    data: tuple[ClauseSummary, ...]
    has_more: bool
    next: ClauseId | None


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


class Calendar(Struct, frozen=True, kw_only=True):
    """The tenant's business day: absent, open or closing; while it is closing, the steps of the end of day."""

    state: str
    business_date: date | None
    steps: tuple[Step, ...]
    version: int
    last_position: Position | None


class TimerItem(Struct, frozen=True):
    """One thing that is due: what kind, for which aggregate, on which business date; a bill or attempt by `number`."""

    due_on: date
    kind: str
    of: Annotated[str, Meta(pattern="^[a-z]+_[0-9a-f]{32}$")]
    number: int


class TimerPage(Struct, frozen=True):
    """Some timers in the order in which they are fired; `next` is the `starting_after` of the next page."""

    data: tuple[TimerItem, ...]
    has_more: bool
    next: TimerPlace | None


_RENAMED = frozenset({"id", "lessee", "lessor", "application", "document", "last_position"})
_SAME = tuple(name for name in ContractSummary.__struct_fields__ if name not in _RENAMED)


def _outside(noun: str, value: UUID | None) -> str | None:
    return None if value is None else format_id(noun, value)


def contract_body(row: contract_book.Contract) -> ContractSummary:
    """A row of the contract book."""
    return ContractSummary(
        id=format_id("contract", row.id),
        lessee=_outside("subject", row.lessee),
        lessor=_outside("party", row.lessor),
        application=_outside("application", row.application),
        document=row.document or None,
        last_position=row.position,
        **{name: getattr(row, name) for name in _SAME},
    )


def clause_body(row: clause_library.Clause) -> ClauseSummary:
    """A row of the clause library."""
    return ClauseSummary(
        id=format_id("clause", row.id),
        version=row.version,
        clause=row.clause,
        state=row.state,
        versions=tuple(map(_version, clause_library.versions_of(row))),
        first_position=row.first_position,
        last_position=row.position,
    )


def _version(one: clause_library.Version) -> ListedVersion:
    return ListedVersion(
        number=one.number,
        state=one.state,
        title=one.title,
        gloss=one.gloss,
        digest=one.digest,
        size_bytes=one.size_bytes,
        forms=one.forms,
        mandatory=one.mandatory,
        effective_from=one.effective_from,
        withdrawn_from=one.withdrawn_from,
        text_in_ledger=one.inline,
        drafted_at=one.drafted_at,
    )


def calendar_body(day: BusinessDay) -> Calendar:
    """The answer to `/v1/calendar`."""
    return Calendar(
        state=day.state,
        business_date=day.business_date,
        steps=day.steps,
        version=day.version,
        last_position=day.last_position,
    )


def timer_body(timer: Timer) -> TimerItem:
    """One timer."""
    return TimerItem(timer.due_on, timer.kind, format_id(AGGREGATES[timer.kind], timer.stream), timer.number)


def timer_place(timer: Timer | None) -> str | None:
    """The cursor behind a timer."""
    if timer is None:
        return None
    return f"{timer.due_on}/{timer.kind}/{format_id(AGGREGATES[timer.kind], timer.stream)}/{timer.number}"
