"""Server-sent events: the tenant's events as they are committed, each with its ledger position as id.

    connect ─▶ from Last-Event-ID, else starting_after, else now ─▶ events, comments while quiet ─▶ end of life

A client that reconnects sends the last id it saw (WHATWG HTML §9.2) and misses nothing: positions have no holes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, Query, Request
from msgspec import Struct
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from adapters.postgres.reading import browse
from adapters.postgres.reading.reader import Stored
from api.edge.log import about
from api.http.authentication import Needs, bearer
from api.http.commands.headers import last_event_id
from api.http.description import POSITION, Description, add
from api.http.reads.answers import DIGITS, encode
from api.http.reads.routes import STRICT, Of, parameter_of
from api.http.services import Services
from api.identity.authentication import Principal
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


EventReader = Annotated[Principal, Depends(Needs(Permission.READ_EVENTS))]
Types = parameter_of(parameters_of(EventFilter)[0]).annotation


class Following(Struct):
    """One open stream: whose, by which key, from where, which types."""

    principal: Principal
    key: str
    position: int
    types: frozenset[str]


async def stream_events(
    request: Request,
    principal: EventReader,
    of: Of,
    starting_after: After = None,
    types: Types = None,  # type: ignore[valid-type]
    last_event_id_header: Annotated[LastEventId, Header(alias="Last-Event-ID")] = None,
) -> Response:
    """The tenant's events as they happen (server-sent events); a connection lives for ten minutes."""
    seen = last_event_id(last_event_id_header)
    begin = starting_after if seen is None else seen
    size = await of.in_reach(begin or 0)
    key = bearer(request.headers.get("authorization"))
    assert key is not None, "that is who asks"
    following = Following(principal, key, size if begin is None else begin, wanted_types(types))
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", "Ledger-Position": str(size)}
    return Stream(of, following, headers=headers, media_type="text/event-stream")


class Stream(StreamingResponse):
    """The answer that goes on; it counts among the open ones from before its first byte until whatever ends it."""

    def __init__(self, of: Services, following: Following, **more: Any) -> None:
        super().__init__(_frames(of, following), **more)
        self._of, self._following = of, following

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream, unless only the head is wanted. Raises `stream.limit` and `stream.full`."""
        with self._of.streaming(self._following.principal):
            if about(scope).head:
                # Nobody knows the length of what would follow, so that nothing is said of it (RFC 9110 §8.6).
                await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
                await send({"type": "http.response.body", "body": b""})
            else:
                await super().__call__(scope, receive, send)


async def _frames(of: Services, following: Following) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    ends_s = loop.time() + of.limits.stream_life_s
    yield f"retry: {RECONNECT_MS}\n\n".encode()
    quiet_since_s = loop.time()
    while loop.time() < ends_s and await _may_still(of, following):
        frames = await _next(of, following)
        if frames:
            yield frames
            quiet_since_s = loop.time()
            continue
        if loop.time() - quiet_since_s >= of.limits.heartbeat_s:
            yield QUIET
            quiet_since_s = loop.time()
        await asyncio.sleep(of.limits.stream_poll_s)


async def _may_still(of: Services, following: Following) -> bool:
    """Whether the key is still what it was when the stream began; known for as long as for every other request."""
    found = await of.access.find(following.key)
    return found is not None and found.tenant == following.principal.tenant and found.may(Permission.READ_EVENTS)


async def _next(of: Services, following: Following) -> bytes:
    """The frames of what came since; moves the stream on. Empty when nothing came."""
    size = await of.running.reader.size()
    while following.position < size:
        page = await of.queries.run(
            browse.ledger_page, following.principal.tenant, following.position, BATCH, size, following.types
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
