"""What is parked: what should have followed from an event and did not, timers that could not be fired, events that a
read model could not take. Whatever else there is goes on meanwhile.

    read.parked        process managers and the end of day ─┐
    read.dead_letters  folds of read models                ─┴─▶ one list, by the events that it comes from

It is the list of now: parking is no event, so that there is none of the past. Each row names what keeps it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from adapters.postgres.connections import Connection, has_column, has_table
from adapters.postgres.schema import SHARD
from adapters.processes.held import TIMERS_PROCESS
from api.permissions import Permission
from api.queries.engine.parameters import STARTING_AFTER, Cursor, ParameterInvalid, position_of
from api.queries.engine.read import Past, Read, ReadRequest, ReadResult
from api.queries.engine.shape import Instant, Position
from domain.kernel.ids import format_id
from domain.kernel.process import HELD, NOT_FOLDED, NOT_YET, WAITS
from domain.kernel.times import utc_text
from projections.engine.copies import NotLive

_PLACE = re.compile(r"([0-9]{1,16})/(event|follow_up|timer)/([a-z][a-z0-9_:-]{0,99})/(.{1,500})")


class ParkedKind(StrEnum):
    """What it is that did not happen."""

    EVENT = "event"
    FOLLOW_UP = "follow_up"
    TIMER = "timer"


class ParkedItem(Struct, frozen=True):
    """One thing that did not happen: its kind, for whom it waits, and what keeps it.

    `refusal` is the code of what keeps it and `facts` what made it apply; an error has its type and its place.
    """

    kind: Annotated[ParkedKind, Meta(description="An event not folded, a follow-up not done, or a timer not fired.")]
    process: Annotated[str, Meta(description="The process, or the read model, that could not go on with it.")]
    of: Annotated[
        str,
        Meta(
            pattern="^[a-z_]+_[0-9a-f]{32}$",
            description="What it is for: the aggregate's id; where that has no event yet, what the event is of.",
        ),
    ]
    key: Annotated[str, Meta(description="The key under which it is parked; it is done once under this key.")]
    position: Annotated[Position, Meta(description="The position of the event that it comes from.")]
    refusal: Annotated[str, Meta(description="The code of what keeps it, as problems have it.")]
    facts: Annotated[dict[str, str], Meta(description="What made it apply; of an error its type and place.")]
    tries: Annotated[int, Meta(ge=0, description="How often it was tried; 0 where nobody counts.")]
    retry_at: Annotated[
        Instant | None, Meta(description="When it is tried again by itself; null where it waits for people or its day.")
    ]


class ParkedFilter(Struct, frozen=True, kw_only=True):
    """Which of it is wanted."""

    kind: Annotated[ParkedKind | None, Meta(description="Only of this kind.")] = None


class ParkedCursor(Struct, frozen=True):
    """The cursor of the list: the item that a page ends with."""

    position: int
    kind: str
    process: str
    key: str


_PROCESSES = f"""
    SELECT position, CASE process WHEN '{TIMERS_PROCESS}' THEN 'timer' ELSE 'follow_up' END AS kind, process, key,
           stream, code, facts, tries, retry_at
    FROM read.parked WHERE shard = %(shard)s AND tenant = %(tenant)s"""
_READ_MODELS = f"""
    SELECT letters.position, 'event' AS kind, models.name AS process, letters.key, letters.stream,
           CASE letters.error WHEN '' THEN '{WAITS.code}' ELSE '{NOT_FOLDED.code}' END AS code,
           CASE letters.error WHEN '' THEN '{{}}' ELSE json_build_object('error', letters.error)::text END AS facts,
           0 AS tries, NULL::timestamptz AS retry_at
    FROM read.dead_letters AS letters JOIN read.projections AS models USING (shard, table_name)
    WHERE letters.shard = %(shard)s AND letters.tenant = %(tenant)s AND models.status = 'live'"""
_PAGE = """
SELECT position, kind, process, key, stream, code, facts, tries, retry_at FROM ({parts}) AS parked
WHERE (%(kind)s::text IS NULL OR kind = %(kind)s)
  AND (position, kind COLLATE "C", process COLLATE "C", key COLLATE "C")
      > (%(position)s, %(after)s, %(process)s, %(key)s)
ORDER BY position, kind COLLATE "C", process COLLATE "C", key COLLATE "C" LIMIT %(limit)s"""
_COUNT = "SELECT count(*) FROM ({parts}) AS parked WHERE NOT code = ANY(%(waits)s)"
_NOUNS = """
SELECT DISTINCT ON (stream) stream, type FROM ledger.events
WHERE shard = %s AND stream = ANY(%s) ORDER BY stream, seq"""
_SOURCES = "SELECT position, stream, type FROM ledger.events WHERE shard = %s AND position = ANY(%s)"
_FIRST = ParkedCursor(-1, "", "", "")


def _list_parked(request: ReadRequest) -> ReadResult:
    """What did not happen and waits: follow-ups, timers and events that a read model could not take, as of now."""
    after: ParkedCursor = request.after or _FIRST
    wanted = request.filters.kind
    rows = _ask(request.connection, _PAGE, {
        "shard": SHARD, "tenant": request.tenant, "kind": wanted and wanted.value, "limit": request.limit + 1,
        "position": after.position, "after": after.kind, "process": after.process, "key": after.key,
    })  # fmt: skip
    shown, more = rows[: request.limit], rows[request.limit :]
    names = _names(request.connection, shown)
    following = ParkedCursor(*shown[-1][:4]) if more else None
    return ReadResult(
        tuple(_item(row, name) for row, name in zip(shown, names, strict=True)), request.moment, following
    )


def how_many(connection: Connection, tenant: UUID) -> int:
    """How much of a tenant is parked that somebody has to look at: all but what waits, and follows by itself."""
    waits = [NOT_YET.code, HELD.code]
    rows = _ask(connection, _COUNT, {"shard": SHARD, "tenant": tenant, "waits": waits})
    return int(rows[0][0]) if rows else 0


def _ask(connection: Connection, query: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Ask for rows of what is parked, wherever it is; none before there is a place for any."""
    # Dead letters of a release before have no tenant until whoever folds has prepared its tables: none is left out.
    tables = {"read.parked": _PROCESSES, "read.dead_letters": _READ_MODELS}
    parts = [select for table, select in tables.items() if has_table(connection, table)]
    if _READ_MODELS in parts and not has_column(connection, "read.dead_letters", "tenant"):
        raise NotLive("read.dead_letters: expected a column tenant, got none yet")
    if not parts:
        return []
    return connection.execute(query.format(parts=" UNION ALL ".join(parts)).encode(), parameters).fetchall()


def _names(connection: Connection, rows: Sequence[Sequence[Any]]) -> list[str]:
    """The ids of what each row is for, if that has begun, or of what its event is of."""
    streams, positions = [row[4] for row in rows], [row[0] for row in rows]
    begun: dict[UUID, str] = dict(connection.execute(_NOUNS, (SHARD, streams)).fetchall())
    sources = {at: place for at, *place in connection.execute(_SOURCES, (SHARD, positions)).fetchall()}
    places = ((one, begun[one]) if one in begun else sources[at] for one, at in zip(streams, positions, strict=True))
    return [format_id(kind.partition(".")[0], stream) for stream, kind in places]


def _item(row: Sequence[Any], name: str) -> ParkedItem:
    position, kind, process, key, _, code, facts, tries, retry_at = row
    return ParkedItem(
        kind=ParkedKind(kind),
        process=process,
        of=name,
        key=key,
        position=position,
        refusal=code,
        facts=msgspec.json.decode(facts, type=dict[str, str]),
        tries=tries,
        retry_at=None if retry_at is None else utc_text(retry_at),
    )


def _place(text: str) -> ParkedCursor:
    match = _PLACE.fullmatch(text)
    if match is None:
        raise ParameterInvalid(STARTING_AFTER, "identifier")
    return ParkedCursor(position_of(STARTING_AFTER, match[1]), match[2], match[3], match[4])


def _text(place: ParkedCursor) -> str:
    return f"{place.position}/{place.kind}/{place.process}/{place.key}"


_CURSOR = Cursor(Annotated[str, Meta(pattern=f"^{_PLACE.pattern}$")], _place, _text, "Continue behind this place.")

READS = (
    Read(
        path="/parked", query=_list_parked, answer=ParkedItem, many=True, filters=ParkedFilter, past=Past.NONE,
        cursor=_CURSOR, permission=Permission.READ_RECORDS, tag="parked",
        columns="kind of process refusal facts position tries retry_at",
    ),
)  # fmt: skip
