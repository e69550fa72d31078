"""The serving role: the HTTP interface and the console around one running ledger, as one ASGI application.

/v1/…, /tlog/…, /healthz …  ─▶ api.http        /console/…  ─▶ api.console        /  ─▶ the console
"""

from __future__ import annotations

from fastapi import FastAPI
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from adapters.postgres import api_keys
from api.authentication import Authentication
from api.compose import Running
from api.console.app import Console
from api.console.requests import ROOT
from api.http.app import create_app


class Site:
    """The HTTP interface with the console beside it. The interface's lifespan is that of the whole."""

    def __init__(self, interface: FastAPI, console: ASGIApp) -> None:
        self.interface = interface
        self._console = console

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection of an ASGI server."""
        path: str = scope.get("path", "")
        if scope["type"] == "http" and path in ("/", ROOT):
            await RedirectResponse(f"{ROOT}/", 307)(scope, receive, send)
        elif scope["type"] == "http" and (path.startswith(f"{ROOT}/")):
            await self._console({**scope, "root_path": ROOT}, receive, send)
        else:
            await self.interface(scope, receive, send)


def site(running: Running) -> Site:
    """Everything that a running ledger serves; serve it in the event loop that runs the ledger."""
    access = Authentication(lambda hashed: running.queries.run(api_keys.find_key, hashed))
    return Site(create_app(running), Console(running, access).app())
