"""fsck: verification of the stored ledger. Every stored value is hashed again and every claim rebuilt from them.

One pass over the events in a snapshot, in position order:

    positions   1, 2, 3 … without a hole              entry bytes   hash to the leaf kept beside them
    entries     parse strictly, are canonical         columns       say what the entry says
    streams     seq and prev chain, body fits type    recorded_at   never goes back
    vault       opens, digest is in the entry, none is missing while the key lives
    tree        tiles, every published checkpoint's root and signature, head row, stream heads, commands

Read models are compared by `projections`; the caller adds their differences to the report.
A rolled-back ledger looks whole from inside: only a checkpoint kept elsewhere shows it (`since`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

from adapters.postgres.connections import Connection
from adapters.postgres.fsck.findings import Finding, Findings
from adapters.postgres.fsck.streams import ROWS_AT_ONCE, Row, StreamCheck
from adapters.postgres.fsck.tree import TreeCheck
from adapters.postgres.fsck.vault import VaultCheck
from adapters.postgres.schema import SHARD
from adapters.postgres.vault import Vault
from chain.checkpoint import Checkpoint
from chain.merkle import leaf_hash
from chain.note import VerifierKey

Progress = Callable[[int, int], None]


class Report(Struct, frozen=True, kw_only=True):
    """Report of fsck: counts of what was checked, and the differences in the order they were met."""

    events: int
    streams: int
    checkpoints: int
    personal_values: int
    erased_values: int
    size: int
    root: str
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Nothing differs."""
        return not self.findings


def fsck(
    connection: Connection,
    vault: Vault,
    *,
    vkeys: Sequence[VerifierKey] = (),
    since: Checkpoint | None = None,
    progress: Progress | None = None,
) -> Report:
    """Check the whole ledger of a blocking connection (autocommit, role leaseledger_app) in one snapshot.

    `vkeys` are verifier keys known from elsewhere than the database (the key files); with any given, keys that only
    the database names are not trusted. `since` is a checkpoint that an auditor kept, already opened.
    """
    found = Findings()
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        tree = TreeCheck(connection, found, vkeys, since)
        streams = StreamCheck(found)
        personal = VaultCheck(connection, vault, found)
        position = 0
        for rows in _chunks(connection):
            _check_positions(rows, position, found)
            leaves = [leaf_hash(row[4]) for row in rows]
            _compare_leaves(rows, leaves, found)
            streams.check(rows, leaves, personal)
            tree.extend(rows[0][0], leaves)
            position = rows[-1][0]
            if progress is not None:
                progress(position, tree.head.size)
        tree.finish(position)
        streams.finish(connection)
        personal.finish()
        _check_commands(connection, position, found)
    return Report(
        events=streams.events,
        streams=len(streams.heads),
        checkpoints=tree.checkpoints,
        personal_values=personal.opened,
        erased_values=personal.erased,
        size=tree.head.size,
        root=tree.head.root.hex(),
        findings=tuple(found.items),
    )


def _chunks(connection: Connection) -> Iterator[list[Row]]:
    with connection.cursor("fsck_events", binary=True) as cursor:
        cursor.itersize = ROWS_AT_ONCE
        cursor.execute(_EVENTS, (SHARD,))
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            yield rows


def _check_positions(rows: Sequence[Row], before: int, found: Findings) -> None:
    """Report holes in the positions of a chunk that follows position `before`."""
    if rows[0][0] == before + 1 and rows[-1][0] - before == len(rows):
        return
    for row in rows:
        if row[0] != before + 1:
            found.add(before + 1, "event", "a stored event", f"none up to position {row[0] - 1}")
        before = row[0]


def _compare_leaves(rows: Sequence[Row], leaves: Sequence[bytes], found: Findings) -> None:
    for row, leaf in zip(rows, leaves, strict=True):
        if row[5] != leaf:
            found.add(row[0], "leaf hash of the stored entry", row[5], leaf)


def _check_commands(connection: Connection, last: int, found: Findings) -> None:
    """Every command's place must be a real one, and every event must belong to a command."""
    for position, expected, key in connection.execute(_COVERED, (SHARD, last)):
        found.add(expected, "command of the events from here on", f"one at position {expected}", f"{key} at {position}")
    for position, key, stream, seq, got_stream, got_seq in connection.execute(_COMMANDS, (SHARD,)):
        got = f"{got_stream}/{got_seq}" if got_stream else "no event"
        found.add(position, f"place of command {key!r}", f"{stream}/{seq}", got)


_EVENTS = """
SELECT position, stream, seq, type, entry, leaf FROM ledger.events WHERE shard = %s ORDER BY position"""
_COVERED = """
SELECT position, expected, key FROM (
    SELECT position, coalesce(lag(position + events) OVER (ORDER BY position), 1) AS expected, key
    FROM (
        SELECT position, events, key FROM ledger.commands WHERE shard = %s
        UNION ALL SELECT %s + 1, 0, 'the end'
    ) AS every_command
) AS neighbours
WHERE position <> expected ORDER BY position LIMIT 100"""
_COMMANDS = """
SELECT c.position, c.key, c.stream, c.seq, e.stream, e.seq
FROM ledger.commands c LEFT JOIN ledger.events e ON e.shard = c.shard AND e.position = c.position
WHERE c.shard = %s AND (e.stream IS DISTINCT FROM c.stream OR e.seq IS DISTINCT FROM c.seq)
ORDER BY c.position LIMIT 100"""
