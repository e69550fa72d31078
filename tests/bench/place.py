"""A throw-away place to measure in: one data directory, one embedded server, a fresh database for every ledger.

Nothing of it is the user's: it lives in `<data>/bench-work`, has keys of its own, and is removed afterwards. What a
killed run left there is stopped and removed by the next one.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from types import TracebackType
from typing import Any, Self

from psycopg.conninfo import make_conninfo

from adapters.imports.xes import Case, cases
from adapters.postgres.connections import Connection, connect
from adapters.postgres.embedded import EmbeddedPostgres
from api.compose import Base, base
from api.settings import DEFAULT_TENANT, Settings
from tests.adapters.imports.generated import generate
from tests.bench.model import Sizes

WORK = "bench-work"
ORIGIN = "leaseledger.bench/log"
FLUSHES = 50
PAGE_BYTES = 8_192

SEED = 2012
"""The generated history is the same in every run."""


class Busy(RuntimeError):
    """Another benchmark is running on the same data directory; two at once would only measure each other."""


class Place:
    """Where benchmarks run. Use as a context manager. `file` is an event log to import instead of a generated one."""

    def __init__(self, data: Path, sizes: Sizes, file: Path | None = None) -> None:
        self.sizes = sizes
        self.file = file
        self._data = data.expanduser().resolve()
        self.work = self._data / WORK
        self._stack = ExitStack()
        self._cases: list[Case] = []
        self.url = ""

    def __enter__(self) -> Self:
        self._data.mkdir(parents=True, exist_ok=True)
        self._stack.enter_context(_alone(self._data / "tests.bench.lock"))
        if (self.work / "postgres" / "PG_VERSION").exists():
            with EmbeddedPostgres(self.work):
                pass
        shutil.rmtree(self.work, ignore_errors=True)
        self._stack.callback(shutil.rmtree, self.work, ignore_errors=True)
        self.url = self._stack.enter_context(EmbeddedPostgres(self.work)).url
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @contextmanager
    def database(self, name: str) -> Iterator[str]:
        """A fresh database on the server, dropped at the end; its connection string as superuser."""
        with connect(self.url, role=None) as admin:
            admin.execute(f'CREATE DATABASE "{name}"')
        try:
            yield make_conninfo(self.url, dbname=name)
        finally:
            with connect(self.url, role=None) as admin:
                admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    @contextmanager
    def ledger(self, name: str) -> Iterator[Base]:
        """A new empty ledger in a database of its own."""
        # Another ledger of this name may have been here; its keys have signed what is gone.
        shutil.rmtree(self.work / name, ignore_errors=True)
        with self.database(name) as url:
            given: dict[str, Any] = {
                "data": self.work / name,
                "keys": self.work / name / "keys",
                "database_url": url,
                "origin": ORIGIN,
                "tenant": DEFAULT_TENANT,
            }
            settings = Settings(**given)
            with base(settings) as on:
                yield on

    def cases(self) -> list[Case]:
        """The history to import, parsed, in memory."""
        if not self._cases:
            found = cases(self.file) if self.file is not None else generate(self.sizes.cases, SEED)
            self._cases = list(found)
        return self._cases

    def checkpoint(self) -> None:
        """Have the server write its dirty pages now, so that no measurement pays for what another one wrote."""
        with connect(self.url, role=None) as admin:
            admin.execute("CHECKPOINT")

    @contextmanager
    def slow_disk(self, delay_ms: int) -> Iterator[None]:
        """Every flush of the server's log waits this much longer, as on a slower disk or one behind a network."""
        self._configure(f"commit_delay = {delay_ms * 1_000}", "commit_siblings = 0")
        try:
            yield
        finally:
            self._configure("commit_delay TO DEFAULT", "commit_siblings TO DEFAULT")

    def _configure(self, *settings: str) -> None:
        with connect(self.url, role=None) as admin:
            for setting in settings:
                admin.execute(f"ALTER SYSTEM SET {setting}".encode())
            admin.execute("SELECT pg_reload_conf()")

    def flush_ms(self) -> float:
        """What forcing one page to this disk takes: the median of some, in milliseconds."""
        path, took = self.work / "flush", []
        with path.open("wb") as file:
            for _ in range(FLUSHES):
                file.write(bytes(PAGE_BYTES))
                file.flush()
                started = time.perf_counter()
                os.fdatasync(file.fileno())
                took.append(time.perf_counter() - started)
        path.unlink()
        return median(took) * 1_000


def scalar(connection: Connection, query: str) -> Any:
    """The first column of the first row of a query that always has one."""
    row = connection.execute(query.encode()).fetchone()
    assert row is not None, query
    return row[0]


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise Busy(
            f"{path.parent}: another benchmark is running here; wait for it or use another data directory"
        ) from None
    finally:
        os.close(lock)
