"""One throw-away place with tiny sizes for all measurements of a test process."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.bench.model import Sizes
from tests.bench.place import Place

TINY = Sizes(
    rounds=2,
    seconds=0.2,
    clients=8,
    cases=20,
    leases=10,
    peer_events=20,
    leaves=2_000,
    proofs=20,
    orders=300,
    stored=3_000,
    stored_before=300,
)


def running(pid: int) -> bool:
    """Whether a process does something still; one that nobody has waited for does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture(scope="session")
def data() -> Iterator[Path]:
    """A data directory that PostgreSQL's account can reach, also when we are root."""
    directory = Path(tempfile.mkdtemp(prefix="leaseledger-bench-"))
    yield directory
    shutil.rmtree(directory)


@pytest.fixture(scope="session")
def place(data: Path) -> Iterator[Place]:
    """A running server to measure on."""
    with Place(data, TINY) as opened:
        yield opened
