"""API keys of before: what a table held until keys were recorded as events; read once, to take them over."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from adapters.postgres.connections import Connection


class KeyOfBefore(Struct, frozen=True):
    """One living key: SHA-256 of its text in hex, whose it is, its role."""

    digest: str
    tenant: UUID
    role: str


def keys_of_before(connection: Connection) -> list[KeyOfBefore]:
    """Every living key of before, oldest first."""
    return [KeyOfBefore(*row) for row in connection.execute(_LIVING)]


def first_operator(connection: Connection) -> UUID | None:
    """The tenant of the oldest operator's key of before, living or not; `None` when there never was one."""
    row = connection.execute(_FIRST_OPERATOR).fetchone()
    return row[0] if row else None


_LIVING = """
SELECT encode(hash, 'hex'), tenant, role FROM ledger.api_keys WHERE revoked_at IS NULL ORDER BY created_at, hash"""
_FIRST_OPERATOR = "SELECT tenant FROM ledger.api_keys WHERE role = 'operator' ORDER BY created_at LIMIT 1"
