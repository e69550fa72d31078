"""Row 9: commands over HTTP against the serving role alone, from keep-alive clients of a process of their own.

    client × n ─▶ POST /v1/applications ─▶ 201 ─▶ the next one        read models and checkpoints are not at work

Each client waits for its answer before it asks again, so that one client measures how long an answer takes, and 512 how
many fit beside each other.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from adapters.postgres.connections import connect
from api.compose import Base
from tests.bench import http_clients
from tests.bench.model import Bar, Broken, Result, check, repeat, result
from tests.bench.place import Place, scalar

ALONE_BAR = Bar("http, one client", "commands/s", 500.0)
MANY_BAR = Bar("http, many clients", "commands/s", 5_000.0)
MANY = 512
PROGRAM = Path(sys.executable).with_name("leaseledger")


def run(place: Place) -> list[Result]:
    """Commands per second of one client and of many."""
    sizes = place.sizes
    with place.ledger("http") as on, served(on) as (url, key):
        throughput(on, url, key, MANY, sizes.seconds / 4)
        alone = repeat(lambda: throughput(on, url, key, 1, sizes.seconds), sizes.rounds)
        many = repeat(lambda: throughput(on, url, key, MANY, sizes.seconds), sizes.rounds)
    measured = f"rounds of {sizes.seconds:g} s, the clients on the same cores"
    return [
        result(ALONE_BAR, alone, measured=measured, note="one keep-alive client that waits for every answer"),
        result(MANY_BAR, many, measured=measured, note=f"{MANY} keep-alive clients"),
    ]


@contextmanager
def served(on: Base, program: Path = PROGRAM) -> Iterator[tuple[str, str]]:
    """The serving role as a process on a ledger: its address and an operator key."""
    command = [str(program), "role", "serve", "--port", "0", "--json"]
    log = Path(on.settings.data, "http.log")
    with (
        log.open("wb") as words,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=words, env=_working_on(on), text=True) as process,
        ThreadPoolExecutor(1) as reading,
    ):
        assert process.stdout is not None
        said = ""
        while not said.rstrip().endswith("\n}"):
            line = reading.submit(process.stdout.readline).result()
            if not line:
                raise Broken("a serving process", "its address", log.read_text())
            said += line
        try:
            told = json.loads(said)
            yield told["url"], told["operator_key"]
        finally:
            process.send_signal(signal.SIGTERM)


@contextmanager
def following(on: Base, program: Path = PROGRAM) -> Iterator[None]:
    """The projecting role as a process on a ledger."""
    with (
        Path(on.settings.data, "project.log").open("wb") as words,
        subprocess.Popen(
            [str(program), "role", "project"], stdout=words, stderr=subprocess.STDOUT, env=_working_on(on)
        ) as process,
    ):
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)


def environment(**given: str) -> dict[str, str]:
    """The environment of a program that is given these settings, and no other ones."""
    others = {name: one for name, one in os.environ.items() if not name.startswith("LEASELEDGER_")}
    return others | {f"LEASELEDGER_{name}": one for name, one in given.items()}


def _working_on(on: Base) -> dict[str, str]:
    return environment(DATABASE_URL=on.url, DATA=str(on.settings.data), ORIGIN=on.settings.origin)


def throughput(on: Base, url: str, key: str, clients: int, seconds: float) -> float:
    """Commands per second over one round. Raises `Broken` when the ledger does not hold what was acknowledged."""
    with connect(on.url) as connection:
        before = scalar(connection, "SELECT size FROM ledger.head")
        command = [sys.executable, "-m", http_clients.__name__, url, str(clients), str(seconds)]
        done = subprocess.run(command, input=key, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Broken("clients", "answers", done.stderr)
        told = json.loads(done.stdout)
        check("events in the ledger", before + told["commands"], scalar(connection, "SELECT size FROM ledger.head"))
    return float(told["commands"]) / float(told["seconds"])
