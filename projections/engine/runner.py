"""The runner: keeps read models up to date, one transaction per batch.

    read a window of positions once ──▶ for every projection at that position:
        compare-and-set its position │ load the rows of the batch's keys │ fold │ one upsert │ park what raised
    ──▶ COMMIT ──▶ next window; when there is none: wait for NOTIFY, or look again after a while

Projections that are equally far share the reading and decoding of a window. Those that are far behind are filled stream
by stream (`filling`), so that each row is written once and not once for each window. Two runners may run at once:
whoever moves the position first wins the batch, the other writes nothing. Whatever dies in the middle leaves the last
commit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from psycopg import Connection

from projections.engine import copies, reading
from projections.engine.copies import Copy, LostRace, Status
from projections.engine.dead_letters import park, parked_keys
from projections.engine.filling import FILL_POSITIONS_MAX, fill, is_long
from projections.engine.folding import fold_batch, sorted_out, with_keys
from projections.engine.model import Projection, ProjectionError
from projections.engine.reading import BATCH_ROWS_MAX, ReadEvent
from projections.engine.tables import Table

CHANNEL = "ledger"
"""Writers notify this channel once per commit."""

POLL_S = 0.5
"""How long a lost notification can delay a projection."""

Progress = Callable[[int, int], None]
"""Called with (positions done, positions to do) after every batch."""


class Runner:
    """Runs some projections over one shard on one connection (autocommit, working as the application role).

    Raises `ProjectionError` for a batch size outside 1 … `BATCH_ROWS_MAX`.
    """

    def __init__(
        self,
        connection: Connection[Any],
        projections: Iterable[Projection[Any]],
        *,
        shard: int = 0,
        batch_rows: int = BATCH_ROWS_MAX,
    ) -> None:
        if not 1 <= batch_rows <= BATCH_ROWS_MAX:
            raise ProjectionError(f"batch_rows: expected 1 … {BATCH_ROWS_MAX}, got {batch_rows}")
        self._connection = connection
        self._shard = shard
        self._batch_rows = batch_rows
        self._tables = {projection.table: Table(projection) for projection in projections}

    def prepare(self) -> None:
        """Create the catalog and the tables that are missing; call once before the first step."""
        copies.prepare(self._connection, [table.projection for table in self._tables.values()], self._shard)

    def step(self, report: Callable[[int], None] | None = None) -> int:
        """Apply one window to the projections that are furthest behind; return its size, 0 when all are up to date.

        A window that another runner applied first counts like an applied one: the next step reads the new positions.
        `report` hears, as far as that is known, of how much of a long window is done.
        """
        head = reading.head_size(self._connection, self._shard)
        mine = [copy for copy in copies.copies(self._connection, self._shard) if self._runs(copy)]
        behind = [copy for copy in mine if copy.position < head]
        if not behind:
            self._promote(mine)
            return 0
        group, window = self._next_window(behind, head)
        try:
            with self._connection.transaction():
                self._apply([self._tables[copy.table] for copy in group], window, report)
        except LostRace:
            return window[1] - window[0]
        self._promote(group)
        return window[1] - window[0]

    def catch_up(self, progress: Progress | None = None) -> int:
        """Step until nothing is left; return the positions stepped over."""
        done = 0

        def report(positions: int) -> None:
            if progress is not None:
                progress(done + positions, done + self._left())

        while positions := self.step(report):
            done += positions
            if progress is not None:
                progress(done, done + self._left())
        return done

    def follow(self, stop: Callable[[], bool], poll_s: float = POLL_S) -> None:
        """Catch up, then wait for the ledger's notification or `poll_s` seconds, again and again until `stop()`.

        It listens before it looks, so that a commit after the look is never missed.
        """
        self._connection.execute(f"LISTEN {CHANNEL}")
        while not stop():
            if self.step() == 0:
                for _ in self._connection.notifies(timeout=poll_s, stop_after=1):
                    pass

    def _apply(
        self, tables: Sequence[Table[Any]], window: tuple[int, int], report: Callable[[int], None] | None
    ) -> None:
        projections = [table.projection for table in tables]
        if is_long(projections, window):
            fill(self._connection, tables, self._shard, window, report)
            return
        types = frozenset().union(*(projection.types for projection in projections))
        read = reading.window(self._connection, self._shard, *window, types)
        for table, mine in zip(tables, sorted_out(projections, read), strict=True):
            apply(self._connection, table, self._shard, window, mine)

    def _next_window(self, behind: Sequence[Copy], head: int) -> tuple[list[Copy], tuple[int, int]]:
        """The copies that are furthest behind, and the window (`after`, `up_to`] that they share."""
        after = min(copy.position for copy in behind)
        # A group stops where the next one stands, so that from there on both share every window.
        end = min([head, *(copy.position for copy in behind if copy.position > after)])
        group = [copy for copy in behind if copy.position == after]
        if not is_long([self._tables[copy.table].projection for copy in group], (after, end)):
            return group, (after, min(after + self._batch_rows, end))
        return group, (after, min(after + FILL_POSITIONS_MAX, end))

    def _runs(self, copy: Copy) -> bool:
        return copy.table in self._tables and copy.status in (Status.LIVE, Status.BUILDING)

    def _promote(self, group: Sequence[Copy]) -> None:
        for copy in group:
            if copy.status is Status.BUILDING:
                copies.promote(self._connection, self._tables[copy.table].projection, self._shard)

    def _left(self) -> int:
        head = reading.head_size(self._connection, self._shard)
        mine = [copy for copy in copies.copies(self._connection, self._shard) if self._runs(copy)]
        return max((head - copy.position for copy in mine), default=0)


def apply(
    connection: Connection[Any],
    table: Table[Any],
    shard: int,
    window: tuple[int, int],
    read: Sequence[ReadEvent],
) -> None:
    """Apply one window (`after`, `up_to`] to one copy, within the caller's transaction. Raises `LostRace`.

    `read` has those events of the window that the projection declares.
    """
    copies.advance(connection, shard, table.name, *window)
    events = with_keys(table.projection, read)
    if not events:
        return
    parked = parked_keys(connection, table.name, shard)
    folded = fold_batch(table.projection, table.known(connection, shard, events), events, parked)
    table.write(connection, shard, folded.changed)
    park(connection, table.name, shard, folded.dead_letters)
