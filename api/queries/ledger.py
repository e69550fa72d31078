"""The tenant's events in ledger order."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from adapters.postgres.reading import browse
from api.permissions import Permission
from api.queries.engine.events import EventItem, event_item
from api.queries.engine.parameters import by_position
from api.queries.engine.read import Read, ReadRequest, ReadResult

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


READS = (
    Read(
        path="/events", query=_list_events, answer=EventItem, many=True, filters=EventFilter, cursor=by_position(),
        permission=Permission.READ_EVENTS, tag="events",
    ),
)  # fmt: skip
