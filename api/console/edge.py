"""The console's outermost layer: names every request and writes the access log, as the interface's does."""

from __future__ import annotations

from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api.console.requests import ROOT
from api.edge.log import GONE
from api.edge.watching import Watched

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
        watched = Watched(scope, send)
        try:
            await self._app(scope, receive, watched.send)
        except ClientDisconnect:
            watched.status = watched.status or GONE
        finally:
            watched.end(scope.get(_ROUTE, ""))
