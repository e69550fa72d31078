"""Sequencer: the pure function that turns a batch of appends into rows or refusals, under the head row's lock.

    Head + Known + [Append, …] ──sequence()──▶ Batch(outcomes, rows, new Head)

An append holds the events of one or several streams and the versions of streams that its decision has read: all of it
is written, at a moment when every version holds, or nothing. An append that lost (a stream moved on, its key was used
for something else) gets its own outcome and leaves the batch; the others never notice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from chain.entry import PLAIN, UNLINKED, Case, Draft, Link, is_time_text, seal
from chain.merkle import Frontier, leaf_hash
from chain.personal import Sealed


class PersonalRow(Struct, frozen=True, gc=False):
    """One sealed personal value on its way to the vault: its event, its subject and the sealed bytes."""

    eid: UUID
    subject: UUID
    sealed: Sealed


class Part(Struct, frozen=True, gc=False):
    """Events for one stream; `expected` is the version that the decision was made on (0 for a new stream)."""

    stream: UUID
    expected: int
    drafts: tuple[Draft, ...]


StreamRead = tuple[UUID, int]
"""A stream that was looked at and the version that was seen; 0 for a stream that must not exist yet."""


Beginning = tuple[str, int]
"""A type of event that begins streams, and the ledger position up to which all such streams of the append's tenant
were looked for.
"""


class Fence(Struct, frozen=True):
    """A tenant lock that somebody holds: its number, and the database's process that holds it for them."""

    lock: int
    holder: int


class Append(Struct, frozen=True, kw_only=True, gc=False):
    """The events of one accepted command, waiting for their place.

    The first of the `parts` is the stream that the command was for. `reads` are the other streams that the decision
    stands on, `beginnings` the kinds of stream of which it stands on knowing all, `fence` the lock under which a sum
    was read. `digest` is 32 bytes over the command's payload, made with the key of that number (`adapters.keys`): the
    same idempotency key with another digest is a mistake of the caller. What the program does on its own (`system`) has
    keys that no caller can take. `subject_keys` are wrapped keys of persons who appear for the first time. `first`
    demands that nothing is in the ledger yet: these are its first events, or they are not written.
    """

    tenant: UUID
    key: str
    system: bool
    digest: bytes
    digest_key: int = PLAIN
    parts: tuple[Part, ...]
    reads: tuple[StreamRead, ...] = ()
    beginnings: tuple[Beginning, ...] = ()
    fence: Fence | None = None
    personal: tuple[PersonalRow, ...] = ()
    subject_keys: tuple[tuple[UUID, bytes], ...] = ()
    first: bool = False

    @property
    def stream(self) -> UUID:
        """The stream that the command was for."""
        return self.parts[0].stream

    @property
    def events(self) -> int:
        """How many events there are, of all streams."""
        return sum([len(part.drafts) for part in self.parts])


class Appended(Struct, frozen=True, kw_only=True, gc=False):
    """Place of a command's events: first position, their number, and the stream that the command was for.

    `seq` is the number of that stream's first new event, `version` that of its last one. `size` and `root` are the
    tree that first contained the events; absent (0, empty) when the command was replayed.
    """

    stream: UUID
    position: int
    seq: int
    version: int
    events: int
    size: int = 0
    root: bytes = b""
    replayed: bool = False

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


class ReadMoved(AppendError):
    """Another stream, which the decision stands on, moved on since it was read: look again and judge again."""

    def __init__(self, stream: UUID, expected: int, actual: int) -> None:
        super().__init__(f"stream {stream}: read at version {expected}, now at {actual}")
        self.stream, self.expected, self.actual = stream, expected, actual


class StreamBegun(AppendError):
    """A further stream of a kind of which the decision stands on knowing all: look again and judge again."""

    def __init__(self, event_type: str, looked_to: int, begun_at: int) -> None:
        super().__init__(f"{event_type}: looked for up to position {looked_to}, found at {begun_at}")
        self.type, self.looked_to, self.begun_at = event_type, looked_to, begun_at


class StateMoved(AppendError):
    """Other streams moved on each time that a command was judged by them; nothing was written, try again."""


class TenantLockLost(AppendError):
    """The tenant lock is not held any more, so that others may have moved what was summed: look and judge again."""

    def __init__(self, fence: Fence) -> None:
        super().__init__(f"tenant lock {fence.lock}: expected to be held by backend {fence.holder}, which is gone")


class NotFirst(AppendError):
    """Events that had to be the ledger's first, in a ledger that has some."""

    def __init__(self, size: int) -> None:
        super().__init__(f"expected an empty ledger, got {size} events")
        self.size = size


class HeadBroken(AppendError):
    """A head row whose time is none: every entry from here on would carry it; run fsck, nothing was written."""

    def __init__(self, recorded_at: str) -> None:
        super().__init__(f"recorded_at in the head row: expected a time in UTC, got {recorded_at[:60]!r}")


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


class Head(Struct, frozen=True, gc=False):
    """The sequencer's row: the tree's right edge and the time of the last recording (RFC 3339 text, '' when empty)."""

    frontier: Frontier
    recorded_at: str = ""


class KnownCommand(Struct, frozen=True, gc=False):
    """A command the ledger already holds."""

    digest: bytes
    stream: UUID
    seq: int
    version: int
    position: int
    events: int
    digest_key: int = PLAIN

    def replay(self) -> Appended:
        """The outcome its first caller got, without the tree."""
        return Appended(
            stream=self.stream,
            position=self.position,
            seq=self.seq,
            version=self.version,
            events=self.events,
            replayed=True,
        )


TypeOfTenant = tuple[UUID, str]
SubjectOfTenant = tuple[UUID, UUID]
"""A tenant and a person it knows: the persons of two tenants are two, whatever their ids."""


CommandKey = tuple[UUID, bool, str]
"""What makes a command the same one: tenant, whether the program itself gave it, idempotency key."""


class Known(Struct, frozen=True, gc=False):
    """What the ledger holds about a batch: stream → its last link, case → its last link, command → its place,
    tenant's subject → whether its key still exists, type of event → where a stream of a tenant last began with it,
    fences that are held (both of those asked for). What is new is absent.
    """

    versions: Mapping[UUID, Link]
    commands: Mapping[CommandKey, KnownCommand]
    subjects: Mapping[SubjectOfTenant, bool]
    begun: Mapping[TypeOfTenant, int] = {}
    fences: frozenset[Fence] = frozenset()
    cases: Mapping[Case, Link] = {}


@dataclass
class Batch:
    """What one transaction writes, column by column as the statements take it, and what each caller hears; `known` is
    what there was before.
    """

    head: Head
    known: Known
    outcomes: list[Appended | AppendError] = field(default_factory=list)
    accepted: list[Append] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    streams: list[UUID] = field(default_factory=list)
    seqs: list[int] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    entries: list[bytes] = field(default_factory=list)
    leaves: list[bytes] = field(default_factory=list)
    moved: dict[UUID, Link] = field(default_factory=dict)
    moved_cases: dict[Case, Link] = field(default_factory=dict)
    begun: dict[TypeOfTenant, int] = field(default_factory=dict)


def sequence(
    appends: Sequence[Append],
    head: Head,
    known: Known,
    now: str,
) -> Batch:
    """Give every append its place, or its own reason why not.

    `recorded_at` never goes back: if the clock did, the head's time stands in for it. Raises `HeadBroken` where that is
    no time.
    """
    if head.recorded_at and not is_time_text(head.recorded_at):
        raise HeadBroken(head.recorded_at)
    recorded_at = max(now, head.recorded_at)
    batch = Batch(head, known)
    commands = dict(known.commands)
    subjects = dict(known.subjects)
    for append in appends:
        key = (append.tenant, append.system, append.key)
        if key in commands:
            batch.outcomes.append(_repeat(append, commands[key]))
            continue
        lost = _check_versions(append, batch, known) or _check_subjects(append, subjects)
        if lost is not None:
            batch.outcomes.append(lost)
            continue
        placed = _place(batch, append, known, recorded_at)
        subjects.update(((append.tenant, subject), True) for subject, _ in append.subject_keys)
        commands[key] = KnownCommand(
            append.digest, placed.stream, placed.seq, placed.version, placed.position, placed.events, append.digest_key
        )
    batch.head = Head(head.frontier.extend(batch.leaves), recorded_at if batch.leaves else head.recorded_at)
    _name_tree(batch)
    return batch


def _repeat(append: Append, earlier: KnownCommand) -> Appended | AppendError:
    if (earlier.digest_key, earlier.digest) != (append.digest_key, append.digest):
        return KeyReused(append.key, earlier.digest, append.digest)
    return earlier.replay()


def _check_versions(append: Append, batch: Batch, known: Known) -> AppendError | None:
    """Whether every stream is where the decision has seen it; a stream of several parts moves on between them."""
    if append.first and (size := batch.head.frontier.size + len(batch.leaves)):
        return NotFirst(size)
    ours: dict[UUID, int] = {}
    several = len(append.parts) > 1
    for part in append.parts:
        stream = part.stream
        version = ours.get(stream) or (batch.moved.get(stream) or known.versions.get(stream, UNLINKED))[0]
        if version != part.expected:
            return VersionConflict(stream, part.expected, version)
        if several:
            ours[stream] = version + len(part.drafts)
    return _check_reads(append, batch, known) if append.reads or append.fence or append.beginnings else None


def _check_reads(append: Append, batch: Batch, known: Known) -> AppendError | None:
    """Whether what the decision stands on beside its own streams is still so."""
    for stream, expected in append.reads:
        version = (batch.moved.get(stream) or known.versions.get(stream, UNLINKED))[0]
        if version != expected:
            return ReadMoved(stream, expected, version)
    if append.fence is not None and append.fence not in known.fences:
        return TenantLockLost(append.fence)
    for event_type, looked_to in append.beginnings:
        kind = (append.tenant, event_type)
        if (begun := batch.begun.get(kind) or known.begun.get(kind, 0)) > looked_to:
            return StreamBegun(event_type, looked_to, begun)
    return None


def _check_subjects(append: Append, subjects: Mapping[SubjectOfTenant, bool]) -> AppendError | None:
    if not append.personal and not append.subject_keys:
        return None
    brought = {(append.tenant, subject) for subject, _ in append.subject_keys}
    taken = brought & subjects.keys()
    if taken:
        return SubjectKeyTaken(f"subject {min(taken)[1]} has a key already")
    for row in append.personal:
        subject = (append.tenant, row.subject)
        if subject not in brought and not subjects.get(subject, False):
            return SubjectErased(f"subject {row.subject}: expected a living key, got none")
    return None


def _place(batch: Batch, append: Append, known: Known, recorded_at: str) -> Appended:
    first = position = batch.head.frontier.size + len(batch.leaves) + 1
    for part in append.parts:
        stream = part.stream
        link = batch.moved.get(stream) or known.versions.get(stream, UNLINKED)
        for drafted in part.drafts:
            in_case = batch.moved_cases.get(drafted.case) or known.cases.get(drafted.case, UNLINKED)
            entry = seal(drafted, link, in_case, recorded_at)
            leaf = leaf_hash(entry)
            link = (link[0] + 1, leaf)
            batch.moved_cases[drafted.case] = (in_case[0] + 1, leaf)
            if link[0] == 1:
                batch.begun[append.tenant, drafted.type] = position
            batch.positions.append(position)
            batch.streams.append(stream)
            batch.seqs.append(link[0])
            batch.types.append(drafted.type)
            batch.entries.append(entry)
            batch.leaves.append(leaf)
            position += 1
        batch.moved[stream] = link
    own = append.parts[0]
    version = batch.moved[own.stream][0]
    outcome = Appended(
        stream=own.stream, position=first, seq=own.expected + 1, version=version, events=position - first
    )
    batch.outcomes.append(outcome)
    batch.accepted.append(append)
    return outcome


def _name_tree(batch: Batch) -> None:
    """Tell every accepted caller the tree that holds its events."""
    size, root = batch.head.frontier.size, batch.head.frontier.root()
    for index, outcome in enumerate(batch.outcomes):
        if isinstance(outcome, Appended) and not outcome.replayed:
            batch.outcomes[index] = replace(outcome, size=size, root=root)
