"""The HTTP application: the routes around one running ledger.

Edge (request id, problems, access log) ─▶ router ─┬─▶ command routes ─▶ Ledger.execute
                                                    └─▶ reads ─▶ streams, read models, log
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cached_property
from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from api.compose import Running
from api.edge.rates import RateLimits
from api.http import openapi
from api.http.commands import routes as commands
from api.http.edge import Edge, answer_problem
from api.http.endpoints import (
    callbacks,
    evidence,
    keys,
    metrics,
    offers,
    papers,
    parked,
    proposals,
    service,
    stream,
    subjects,
)
from api.http.problems.problem import Problem
from api.http.reads import routes as reads
from api.http.services import Limits, Services


class Http(FastAPI):
    """The application; its description is made once, when it is first asked for.

    `Edge` stands outside the framework's own middleware, and commands go from it to their endpoints directly: that
    halves the processor time of a command.
    """

    edge: Edge

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection of an ASGI server."""
        scope["app"] = self
        await self.edge(scope, receive, send)

    async def route(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Everything but commands: through the framework."""
        await super().__call__(scope, receive, send)

    @cached_property
    def _document(self) -> dict[str, Any]:
        return openapi.document(self)

    @cached_property
    def openapi_bytes(self) -> bytes:
        """The OpenAPI document as it is served."""
        return msgspec.json.encode(self._document)

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document."""
        return self._document


DEFAULT_LIMITS, DEFAULT_RATES = Limits(), RateLimits()
HANDLED: tuple[type[Exception], ...] = (Problem, HTTPException, RequestValidationError, Exception)


def create_app(running: Running, *, limits: Limits = DEFAULT_LIMITS, rates: RateLimits = DEFAULT_RATES) -> FastAPI:
    """The HTTP interface of a running ledger; serve it in the event loop that runs the ledger.

    It takes commands and answers questions. Read models and checkpoints are kept up to date by others.
    """
    services = Services(running, limits, rates)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await services.queries.close()
            await services.health.close()

    app = Http(
        openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False, lifespan=lifespan,
        exception_handlers=dict.fromkeys(HANDLED, answer_problem),
    )  # fmt: skip
    app.state.services = services
    app.edge = Edge(app.route, commands.register(app, services))
    modules = (reads, papers, callbacks, offers, parked, subjects, keys, proposals, stream, evidence, service, metrics)
    for module in modules:
        module.register(app)
    return app
