"""The group commit on a real server: many clients, few transactions, everybody hears their own outcome."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

import psycopg
import pytest
from msgspec.structs import replace
from psycopg import Connection

from adapters.postgres.connections import DatabaseUnavailable, connect
from adapters.postgres.writing import group_commit as module
from adapters.postgres.writing import rows as writing
from adapters.postgres.writing.group_commit import GroupCommit, WriterClosed
from adapters.postgres.writing.sequencer import Append, Appended, KeyReused, VersionConflict, sequence
from adapters.system import new_id, now
from chain.merkle import leaf_hash
from tests.adapters.postgres.stored import check_whole, entries, rows
from tests.adapters.postgres.story import START, toys
from tests.chain.reference import Tree
from tests.ledger import Server


@pytest.fixture
async def writer(url: str) -> AsyncIterator[GroupCommit]:
    async with GroupCommit(url, clock=now) as started:
        yield started


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many appends every transaction was tried with."""
    sizes: list[int] = []

    def spy(appends: Sequence[Append], *rest: Any) -> Any:
        sizes.append(len(appends))
        return sequence(appends, *rest)

    monkeypatch.setattr(module, "sequence", spy)
    return sizes


async def outcomes(writer: GroupCommit, appends: Sequence[Append]) -> list[Appended | BaseException]:
    return await asyncio.gather(*map(writer.append, appends), return_exceptions=True)


async def test_many_clients_share_transactions(
    writer: GroupCommit, connection: Connection[Any], batches: list[int]
) -> None:
    async def client() -> list[Appended]:
        return [await writer.append(toys(events=2)) for _ in range(5)]

    told = [one for each in await asyncio.gather(*[client() for _ in range(128)]) for one in each]
    assert sorted(one.position for one in told) == list(range(1, 2 * 640, 2))
    assert sum(batches) == 640
    assert len(batches) < 64
    check_whole(connection, events=1280)


async def test_receipt_names_the_tree_that_holds_the_events(writer: GroupCommit, connection: Connection[Any]) -> None:
    told = [one for one in await outcomes(writer, [toys() for _ in range(20)]) if isinstance(one, Appended)]
    tree = Tree(entries(connection))
    for one in told:
        assert one.position <= one.size
        assert one.root == tree.root(one.size)


async def test_conflicts_are_their_callers_own(writer: GroupCommit, connection: Connection[Any]) -> None:
    good = [toys(events=2) for _ in range(40)]
    stale = [toys(expected=5) for _ in range(40)]
    mixed = [one for pair in zip(good, stale, strict=True) for one in pair]
    told = await outcomes(writer, mixed)
    assert {type(one) for one in told[0::2]} == {Appended}
    assert {type(one) for one in told[1::2]} == {VersionConflict}
    check_whole(connection, events=80)


async def test_one_winner_for_each_version(writer: GroupCommit, connection: Connection[Any]) -> None:
    stream = new_id()
    for version in range(5):
        told = await outcomes(writer, [toys(stream, expected=version) for _ in range(30)])
        assert [isinstance(one, Appended) for one in told].count(True) == 1
    check_whole(connection, events=5)


@pytest.mark.parametrize("poison", [{"key": "a\0b"}, {"key": "\ud800"}])
async def test_an_append_that_cannot_be_sent_fails_alone(
    writer: GroupCommit, connection: Connection[Any], poison: dict[str, Any]
) -> None:
    told = await outcomes(writer, [toys(), toys(**poison), toys()])
    assert [isinstance(one, Appended) for one in told] == [True, False, True]
    assert isinstance(await writer.append(toys()), Appended)
    check_whole(connection, events=3)


async def test_an_append_that_the_database_refuses_fails_alone(
    writer: GroupCommit, connection: Connection[Any]
) -> None:
    refused = toys(key="a key that is no text: \0")
    told = await outcomes(writer, [toys(), refused, toys()])
    assert [type(one) for one in told] == [Appended, psycopg.errors.CharacterNotInRepertoire, Appended]
    check_whole(connection, events=2)


async def test_the_same_key_is_answered_again(url: str, writer: GroupCommit, connection: Connection[Any]) -> None:
    once = toys(events=3)
    first = await writer.append(once)
    again = await writer.append(once)
    async with GroupCommit(url, clock=now) as later_process:
        later = await later_process.append(once)
    assert again == later == replace(first, size=0, root=b"", replayed=True)
    check_whole(connection, events=3)


async def test_the_same_key_at_the_same_time_is_written_once(writer: GroupCommit, connection: Connection[Any]) -> None:
    once = toys()
    told = await outcomes(writer, [once] * 50)
    assert {one.position for one in told if isinstance(one, Appended)} == {1}
    assert [one.replayed for one in told if isinstance(one, Appended)].count(False) == 1
    check_whole(connection, events=1)


async def test_key_of_another_payload(writer: GroupCommit, connection: Connection[Any]) -> None:
    await writer.append(toys(key="k", says="this"))
    with pytest.raises(KeyReused, match="'k' belongs to another command"):
        await writer.append(toys(key="k", says="that"))
    check_whole(connection, events=1)


async def test_two_writers_take_turns(url: str, writer: GroupCommit, connection: Connection[Any]) -> None:
    async with GroupCommit(url, clock=now) as other:
        both = [writer, other] * 150
        told = await asyncio.gather(*[which.append(toys(events=2)) for which in both])
    assert sorted(one.position for one in told) == list(range(1, 600, 2))
    check_whole(connection, events=600)


async def test_two_writers_on_one_stream(url: str, writer: GroupCommit, connection: Connection[Any]) -> None:
    stream = new_id()
    async with GroupCommit(url, clock=now) as other:
        for version in range(10):
            told = await asyncio.gather(
                *[which.append(toys(stream, expected=version)) for which in (writer, other)], return_exceptions=True
            )
            assert sorted(type(one).__name__ for one in told) == ["Appended", "VersionConflict"]
    check_whole(connection, events=10)


async def test_large_queues_become_several_transactions(
    writer: GroupCommit, connection: Connection[Any], batches: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_BATCH_EVENTS", 10)
    await outcomes(writer, [toys(events=4) for _ in range(7)])
    assert sum(batches) == 7
    assert max(batches) == 2
    check_whole(connection, events=28)


async def test_an_append_over_the_limit_goes_alone(
    writer: GroupCommit, connection: Connection[Any], batches: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_BATCH_EVENTS", 10)
    told = await outcomes(writer, [toys(events=4), toys(events=25), toys(events=4)])
    assert {type(one) for one in told} == {Appended}
    assert batches == [1, 1, 1]
    check_whole(connection, events=33)


async def test_copy_and_unnest_write_the_same_rows(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    appends = [toys(events=events) for events in (1, 5, 2, 40)]
    stored = []
    for copy_from in (1, 1_000_000):
        monkeypatch.setattr(writing, "COPY_FROM_EVENTS", copy_from)
        with server.ledger() as url, connect(url) as connection:
            async with GroupCommit(url, clock=lambda: START) as writer:
                for append in appends:
                    await writer.append(append)
            check_whole(connection, events=48)
            stored.append([rows(connection, *table) for table in TABLES])
    assert stored[0] == stored[1]


TABLES = [("events", "position"), ("stream_heads", "stream"), ("commands", "key"), ("head", "shard")]


async def test_partitions_are_made_as_the_ledger_grows(server: Server) -> None:
    with server.ledger(partition_rows=8) as url, connect(url) as connection:
        async with GroupCommit(url, clock=now) as writer:
            for events in (7, 1, 1, 30, 1):
                await writer.append(toys(events=events))
        check_whole(connection, events=40)
        ranges = connection.execute(
            "SELECT tableoid::regclass::text, min(position), max(position) FROM ledger.events GROUP BY 1 ORDER BY 2"
        ).fetchall()
        assert ranges == [(f"ledger.events_{n}", 8 * n + 1, 8 * n + 8) for n in range(5)]


async def test_cancelled_callers_disturb_nobody(writer: GroupCommit, connection: Connection[Any]) -> None:
    tasks = [asyncio.create_task(writer.append(toys())) for _ in range(60)]
    await asyncio.sleep(0)
    for task in tasks[::3]:
        task.cancel()
    told = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(one) for one in told[::3]} == {asyncio.CancelledError}
    assert {type(one) for one in told[1::3] + told[2::3]} == {Appended}
    assert isinstance(await writer.append(toys()), Appended)
    check_whole(connection)


async def test_closing_writes_what_waits(url: str, connection: Connection[Any]) -> None:
    async with GroupCommit(url, clock=now) as writer:
        waiting = [asyncio.create_task(writer.append(toys())) for _ in range(30)]
        await asyncio.sleep(0)
    assert {type(one) for one in await asyncio.gather(*waiting)} == {Appended}
    with pytest.raises(WriterClosed):
        await writer.append(toys())
    check_whole(connection, events=30)


@pytest.fixture
def crowd(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few callers are a crowd, told two at a time."""
    monkeypatch.setattr(module, "CROWD", 8)
    monkeypatch.setattr(module, "TOLD_AT_ONCE", 2)


@pytest.mark.usefixtures("crowd")
async def test_a_crowd_is_told_side_by_side_with_the_next_transaction(
    writer: GroupCommit, connection: Connection[Any], batches: list[int]
) -> None:
    """Everybody hears their own outcome, and transactions do not shrink to the few that were told first."""

    async def client(number: int) -> list[int]:
        return [(await writer.append(toys(key=f"{number}/{nth}"))).position for nth in range(10)]

    positions = await asyncio.gather(*[client(number) for number in range(32)])
    assert sorted(one for each in positions for one in each) == list(range(1, 321))
    assert all(each == sorted(each) for each in positions)
    assert sorted(batches)[len(batches) // 2] >= 8
    stream = new_id()
    told = await outcomes(writer, [toys(stream), *(toys(stream, expected=7) for _ in range(20))])
    assert [type(one) for one in told] == [Appended, *([VersionConflict] * 20)]
    check_whole(connection, events=321)


@pytest.mark.usefixtures("crowd")
async def test_closing_tells_everybody(url: str, connection: Connection[Any]) -> None:
    async with GroupCommit(url, clock=now) as writer:
        waiting = [asyncio.create_task(writer.append(toys())) for _ in range(40)]
        await asyncio.sleep(0)
        waiting[1].cancel()
    assert all(task.done() for task in waiting)
    assert [type(one) for one in await asyncio.gather(*waiting[2:])] == [Appended] * 38
    check_whole(connection)


async def test_clock_that_goes_back(url: str, connection: Connection[Any]) -> None:
    times = iter([START.replace(hour=10), START.replace(hour=9), START.replace(hour=11)])
    async with GroupCommit(url, clock=lambda: next(times)) as writer:
        for _ in range(3):
            await writer.append(toys())
    recorded = [entry.split(b'"recorded_at":"')[1][11:13] for entry in entries(connection)]
    assert recorded == [b"10", b"10", b"11"]


async def test_naive_clock_is_refused(url: str, connection: Connection[Any]) -> None:
    async with GroupCommit(url, clock=lambda: datetime(2026, 11, 21)) as writer:  # noqa: DTZ001
        with pytest.raises(ValueError, match="expected an aware datetime"):
            await writer.append(toys())
    check_whole(connection, events=0)


async def test_every_commit_tells_the_size(url: str, writer: GroupCommit) -> None:
    with connect(url) as listener:
        listener.execute(f"LISTEN {writing.CHANNEL}")
        await writer.append(toys(events=3))
        await writer.append(toys(events=2))
        heard = list(listener.notifies(timeout=10, stop_after=2))
    assert [one.payload for one in heard] == ["3", "5"]


async def test_nothing_is_told_of_a_batch_of_losers(url: str, writer: GroupCommit) -> None:
    with connect(url) as listener:
        listener.execute(f"LISTEN {writing.CHANNEL}")
        with pytest.raises(VersionConflict):
            await writer.append(toys(expected=3))
        await writer.append(toys())
        heard = list(listener.notifies(timeout=10, stop_after=1))
    assert [one.payload for one in heard] == ["1"]


async def test_entry_is_on_disk_as_it_was_hashed(writer: GroupCommit, connection: Connection[Any]) -> None:
    told = await writer.append(toys())
    [(entry, leaf)] = connection.execute("SELECT entry, leaf FROM ledger.events").fetchall()
    assert told.root == leaf == leaf_hash(entry)


async def test_no_database(url: str) -> None:
    with pytest.raises(DatabaseUnavailable, match="cannot connect to the database"):
        await GroupCommit(url.replace("/test_", "/nowhere_"), clock=now).__aenter__()
