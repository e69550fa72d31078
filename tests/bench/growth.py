"""Row 8: what growth costs: commands per second with millions of events stored against the same with few.

Both ledgers are in one server, filled in the same way (`tests.bench.synthetic`), and take turns.
"""

from __future__ import annotations

import shutil

from adapters.postgres.connections import connect
from api.compose import Base
from tests.bench import clients
from tests.bench.model import Bar, Result, compare, result
from tests.bench.place import Place, scalar
from tests.bench.synthetic import load

BAR = Bar("growth", "commands/s", 0.85)
EVENT_BYTES_MAX = 2_500
"""Disk that one stored event takes at most, with its indexes, its command and the write-ahead log."""


class NoRoom(RuntimeError):
    """The disk has not room enough for the large ledger."""


def run(place: Place) -> list[Result]:
    """Commands per second of both, by turns."""
    sizes = place.sizes
    free, needed = shutil.disk_usage(place.work).free, sizes.stored * EVENT_BYTES_MAX
    if free < needed:
        raise NoRoom(
            f"{place.work}: expected {needed / 1e9:.1f} GB free for {sizes.stored} events, got {free / 1e9:.1f}"
        )
    with place.ledger("small") as small, place.ledger("large") as large:
        load(small, sizes.stored_before)
        load(large, sizes.stored)
        place.checkpoint()
        for on in (small, large):
            clients.throughput(on, sizes.seconds, sizes.clients)
        ours, peer = compare(
            lambda: clients.throughput(large, sizes.seconds, sizes.clients),
            lambda: clients.throughput(small, sizes.seconds, sizes.clients),
            sizes.rounds,
        )
        stored = _gigabytes(large)
    return [
        result(
            BAR,
            ours,
            peer,
            against=f"the same with {sizes.stored_before} events stored",
            measured=f"{sizes.stored} events stored ({stored:.1f} GB), rounds of {sizes.seconds:g} s",
            missed="the index of the keys outgrew the server's buffers, and the first write of each of its pages "
            "after a checkpoint puts a whole page into the server's log",
            note="one command for every stored event, random keys; first writes of pages after a checkpoint included",
        )
    ]


def _gigabytes(on: Base) -> float:
    with connect(on.url) as connection:
        return int(scalar(connection, "SELECT pg_database_size(current_database())")) / 1e9
