"""Filling a ledger with millions of valid events, quickly: made by templates, loaded by binary COPY, heads consistent.

    template of an entry ─ ids, prev, seq ─▶ entry ─▶ leaf ─▶ events │ commands │ stream_heads │ head (frontier, root)

What comes out is a ledger like any other: fsck finds nothing, the next command goes on from its head. One command made
each event, under a random key; each stream has several events, mixed with those of its neighbours, and is a case.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from uuid import UUID

from adapters.postgres.connections import Connection, connect
from adapters.postgres.schema import SHARD
from api.compose import Base
from chain.b64 import b64encode
from chain.entry import Draft, command_id, draft
from chain.merkle import Frontier, leaf_hash
from domain.intake.application.events import RoutedToLane
from domain.intake.application.rules import APPLICATION
from domain.kernel.command import Context
from domain.kernel.event import Event
from domain.kernel.ids import RANDOM_BITS, uuid7
from domain.kernel.refusal import Refusal
from domain.kernel.times import business_date, utc_text
from tests.bench.clients import ACTOR, COMMAND

EVENTS_OF_A_STREAM = 10
STREAMS_AT_ONCE = 1_000
"""Streams that grow together: their events lie mixed, as they do in a ledger that many people write."""

BEGAN = datetime(2026, 1, 1, 8, 0, tzinfo=UTC)
RECORDED_AT = utc_text(BEGAN)
_BEGAN_MS = int(BEGAN.timestamp() * 1_000)
_STREAM, _EID, _CAUSE = (UUID(int=0x7 << 76 | 0b10 << 62 | number) for number in (0xA1, 0xA2, 0xA3))
_LENGTH = struct.Struct("!i").pack
_COPY_HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_COPY_TRAILER = b"\xff\xff"

Row = tuple[bytes, ...]
Template = tuple[Callable[[str, str, str, int, bytes], bytes], bytes]
"""Writes an entry from event id, cause, stream, number and leaf before; and the event's type."""
Block = tuple[list[Row], list[Row], list[Row], list[bytes]]
"""Rows of events, commands and stream heads, fields as PostgreSQL's binary formats; and the leaf hashes."""


def load(on: Base, events: int, seed: int = 1) -> None:
    """Fill an empty ledger with `events` events. The keys of commands are indexed at the end, which is quicker."""
    tenant = on.settings.tenant
    with connect(on.url, role=None) as admin, admin.transaction():
        admin.execute("SELECT ledger.make_room(%s::smallint, %s)", (SHARD, events))
        admin.execute("ALTER TABLE ledger.commands DROP CONSTRAINT commands_pkey")
        frontier = Frontier.empty()
        for rows, commands, heads, leaves in _blocks(tenant, events, random.Random(seed)):
            _copy(admin, "events (shard, position, stream, seq, type, entry, leaf)", rows)
            _copy(admin, _COMMANDS, commands)
            _copy(admin, "stream_heads (shard, stream, seq, leaf)", heads)
            cases = [(shard, tenant.bytes, *rest) for shard, *rest in heads]
            _copy(admin, "case_heads (shard, tenant, correlation, seq, leaf)", cases)
            frontier = frontier.extend(leaves)
        admin.execute("ALTER TABLE ledger.commands ADD PRIMARY KEY (shard, tenant, system, key)")
        admin.execute(
            "UPDATE ledger.head SET size = %s, frontier = %s, root = %s, recorded_at = %s WHERE shard = %s",
            (frontier.size, frontier.to_bytes(), frontier.root(), RECORDED_AT, SHARD),
        )
    with connect(on.url, role=None) as admin:
        admin.execute("VACUUM ANALYZE")


def _blocks(tenant: UUID, events: int, chance: random.Random) -> Iterator[Block]:
    """The ledger's rows in order, some thousand at a time."""
    first, later = _templates(tenant)
    position = 0
    while position < events:
        streams = min(STREAMS_AT_ONCE, events - position)
        ids = [uuid7(_BEGAN_MS + position // 10, chance.getrandbits(RANDOM_BITS)) for _ in range(streams)]
        prevs = [b""] * streams
        seqs = [0] * streams
        block: Block = ([], [], [], [])
        for nth in range(min(streams * EVENTS_OF_A_STREAM, events - position)):
            at = nth % streams
            position += 1
            seqs[at] += 1
            make, kind = later if prevs[at] else first
            prevs[at] = _event(block, (tenant, ids[at], seqs[at], position, prevs[at]), make, kind, chance)
        block[2].extend((_SHARD, ids[at].bytes, _LENGTH(seqs[at]), prevs[at]) for at in range(streams))
        yield block


Place = tuple[UUID, UUID, int, int, bytes]
"""Tenant, stream, number in the stream, position, leaf before."""


def _event(block: Block, place: Place, make: Callable[..., bytes], kind: bytes, chance: random.Random) -> bytes:
    """Add one event with its command; its leaf hash."""
    tenant, stream, seq, position, prev = place
    eid = str(uuid7(_BEGAN_MS + position // 10, chance.getrandbits(RANDOM_BITS)))
    key, digest = b"%032x" % chance.getrandbits(128), chance.randbytes(32)
    cause = str(command_id(tenant, key.decode(), digest, system=False))
    entry = make(eid, cause, str(stream), seq, prev)
    leaf = leaf_hash(entry)
    rows, commands, _, leaves = block
    number, where = _LENGTH(seq), position.to_bytes(8)
    rows.append((_SHARD, where, stream.bytes, number, kind, entry, leaf))
    commands.append((_SHARD, tenant.bytes, key, digest, stream.bytes, number, number, where, _LENGTH(1), *_OF_CALLERS))
    leaves.append(leaf)
    return leaf


def _templates(tenant: UUID) -> tuple[Template, Template]:
    """Templates of a stream's first event and of every later one."""
    context = Context(
        tenant=tenant,
        actor=ACTOR,
        correlation=_STREAM,
        now=BEGAN,
        business_date=business_date(BEGAN),
    )
    drafted = APPLICATION.decide(COMMAND, APPLICATION.initial, context)
    assert not isinstance(drafted, Refusal), drafted
    return _template(drafted[0], context), _template(RoutedToLane(lane="counter"), context)


def _template(event: Event, context: Context) -> Template:
    drafted = draft(event, context, stream=_STREAM, eid=_EID, cause=_CAUSE)
    head, tail = _holes(drafted)

    def make(eid: str, cause: str, stream: str, seq: int, prev: bytes) -> bytes:
        leaf = b64encode(prev).decode()
        before = f'"prev":"{leaf}","prev_case":"{leaf}",' if prev else ""
        middle = f'{before}"recorded_at":"{RECORDED_AT}","seq":{seq},"seq_case":{seq}'
        return f"{head.format(eid=eid, cause=cause, stream=stream)},{middle},{tail.format(stream=stream)}".encode()

    return make, drafted.type.encode()


def _holes(drafted: Draft) -> tuple[str, str]:
    """Head and tail of a draft with holes where the ids were."""
    texts = []
    for part in (drafted.head, drafted.tail):
        text = part.decode().replace("{", "{{").replace("}", "}}")
        for name, value in (("eid", _EID), ("cause", _CAUSE), ("stream", _STREAM)):
            text = text.replace(str(value), "{" + name + "}")
        texts.append(text)
    return texts[0], texts[1]


def _copy(admin: Connection, table: str, rows: Iterable[Row]) -> None:
    with admin.cursor() as cursor, cursor.copy(f"COPY ledger.{table} FROM STDIN (FORMAT binary)".encode()) as copy:
        copy.write(b"".join((_COPY_HEADER, *map(_packed, rows), _COPY_TRAILER)))


def _packed(row: Row) -> bytes:
    return len(row).to_bytes(2) + b"".join([_LENGTH(len(field)) + field for field in row])


_SHARD = SHARD.to_bytes(2)
_COMMANDS = "commands (shard, tenant, key, digest, stream, seq, version, position, events, system, digest_key)"
_OF_CALLERS = (b"\x00", (2).to_bytes(2))
"""No command of the program; a digest under the payloads' key."""

_ROUTED = RoutedToLane(lane="counter")
