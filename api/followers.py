"""Followers of the ledger: read models, process managers and checkpoints, the role each belongs to, and what waits.

    followers(connection, now, …) ─▶ [Follower(role, name, position, behind, waits_s), …] ─late()─▶ roles that are late

How far somebody is behind says little, for a moment is not long and a lock is not work. What counts is how long the
oldest event has waited that was not taken up: it is so for a role that is not there as for one that stands still. Times
that are stored come from a clock that may have been ahead; so whoever looks also counts, by a clock that nobody sets,
how long a follower stood still under its eyes (`Watch`).

Days are moved by people: `late_calendars` are those of tenants whose leases run while nobody closes a day.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import date, datetime
from typing import Generic, TypeVar
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

import domain.registry  # noqa: F401 - registers the process managers
from adapters.connectors.payments.collecting import collector_name
from adapters.postgres import role_locks
from adapters.postgres.connections import Connection, has_table
from adapters.postgres.reading import browse
from adapters.postgres.schema import SHARD
from adapters.processes.subscription import progress
from domain.calendar.calendar import calendar_stream
from domain.kernel.process import PROCESS_MANAGERS
from domain.kernel.times import parse_utc
from domain.leasing.lease.state import OWING
from projections.calendar.business_day import business_day
from projections.engine import copies
from projections.leasing.lease_book import LEASE_BOOK

PATIENCE_S = 60.0
"""How long an event may wait before whoever was to take it up is late."""

LOOK_AGAIN_S = 1.0
"""How long is waited between two looks, where stored times do not tell."""

T = TypeVar("T")
CALENDAR_BEHIND_DAYS = 2
"""A day is closed in its evening or on the morning after; so far behind the clock, at least one run is missing."""

CHECKPOINT, READ_MODELS = "checkpoint", "read models"
# From tenant to tenant along the index: their leases are many, and they are few.
_TENANTS = f"""
WITH RECURSIVE found (tenant) AS (
    (SELECT tenant FROM read.{LEASE_BOOK.table} WHERE shard = %(shard)s ORDER BY tenant LIMIT 1)
    UNION ALL
    SELECT (
        SELECT next.tenant FROM read.{LEASE_BOOK.table} AS next
        WHERE next.shard = %(shard)s AND next.tenant > found.tenant ORDER BY next.tenant LIMIT 1)
    FROM found WHERE found.tenant IS NOT NULL)
SELECT tenant FROM found WHERE tenant IS NOT NULL"""
_OWING = f"SELECT EXISTS (SELECT FROM read.{LEASE_BOOK.table} WHERE shard = %s AND tenant = %s AND state = ANY(%s))"
_SIGNED = "SELECT coalesce(max(size), 0) FROM ledger.checkpoints WHERE shard = %s"


class Follower(Struct, frozen=True):
    """One that takes up events in their order, the role it works in, and the seconds that the oldest one has waited.

    `waits_s` is 0 when nothing waits. `ahead`: the oldest event was recorded later than it is now, so that its time of
    recording does not say how long it has waited.
    """

    role: str
    name: str
    position: int
    behind: int
    waits_s: float
    ahead: bool = False


class Watch:
    """What an observer has seen itself: since when each follower stands where it is, with the ledger ahead of it.

    `monotonic` gives seconds of a clock that nobody sets.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._stands: dict[tuple[str, str], tuple[int, float]] = {}

    def seen(self, found: Iterable[Follower]) -> tuple[Follower, ...]:
        """The followers, none of them waited for less than it was seen to stand."""
        with self._lock:
            at, before = self._monotonic(), self._stands
            self._stands = {}
            return tuple(self._seen(one, at, before) for one in found)

    def _seen(self, one: Follower, at: float, before: dict[tuple[str, str], tuple[int, float]]) -> Follower:
        if not one.behind:
            return one
        position, since = before.get((one.role, one.name), (one.position, at))
        since = since if position == one.position else at
        self._stands[one.role, one.name] = (one.position, since)
        return replace(one, waits_s=max(one.waits_s, at - since))


class Remembered(Generic[T]):
    """An answer that costs more than its question should: told again for a while instead of asked again.

    `monotonic` gives seconds of a clock that nobody sets; one at a time asks.
    """

    def __init__(self, monotonic: Callable[[], float], kept_s: float) -> None:
        self._monotonic, self._kept_s = monotonic, kept_s
        self._lock = threading.Lock()
        self._known: tuple[float, T] | None = None

    def of(self, ask: Callable[[], T]) -> T:
        """The answer of the last `kept_s` seconds, asked for where there is none."""
        with self._lock:
            if self._known is None or self._monotonic() - self._known[0] > self._kept_s:
                self._known = (self._monotonic(), ask())
            return self._known[1]


def watched(
    look: Callable[[], Iterable[Follower]], watch: Watch, pause: Callable[[float], None]
) -> tuple[Follower, ...]:
    """One look, or as many as it takes to know who is late: a minute of them where stored times do not tell.

    Whoever moves meanwhile is not late.
    """
    found = watch.seen(look())
    first = {(one.role, one.name): one.position for one in found}
    while any(
        one.ahead and one.waits_s <= PATIENCE_S and one.position == first.get((one.role, one.name)) for one in found
    ):
        pause(LOOK_AGAIN_S)
        found = watch.seen(look())
    return found


class LateCalendar(Struct, frozen=True):
    """A tenant whose leases run and whose days nobody closes; without a business date, nobody opened its calendar."""

    tenant: UUID
    business_date: date | None


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
    waits = {position: (now - instant).total_seconds() for position, instant in since.items()}
    return tuple(
        Follower(role, name, position, max(0, size - position), max(0.0, waits_s), waits_s < 0)
        for role, name, position in at
        for waits_s in (waits.get(position, 0.0),)
    )


def late_calendars(connection: Connection, today: date) -> tuple[LateCalendar, ...]:
    """The tenants with leases that owe or will, whose open day is far behind a date, or who have no open day."""
    if not has_table(connection, f"read.{LEASE_BOOK.table}"):
        return ()
    size = browse.head_size(connection)
    tenants = [tenant for (tenant,) in connection.execute(_TENANTS, {"shard": SHARD})]
    days = {tenant: business_day(connection, calendar_stream(tenant), size, shard=SHARD) for tenant in tenants}
    return tuple(
        LateCalendar(tenant, day.business_date)
        for tenant, day in days.items()
        if (day.business_date is None or (today - day.business_date).days >= CALENDAR_BEHIND_DAYS)
        and connection.execute(_OWING, (SHARD, tenant, [one.value for one in OWING])).fetchone() == (True,)
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
