"""Timers: what is due on which business date, one row for each aggregate that waits for a day.

    event that opens, moves or closes ─▶ row(stream: its timers, the first day one of them is due) ─▶ due(day)

A kind of timer is data: its place in the order of a day, and for each event type what that does to it. A timer that
recurs is due at every month end from its day on until an event closes it; the calendar visits each day, so none is
missed. Firing a timer is a command (`adapters.processes`); this read model never knows that it was fired, only what
the events say.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from psycopg import Connection

from domain.calendar.timers import Timer, is_month_end
from domain.kernel import Event
from projections.model import Projection, Recorded, Row
from projections.tables import row_maker, select_list
from projections.timer_kinds import EVENTS, KIND_OF, RECURRING, Change, Closes, Ends, Lead, Opens, Wakes, changes

UPCOMING_ROWS_MAX = 1_000


class Open(Struct, frozen=True, array_like=True):
    """One open timer as it is kept in a row: kind, number, day."""

    kind: str
    number: int
    due_on: date


class Waiting(Row, frozen=True, kw_only=True):
    """What one aggregate waits for.

    `timers` is a JSON array of `[kind, number, day]`. `due_on` is the first day on which a single timer is due,
    `month_end_from` the first month end at which a recurring one is; both are empty while the aggregate is `dormant`.
    """

    id: UUID
    tenant: UUID
    due_on: date | None = None
    month_end_from: date | None = None
    dormant: bool = False
    lead_days: int = 0
    timers: str = "[]"


_decode = msgspec.json.Decoder(tuple[Open, ...]).decode
_encode = msgspec.json.Encoder().encode

# --------------------------------------------------------------------------------------------------- fold


class _State(Struct):
    timers: list[Open]
    dormant: bool
    lead_days: int
    ended: bool = False


def fold(row: Waiting | None, event: Event, recorded: Recorded) -> Waiting | None:
    """The row after one event; `None` when the aggregate waits for nothing any more."""
    return fold_run(row, (recorded,))


def fold_run(row: Waiting | None, run: Sequence[Recorded]) -> Waiting | None:
    """The row after some events of its aggregate: what is kept as text is read and written once."""
    state = None if row is None else _State(list(_decode(row.timers)), row.dormant, row.lead_days)
    for recorded in run:
        wanted = changes(recorded.event, recorded.envelope.business_date, 0 if state is None else state.lead_days)
        if state is None and any(isinstance(change, Opens) for change in wanted):
            row = Waiting(id=recorded.stream, tenant=recorded.tenant, position=recorded.position)
            state = _State([], dormant=False, lead_days=0)
        if state is not None:
            state = _changed(state, wanted)
    return None if row is None or state is None else _written(row, state, run[-1].position)


def _changed(state: _State, wanted: Iterable[Change]) -> _State | None:
    for change in wanted:
        _apply(state, change)
    return None if state.ended else state


def _apply(state: _State, change: Change) -> None:
    match change:
        case Opens(kind, number, due_on, dormant):
            _close(state, kind, number)
            state.timers.append(Open(kind, number, due_on))
            state.dormant = state.dormant or dormant
        case Closes(kind, number):
            _close(state, kind, number)
        case Wakes():
            state.dormant = False
        case Lead(days):
            state.lead_days = days
        case Ends():
            state.ended = True


def _close(state: _State, kind: str, number: int | None) -> None:
    state.timers = [one for one in state.timers if one.kind != kind or number not in (None, one.number)]


def _written(row: Waiting, state: _State, position: int) -> Waiting:
    single = [] if state.dormant else [one.due_on for one in state.timers if one.kind not in RECURRING]
    monthly = [] if state.dormant else [one.due_on for one in state.timers if one.kind in RECURRING]
    return replace(
        row,
        position=position,
        due_on=min(single, default=None),
        month_end_from=min(monthly, default=None),
        dormant=state.dormant,
        lead_days=state.lead_days,
        timers=_encode(state.timers).decode(),
    )


TIMERS = Projection(
    name="timers",
    version=1,
    row=Waiting,
    key=("id",),
    events=EVENTS,
    fold=fold,
    fold_run=fold_run,
    ddl="""
CREATE TABLE {table} (
    shard          smallint NOT NULL,
    position       bigint   NOT NULL,
    id             uuid     NOT NULL,
    tenant         uuid     NOT NULL,
    due_on         date,
    month_end_from date,
    dormant        boolean  NOT NULL,
    lead_days      bigint   NOT NULL,
    timers         text     NOT NULL,
    PRIMARY KEY (shard, id)
) WITH (fillfactor = 70);
CREATE INDEX ON {table} (shard, tenant, due_on) WHERE due_on IS NOT NULL;
CREATE INDEX ON {table} (shard, tenant, month_end_from) WHERE month_end_from IS NOT NULL;
""",
)

# ------------------------------------------------------------------------------------------------ queries

_SELECT = f"SELECT {select_list(TIMERS)} FROM read.{TIMERS.table} t WHERE t.shard = %s AND t.tenant = %s"
_DUE = f"{_SELECT} AND t.due_on <= %s"
_MONTHLY = f"{_SELECT} AND t.month_end_from <= %s"
_UPCOMING = f"{_SELECT} AND t.due_on BETWEEN %s AND %s ORDER BY t.due_on, t.id LIMIT %s"
_make = row_maker(TIMERS)


def due(connection: Connection[Any], tenant: UUID, day: date, *, shard: int = 0) -> list[Timer]:
    """Every timer of a tenant that is due on a day or was before, in the order in which they are fired.

    A recurring timer is due at month ends only; its `due_on` is then the day itself.
    """
    timers = [timer for row in _rows(connection, _DUE, shard, tenant, day) for timer in _single(row, day)]
    if is_month_end(day):
        timers += [timer for row in _rows(connection, _MONTHLY, shard, tenant, day) for timer in _monthly(row, day)]
    return sorted(timers)


def upcoming(
    connection: Connection[Any],
    tenant: UUID,
    first: date,
    last: date,
    *,
    limit: int = UPCOMING_ROWS_MAX,
    shard: int = 0,
) -> list[Timer]:
    """Single timers that fall due from `first` to `last`, of the `limit` aggregates that are first, in order."""
    rows = _rows(connection, _UPCOMING, shard, tenant, first, last, min(limit, UPCOMING_ROWS_MAX))
    return sorted(timer for row in rows for timer in _single(row, last) if timer.due_on >= first)


def _single(row: Waiting, day: date) -> Iterable[Timer]:
    for one in _decode(row.timers):
        if one.due_on <= day and one.kind not in RECURRING:
            yield Timer(one.due_on, KIND_OF[one.kind].order, one.kind, row.id, one.number)


def _monthly(row: Waiting, day: date) -> Iterable[Timer]:
    for one in _decode(row.timers):
        if one.due_on <= day and one.kind in RECURRING:
            yield Timer(day, KIND_OF[one.kind].order, one.kind, row.id, one.number)


def _rows(connection: Connection[Any], query: str, *values: Any) -> Sequence[Waiting]:
    return [_make(row) for row in connection.cursor(binary=True).execute(query, values).fetchall()]
