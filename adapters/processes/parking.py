"""Parking: what should have followed from an event and did not, by process and event, until it is settled.

    refused by an aggregate or a rule ─▶ stays until somebody asks for another try
    failed (`process.failed`)         ─▶ tried again by itself, less and less often
    not yet (`process.not_yet`)       ─▶ tried when a day of its tenant begins
    held (`process.held`)             ─▶ tried when the timers of its stream are made up for (`held.py`)

An event that is tried again takes its rows with it: what follows now is done, what still does not is parked again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from uuid import UUID

import msgspec
from msgspec import Struct

from adapters.postgres.connections import Connection, Pool, has_table
from adapters.postgres.schema import SHARD
from adapters.processes.dispatch import DispatchKey
from adapters.processes.held import TIMERS_PROCESS, Stalled
from domain.kernel.process import FAILED, HELD, NOT_YET
from domain.kernel.refusal import Refusal

STATEMENTS = "statements"
"""The process under which statements are parked that could not be reconciled."""

BY_DAYS = (TIMERS_PROCESS, STATEMENTS)
"""Processes whose rows have their turn at ends of days, and not by themselves."""

FIRST_RETRY_S, LONGEST_RETRY_S = 30.0, 3_600.0
DOUBLED_AT_MOST = 10

DDL = """
CREATE TABLE IF NOT EXISTS read.parked (
    shard    smallint NOT NULL,
    process  text     NOT NULL,
    position bigint   NOT NULL,
    key      text     NOT NULL,
    tenant   uuid     NOT NULL,
    stream   uuid     NOT NULL,
    code     text     NOT NULL,
    facts    text     NOT NULL,
    tries    integer  NOT NULL,
    retry_at timestamptz,
    PRIMARY KEY (shard, process, position, key)
);
CREATE INDEX IF NOT EXISTS parked_due ON read.parked (shard, process, retry_at) WHERE retry_at IS NOT NULL;
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = 'read.parked'::regclass) THEN
        ALTER TABLE read.parked ENABLE ROW LEVEL SECURITY;
        CREATE POLICY of_tenant ON read.parked FOR SELECT
            USING (tenant = NULLIF(current_setting('leaseledger.tenant', true), '')::uuid);
    END IF;
END $$"""
# A clock that was ahead leaves times of trying that lie further away than any pause: nobody waits for these.
IS_DUE = f"(parked.retry_at <= now() OR parked.retry_at > now() + interval '{LONGEST_RETRY_S} s')"
_PARK = """
INSERT INTO read.parked (shard, process, position, key, tenant, stream, code, facts, tries, retry_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, now() + make_interval(secs => %s)) ON CONFLICT DO NOTHING"""
_RELEASE = "DELETE FROM read.parked WHERE shard = %s AND process = %s AND position = ANY(%s)"
_DONE = """
DELETE FROM read.parked USING unnest(%s::uuid[], %s::text[]) AS done (tenant, key)
WHERE shard = %s AND process = %s AND parked.tenant = done.tenant AND parked.key = done.key"""
_REPLACED = """
DELETE FROM read.parked WHERE shard = %s AND process = %s AND tenant = %s AND key = %s RETURNING tries"""
_KEYS = "SELECT key FROM read.parked WHERE shard = %s AND process = %s AND tenant = %s"
# With one row of a stream come all that failed of it: they are tried in their order.
_DUE = f"""
SELECT position, max(tries) FROM read.parked WHERE shard = %s AND process = %s AND retry_at IS NOT NULL AND stream IN (
    SELECT stream FROM read.parked WHERE shard = %s AND process = %s AND {IS_DUE}) AND position > %s
GROUP BY position ORDER BY position LIMIT %s"""
_FAILING = """
SELECT stream, min(position) FROM read.parked
WHERE shard = %s AND process = %s AND code = %s AND NOT position = ANY(%s) GROUP BY stream"""
_HELD_OUT = "SELECT stream, min(position) FROM read.parked WHERE shard = %s AND process = %s GROUP BY stream"
_WAITING = """
SELECT stream, position, facts FROM read.parked
WHERE shard = %s AND process = %s AND code = %s AND stream = ANY(%s) AND NOT position = ANY(%s)"""
# The end of a mandate moves no money.
_MONEY = """
WHERE shard = %s AND process = ANY(%s) AND tenant = %s AND NOT key LIKE 'lease:%%:mandate%%'"""
_FAILED = f"SELECT stream, position, key FROM read.parked {_MONEY} AND code = %s ORDER BY position, key"
_RETRY_MONEY = f"UPDATE read.parked SET retry_at = now() {_MONEY} AND code <> %s"
_RETRY_ALL = """
UPDATE read.parked SET retry_at = now()
WHERE shard = %s AND tenant = %s AND process <> ALL(%s) AND code <> ALL(%s) AND (%s::uuid IS NULL OR stream = %s
    OR position IN (SELECT e.position FROM ledger.events AS e WHERE e.shard = %s AND e.stream = %s))"""
_DAY_BEGAN = """
UPDATE read.parked SET retry_at = now() WHERE shard = %s AND process = %s AND tenant = ANY(%s) AND code = %s"""
_OF_TENANT = """
SELECT process, position, key, stream, code, facts FROM read.parked
WHERE shard = %s AND tenant = %s ORDER BY key, process, position"""
# One statement is one snapshot: whatever the position has left behind is done by then, or stands in the rows.
_UNDONE = """
SELECT (SELECT position FROM read.processes WHERE shard = %s AND name = %s), parked.position, parked.facts
FROM (VALUES (1)) AS one LEFT JOIN read.parked ON parked.shard = %s AND parked.process = %s AND parked.tenant = %s"""
_COUNT = """
SELECT process, code, key LIKE ANY(%s), count(*), min(key), (array_agg(stream ORDER BY key))[1]
FROM read.parked WHERE shard = %s GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"""


class Unsettled(Struct, frozen=True):
    """What should have followed from the event at a position: whose it is, its key, its stream; why it did not."""

    position: int
    key: str
    tenant: UUID
    stream: UUID
    refusal: Refusal


class Waiting(Struct, frozen=True):
    """What follows for a stream from the event at a position, and not before a day."""

    stream: UUID
    position: int
    until: date


def _until(facts: str) -> date:
    return date.fromisoformat(msgspec.json.decode(facts)["until"])


class Parked(Struct, frozen=True):
    """One parked follow-up."""

    process: str
    position: int
    key: str
    stream: UUID
    code: str
    facts: str


class Parking:
    """The rows of one process."""

    def __init__(self, pool: Pool, process: str) -> None:
        self._pool, self._process = pool, process

    async def settle(self, tries: Mapping[int, int], left: Sequence[Unsettled], done: Collection[DispatchKey]) -> None:
        """Forget what was parked of some events and what is done by now, and park what is left of these events.

        `tries` has each event's position with the times that it was tried before.
        """
        tenants, keys = [tenant for tenant, _ in done], [key for _, key in done]
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute(_RELEASE, (SHARD, self._process, list(tries)))
            if done:
                await connection.execute(_DONE, (tenants, keys, SHARD, self._process))
            for one in left:
                waits = one.refusal.kind is NOT_YET
                await connection.execute(_PARK, self._row(one, tries[one.position] + (not waits)))

    async def keys(self, tenant: UUID) -> set[str]:
        """The keys that are parked of a tenant."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_KEYS, (SHARD, self._process, tenant))
            return {key for (key,) in await cursor.fetchall()}

    async def replace(self, tenant: UUID, key: str, left: Unsettled | None) -> None:
        """Park what is left under a key, in the place of what was parked under it; nothing, where it is done."""
        async with self._pool.connection() as connection, connection.transaction():
            cursor = await connection.execute(_REPLACED, (SHARD, self._process, tenant, key))
            before = sum(tries for (tries,) in await cursor.fetchall())
            if left is not None:
                await connection.execute(_PARK, self._row(left, before + 1))

    async def due(self, limit: int, after: int = 0) -> dict[int, int]:
        """Positions behind another one whose turn it is again, with the times that they were tried."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_DUE, (SHARD, self._process, SHARD, self._process, after, limit))
            return dict(await cursor.fetchall())

    async def day_began(self, tenants: Collection[UUID]) -> None:
        """Let it be the turn of what waits for a day of these tenants."""
        async with self._pool.connection() as connection:
            await connection.execute(_DAY_BEGAN, (SHARD, self._process, list(tenants), NOT_YET.code))

    async def failing(self, beside: Collection[int]) -> dict[UUID, int]:
        """Streams of which something failed, and the first position, of others than these: what comes later waits."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_FAILING, (SHARD, self._process, FAILED.code, list(beside)))
            return dict(await cursor.fetchall())

    async def held_out(self) -> dict[UUID, int]:
        """Streams that are held out of the days, and since which position: what comes later waits."""
        async with self._pool.connection() as connection:
            return dict(await (await connection.execute(_HELD_OUT, (SHARD, TIMERS_PROCESS))).fetchall())

    async def waiting(self, streams: Collection[UUID], beside: Collection[int]) -> list[Waiting]:
        """What of some streams waits for its day, of others than these positions."""
        async with self._pool.connection() as connection:
            parameters = (SHARD, self._process, NOT_YET.code, list(streams), list(beside))
            rows = await (await connection.execute(_WAITING, parameters)).fetchall()
            return [Waiting(stream, position, _until(facts)) for stream, position, facts in rows]

    async def failed(self, tenant: UUID, processes: Collection[str]) -> list[Stalled]:
        """What failed of a tenant's money in some processes, in the order of the events that it comes from."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_FAILED, (SHARD, list(processes), tenant, FAILED.code))
            return [Stalled(*row) for row in await cursor.fetchall()]

    async def undone(self, tenant: UUID) -> tuple[int, list[tuple[int, str]]]:
        """How far the process has come; the positions, with the facts of why, that it left undone of a tenant before.

        Of events up to that position and not among these, all is on disk that follows from them.
        """
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_UNDONE, (SHARD, self._process, SHARD, self._process, tenant))
            rows = await cursor.fetchall()
            return rows[0][0] or 0, [(position, facts) for _, position, facts in rows if position is not None]

    async def retry_money(self, tenant: UUID, processes: Collection[str]) -> None:
        """Let it be the turn of a tenant's money that failed or was refused in some processes, whenever it would be."""
        async with self._pool.connection() as connection:
            await connection.execute(_RETRY_MONEY, (SHARD, list(processes), tenant, NOT_YET.code))

    async def retry_all(self, tenant: UUID) -> None:
        """Let it be the turn of all that failed or was refused of a tenant, in every process."""
        async with self._pool.connection() as connection:
            await connection.execute(_RETRY_ALL, _those(tenant, [NOT_YET.code]))

    async def of_tenant(self, tenant: UUID) -> list[Parked]:
        """What is parked of a tenant, of every process, in the order of the keys."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_OF_TENANT, (SHARD, tenant))
            return [Parked(*row) for row in await cursor.fetchall()]

    def _row(self, one: Unsettled, tries: int) -> tuple[object, ...]:
        code = one.refusal.code
        later_s = min(LONGEST_RETRY_S, FIRST_RETRY_S * 2 ** min(tries - 1, DOUBLED_AT_MOST))
        wait_s = later_s if code == FAILED.code and self._process not in BY_DAYS else None
        facts = msgspec.json.encode(dict(one.refusal.facts)).decode()
        return (SHARD, self._process, one.position, one.key, one.tenant, one.stream, code, facts, tries, wait_s)


def retry(connection: Connection, tenant: UUID, stream: UUID | None) -> int:
    """Let whoever follows try again what failed or was refused of a tenant, or of one of its streams, also what should
    follow from that one's events elsewhere; how much it is.

    What waits, for its day or for what was due before, follows by itself and is not asked for.
    """
    if not has_table(connection, "read.parked"):
        return 0
    return connection.execute(_RETRY_ALL, _those(tenant, [NOT_YET.code, HELD.code], stream)).rowcount


def _those(tenant: UUID, waits: list[str], stream: UUID | None = None) -> tuple[object, ...]:
    """The parameters of a retry of what is parked of a tenant, or of one of its streams, and does not wait."""
    return (SHARD, tenant, list(BY_DAYS), waits, stream, stream, SHARD, stream)


class ParkedCount(Struct, frozen=True):
    """How many follow-ups of a process are parked for a reason, of money or not; the key of one, and its stream."""

    process: str
    code: str
    money: bool
    count: int
    key: str
    stream: UUID


def parked_counts(connection: Connection, of_money: Collection[str]) -> list[ParkedCount]:
    """How much is parked, by process and reason; nothing before there is anything to park.

    Keys of money begin in one of these ways, whichever process holds them.
    """
    if not has_table(connection, "read.parked"):
        return []
    return [ParkedCount(*row) for row in connection.execute(_COUNT, ([f"{one}%" for one in of_money], SHARD))]
