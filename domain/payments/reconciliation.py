"""Reconciliation (对账): one provider's statement of one business date against our own payments.

    Absent ─statement_loaded─▶ Loaded ─matched, break_found × n─▶ Matched ─break_resolved × n─▶ ─closed─▶ Closed

A stream for each tenant, provider and day. `matching` is the pure comparison; the aggregate makes sure that its result
accounts for every row and every fen, and that nothing is closed while a break is open.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated
from uuid import UUID, uuid5

from msgspec import Meta
from msgspec.structs import replace

from domain.kernel.command import Command, Context
from domain.kernel.decider import ABSENT, Answer, Decider, Rule, State, without_phase
from domain.kernel.event import Event, event_type
from domain.kernel.fields import OptionalEvidenceField, ProviderField
from domain.kernel.money import Fen
from domain.kernel.refusal import refusal
from domain.kernel.values import Code, Count, Digest
from domain.payments.matching import BreakKind, Difference, Movement
from domain.payments.payment.values import ProviderRef

# -------------------------------------------------------------------------------------------------------------- values

BREAKS_MAX = 2_000
"""Breaks of one run; a statement that differs more is another day's or another provider's."""

BreakNumber = Annotated[int, Meta(ge=1)]
"""Breaks of one run are numbered 1, 2, 3 …: a reference can stand in several of them."""


class Resolution(StrEnum):
    """How a break was resolved.

    `posted`: the money is in our books now. `other_day`: it stands on the statement of another day. `corrected`: the
    provider corrected its statement. `returned`: the money went back. `written_off`: the difference was taken as loss
    or gain.
    """

    POSTED = "posted"
    OTHER_DAY = "other_day"
    CORRECTED = "corrected"
    RETURNED = "returned"
    WRITTEN_OFF = "written_off"


# -------------------------------------------------------------------------------------------------------------- events


@event_type("reconciliation.statement_loaded.v1")
class StatementLoaded(Event, frozen=True):
    """A provider's statement of a day came in; `digest` is SHA-256 of the file, kept outside the ledger.

    `total_fen` is the turnover: the sum of all rows, whichever way their money went.
    """

    provider: Code
    day: date
    digest: Digest
    rows: Count
    total_fen: Fen


@event_type("reconciliation.matched.v1")
class StatementMatched(Event, frozen=True):
    """So many rows agree with our payments, with so much money; `breaks` follow, one event each."""

    count: Count
    fen: Fen
    ours: Count
    ours_fen: Fen
    breaks: Count


@event_type("reconciliation.break_found.v1")
class BreakFound(Event, frozen=True):
    """The two sides differ: `expected_fen` by our books, `got_fen` on the statement."""

    number: BreakNumber
    movement: Movement
    kind: BreakKind
    ref: ProviderRef
    expected_fen: Fen
    got_fen: Fen


@event_type("reconciliation.break_resolved.v1")
class BreakResolved(Event, frozen=True):
    """A break was explained; `evidence` is the digest of what proves it."""

    number: BreakNumber
    how: Resolution
    evidence: Digest | None = None


@event_type("reconciliation.closed.v1")
class ReconciliationClosed(Event, frozen=True):
    """Every row of the day is matched or its break resolved."""


# --------------------------------------------------------------------------------------------------------------- state


class ReconciliationPhase(StrEnum):
    """The state machine's states; `ABSENT` is the empty stream."""

    ABSENT = "absent"
    LOADED = "loaded"
    MATCHED = "matched"
    CLOSED = "closed"


class ReconciliationState(State, frozen=True, kw_only=True):
    """One run: which statement, what it had, and the numbers of the breaks, all and those that are open."""

    phase: ReconciliationPhase = ReconciliationPhase.ABSENT
    digest: str = ""
    rows: int = 0
    total_fen: int = 0
    breaks: int = 0
    open: frozenset[int] = frozenset()


# ------------------------------------------------------------------------------------------------------------ commands


class LoadStatement(Command, frozen=True):
    """Record which statement of a provider and day was loaded."""

    provider: ProviderField
    day: date
    digest: Annotated[Digest, Meta(description="SHA-256 of the file or text; a file stays outside.")]
    rows: Count
    total_fen: Fen


class RecordMatching(Command, frozen=True):
    """Record what matching the statement with `ours` payments of `ours_fen` gave."""

    count: Count
    fen: Annotated[Fen, Meta(description="Amount in the smallest unit of the lease's currency.")]
    ours: Count
    ours_fen: Fen
    breaks: Annotated[tuple[Difference, ...], Meta(max_length=BREAKS_MAX)]


class ResolveBreak(Command, frozen=True):
    """Explain a break."""

    number: Annotated[
        BreakNumber,
        Meta(
            description="Number of the bill (0 is the fee up front), the instalment, the refund or the break, from 1."
        ),
    ]
    how: Annotated[Resolution, Meta(description="How the break was resolved.")]
    evidence: OptionalEvidenceField = None


class CloseReconciliation(Command, frozen=True):
    """Close a run without open breaks."""


# ------------------------------------------------------------------------------------------------------------ refusals

NOT_READ = refusal(
    "reconciliation.statement_not_read",
    "The bank's statement is not of the form that was agreed",
    "银行对账单不符合约定的格式",
)
UNKNOWN = refusal("reconciliation.unknown", "No statement was loaded", "尚未载入对账单")
LOADED = refusal("reconciliation.loaded", "The statement of this day was loaded already", "当日对账单已载入")
DAY_AHEAD = refusal(
    "reconciliation.day_ahead", "A statement is of the business date or of a day before", "对账单日期不得晚于营业日"
)
MATCHED = refusal("reconciliation.matched", "The statement was matched already", "对账单已完成匹配")
NOT_MATCHED = refusal("reconciliation.not_matched", "The statement is not matched yet", "对账单尚未匹配")
DOES_NOT_ADD_UP = refusal(
    "reconciliation.does_not_add_up",
    "Matched rows and breaks must account for every row and every fen of both sides",
    "匹配结果与差异必须覆盖双方全部笔数与金额",
)
BREAK_UNKNOWN = refusal("reconciliation.break_unknown", "There is no such break", "差异不存在")
BREAK_RESOLVED = refusal("reconciliation.break_resolved", "The break is resolved already", "差异已处理")
BREAKS_OPEN = refusal(
    "reconciliation.breaks_open", "A run with open breaks cannot be closed", "存在未处理差异，不能结账"
)
CLOSED = refusal("reconciliation.closed", "The reconciliation is closed", "对账已结束")


# --------------------------------------------------------------------------------------------------------------- rules


def _load(command: LoadStatement, state: ReconciliationState, context: Context) -> Answer:
    if command.day > context.business_date:
        return DAY_AHEAD(day=command.day, business_date=context.business_date)
    return (
        StatementLoaded(
            provider=command.provider,
            day=command.day,
            digest=command.digest,
            rows=command.rows,
            total_fen=command.total_fen,
        ),
    )


def _record(command: RecordMatching, state: ReconciliationState, context: Context) -> Answer:
    """Our side may have fewer lines than breaks have, because a break can belong to the other side alone."""
    got = command.fen + sum(one.got_fen for one in command.breaks)
    expected = command.fen + sum(one.expected_fen for one in command.breaks)
    rows = command.count + sum(one.got_fen > 0 for one in command.breaks)
    ours = command.count + sum(one.expected_fen > 0 for one in command.breaks)
    result, expected_result = (rows, got, ours, expected), (state.rows, state.total_fen, command.ours, command.ours_fen)
    if result != expected_result:
        return DOES_NOT_ADD_UP(expected=expected_result, got=result)
    matched = StatementMatched(
        count=command.count,
        fen=command.fen,
        ours=command.ours,
        ours_fen=command.ours_fen,
        breaks=len(command.breaks),
    )
    breaks = (
        BreakFound(
            number=number,
            movement=one.movement,
            kind=one.kind,
            ref=one.ref,
            expected_fen=one.expected_fen,
            got_fen=one.got_fen,
        )
        for number, one in enumerate(command.breaks, start=1)
    )
    return (matched, *breaks)


def _resolve(command: ResolveBreak, state: ReconciliationState, context: Context) -> Answer:
    if command.number > state.breaks:
        return BREAK_UNKNOWN(number=command.number, breaks=state.breaks)
    if command.number not in state.open:
        return BREAK_RESOLVED(number=command.number)
    return (BreakResolved(number=command.number, how=command.how, evidence=command.evidence),)


def _close(command: CloseReconciliation, state: ReconciliationState, context: Context) -> Answer:
    if state.open:
        return BREAKS_OPEN(breaks=" ".join(map(str, sorted(state.open))))
    return (ReconciliationClosed(),)


# -------------------------------------------------------------------------------------------------------------- evolve


def _loaded(state: ReconciliationState, event: StatementLoaded) -> ReconciliationState:
    return replace(
        state,
        phase=ReconciliationPhase.LOADED,
        digest=event.digest,
        rows=event.rows,
        total_fen=event.total_fen,
    )


def _matched(state: ReconciliationState, event: StatementMatched) -> ReconciliationState:
    return replace(state, phase=ReconciliationPhase.MATCHED)


def _break_found(state: ReconciliationState, event: BreakFound) -> ReconciliationState:
    return replace(state, breaks=event.number, open=state.open | {event.number})


def _break_resolved(state: ReconciliationState, event: BreakResolved) -> ReconciliationState:
    return replace(state, open=state.open - {event.number})


def _closed(state: ReconciliationState, event: ReconciliationClosed) -> ReconciliationState:
    return replace(state, phase=ReconciliationPhase.CLOSED)


# ------------------------------------------------------------------------------------------------------------- decider

_MATCHED = frozenset({ReconciliationPhase.MATCHED})

RECONCILIATION = Decider(
    name="reconciliation",
    initial=ReconciliationState(),
    unknown=UNKNOWN,
    closed=(frozenset({ReconciliationPhase.CLOSED}), without_phase(CLOSED)),
    rules={
        LoadStatement: Rule(ABSENT, without_phase(LOADED), _load),
        RecordMatching: Rule(frozenset({ReconciliationPhase.LOADED}), without_phase(MATCHED), _record),
        ResolveBreak: Rule(_MATCHED, without_phase(NOT_MATCHED), _resolve),
        CloseReconciliation: Rule(_MATCHED, without_phase(NOT_MATCHED), _close),
    },
    evolve={
        StatementLoaded: _loaded,
        StatementMatched: _matched,
        BreakFound: _break_found,
        BreakResolved: _break_resolved,
        ReconciliationClosed: _closed,
    },
)


def reconciliation_stream(tenant: UUID, provider: str, day: date) -> UUID:
    """The stream of a provider's statement of a day."""
    return uuid5(tenant, f"{RECONCILIATION.name}:{provider}:{day}")
