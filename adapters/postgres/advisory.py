"""Advisory locks that are named by what they are for: their numbers, and who holds them.

Locks of set-up, of publishing and of read models have fixed numbers where they are taken.
"""

from __future__ import annotations

from hashlib import sha256

_BITS = 63

# The two halves of an advisory lock's 64 bits stand in columns of their own.
IS_HELD = """
    held.granted AND held.locktype = 'advisory' AND held.objsubid = 1
    AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND held.classid::bigint = wanted.lock >> 32 AND held.objid::bigint = wanted.lock & 4294967295"""
"""Condition that a row of `pg_locks AS held` is the advisory lock with the number `wanted.lock`, taken."""


def lock_number(purpose: bytes) -> int:
    """The number of the lock for a purpose: 63 bits that no other lock of this program has by chance."""
    return int.from_bytes(sha256(purpose).digest()) >> (256 - _BITS)
