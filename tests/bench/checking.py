"""Row 5: fsck, the replay of a whole ledger with every hash and every rule checked again, on one core."""

from __future__ import annotations

import time

from adapters.postgres.connections import connect
from adapters.postgres.fsck.whole import fsck
from adapters.postgres.log import Log
from adapters.postgres.vault import Vault
from adapters.system import random_bytes
from api.compose import Base
from tests.bench.importing import import_all
from tests.bench.model import Bar, Broken, Result, check, cpu_seconds, repeat, result
from tests.bench.place import Place

BAR = Bar("fsck", "events/s per core", 100_000.0)


def run(place: Place) -> list[Result]:
    """Events per CPU second of our program; the wall clock is in the note."""
    walls: list[float] = []
    with place.ledger("fsck") as on:
        _, events = import_all(on, place.cases())
        ours = repeat(lambda: check_all(on, events, walls), place.sizes.rounds)
    wall = sorted(walls)[len(walls) // 2]
    return [
        result(
            BAR,
            ours,
            measured=f"{events} events",
            note=f"per second of CPU time of our own processes (the server's not counted); by the clock, server "
            f"included: {wall:,.0f} events/s",
        )
    ]


def check_all(on: Base, events: int, walls: list[float]) -> float:
    """Events per CPU second of one fsck. Raises `Broken` when it checked fewer or found anything."""
    with connect(on.url) as connection:
        vkeys = [vkey for _, vkey in Log(connection).vkeys()]
        cpu, wall = cpu_seconds(), time.perf_counter()
        report = fsck(connection, Vault(on.keys, random_bytes), vkeys=vkeys)
        cpu, wall = cpu_seconds() - cpu, time.perf_counter() - wall
    check("events that fsck saw", events, report.events)
    if not report.ok:
        raise Broken("differences found by fsck", "none", report.findings[0].sentence())
    walls.append(events / wall)
    return events / cpu
