"""The serving role as a process of its own, with real sockets: what it said, what it logs, how it is spoken to."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pytest

from adapters.system import new_id
from tests.access import key_of
from tests.ledger import ORIGIN, composed_on

PROGRAM = Path(sys.executable).with_name("leaseledger")
PATIENCE_S = 60


def until(happened: Callable[[], bool]) -> None:
    """Ask again until it happened, for a bounded number of times."""
    waiting = threading.Event()
    for _ in range(600):
        if happened():
            return
        waiting.wait(0.1)
    pytest.fail("it never happened")


@dataclass(frozen=True)
class Answer:
    """One answer as it came over the wire."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass
class Serving:
    """A serving process on a ledger."""

    database: str
    url: str
    key: str
    pid: int
    words: IO[str]
    data: Path
    keys: dict[tuple[Any, str], str] = field(default_factory=dict)

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        host, _, port = self.url.rpartition("/")[2].rpartition(":")
        return host, int(port)

    def connect(self) -> socket.socket:
        """A connection of one's own."""
        return socket.create_connection(self.address, timeout=PATIENCE_S)

    def key_of(self, tenant: Any, role: str = "operator") -> str:
        """A key of a role of a tenant."""
        place = (tenant, role)
        if place not in self.keys:
            with composed_on(self.database, self.data) as on:
                self.keys[place] = key_of(on, tenant, role)
        return self.keys[place]

    def ask(self, path: str, key: str | None = None, method: str = "GET", body: bytes = b"", **more: str) -> Answer:
        """One request on a connection of its own; underscores of names stand for hyphens."""
        headers = {"Host": "ledger", "Connection": "close"} | ({"Authorization": f"Bearer {key}"} if key else {})
        headers |= {name.replace("_", "-"): value for name, value in more.items()}
        if method == "POST":
            headers = {"Idempotency-Key": new_id().hex, "Content-Type": "application/json"} | headers
            headers["Content-Length"] = str(len(body))
        with self.connect() as one:
            lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
            one.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
            return answer_on(one)

    def lines(self) -> list[dict[str, Any]]:
        """What it logged until now; every line of it is one JSON object. One that is being written is not there yet.

        Both have one place in the file: the program appends, wherever it was read from.
        """
        self.words.seek(0)
        whole, _, _ = self.words.read().rpartition("\n")
        return [json.loads(line) for line in whole.splitlines() if line != "Stopped."]

    def memory_bytes(self) -> int:
        """Its resident memory."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * resource.getpagesize()


def answer_on(one: socket.socket) -> Answer:
    """Everything that comes until the other side closes, as one answer."""
    came = b"".join(iter(lambda: one.recv(1 << 16), b""))
    return parsed(came)


def parsed(came: bytes) -> Answer:
    """An answer's bytes; a chunked body stays as it is."""
    head, _, body = came.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return Answer(int(first.split()[1]), {name.lower(): value.strip() for name, _, value in pairs}, body)


@contextmanager
def serving(database: str, data: Path, limits: Sequence[str] = (), **settings: str) -> Iterator[Serving]:
    """The program `role serve` on a prepared database, on a free port; `limits` are shell commands before it starts."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LEASELEDGER_")}
    given = {"DATABASE_URL": database, "ORIGIN": ORIGIN, "DATA": str(data)} | settings
    command = "; ".join([*limits, f"exec {PROGRAM} role serve --port 0 --json"])
    with (
        tempfile.TemporaryFile("a+") as words,
        subprocess.Popen(
            ["sh", "-c", command], stdout=subprocess.PIPE, stderr=words, text=True,
            env=clean | {f"LEASELEDGER_{name}": value for name, value in given.items()},
        ) as process,
    ):  # fmt: skip
        try:
            assert process.stdout is not None
            said = ""
            while not said.rstrip().endswith("\n}"):
                line = process.stdout.readline()
                if not line:
                    words.seek(0)
                    pytest.fail(words.read())
                said += line
            told = json.loads(said)
            yield Serving(database, told["url"], told["operator_key"], process.pid, words, data)
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE_S) == 0
        finally:
            process.kill()
