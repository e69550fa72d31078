"""The serving role: the HTTP interface and the console around one running ledger, as one ASGI application.

/v1/…, /tlog/…, /healthz …  ─▶ api.http        /console/…  ─▶ api.console        /  ─▶ the console
"""

from __future__ import annotations

import asyncio
import gc
import socket
from collections.abc import Awaitable, Callable
from functools import partial
from types import FrameType

import uvicorn
import uvloop
from fastapi import FastAPI
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from adapters.postgres import role_locks
from api.compose import Base, Running
from api.console.app import Console
from api.console.requests import ROOT
from api.edge.metrics import CONNECTIONS
from api.edge.rates import RateLimits
from api.http.app import create_app
from api.http.server.connections import BACKLOG, ConnectionLimits, Connections, room_for
from api.http.server.protocol import Limited
from api.http.services import Services
from api.identity.authentication import Authentication
from api.roles.opening import opened
from api.roles.role import seen

SHUTDOWN_TIMEOUT_S = 10
"""Requests that are still open after so long are cut off."""

GC_THRESHOLDS = (50_000, 50, 1_000)
"""Requests make objects that die with them; walking all that lives after every 700 costs a fifth of the time."""

TICKS_OF_A_SWEEP = 5
"""uvicorn ticks ten times a second; connections are looked at every half second."""


class Site:
    """The HTTP interface with the console beside it. The interface's lifespan is that of the whole."""

    def __init__(self, interface: FastAPI, console: ASGIApp, access: Authentication) -> None:
        self.interface = interface
        self.access = access
        self._console = console

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection of an ASGI server."""
        path: str = scope.get("path", "")
        if scope["type"] == "http" and path in ("/", ROOT):
            asked = scope.get("query_string", b"").decode("latin-1")
            await RedirectResponse(f"{ROOT}/{asked and f'?{asked}'}", 307)(scope, receive, send)
        elif scope["type"] == "http" and (path.startswith(f"{ROOT}/")):
            await self._console({**scope, "root_path": ROOT}, receive, send)
        else:
            await self.interface(scope, receive, send)


def site(ledger: Running) -> Site:
    """Everything that a running ledger serves; serve it in the event loop that runs the ledger."""
    given = ledger.settings
    rates = RateLimits(key=given.rate_per_key, tenant=given.rate_per_tenant, address=given.rate_per_address)
    interface = create_app(ledger, rates=rates)
    shared: Services = interface.state.services
    console = Console(ledger, shared.queries, shared.access, shared.rates).app()
    return Site(interface, console, shared.access)


class Server(uvicorn.Server):
    """uvicorn's server, which says when it listens and looks after its connections.

    It ends by itself when told to, instead of raising the signal again after its work is done.
    """

    def __init__(self, config: uvicorn.Config, connections: Connections, ready: Callable[[], Awaitable[None]]) -> None:
        super().__init__(config)
        self._connections = connections
        self._ready = ready

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's signature
        """Stop; at once when told twice."""
        self.force_exit = self.should_exit
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets)
        await self._ready()

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second."""
        if counter % TICKS_OF_A_SWEEP == 0:
            self._connections.sweep(asyncio.get_running_loop().time())
            CONNECTIONS.set(len(self._connections.open))
        return await super().on_tick(counter)


Ready = Callable[[Running], Awaitable[None]]


def serve(on: Base, listener: socket.socket, ready: Ready) -> None:
    """Serve until a signal; `ready` is awaited once requests are taken."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(on, listener, ready))


async def _serve(on: Base, listener: socket.socket, ready: Ready) -> None:
    connections = Connections(ConnectionLimits(most=room_for(on.settings.connections)))
    proxies = on.settings.trusted_proxies
    async with opened(on) as ledger:
        config = uvicorn.Config(
            site(ledger),
            http=partial(Limited, open_connections=connections),  # type: ignore[arg-type]
            ws="none",
            backlog=BACKLOG,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="on",
            proxy_headers=bool(proxies),
            forwarded_allow_ips=proxies,
            timeout_graceful_shutdown=SHUTDOWN_TIMEOUT_S,
        )
        # What lives now lives until the end: the collector need not walk it again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLDS)
        async with seen(on, role_locks.SERVE):
            await Server(config, connections, partial(ready, ledger)).serve(sockets=[listener])
