"""The service about itself: alive, ready, its problems, its own description."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from fastapi import FastAPI, Path, Request
from starlette.responses import Response

from adapters.postgres import browse
from adapters.postgres.schema import SHARD
from api.http import catalogue
from api.http.answers import JSON
from api.http.catalogue import Description, descriptions
from api.http.problems import Problem
from api.http.reads import STRICT, Of
from api.http.resources import Health, Readiness, ReadModel, encode
from api.queries.runner import Connection
from projections.engine import catalog

READY_BEHIND_MAX = 100_000
"""Positions that a live read model may be behind before this instance asks not to be given requests."""

PUBLIC_HOUR = "public, max-age=3600"
CodePath = Annotated[str, Path(description="A problem's code.", examples=["application.closed"])]


async def read_health() -> Response:
    """The process answers; nothing else is looked at."""
    return Response(encode(Health("ok")), media_type=JSON, headers={"Cache-Control": "no-store"})


async def read_readiness(of: Of) -> Response:
    """Whether the database answers and the live read models are near the ledger's head; 503 when not."""
    readiness = await of.queries.run(_readiness, of.now())
    status = 200 if readiness.status == "ready" else 503
    headers = {"Cache-Control": "no-store", "Ledger-Position": str(readiness.ledger_position)}
    return Response(encode(readiness), status, headers, JSON)


def _readiness(connection: Connection, now: datetime) -> Readiness:
    lags = catalog.lag(connection, SHARD, now)
    models = tuple(
        ReadModel(lag.name, lag.version, lag.status.value, lag.position, lag.behind, lag.dead_letters) for lag in lags
    )
    live = [model for model in models if model.status == catalog.Status.LIVE]
    ready = bool(live) and all(model.behind <= READY_BEHIND_MAX for model in live)
    return Readiness("ready" if ready else "behind", browse.head_size(connection), models)


async def list_problems() -> Response:
    """Every problem that this interface answers with, in both languages."""
    return _described(tuple(descriptions().values()))


async def read_problem(code: CodePath) -> Response:
    """What a problem's `type` means, in both languages."""
    found = descriptions().get(code)
    if found is None:
        raise Problem(catalogue.NOT_FOUND)
    return _described(found)


def _described(found: Description | tuple[Description, ...]) -> Response:
    return Response(encode(found), headers={"Cache-Control": PUBLIC_HOUR}, media_type=JSON)


async def read_openapi(request: Request) -> Response:
    """This description (OpenAPI 3.1)."""
    document = msgspec.json.encode(request.app.openapi())
    return Response(document, headers={"Cache-Control": PUBLIC_HOUR}, media_type=JSON)


def register(app: FastAPI) -> None:
    """Add the routes of this file."""
    for path, endpoint in (
        ("/healthz", read_health),
        ("/readyz", read_readiness),
        ("/problems", list_problems),
        ("/problems/{code}", read_problem),
        ("/v1/openapi.json", read_openapi),
    ):
        app.add_api_route(
            path, endpoint, methods=["GET"], tags=["service"], dependencies=STRICT, response_class=Response
        )
