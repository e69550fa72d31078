"""Lists of read models whose rows belong to a lease and have a state: payments, mandates."""

from __future__ import annotations

from typing import Any, Generic, TypeVar
from uuid import UUID

from msgspec import Struct
from psycopg import Connection

from projections.engine.as_of import resolve
from projections.engine.model import Projection, Row
from projections.leasing.lease_pages import Window, lease_pages


class OfLease(Row, frozen=True, kw_only=True):
    """What such rows have in common; `lease` and `first_position` never change."""

    id: UUID
    tenant: UUID
    lease: UUID
    state: str
    first_position: int


L = TypeVar("L", bound=OfLease)


class Filter(Struct, frozen=True):
    """Which rows are asked for."""

    lease: UUID | None = None
    state: str | None = None

    def takes(self, row: OfLease) -> bool:
        """Whether a row is one of those."""
        return self.lease in (None, row.lease) and self.state in (None, row.state)


ALL = Filter()


class Page(Struct, Generic[L], frozen=True):
    """Rows in the order of their ids, valid at `position`; `next_after` is the last one looked at, if there is more."""

    position: int
    rows: tuple[L, ...]
    next_after: UUID | None


def listing(
    connection: Connection[Any],
    projection: Projection[L],
    tenant: UUID,
    *,
    where: Filter = ALL,
    limit: int,
    starting_after: UUID | None = None,
    as_of_position: int | None = None,
    shard: int = 0,
) -> Page[L]:
    """A page of the tenant's rows, now or at an earlier position.

    It may be short, even empty, and still have more behind it. Raises `NotProjectedYet` for a position ahead of the
    read model.
    """
    position = resolve(connection, projection, shard, as_of_position)
    condition = "(%s::text IS NULL OR t.state = %s) AND (%s::uuid IS NULL OR t.lease = %s)"
    window = Window(projection, tenant, shard, condition, [where.state, where.state, where.lease, where.lease])
    found: list[L] = []
    for row in lease_pages(connection, window, starting_after, position, past=as_of_position is not None):
        if where.takes(row):
            found.append(row)
        if len(found) > limit:
            return Page(position, tuple(found[:limit]), found[limit - 1].id)
    return Page(position, tuple(found), window.stopped_at)
