"""Observation of each request for access log and metrics, at every door: its id, its answer, how long that took."""

from __future__ import annotations

import time

from starlette.types import Message, Scope, Send

from adapters.system import new_id
from api.edge.log import ABOUT, METHODS, About, Answered, log_request
from api.edge.metrics import LATENCY, REQUESTS, SENT

HEAD = "HEAD"


class Watched:
    """A request that is being answered; `send` in place of the server's.

    The answer to HEAD is that to GET without its body (RFC 9110 §9.3.2).
    """

    def __init__(self, scope: Scope, send: Send) -> None:
        self.about = scope[ABOUT] = About(new_id().hex, scope["method"] == HEAD)
        self.about.headers.append((b"x-request-id", self.about.request_id.encode()))
        self.status, self.complete = 0, False
        self._scope, self._send, self._bytes = scope, send, 0
        # The event loop's own clock stands still while it works.
        self._began_s = time.perf_counter()

    async def send(self, message: Message) -> None:
        """Pass a part of the answer on."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message["headers"], *self.about.headers]
        elif self.about.head:
            message = {**message, "body": b""}
        await self._send(message)
        if message["type"] == "http.response.body":
            self._bytes += len(message.get("body", b""))
            self.complete = not message.get("more_body")

    def end(self, route: str) -> None:
        """Write the line and count."""
        seconds = time.perf_counter() - self._began_s
        log_request(self._scope, Answered(route, self.status, seconds, self._bytes))
        method = self._scope["method"]
        REQUESTS.labels(method if method in METHODS else "OTHER", route, self.status).inc()
        LATENCY.labels(route).observe(seconds)
        SENT.inc(self._bytes)
