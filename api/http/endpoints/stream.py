"""Server-sent events: the tenant's events as they are committed, each with its ledger position as id.

    connect ─▶ from Last-Event-ID, else starting_after, else now ─▶ events, comments while quiet ─▶ end of life

A client that reconnects sends the last id it saw (WHATWG HTML §9.2) and misses nothing: positions have no holes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

from fastapi import Depends, FastAPI, Header, Query
from msgspec import Struct
from starlette.responses import Response, StreamingResponse

from adapters.postgres.reading import browse
from adapters.postgres.reading.reader import Stored
from api.authentication import Principal
from api.http.authentication import needs
from api.http.commands.headers import last_event_id
from api.http.description import POSITION, Description, add
from api.http.problems import kinds
from api.http.reads.answers import DIGITS, encode
from api.http.reads.routes import STRICT, Of, parameter_of
from api.http.services import Services
from api.permissions import Permission
from api.queries.engine.events import event_item
from api.queries.engine.parameters import parameters_of
from api.queries.ledger import EventFilter, wanted_types
from domain.kernel.money import MAX_SAFE_INTEGER

BATCH = 100
RECONNECT_MS = 1_000
QUIET = b": quiet\n\n"

LastEventId = Annotated[
    str | None, Header(description="The position of the last event that was seen; stronger than `starting_after`.")
]
After = Annotated[
    int | None,
    DIGITS,
    Query(ge=0, le=MAX_SAFE_INTEGER, description="Begin behind this position; by default with what comes next."),
]


EventReader = Annotated[Principal, Depends(needs(Permission.READ_EVENTS))]
Types = parameter_of(parameters_of(EventFilter)[0]).annotation


class Following(Struct):
    """One open stream: whose, from where, which types."""

    tenant: UUID
    position: int
    types: frozenset[str]


async def stream_events(
    principal: EventReader,
    of: Of,
    starting_after: After = None,
    types: Types = None,  # type: ignore[valid-type]
    last_event_id_header: Annotated[LastEventId, Header(alias="Last-Event-ID")] = None,
) -> Response:
    """The tenant's events as they happen (server-sent events); a connection lives for ten minutes."""
    seen = last_event_id(last_event_id_header)
    size = await of.running.reader.size()
    position = seen if seen is not None else size if starting_after is None else starting_after
    if of.open_streams >= of.limits.streams:
        raise kinds.TOO_MANY_STREAMS(limit=of.limits.streams)
    following = Following(principal.tenant, position, wanted_types(types))
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", "Ledger-Position": str(size)}
    return StreamingResponse(_frames(of, following), headers=headers, media_type="text/event-stream")


async def _frames(of: Services, following: Following) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    ends_s = loop.time() + of.limits.stream_life_s
    of.open_streams += 1
    try:
        yield f"retry: {RECONNECT_MS}\n\n".encode()
        quiet_since_s = loop.time()
        while loop.time() < ends_s:
            frames = await _next(of, following)
            if frames:
                yield frames
                quiet_since_s = loop.time()
                continue
            if loop.time() - quiet_since_s >= of.limits.heartbeat_s:
                yield QUIET
                quiet_since_s = loop.time()
            await asyncio.sleep(of.limits.stream_poll_s)
    finally:
        of.open_streams -= 1


async def _next(of: Services, following: Following) -> bytes:
    """The frames of what came since; moves the stream on. Empty when nothing came."""
    size = await of.running.reader.size()
    while following.position < size:
        page = await of.queries.run(
            browse.ledger_page, following.tenant, following.position, BATCH, size, following.types
        )
        following.position = page.scanned_to
        if page.events:
            return b"".join(map(_frame, page.events))
        if not page.has_more:
            following.position = size
    return b""


def _frame(stored: Stored) -> bytes:
    kind = browse.envelope(stored.entry).type
    return b"id: %d\nevent: %b\ndata: %b\n\n" % (stored.position, kind.encode(), encode(event_item(stored)))


def register(app: FastAPI) -> None:
    """Add the route of this file."""
    content = {"text/event-stream": {"schema": {"type": ["string", "object"]}}}
    description = Description(content=content, headers=(POSITION,))
    add(app, "GET", "/v1/events/stream", stream_events, "events", description, dependencies=STRICT)
