"""A program to be killed: tells the story of a small world against a database, from wherever it stopped.

python -m tests.adapters.processes.story URL DATA FIRST LAST LEASES
"""

from __future__ import annotations

import asyncio
import sys
from datetime import date
from pathlib import Path
from typing import Any

from adapters.connectors.payments.scenarios import by_seed
from api.compose import base, running
from api.settings import Settings
from tests.adapters.processes.world import a_world, contents, tell
from tests.ledger import ORIGIN


async def story(url: str, data: Path, first: date, last: date, leases: int) -> Any:
    """Tell it to its end; the ledger's contents."""
    values: dict[str, Any] = {"database_url": url, "data": data, "origin": ORIGIN}
    with base(Settings(**values)) as on:
        async with running(on) as program:
            # The banks remember in files, as a sandbox does: every kind of fate, refunds and chargebacks included.
            rule = by_seed("banks", failures_pct=40, pending_pct=20, lost_pct=10, partial_pct=20, charged_back_pct=10)
            async with a_world(program, rule, data / "banks", streams_in_flight=4) as world:
                await tell(world, first, last, leases)
                return await contents(program)


if __name__ == "__main__":
    _, address, folder, start, end, count = sys.argv
    asyncio.run(story(address, Path(folder), date.fromisoformat(start), date.fromisoformat(end), int(count)))
