"""Who follows the ledger: read models, process managers and checkpoints, the role each belongs to, and what waits.

    followers(connection, now, …) ─▶ [Follower(role, name, position, behind, waits_s), …] ─late()─▶ roles that are late

How far somebody is behind says little, for a moment is not long and a lock is not work. What counts is how long the
oldest event has waited that was not taken up: it is so for a role that is not there as for one that stands still.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from uuid import UUID

from msgspec import Struct

import domain.registry  # noqa: F401 - registers the process managers
from adapters.connectors.payments.collecting import collector_name
from adapters.postgres import role_locks
from adapters.postgres.connections import Connection
from adapters.postgres.reading import browse
from adapters.postgres.schema import SHARD
from adapters.processes.subscription import progress
from domain.kernel.process import PROCESS_MANAGERS
from domain.kernel.times import parse_utc
from projections.engine import copies

PATIENCE_S = 60.0
"""How long an event may wait before whoever was to take it up is late."""

CHECKPOINT, READ_MODELS = "checkpoint", "read models"
_SIGNED = "SELECT coalesce(max(size), 0) FROM ledger.checkpoints WHERE shard = %s"


class Follower(Struct, frozen=True):
    """One that takes up events in their order, the role it works in, and the seconds that the oldest one has waited.

    `waits_s` is 0 when nothing waits.
    """

    role: str
    name: str
    position: int
    behind: int
    waits_s: float


class Role(Struct, frozen=True):
    """A long-running role: whether an instance works on this ledger now, and the longest wait of what belongs to it."""

    name: str
    works: bool
    waits_s: float

    @property
    def late(self) -> bool:
        """Whether something has waited for too long."""
        return self.waits_s > PATIENCE_S


def followers(connection: Connection, now: datetime, with_banks: Collection[UUID]) -> tuple[Follower, ...]:
    """All that an installation has: read models, process managers, a collector for each tenant with banks, the log.

    What stands in the database beside these, such as banks that are not asked any more, waits for nobody.
    """
    size = browse.head_size(connection)
    at = list(_positions(connection, {*PROCESS_MANAGERS, *map(collector_name, with_banks)}))
    since = {position: _recorded(connection, position + 1, now) for _, _, position in at if position < size}
    waits = {position: max(0.0, (now - instant).total_seconds()) for position, instant in since.items()}
    return tuple(
        Follower(role, name, position, max(0, size - position), waits.get(position, 0.0)) for role, name, position in at
    )


def roles(connection: Connection, found: Iterable[Follower]) -> tuple[Role, ...]:
    """Each role with the longest wait of what belongs to it."""
    held = role_locks.held(connection, role_locks.ALL)
    waits = dict.fromkeys(role_locks.ALL, 0.0)
    for one in found:
        waits[one.role] = max(waits[one.role], one.waits_s)
    return tuple(Role(name, name in held, waits_s) for name, waits_s in waits.items())


def _positions(connection: Connection, subscriptions: Collection[str]) -> Iterator[tuple[str, str, int]]:
    """Role, name and position of each; 0 for one that has never begun."""
    for table, position in _read_models(connection):
        yield role_locks.PROJECT, table, position
    known = dict(progress(connection))
    for name in sorted(subscriptions):
        yield role_locks.REACT, name, known.get(name, 0)
    row = connection.execute(_SIGNED, (SHARD,)).fetchone()
    assert row is not None, "an aggregate gives one row"
    yield role_locks.PUBLISH, CHECKPOINT, row[0]


def _read_models(connection: Connection) -> list[tuple[str, int]]:
    if not copies.prepared(connection):
        return [(READ_MODELS, 0)]
    found = copies.copies(connection, SHARD)
    return [(f"read.{one.table}", one.position) for one in found if one.status is copies.Status.LIVE]


def _recorded(connection: Connection, position: int, now: datetime) -> datetime:
    """When an event was recorded; now, if it is not to be seen."""
    stored = browse.event_at(connection, position)
    return now if stored is None else parse_utc(browse.envelope(stored.entry).recorded_at)
