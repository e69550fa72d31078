"""HTTP/1.1 as uvicorn speaks it, within limits: the size of a head, the time of heads and bodies, the connections.

    too many connections ─▶ 503      head too large ─▶ 431      head or body too late ─▶ 408      not HTTP ─▶ 400

Each is a problem document, as everything else that this program refuses; what the caller sent is not repeated.
"""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

from httptools import HttpParserError, HttpParserUpgrade
from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from adapters.system import new_id
from api.edge.log import log_refused
from api.edge.metrics import LIMITED
from api.http.problems import kinds
from api.http.problems.problem import ENGLISH, MEDIA_TYPE, RETRY_AFTER_S, Problem, ProblemKind, body_of
from api.http.server.connections import Connections

HEAD_MAX_BYTES = 32 << 10
"""Request line and headers of one request; a key, an idempotency key and a trace have a twentieth of that."""

LINGER_S = 1.0
"""How long what a refused caller still sends is thrown away, so that it can read the answer before the end."""


class Limited(HttpToolsProtocol):
    """One connection. `connections` knows all of them."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        open_connections: Connections,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._all = open_connections
        self._refused = False
        # Where in a request the parser is, the size of the head, and what it took since it last told of something.
        self._in_head = False
        self._in_body = False
        self._head_bytes = 0
        self._untold_bytes = 0

    # --------------------------------------------------------------------------------------------- connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection in, or say that there are too many."""
        super().connection_made(transport)
        if not self._all.admit(self, self.loop.time()):
            self._refuse(kinds.TOO_MANY_CONNECTIONS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._all.forget(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser; refuse what is too large, and remember what the connection waits for now."""
        if self._is_over():
            return
        self._all.idle.pop(self, None)
        self._untold_bytes += len(data)
        self._feed(data)
        if self._is_over():
            return
        if self._untold_bytes > HEAD_MAX_BYTES:
            self._refuse(kinds.HEAD_TOO_LARGE, limit_bytes=HEAD_MAX_BYTES)
        elif self._in_body:
            self._all.bodies.setdefault(self, self.loop.time())
        elif self._in_head or not self._busy:
            self._all.heads.setdefault(self, self.loop.time())

    def _feed(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except HttpParserUpgrade:
            # Another protocol is never begun; the request is answered in this one (RFC 9110 §7.8).
            return
        except HttpParserError:
            self._refuse(kinds.NOT_HTTP)

    def _is_over(self) -> bool:
        return self._refused or self.transport.is_closing()

    @property
    def _busy(self) -> bool:
        """Whether a request is being answered."""
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def pause_writing(self) -> None:
        """Whoever does not take his answer is not waited for without end."""
        super().pause_writing()
        self._all.stalled.setdefault(self, self.loop.time())

    def resume_writing(self) -> None:
        """It went on."""
        super().resume_writing()
        self._all.stalled.pop(self, None)

    # ------------------------------------------------------------------------------------------------- parser

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._in_head, self._head_bytes, self._untold_bytes = True, 0, 0

    def on_url(self, url: bytes) -> None:
        """A part of the address."""
        self._told(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header, or one behind the body."""
        self._told(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is there; the application is started."""
        if self._refused:
            return
        self._all.heads.pop(self, None)
        self._in_head, self._in_body, self._untold_bytes = False, True, 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._untold_bytes = 0
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The whole request is there."""
        self._all.bodies.pop(self, None)
        self._in_body, self._untold_bytes = False, 0
        if not self._refused:
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """The connection is the client's again."""
        super().on_response_complete()
        # Who is idle is the registry's business, which knows whom to close first.
        self._unset_keepalive_if_required()
        if self._in_head or self._in_body or self._busy or self.transport.is_closing():
            return
        self._all.idle[self] = self.loop.time()

    def _told(self, size_bytes: int) -> None:
        self._head_bytes += size_bytes
        self._untold_bytes = 0
        if self._head_bytes > HEAD_MAX_BYTES and not self._refused:
            self._refuse(kinds.HEAD_TOO_LARGE, limit_bytes=HEAD_MAX_BYTES)

    # ------------------------------------------------------------------------------------------------ refusals

    def head_late(self) -> bool:
        """Refuse a head that did not come in time, unless an answer is still being given."""
        if self._busy:
            return False
        if self._in_head or self._untold_bytes:
            self._refuse(kinds.HEAD_LATE)
        else:
            self.give_up()
        return True

    def body_late(self) -> None:
        """Refuse a body that did not come in time; one that nobody waits for was answered before."""
        if self._busy:
            self._refuse(kinds.BODY_LATE)
        else:
            self.give_up()

    def give_up(self) -> None:
        """Close without another word, and without waiting for what was not taken."""
        self._all.forget(self)
        self._refused = True
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            self.transport.close()

    def _refuse(self, kind: ProblemKind, **facts: object) -> None:
        """Answer by a problem, where nothing was answered yet, and close."""
        if self._refused:
            return
        self._refused = True
        request_id = new_id()
        log_refused(kind.code, kind.status, request_id.hex, self.client[0] if self.client else "")
        LIMITED.labels(kind.code).inc()
        if self._busy and self.cycle.response_started:
            self.transport.abort()
            return
        self.transport.write(_answer(kind(**facts), request_id))
        if self._all.lingers(self):
            self.transport.write_eof()
            self.flow.resume_reading()
            self.loop.call_later(LINGER_S, self.transport.abort)
        else:
            self.transport.close()
        if self._busy:
            # Whoever waits for the rest of this request hears that it will not come.
            self.cycle.disconnected = True
            self.cycle.message_event.set()


def _answer(problem: Problem, request_id: UUID) -> bytes:
    kind = problem.kind
    body = body_of(problem, ENGLISH, request_id.hex)
    headers = {
        "content-type": MEDIA_TYPE,
        "content-length": str(len(body)),
        "content-language": ENGLISH,
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "x-request-id": request_id.hex,
        "connection": "close",
    } | ({"retry-after": RETRY_AFTER_S} if kind.status == 503 else {})
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return STATUS_LINE[kind.status] + head.encode() + b"\r\n" + body
