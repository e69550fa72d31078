"""The vault part of fsck: what still has a key must open, digest to what the entry says, and be all there."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg
from msgspec import UNSET

from adapters.keys import KeyFileError
from adapters.postgres.fsck.findings import Findings
from adapters.postgres.schema import SHARD
from adapters.postgres.vault import Vault
from adapters.postgres.writing.sequencer import SubjectOfTenant
from chain.entry import Entry
from chain.personal import NONCE_BYTES, Sealed, VaultError, decoys, open_field
from domain.kernel.event import Event, personal_fields, subject_of

ROWS_AT_ONCE = 2_000
TAG_BYTES = 16
_END = 2**63


class VaultCheck:
    """Walks the vault in position order beside the events."""

    def __init__(
        self,
        connection: psycopg.Connection[tuple[Any, ...]],
        rows: psycopg.ServerCursor[tuple[Any, ...]],
        vault: Vault,
        found: Findings,
    ) -> None:
        self._vault = vault
        self._found = found
        self.opened = 0
        self.erased = 0
        self._keys: dict[SubjectOfTenant, bytes | None] = {}
        self._needed: set[SubjectOfTenant] = set()
        shared: set[SubjectOfTenant] = set()
        for tenant, subject, wrapped, is_shared in connection.execute(_KEYS, (SHARD,)):
            if (tenant, subject) in self._keys:
                found.add(0, f"keys of subject {subject} of tenant {tenant}", 1, "more")
            self._keys[tenant, subject] = None if wrapped is None else self._unwrap(tenant, subject, wrapped)
            if is_shared is None:
                found.add(0, f"mark of subject {subject} of tenant {tenant}", "shared or not", "NULL")
            elif is_shared:
                shared.add((tenant, subject))
        self._check_shared(shared)
        self._cursor = rows
        self._cursor.itersize = ROWS_AT_ONCE
        self._cursor.execute(_VALUES, (SHARD,))
        self._row = self._next()

    def check(self, position: int, entry: Entry, event: Event | None) -> None:
        """Check the vault rows of one event that carries digests."""
        while self._row[0] < position:
            self._stray()
        digests = set(entry.sd) if entry.sd is not UNSET else set()
        of = subject_of(event)
        subject = None if of is None else (entry.tenant, of)
        key = self._keys.get(subject) if subject is not None else None
        if subject is not None:
            self._needed.add(subject)
        self._values_at(position, entry, event, subject, key, digests)
        if key is not None and digests - set(decoys(key, entry.eid)):
            missing = ", ".join(sorted(digests - set(decoys(key, entry.eid))))
            self._found.add(position, "vault values of the event", f"one for digest {missing}", "none")
        elif key is None and subject not in self._keys:
            self._found.add(position, "key of the subject", "a key or the mark of its destruction", "neither of them")

    def _values_at(
        self,
        position: int,
        entry: Entry,
        event: Event | None,
        subject: SubjectOfTenant | None,
        key: bytes | None,
        digests: set[str],
    ) -> None:
        """Check the rows at the event's position, and take their digests out of those of the entry."""
        paths: set[str] = set()
        while self._row[0] == position:
            path = self._row[2]
            if path in paths:
                self._found.add(position, f"rows of vault value {path}", 1, "more")
            paths.add(path)
            self._check_form(position, event)
            digest = self._value(entry, subject, key)
            if digest in (entry.sd or ()) and digest not in digests:
                self._found.add(position, f"digest of vault value {path}", "one of its own", digest)
            digests.discard(digest)
            self._row = self._next()

    def finish(self) -> None:
        """Whatever is left belongs to no event."""
        while self._row[0] < _END:
            self._stray()
        for tenant, subject in sorted(self._keys.keys() - self._needed, key=str):
            self._found.add(0, f"events about subject {subject} of tenant {tenant}", "one or more", "none, but a key")

    def _value(self, entry: Entry, subject: SubjectOfTenant | None, key: bytes | None) -> str:
        position, eid, path, digest, nonce, ciphertext, *owner = self._row
        if tuple(owner) != subject:
            what = f"tenant and subject of vault value {path}"
            self._found.add(position, what, "/".join(map(str, subject or ())) or "none", "/".join(map(str, owner)))
        if key is None:
            self.erased += 1
        else:
            self.opened += 1
        if eid != entry.eid or digest not in (entry.sd or ()):
            self._found.add(
                position, f"vault value {path}", f"a digest of event {entry.eid}", f"{digest} of event {eid}"
            )
        elif key is not None:
            self._open(position, key, entry.eid, Sealed(path, digest, nonce, ciphertext))
        return str(digest)

    def _check_form(self, position: int, event: Event | None) -> None:
        """What can be said of a value whose key is destroyed, too."""
        path, nonce, ciphertext = self._row[2], self._row[4], self._row[5]
        if event is not None and path not in personal_fields(type(event)):
            self._found.add(position, "path of a vault value", "a personal field of its event", repr(path))
        if len(nonce) != NONCE_BYTES or len(ciphertext) < TAG_BYTES:
            expected, got = f"{NONCE_BYTES} bytes and at least {TAG_BYTES}", f"{len(nonce)} and {len(ciphertext)}"
            self._found.add(position, f"nonce and ciphertext of vault value {path}", expected, got)

    def _open(self, position: int, key: bytes, eid: UUID, sealed: Sealed) -> None:
        try:
            open_field(key, eid, sealed)
        except VaultError as error:
            self._found.add(position, f"vault value {sealed.path}", f"what digest {sealed.digest} was made of", error)

    def _check_shared(self, shared: set[SubjectOfTenant]) -> None:
        """One key of several tenants is marked as such, so that its destruction destroys all copies; no other is."""
        owners: dict[tuple[UUID, bytes | None], list[UUID]] = {}
        for (tenant, subject), key in self._keys.items():
            owners.setdefault((subject, key), []).append(tenant)
        for (subject, key), tenants in owners.items():
            several = len(tenants) > 1
            for tenant in tenants:
                # Two destroyed keys of one subject may have been one or two.
                if ((tenant, subject) in shared) != several and not (several and key is None):
                    what = f"mark of subject {subject} of tenant {tenant}"
                    expected, got = ("shared", "not shared") if several else ("not shared", "shared")
                    self._found.add(0, what, expected, got)

    def _unwrap(self, tenant: UUID, subject: UUID, wrapped: bytes) -> bytes | None:
        try:
            return self._vault.key(tenant, subject, wrapped)
        except KeyFileError as error:
            self._found.add(0, f"key of subject {subject}", "a key this vault wrapped", error)
            return None

    def _stray(self) -> None:
        position, eid, path, *_ = self._row
        self._found.add(position, f"vault value {path}", "an event with digests at its position", f"none (event {eid})")
        self._row = self._next()

    def _next(self) -> tuple[Any, ...]:
        return self._cursor.fetchone() or (_END,)


_KEYS = """
SELECT coalesce(tenant, '00000000-0000-0000-0000-000000000000'),
       coalesce(subject, '00000000-0000-0000-0000-000000000000'), wrapped::bytea, shared
FROM ledger.subject_keys WHERE shard = %s"""
_VALUES = """
SELECT coalesce(position::bigint, 0), eid, coalesce(path::text, ''), coalesce(digest::text, ''),
       coalesce(nonce::bytea, ''), coalesce(ciphertext::bytea, ''), tenant, subject
FROM ledger.vault WHERE shard = %s ORDER BY 1, path"""
