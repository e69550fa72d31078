"""The past of a read model: what a row was at an earlier position.

Three honest ways, cheapest first; each read model says which one it uses.

1. A fact that never changes once it is there carries the position it came with (`submitted`): the past is a
   WHERE clause on the table of today. Used by the decision funnel.
2. A row whose `position` is not above the asked one has not changed since: the row of today is the row of then.
3. Any other row is folded again from its own stream up to the asked position, by the code that the runner uses. Used by
   the application book and by work in progress, which reach for it only for rows that changed since.

Ranges of validity (`from_position`, `to_position`) would answer every question by SQL, but they write one row per event
for questions that are rare. Measured with 284,611 events of 11,000 applications: catch-up as it is 108,000 events a
second; the worst questions about the past 0.14 s (a page) and 0.22 s (every lane).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg import Connection

from projections.engine import catalog, reading
from projections.engine.folding import fold_batch, keyed
from projections.engine.model import Key, Projection, ProjectionError, R

REPLAY_STREAMS_MAX = 50_000
"""Streams that one question about the past may fold again (about ten seconds); beyond, `replay` the ledger instead."""


class NotProjectedYet(ProjectionError):
    """The asked position lies ahead of what the read model holds."""


class TooMuchPast(ProjectionError):
    """Too much changed since the asked position to answer it in one question."""


def resolve(connection: Connection[Any], projection: Projection[Any], shard: int, as_of_position: int | None) -> int:
    """The position a query answers for: the asked one, or that of the live copy.

    It is read before the rows, so the rows are at least as new as it says. Raises `NotProjectedYet` for a position
    ahead of the live copy, `ProjectionError` for a negative one and `NotLive`.
    """
    position = catalog.live(connection, projection, shard).position
    if as_of_position is None:
        return position
    if as_of_position < 0:
        raise ProjectionError(f"as_of_position: expected 0 or more, got {as_of_position}")
    if as_of_position > position:
        raise NotProjectedYet(f"{projection.name}: expected a position up to {position}, got {as_of_position}")
    return as_of_position


def rows_as_of(
    connection: Connection[Any], projection: Projection[R], ids: Sequence[str], position: int, shard: int
) -> dict[Key, R]:
    """The rows of some streams as they were at `position`, folded from those streams' events only.

    As in the runner, an event that raises ends the history of its key. For projections whose keys never span streams.
    Raises `TooMuchPast` beyond `REPLAY_STREAMS_MAX` streams.
    """
    if len(ids) > REPLAY_STREAMS_MAX:
        raise TooMuchPast(
            f"{projection.name} at position {position}: expected at most {REPLAY_STREAMS_MAX} streams that changed "
            f"since, got {len(ids)}"
        )
    past: dict[Key, R] = {}
    if not ids:
        return past
    with connection.transaction():
        for _, read in reading.by_stream(connection, shard, 0, position, projection.types, ids):
            folded = fold_batch(projection, {}, keyed(projection, read))
            past.update({key: row for key, row in folded.changed.items() if row is not None})
    return past
