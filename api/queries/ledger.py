"""The ledger as a whole: the tenant's events in ledger order, and what the first event says of the ledger."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from adapters.postgres.connections import Connection
from adapters.postgres.reading import browse
from api.permissions import Permission
from api.queries.engine.events import EventItem, event_item
from api.queries.engine.parameters import by_position
from api.queries.engine.read import Read, ReadRequest, ReadResult
from chain.entry import parse
from domain.access.ledger import LEDGER, LedgerOpened, LedgerOpenedForDemonstration, LedgerState, ledger_stream
from domain.kernel.event import Event

Types = Annotated[
    str | None,
    Meta(
        description="Only events of these types, separated by commas.",
        pattern=r"^[a-z0-9_.]+(,[a-z0-9_.]+){0,19}$",
        max_length=1_000,
        examples=["application.drafted.v1"],
    ),
]


class EventFilter(Struct, frozen=True, kw_only=True):
    """Which events are wanted."""

    types: Types = None


def wanted_types(types: str | None) -> frozenset[str]:
    """The event types of a filter; types that nobody knows match nothing."""
    return frozenset(types.split(",")) if types else frozenset()


def _list_events(request: ReadRequest) -> ReadResult:
    """The tenant's events in ledger order."""
    types = wanted_types(request.filters.types)
    page = browse.ledger_page(
        request.connection, request.tenant, request.after or 0, request.limit, request.moment, types
    )
    return ReadResult(tuple(map(event_item, page.events)), request.moment, page.scanned_to if page.has_more else None)


def ledger_state(connection: Connection) -> LedgerState:
    """What the ledger says of itself; the empty state where it was not opened yet.

    A ledger that had events before openings were recorded was opened later, and never for a demonstration.
    """
    first = browse.event_at(connection, 1)
    opening = None if first is None else _opening(first.entry)
    if first is not None and opening is None:
        later = browse.first_entry(connection, ledger_stream(browse.origin(connection)))
        opening = None if later is None else _opening(later)
        if not isinstance(opening, LedgerOpened):
            return LEDGER.initial
    return LEDGER.initial if opening is None else LEDGER.evolve(LEDGER.initial, opening)


def _opening(entry: bytes) -> Event | None:
    parsed = parse(entry)
    event = parsed.event() if parsed.seq == 1 and parsed.type.startswith(f"{LEDGER.name}.") else None
    return event if isinstance(event, LedgerOpened | LedgerOpenedForDemonstration) else None


READS = (
    Read(
        path="/events", query=_list_events, answer=EventItem, many=True, filters=EventFilter, cursor=by_position(),
        permission=Permission.READ_EVENTS, tag="events",
    ),
)  # fmt: skip
