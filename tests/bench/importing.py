"""Row 3: a bulk import with everything on against a raw binary COPY of the very same rows into an equal table.

    ours: cases in memory ─▶ commands ─▶ decide ─▶ canonical entries ─▶ stream chains ─▶ Merkle tree ─▶ disk, checkpoint
    peer: the rows that came out, as one block of bytes ─▶ COPY … (FORMAT binary), one transaction ─▶ disk

The peer's table has the same columns, keys, index, partitions and triggers. It has no stream heads, no commands, no
tree and no checks, and its one transaction waits for one fsync only: the fastest that this server can take these rows.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from statistics import median

from psycopg import sql

from adapters.imports.bpi2012 import DEFAULT_SOURCE
from adapters.imports.importer import import_cases
from adapters.imports.xes import Case, cases
from adapters.postgres.connections import Connection, connect
from adapters.postgres.log import Log
from adapters.system import now
from api.compose import Base, running
from tests.adapters.imports.xes_writer import write_xes
from tests.bench.model import Bar, Broken, Result, check, cpu_seconds, result
from tests.bench.place import Place, scalar

BAR = Bar("import", "events/s", 0.6)
LIKE = "INCLUDING ALL"
_COLUMNS = "shard, position, stream, seq, type, entry, leaf"


def run(place: Place) -> list[Result]:
    """Events per second of both, by turns, each round in a new database."""
    history, rounds = place.cases(), place.sizes.rounds
    ours: list[float] = []
    peer: list[float] = []
    cpu_us: list[float] = []
    events = 0
    for nth in range(rounds):
        with place.ledger(f"import_{nth}") as on:
            place.checkpoint()
            before = cpu_seconds()
            seconds, events = import_all(on, history)
            cpu_us.append((cpu_seconds() - before) / events * 1e6)
            ours.append(events / seconds)
            with connect(on.url, role=None) as admin:
                block = rows(admin)
                equal_table(admin)
                place.checkpoint()
                peer.append(events / copy(admin, block, events))
    parsed = _with_parsing(place, history)
    return [
        result(
            BAR,
            ours,
            peer,
            against="raw binary COPY of the same rows, one transaction, equal table",
            measured=f"{len(history)} cases, {events} events",
            missed=f"each event takes {median(cpu_us):.1f} µs of Python, in two processes if there are two cores, and "
            f"a COPY takes {1e6 / median(peer):.1f} µs in all",
            note=f"from cases in memory to a signed checkpoint, in transactions of some thousand events; "
            f"with reading the XES file: {parsed:,.0f} events/s",
        )
    ]


def import_all(on: Base, history: Sequence[Case]) -> tuple[float, int]:
    """Import cases into an empty ledger and publish a checkpoint; seconds and events. Raises `Broken`."""
    started = time.perf_counter()
    events = asyncio.run(_import(on, history))
    with connect(on.url) as connection:
        published = Log(connection).publish(on.signer, now())
        seconds = time.perf_counter() - started
        check("size of the published tree", events, published.size)
        check("cases in the ledger", len(history), scalar(connection, "SELECT count(*) FROM ledger.stream_heads"))
    return seconds, events


async def _import(on: Base, history: Sequence[Case]) -> int:
    async with running(on) as run:
        report = await import_cases(run.ledger, run.reader, history, source=DEFAULT_SOURCE, tenant=on.settings.tenant)
    if report.diverged or report.cases != len(history):
        raise Broken("imported cases", len(history), f"{report.cases}, diverged: {report.diverged[:3]}")
    return report.events


def _with_parsing(place: Place, history: Sequence[Case]) -> float:
    """Events per second from an XES file on disk."""
    path = place.file
    if path is None:
        path = place.work / "generated.xes.gz"
        write_xes(history, path)
    with place.ledger("import_file") as on:
        place.checkpoint()
        started = time.perf_counter()
        read = list(cases(path))
        reading = time.perf_counter() - started
        seconds, events = import_all(on, read)
        return events / (reading + seconds)


def rows(admin: Connection) -> bytes:
    """Every stored row in PostgreSQL's binary COPY format."""
    query = f"COPY (SELECT {_COLUMNS} FROM ledger.events ORDER BY position) TO STDOUT (FORMAT binary)"
    with admin.cursor() as cursor, cursor.copy(query.encode()) as out:
        return b"".join(out)


def equal_table(admin: Connection) -> None:
    """`raw.events` with everything that `ledger.events` has: columns, checks, keys, index, partitions, trigger."""
    admin.execute("CREATE SCHEMA raw")
    admin.execute(f"CREATE TABLE raw.events (LIKE ledger.events {LIKE}) PARTITION BY RANGE (position)".encode())
    bounds = admin.execute(_PARTITIONS).fetchall()
    for number, (bound,) in enumerate(bounds):
        name = sql.Identifier("raw", f"events_{number}")
        made = sql.SQL("CREATE TABLE {} PARTITION OF raw.events {}").format(name, sql.SQL(bound))
        admin.execute(made)
    admin.execute(
        "CREATE TRIGGER events_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON raw.events "
        "FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change()"
    )
    keys = "SELECT count(*) FROM pg_indexes WHERE schemaname = '{}'"
    ours = scalar(admin, keys.format("ledger") + " AND tablename LIKE 'events%'")
    check("indexes of the equal table", ours, scalar(admin, keys.format("raw")))


def copy(admin: Connection, block: bytes, events: int) -> float:
    """Seconds to copy the block into the equal table. Raises `Broken` when the server took another number of rows."""
    started = time.perf_counter()
    with admin.transaction(), admin.cursor() as cursor:
        with cursor.copy(f"COPY raw.events ({_COLUMNS}) FROM STDIN (FORMAT binary)".encode()) as into:
            into.write(block)
        check("rows copied", events, cursor.rowcount)
    return time.perf_counter() - started


_PARTITIONS = """
SELECT pg_get_expr(c.relpartbound, c.oid) FROM pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid
WHERE i.inhparent = 'ledger.events'::regclass ORDER BY c.relname"""
