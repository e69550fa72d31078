"""HTTP/1.1 as uvicorn speaks it, within limits: the size of a head, the time of heads and bodies, the connections.

    too many connections ─▶ 503    head too large ─▶ 431    head or body too late ─▶ 408    not HTTP, no host ─▶ 400

Each is a problem document, as everything else that this program refuses; what the caller sent is not repeated. What
was asked before is answered before it is refused. A request that is answered before its body came is the last of its
connection: what still comes is thrown away for a moment, so that the answer can be read.
"""

from __future__ import annotations

import asyncio
import re
from functools import partial
from typing import Any
from uuid import UUID

from httptools import HttpParserError, HttpParserUpgrade
from starlette.types import ASGIApp, Message, Receive, Scope, Send
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

_HOST = re.compile(rb"[\w.~!$&'()*+,;=%:\[\]-]*", re.ASCII)
"""What may stand in the header Host, roughly (RFC 3986 §3.2.2, with a port): no blank, no path, no user."""


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
        # What is refused once everything that was asked before is answered; the answer that is the last one.
        self._owed: bytes | None = None
        self._last: RequestResponseCycle | None = None
        self._running: RequestResponseCycle | None = None
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
        """Forget it; whatever is at work for it hears so, also where further requests were sent behind."""
        self._all.forget(self)
        if self._running is not None and not self._running.response_complete:
            self._running.disconnected = True
            self._running.message_event.set()
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
        else:
            self._remember()

    def _remember(self) -> None:
        """Say what the connection waits for now; while the server is at work for it, for nothing."""
        now_s = self.loop.time()
        if self._in_body and not self.pipeline:
            self._all.bodies.setdefault(self, now_s)
        elif self._busy:
            self._all.at_work(self)
        else:
            self._all.heads.setdefault(self, now_s)

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
        return self._running is not None and not self._running.response_complete

    def pause_writing(self) -> None:
        """Whoever does not take his answer is not waited for without end."""
        super().pause_writing()
        self._all.stalled.setdefault(self, self.loop.time())

    def resume_writing(self) -> None:
        """It went on."""
        super().resume_writing()
        self._all.stalled.pop(self, None)
        if not self._is_over() and not self._busy:
            self._rest()

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
        if not self._names_one_host():
            self._refuse(kinds.HOST)
            return
        self._all.heads.pop(self, None)
        super().on_headers_complete()
        self._in_head, self._in_body, self._untold_bytes = False, True, 0

    def _names_one_host(self) -> bool:
        """Whether the request says once, and well-formed, whom it is for; in HTTP/1.0 it need not (RFC 9112 §3.2)."""
        hosts = [value for name, value in self.headers if name == b"host"]
        if not hosts:
            return bool(self.parser.get_http_version() < "1.1")
        return len(hosts) == 1 and _HOST.fullmatch(hosts[0]) is not None

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

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, partial(self._answer, cycle, app))

    async def _answer(
        self, cycle: RequestResponseCycle, app: ASGIApp, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Run the application; an answer that is given before the body came says that it is the connection's last."""

        async def watched(message: Message) -> None:
            early = message["type"] == "http.response.start" and cycle.more_body
            if early:
                message = {**message, "headers": [*message.get("headers", ()), (b"connection", b"close")]}
                self._last = cycle
            await send(message)
            if early:
                # Closed at once, what is unread would take the answer with it (RFC 9112 §9.6).
                cycle.keep_alive = True

        await app(scope, receive, watched)

    def on_response_complete(self) -> None:
        """The connection is the client's again."""
        super().on_response_complete()
        # Who is idle is the registry's business, which knows whom to close first.
        self._unset_keepalive_if_required()
        if self.transport.is_closing():
            return
        if self._last is not None and self._last.response_complete:
            self._part()
        elif self._owed is not None:
            if not self._busy:
                self._say_what_is_owed()
        else:
            self._rest()

    def _rest(self) -> None:
        """Wait for what comes next: a request that has begun, or one that has not, once the last answer is taken."""
        if self._busy or self._in_head or self._in_body or self._untold_bytes:
            self._remember()
        elif self not in self._all.stalled:
            self._all.idle[self] = self.loop.time()

    def _part(self) -> None:
        """End after the last answer: throw away what still comes, for a moment."""
        self._refused = True
        self._all.at_work(self)
        self._all.parting[self] = self.loop.time()
        self.pipeline.clear()
        self.flow.resume_reading()
        self.transport.write_eof()

    def _told(self, size_bytes: int) -> None:
        self._head_bytes += size_bytes
        self._untold_bytes = 0
        if self._head_bytes > HEAD_MAX_BYTES and not self._refused:
            self._refuse(kinds.HEAD_TOO_LARGE, limit_bytes=HEAD_MAX_BYTES)

    # ------------------------------------------------------------------------------------------------ refusals

    def head_late(self) -> None:
        """Refuse a head that did not come in time."""
        if self._in_head or self._untold_bytes:
            self._refuse(kinds.HEAD_LATE)
        else:
            self.give_up()

    def body_late(self) -> None:
        """Refuse a body that did not come in time."""
        self._refuse(kinds.BODY_LATE)

    def parted(self) -> None:
        """Close, unless the client has not taken the answer yet; he has as long for that as for any other."""
        if self.transport.get_write_buffer_size():
            self._all.parting[self] = self.loop.time()
            self._all.stalled.setdefault(self, self.loop.time())
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
        """Answer by a problem, once what was asked before is answered, and close."""
        if self._refused:
            return
        self._refused = True
        request_id = new_id()
        log_refused(kind.code, kind.status, request_id.hex, self.client[0] if self.client else "")
        LIMITED.labels(kind.code).inc()
        self._owed = _document(kind(**facts), request_id)
        broken: RequestResponseCycle | None = self.cycle if self._in_body else None
        if self.pipeline and self.pipeline[0][0] is broken:
            self.pipeline.popleft()
        elif broken is not None and not broken.response_complete:
            self._break_off(broken)
            return
        if self._busy:
            self._all.at_work(self)
        else:
            self._say_what_is_owed()

    def _break_off(self, cycle: RequestResponseCycle) -> None:
        """End the request that is being handled, whose rest will not come."""
        if cycle.response_started:
            self.transport.abort()
            return
        self._say_what_is_owed()
        cycle.disconnected = True
        cycle.message_event.set()

    def _say_what_is_owed(self) -> None:
        """Write the refusal, and close when the client had a moment to read it."""
        owed, self._owed = self._owed, None
        if owed is None or self.transport.is_closing():
            return
        self.transport.write(owed)
        if self._all.lingers(self):
            self.transport.write_eof()
            self.flow.resume_reading()
            self.loop.call_later(LINGER_S, self.transport.abort)
        else:
            self.transport.close()


def _document(problem: Problem, request_id: UUID) -> bytes:
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
