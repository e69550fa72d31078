"""The reconciliation board: every run and every break, as it stands and as it stood at any earlier position.

    reconciliation.statement_loaded ─▶ row 0 of the run ─matched, closed─▶ …
    reconciliation.break_found      ─▶ row n of the run ─break_resolved─▶ …

Row 0 of a run is the run itself; rows 1, 2, 3 … are its breaks. The past is folded again from the runs' own streams.

The fold is written by hand: a row is one break, which is not the state of an aggregate. The state of a run keeps the
numbers of its open breaks only, neither their amounts nor how they were resolved.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace
from psycopg import Connection

from domain.kernel.event import Event
from domain.kernel.fields import noun, shown
from domain.payments import reconciliation as e
from domain.payments.reconciliation import RECONCILIATION
from projections.engine.model import Index, Key, Projection, ProjectionError, Recorded, Row
from projections.engine.pages import resolve, rows_as_of
from projections.engine.tables import row_maker, rows_of, select_list

RUN = 0
"""The number of the row that stands for the run itself."""

LOADED, MATCHED, CLOSED = "loaded", "matched", "closed"
OPEN, RESOLVED = "open", "resolved"
BOARD_ROWS_MAX = 1_000


class Line(Row, frozen=True, kw_only=True):
    """One line of the board: a run (number 0) or one of its breaks.

    For a run `rows` and `got_fen` are the statement's, `expected_fen` is ours, `movement` and `kind` are empty; for a
    break they are the two sides of it. `state` is loaded, matched or closed for a run, open or resolved for a break.
    """

    run: Annotated[UUID, noun("reconciliation")]
    number: int
    tenant: UUID
    provider: str = ""
    day: date | None = None
    state: str
    movement: str = ""
    kind: str = ""
    ref: str = ""
    rows: int = 0
    matched: int = 0
    breaks: int = 0
    expected_fen: int = 0
    got_fen: int = 0
    resolution: Annotated[str, shown(str | None)] = ""
    digest: str = ""
    first_position: int


class Board(Struct, frozen=True):
    """Lines in the order of their days, valid at `position`."""

    position: int
    lines: tuple[Line, ...]


# --------------------------------------------------------------------------------------------------- fold


def _key(recorded: Recorded) -> Key:
    event = recorded.event
    number = event.number if isinstance(event, (e.BreakFound, e.BreakResolved)) else RUN
    return (recorded.envelope.stream, str(number))


def _new(recorded: Recorded, number: int, **fields: Any) -> Line:
    position = recorded.position
    return Line(
        position=position,
        first_position=position,
        run=recorded.stream,
        tenant=recorded.tenant,
        number=number,
        **fields,
    )


def fold(row: Line | None, event: Event, recorded: Recorded) -> Line | None:
    """The line after one event. Raises `ProjectionError` for one whose beginning is missing."""
    match event:
        case e.StatementLoaded():
            return _new(
                recorded,
                RUN,
                provider=event.provider,
                day=event.day,
                state=LOADED,
                rows=event.rows,
                got_fen=event.total_fen,
                digest=event.digest,
            )
        case e.BreakFound():
            return _new(
                recorded,
                event.number,
                state=OPEN,
                movement=event.movement.value,
                kind=event.kind.value,
                ref=event.ref,
                expected_fen=event.expected_fen,
                got_fen=event.got_fen,
            )
        case _ if row is None:
            raise ProjectionError(
                f"stream {recorded.stream}: expected its beginning first, got {recorded.envelope.type}"
            )
        case e.StatementMatched():
            changed = replace(row, state=MATCHED, matched=event.count, breaks=event.breaks, expected_fen=event.ours_fen)
        case e.BreakResolved():
            changed = replace(row, state=RESOLVED, resolution=event.how.value)
        case _:
            changed = replace(row, state=CLOSED)
    return replace(changed, position=recorded.position)


RECONCILIATION_BOARD = Projection(
    name="reconciliation_board",
    version=1,
    row=Line,
    key=("run", "number"),
    events=frozenset(RECONCILIATION.events),
    fold=fold,
    key_of=_key,
    indexes=(Index(("tenant", "day"), where="number = 0"), ("tenant", "state")),
)

# ------------------------------------------------------------------------------------------------ queries

_SELECT = f"SELECT {select_list(RECONCILIATION_BOARD)} FROM read.{RECONCILIATION_BOARD.table} t"
_SCOPE = "WHERE t.shard = %s AND t.tenant = %s"
_RUNS = f"{_SELECT} {_SCOPE} AND t.number = 0 AND t.day BETWEEN %s AND %s ORDER BY t.day, t.provider LIMIT %s"
_BREAKS = f"{_SELECT} {_SCOPE} AND t.run = %s AND t.number > 0 ORDER BY t.number LIMIT %s"
_OPEN = f"{_SELECT} {_SCOPE} AND t.state = %s ORDER BY t.first_position, t.number LIMIT %s"
_ONCE_OPEN = f"""{_SELECT} {_SCOPE} AND t.number > 0 AND t.first_position <= %s AND (t.state = %s OR t.position > %s)
ORDER BY t.first_position, t.number"""
_make = row_maker(RECONCILIATION_BOARD)


def runs(
    connection: Connection[Any],
    tenant: UUID,
    first: date,
    last: date,
    *,
    as_of_position: int | None = None,
    shard: int = 0,
) -> Board:
    """The runs of the days from `first` to `last`, now or as they were; at most `BOARD_ROWS_MAX`."""
    position = resolve(connection, RECONCILIATION_BOARD, shard, as_of_position)
    lines = rows_of(connection, _make, _RUNS, (shard, tenant, first, last, BOARD_ROWS_MAX))
    return Board(position, _then(connection, lines, position, shard) if as_of_position is not None else tuple(lines))


def breaks(
    connection: Connection[Any], tenant: UUID, run: UUID, *, as_of_position: int | None = None, shard: int = 0
) -> Board:
    """The breaks of one run, now or as they were."""
    position = resolve(connection, RECONCILIATION_BOARD, shard, as_of_position)
    lines = rows_of(connection, _make, _BREAKS, (shard, tenant, run, BOARD_ROWS_MAX))
    return Board(position, _then(connection, lines, position, shard) if as_of_position is not None else tuple(lines))


def open_breaks(
    connection: Connection[Any], tenant: UUID, *, as_of_position: int | None = None, shard: int = 0
) -> Board:
    """Every break of the tenant that nobody has resolved, or had by then, oldest first; at most `BOARD_ROWS_MAX`."""
    position = resolve(connection, RECONCILIATION_BOARD, shard, as_of_position)
    if as_of_position is None:
        return Board(position, tuple(rows_of(connection, _make, _OPEN, (shard, tenant, OPEN, BOARD_ROWS_MAX))))
    once = rows_of(connection, _make, _ONCE_OPEN, (shard, tenant, position, OPEN, position))
    then = [line for line in _then(connection, once, position, shard) if line.state == OPEN]
    return Board(position, tuple(then[:BOARD_ROWS_MAX]))


def _then(connection: Connection[Any], lines: Sequence[Line], position: int, shard: int) -> tuple[Line, ...]:
    """The lines as they were at a position: unchanged ones as they are, the others folded again."""
    known = [line for line in lines if line.first_position <= position]
    changed = sorted({str(line.run) for line in known if line.position > position})
    past = rows_as_of(connection, RECONCILIATION_BOARD, changed, position, shard)
    return tuple(line if line.position <= position else past[(str(line.run), str(line.number))] for line in known)
