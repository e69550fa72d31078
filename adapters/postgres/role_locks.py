"""Role locks: one instance of a long-running role works on a ledger at a time, and everybody can see which ones do.

take(connection, role) ─▶ an advisory lock for as long as the connection lives
held(connection, roles) ─▶ those that are taken
"""

from __future__ import annotations

from collections.abc import Collection

from adapters.postgres.advisory import IS_HELD, lock_number
from adapters.postgres.connections import AsyncConnection, Connection

SERVE, PROJECT, REACT, PUBLISH = "serve", "project", "react", "publish"
ALL = (SERVE, PROJECT, REACT, PUBLISH)

_TAKE = "SELECT pg_try_advisory_lock(%s)"
_TAKE_PART = "SELECT pg_advisory_lock_shared(%s)"
_HELD = f"""
SELECT DISTINCT wanted.role FROM unnest(%s::text[], %s::bigint[]) AS wanted (role, lock)
JOIN pg_locks AS held ON {IS_HELD}"""


def take(connection: Connection, role: str) -> bool:
    """Take a role's lock unless somebody else has it; the database gives it back when the connection ends."""
    return connection.execute(_TAKE, (lock_of(role),)).fetchone() == (True,)


async def take_part(connection: AsyncConnection, role: str) -> None:
    """Be one of several that work in a role, until the connection ends."""
    await connection.execute(_TAKE_PART, (lock_of(role),))


def held(connection: Connection, roles: Collection[str]) -> frozenset[str]:
    """The roles, of these, that somebody works in now."""
    wanted = list(roles)
    rows = connection.execute(_HELD, (wanted, [lock_of(role) for role in wanted])).fetchall()
    return frozenset(role for (role,) in rows)


def lock_of(role: str) -> int:
    """The number of a role's advisory lock."""
    return lock_number(f"leaseledger.role/1 {role}".encode())
