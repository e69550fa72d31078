"""The suite's clock: it begins at the same instant on whatever day the tests run, and moves on from there.

What the product asks of `adapters.system` (`now`, the time in new ids) is shifted in every test process, so that no
test turns red on a holiday, at a month's end, or in the year after a table of rates ends. Programs that tests start
as processes of their own have the machine's clock.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, tzinfo
from types import SimpleNamespace

from adapters import system

BEGINS = datetime(2026, 11, 16, 2, tzinfo=UTC)
"""A Monday, ten in the morning in Beijing, before noon anywhere in China."""

_SHIFT_NS = int(BEGINS.timestamp()) * 1_000_000_000 - time.time_ns()


def _time_ns() -> int:
    return time.time_ns() + _SHIFT_NS


def _now(zone: tzinfo) -> datetime:
    return datetime.fromtimestamp(_time_ns() / 1_000_000_000, zone)


def shift() -> None:
    """From now on this process's product lives in the suite's time."""
    vars(system).update(datetime=SimpleNamespace(now=_now), time=SimpleNamespace(time_ns=_time_ns))
