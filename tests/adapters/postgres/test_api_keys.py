"""API keys: shown once, kept as hashes, ended by revocation."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import Connection

from adapters.postgres.api_keys import (
    KEY_PREFIX,
    NoSuchKey,
    create_key,
    ensure_operator_key,
    find_key,
    key_hash,
    key_id,
    keys_of,
    revoke_key,
)
from adapters.postgres.connections import connect
from adapters.system import now, random_bytes

TENANT, OTHER = UUID(int=1), UUID(int=2)
SECRET_CHARS = len(KEY_PREFIX) + 43


def given(connection: Connection[Any], role: str = "auditor", tenant: UUID = TENANT) -> str:
    """A key that exists."""
    return create_key(connection, tenant, role, "a label", random_bytes, now())


def test_key_is_found_by_its_hash(connection: Connection[Any]) -> None:
    secret = given(connection)
    found = find_key(connection, key_hash(secret))
    assert found is not None
    assert (found.tenant, found.role, found.label, found.revoked_at) == (TENANT, "auditor", "a label", None)
    assert found.id == key_id(key_hash(secret))
    assert find_key(connection, key_hash(secret + "x")) is None


def test_only_the_hash_is_kept(connection: Connection[Any]) -> None:
    secret = given(connection)
    assert secret.startswith(KEY_PREFIX)
    assert len(secret) == SECRET_CHARS
    rows = repr(connection.execute("SELECT * FROM ledger.api_keys").fetchall())
    assert secret not in rows
    assert secret.removeprefix(KEY_PREFIX) not in rows


def test_same_random_bytes_give_the_same_key(connection: Connection[Any]) -> None:
    zeros: Callable[[int], bytes] = bytes
    assert create_key(connection, TENANT, "auditor", "x", zeros, now()) == KEY_PREFIX + "A" * 43
    with pytest.raises(psycopg.errors.UniqueViolation):
        create_key(connection, TENANT, "auditor", "x", zeros, now())


def test_first_operator_key_is_made_once(connection: Connection[Any]) -> None:
    secret = ensure_operator_key(connection, TENANT, random_bytes, now())
    assert secret is not None
    assert ensure_operator_key(connection, TENANT, random_bytes, now()) is None
    found = find_key(connection, key_hash(secret))
    assert found is not None
    assert (found.role, found.tenant) == ("operator", TENANT)


def test_operator_key_of_each_tenant(connection: Connection[Any]) -> None:
    assert ensure_operator_key(connection, TENANT, random_bytes, now())
    assert ensure_operator_key(connection, OTHER, random_bytes, now())


def test_other_roles_are_no_operators(connection: Connection[Any]) -> None:
    given(connection, "merchant_admin")
    assert ensure_operator_key(connection, TENANT, random_bytes, now())


def test_revoked_operator_gets_a_successor(connection: Connection[Any]) -> None:
    first = ensure_operator_key(connection, TENANT, random_bytes, now())
    assert first is not None
    revoke_key(connection, TENANT, key_id(key_hash(first)), now())
    second = ensure_operator_key(connection, TENANT, random_bytes, now())
    assert second not in (None, first)


def test_of_many_programs_that_start_at_once_one_makes_the_key(url: str) -> None:
    def start(_: int) -> str | None:
        with connect(url) as connection:
            return ensure_operator_key(connection, TENANT, random_bytes, now())

    with ThreadPoolExecutor(4) as pool:
        made = [secret for secret in pool.map(start, range(8)) if secret is not None]
    assert len(made) == 1


def test_revoked_key_is_not_found_and_its_row_stays(connection: Connection[Any]) -> None:
    secret, kept = given(connection), given(connection)
    revoke_key(connection, TENANT, key_id(key_hash(secret)), now())
    assert find_key(connection, key_hash(secret)) is None
    assert find_key(connection, key_hash(kept)) is not None
    assert sorted(key.revoked_at is None for key in keys_of(connection, TENANT)) == [False, True]


def test_what_cannot_be_revoked(connection: Connection[Any]) -> None:
    secret = given(connection)
    identifier = key_id(key_hash(secret))
    for tenant, name in ((OTHER, identifier), (TENANT, "key_0000000000000000"), (TENANT, ""), (TENANT, "key_%")):
        with pytest.raises(NoSuchKey, match="expected a living key"):
            revoke_key(connection, tenant, name, now())
    revoke_key(connection, TENANT, identifier, now())
    with pytest.raises(NoSuchKey):
        revoke_key(connection, TENANT, identifier, now())


def test_program_may_not_change_a_key(connection: Connection[Any]) -> None:
    given(connection)
    for statement in ("UPDATE ledger.api_keys SET role = 'operator'", "DELETE FROM ledger.api_keys"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)


def test_keys_of_a_tenant(connection: Connection[Any]) -> None:
    first = given(connection)
    given(connection, tenant=OTHER)
    assert [key.id for key in keys_of(connection, TENANT)] == [key_id(key_hash(first))]
