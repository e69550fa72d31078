"""Streams that are held out of the days, parked until they can go on: their timers or their money failed.

What waits behind one of them is parked beside it as `process.held` (`parking.py`) and follows when it goes on.

    timer fails, or is refused though it is still due ─┐
    money fails on its way to its lease ───────────────┴▶ row(stream, key, code, place, the first day to be made up)
    next end of day, or on demand ─▶ the stream's days are made up from there, in order ─▶ moved on, day by day ─▶ gone

There is one row for a stream: whatever is due on it later is due by the read model of timers, and waits behind the row.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from uuid import UUID

import msgspec
from msgspec import Struct

from adapters.postgres.connections import AsyncConnection, Pool
from adapters.postgres.schema import SHARD
from domain.kernel.process import HELD
from domain.kernel.refusal import Refusal

TIMERS_PROCESS = "timers"
"""The process under which streams are parked that are held out."""

_SINCE = (
    "SELECT stream, (facts::jsonb->>'day')::date FROM read.parked WHERE shard = %s AND process = %s AND tenant = %s"
)
_TRIED_AGAIN = """
UPDATE read.parked SET key = %s, code = %s, facts = %s, tries = tries + 1
WHERE shard = %s AND process = %s AND tenant = %s AND stream = %s"""
_HOLD = """
INSERT INTO read.parked (shard, process, position, key, tenant, stream, code, facts, tries)
SELECT %s, %s, %s, %s, %s, %s, %s, %s, 1
WHERE NOT EXISTS (SELECT FROM read.parked WHERE shard = %s AND process = %s AND tenant = %s AND stream = %s)"""
_REACHED = """
UPDATE read.parked SET position = greatest(position, %s)
WHERE shard = %s AND process = %s AND tenant = %s AND stream = ANY(%s)"""
_HAS_ITS_TURN = """
UPDATE read.parked SET retry_at = now()
WHERE shard = %s AND tenant = %s AND process <> %s AND code = %s AND stream = ANY(%s) AND position <= %s"""
_MADE_UP = """
UPDATE read.parked SET facts = (facts::jsonb || jsonb_build_object('day', %s::text))::text
WHERE shard = %s AND process = %s AND tenant = %s AND stream = ANY(%s)"""
# What waited for them has its turn.
_GO_ON = """
UPDATE read.parked SET retry_at = now() WHERE shard = %s AND tenant = %s AND code = %s AND NOT stream = ANY(%s)"""
_RELEASE = "DELETE FROM read.parked WHERE shard = %s AND process = %s AND tenant = %s AND NOT stream = ANY(%s)"


class Unfired(Struct, frozen=True):
    """A timer that could not be fired: its key, its stream, and why."""

    key: str
    stream: UUID
    refusal: Refusal


class Stalled(Struct, frozen=True):
    """A stream that something failed on the way to: the last position and the key of what failed."""

    stream: UUID
    position: int
    key: str


class Held:
    """The streams of one tenant that are held out of its days."""

    def __init__(self, pool: Pool, tenant: UUID) -> None:
        self._pool = pool
        self._of = (SHARD, TIMERS_PROCESS, tenant)

    async def since(self) -> dict[UUID, date]:
        """Every stream that is held out, and the first day that is to be made up for it."""
        async with self._pool.connection() as connection:
            return dict(await (await connection.execute(_SINCE, self._of)).fetchall())

    async def park(self, day: date, position: int, unfired: Sequence[Unfired]) -> None:
        """Hold streams out from a day on, whose end began at a position; one that is out already was tried again."""
        async with self._pool.connection() as connection, connection.transaction():
            for one in unfired:
                why = one.refusal.code, _facts(one.refusal, day)
                tried = await connection.execute(_TRIED_AGAIN, (one.key, *why, *self._of, one.stream))
                if tried.rowcount == 0:
                    await self._hold(connection, one.stream, position, one.key, *why)

    async def wait(self, day: date, stalled: Sequence[Stalled]) -> list[Stalled]:
        """Hold streams out from a day on; which of them were not out already, from an earlier day.

        What failed goes on by itself; whatever else comes for the stream, behind it, waits.
        """
        new: list[Stalled] = []
        if not stalled:
            return new
        async with self._pool.connection() as connection, connection.transaction():
            for one in stalled:
                why = HELD.code, _facts(HELD(behind=one.key), day)
                if await self._hold(connection, one.stream, one.position, f"held:{one.key}", *why):
                    new.append(one)
        return new

    async def _hold(self, on: AsyncConnection, stream: UUID, position: int, key: str, code: str, facts: str) -> bool:
        """Add the row of a stream that has none; whether it had none."""
        shard, process, tenant = self._of
        row = (shard, process, position, key, tenant, stream, code, facts)
        return bool((await on.execute(_HOLD, (*row, *self._of, stream))).rowcount)

    async def reached(self, streams: Collection[UUID], position: int) -> None:
        """Streams live as far as a position: what waited for them up to there has its turn."""
        shard, process, tenant = self._of
        those = list(streams)
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute(_REACHED, (position, *self._of, those))
            await connection.execute(_HAS_ITS_TURN, (shard, tenant, process, HELD.code, those, position))

    async def made_up(self, streams: Collection[UUID], to: date) -> None:
        """Streams have made up for every day before this one."""
        async with self._pool.connection() as connection:
            await connection.execute(_MADE_UP, (str(to), *self._of, list(streams)))

    async def release(self, beside: Collection[UUID]) -> None:
        """Forget all but these: they go on with everybody else."""
        shard, _, tenant = self._of
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute(_RELEASE, (*self._of, list(beside)))
            await connection.execute(_GO_ON, (shard, tenant, HELD.code, list(beside)))


def _facts(refusal: Refusal, day: date) -> str:
    return msgspec.json.encode({**dict(refusal.facts), "day": str(day)}).decode()
