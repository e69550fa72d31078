"""What a reconciliation answers to a command, and what its events change.

The order of refusals: is there a run (`unknown`, `loaded`), is it over (`closed`), is it matched or not (`matched`,
`not_matched`), then the command's own rules.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from domain.kernel.command import Command, Context
from domain.kernel.event import Event
from domain.kernel.refusal import Refusal, RefusalKind
from domain.payments.reconciliation import commands as c
from domain.payments.reconciliation import events as e
from domain.payments.reconciliation import refusals as r

Answer = tuple[Event, ...] | Refusal


class Phase(StrEnum):
    """The state machine's states; `ABSENT` is the empty stream."""

    ABSENT = "absent"
    LOADED = "loaded"
    MATCHED = "matched"
    CLOSED = "closed"


class ReconciliationState(Struct, frozen=True, kw_only=True):
    """One run: what the statement had, and the numbers of the breaks, all and those that are open."""

    version: int = 0
    phase: Phase = Phase.ABSENT
    rows: int = 0
    total_fen: int = 0
    breaks: int = 0
    open: frozenset[int] = frozenset()


State = ReconciliationState

# ------------------------------------------------------------------------------------------------- decide


def _load(command: c.LoadStatement, state: State, context: Context) -> Answer:
    if command.day > context.business_date:
        return r.DAY_AHEAD(day=command.day, business_date=context.business_date)
    return (
        e.StatementLoaded(
            provider=command.provider,
            day=command.day,
            digest=command.digest,
            rows=command.rows,
            total_fen=command.total_fen,
        ),
    )


def _record(command: c.RecordMatching, state: State, context: Context) -> Answer:
    """Our side may have fewer lines than breaks have, because a break can belong to the other side alone."""
    got = command.fen + sum(one.got_fen for one in command.breaks)
    expected = command.fen + sum(one.expected_fen for one in command.breaks)
    rows = command.count + sum(one.got_fen > 0 for one in command.breaks)
    ours = command.count + sum(one.expected_fen > 0 for one in command.breaks)
    found, told = (rows, got, ours, expected), (state.rows, state.total_fen, command.ours, command.ours_fen)
    if found != told:
        return r.DOES_NOT_ADD_UP(expected=told, got=found)
    matched = e.StatementMatched(
        count=command.count,
        fen=command.fen,
        ours=command.ours,
        ours_fen=command.ours_fen,
        breaks=len(command.breaks),
    )
    breaks = (
        e.BreakFound(
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


def _resolve(command: c.ResolveBreak, state: State, context: Context) -> Answer:
    if command.number > state.breaks:
        return r.BREAK_UNKNOWN(number=command.number, breaks=state.breaks)
    if command.number not in state.open:
        return r.BREAK_RESOLVED(number=command.number)
    return (e.BreakResolved(number=command.number, how=command.how, evidence=command.evidence),)


def _close(command: c.CloseReconciliation, state: State, context: Context) -> Answer:
    if state.open:
        return r.BREAKS_OPEN(breaks=" ".join(map(str, sorted(state.open))))
    return (e.ReconciliationClosed(),)


# For each command: the phase in which it can be wished, the rule that says no otherwise, and its function.
_RULES: dict[type[Command], tuple[Phase, RefusalKind, Callable[[Any, State, Context], Answer]]] = {
    c.LoadStatement: (Phase.ABSENT, r.LOADED, _load),
    c.RecordMatching: (Phase.LOADED, r.MATCHED, _record),
    c.ResolveBreak: (Phase.MATCHED, r.NOT_MATCHED, _resolve),
    c.CloseReconciliation: (Phase.MATCHED, r.NOT_MATCHED, _close),
}

COMMANDS: tuple[type[Command], ...] = tuple(_RULES)
"""Every command of the aggregate, in the order of a run."""


def decide(command: Command, state: ReconciliationState, context: Context) -> tuple[Event, ...] | Refusal:
    """The events a command leads to, or the first refusal. Raises `TypeError` for a command of another aggregate."""
    rule = _RULES.get(type(command))
    if rule is None:
        raise TypeError(f"expected a command to a reconciliation, got {type(command).__name__}")
    phase, otherwise, handler = rule
    if state.phase is phase:
        return handler(command, state, context)
    if state.phase is Phase.ABSENT:
        return r.UNKNOWN()
    if state.phase is Phase.CLOSED and phase is not Phase.ABSENT:
        return r.CLOSED()
    return otherwise()


# ------------------------------------------------------------------------------------------------- evolve


def _loaded(state: State, event: e.StatementLoaded) -> State:
    return replace(state, version=state.version + 1, phase=Phase.LOADED, rows=event.rows, total_fen=event.total_fen)


def _matched(state: State, event: e.StatementMatched) -> State:
    return replace(state, version=state.version + 1, phase=Phase.MATCHED)


def _break_found(state: State, event: e.BreakFound) -> State:
    return replace(state, version=state.version + 1, breaks=event.number, open=state.open | {event.number})


def _break_resolved(state: State, event: e.BreakResolved) -> State:
    return replace(state, version=state.version + 1, open=state.open - {event.number})


def _closed(state: State, event: e.ReconciliationClosed) -> State:
    return replace(state, version=state.version + 1, phase=Phase.CLOSED)


_EVOLVE: dict[type[Event], Callable[[State, Any], State]] = {
    e.StatementLoaded: _loaded,
    e.StatementMatched: _matched,
    e.BreakFound: _break_found,
    e.BreakResolved: _break_resolved,
    e.ReconciliationClosed: _closed,
}


def evolve(state: ReconciliationState, event: Event) -> ReconciliationState:
    """The state after one event. Raises `TypeError` for an event of another aggregate."""
    apply = _EVOLVE.get(type(event))
    if apply is None:
        raise TypeError(f"expected an event of a reconciliation, got {type(event).__name__}")
    return apply(state, event)
