"""Writing events for tests: entries as the ledger stores them, with honest positions, sequence numbers and links."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg import Connection

from chain.entry import UNLINKED, Link, draft, seal
from chain.merkle import leaf_hash
from domain.kernel.command import Actor, Context
from domain.kernel.event import Event
from domain.kernel.ids import uuid7
from domain.kernel.times import business_date, utc_text
from projections.engine.model import Recorded
from projections.engine.reading import decode

TENANT = uuid7(1_700_000_000_000, 1)
OTHER_TENANT = uuid7(1_700_000_000_000, 2)
START = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
CLERK = Actor("merchant_operator", "key_1")

Happening = tuple[UUID, datetime, Event]
"""What happened to which stream, and when."""


def stream(number: int) -> UUID:
    """The number-th stream; later numbers have later ids."""
    return uuid7(1_700_000_000_000 + number, 7)


def at(seconds: float = 0.0) -> datetime:
    """An instant some seconds after the start of the story."""
    return START + timedelta(seconds=seconds)


class Sealed:
    """Gives events their place: the part of a writer that needs no database."""

    def __init__(self, tenant: UUID = TENANT) -> None:
        self.size = 0
        self.tenant = tenant
        self._heads: dict[UUID, Link] = {}

    def seal(self, happening: Happening, tenant: UUID | None = None) -> tuple[int, UUID, int, str, bytes, bytes]:
        """position, stream, seq, type, entry, leaf of the next event."""
        of, when, event = happening
        self.size += 1
        command = uuid7(1_700_000_000_000, 1_000 + self.size)
        context = Context(
            tenant=tenant or self.tenant,
            actor=CLERK,
            correlation=of,
            now=when,
            business_date=business_date(when),
        )
        drafted = draft(event, context, stream=of, eid=uuid7(1_700_000_000_000, 9_000_000 + self.size), cause=command)
        link = self._heads.get(of, UNLINKED)
        recorded_at = utc_text(START + timedelta(milliseconds=self.size))
        entry = seal(drafted, link, link, recorded_at)
        leaf = leaf_hash(entry)
        self._heads[of] = (link[0] + 1, leaf)
        return self.size, of, link[0] + 1, drafted.type, entry, leaf


def recorded(happenings: Iterable[Happening], tenant: UUID = TENANT) -> Iterator[Recorded]:
    """The same as folds see it, without a database: each event as it was read back, with its envelope."""
    sealed = Sealed(tenant)
    for happening in happenings:
        position, _, _, _, entry, _ = sealed.seal(happening)
        yield decode(position, entry)


class BookKeeper:
    """Appends to the ledger of one database, with a new root of no meaning: projections never look at it."""

    def __init__(self, connection: Connection[Any], tenant: UUID = TENANT) -> None:
        self._connection = connection
        self._sealed = Sealed(tenant)

    @property
    def size(self) -> int:
        """How many events were written."""
        return self._sealed.size

    def write(self, *happenings: Happening, tenant: UUID | None = None) -> int:
        """Append these events in one commit; return the position of the last."""
        rows = [(0, *self._sealed.seal(happening, tenant)) for happening in happenings]
        with self._connection.transaction(), self._connection.cursor() as cursor:
            cursor.execute("SELECT ledger.make_room(0::smallint, %s)", (self.size,))
            with cursor.copy(
                "COPY ledger.events (shard, position, stream, seq, type, entry, leaf) FROM STDIN (FORMAT BINARY)"
            ) as copy:
                copy.set_types(["int2", "int8", "uuid", "int4", "text", "bytea", "bytea"])
                for row in rows:
                    copy.write_row(row)
            cursor.execute("UPDATE ledger.head SET size = %s WHERE shard = 0", (self.size,))
            cursor.execute("NOTIFY ledger")
        return self.size
