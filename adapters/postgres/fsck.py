"""fsck: does the ledger still say what it said? Every stored value is hashed again and every claim rebuilt from them.

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

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any
from uuid import UUID

import psycopg
from msgspec import UNSET, Struct, UnsetType

from adapters.postgres.fsck_tree import TreeCheck
from adapters.postgres.fsck_vault import VaultCheck
from adapters.postgres.schema import SHARD
from adapters.postgres.vault import Vault
from chain.b64 import b64encode
from chain.checkpoint import Checkpoint
from chain.entry import Entry, EntryError, check_canonical, parse
from chain.merkle import leaf_hash
from chain.note import VerifierKey
from domain.kernel import Event, UnknownEventType, is_event_type

ROWS_AT_ONCE = 5_000
MAX_FINDINGS = 100
"""Findings that are kept; the first is what matters, thousands after it usually have the same cause."""

Connection = psycopg.Connection[tuple[Any, ...]]
Row = tuple[int, UUID, int, str, bytes, bytes]
Progress = Callable[[int, int], None]


class Finding(Struct, frozen=True):
    """One difference: the ledger position it concerns (0 when it is not about one), what, expected and got."""

    position: int
    what: str
    expected: str
    got: str

    def sentence(self) -> str:
        """`position 17: leaf hash: expected …, got …`."""
        place = f"position {self.position}: " if self.position else ""
        return f"{place}{self.what}: expected {self.expected}, got {self.got}"


class Report(Struct, frozen=True, kw_only=True):
    """What fsck saw: counts of what was checked, and the differences in the order they were met."""

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


class Findings:
    """Collects differences up to a limit."""

    def __init__(self) -> None:
        self.items: list[Finding] = []

    def add(self, position: int, what: str, expected: object, got: object) -> None:
        """Note one difference; bytes are shown in hexadecimal."""
        if len(self.items) < MAX_FINDINGS:
            self.items.append(Finding(position, what, _shown(expected), _shown(got)))


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
        streams = _StreamCheck(found)
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
        _check_commands(connection, found)
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


def _event(entry: Entry) -> Event | None:
    """The event; `None` for another application's, whose type has not the form of ours and whose body is opaque."""
    try:
        return entry.event()
    except UnknownEventType:
        if is_event_type(entry.type):
            raise
        return None


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


class _StreamCheck:
    """Follows every stream's chain of sequence numbers and leaf hashes."""

    def __init__(self, found: Findings) -> None:
        self.heads: dict[UUID, tuple[int, bytes]] = {}
        self.events = 0
        self._found = found
        self._recorded_at = ""

    def check(self, rows: Iterable[Row], leaves: Iterable[bytes], personal: VaultCheck) -> None:
        """Check one chunk of rows with their recomputed leaf hashes."""
        heads = self.heads
        for (position, stream, seq, kind, data, _), leaf in zip(rows, leaves, strict=True):
            self.events += 1
            try:
                entry = parse(data)
                event = _event(entry)
                check_canonical(data, entry, event)
            except ValueError as error:
                self._unusable(position, error)
                heads[stream] = (seq, leaf)
                continue
            if entry.stream != stream or entry.seq != seq or entry.type != kind:
                got = f"{stream}/{seq} {kind}"
                self._found.add(position, "columns beside the entry", f"{entry.stream}/{entry.seq} {entry.type}", got)
            version, prev = heads.get(stream, (0, b""))
            if seq != version + 1:
                self._found.add(position, f"sequence number in stream {stream}", version + 1, seq)
            elif entry.prev != (b64encode(prev).decode() if prev else UNSET):
                self._found.add(position, "prev", prev, _plain(entry.prev))
            if entry.recorded_at < self._recorded_at:
                self._found.add(position, "recorded_at", f"{self._recorded_at} or later", entry.recorded_at)
            heads[stream] = (seq, leaf)
            self._recorded_at = entry.recorded_at
            if entry.sd is not UNSET and event is not None:
                personal.check(position, entry, event)

    def finish(self, connection: Connection) -> None:
        """Compare the stream heads table with what the events say."""
        heads = dict(self.heads)
        with connection.cursor("fsck_heads", binary=True) as cursor:
            cursor.execute("SELECT stream, seq, leaf FROM ledger.stream_heads WHERE shard = %s", (SHARD,))
            while rows := cursor.fetchmany(ROWS_AT_ONCE):
                for stream, seq, leaf in rows:
                    expected = heads.pop(stream, None)
                    if expected != (seq, leaf):
                        self._found.add(0, f"head of stream {stream}", _head(expected), _head((seq, leaf)))
        for stream, head in heads.items():
            self._found.add(0, f"head of stream {stream}", _head(head), "none")

    def _unusable(self, position: int, error: ValueError) -> None:
        kind = "entry" if isinstance(error, EntryError) else "body"
        self._found.add(position, kind, "a canonical entry of a registered type", " ".join(str(error).split())[:300])


def _check_commands(connection: Connection, found: Findings) -> None:
    """Every command's place must be a real one: its first event is where it says."""
    for position, key, stream, seq, got_stream, got_seq in connection.execute(_COMMANDS, (SHARD,)):
        got = f"{got_stream}/{got_seq}" if got_stream else "no event"
        found.add(position, f"place of command {key!r}", f"{stream}/{seq}", got)


def _head(head: tuple[int, bytes] | None) -> str:
    return "none" if head is None else f"{head[0]} {head[1].hex()}"


def _plain(prev: str | UnsetType) -> str:
    return "none" if prev is UNSET else str(prev)


def _shown(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


_EVENTS = """
SELECT position, stream, seq, type, entry, leaf FROM ledger.events WHERE shard = %s ORDER BY position"""
_COMMANDS = """
SELECT c.position, c.key, c.stream, c.seq, e.stream, e.seq
FROM ledger.commands c LEFT JOIN ledger.events e ON e.shard = c.shard AND e.position = c.position
WHERE c.shard = %s AND (e.stream IS DISTINCT FROM c.stream OR e.seq IS DISTINCT FROM c.seq)
ORDER BY c.position LIMIT 100"""
