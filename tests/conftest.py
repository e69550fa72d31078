"""What holds for every test: no network unless marked, files in memory, one clock, seeds in the report.

pytest-randomly shuffles the tests and prints its seed in the header; `make test ARGS=--randomly-seed=N`
repeats that order. Hypothesis prints a blob that repeats a failing example.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from adapters.connectors.payments import collecting
from api import compose
from api.queries.engine import threads
from tests import clock, sampling

pytest_plugins = ["tests.given", "tests.ledger", "tests.worlds"]

clock.shift()

LOOPBACK_HOSTS = ["127.0.0.1", "::1", "localhost"]

# No deadline, no complaint about slow examples: how long one takes says more about the machine than about us.
settings.register_profile(
    sampling.PROFILE,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
    max_examples=sampling.examples(sampling.EXAMPLES),
)
settings.load_profile(sampling.PROFILE)

MEMORY = Path("/dev/shm")
ROOMY_BYTES = 4 << 30


def _in_memory() -> bool:
    """Whether a file system in memory is there, large enough, and one that programs can be started from."""
    if not os.access(MEMORY, os.W_OK) or os.statvfs(MEMORY).f_flag & os.ST_NOEXEC:
        return False
    return shutil.disk_usage(MEMORY).free >= ROOMY_BYTES


# Servers that tests start force every commit to the disk, as they must; the machine need not wait for one.
if "TMPDIR" not in os.environ and _in_memory():
    os.environ["TMPDIR"] = str(MEMORY)
    tempfile.tempdir = None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let tests marked `network` reach loopback; pytest-socket refuses other hosts and other tests.

    Tests on the demonstration come first: one process lives it for all, and begins with it, while another one, whose
    share begins behind them, has no need of it yet and does not wait.
    """
    for item in items:
        if item.get_closest_marker("network"):
            item.add_marker(pytest.mark.allow_hosts(LOOPBACK_HOSTS))
    items.sort(key=lambda item: "lived" not in getattr(item, "fixturenames", ()))


PATIENCE_S = 60.0


@pytest.fixture(autouse=True, scope="session")
def patient() -> Iterator[None]:
    """Waits that a product must not have: a slow machine is no broken database and no silent provider."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(compose, "READ_TIMEOUT_S", PATIENCE_S)
        patched.setattr(threads, "POOL_TIMEOUT_S", PATIENCE_S)
        patched.setattr(collecting, "ANSWER_TIMEOUT_S", PATIENCE_S)
        yield
