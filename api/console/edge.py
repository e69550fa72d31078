"""The console's outermost layer: names every request and writes the access log, as the interface's does."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adapters.system import new_id
from api.access_log import REQUEST_ID, log_request
from api.console.requests import ROOT

_ROUTE = "leaseledger.route"


def name_route(request: Request, pattern: str) -> None:
    """Say which route a request is logged under: its pattern, relative to the console."""
    request.scope[_ROUTE] = f"{ROOT}{pattern}"


class Edge:
    """ASGI application around the console's."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        began_s = asyncio.get_running_loop().time()
        scope[REQUEST_ID] = request_id = new_id().hex
        status = 0

        async def named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            await self._app(scope, receive, named)
        finally:
            log_request(scope, scope.get(_ROUTE, ""), status, asyncio.get_running_loop().time() - began_s)
