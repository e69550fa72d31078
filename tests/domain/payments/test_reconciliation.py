"""A reconciliation: loaded once, matched to the fen, closed only when nothing is open."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from domain.kernel.command import Command
from domain.kernel.event import Event
from domain.payments import reconciliation
from domain.payments.matching import BreakKind, Difference, Movement
from domain.payments.reconciliation import (
    RECONCILIATION,
    BreakFound,
    BreakResolved,
    CloseReconciliation,
    LoadStatement,
    ReconciliationClosed,
    ReconciliationPhase,
    RecordMatching,
    Resolution,
    ResolveBreak,
    StatementLoaded,
    StatementMatched,
    reconciliation_stream,
)
from tests.given import TODAY, context, scenarios

given = scenarios(RECONCILIATION)
DIGEST, A, B = "d" * 64, "a" * 64, "b" * 64

LOAD = LoadStatement(provider="bank_a", day=TODAY, digest=DIGEST, rows=3, total_fen=18)
LOADED = StatementLoaded(provider="bank_a", day=TODAY, digest=DIGEST, rows=3, total_fen=18)
BREAKS = (
    Difference(Movement.COLLECTION, A, BreakKind.AMOUNT, 5, 4),
    Difference(Movement.REFUND, B, BreakKind.MISSING_HERE, 0, 7),
)
RECORD = RecordMatching(count=1, fen=7, ours=2, ours_fen=12, breaks=BREAKS)
MATCHED = StatementMatched(count=1, fen=7, ours=2, ours_fen=12, breaks=2)
FOUND = (
    BreakFound(number=1, movement=Movement.COLLECTION, kind=BreakKind.AMOUNT, ref=A, expected_fen=5, got_fen=4),
    BreakFound(number=2, movement=Movement.REFUND, kind=BreakKind.MISSING_HERE, ref=B, expected_fen=0, got_fen=7),
)
TO_MATCHED: tuple[Event, ...] = (LOADED, MATCHED, *FOUND)
FIRST = BreakResolved(number=1, how=Resolution.WRITTEN_OFF)
SECOND = BreakResolved(number=2, how=Resolution.POSTED, evidence=DIGEST)
TO_RESOLVED = (*TO_MATCHED, SECOND, FIRST)


def test_a_run_with_breaks_from_beginning_to_end() -> None:
    given().when(LOAD).then(LOADED)
    state = given(LOADED).when(RECORD).then(MATCHED, *FOUND)
    assert state.open == {1, 2}
    given(*TO_MATCHED).when(ResolveBreak(number=2, how=Resolution.POSTED, evidence=DIGEST)).then(SECOND)
    state = given(*TO_RESOLVED).when(CloseReconciliation()).then(ReconciliationClosed())
    assert state.phase is ReconciliationPhase.CLOSED


def test_a_run_without_breaks_closes_at_once() -> None:
    record = RecordMatching(count=3, fen=18, ours=3, ours_fen=18, breaks=())
    matched = StatementMatched(count=3, fen=18, ours=3, ours_fen=18, breaks=0)
    given(LOADED).when(record).then(matched)
    given(LOADED, matched).when(CloseReconciliation()).then(ReconciliationClosed())


@pytest.mark.parametrize(
    ("events", "command", "kind", "facts"),
    [
        ((), RECORD, reconciliation.UNKNOWN, {}),
        ((), CloseReconciliation(), reconciliation.UNKNOWN, {}),
        ((), replace(LOAD, day=TODAY + timedelta(days=1)), reconciliation.DAY_AHEAD, {}),
        ((LOADED,), LOAD, reconciliation.LOADED, {}),
        ((LOADED,), CloseReconciliation(), reconciliation.NOT_MATCHED, {}),
        ((LOADED,), ResolveBreak(number=1, how=Resolution.POSTED), reconciliation.NOT_MATCHED, {}),
        (TO_MATCHED, RECORD, reconciliation.MATCHED, {}),
        (
            TO_MATCHED,
            ResolveBreak(number=3, how=Resolution.POSTED),
            reconciliation.BREAK_UNKNOWN,
            {"number": 3, "breaks": 2},
        ),
        (
            (*TO_MATCHED, SECOND),
            ResolveBreak(number=2, how=Resolution.POSTED),
            reconciliation.BREAK_RESOLVED,
            {"number": 2},
        ),
        (TO_MATCHED, CloseReconciliation(), reconciliation.BREAKS_OPEN, {"breaks": "1 2"}),
        ((*TO_MATCHED, SECOND), CloseReconciliation(), reconciliation.BREAKS_OPEN, {"breaks": "1"}),
        ((*TO_RESOLVED, ReconciliationClosed()), CloseReconciliation(), reconciliation.CLOSED, {}),
        ((*TO_RESOLVED, ReconciliationClosed()), RECORD, reconciliation.CLOSED, {}),
        ((*TO_RESOLVED, ReconciliationClosed()), LOAD, reconciliation.LOADED, {}),
    ],
)
def test_refusals(events: tuple[Event, ...], command: Command, kind: Any, facts: dict[str, object]) -> None:
    given(*events).when(command).then_refused(kind, **facts)


@pytest.mark.parametrize(
    "change",
    [{"count": 2}, {"fen": 6}, {"ours": 3}, {"ours_fen": 13}, {"breaks": BREAKS[:1]}],
)
def test_what_does_not_add_up_is_refused(change: dict[str, Any]) -> None:
    """A row or a fen that nobody accounts for."""
    given(LOADED).when(replace(RECORD, **change)).then_refused(reconciliation.DOES_NOT_ADD_UP)


def test_a_statement_of_an_earlier_day_may_come_late() -> None:
    late = replace(LOAD, day=TODAY - timedelta(days=3))
    given().when(late).then(replace(LOADED, day=late.day))


def test_a_stream_for_each_provider_and_day() -> None:
    tenant = UUID(int=1)
    streams = {
        reconciliation_stream(tenant, provider, TODAY - timedelta(days=days))
        for provider in ("bank_a", "bank_b")
        for days in (0, 1)
    }
    assert len(streams) == 4
    assert reconciliation_stream(tenant, "bank_a", TODAY) in streams


def test_foreign_commands_and_events_are_mistakes() -> None:
    class Foreign(Command, frozen=True):
        pass

    class Happened(Event, frozen=True):
        pass

    with pytest.raises(TypeError, match="expected a command to the aggregate reconciliation, got Foreign"):
        RECONCILIATION.decide(Foreign(), RECONCILIATION.initial, context())
    with pytest.raises(TypeError, match="expected an event of the aggregate reconciliation, got Happened"):
        RECONCILIATION.evolve(RECONCILIATION.initial, Happened())
    assert (LoadStatement, RecordMatching, ResolveBreak, CloseReconciliation) == RECONCILIATION.commands
