"""A program to be killed: tells the story of a small world against a database, from wherever it stopped.

python -m tests.adapters.processes.story URL DATA FIRST LAST LEASES
"""

from __future__ import annotations

import asyncio
import sys
from datetime import date
from pathlib import Path
from typing import Any

from adapters.payments.in_process import by_seed
from api.compose import base, running
from api.settings import Settings
from tests import servers
from tests.adapters.processes.world import World, contents, pool_of, providers, read_models, tell


async def story(url: str, data: Path, first: date, last: date, leases: int) -> Any:
    """Tell it to its end; the ledger's contents."""
    values: dict[str, Any] = {"database_url": url, "data": data, "origin": servers.ORIGIN}
    with base(Settings(**values)) as on:
        async with running(on) as program:
            with read_models(url) as models, pool_of(url) as pool:
                async with pool:
                    # These banks decide at once and by the request alone: forgetting everything changes nothing.
                    banks = providers(by_seed("stateless", failures_pct=40, pending_pct=0, lost_pct=0))
                    world = World(program, models, banks, pool, reconciled=False, streams_in_flight=4)
                    await tell(world, first, last, leases)
                    return await contents(program)


if __name__ == "__main__":
    _, address, folder, start, end, count = sys.argv
    asyncio.run(story(address, Path(folder), date.fromisoformat(start), date.fromisoformat(end), int(count)))
