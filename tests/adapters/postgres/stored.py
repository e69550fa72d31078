"""What a database holds, looked at from outside of the code under test, and checked against itself."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from psycopg import Connection

from chain.b64 import b64decode
from chain.entry import check_canonical, parse
from chain.merkle import leaf_hash
from tests.chain.reference import Tree


def rows(connection: Connection[Any], table: str, order: str) -> list[tuple[Any, ...]]:
    """Every row of a table."""
    return connection.execute(f"SELECT * FROM ledger.{table} ORDER BY {order}".encode()).fetchall()


def entries(connection: Connection[Any]) -> list[bytes]:
    """Every entry in ledger order."""
    return [entry for (entry,) in connection.execute("SELECT entry FROM ledger.events ORDER BY position")]


def check_whole(connection: Connection[Any], *, events: int | None = None) -> None:
    """Assert that positions, chains, leaves, head, heads of streams and cases, and commands agree with each other."""
    heads: dict[UUID, tuple[int, bytes]] = {}
    cases: dict[tuple[UUID, UUID], tuple[int, bytes]] = {}
    found = connection.execute("SELECT position, stream, seq, type, entry, leaf FROM ledger.events ORDER BY position")
    number = 0
    for number, (position, stream, seq, kind, data, leaf) in enumerate(found, start=1):
        entry = parse(data)
        check_canonical(data, entry, None)
        before, prev = heads.get(stream, (0, b""))
        assert position == number
        assert (entry.stream, entry.seq, entry.type) == (stream, seq, kind)
        assert seq == before + 1
        assert (b64decode(entry.prev) if isinstance(entry.prev, str) else b"") == prev
        in_case, prev_case = cases.get((entry.tenant, entry.correlation), (0, b""))
        assert entry.seq_case == in_case + 1
        assert (b64decode(entry.prev_case) if isinstance(entry.prev_case, str) else b"") == prev_case
        cases[entry.tenant, entry.correlation] = (in_case + 1, leaf)
        assert leaf == leaf_hash(data)
        heads[stream] = (seq, leaf)
    assert events is None or number == events
    assert heads == {
        stream: (seq, leaf)
        for stream, seq, leaf in connection.execute("SELECT stream, seq, leaf FROM ledger.stream_heads")
    }
    assert cases == {
        (tenant, correlation): (seq, leaf)
        for tenant, correlation, seq, leaf in connection.execute(
            "SELECT tenant, correlation, seq, leaf FROM ledger.case_heads"
        )
    }
    head = connection.execute("SELECT size, root FROM ledger.head").fetchone()
    assert head == (number, Tree(entries(connection)).root(number))
    told = connection.execute("SELECT coalesce(sum(events), 0) FROM ledger.commands").fetchone()
    assert told == (number,)
