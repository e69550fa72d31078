"""The `eventsourcing` library as it comes: its own recorder, tables and projection runner, on the same server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from uuid import UUID, uuid4

import msgspec
from eventsourcing.persistence import ApplicationRecorder, StoredEvent
from eventsourcing.postgres import PostgresFactory
from eventsourcing.utils import Environment
from psycopg.conninfo import conninfo_to_dict

from tests.bench.clients import COMMAND
from tests.bench.model import check

THREADS = 8
TOPIC = "application.drafted.v1"
STATE = msgspec.json.encode(COMMAND)
"""The same fact that our side writes, as bare JSON: no envelope, no digest, no hash."""


def environment(url: str, threads: int = THREADS) -> dict[str, str]:
    """The library's settings for a database: its defaults, with as many pooled connections as there are threads."""
    given = conninfo_to_dict(url)
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": str(given["dbname"]),
        "POSTGRES_HOST": str(given["host"]),
        "POSTGRES_PORT": str(given.get("port") or 5432),
        "POSTGRES_USER": str(given["user"]),
        "POSTGRES_PASSWORD": str(given.get("password") or "none"),
        "POSTGRES_POOL_SIZE": str(threads),
    }


@contextmanager
def recorder(url: str) -> Iterator[ApplicationRecorder]:
    """The library's own application recorder on a database; it creates its table."""
    with PostgresFactory(Environment("stock", environment(url))) as factory:
        yield factory.application_recorder()


def throughput(store: ApplicationRecorder, seconds: float, threads: int = THREADS) -> float:
    """One-event saves per second over one round. Raises `Broken` when not all of them are there afterwards."""
    before = store.max_notification_id() or 0
    started = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        saves = sum(pool.map(lambda _: _client(store, started + seconds), range(threads)))
    elapsed = time.perf_counter() - started
    check("events in the library's table", before + saves, store.max_notification_id())
    return saves / elapsed


def _client(store: ApplicationRecorder, until: float) -> int:
    saves = 0
    while time.perf_counter() < until:
        store.insert_events([stored(uuid4())])
        saves += 1
    return saves


def stored(originator: UUID, version: int = 1) -> StoredEvent:
    """One event as the recorder takes it."""
    return StoredEvent(originator_id=originator, originator_version=version, topic=TOPIC, state=STATE)
