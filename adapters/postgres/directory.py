"""Which streams are a tenant's clauses: kept in memory, caught up with the ledger before every answer.

    ledger.events behind the last position that was seen ─▶ clauses by tenant

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

_DRAFTED = "clause.drafted.v1"
_NEW = """
SELECT entry FROM ledger.events
WHERE shard = %s AND position > %s AND position <= %s AND type = %s ORDER BY position"""


class _First(Struct, frozen=True):
    """What is needed of an entry."""

    tenant: UUID
    stream: UUID


_DECODER = msgspec.json.Decoder(_First)


class Directory:
    """Clause streams by tenant. Blocking; may be asked from several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._position = 0
        self._clauses: defaultdict[UUID, dict[UUID, None]] = defaultdict(dict)

    def clauses(self, connection: Connection, tenant: UUID) -> tuple[UUID, ...]:
        """The streams of a tenant's clauses, oldest first."""
        with self._lock:
            self._catch_up(connection)
            return tuple(self._clauses.get(tenant, ()))

    def _catch_up(self, connection: Connection) -> None:
        size = head_size(connection)
        if size == self._position:
            return
        for (entry,) in connection.execute(_NEW, (SHARD, self._position, size, _DRAFTED)):
            first = _DECODER.decode(entry)
            self._clauses[first.tenant][first.stream] = None
        self._position = size
