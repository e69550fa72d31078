"""Row 2: the same commands against UmaDB, an event store with its own server, over its own client."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import psutil
import umadb

from tests.bench import clients
from tests.bench.model import Bar, Broken, Result, check, compare, result
from tests.bench.place import Place
from tests.bench.stock import STATE, TOPIC

BAR = Bar("umadb", "commands/s", 3.0)
THREADS = 32
START_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 10.0
_PAUSE_S = 0.05
_SERVE = "from umadb.umadb_server_cli import main; main()"


def run(place: Place) -> list[Result]:
    """Commands per second of both, by turns."""
    sizes = place.sizes
    with place.ledger("uma") as on, server(place.work / "uma") as url:
        clients.throughput(on, sizes.seconds / 4, sizes.clients)
        throughput(url, sizes.seconds / 4)
        ours, peer = compare(
            lambda: clients.throughput(on, sizes.seconds, sizes.clients),
            lambda: throughput(url, sizes.seconds),
            sizes.rounds,
        )
    return [
        result(
            BAR,
            ours,
            peer,
            against=f"UmaDB, conditional appends, {THREADS} threads",
            measured=f"{sizes.clients} clients, rounds of {sizes.seconds:g} s",
            note="ours as in `commands`; peer: its server with its default (durable) settings, one client for each "
            "thread, each append on condition that its tag is new, with an event id for idempotency",
            missed="its server is a compiled program that keeps no canonical entries, chains, tree or signatures, and "
            "it shares flushes among its clients as we do",
        )
    ]


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """UmaDB's own server from its wheel on a free port of loopback, stopped at the end; its URL."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", _SERVE, "--listen", "127.0.0.1:0", "--db-path", str(folder / "uma.db")],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        yield _await_start(process, folder / "server.log")
    finally:
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def throughput(url: str, seconds: float, threads: int = THREADS) -> float:
    """One-event conditional appends per second over one round. Raises `Broken` when not all are there afterwards."""
    before = umadb.Client(url).head() or 0
    started = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        appends = sum(pool.map(lambda _: _client(url, started + seconds), range(threads)))
    elapsed = time.perf_counter() - started
    check("events in UmaDB", before + appends, umadb.Client(url).head())
    return appends / elapsed


def _client(url: str, until: float) -> int:
    client, appends = umadb.Client(url), 0
    while time.perf_counter() < until:
        tag = f"application:{uuid4().hex}"
        new = umadb.AppendCondition(umadb.Query([umadb.QueryItem(tags=[tag])]))
        client.append([umadb.Event(TOPIC, STATE, [tag], uuid4())], new)
        appends += 1
    return appends


def _await_start(process: subprocess.Popen[bytes], log: Path) -> str:
    """The URL that the server answers on; it takes a free port and does not say which, but the system does."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while process.poll() is None and time.monotonic() < deadline:
        for one in psutil.Process(process.pid).net_connections("tcp"):
            url = f"http://127.0.0.1:{one.laddr.port}"
            with suppress(umadb.TransportError):
                umadb.Client(url).head()
                return url
        time.sleep(_PAUSE_S)
    raise Broken("UmaDB's server", "an answer", log.read_text(errors="replace")[-500:])
