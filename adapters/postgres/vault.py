"""The vault: personal values under one key for each person, of each tenant, beside the ledger and never in it.

Writing prepares rows for the append that carries the event, so that entry and values commit together. Destroying a
subject's key takes the head row's lock like every append: after it commits, no value of that subject can be read and
none can be written, and the digests in the ledger can no longer be guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from msgspec import UNSET

from adapters.keys import KeyProvider
from adapters.postgres.schema import SHARD
from adapters.postgres.writing.sequencer import PersonalRow, SubjectErased
from chain.personal import NONCE_BYTES, SUBJECT_KEY_BYTES, Sealed, open_field, seal_fields
from domain.kernel.event import Event, personal_fields, subject_of, type_of


@dataclass(frozen=True)
class Prepared:
    """Personal fields of an event, prepared: vault rows, digests for the entry, and the key if it is new."""

    rows: tuple[PersonalRow, ...]
    digests: tuple[str, ...]
    new_keys: tuple[tuple[UUID, bytes], ...]


class Vault:
    """Seals and opens personal fields. `random_bytes` gives keys and nonces; `keys` wraps the subject keys."""

    def __init__(self, keys: KeyProvider, random_bytes: Callable[[int], bytes]) -> None:
        self._keys = keys
        self._random_bytes = random_bytes

    def prepare(
        self, tenant: UUID, event: Event, eid: UUID, values: Mapping[str, str], stored: Mapping[UUID, bytes | None]
    ) -> Prepared:
        """Seal the personal `values` of one event of a tenant (see `personal_values`).

        `stored` holds the wrapped keys of known subjects (`None`: destroyed). Raises `SubjectErased` for a
        destroyed one and `ValueError` for personal values without a subject.
        """
        subject = subject_of(event)
        if subject is None:
            raise ValueError(f"{type_of(event)}: expected a subject for the personal fields {sorted(values)}, got none")
        key, new = self._key_of(tenant, subject, stored)
        rows, digests = seal_fields(key, eid, values, self._random_bytes(NONCE_BYTES * len(values)))
        return Prepared(tuple(PersonalRow(eid, subject, row) for row in rows), digests, new)

    def open(self, tenant: UUID, eid: UUID, subject: UUID, wrapped: bytes, sealed: Sealed) -> str:
        """One value in the clear. Raises `chain.personal.VaultError` or `KeyFileError` when anything was changed."""
        return open_field(self.key(tenant, subject, wrapped), eid, sealed)

    def key(self, tenant: UUID, subject: UUID, wrapped: bytes) -> bytes:
        """The unwrapped key of a tenant's subject."""
        return self._keys.unwrap(tenant, subject, wrapped)

    def _key_of(
        self, tenant: UUID, subject: UUID, stored: Mapping[UUID, bytes | None]
    ) -> tuple[bytes, tuple[tuple[UUID, bytes], ...]]:
        if subject not in stored:
            key = self._random_bytes(SUBJECT_KEY_BYTES)
            return key, ((subject, self._keys.wrap(tenant, subject, key)),)
        wrapped = stored[subject]
        if wrapped is None:
            raise SubjectErased(f"subject {subject}: expected a living key, got a destroyed one")
        return self.key(tenant, subject, wrapped), ()


def personal_values(event: Event) -> dict[str, str]:
    """The personal fields of an event that are given, by field name."""
    names = personal_fields(type(event))
    return {name: value for name in names if (value := getattr(event, name)) is not UNSET}


def destroy_key(connection: psycopg.Connection[tuple[Any, ...]], tenant: UUID, subject: UUID, at: str) -> bool:
    """Destroy the key of one subject of a tenant for ever; `True` if there was one. `at` is RFC 3339 text.

    Another tenant's subject of the same id has a key of its own, but one that both had before persons were kept apart
    (`shared`): that is destroyed for both, for a copy would open what is to be unreadable. Values stay as ciphertext
    that nobody can open; `fsck` accepts them. Backups made before hold the key still.
    """
    with connection.transaction():
        connection.execute("SELECT 1 FROM ledger.head WHERE shard = %s FOR UPDATE", (SHARD,))
        done = connection.execute(
            "UPDATE ledger.subject_keys AS k SET wrapped = NULL, destroyed_at = %s FROM ledger.subject_keys AS asked "
            "WHERE asked.shard = %s AND asked.tenant = %s AND asked.subject = %s AND asked.wrapped IS NOT NULL "
            "AND k.shard = asked.shard AND k.subject = asked.subject AND k.wrapped IS NOT NULL "
            "AND (k.tenant = asked.tenant OR (k.shared AND asked.shared))",
            (at, SHARD, tenant, subject),
        )
        return done.rowcount > 0
