"""Turns at the reader's connections: whoever asks a lot waits behind himself, and nobody is told that there is no
database while there is one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Hashable

from adapters.fair_queue import ASKING
from adapters.postgres.connections import pool_of
from adapters.postgres.reading.reader import Reader
from api.compose import Running

CONNECTIONS = 3
WAIT_S = 0.5
"""How long the pool waits for a connection; the crowd needs four times as long."""


async def test_a_crowd_of_one_tenant_keeps_no_other_from_its_turn(program: Running) -> None:
    answered: list[Hashable] = []

    async def ask(reader: Reader, whose: str) -> None:
        ASKING.set(whose)
        await reader._rows("SELECT pg_sleep(%s)", (WAIT_S / 2,))
        answered.append(whose)

    async with pool_of(program.url, most=CONNECTIONS, timeout_s=WAIT_S) as pool:
        reader = Reader(pool)
        crowd = [asyncio.create_task(ask(reader, "crowd")) for _ in range(CONNECTIONS * 4)]
        await asyncio.sleep(0)
        await ask(reader, "other")
        before = len(answered)
        await asyncio.gather(*crowd)
    assert before <= CONNECTIONS
    assert answered.count("crowd") == CONNECTIONS * 4
