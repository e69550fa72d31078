"""`python -m tests.bench.neighbours QUIET_S SIEGE_S`: two tenants on one machine, of which one does its worst.

    up ─▶ tenant A, besieging: orders without end, dear lists, bodies of 0.9 MB, queries of 30 KB, event streams,
          wrong keys, bodies that trickle
       ─▶ tenant B, living: order, read it, list, hear of it on its stream, close a business day; again

B's life is timed without A first, then beside A. Whatever B is refused or does not hear of ends the run.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from uuid import uuid4

from tests.bench.http_clients import Connection, order
from tests.bench.model import Broken
from tests.bench.serving import PROGRAM, environment

NEIGHBOUR = "22222222-2222-4222-8222-222222222222"
FIRST_DAY = date(2026, 1, 1)
PAUSE_S = 0.2
"""Between two rounds of the living tenant."""

HEARD_WITHIN_S = 30.0
ORDERS, LISTS, BODIES, QUERIES, STREAMS, WRONG_KEYS, TRICKLES = 64, 8, 4, 4, 50, 8, 50
STREAM = "/v1/events/stream"
LARGE = b'{"reference":"%s"}' % b",".join(b'"m%d":1' % one for one in range(90_000))


# ------------------------------------------------------------------------------------------ the one that lives


class Living:
    """A tenant's life, timed: seconds by what was done."""

    def __init__(self, url: str, key: str) -> None:
        self.at = Connection(url, key)
        self.heard = Connection(url, key)
        self.took: dict[str, list[float]] = {}
        self.number = 0
        self.positions: asyncio.Queue[int] = asyncio.Queue()

    async def live(self, until_s: float) -> None:
        """Round after round until the time is over."""
        hearing = asyncio.create_task(self._hear())
        try:
            while time.perf_counter() < until_s:
                await self._round()
                await asyncio.sleep(PAUSE_S)
        finally:
            hearing.cancel()
            self.heard.close()

    async def _round(self) -> None:
        self.number += 1
        told = await self._timed("order", 201, "POST", "/v1/applications", order(self.number), f"live-{uuid4().hex}")
        began_s = time.perf_counter()
        await self._timed("read", 200, "GET", f"/v1/applications/{told['id']}?at_least={told['last_position']}")
        page = await self._timed("list", 200, "GET", f"/v1/applications?limit=50&at_least={told['last_position']}")
        if len(page["data"]) != min(self.number, 50):
            raise Broken("orders in the list", min(self.number, 50), len(page["data"]))
        async with asyncio.timeout(HEARD_WITHIN_S):
            while await self.positions.get() < told["last_position"]:
                pass
        self.took.setdefault("heard of", []).append(time.perf_counter() - began_s)

    async def _timed(self, what: str, expected: int, *asked: Any) -> Any:
        began_s = time.perf_counter()
        status, said = await self.at.ask(*asked)
        self.took.setdefault(what, []).append(time.perf_counter() - began_s)
        if status != expected:
            raise Broken(f"{what} of the tenant that lives", expected, (status, said[:300]))
        return json.loads(said)

    async def _hear(self) -> None:
        reader, writer = await asyncio.open_connection(self.heard.host, int(self.heard.port))
        self.heard.streams = reader, writer
        writer.write(f"GET {STREAM} HTTP/1.1\r\n{self.heard.head}Accept: text/event-stream\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise Broken("the stream of the tenant that lives", 200, head)
        while line := await reader.readline():
            if line.startswith(b"id:"):
                self.positions.put_nowait(int(line[3:]))


async def closing_days(around: dict[str, str], took: list[float], until_s: float, first: date) -> date:
    """Close one business day after the other, each by a process of its own; the first day that is not closed."""
    day = first
    while time.perf_counter() < until_s:
        opening = ("--open", str(day)) if day == FIRST_DAY else ()
        began_s = time.perf_counter()
        await leaseledger(around, "end-of-day", *opening, "--to", str(day), "--tenant", NEIGHBOUR)
        took.append(time.perf_counter() - began_s)
        day += timedelta(days=1)
        await asyncio.sleep(PAUSE_S)
    return day


# ------------------------------------------------------------------------------------------ the one that besieges

Blow = Callable[[Connection], Awaitable[int]]


async def _ordering(at: Connection) -> int:
    return (await at.ask("POST", "/v1/applications", order(1), f"siege-{uuid4().hex}"))[0]


async def _listing(at: Connection) -> int:
    return (await at.ask("GET", "/v1/applications?limit=100&state=draft&as_of_position=40"))[0]


async def _large(at: Connection) -> int:
    return (await at.ask("POST", "/v1/applications", LARGE, f"siege-{uuid4().hex}"))[0]


async def _asking(at: Connection) -> int:
    return (await at.ask("GET", "/v1/applications?" + "&".join(f"n{one}=1" for one in range(4_500))))[0]


async def _following(at: Connection) -> int:
    reader, writer = await asyncio.open_connection(at.host, int(at.port))
    try:
        writer.write(f"GET {STREAM} HTTP/1.1\r\n{at.head}Accept: text/event-stream\r\n\r\n".encode())
        status = int((await reader.readline()).split(b" ", 2)[1])
        with suppress(TimeoutError):
            async with asyncio.timeout(5):
                while await reader.readline():
                    pass
        return status
    finally:
        writer.close()


async def _guessing(at: Connection) -> int:
    wrong = Connection(f"http://{at.host}:{at.port}", f"llk_{uuid4().hex}")
    try:
        return (await wrong.ask("GET", "/v1/applications"))[0]
    finally:
        wrong.close()


async def _trickling(at: Connection) -> int:
    _, writer = await asyncio.open_connection(at.host, int(at.port))
    try:
        writer.write(f"POST /v1/applications HTTP/1.1\r\n{at.head}Content-Length: 100000\r\n\r\n".encode())
        for _ in range(10):
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(1)
        return 0
    finally:
        writer.close()


_BLOWS: list[tuple[str, int, Blow]] = [
    ("orders", ORDERS, _ordering),
    ("lists", LISTS, _listing),
    ("bodies", BODIES, _large),
    ("queries", QUERIES, _asking),
    ("streams", STREAMS, _following),
    ("wrong keys", WRONG_KEYS, _guessing),
    ("trickles", TRICKLES, _trickling),
]


async def besiege(url: str, key: str, until_s: float) -> dict[str, Counter[int]]:
    """Do one's worst until the time is over: how often each blow got which status; 0 where the line went dead."""
    struck = {name: Counter[int]() for name, _, _ in _BLOWS}

    async def strike(name: str, blow: Blow) -> None:
        at = Connection(url, key)
        while time.perf_counter() < until_s:
            try:
                struck[name][await blow(at)] += 1
            except (OSError, asyncio.IncompleteReadError, IndexError):
                struck[name][0] += 1
                at.close()
                await asyncio.sleep(0.05)
        at.close()

    await asyncio.gather(*(strike(name, blow) for name, count, blow in _BLOWS for _ in range(count)))
    return struck


# ------------------------------------------------------------------------------------------ both


async def leaseledger(around: dict[str, str], *arguments: str) -> Any:
    """What a command of the program says as JSON. Raises `Broken` when it fails."""
    process = await asyncio.create_subprocess_exec(
        str(PROGRAM), *arguments, "--json", env=around, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, wrong = await process.communicate()
    if process.returncode:
        raise Broken(" ".join(arguments), 0, (process.returncode, wrong.decode()[-600:]))
    return json.loads(said) if said.strip() else None


async def measured(data: Path, quiet_s: float, siege_s: float) -> dict[str, Any]:
    """Figures of both tenants: seconds of the one that lives without the other and beside it; blows of the other."""
    around = environment(DATA=str(data))
    up = await asyncio.create_subprocess_exec(
        str(PROGRAM), "up", "--port", "0", "--json", env=around, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        assert up.stdout is not None
        told = json.loads(await up.stdout.readuntil(b"\n}"))
        await leaseledger(around, "tenant", "register", NEIGHBOUR, "--label", "B")
        user = await leaseledger(around, "user", "register", "E001", "--role", "operator", "--tenant", NEIGHBOUR)
        key = await leaseledger(
            around,
            "api-key",
            "make",
            user["id"],
            "--role",
            "operator",
            "--label",
            "till",
            "--tenant",
            NEIGHBOUR,
        )
        return await _both(around, told["url"], (told["operator_key"], key["key"]), quiet_s, siege_s)
    finally:
        up.send_signal(signal.SIGTERM)
        await up.wait()


async def _both(
    around: dict[str, str], url: str, keys: tuple[str, str], quiet_s: float, siege_s: float
) -> dict[str, Any]:
    quiet, beside = Living(url, keys[1]), Living(url, keys[1])
    days: tuple[list[float], list[float]] = [], []
    until_s = time.perf_counter() + quiet_s
    day, _ = await asyncio.gather(closing_days(around, days[0], until_s, FIRST_DAY), quiet.live(until_s))
    beside.number = quiet.number
    until_s = time.perf_counter() + siege_s
    last, _, struck = await asyncio.gather(
        closing_days(around, days[1], until_s, day), beside.live(until_s), besiege(url, keys[0], until_s)
    )
    await leaseledger(around, "fsck")
    return {
        "alone": _figures(quiet.took | {"end of day": days[0]}),
        "beside": _figures(beside.took | {"end of day": days[1]}),
        "days": (last - FIRST_DAY).days,
        "orders": beside.number,
        "blows": {name: {str(status): count for status, count in one.items()} for name, one in struck.items()},
    }


def _figures(took: dict[str, list[float]]) -> dict[str, dict[str, float]]:
    """Number, median, 99th percentile and longest, in milliseconds."""
    return {
        name: {
            "count": len(found),
            "median_ms": round(median(found) * 1e3, 1),
            "p99_ms": round((quantiles(found, n=100)[98] if len(found) > 1 else found[0]) * 1e3, 1),
            "longest_ms": round(max(found) * 1e3, 1),
        }
        for name, found in took.items()
        if found
    }


def main(quiet_s: str, siege_s: str) -> None:
    """Live, besiege, say the figures as JSON."""
    with tempfile.TemporaryDirectory(prefix="leaseledger-") as data:
        found = asyncio.run(measured(Path(data), float(quiet_s), float(siege_s)))
    sys.stdout.write(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
