"""Two tenants, one of which does its worst: the other is answered, hears of its events and closes its days."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.bench import neighbours


@pytest.mark.slow
def test_a_tenant_that_does_its_worst_stops_no_other(tmp_path: Path) -> None:
    found = asyncio.run(neighbours.measured(tmp_path, 3, 12))
    assert found["beside"].keys() == {"order", "read", "list", "heard of", "end of day"}
    assert all(one["count"] for one in found["beside"].values())
    assert found["blows"]["bodies"].keys() == {"400"}
    assert found["blows"]["queries"].keys() == {"431"}
    assert found["blows"]["wrong keys"].keys() <= {"401", "429"}
