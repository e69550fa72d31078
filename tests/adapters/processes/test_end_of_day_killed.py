"""kill -9 in the middle of ends of days, again and again: the same ledger as if nothing had happened."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from random import Random

import pytest

from adapters.postgres.connections import connect
from tests.adapters.processes.story import story
from tests.servers import Server

KILLS = int(os.environ.get("LEASELEDGER_FAULT_KILLS", "6"))
SEED = int(os.environ.get("LEASELEDGER_FAULT_SEED", "20261121"))
FIRST, LAST, LEASES = date(2005, 4, 27), date(2005, 5, 31), 12
STARTING_S = 1.0
"""What Python needs to get going; kills before that hit nothing."""

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


@pytest.mark.slow
async def test_killed_again_and_again_it_ends_in_the_same_ledger(server: Server, tmp_path: Path) -> None:
    """Types, bodies and business dates of every stream; at least one kill must have met the story half told."""
    random = Random(SEED)
    sizes: list[int] = []
    with server.database() as hurt, server.database() as calm:
        for _ in range(KILLS):
            process = start(hurt, tmp_path / "hurt")
            await asyncio.sleep(random.uniform(STARTING_S, 3 * STARTING_S))
            process.kill()
            process.communicate()
            sizes.append(size(hurt))
        last = start(hurt, tmp_path / "hurt")
        _, said = last.communicate(timeout=300)
        assert last.returncode == 0, said.decode()
        disturbed = await story(hurt, tmp_path / "hurt", FIRST, LAST, LEASES)
        undisturbed = await story(calm, tmp_path / "calm", FIRST, LAST, LEASES)
    total = sum(map(len, undisturbed.values()))
    assert any(0 < met < total for met in sizes), f"no kill met a story half told: {sizes} of {total}"
    assert disturbed.keys() == undisturbed.keys()
    for stream, events in undisturbed.items():
        assert disturbed[stream] == events
