"""Filling read models that are far behind: the events of a long window stream by stream instead of in ledger order.

    window (after, up_to] ──by stream──▶ all events of some streams ──fold──▶ their rows, once ──COPY──▶ table

A row has the events of one aggregate only, so that the order between aggregates does not matter to it. In ledger order
a lease comes up again every month, and each time its rows are read and written; here each row is written once, and
memory holds some thousand events and the rows of their streams. It is one transaction: whoever is killed begins the
window again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from psycopg import Connection

from projections.engine import copies, reading
from projections.engine.dead_letters import park, parked_keys
from projections.engine.folding import DeadLetter, fold_batch, sorted_out, with_keys
from projections.engine.model import Projection
from projections.engine.reading import ReadEvent
from projections.engine.tables import Table

LONG_POSITIONS = 20_000
"""Windows from so many positions on are filled: below that reading them in ledger order is as fast."""

FILL_POSITIONS_MAX = 4_000_000
"""Positions in one transaction (some minutes), so that a kill does not cost hours."""


def is_long(projections: Iterable[Projection[Any]], window: tuple[int, int]) -> bool:
    """Whether a window is worth being filled, and can be: rows that span streams need the order of the ledger."""
    after, up_to = window
    return up_to - after >= LONG_POSITIONS and all(projection.stream_column for projection in projections)


def fill(
    connection: Connection[Any],
    tables: Sequence[Table[Any]],
    shard: int,
    window: tuple[int, int],
    report: Callable[[int], None] | None = None,
) -> None:
    """Apply a window (`after`, `up_to`] to copies that stand at `after`, within the caller's transaction.

    `report` hears how many of its positions are done at least. Raises `LostRace`.
    """
    after, up_to = window
    copies = [_Filling(connection, table, shard, window) for table in tables]
    projections = [table.projection for table in tables]
    types = frozenset().union(*(projection.types for projection in projections))
    done = 0
    for _, read in reading.by_stream(connection, shard, after, up_to, types):
        for copy, mine in zip(copies, sorted_out(projections, read), strict=True):
            copy.apply(mine)
        done += len(read)
        if report is not None:
            report(done)
    for copy in copies:
        copy.park()


class _Filling:
    """One copy while it is filled. Raises `LostRace` when somebody else moved it."""

    def __init__(self, connection: Connection[Any], table: Table[Any], shard: int, window: tuple[int, int]) -> None:
        self._connection, self._table, self._shard = connection, table, shard
        copies.advance(connection, shard, table.name, *window)
        self._begins = window[0] == 0
        if self._begins:
            # Nothing was applied yet, so nothing can be there; what somebody else put there must not stop us.
            table.clear(connection, shard)
        self._parked = parked_keys(connection, table.name, shard)
        self._letters: list[DeadLetter] = []

    def apply(self, read: Sequence[ReadEvent]) -> None:
        """Everything of some streams that the projection declares."""
        connection, table, shard = self._connection, self._table, self._shard
        events = with_keys(table.projection, read)
        rows = {} if self._begins else table.known(connection, shard, events)
        folded = fold_batch(table.projection, rows, events, self._parked)
        self._letters += folded.dead_letters
        if self._begins:
            table.insert(connection, shard, [row for row in folded.changed.values() if row is not None])
        else:
            table.write(connection, shard, folded.changed)

    def park(self) -> None:
        """Park what could not be folded."""
        park(self._connection, self._table.name, self._shard, sorted(self._letters, key=lambda letter: letter.position))
