"""Entries: the exact canonical bytes (RFC 8785) of one event; what is hashed is what is stored.

An entry is made in two steps, so that the work under the ledger's lock is a single join of bytes:

    Event + Context + cause ──draft()──▶ Draft    outside the lock: validated, canonical, personal data taken out
    Draft + (prev, prev_case, recorded_at, seq, seq_case) ──seal()──▶ entry bytes    under the lock

The facts that only the sequencer knows are neighbours in the sorted key order of RFC 8785 §3.2.3 (`prev` < `prev_case`
< `recorded_at` < `seq` < `seq_case`), so the bytes before and after them are ready beforehand.

Every entry is a link of two chains. `seq` and `prev` number the events of its stream and name the leaf hash of the one
before: shown whole, a stream has no hole. `seq_case` and `prev_case` do the same over all events of its case, of
whatever stream: who shows a case shows that nothing between its first and its last shown event was left out. A case is
what an entry says, `tenant` and `correlation`, in the log that it stands in: the same two in another log are another
chain. Entries of version 1 have the chain of their stream only. The first entry of version 2 in a case links to the
last one of version 1 and counts on: with number n, exactly n - 1 entries of version 1 with this case stand before it in
the log, and who shows them all shows the case whole. No entry of version 1 comes after one of version 2.

`cause` names the command that made the event, and is made of what makes a command the same one (`command_id`), so that
nobody can give the command another key or payload behind the entry's back. Histories that were imported, and events of
the `eventsourcing` library, have causes of their own.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import date
from hashlib import sha256
from typing import Annotated, Any
from uuid import UUID, uuid5

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType
from msgspec.structs import replace

from chain.b64 import b64encode
from domain.kernel.command import Actor, Context
from domain.kernel.event import EVENT_TYPES, Event, decode_body, type_of, validate, without_personal
from domain.kernel.money import MAX_SAFE_INTEGER
from domain.kernel.times import utc_text
from domain.kernel.values import canonical_json

ENTRY_VERSION = "leaseledger.entry/2"
ENTRY_WITHOUT_CASE = "leaseledger.entry/1"
"""The version of before: it stays readable, and cannot prove that a case is shown without a hole."""

ENTRY_MAX_BYTES = 16_384
"""C2SP tlog-tiles stores entry lengths in 16 bits; we stay well inside. Documents enter by digest."""


MAX_DEPTH = 64
"""Levels of a body; every reader of JSON goes deeper."""


PLAIN, PAYLOAD_KEY_BEFORE, PAYLOAD_KEY = 0, 1, 2
"""Keys of payload digests by number: none (imports, whose payload is a public history), `vault.kek` as it was before,
and the key that is for nothing else. A digest is compared under the key that made it.
"""


class EntryError(ValueError):
    """An entry that cannot be made or is not what the format says; the message has expected and got."""


class EntryTooLarge(EntryError):
    """An entry that cannot be made because its event is longer, or has a larger number, than an entry holds."""


class Document(Struct, frozen=True):
    """A file outside the ledger: its kind of name, media type, size in bytes and two digests in lower-case hex."""

    name: str
    type: str
    size: int
    sha256: str
    sm3: str


Link = tuple[int, bytes]
"""The last link of a chain: its number and the leaf hash of its entry."""

UNLINKED: Link = (0, b"")
"""A chain that has no link yet."""

MAX_LINKS = 2**31 - 1
Number = Annotated[int, Meta(ge=1, le=MAX_LINKS)]
LeafText = Annotated[str, Meta(pattern=r"^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$(?!\n)")]
"""A leaf hash as canonical Base64 (RFC 4648 §4)."""

_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z"
TimeText = Annotated[str, Meta(pattern=rf"^{_TIME}$(?!\n)")]

Case = tuple[UUID, UUID]
"""A case: the tenant and the correlation that all its events carry."""


class Entry(Struct, frozen=True, gc=False, kw_only=True, forbid_unknown_fields=True, rename={"sd": "_sd"}):
    """One parsed entry; fields as in the published format. Times are RFC 3339 UTC with six fractional digits."""

    v: str
    eid: UUID
    type: str
    stream: UUID
    seq: Number
    prev: LeafText | UnsetType = UNSET
    seq_case: Number | UnsetType = UNSET
    prev_case: LeafText | UnsetType = UNSET
    occurred_at: TimeText
    recorded_at: TimeText
    business_date: date
    tenant: UUID
    actor: Actor
    cause: UUID
    correlation: UUID
    body: Raw
    sd: tuple[str, ...] | UnsetType = UNSET
    docs: tuple[Document, ...] | UnsetType = UNSET

    @property
    def case(self) -> Case:
        """The case that the event belongs to."""
        return self.tenant, self.correlation

    def event(self) -> Event:
        """The domain event in the body, upcast to its current version, personal fields `UNSET`.

        Raises `UnknownEventType`, `msgspec.ValidationError`, or `EntryError` for a body that is nested too deep.
        """
        try:
            return decode_body(self.type, self.body)
        except RecursionError as error:
            raise EntryError(f"{self.type}: expected a body of at most {MAX_DEPTH} levels, got a deeper one") from error


class DecidedEvent(Struct, frozen=True, gc=False):
    """One event that was decided: the context and the id of the command that it comes of, and its own id."""

    event: Event
    context: Context
    cause: UUID
    eid: UUID


class Draft(Struct, frozen=True, gc=False):
    """An entry before the sequencer saw it: the canonical bytes on both sides of what is still missing."""

    stream: UUID
    eid: UUID
    type: str
    case: Case
    head: bytes
    tail: bytes


class _Head(Struct, frozen=True, kw_only=True, gc=False, rename={"sd": "_sd"}):
    sd: Sequence[str] | UnsetType = UNSET
    actor: Actor
    body: Any
    business_date: date
    cause: UUID
    correlation: UUID
    docs: Sequence[Document] | UnsetType = UNSET
    eid: UUID
    occurred_at: str


class _Tail(Struct, frozen=True, kw_only=True, gc=False):
    stream: UUID
    tenant: UUID
    type: str
    v: str = ENTRY_VERSION


_DECODER = msgspec.json.Decoder(Entry)
_VERSION_AND_VARIANT = 0xF << 76 | 0b11 << 62
_VERSION_8 = 8 << 76 | 0b10 << 62
_ROOM_FOR_SEALING = 240
_NUMBER_TO_LOOK_AT = re.compile(rb"[:,[]-?(?:[0-9]{16}|[0-9]+[.eE])")
"""A float or a long integer, or text that looks like one: rare, so that the exact look costs nothing usually."""


def draft(
    event: Event,
    context: Context,
    *,
    stream: UUID,
    eid: UUID,
    cause: UUID,
    digests: Sequence[str] = (),
    docs: Sequence[Document] = (),
) -> Draft:
    """Everything of an entry that does not depend on its place in the ledger.

    `cause` is the id of the command that the event comes of.
    `digests` are the disclosure digests of the event's personal fields and decoys (RFC 9901 §4.2.4.1); the body never
    holds a personal value. Raises `msgspec.ValidationError` for an event that breaks its declaration, `EntryError` for
    text that is not NFC, and `EntryTooLarge` for integers beyond 2^53-1 or an entry over 16 KiB.
    """
    try:
        validate(event)
    except msgspec.ValidationError:
        _check_numbers(type_of(event), msgspec.json.decode(canonical_json(event)))
        raise
    return draft_body(
        type_of(event),
        without_personal(event),
        context,
        stream=stream,
        eid=eid,
        cause=cause,
        digests=digests,
        docs=docs,
    )


def draft_body(
    event_type: str,
    body: object,
    context: Context,
    *,
    stream: UUID,
    eid: UUID,
    cause: UUID,
    digests: Sequence[str] = (),
    docs: Sequence[Document] = (),
) -> Draft:
    """As `draft`, for a body that is any I-JSON object (the `eventsourcing` recorder stores such).

    Names of members are ASCII, so that no two orders of them exist (RFC 8785 §3.2.3 sorts UTF-16, others code points).
    """
    if not isinstance(body, Struct):
        _check_body(event_type, body)
    try:
        written = canonical_json(body)
    except (UnicodeEncodeError, RecursionError) as error:
        raise EntryError(f"{event_type}: expected a body of text and not too deep, got {error}") from error
    if _NUMBER_TO_LOOK_AT.search(written):
        _check_numbers(event_type, msgspec.json.decode(written))
    head = canonical_json(
        _Head(
            sd=tuple(sorted(digests)) or UNSET,
            actor=context.actor,
            body=Raw(written),
            business_date=context.business_date,
            cause=cause,
            correlation=context.correlation,
            docs=tuple(docs) or UNSET,
            eid=eid,
            occurred_at=utc_text(context.now),
        )
    )[:-1]
    tail = canonical_json(_Tail(stream=stream, tenant=context.tenant, type=event_type))[1:]
    if len(head) + len(tail) + _ROOM_FOR_SEALING > ENTRY_MAX_BYTES:
        raise EntryTooLarge(
            f"{event_type}: expected an entry of at most {ENTRY_MAX_BYTES} bytes, got "
            f"{len(head) + len(tail) + _ROOM_FOR_SEALING}; documents enter by digest"
        )
    if not head.isascii() and not unicodedata.is_normalized("NFC", head.decode()):
        raise EntryError(f"{event_type}: expected text in Unicode Normalization Form C, got a body that is not")
    case = (context.tenant, context.correlation)
    return Draft(stream=stream, eid=eid, type=event_type, case=case, head=head, tail=tail)


def _check_body(event_type: str, body: object) -> None:
    """Raise `EntryError` for what is no I-JSON object with ASCII member names, or is nested deeper than readers go."""
    if not isinstance(body, dict):
        raise EntryError(f"{event_type}: expected a JSON object as body, got {type(body).__name__}")
    level: list[object] = [body]
    for _ in range(MAX_DEPTH):
        level = [part for value in level for part in _parts(event_type, value)]
        if not level:
            return
    raise EntryError(f"{event_type}: expected a body of at most {MAX_DEPTH} levels, got a deeper one")


def _parts(event_type: str, value: object) -> Iterable[object]:
    """What a JSON value is made of."""
    if isinstance(value, dict):
        if odd := [name for name in value if not isinstance(name, str) or not name.isascii()]:
            raise EntryError(f"{event_type}: expected member names in ASCII, got {odd[0]!r}")
        return value.values()
    if isinstance(value, list | tuple):
        return value
    if isinstance(value, float) and not math.isfinite(value):
        raise EntryError(f"{event_type}: expected finite numbers, got {value}")
    if value is not None and not isinstance(value, str | int | float):
        raise EntryError(f"{event_type}: expected JSON values, got {type(value).__name__}")
    return ()


def _check_numbers(event_type: str, value: object) -> None:
    """Raise `EntryError` for a float, `EntryTooLarge` for an integer beyond what I-JSON keeps (RFC 7493 §2.2)."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            _check_numbers(event_type, one)
    elif isinstance(value, float):
        raise EntryError(f"{event_type}: expected integers of at most 2^53-1, got {value}")
    elif isinstance(value, int) and abs(value) > MAX_SAFE_INTEGER:
        raise EntryTooLarge(f"{event_type}: expected integers of at most 2^53-1, got {value}")


def seal(drafted: Draft, after: Link, after_in_case: Link, recorded_at: str) -> bytes:
    """The entry: a draft with its numbers, the leaf hashes of its predecessors and the time of recording.

    `after` is the last link of the draft's stream, `after_in_case` that of its case; `UNLINKED` where there is none.
    """
    seq, prev = after
    seq_case, prev_case = after_in_case
    return b'%b%b%b,"recorded_at":"%b","seq":%d,"seq_case":%d,%b' % (
        drafted.head,
        b',"prev":"%b"' % b64encode(prev) if prev else b"",
        b',"prev_case":"%b"' % b64encode(prev_case) if prev_case else b"",
        recorded_at.encode(),
        seq + 1,
        seq_case + 1,
        drafted.tail,
    )


def command_id(tenant: UUID, key: str, digest: bytes, *, system: bool) -> UUID:
    """The id of a command, made of what makes it the same one: a UUID of version 8 (RFC 9562 §5.8).

    `digest` is that of its payload, under whatever key: it is compared, and never tells what the payload was.
    """
    said = b"".join((b"leaseledger.command/1", tenant.bytes, b"\x01" if system else b"\x00", digest, key.encode()))
    made = int.from_bytes(sha256(said).digest()[:16])
    return UUID(int=made & ~_VERSION_AND_VARIANT | _VERSION_8)


def import_cause(tenant: UUID, name: str) -> UUID:
    """The cause of what an import decides as one: of the tenant and a name, a UUID of version 5 (RFC 9562 §5.5)."""
    return uuid5(tenant, name)


def is_time_text(text: str) -> bool:
    """Whether a text has the form of an entry's times."""
    return re.fullmatch(_TIME, text, re.ASCII) is not None


def member_of(tenant: UUID) -> bytes:
    """The bytes that every entry of a tenant holds, whose canonical form writes a member in one way only.

    An entry of somebody else may hold them, too, inside its body: look at what was found.
    """
    return b'"tenant":"%b"' % str(tenant).encode()


def parse(entry: bytes) -> Entry:
    """The entry in stored bytes of either version; raises `EntryError`. `check_canonical` checks their form."""
    try:
        parsed = _DECODER.decode(entry)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise EntryError(f"expected a {ENTRY_VERSION} object, got: {error}") from error
    _check_link("prev", parsed.seq, parsed.prev)
    if parsed.v == ENTRY_VERSION:
        if parsed.seq_case is UNSET:
            raise EntryError(f"{ENTRY_VERSION}: expected seq_case, the event's number in its case, got none")
        _check_link("prev_case", parsed.seq_case, parsed.prev_case)
    elif parsed.v != ENTRY_WITHOUT_CASE:
        raise EntryError(f"expected {ENTRY_VERSION} or {ENTRY_WITHOUT_CASE}, got {parsed.v!r}")
    elif parsed.seq_case is not UNSET or parsed.prev_case is not UNSET:
        raise EntryError(f"{ENTRY_WITHOUT_CASE}: expected no seq_case and no prev_case, got one")
    return parsed


def _check_link(name: str, number: int, before: str | UnsetType) -> None:
    if (number == 1) != (before is UNSET):
        expected = "none before the first" if number == 1 else f"the leaf before number {number}"
        raise EntryError(f"{name}: expected {expected}, got {'none' if before is UNSET else before}")


def check_canonical(entry: bytes, parsed: Entry, event: Event | None) -> None:
    """Raise `EntryError` unless the bytes are the canonical form of what they say (RFC 8785 §3.2).

    Envelope and body are written again from their typed values: sorted unique keys, no spaces, one way to write each
    value. A body of an older version, or of another application (`None`), is compared by its generic form.
    """
    current = EVENT_TYPES.get(parsed.type) is type(event)
    try:
        body: object = event if current else msgspec.json.decode(parsed.body)
    except RecursionError as error:
        raise EntryError(f"expected a body of at most {MAX_DEPTH} levels, got a deeper one") from error
    if not current:
        _check_body(parsed.type, body)
        _check_numbers(parsed.type, body)
    again = canonical_json(replace(parsed, body=Raw(canonical_json(body))))
    if again != entry:
        shorter = min(len(again), len(entry))
        at = next((i for i in range(shorter) if again[i] != entry[i]), shorter)
        raise EntryError(
            f"expected canonical bytes, first difference at byte {at}: expected {again[at : at + 24]!r}, "
            f"got {entry[at : at + 24]!r}"
        )
