"""Role locks: one instance of a long-running role works on a ledger at a time, and everybody can see which ones do.

take(connection, role) ─▶ an advisory lock for as long as the connection lives
held(connection, roles) ─▶ those that are taken
"""

from __future__ import annotations

from collections.abc import Collection
from hashlib import sha256

from adapters.postgres.connections import Connection

PROJECT, REACT, PUBLISH = "project", "react", "publish"
ROLES = (PROJECT, REACT, PUBLISH)
"""The roles of which one instance works at a time."""

_BITS = 63
_TAKE = "SELECT pg_try_advisory_lock(%s)"
# The two halves of an advisory lock's 64 bits stand in columns of their own.
_HELD = """
SELECT wanted.role FROM unnest(%s::text[], %s::bigint[]) AS wanted (role, lock) JOIN pg_locks AS held
    ON held.granted AND held.locktype = 'advisory' AND held.objsubid = 1
    AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND held.classid::bigint = wanted.lock >> 32 AND held.objid::bigint = wanted.lock & 4294967295"""


def take(connection: Connection, role: str) -> bool:
    """Take a role's lock unless somebody else has it; the database gives it back when the connection ends."""
    return connection.execute(_TAKE, (lock_of(role),)).fetchone() == (True,)


def held(connection: Connection, roles: Collection[str]) -> frozenset[str]:
    """Those of the roles that somebody works in now."""
    wanted = list(roles)
    rows = connection.execute(_HELD, (wanted, [lock_of(role) for role in wanted])).fetchall()
    return frozenset(role for (role,) in rows)


def lock_of(role: str) -> int:
    """The number of a role's advisory lock: 63 bits that no other lock of this program has by chance."""
    return int.from_bytes(sha256(f"leaseledger.role/1 {role}".encode()).digest()) >> (256 - _BITS)
