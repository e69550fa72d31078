"""The commands part of fsck: every event belongs to one command, which is what its entries say it is.

cause of version 8   made of tenant, key, digest and system: none of them can be another
cause of version 5   made of tenant and key: what the program did on its own before, openings of an import
`import:` keys       the digest stands in the key, where the key has one; each event has a cause of its own
other causes         a call of the `eventsourcing` library, whose key is the cause; entries of version 1 do not tell
"""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import psycopg
from msgspec import Struct

from adapters.postgres.fsck.findings import Findings
from adapters.postgres.schema import SHARD
from chain.entry import ENTRY_WITHOUT_CASE, PAYLOAD_KEY, PAYLOAD_KEY_BEFORE, PLAIN, Entry, command_id, import_cause

ROWS_AT_ONCE = 5_000
DIGEST_BYTES = 32
_COMMITS_TO_ALL, _COMMITS_TO_KEY = 8, 5
_IMPORT = "import:"
_DIGEST_IN_KEY = re.compile(r"@([0-9a-f]{32})\Z")
_CALLER = re.compile(r"key_[0-9a-f]{16}")
_LIBRARY = "library"


Difference = tuple[str, object, object]
"""What differs, expected, got."""


class CommandRow(Struct, frozen=True):
    """One row of the commands; what is NULL stands as an empty value, which nothing agrees with."""

    position: int
    events: int
    tenant: UUID
    system: bool | None
    key: str
    digest: bytes
    digest_key: int
    stream: UUID
    seq: int
    version: int

    @property
    def until(self) -> int:
        """The position behind its events."""
        return self.position + self.events


class CommandCheck:
    """Walks the commands in position order beside the events."""

    def __init__(self, rows: psycopg.ServerCursor[tuple[Any, ...]], found: Findings) -> None:
        self._found = found
        self._cursor = rows
        self._cursor.itersize = ROWS_AT_ONCE
        self._cursor.execute(_COMMANDS, (SHARD,))
        self._next: CommandRow | None = self._fetch()
        self._now: CommandRow | None = None
        self._until = 0
        self._version = 0
        self._cause: UUID | None = None
        self._before: UUID | None = None

    def check(self, position: int, stream: UUID, seq: int, entry: Entry | None) -> None:
        """Check the command of one event; `entry` is `None` where the stored bytes are none."""
        if position >= self._until:
            self._begin(position, stream, seq)
        command = self._now
        if command is None:
            return
        if stream == command.stream:
            self._version = seq
        if entry is not None:
            self._judge(position, command, entry)

    def finish(self, last: int) -> None:
        """Whatever is left belongs to no event."""
        self._end()
        if self._now is not None and self._until != last + 1:
            self._found.add(
                self._now.position,
                f"events of command {self._now.key!r}",
                self._now.events,
                max(0, last + 1 - self._now.position),
            )
        while self._next is not None:
            self._stray(self._next, last + 1)
            self._next = self._fetch()

    def _begin(self, position: int, stream: UUID, seq: int) -> None:
        self._end()
        while self._next is not None and (self._next.position < position or self._next.events < 1):
            self._stray(self._next, position)
            self._next = self._fetch()
        self._now = None
        command = self._next
        if command is None or command.position != position:
            got = "none" if command is None else f"{command.key} at {command.position}"
            self._found.add(position, "command of the events from here on", f"one at position {position}", got)
            # One finding for all events up to the next command.
            self._until = 2**63 if command is None else command.position
            return
        self._next, self._now, self._until = self._fetch(), command, command.until
        self._before, self._cause = self._cause, None
        if (command.stream, command.seq) != (stream, seq):
            expected = f"{stream}/{seq}"
            self._found.add(position, f"place of command {command.key!r}", expected, f"{command.stream}/{command.seq}")
        if len(command.digest) != DIGEST_BYTES:
            what = f"digest of command {command.key!r}"
            self._found.add(position, what, f"{DIGEST_BYTES} bytes", f"{len(command.digest)} bytes")

    def _end(self) -> None:
        command = self._now
        if command is not None and self._version != command.version:
            what = f"version that command {command.key!r} left its stream at"
            self._found.add(command.until - 1, what, self._version, command.version)
        self._version = 0

    def _judge(self, position: int, command: CommandRow, entry: Entry) -> None:
        first, self._cause = self._cause, entry.cause
        if entry.tenant != command.tenant:
            self._found.add(position, f"tenant of command {command.key!r}", entry.tenant, command.tenant)
        elif first is None:
            for what, expected, got in differences(command, entry):
                self._found.add(position, f"{what} of command {command.key!r}", expected, got)
            if entry.cause == self._before:
                what = f"event before those of command {command.key!r}"
                self._found.add(position, what, "one of another cause", entry.cause)
        elif entry.cause != first and not _of_many_causes(command):
            self._found.add(position, f"cause of the events of command {command.key!r}", first, entry.cause)

    def _stray(self, command: CommandRow, position: int) -> None:
        what = f"place of command {command.key!r}"
        if command.events < 1:
            self._found.add(command.position, f"events of command {command.key!r}", "one or more", command.events)
            return
        self._found.add(command.position, what, "events that belong to no other command", f"none before {position}")

    def _fetch(self) -> CommandRow | None:
        row = self._cursor.fetchone()
        return None if row is None else CommandRow(*row)


def differences(command: CommandRow, entry: Entry) -> list[Difference]:
    """The differences between a command and its first entry."""
    if entry.cause.version == _COMMITS_TO_ALL:
        made = command_id(command.tenant, command.key, command.digest, system=bool(command.system))
        found: list[Difference] = [
            ("system", command.system or False, command.system),
            ("key, digest, system and tenant", entry.cause, made),
            ("number of the digest's key", PAYLOAD_KEY, command.digest_key),
        ]
        return [one for one in found if one[1] != one[2]]
    if entry.cause.version == _COMMITS_TO_KEY:
        found = [("key", entry.cause, _caused(command, entry)), ("system", True, command.system)]
    else:
        found = _key_by_its_form(command, entry)
    found.append(("number of the digest's key", _digest_key(command, entry), command.digest_key))
    stated = _DIGEST_IN_KEY.search(command.key) if command.key.startswith(_IMPORT) else None
    if stated:
        found.append(("digest", stated[1], command.digest.hex()[: len(stated[1])]))
    return [one for one in found if one[1] != one[2]]


def _caused(command: CommandRow, entry: Entry) -> UUID:
    if command.key == f"{_IMPORT}{entry.stream.hex}":
        return import_cause(command.tenant, f"taken_over:{entry.stream.hex}")
    return import_cause(command.tenant, command.key)


def _key_by_its_form(command: CommandRow, entry: Entry) -> list[Difference]:
    if command.key.startswith(_IMPORT):
        return [("system", True, command.system)]
    if entry.v == ENTRY_WITHOUT_CASE and entry.actor.role != _LIBRARY:
        return [("system", not _CALLER.fullmatch(entry.actor.id), command.system)]
    return [("key", entry.cause.hex, command.key), ("system", True, command.system)]


def _digest_key(command: CommandRow, entry: Entry) -> int:
    """The number of the key that made a digest which the cause does not commit to."""
    if entry.v != ENTRY_WITHOUT_CASE:
        return PAYLOAD_KEY if command.key == f"{_IMPORT}{entry.stream.hex}" else PLAIN
    return PLAIN if command.key.startswith(_IMPORT) or entry.actor.role == _LIBRARY else PAYLOAD_KEY_BEFORE


def _of_many_causes(command: CommandRow) -> bool:
    """An import appends a whole case at once, and each of its rows is a cause."""
    return command.key.startswith(_IMPORT)


_COMMANDS = """
SELECT coalesce(position, 0), coalesce(events, 0), coalesce(tenant, '00000000-0000-0000-0000-000000000000'::uuid),
       system, coalesce(key, ''), coalesce(digest, ''), coalesce(digest_key::integer, -1),
       coalesce(stream, '00000000-0000-0000-0000-000000000000'::uuid), coalesce(seq, 0), coalesce(version, 0)
FROM ledger.commands WHERE shard = %s ORDER BY position, events"""
