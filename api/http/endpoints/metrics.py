"""Metrics for an operator's Prometheus: one page of text, for whoever the setting lets read it.

    this process: requests, times, limits, streams, connections      the database: position, lags, who works

The numbers are those of the whole installation, so that a tenant's key does not read them.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from ipaddress import ip_address
from uuid import UUID

import psycopg
import psycopg_pool
from fastapi import Depends, FastAPI, Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response

from adapters.postgres.connections import Connection, DatabaseUnavailable
from adapters.postgres.reading import browse
from adapters.postgres.schema import SHARD
from api.edge import metrics
from api.followers import followers, roles
from api.http.authentication import anybody, caller, require
from api.http.description import Description, add
from api.http.problems import kinds
from api.http.reads.routes import CHECKED, Of
from api.permissions import Permission
from projections.engine import copies

LOOPBACK = "loopback"
"""The setting with which programs on this machine may read the page without a key."""

_FORWARDED = ("forwarded", "x-forwarded-for", "via")


async def may_measure(request: Request, of: Of) -> None:
    """The dependency of this route: a program on this machine where the setting says so, else who may."""
    if of.running.settings.metrics == LOOPBACK and from_this_machine(request):
        await anybody(request)
    else:
        principal = await caller(request)
        require(principal, Permission.READ_METRICS)
        if principal.tenant != of.running.settings.tenant:
            raise kinds.NOT_ALLOWED(role=principal.role, permission="measures of all tenants")


async def read_metrics(of: Of) -> Response:
    """Counters and gauges of the whole installation, in the text format of Prometheus.

    Needs the permission `read_metrics`, and a key of the tenant that runs the log.
    """
    metrics.QUEUED.set(of.running.writer.waiting)
    try:
        await of.queries.run(_look, of.now(), of.running.settings.tenants_with_banks)
    except (psycopg.OperationalError, psycopg_pool.PoolTimeout, DatabaseUnavailable):
        # That is when the rest of the page is needed most.
        metrics.DATABASE.set(0)
    return Response(
        generate_latest(metrics.REGISTRY), headers={"Cache-Control": "no-store"}, media_type=CONTENT_TYPE_LATEST
    )


def from_this_machine(request: Request) -> bool:
    """Whether a program on this machine asks, and asks for itself: a proxy that is not trusted speaks for anybody."""
    if request.client is None or any(name in request.headers for name in _FORWARDED):
        return False
    try:
        return ip_address(request.client.host).is_loopback
    except ValueError:
        return False


def _look(connection: Connection, now: datetime, with_banks: Collection[UUID]) -> None:
    """Set what the database knows."""
    metrics.POSITION.set(browse.head_size(connection))
    for lag in copies.lag(connection, SHARD, now) if copies.prepared(connection) else ():
        if lag.status is copies.Status.LIVE:
            metrics.BEHIND.labels(lag.name).set(lag.behind)
            metrics.DEAD_LETTERS.labels(lag.name).set(lag.dead_letters)
    found, behind = followers(connection, now, with_banks), dict[str, int]()
    for one in found:
        name = nobodys(one.name)
        behind[name] = max(behind.get(name, 0), one.behind)
    for name, positions in behind.items():
        metrics.FOLLOWER_BEHIND.labels(name).set(positions)
    for role in roles(connection, found):
        metrics.WAITS.labels(role.name).set(role.waits_s)
        metrics.WORKS.labels(role.name).set(role.works)
    metrics.DATABASE.set(1)


def nobodys(name: str) -> str:
    """A follower's name without the tenant that it works for."""
    first, _, last = name.rpartition(":")
    try:
        UUID(last)
    except ValueError:
        return name
    return first


def register(app: FastAPI) -> None:
    """Add the route of this file."""
    described = Description(
        content={"text/plain": {"schema": {"type": "string"}}},
        problems=(401, 403, 422, 429, 500, 503),
        security=({}, {"ApiKey": []}),
    )
    add(app, "GET", "/metrics", read_metrics, "service", described, dependencies=[Depends(may_measure), *CHECKED])
