"""The stream part of fsck: entries parse, are canonical, and chain by number and hash, in stream and case."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import psycopg
from msgspec import UNSET, UnsetType

from adapters.postgres.fsck.commands import CommandCheck
from adapters.postgres.fsck.findings import Findings
from adapters.postgres.fsck.vault import VaultCheck
from adapters.postgres.schema import SHARD
from chain.b64 import b64encode
from chain.entry import ENTRY_VERSION, UNLINKED, Case, Entry, EntryError, Link, check_canonical, parse
from domain.kernel.event import Event, UnknownEventType, is_event_type

ROWS_AT_ONCE = 5_000

Row = tuple[int, UUID, int, str, bytes, bytes]
"""Position, stream, sequence number, type, entry, leaf hash: as the table has them."""


class StreamCheck:
    """Follows the chains of sequence numbers and leaf hashes of every stream and of every case."""

    def __init__(self, found: Findings) -> None:
        self.heads: dict[UUID, Link] = {}
        self.cases: dict[Case, Link] = {}
        self.events = 0
        self.recorded_at = ""
        self._found = found
        self._tenants: dict[UUID, UUID] = {}
        self._first_tenant: UUID | None = None
        self._cases_from = 0

    def check(self, rows: Iterable[Row], leaves: Iterable[bytes], personal: VaultCheck, commands: CommandCheck) -> None:
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
                commands.check(position, stream, seq, None)
                continue
            if entry.stream != stream or entry.seq != seq or entry.type != kind:
                got = f"{stream}/{seq} {kind}"
                self._found.add(position, "columns beside the entry", f"{entry.stream}/{entry.seq} {entry.type}", got)
            self._chained(position, entry, seq, heads.get(stream, UNLINKED))
            heads[stream] = (seq, leaf)
            self._chained_in_case(position, entry, leaf)
            self.recorded_at = entry.recorded_at
            self._of_one_tenant(position, entry, seq)
            commands.check(position, stream, seq, entry)
            if entry.sd is not UNSET:
                personal.check(position, entry, event)

    def _chained(self, position: int, entry: Entry, seq: int, head: Link) -> None:
        version, prev = head
        if seq != version + 1:
            self._found.add(position, f"sequence number in stream {entry.stream}", version + 1, seq)
        elif entry.prev != (b64encode(prev).decode() if prev else UNSET):
            self._found.add(position, "prev", prev, _plain(entry.prev))
        if entry.recorded_at < self.recorded_at:
            self._found.add(position, "recorded_at", f"{self.recorded_at} or later", entry.recorded_at)

    def _of_one_tenant(self, position: int, entry: Entry, seq: int) -> None:
        """Remember whose a stream is, but for the streams of the tenant that came first: usually there is no other."""
        if self._first_tenant is None:
            self._first_tenant = entry.tenant
        if entry.tenant == self._first_tenant and not self._tenants:
            return
        if seq == 1:
            self._tenants[entry.stream] = entry.tenant
        tenant = self._tenants.get(entry.stream, self._first_tenant)
        if entry.tenant != tenant:
            self._found.add(position, f"tenant of stream {entry.stream}", tenant, entry.tenant)

    def _chained_in_case(self, position: int, entry: Entry, leaf: bytes) -> None:
        """Follow the chain of the case; entries of version 1 are counted, and say nothing of their number in it."""
        seq, prev = self.cases.get(entry.case, UNLINKED)
        # What follows a link that is missing or that cannot be read is no finding of its own.
        number = seq + 1 if entry.seq_case is UNSET else entry.seq_case
        self.cases[entry.case] = (number, leaf)
        if entry.seq_case is UNSET:
            if self._cases_from:
                self._found.add(position, "version", f"{ENTRY_VERSION} since position {self._cases_from}", entry.v)
            return
        self._cases_from = self._cases_from or position
        if entry.seq_case != seq + 1:
            self._found.add(position, f"sequence number in case {entry.correlation}", seq + 1, entry.seq_case)
        elif entry.prev_case != (b64encode(prev).decode() if prev else UNSET):
            self._found.add(position, "prev_case", prev, _plain(entry.prev_case))

    def finish(self, connection: psycopg.Connection[tuple[Any, ...]]) -> None:
        """Compare the heads of streams and cases with what the events say."""
        heads = dict(self.heads)
        with connection.cursor("fsck_heads", binary=True) as cursor:
            cursor.execute(_STREAM_HEADS, (SHARD,))
            while rows := cursor.fetchmany(ROWS_AT_ONCE):
                for stream, seq, leaf in rows:
                    expected = heads.pop(stream, None)
                    if expected != (seq, leaf):
                        self._found.add(0, f"head of stream {stream}", _head(expected), _head((seq, leaf)))
        for stream, head in heads.items():
            self._found.add(0, f"head of stream {stream}", _head(head), "none")
        self._finish_cases(connection)

    def _finish_cases(self, connection: psycopg.Connection[tuple[Any, ...]]) -> None:
        cases = dict(self.cases)
        with connection.cursor("fsck_case_heads", binary=True) as cursor:
            cursor.execute(_CASE_HEADS, (SHARD,))
            while rows := cursor.fetchmany(ROWS_AT_ONCE):
                for tenant, correlation, seq, leaf in rows:
                    expected = cases.pop((tenant, correlation), None)
                    if expected != (seq, leaf):
                        what = f"head of case {correlation} of tenant {tenant}"
                        self._found.add(0, what, _head(expected), _head((seq, leaf)))
        for (tenant, correlation), head in cases.items():
            self._found.add(0, f"head of case {correlation} of tenant {tenant}", _head(head), "none")

    def _unusable(self, position: int, error: ValueError) -> None:
        kind = "entry" if isinstance(error, EntryError) else "body"
        self._found.add(position, kind, "a canonical entry of a registered type", " ".join(str(error).split())[:300])


def _event(entry: Entry) -> Event | None:
    """The event; `None` for another application's, whose type has not the form of ours and whose body is opaque."""
    try:
        return entry.event()
    except UnknownEventType:
        if is_event_type(entry.type):
            raise
        return None


def _head(head: tuple[int, bytes] | None) -> str:
    return "none" if head is None else f"{head[0]} {head[1].hex()}"


def _plain(prev: str | UnsetType) -> str:
    return "none" if prev is UNSET else str(prev)


_STREAM_HEADS = """
SELECT stream, coalesce(seq::integer, 0), coalesce(leaf::bytea, '') FROM ledger.stream_heads WHERE shard = %s"""
_CASE_HEADS = """
SELECT tenant, correlation, coalesce(seq::integer, 0), coalesce(leaf::bytea, '')
FROM ledger.case_heads WHERE shard = %s"""
