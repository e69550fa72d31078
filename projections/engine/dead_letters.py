"""Dead letters: events that a fold could not take, and later events of the same key, parked behind them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from psycopg import Connection

from projections.engine import copies, reading
from projections.engine.folding import DeadLetter, fold_batch, keyed
from projections.engine.model import Projection
from projections.engine.tables import Table, array


class Retried(Struct, frozen=True):
    """Result of a retry: numbers of parked events that were applied and that are (again) parked."""

    applied: int
    parked: int


def dead_letters(connection: Connection[Any], table: str, shard: int) -> list[DeadLetter]:
    """The parked events of one copy, in ledger order."""
    rows = connection.execute(
        "SELECT position, key, stream::text, error FROM read.dead_letters "
        "WHERE shard = %s AND table_name = %s ORDER BY position",
        (shard, table),
    )
    return [DeadLetter(*row) for row in rows]


def parked_keys(connection: Connection[Any], table: str, shard: int) -> set[str]:
    """The keys and streams of one copy that have parked events."""
    rows = connection.execute(
        "SELECT DISTINCT key FROM read.dead_letters WHERE shard = %s AND table_name = %s", (shard, table)
    )
    return {row[0] for row in rows}


def park(connection: Connection[Any], table: str, shard: int, parked: Sequence[DeadLetter]) -> None:
    """Add parked events of one copy."""
    if not parked:
        return
    whose = reading.tenants(connection, shard, [letter.position for letter in parked])
    connection.execute(
        "INSERT INTO read.dead_letters (shard, table_name, position, key, stream, error, tenant) "
        "SELECT %s, %s, u.* FROM unnest(%s::bigint[], %s::text[], %s::uuid[], %s::text[], %s::uuid[]) AS u",
        (
            shard,
            table,
            array("bigint", [letter.position for letter in parked]),
            array("text", [letter.key for letter in parked]),
            array("text", [letter.stream for letter in parked]),
            array("text", [letter.error for letter in parked]),
            [whose.get(letter.position) for letter in parked],
        ),
    )


def retry(connection: Connection[Any], projection: Projection[Any], shard: int = 0) -> Retried:
    """Fold the parked events of the live copy again, in ledger order, in one transaction.

    Exactly the same code decides what is parked as in a batch, so that the outcome is that of a rebuild: an event that
    raises again is parked again, with the later events of its key behind it.
    """
    table = copies.live(connection, projection, shard).table
    with connection.transaction():
        copies.lock(connection, shard, table)
        waiting = dead_letters(connection, table, shard)
        events = keyed(projection, reading.chosen(connection, shard, [letter.position for letter in waiting]))
        target: Table[Any] = Table(projection)
        folded = fold_batch(projection, target.known(connection, shard, events), events)
        target.write(connection, shard, folded.changed)
        connection.execute("DELETE FROM read.dead_letters WHERE shard = %s AND table_name = %s", (shard, table))
        park(connection, table, shard, folded.dead_letters)
    return Retried(len(waiting) - len(folded.dead_letters), len(folded.dead_letters))
