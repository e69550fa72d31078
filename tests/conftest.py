"""What holds for every test: no network unless marked, one Hypothesis profile, seeds in the report.

pytest-randomly shuffles the tests and prints its seed in the header; `make test ARGS=--randomly-seed=N`
repeats that order. Hypothesis prints a blob that repeats a failing example.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.ledger"]

LOOPBACK_HOSTS = ["127.0.0.1", "::1", "localhost"]

# No deadline, no complaint about slow examples: how long one takes says more about the machine than about us.
settings.register_profile("ci", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", settings.get_profile("ci"), max_examples=20)
settings.register_profile("deep", settings.get_profile("ci"), max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let tests marked `network` reach loopback; pytest-socket refuses other hosts and other tests."""
    for item in items:
        if item.get_closest_marker("network"):
            item.add_marker(pytest.mark.allow_hosts(LOOPBACK_HOSTS))
