"""API keys: who may ask. Only hashes are kept, a key is shown once.

    llk_<base64url of 32 random bytes>  ──SHA-256──▶ ledger.api_keys.hash

A plain SHA-256 is enough: a slow hash protects secrets that can be guessed, and nobody guesses 256 random bits. It is
also needed on every request, where a slow hash would be a way to stop the program.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from msgspec import Struct

from adapters.postgres.connections import Connection
from chain.b64 import b64url
from domain.kernel.times import utc_text

KEY_PREFIX = "llk_"
"""Lets people and secret scanners recognise a key that was left lying around."""

KEY_RANDOM_BYTES = 32
OPERATOR = "operator"
FIRST_OPERATOR_LABEL = "first operator"
_OPERATOR_LOCK = 0x6F706572  # "oper"
_ID_BYTES = 8


class ApiKey(Struct, frozen=True):
    """One key without its secret. `id` names it in events and logs; times are RFC 3339 text."""

    id: str
    tenant: UUID
    role: str
    label: str
    created_at: str
    revoked_at: str | None = None


class NoSuchKey(LookupError):
    """No living key has this id."""


def key_hash(secret: str) -> bytes:
    """What is stored and looked up in place of a key: 32 bytes."""
    return sha256(secret.encode()).digest()


def key_id(hashed: bytes) -> str:
    """The name of a key, `key_` and 16 hex digits: the beginning of its hash, from which no key follows."""
    return f"key_{hashed[:_ID_BYTES].hex()}"


def create_key(
    connection: Connection,
    tenant: UUID,
    role: str,
    label: str,
    random_bytes: Callable[[int], bytes],
    now: datetime,
) -> str:
    """Make a key and return it; it cannot be read again. `label` says what it is for, never who a person is."""
    secret = KEY_PREFIX + b64url(random_bytes(KEY_RANDOM_BYTES))
    connection.execute(
        "INSERT INTO ledger.api_keys (hash, tenant, role, label, created_at) VALUES (%s, %s, %s, %s, %s)",
        (key_hash(secret), tenant, role, label, utc_text(now)),
    )
    return secret


def ensure_operator_key(
    connection: Connection, tenant: UUID, random_bytes: Callable[[int], bytes], now: datetime
) -> str | None:
    """The first operator key of a tenant, made now; `None` when a living one exists. Safe to race.

    A tenant whose operator keys were all revoked gets a new one, so that nobody is locked out of a ledger he runs.
    """
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_OPERATOR_LOCK,))
        if any(key.role == OPERATOR and key.revoked_at is None for key in keys_of(connection, tenant)):
            return None
        return create_key(connection, tenant, OPERATOR, FIRST_OPERATOR_LABEL, random_bytes, now)


def first_operator(connection: Connection) -> UUID | None:
    """The tenant of the oldest operator's key, living or not; `None` when there never was one."""
    row = connection.execute(
        "SELECT tenant FROM ledger.api_keys WHERE role = %s ORDER BY created_at LIMIT 1", (OPERATOR,)
    ).fetchone()
    return row[0] if row else None


def find_key(connection: Connection, hashed: bytes) -> ApiKey | None:
    """The living key with this hash."""
    row = connection.execute(f"{_SELECT} WHERE hash = %s AND revoked_at IS NULL", (hashed,)).fetchone()
    return _key(row) if row else None


def keys_of(connection: Connection, tenant: UUID) -> list[ApiKey]:
    """Every key of a tenant, revoked ones too, oldest first."""
    return [
        _key(row) for row in connection.execute(f"{_SELECT} WHERE tenant = %s ORDER BY created_at, hash", (tenant,))
    ]


def revoke_key(connection: Connection, tenant: UUID, identifier: str, now: datetime) -> None:
    """End a key's life; its row stays. Raises `NoSuchKey` when the tenant has no living key of this id."""
    done = connection.execute(
        "UPDATE ledger.api_keys SET revoked_at = %s "
        "WHERE tenant = %s AND revoked_at IS NULL AND 'key_' || encode(substr(hash, 1, %s), 'hex') = %s",
        (utc_text(now), tenant, _ID_BYTES, identifier),
    )
    if done.rowcount != 1:
        raise NoSuchKey(f"expected a living key of tenant {tenant}, got {identifier!r}")


_SELECT = "SELECT hash, tenant, role, label, created_at, revoked_at FROM ledger.api_keys"


def _key(row: tuple[Any, ...]) -> ApiKey:
    hashed, *rest = row
    return ApiKey(key_id(bytes(hashed)), *rest)
