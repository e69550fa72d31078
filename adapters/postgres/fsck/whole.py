"""fsck: verification of the stored ledger. Every stored value is hashed again and every claim rebuilt from them.

One pass over the events in a snapshot, in position order:

    schema      tables, triggers, privileges are those of schema.sql; readers see the rows that the program sees
    positions   1, 2, 3 … without a hole              entry bytes   hash to the leaf kept beside them
    entries     parse strictly, are canonical         columns       say what the entry says
    streams     seq and prev chain, body fits type,   recorded_at   never goes back
                one tenant                            commands      are what the causes of their events are made of
    vault       opens, digest is in the entry, none is missing while the key lives
    tree        tiles, every published checkpoint's root and signature, head row, heads of streams and cases

What cannot be read is a finding like any other, with the position up to which everything was read.
Read models are compared by `projections`; the caller adds their differences to the report.
A rolled-back ledger looks whole from inside: only a checkpoint kept elsewhere shows it (`since`, `signed`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack

from msgspec import Struct

from adapters.postgres.connections import Connection
from adapters.postgres.fsck.catalogue import check_catalogue, check_readers, check_shards
from adapters.postgres.fsck.commands import CommandCheck
from adapters.postgres.fsck.findings import Finding, Findings
from adapters.postgres.fsck.forms import check_forms
from adapters.postgres.fsck.readable import Reading
from adapters.postgres.fsck.streams import ROWS_AT_ONCE, Row, StreamCheck
from adapters.postgres.fsck.tree import Kept, TreeCheck
from adapters.postgres.fsck.vault import VaultCheck
from adapters.postgres.schema import SHARD
from adapters.postgres.vault import Vault
from chain.checkpoint import Checkpoint
from chain.merkle import EMPTY_ROOT, leaf_hash
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
    signed: Checkpoint | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Report:
    """Check the whole ledger of a blocking connection (autocommit, role leaseledger_app) in one snapshot.

    `vkeys` are verifier keys known from elsewhere than the database (the key files), oldest first; with any given, keys
    that only the database names are not trusted. `since` is a checkpoint that an auditor kept, already opened, `signed`
    the one that was signed last here. A `seed` that nobody knew makes sums of rows hard to forge.
    """
    found = Findings()
    kept = {"checkpoint kept elsewhere": since, "checkpoint signed last here": signed}
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        reading = Reading(connection, found)
        reading.part("schema", lambda: check_catalogue(connection, found))
        for what, part in {
            "rows that readers see": lambda: check_readers(connection, found, seed),
            "rows of other shards": lambda: check_shards(connection, found),
            "times, marks and API keys": lambda: check_forms(connection, found),
        }.items():
            reading.part(what, part)
        walk = _Walk(connection, found, progress)
        known = {what: one for what, one in kept.items() if one is not None}
        reading.part("events", lambda: walk.run(vault, vkeys, known), walk.place)
    return walk.report()


class _Walk:
    """The pass over the events, and what it counts."""

    def __init__(self, connection: Connection, found: Findings, progress: Progress | None) -> None:
        self._connection, self._found, self._progress = connection, found, progress
        self._position = 0
        self._streams = StreamCheck(found)
        self._tree: TreeCheck | None = None
        self._personal: VaultCheck | None = None

    def place(self) -> int:
        """The position behind the last one that was checked."""
        return self._position + 1

    def run(self, vault: Vault, vkeys: Sequence[VerifierKey], kept: Kept) -> None:
        """Check everything."""
        with ExitStack() as closing:
            tree = self._tree = TreeCheck(self._connection, self._found, vkeys, kept)
            values = closing.enter_context(self._connection.cursor("fsck_vault", binary=True))
            personal = self._personal = VaultCheck(self._connection, values, vault, self._found)
            given = closing.enter_context(self._connection.cursor("fsck_commands", binary=True))
            commands = CommandCheck(given, self._found)
            for rows in _chunks(self._connection):
                _check_positions(rows, self._position, self._found)
                leaves = [leaf_hash(row[4]) for row in rows]
                _compare_leaves(rows, leaves, self._found)
                self._streams.check(rows, leaves, personal, commands)
                tree.extend(rows[0][0], leaves)
                self._position = rows[-1][0]
                if self._progress is not None:
                    self._progress(self._position, tree.size)
            tree.finish(self._position, self._streams.recorded_at)
            self._streams.finish(self._connection)
            personal.finish()
            commands.finish(self._position)

    def report(self) -> Report:
        """The report of the pass, as far as it came."""
        tree, personal = self._tree, self._personal
        return Report(
            events=self._streams.events,
            streams=len(self._streams.heads),
            checkpoints=0 if tree is None else tree.checkpoints,
            personal_values=0 if personal is None else personal.opened,
            erased_values=0 if personal is None else personal.erased,
            size=0 if tree is None else tree.size,
            root=EMPTY_ROOT.hex() if tree is None else tree.root.hex(),
            findings=tuple(self._found.items),
        )


def _chunks(connection: Connection) -> Iterator[list[Row]]:
    with connection.cursor("fsck_events", binary=True) as cursor:
        cursor.itersize = ROWS_AT_ONCE
        cursor.execute(_EVENTS, (SHARD,))
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            yield rows


def _check_positions(rows: Sequence[Row], before: int, found: Findings) -> None:
    """Report holes in the positions of a chunk that follows position `before`."""
    if [row[0] for row in rows] == list(range(before + 1, before + 1 + len(rows))):
        return
    for row in rows:
        if row[0] <= before:
            found.add(row[0], "events at the position", 1, "more")
        elif row[0] != before + 1:
            found.add(before + 1, "event", "a stored event", f"none up to position {row[0] - 1}")
        before = row[0]


def _compare_leaves(rows: Sequence[Row], leaves: Sequence[bytes], found: Findings) -> None:
    for row, leaf in zip(rows, leaves, strict=True):
        if row[5] != leaf:
            found.add(row[0], "leaf hash of the stored entry", row[5], leaf)


_EVENTS = """
SELECT position::bigint, coalesce(stream::uuid, '00000000-0000-0000-0000-000000000000'), coalesce(seq::integer, 0),
       coalesce(type::text, ''), coalesce(entry::bytea, ''), coalesce(leaf::bytea, '')
FROM ledger.events WHERE shard = %s AND position IS NOT NULL ORDER BY ledger.events.position"""
