"""Which streams are about a person or a clause: kept in memory, caught up with the ledger before every answer.

    ledger.events behind the last position that was seen ─▶ consents by person, clauses by tenant

The first question after a start reads the types of all events once; later ones read only what is new, so that an answer
is never behind the ledger.
"""

from __future__ import annotations

from collections import defaultdict
from threading import Lock
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from msgspec import Struct

from adapters.postgres.browse import head_size
from adapters.postgres.schema import SHARD

Connection = psycopg.Connection[tuple[Any, ...]]

_REQUESTED = "consent.requested."
_DRAFTED = "clause.drafted."
_TYPES = [f"{_REQUESTED}v1", f"{_DRAFTED}v1"]
_NEW = """
SELECT type, entry FROM ledger.events
WHERE shard = %s AND position > %s AND position <= %s AND type = ANY(%s) ORDER BY position"""


class _Body(Struct, frozen=True):
    subject: UUID | None = None


class _First(Struct, frozen=True):
    """What is needed of an entry."""

    tenant: UUID
    stream: UUID
    body: _Body


_DECODER = msgspec.json.Decoder(_First)


class Directory:
    """Streams by what they are about. Blocking; may be asked from several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._position = 0
        self._consents: defaultdict[tuple[UUID, UUID], dict[UUID, None]] = defaultdict(dict)
        self._clauses: defaultdict[UUID, dict[UUID, None]] = defaultdict(dict)

    def consents(self, connection: Connection, tenant: UUID, subject: UUID) -> tuple[UUID, ...]:
        """The streams of a person's consents with a tenant, oldest first."""
        with self._lock:
            self._catch_up(connection)
            return tuple(self._consents.get((tenant, subject), ()))

    def clauses(self, connection: Connection, tenant: UUID) -> tuple[UUID, ...]:
        """The streams of a tenant's clauses, oldest first."""
        with self._lock:
            self._catch_up(connection)
            return tuple(self._clauses.get(tenant, ()))

    def _catch_up(self, connection: Connection) -> None:
        size = head_size(connection)
        if size == self._position:
            return
        for kind, entry in connection.execute(_NEW, (SHARD, self._position, size, _TYPES)):
            first = _DECODER.decode(entry)
            if kind.startswith(_DRAFTED):
                self._clauses[first.tenant][first.stream] = None
            elif first.body.subject is not None:
                self._consents[first.tenant, first.body.subject][first.stream] = None
        self._position = size
