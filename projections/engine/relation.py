"""Which streams are related to a key, as fresh as the ledger: a read model's rows, and what the ledger holds behind it.

read model ─▶ rows of the key ─┐
                               ├─▶ streams, oldest first
ledger behind it ─▶ new ones ──┘
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from psycopg import Connection

from domain.kernel.event import EVENT_TYPES, Event
from projections.engine.catalog import NotLive, live
from projections.engine.model import Projection, Recorded
from projections.engine.reading import head_size, window
from projections.engine.runner import Runner
from projections.engine.tables import SCHEMA

BEHIND_MAX = 5_000
"""Events that are read behind the read model; one that is further behind is brought up to date first."""


@dataclass(frozen=True)
class Relation:
    """The streams of a tenant whose row has a key in `column`; without a column all of them, for the key None.

    `model` has one row for each stream, with columns `id`, `tenant` and `first_position`. A stream begins with an
    event of the class `begins`, and `key_of` that event is its key.
    """

    model: Projection[Any]
    begins: type[Event]
    column: str | None = None
    key_of: Callable[[Any], Any] = lambda _: None

    def streams(self, connection: Connection[Any], tenant: UUID, key: object, shard: int) -> Sequence[UUID]:
        """The streams that belong to the key, oldest first; whatever is in the ledger by now is not missed."""
        if not self._is_near(connection, shard):
            runner = Runner(connection, (self.model,), shard=shard)
            runner.prepare()
            runner.catch_up()
        # The position is read first: rows that come later are found twice, never not at all.
        position, head = live(connection, self.model, shard).position, head_size(connection, shard)
        query = f"SELECT id, first_position FROM {SCHEMA}.{self.model.table} WHERE shard = %s AND tenant = %s"
        values: tuple[object, ...] = (shard, tenant)
        if self.column is not None:
            query, values = f"{query} AND {self.column} = %s", (*values, key)
        found: dict[UUID, int] = dict(connection.execute(query, values).fetchall())
        for read in window(connection, shard, position, head, self._types):
            if isinstance(read, Recorded) and read.tenant == tenant and self.key_of(read.event) == key:
                found.setdefault(read.stream, read.position)
        return tuple(sorted(found, key=found.__getitem__))

    @property
    def _types(self) -> set[str]:
        return {name for name, kind in EVENT_TYPES.items() if kind is self.begins}

    def _is_near(self, connection: Connection[Any], shard: int) -> bool:
        try:
            return head_size(connection, shard) - live(connection, self.model, shard).position <= BEHIND_MAX
        except (NotLive, psycopg.errors.UndefinedTable):
            return False
