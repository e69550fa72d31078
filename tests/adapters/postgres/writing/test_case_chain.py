"""The chain of a case: over all of its events, of whatever stream, batch and program, and of nobody else's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace
from psycopg import Connection

from adapters.postgres.writing.group_commit import GroupCommit
from adapters.postgres.writing.sequencer import Append, Head, Known, Part, sequence
from adapters.system import new_id, now
from chain.b64 import b64decode
from chain.entry import UNLINKED, Case, Draft, Link, draft_body, parse
from chain.merkle import Frontier, leaf_hash
from domain.kernel.ids import uuid7
from tests.adapters.postgres.stored import check_whole
from tests.adapters.postgres.story import context

NOW = "2026-11-21T08:00:01.000000Z"
TENANTS = [uuid7(3, number) for number in range(2)]
CASES = [uuid7(4, number) for number in range(3)]
"""Correlations: both tenants may use the same one, and then they are two cases."""

STREAMS = [uuid7(5, number) for number in range(4)]


def toy(stream: UUID, tenant: UUID, case: UUID) -> Draft:
    said = replace(context(stream), tenant=tenant, correlation=case)
    return draft_body("toy.moved.v1", {"text": "toy"}, said, stream=stream, eid=new_id(), cause=new_id())


@dataclass
class Store:
    """What a database would remember."""

    head: Head = field(default_factory=lambda: Head(Frontier.empty()))
    versions: dict[UUID, Link] = field(default_factory=dict)
    cases: dict[Case, Link] = field(default_factory=dict)
    entries: list[bytes] = field(default_factory=list)

    def put(self, moves: Sequence[tuple[UUID, UUID, UUID]]) -> None:
        """One batch: each move is an append of one event for a stream, a tenant and a case."""
        versions = {stream: link[0] for stream, link in self.versions.items()}
        appends = []
        for stream, tenant, case in moves:
            expected = versions.get(stream, 0)
            versions[stream] = expected + 1
            part = Part(stream, expected, (toy(stream, tenant, case),))
            appends.append(Append(system=True, tenant=tenant, key=new_id().hex, digest=bytes(32), parts=(part,)))
        batch = sequence(appends, self.head, Known(self.versions, {}, {}, cases=self.cases), NOW)
        self.head, self.entries = batch.head, self.entries + batch.entries
        self.versions |= batch.moved
        self.cases |= batch.moved_cases


moves = st.tuples(st.sampled_from(STREAMS), st.sampled_from(TENANTS), st.sampled_from(CASES))


@given(st.lists(st.lists(moves, max_size=8), max_size=5))
def test_every_event_is_the_next_link_of_its_case(batches: list[list[tuple[UUID, UUID, UUID]]]) -> None:
    store, heads = Store(), dict[Case, Link]()
    for batch in batches:
        store.put(batch)
    for entry in store.entries:
        parsed = parse(entry)
        seq, prev = heads.get(parsed.case, UNLINKED)
        assert parsed.seq_case == seq + 1
        assert (b64decode(parsed.prev_case) if parsed.prev_case is not UNSET else b"") == prev
        heads[parsed.case] = (seq + 1, leaf_hash(entry))
    assert heads == store.cases


async def test_two_programs_write_one_chain(url: str, connection: Connection[Any]) -> None:
    """Streams of one case have no version in common: only the head row's lock keeps their links in order."""
    appends = []
    for _ in range(40):
        stream = new_id()
        part = Part(stream, 0, (toy(stream, TENANTS[0], CASES[0]), toy(stream, TENANTS[0], CASES[1])))
        appends.append(Append(system=True, tenant=TENANTS[0], key=new_id().hex, digest=bytes(32), parts=(part,)))
    async with GroupCommit(url, clock=now) as one, GroupCommit(url, clock=now) as other:
        for first, second in zip(appends[::2], appends[1::2], strict=True):
            await one.append(first)
            await other.append(second)
    check_whole(connection, events=80)
    heads = connection.execute("SELECT correlation, seq FROM ledger.case_heads ORDER BY correlation").fetchall()
    assert heads == [(CASES[0], 40), (CASES[1], 40)]
