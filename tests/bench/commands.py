"""Row 1: concurrent single-event commands against the `eventsourcing` library's own recorder, on the same server.

How far the two lie apart depends on the disk: the library flushes once for every event, we flush once for everything
that came meanwhile. The second row is the same with every flush made slower, for both.
"""

from __future__ import annotations

from tests.bench import clients, stock
from tests.bench.model import Bar, Result, compare, result
from tests.bench.place import Place

BAR = Bar("commands", "commands/s", 40.0)
SLOW_BAR = Bar("commands, slow disk", "commands/s", 40.0)
SLOW_MS = 2

SIDES = (
    "ours: decide, idempotency key, version check, canonical entry, Merkle root, a signed checkpoint for every tree; "
    "peer: its recorder alone saves the same JSON; both are on disk before they answer"
)


def run(place: Place) -> list[Result]:
    """Commands per second of both, by turns, on this disk and on a slower one."""
    sizes = place.sizes
    against = f"eventsourcing stock recorder, {stock.THREADS} threads"
    measured = f"{sizes.clients} clients, rounds of {sizes.seconds:g} s"
    with place.ledger("commands") as on, place.database("commands_stock") as url, stock.recorder(url) as store:

        def both(rounds: int, seconds: float) -> tuple[list[float], list[float]]:
            return compare(
                lambda: clients.throughput(on, seconds, sizes.clients),
                lambda: stock.throughput(store, seconds),
                rounds,
            )

        both(1, sizes.seconds / 4)
        flush_ms = place.flush_ms()
        fast = both(sizes.rounds, sizes.seconds)
        with place.slow_disk(SLOW_MS):
            slow = both(sizes.rounds, sizes.seconds)
    why = (
        f"a flush takes {flush_ms:.2f} ms on this disk; the less it takes, the less is gained by sharing it, and "
        "one process of Python has one core for everything else"
    )
    return [
        result(BAR, *fast, against=against, measured=measured, note=SIDES, missed=why),
        result(
            SLOW_BAR,
            *slow,
            against=against,
            measured=measured,
            note=f"the same with every flush of the server delayed by {SLOW_MS} ms for both (commit_delay)",
            missed="one process of Python has one core for everything but the flush",
        ),
    ]
