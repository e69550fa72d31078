"""Row 1: concurrent single-event commands against the `eventsourcing` library's own recorder, on the same server."""

from __future__ import annotations

from bench import clients, stock
from bench.model import Bar, Result, compare, result
from bench.place import Place

BAR = Bar("commands", "commands/s", 40.0)


def run(place: Place) -> list[Result]:
    """Commands per second of both, by turns."""
    sizes = place.sizes
    with place.ledger("commands") as on, place.database("commands_stock") as url, stock.recorder(url) as store:
        clients.throughput(on, sizes.seconds / 4, sizes.clients)
        stock.throughput(store, sizes.seconds / 4)
        ours, peer = compare(
            lambda: clients.throughput(on, sizes.seconds, sizes.clients),
            lambda: stock.throughput(store, sizes.seconds),
            sizes.rounds,
        )
    return [
        result(
            BAR,
            ours,
            peer,
            against=f"eventsourcing stock recorder, {stock.THREADS} threads",
            measured=f"{sizes.clients} clients, rounds of {sizes.seconds:g} s",
            note="ours: decide, idempotency key, version check, canonical entry, Merkle root, a signed checkpoint for "
            "every tree; peer: its recorder alone saves the same JSON; both fsync before they answer",
        )
    ]
