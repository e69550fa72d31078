"""Lists of read models with one row for each aggregate, in the order of their ids, now or at an earlier position."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic
from uuid import UUID

from msgspec import Struct
from psycopg import Connection

from projections.engine.as_of import resolve
from projections.engine.model import Projection, R
from projections.engine.pages import Window, pages_of


class Page(Struct, Generic[R], frozen=True):
    """Rows in the order of their ids, valid at `position`; `next_after` is the last one looked at, if there is more."""

    position: int
    rows: tuple[R, ...]
    next_after: UUID | None


class Where(Struct, Generic[R], frozen=True):
    """Which rows are wanted: those whose columns have these values and of which `holds` is true."""

    columns: Mapping[str, Any] = {}
    holds: Callable[[R], bool] | None = None

    def takes(self, row: R) -> bool:
        """Whether a row is one of those."""
        same = all(getattr(row, column) == value for column, value in self.columns.items())
        return same and (self.holds is None or self.holds(row))


ALL: Where[Any] = Where()


def listing(
    connection: Connection[Any],
    projection: Projection[R],
    tenant: UUID,
    *,
    where: Where[R] = ALL,
    limit: int,
    starting_after: UUID | None = None,
    as_of_position: int | None = None,
    shard: int = 0,
) -> Page[R]:
    """A page of the tenant's rows, now or at an earlier position.

    It may be short, even empty, and still have more behind it. Raises `NotProjectedYet` for a position ahead of the
    read model.
    """
    position = resolve(connection, projection, shard, as_of_position)
    condition = " AND ".join(["true", *(f"t.{column} = %s" for column in where.columns)])
    window = Window(projection, tenant, shard, condition, list(where.columns.values()))
    found: list[R] = []
    past = as_of_position is not None
    # Where SQL alone decides, no more is read than the page holds.
    scan = None if past or where.holds else limit + 1
    for row in pages_of(connection, window, starting_after, position, past=past, scan=scan):
        if where.takes(row):
            found.append(row)
        if len(found) > limit:
            return Page(position, tuple(found[:limit]), _id(found[limit - 1]))
    return Page(position, tuple(found), window.stopped_at)


def _id(row: Any) -> UUID:
    found: UUID = row.id
    return found
