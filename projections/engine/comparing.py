"""Comparing read models with what the events say: every row, every parked event.

    ledger ──by stream, once for all of them──▶ events of some streams ──fold──▶ the rows there should be
    read.<name> ──the same span of streams──▶ the rows there are             both sides equal, or a `Difference`

Nothing is written. Spans of streams follow each other without a gap, so that a row of no stream is found as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from msgspec import Struct
from msgspec.structs import astuple
from psycopg import Connection

from projections.engine import copies, reading
from projections.engine.copies import Copy, NotLive
from projections.engine.dead_letters import dead_letters
from projections.engine.folding import DeadLetter, Folded, fold_batch, sorted_out, with_keys
from projections.engine.model import Key, Projection, ProjectionError, Row, key_text
from projections.engine.reading import BATCH_ROWS_MAX
from projections.engine.tables import Span, Table, row_maker, select_list

Progress = Callable[[int, int], None]
"""Called with (positions done, positions to do)."""


class Difference(Struct, frozen=True):
    """The first row in which a read model is not what its events say.

    `expected` is what the events give, `got` what the table holds; `None` stands for no row. `position` is that of the
    event that last changed the expected row (of the unexpected one, if none is expected).
    """

    table: str
    key: str
    position: int
    expected: Row | DeadLetter | None
    got: Row | DeadLetter | None

    def fields(self) -> tuple[str, ...]:
        """Names of the fields that differ; empty when a whole row is missing or too many."""
        if self.expected is None or self.got is None:
            return ()
        names = self.expected.__struct_fields__
        return tuple(name for name in names if getattr(self.expected, name) != getattr(self.got, name))

    def sentence(self) -> str:
        """The difference as one line with expected and got."""
        names = self.fields()
        expected = {name: getattr(self.expected, name) for name in names} or self.expected
        got = {name: getattr(self.got, name) for name in names} or self.got
        return f"read.{self.table}, key {self.key}, position {self.position}: expected {expected}, got {got}"


class Compared(Struct, frozen=True):
    """A comparison up to `position`: rows and parked events of the rebuilt copy, and the first difference, if any."""

    table: str
    position: int
    rows: int
    parked: int
    differences: int
    first: Difference | None


class ReadModelDiffers(ProjectionError):
    """A read model is not what its events say."""

    def __init__(self, compared: Compared) -> None:
        assert compared.first is not None, "only a difference is worth raising"
        super().__init__(compared.first.sentence())
        self.compared = compared


def compare(
    connection: Connection[Any], projection: Projection[Any], *, shard: int = 0, progress: Progress | None = None
) -> Compared:
    """Fold again everything up to the live copy's position and compare. Raises `NotLive`."""
    (compared,) = compare_all(connection, [projection], shard=shard, progress=progress)
    if isinstance(compared, NotLive):
        raise compared
    return compared


def check(connection: Connection[Any], projection: Projection[Any], *, shard: int = 0) -> Compared:
    """As `compare`, but raises `ReadModelDiffers` with expected and got."""
    compared = compare(connection, projection, shard=shard)
    if compared.first is not None:
        raise ReadModelDiffers(compared)
    return compared


def compare_all(
    connection: Connection[Any],
    projections: Sequence[Projection[Any]],
    *,
    shard: int = 0,
    progress: Progress | None = None,
) -> list[Compared | NotLive]:
    """Compare several read models in one snapshot; each event is read and decoded once for all of them.

    Each is compared up to its own position, the runner may go on meanwhile. A version that is not live has `NotLive`
    in its place.
    """
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        found = [_begin(connection, projection, shard) for projection in projections]
        sides = [side for side in found if isinstance(side, _Sides)]
        _fold_again(connection, sides, shard, _reporter(sides, progress))
        return [side.compared(connection, shard) if isinstance(side, _Sides) else side for side in found]


def _fold_again(
    connection: Connection[Any], sides: Sequence[_Sides], shard: int, report: Callable[[int], None]
) -> None:
    by_stream = [side for side in sides if side.projection.stream_column is not None]
    for side in sides:
        if side not in by_stream:
            _compare_spanning(connection, side, shard, report)
    if by_stream:
        _compare_by_stream(connection, by_stream, shard, report)


class _Sides:
    """One read model while it is compared: what was seen of it so far."""

    def __init__(self, projection: Projection[Any], copy: Copy) -> None:
        self.projection, self.copy = projection, copy
        self.table: Table[Any] = Table(projection, name=copy.table)
        self.dead_letters: list[DeadLetter] = []
        self._key = itemgetter(*projection.key_at)
        self._make = row_maker(projection)
        self._at = projection.row.__struct_fields__.index("position")
        self._rows = self._differences = 0
        self._first: Difference | None = None

    def fold(self, rows: Mapping[Key, Any], events: Sequence[reading.ReadEvent]) -> Folded[Any]:
        """The events up to the live copy's position, folded."""
        position = self.copy.position
        mine = [one for one in events if one.position <= position]
        parked = {letter.key for letter in self.dead_letters}
        folded = fold_batch(self.projection, rows, with_keys(self.projection, mine), parked)
        self.dead_letters += folded.dead_letters
        return folded

    def compare(self, expected: Iterable[Any], got: Iterable[tuple[Any, ...]]) -> None:
        """Rows that should be there with those that are, as values in the order of the fields."""
        key = self._key
        missing = {key(values): values for values in map(astuple, expected)}
        self._rows += len(missing)
        for have in got:
            want = missing.pop(key(have), None)
            if want != have:
                self._differ(want, have)
        for want in missing.values():
            self._differ(want, None)

    def _differ(self, want: tuple[Any, ...] | None, have: tuple[Any, ...] | None) -> None:
        self._differences += 1
        sides = (None if values is None else self._make(values) for values in (want, have))
        self._first = _earlier(self._first, _difference(self.table, *sides))

    def compared(self, connection: Connection[Any], shard: int) -> Compared:
        """The outcome, parked events included."""
        table = self.copy.table
        odd = _dead_letter_differences(table, self.dead_letters, dead_letters(connection, table, shard))
        first = _earlier(self._first, odd[0] if odd else None)
        return Compared(
            table, self.copy.position, self._rows, len(self.dead_letters), self._differences + len(odd), first
        )


def _begin(connection: Connection[Any], projection: Projection[Any], shard: int) -> _Sides | NotLive:
    try:
        return _Sides(projection, copies.live(connection, projection, shard))
    except NotLive as error:
        return error


def _earlier(one: Difference | None, other: Difference | None) -> Difference | None:
    found = [difference for difference in (one, other) if difference is not None]
    return min(found, key=lambda difference: (difference.position, difference.key), default=None)


def _reporter(sides: Sequence[_Sides], progress: Progress | None) -> Callable[[int], None]:
    total = max((side.copy.position for side in sides), default=0)
    return lambda done: None if progress is None else progress(min(done, total), total)


def _compare_by_stream(
    connection: Connection[Any], sides: Sequence[_Sides], shard: int, report: Callable[[int], None]
) -> None:
    projections = [side.projection for side in sides]
    types = frozenset().union(*(projection.types for projection in projections))
    up_to = max(side.copy.position for side in sides)
    after: str | None = None
    done = 0
    for last, read in reading.by_stream(connection, shard, 0, up_to, types):
        span, after = Span(after, last), last
        for side, events in zip(sides, sorted_out(projections, read), strict=True):
            folded = side.fold({}, events)
            expected = (row for row in folded.changed.values() if row is not None)
            side.compare(expected, side.table.values_of(connection, shard, span))
        done += len(read)
        report(done)
    report(up_to)


def _compare_spanning(connection: Connection[Any], side: _Sides, shard: int, report: Callable[[int], None]) -> None:
    """Rows that have events of several streams need the ledger's order, and are few enough to be in memory."""
    rows: dict[Key, Any] = {}
    for after in range(0, side.copy.position, BATCH_ROWS_MAX):
        up_to = min(after + BATCH_ROWS_MAX, side.copy.position)
        folded = side.fold(rows, reading.window(connection, shard, after, up_to, side.projection.types))
        rows.update(folded.changed)
        report(up_to)
    expected = (row for row in rows.values() if row is not None)
    side.compare(expected, side.table.values_of(connection, shard, Span(None, None)))


# --------------------------------------------------------------------------------------- two tables of one read model


def compare_tables(
    connection: Connection[Any], scratch: Table[Any], copy: Copy, shard: int, expected: Sequence[DeadLetter]
) -> Compared:
    """Compare the live copy with another table that was made anew, and its parked events with the expected ones."""
    live: Table[Any] = Table(scratch.projection, name=copy.table)
    count, first = _first_row_difference(connection, scratch, live, shard)
    odd = _dead_letter_differences(copy.table, expected, dead_letters(connection, copy.table, shard))
    found = [one for one in (first, *odd[:1]) if one is not None]
    row = connection.execute(f"SELECT count(*) FROM {scratch.qualified} WHERE shard = %s", (shard,)).fetchone()
    assert row is not None, "count always has a row"
    return Compared(
        copy.table,
        copy.position,
        row[0],
        len(expected),
        count + len(odd),
        min(found, key=lambda one: one.position, default=None),
    )


def _first_row_difference(
    connection: Connection[Any], expected: Table[Any], got: Table[Any], shard: int
) -> tuple[int, Difference | None]:
    projection = expected.projection
    names = [name for name, _ in projection.columns]
    on = " AND ".join(f"e.{name} = g.{name}" for name in projection.key)
    want_columns, have_columns = select_list(projection, "e"), select_list(projection, "g")
    key_order = ", ".join(f"coalesce(e.{name}, g.{name})" for name in projection.key)
    row = (
        connection.cursor(binary=True)
        .execute(
            f"SELECT count(*) OVER (), e.shard IS NOT NULL, g.shard IS NOT NULL, "
            f"{want_columns}, {have_columns} "
            f"FROM (SELECT * FROM {expected.qualified} WHERE shard = %s) e "
            f"FULL JOIN (SELECT * FROM {got.qualified} WHERE shard = %s) g ON {on} "
            f"WHERE (e.shard, {want_columns}) IS DISTINCT FROM (g.shard, {have_columns}) "
            f"ORDER BY coalesce(e.position, g.position), {key_order} "
            "LIMIT 1",
            (shard, shard),
        )
        .fetchone()
    )
    if row is None:
        return 0, None
    count, in_expected, in_got, *values = row
    make = row_maker(projection)
    want = make(values[: len(names)]) if in_expected else None
    have = make(values[len(names) :]) if in_got else None
    return count, _difference(got, want, have)


def _difference(table: Table[Any], want: Row | None, have: Row | None) -> Difference:
    one = want if want is not None else have
    assert one is not None, "a difference has at least one row"
    key: Key = tuple(str(getattr(one, name)) for name in table.projection.key)
    return Difference(table.name, key_text(key), one.position, want, have)


def _dead_letter_differences(table: str, expected: Sequence[DeadLetter], got: Sequence[DeadLetter]) -> list[Difference]:
    """Parked events that only one side has; why an event is parked may be worded differently by another release."""
    want, have = ({one.position: one for one in side} for side in (expected, got))
    odd = [at for at in sorted(want.keys() | have.keys()) if _place(want.get(at)) != _place(have.get(at))]
    return [Difference(table, (want.get(at) or have[at]).key, at, want.get(at), have.get(at)) for at in odd]


def _place(letter: DeadLetter | None) -> tuple[int, str, bool] | None:
    return None if letter is None else (letter.position, letter.key, bool(letter.error))
