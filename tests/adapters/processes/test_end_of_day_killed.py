"""kill -9 in the middle of ends of days, again and again: the same ledger as if nothing had happened."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import date
from pathlib import Path
from random import Random

import pytest

from adapters.postgres.connections import connect
from tests.adapters.processes.story import story
from tests.ledger import Server

KILLS = int(os.environ.get("LEASELEDGER_FAULT_KILLS", "6"))
SEED = int(os.environ.get("LEASELEDGER_FAULT_SEED", "20261121"))
FIRST, LAST, LEASES = date(2005, 4, 27), date(2005, 5, 31), 12
LOOK_S = 0.002

ROOT = Path(__file__).parents[3]


def start(url: str, data: Path) -> subprocess.Popen[bytes]:
    """The story in a process of its own."""
    arguments = [url, str(data), str(FIRST), str(LAST), str(LEASES)]
    return subprocess.Popen(
        [sys.executable, "-m", "tests.adapters.processes.story", *arguments], cwd=ROOT, stderr=subprocess.PIPE
    )


def size(url: str) -> int:
    """Events in the ledger."""
    with connect(url) as connection:
        row = connection.execute("SELECT size FROM ledger.head").fetchone()
    assert row is not None
    return int(row[0])


def kill_at(url: str, data: Path, events: int) -> None:
    """Start the story and kill -9 it as soon as the ledger holds so many events."""
    process = start(url, data)
    while process.poll() is None and size(url) < events:
        time.sleep(LOOK_S)
    process.kill()
    process.communicate()


def accounts(data: Path) -> dict[str, list[tuple[object, ...]]]:
    """What the banks remember: every order with its fate, every refund, every callback, whoever made them when."""
    found: dict[str, list[tuple[object, ...]]] = {}
    for path in sorted((data / "banks").glob("*.sqlite")):
        with closing(sqlite3.connect(path)) as books:
            for table in ("orders", "refunds"):
                rows = books.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()
                found[f"{path.name} {table}"] = rows
            calls = books.execute("SELECT day, request, status, forged FROM calls ORDER BY 1, 2, 3, 4").fetchall()
            found[f"{path.name} calls"] = calls
    assert sum(map(len, found.values())) > LEASES
    return found


@pytest.mark.slow
async def test_killed_again_and_again_it_ends_in_the_same_ledger(server: Server, tmp_path: Path) -> None:
    """Types, bodies and business dates of every stream; most kills must have met the story half told."""
    random = Random(SEED)
    with server.ledger() as hurt, server.ledger() as calm:
        undisturbed = await story(calm, tmp_path / "calm", FIRST, LAST, LEASES)
        total = sum(map(len, undisturbed.values()))
        sizes: list[int] = []
        for events in sorted(random.sample(range(1, total), KILLS)):
            await asyncio.to_thread(kill_at, hurt, tmp_path / "hurt", events)
            sizes.append(size(hurt))
        disturbed = await story(hurt, tmp_path / "hurt", FIRST, LAST, LEASES)
    assert sum(met < total for met in sizes) > KILLS // 2, f"most kills came too late: {sizes} of {total}"
    assert accounts(tmp_path / "hurt") == accounts(tmp_path / "calm")
    assert disturbed.keys() == undisturbed.keys()
    for stream, events_of in undisturbed.items():
        assert disturbed[stream] == events_of
