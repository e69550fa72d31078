"""Timers: what is due on which business date, one row for each aggregate that waits for a day.

    event that opens, moves or closes ─▶ row(stream: its timers, the first day one of them is due) ─▶ due(day)

Kinds of timers are declared with their aggregates (`domain.kernel.timer`). A timer that recurs is due at every month
end from its day on until an event closes it; the calendar visits each day, so none is missed.
Firing a timer is a command (`adapters.processes`); this read model never knows that it was fired, only what the events
say. The row of an aggregate that waits for nothing any more stays, empty: the past is found by it.

The fold is written by hand: rows are of every kind of aggregate, by the changes that its kinds of timers declare.
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

from domain.kernel.event import Event
from domain.kernel.timer import Change, Changes, Closes, Leads, Opens, Timer, TimerKind, Wakes
from domain.kernel.times import is_month_end, month_end
from domain.registry import TIMER_KINDS
from projections.engine.model import Index, Projection, Recorded, Row
from projections.engine.pages import at_position, resolve
from projections.engine.tables import row_maker, rows_of, select_list

_NOBODY = UUID(int=0)
_RECURRING = frozenset(kind.name for kind in TIMER_KINDS.values() if kind.recurring)
_CHANGES: dict[type[Event], list[tuple[TimerKind, Changes]]] = {}
for _kind in TIMER_KINDS.values():
    for _event, _changes in _kind.changes.items():
        _CHANGES.setdefault(_event, []).append((_kind, _changes))


class Open(Struct, frozen=True, array_like=True):
    """One open timer as it is kept in a row: kind, number, day."""

    kind: str
    number: int
    due_on: date


class TimerCriteria(Struct, frozen=True, kw_only=True):
    """Criteria of timers: of one kind, due from a day on, due up to a day."""

    kind: str | None = None
    first: date | None = None
    last: date | None = None


class TimerPage(Struct, frozen=True):
    """Some timers in the order in which they are fired; `next_after` is the last one, if there is more behind it."""

    position: int
    timers: tuple[Timer, ...]
    next_after: Timer | None


class TimerRow(Row, frozen=True, kw_only=True):
    """Timers of one aggregate.

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
    first_position: int


_decode = msgspec.json.Decoder(tuple[Open, ...]).decode
_encode = msgspec.json.Encoder().encode

# --------------------------------------------------------------------------------------------------- fold


class _State(Struct):
    timers: list[Open]
    dormant: bool
    lead_days: int


def fold(row: TimerRow | None, event: Event, recorded: Recorded) -> TimerRow | None:
    """The row after one event; `None` while the aggregate never waited for anything."""
    return fold_run(row, (recorded,))


def fold_run(row: TimerRow | None, run: Sequence[Recorded]) -> TimerRow | None:
    """The row after some events of its aggregate: what is kept as text is read and written once."""
    state = _State([], dormant=False, lead_days=0)
    if row is not None:
        state = _State(list(_decode(row.timers)), row.dormant, row.lead_days)
    for recorded in run:
        changes = _changes_of(recorded, state.lead_days)
        if row is None and any(isinstance(change, Opens) for _, change in changes):
            position = recorded.position
            row = TimerRow(id=recorded.stream, tenant=recorded.tenant, position=position, first_position=position)
        for kind, change in changes if row is not None else ():
            _apply(state, kind, change)
    return None if row is None else _written(row, state, run[-1].position)


def _changes_of(recorded: Recorded, lead_days: int) -> list[tuple[str, Change]]:
    event, on = recorded.event, recorded.envelope.business_date
    return [(kind.name, one) for kind, changes in _CHANGES[type(event)] for one in changes(event, on, lead_days)]


def _apply(state: _State, kind: str, change: Change) -> None:
    match change:
        case Opens(due_on, number, dormant):
            _close(state, kind, number)
            state.timers.append(Open(kind, number, due_on))
            state.dormant = state.dormant or dormant
        case Closes(number):
            _close(state, kind, number)
        case Wakes():
            state.dormant = False
        case Leads(days):
            state.lead_days = days


def _close(state: _State, kind: str, number: int | None) -> None:
    state.timers = [one for one in state.timers if one.kind != kind or number not in (None, one.number)]


def _written(row: TimerRow, state: _State, position: int) -> TimerRow:
    single = [] if state.dormant else [one.due_on for one in state.timers if one.kind not in _RECURRING]
    monthly = [] if state.dormant else [one.due_on for one in state.timers if one.kind in _RECURRING]
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
    version=2,
    row=TimerRow,
    key=("id",),
    events=frozenset(_CHANGES),
    fold=fold,
    fold_run=fold_run,
    indexes=(
        ("tenant", "id"),
        Index(("tenant", "due_on"), where="due_on IS NOT NULL"),
        Index(("tenant", "month_end_from"), where="month_end_from IS NOT NULL"),
    ),
    fillfactor=70,
)

# ------------------------------------------------------------------------------------------------ queries

_SELECT = f"SELECT {select_list(TIMERS)} FROM read.{TIMERS.table} t WHERE t.shard = %s AND t.tenant = %s"
_DUE = f"{_SELECT} AND t.due_on <= %s"
_MONTHLY = f"{_SELECT} AND t.month_end_from <= %s"
_LISTING = """
WITH open AS (
    SELECT t.id, one->>0 AS kind, (one->>1)::bigint AS number,
        CASE WHEN one->>0 = ANY(%(recurring)s) THEN greatest((one->>2)::date, %(least)s::date)
            ELSE (one->>2)::date END AS due_on
    FROM {table}, jsonb_array_elements(t.timers::jsonb) AS one
    WHERE NOT t.dormant AND t.timers <> '[]'
), ordered AS (
    SELECT due_on, kinds.ord, kind, id, number FROM open
    JOIN unnest(%(kinds)s::text[], %(orders)s::bigint[]) AS kinds(name, ord) ON kinds.name = open.kind
    WHERE (%(first)s::date IS NULL OR due_on >= %(first)s) AND (%(last)s::date IS NULL OR due_on <= %(last)s)
        AND (%(kind)s::text IS NULL OR kind = %(kind)s)
)
SELECT * FROM ordered
WHERE %(day)s::date IS NULL OR (due_on, ord, id, number) > (%(day)s, %(order)s, %(stream)s::uuid, %(number)s)
ORDER BY due_on, ord, id, number LIMIT %(limit)s"""
_make = row_maker(TIMERS)


def due(connection: Connection[Any], tenant: UUID, day: date, *, shard: int = 0) -> list[Timer]:
    """Every timer of a tenant that is due on a day or was before, in the order in which they are fired.

    A recurring timer is due at month ends only; its `due_on` is then the day itself.
    """
    timers = [timer for row in rows_of(connection, _make, _DUE, (shard, tenant, day)) for timer in _single(row, day)]
    if is_month_end(day):
        timers += [
            timer for row in rows_of(connection, _make, _MONTHLY, (shard, tenant, day)) for timer in _monthly(row, day)
        ]
    return sorted(timers)


def listing(
    connection: Connection[Any],
    tenant: UUID,
    on: date | None,
    *,
    where: TimerCriteria,
    limit: int,
    starting_after: Timer | None = None,
    as_of_position: int | None = None,
    shard: int = 0,
) -> TimerPage:
    """What is due next, in the order in which it is fired, now or at an earlier position.

    A recurring timer stands there once, with the first month end from its day and from business date `on` on. What
    sleeps is not due. Raises `NotProjectedYet` for a position ahead of the read model and `TooMuchPast`.
    """
    position = resolve(connection, TIMERS, shard, as_of_position)
    table, values = at_position(connection, TIMERS, tenant, position, shard, past=as_of_position is not None)
    least = date.min if on is None else month_end(on)
    after = starting_after
    keys = (None, 0, _NOBODY, 0) if after is None else (after.due_on, after.order, after.stream, after.number)
    parameters = {
        **{f"v{n}": value for n, value in enumerate(values)},
        "kinds": list(TIMER_KINDS), "orders": [kind.order for kind in TIMER_KINDS.values()],
        "recurring": sorted(_RECURRING), "least": least,
        "first": where.first, "last": where.last, "kind": where.kind,
        "day": keys[0], "order": keys[1], "stream": keys[2], "number": keys[3], "limit": limit + 1,
    }  # fmt: skip
    query = _LISTING.replace("{table}", _named(table))
    rows = connection.cursor(binary=True).execute(query.encode(), parameters).fetchall()
    timers = tuple(Timer(*row) for row in rows)
    return TimerPage(position, timers[:limit], timers[limit - 1] if len(timers) > limit else None)


def _named(table: str) -> str:
    """A FROM item whose parameters have names: `%s` becomes `%(v0)s`, `%(v1)s` …"""
    parts = table.split("%s")
    return "".join(part + (f"%(v{n})s" if n < len(parts) - 1 else "") for n, part in enumerate(parts))


def _single(row: TimerRow, day: date) -> Iterable[Timer]:
    for one in _decode(row.timers):
        if one.due_on <= day and one.kind not in _RECURRING:
            yield Timer(one.due_on, TIMER_KINDS[one.kind].order, one.kind, row.id, one.number)


def _monthly(row: TimerRow, day: date) -> Iterable[Timer]:
    for one in _decode(row.timers):
        if one.due_on <= day and one.kind in _RECURRING:
            yield Timer(day, TIMER_KINDS[one.kind].order, one.kind, row.id, one.number)
