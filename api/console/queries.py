"""Queries of pages, blocking, on a thread."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from msgspec import Struct

from adapters.postgres.connections import Connection
from adapters.postgres.reading import browse
from adapters.postgres.reading.opening import ledger_state
from adapters.system import now
from api.console.requests import Refused
from api.console.views.events import Origin, origin_of
from api.language import text
from api.queries.calendar import business_date
from api.queries.engine.events import EventItem, event_item
from api.queries.engine.read import Read, ReadRequest, ReadResult
from chain.entry import parse
from domain.kernel.times import BEIJING

Nouns = frozenset[str] | None
"""The nouns whose events a reader may open; `None` for all."""


class Neighbours(Struct, frozen=True):
    """Positions of the events before and behind an event that the same reader may open; 0 where none is near."""

    before: int = 0
    behind: int = 0


def answered(connection: Connection, read: Read, asked: dict[str, Any]) -> ReadResult | None:
    """The answer of a read."""
    return read.run(ReadRequest(connection=connection, **asked))


def event(connection: Connection, tenant: UUID, nouns: Nouns, position: int) -> EventItem | None:
    """An event of the tenant, of one of these nouns."""
    stored = browse.event_at(connection, position)
    if stored is None or (known := browse.envelope(stored.entry)).tenant != tenant:
        return None
    if nouns is not None and known.type.partition(".")[0] not in nouns:
        raise Refused(403, text("Not allowed"), text("This key's role may not see this page."))
    return event_item(stored)


def neighbours(connection: Connection, tenant: UUID, nouns: Nouns, position: int) -> Neighbours:
    """The tenant's events of these nouns beside an event."""
    before, behind = (browse.nearest(connection, tenant, position, later=later, nouns=nouns) for later in (False, True))
    return Neighbours(before or 0, behind or 0)


def newest(connection: Connection, tenant: UUID, nouns: Nouns) -> tuple[int, int]:
    """The size of the log, and the position of the tenant's newest event of these nouns, 0 for none near."""
    size = browse.head_size(connection)
    return size, browse.nearest(connection, tenant, size + 1, later=False, nouns=nouns) or 0


def origin(connection: Connection, item: EventItem) -> Origin:
    """The origin of an event."""
    return origin_of(connection, item.position, parse(bytes(item.entry)))


def business_day(connection: Connection, tenant: UUID) -> date:
    """The business date of a tenant; before its calendar is opened, the day in Beijing."""
    known = business_date(connection, tenant, browse.head_size(connection))
    return known or now().astimezone(BEIJING).date()


def made_up(connection: Connection) -> bool | None:
    """Whether the ledger was opened for a demonstration; `None` for an empty one, of which nobody knows yet."""
    return ledger_state(connection).demonstration if browse.head_size(connection) else None
