"""The schema part of fsck: tables, constraints, triggers, owners and privileges are those that schema.sql makes.

    pg_catalog ──catalogue.sql──▶ object, aspect, value     every one equal to that in catalogue.txt, and none beside it

What keeps the ledger append-only lives in the schema, and so does what could show readers other rows than fsck: views,
policies, rules. Partitions of the events are compared with the first one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import psycopg

from adapters.postgres.connections import MayNotRead, check_may_read
from adapters.postgres.fsck.findings import Findings
from adapters.postgres.schema import SHARD

Facts = Mapping[str, Mapping[str, str]]
"""Object → aspect → value."""

READERS_TABLES = (
    "schema_version", "head", "events", "stream_heads", "case_heads", "commands", "checkpoints", "tiles", "log_keys",
)  # fmt: skip
"""What leaseledger_reader may see."""

PARTITIONS_MAX = 100_000
"""More than a ledger ever has: a head row that says so is damaged."""

_PARTITION, _BOUNDS = "events_0", "partition of"
_SEPARATOR = " | "


def check_catalogue(connection: psycopg.Connection[tuple[Any, ...]], found: Findings) -> None:
    """Compare the schema with what it was made as. Needs a transaction."""
    row = connection.execute(_ROOM, (SHARD,)).fetchone() if _has_head(connection) else None
    step, room = row or (0, 0)
    if step < 1 or room < 1 or room % step:
        found.add(0, "room in the head row", "a multiple of partition_rows", f"{room} of {step}")
    expected = expected_facts(step, room)
    got = stored_facts(connection)
    for thing in sorted(expected.keys() | got.keys()):
        _compare(thing, expected.get(thing), got.get(thing), found)


def stored_facts(connection: psycopg.Connection[tuple[Any, ...]]) -> Facts:
    """What the schema is made of. Needs a transaction."""
    # Names are written with their schema.
    connection.execute("SET LOCAL search_path = ''")
    rows = connection.execute(files("adapters.postgres.fsck").joinpath("catalogue.sql").read_bytes())
    return _by_object(rows)


def expected_facts(step: int, room: int) -> Facts:
    """What the schema of a ledger with partitions of `step` rows up to position `room` is made of."""
    made = {thing: aspects for thing, aspects in _as_made().items() if _PARTITION not in thing}
    for number in range(min(room // step, PARTITIONS_MAX) if step > 0 else 0):
        for thing, aspects in _as_made().items():
            if _PARTITION in thing:
                made[_named(thing, number)] = {
                    _named(aspect, number): _bounds(number, step) if aspect == _BOUNDS else _named(value, number)
                    for aspect, value in aspects.items()
                }
    return made


def check_readers(connection: psycopg.Connection[tuple[Any, ...]], found: Findings, seed: int) -> None:
    """Compare the rows that readers see with those that the program sees: their number and the sum of their hashes.

    `seed` is drawn for each check, so that nobody can make other rows of the same sum. Needs a transaction. Who may not
    read as leaseledger_reader, as a role of programs that only add events, compares nothing.
    """
    try:
        check_may_read(connection)
    except MayNotRead:
        return
    for table in READERS_TABLES:
        query = _ROWS.format(table=table).encode()
        ours = connection.execute(query, (seed,)).fetchone()
        with connection.transaction(force_rollback=True):
            connection.execute("SET LOCAL ROLE leaseledger_reader")
            theirs = connection.execute(query, (seed,)).fetchone()
        if ours != theirs:
            found.add(0, f"rows of ledger.{table} that readers see", _counted(ours), _counted(theirs))


def check_shards(connection: psycopg.Connection[tuple[Any, ...]], found: Findings) -> None:
    """Report rows of other shards than the one that is checked: no program would ever look at them."""
    for table in ("head", "events", "stream_heads", "case_heads", "commands", "subject_keys", "vault", "checkpoints",
                  "tiles", "log_keys"):  # fmt: skip
        for (shard,) in connection.execute(_OTHER_SHARDS.format(table=table).encode(), {"shard": SHARD}):
            found.add(0, f"shard of rows of ledger.{table}", SHARD, "NULL" if shard is None else shard)


def _has_head(connection: psycopg.Connection[tuple[Any, ...]]) -> bool:
    return connection.execute(_HAS_HEAD).fetchone() == (2,)


def _compare(thing: str, expected: Mapping[str, str] | None, got: Mapping[str, str] | None, found: Findings) -> None:
    if expected is None or got is None:
        there = "as schema.sql makes it"
        found.add(0, thing, "none" if expected is None else there, "none" if got is None else _first_of(got))
        return
    for aspect in sorted(expected.keys() | got.keys()):
        want, have = expected.get(aspect, "none"), got.get(aspect, "none")
        if want != have:
            found.add(0, f"{thing}: {aspect}", want, have)


def _first_of(aspects: Mapping[str, str]) -> str:
    aspect = "kind" if "kind" in aspects else min(aspects)
    return f"{aspect} {aspects[aspect]}"


@cache
def _as_made() -> Facts:
    text = files("adapters.postgres.fsck").joinpath("catalogue.txt").read_text()
    return _by_object(line.split(_SEPARATOR, 2) for line in text.splitlines())


def as_text(facts: Facts) -> str:
    """The form of catalogue.txt: one fact a line, sorted."""
    lines = (_SEPARATOR.join((thing, aspect, value)) for thing in facts for aspect, value in facts[thing].items())
    return "".join(f"{line}\n" for line in sorted(lines))


def _by_object(rows: Iterable[Any]) -> Facts:
    facts: dict[str, dict[str, str]] = {}
    for thing, aspect, value in rows:
        facts.setdefault(thing, {})[aspect] = " ".join(str(value).split())
    return facts


def _named(text: str, number: int) -> str:
    return text.replace(_PARTITION, f"events_{number}")


def _bounds(number: int, step: int) -> str:
    return f"ledger.events FOR VALUES FROM ('{number * step + 1}') TO ('{(number + 1) * step + 1}')"


def _counted(seen: tuple[Any, ...] | None) -> str:
    count, digest = seen or (0, 0)
    return f"{count} of sum {digest}"


_HAS_HEAD = """
SELECT count(*) FROM pg_attribute
WHERE attrelid = to_regclass('ledger.head') AND attname IN ('partition_rows', 'room') AND NOT attisdropped"""
_ROOM = """
SELECT coalesce(partition_rows::bigint, 0), coalesce(room::bigint, 0) FROM ledger.head WHERE shard = %s"""
_ROWS = """
SELECT count(*), coalesce(sum(hash_record_extended(seen, %s)::numeric), 0) FROM ledger.{table} AS seen"""
_OTHER_SHARDS = """
SELECT shard FROM ledger.{table} WHERE shard < %(shard)s OR shard > %(shard)s OR shard IS NULL GROUP BY shard LIMIT 3"""
