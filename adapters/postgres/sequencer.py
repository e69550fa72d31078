"""What happens under the head row's lock, as a pure function: a batch of appends becomes rows or refusals.

    Head + Known + [Append, …] ──sequence()──▶ Batch(outcomes, rows, new Head)

An append that lost (its stream moved on, its key was used for something else) gets its own outcome and leaves the
batch; the others never notice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from chain.entry import Draft, seal
from chain.merkle import Frontier, leaf_hash
from chain.personal import Sealed


class PersonalRow(Struct, frozen=True):
    """One sealed personal value on its way to the vault: its event, its subject and the sealed bytes."""

    eid: UUID
    subject: UUID
    sealed: Sealed


class Append(Struct, frozen=True, kw_only=True):
    """The events of one accepted command, waiting for their place.

    `expected` is the version of the stream that the decision was made on (0 for a new one). `digest` is 32 bytes over
    the command's payload: the same key with another digest is a mistake of the caller. `subject_keys` are wrapped keys
    of persons who appear for the first time.
    """

    tenant: UUID
    key: str
    digest: bytes
    stream: UUID
    expected: int
    drafts: tuple[Draft, ...]
    personal: tuple[PersonalRow, ...] = ()
    subject_keys: tuple[tuple[UUID, bytes], ...] = ()


class Appended(Struct, frozen=True, kw_only=True):
    """Where a command's events stand: first position and sequence number, and how many they are.

    `size` and `root` are the tree that first contained them; absent (0, empty) when the command was replayed.
    """

    stream: UUID
    position: int
    seq: int
    events: int
    size: int = 0
    root: bytes = b""
    replayed: bool = False

    @property
    def version(self) -> int:
        """The stream's version after these events."""
        return self.seq + self.events - 1

    @property
    def last_position(self) -> int:
        """The ledger position of the last of these events."""
        return self.position + self.events - 1


class AppendError(Exception):
    """An append that was not written; nothing of it is in the ledger."""


class VersionConflict(AppendError):
    """The stream moved on since the decision was made: load again and decide again."""

    def __init__(self, stream: UUID, expected: int, actual: int) -> None:
        super().__init__(f"stream {stream}: expected version {expected}, got {actual}")
        self.stream, self.expected, self.actual = stream, expected, actual


class KeyReused(AppendError):
    """An idempotency key that was already used for a command with another payload."""

    def __init__(self, key: str, expected: bytes, got: bytes) -> None:
        super().__init__(
            f"idempotency key {key!r} belongs to another command: expected payload digest {expected.hex()[:16]}…, "
            f"got {got.hex()[:16]}…"
        )
        self.key = key


class SubjectErased(AppendError):
    """Personal data for a subject whose key was destroyed or was never made: it could never be read again."""


class SubjectKeyTaken(AppendError):
    """Another command made this subject's key first: seal the personal data again under that one."""


class Head(Struct, frozen=True):
    """The sequencer's row: the tree's right edge and the time of the last recording (RFC 3339 text, '' when empty)."""

    frontier: Frontier
    recorded_at: str = ""


class KnownCommand(Struct, frozen=True):
    """A command the ledger already holds."""

    digest: bytes
    stream: UUID
    seq: int
    position: int
    events: int

    def replay(self) -> Appended:
        """The outcome its first caller got, without the tree."""
        return Appended(stream=self.stream, position=self.position, seq=self.seq, events=self.events, replayed=True)


@dataclass
class Batch:
    """What one transaction writes, column by column as the statements take it, and what each caller hears."""

    head: Head
    outcomes: list[Appended | AppendError] = field(default_factory=list)
    accepted: list[Append] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    streams: list[UUID] = field(default_factory=list)
    seqs: list[int] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    entries: list[bytes] = field(default_factory=list)
    leaves: list[bytes] = field(default_factory=list)
    moved: dict[UUID, tuple[int, bytes]] = field(default_factory=dict)


CommandKey = tuple[UUID, str]


class Known(Struct, frozen=True):
    """What the ledger holds about a batch: stream → (version, leaf of the last event), command → its place,
    subject → whether its key still exists. What is new is absent.
    """

    versions: Mapping[UUID, tuple[int, bytes]]
    commands: Mapping[CommandKey, KnownCommand]
    subjects: Mapping[UUID, bool]


def sequence(
    appends: Sequence[Append],
    head: Head,
    known: Known,
    now: str,
) -> Batch:
    """Give every append its place, or its own reason why not.

    `recorded_at` never goes back: if the clock did, the head's time stands in for it.
    """
    recorded_at = max(now, head.recorded_at)
    batch = Batch(head)
    commands = dict(known.commands)
    subjects = dict(known.subjects)
    for append in appends:
        key = (append.tenant, append.key)
        if key in commands:
            batch.outcomes.append(_repeat(append, commands[key]))
            continue
        version, prev = batch.moved.get(append.stream) or known.versions.get(append.stream) or (0, b"")
        lost = _check_version(append, version) or _check_subjects(append, subjects)
        if lost is not None:
            batch.outcomes.append(lost)
            continue
        placed = _place(batch, append, prev, recorded_at)
        subjects.update((subject, True) for subject, _ in append.subject_keys)
        commands[key] = KnownCommand(append.digest, append.stream, placed.seq, placed.position, placed.events)
    batch.head = Head(head.frontier.extend(batch.leaves), recorded_at if batch.leaves else head.recorded_at)
    _name_tree(batch)
    return batch


def _repeat(append: Append, earlier: KnownCommand) -> Appended | AppendError:
    if earlier.digest != append.digest:
        return KeyReused(append.key, earlier.digest, append.digest)
    return earlier.replay()


def _check_version(append: Append, version: int) -> AppendError | None:
    return None if version == append.expected else VersionConflict(append.stream, append.expected, version)


def _check_subjects(append: Append, subjects: Mapping[UUID, bool]) -> AppendError | None:
    if not append.personal and not append.subject_keys:
        return None
    brought = {subject for subject, _ in append.subject_keys}
    taken = brought & subjects.keys()
    if taken:
        return SubjectKeyTaken(f"subject {min(taken)} has a key already")
    for row in append.personal:
        if row.subject not in brought and not subjects.get(row.subject, False):
            return SubjectErased(f"subject {row.subject}: expected a living key, got none")
    return None


def _place(batch: Batch, append: Append, prev: bytes, recorded_at: str) -> Appended:
    first = batch.head.frontier.size + len(batch.leaves) + 1
    seq = append.expected
    for drafted in append.drafts:
        seq += 1
        entry = seal(drafted, seq, prev or None, recorded_at)
        prev = leaf_hash(entry)
        batch.positions.append(batch.head.frontier.size + len(batch.positions) + 1)
        batch.streams.append(append.stream)
        batch.seqs.append(seq)
        batch.types.append(drafted.type)
        batch.entries.append(entry)
        batch.leaves.append(prev)
    batch.moved[append.stream] = (seq, prev)
    outcome = Appended(stream=append.stream, position=first, seq=append.expected + 1, events=len(append.drafts))
    batch.outcomes.append(outcome)
    batch.accepted.append(append)
    return outcome


def _name_tree(batch: Batch) -> None:
    """Tell every accepted caller the tree that holds its events."""
    size, root = batch.head.frontier.size, batch.head.frontier.root()
    for index, outcome in enumerate(batch.outcomes):
        if isinstance(outcome, Appended) and not outcome.replayed:
            batch.outcomes[index] = replace(outcome, size=size, root=root)
