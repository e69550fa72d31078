"""Lost acknowledgements, killed backends, killed servers: nothing lost, nothing doubled, everybody told."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from adapters.postgres.connections import connect, connect_writer
from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.schema import SHARD, ensure_schema
from adapters.postgres.writing import group_commit as module
from adapters.postgres.writing.group_commit import GroupCommit, OutcomeUnknown
from adapters.postgres.writing.sequencer import Appended, VersionConflict
from adapters.system import new_id, now
from tests.adapters.postgres.stored import check_whole
from tests.adapters.postgres.story import toys
from tests.adapters.postgres.writing.faulty_socket import Fault, through_faulty_socket
from tests.ledger import ORIGIN


@pytest.mark.parametrize("fault", ["before", "after"])
@pytest.mark.parametrize("events", [1, 600])
async def test_lost_acknowledgement(url: str, connection: Connection[Any], fault: Fault, events: int) -> None:
    async with through_faulty_socket(url, fault) as (faulty_url, socket), GroupCommit(faulty_url, clock=now) as writer:
        told = await writer.append(toys(events=events))
    assert socket.broken == 1
    assert (told.position, told.seq, told.events) == (1, 1, events)
    assert told.replayed is (fault == "after")
    check_whole(connection, events=events)


@pytest.mark.parametrize("faults", [("before", "after"), ("after", "refuse", "after"), ("before", "refuse", "refuse")])
async def test_one_fault_after_the_other(url: str, connection: Connection[Any], faults: tuple[Fault, ...]) -> None:
    async with (
        through_faulty_socket(url, *faults) as (faulty_url, socket),
        GroupCommit(faulty_url, clock=now) as writer,
    ):
        told = [await writer.append(toys()) for _ in range(len(faults) + 1)]
    assert socket.faults == []
    assert [one.position for one in told] == list(range(1, len(faults) + 2))
    check_whole(connection, events=len(told))


@pytest.mark.parametrize("fault", ["before", "after"])
async def test_whole_batch_is_resolved(url: str, connection: Connection[Any], fault: Fault) -> None:
    """Winners stay winners, losers lose for the same reason as before."""
    async with through_faulty_socket(url, fault) as (faulty_url, _), GroupCommit(faulty_url, clock=now) as writer:
        good = [toys(events=2) for _ in range(30)]
        stale = [toys(expected=9) for _ in range(5)]
        told = await asyncio.gather(*map(writer.append, [*good, *stale]), return_exceptions=True)
    assert [type(one) for one in told] == [Appended] * 30 + [VersionConflict] * 5
    check_whole(connection, events=60)


async def test_streams_go_on_after_a_lost_acknowledgement(url: str, connection: Connection[Any]) -> None:
    stream = new_id()
    async with through_faulty_socket(url, "after") as (faulty_url, _), GroupCommit(faulty_url, clock=now) as writer:
        first = await writer.append(toys(stream))
        second = await writer.append(toys(stream, expected=first.version))
    assert (first.seq, second.seq) == (1, 2)
    check_whole(connection, events=2)


async def test_somebody_else_writes_while_the_outcome_is_unknown(
    url: str, connection: Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The append whose COMMIT was lost competes again like any other; here it loses, honestly."""
    stream, asked, answered = new_id(), asyncio.Event(), asyncio.Event()

    async def wait_and_connect(to: str) -> Any:
        asked.set()
        await answered.wait()
        return await connect_writer(to)

    async with through_faulty_socket(url, "before") as (faulty_url, _), GroupCommit(faulty_url, clock=now) as unlucky:
        monkeypatch.setattr(module, "connect_writer", wait_and_connect)
        waiting = asyncio.create_task(unlucky.append(toys(stream)))
        await asked.wait()
        monkeypatch.undo()
        async with GroupCommit(url, clock=now) as lucky:
            await lucky.append(toys(stream))
        answered.set()
        with pytest.raises(VersionConflict, match="expected version 0, got 1"):
            await waiting
    check_whole(connection, events=1)


async def test_database_that_stays_away(url: str, connection: Connection[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RECOVERY_TIMEOUT_S", 0.2)
    monkeypatch.setattr(module, "RECOVERY_PAUSE_S", 0.01)
    once = toys()
    async with (
        through_faulty_socket(url, "after") as (faulty_url, socket),
        GroupCommit(faulty_url, clock=now) as writer,
    ):
        socket.faults.extend(["refuse"] * 1_000)
        with pytest.raises(OutcomeUnknown, match="did not come back"):
            await writer.append(once)
        socket.faults.clear()
        told = await writer.append(once)
    assert (told.position, told.replayed) == (1, True)
    check_whole(connection, events=1)


async def test_backend_that_is_terminated_while_it_waits(
    url: str, connection: Connection[Any], superuser: Connection[Any]
) -> None:
    async with GroupCommit(url, clock=now) as writer:
        await writer.append(toys())
        with superuser.transaction():
            superuser.execute("SELECT 1 FROM ledger.head WHERE shard = %s FOR UPDATE", (SHARD,))
            waiting = [asyncio.create_task(writer.append(toys())) for _ in range(5)]
            await asyncio.to_thread(_terminate_who_waits, superuser)
        told = await asyncio.gather(*waiting)
    assert sorted(one.position for one in told) == [2, 3, 4, 5, 6]
    check_whole(connection, events=6)


def _terminate_who_waits(superuser: Connection[Any]) -> None:
    """Terminate the backend that waits for the head row's lock, as soon as there is one."""
    while not superuser.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
    ).fetchall():
        pass


@pytest.fixture
def own_server() -> Iterator[EmbeddedPostgres]:
    """A server that this test may kill."""
    with tempfile.TemporaryDirectory(prefix="leaseledger-killed-") as place, EmbeddedPostgres(Path(place)) as started:
        ensure_schema(started.url, origin=ORIGIN)
        yield started


async def test_whoever_gives_up_takes_back_what_was_not_begun(url: str, connection: Connection[Any]) -> None:
    """Withdrawn from the queue it is never written; begun already, its end is waited for."""
    async with GroupCommit(url, clock=now) as writer:
        with connect(url, role=None) as blocker:
            blocker.execute("BEGIN; SELECT FROM ledger.head FOR UPDATE")
            begun = asyncio.create_task(writer.append(toys(key="begun")))
            await asyncio.sleep(0.2)
            queued = asyncio.create_task(writer.append(toys(key="queued")))
            await asyncio.sleep(0)
            for task in (begun, queued):
                task.cancel()
            await asyncio.wait({queued}, timeout=5)
            assert queued.cancelled()
            await asyncio.sleep(0.2)
            assert not begun.done(), "it may be written yet"
            blocker.execute("COMMIT")
        with pytest.raises(asyncio.CancelledError):
            await begun
        assert [key for (key,) in connection.execute("SELECT key FROM ledger.commands")] == ["begun"]
        assert isinstance(await writer.append(toys()), Appended)


async def test_a_full_disk_is_said_at_once_and_is_no_lost_connection(url: str, connection: Connection[Any]) -> None:
    """The server lives and has said no: nothing was written, nobody waits a minute, and the next one goes in."""
    with connect(url, role=None) as superuser:
        superuser.execute(_FULL)
    async with GroupCommit(url, clock=now) as writer:
        with pytest.raises(psycopg.errors.DiskFull):
            await asyncio.wait_for(writer.append(toys()), 5)
        with connect(url, role=None) as superuser:
            superuser.execute("DROP TRIGGER full_disk ON ledger.commands")
        assert (await writer.append(toys())).position == 1
    check_whole(connection, events=1)


_FULL = """
CREATE FUNCTION ledger.full_disk() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'no space left' USING ERRCODE = 'disk_full'; END $$;
CREATE TRIGGER full_disk BEFORE INSERT ON ledger.commands FOR EACH ROW EXECUTE FUNCTION ledger.full_disk()"""


async def test_server_is_killed_while_clients_write(own_server: EmbeddedPostgres) -> None:
    """kill -9 of the postmaster under load, a restart, and every client gets its answer."""
    data = own_server._root
    told: list[Appended] = []
    under_load = asyncio.Event()

    async def client(writer: GroupCommit) -> None:
        for _ in range(40):
            told.append(await writer.append(toys(events=2)))
            if len(told) == 40:
                under_load.set()

    async with GroupCommit(own_server.url, clock=now) as writer:
        clients = [asyncio.create_task(client(writer)) for _ in range(8)]
        await under_load.wait()
        os.kill(int((data / "postgres" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        with await asyncio.to_thread(EmbeddedPostgres(data).__enter__):
            await asyncio.gather(*clients)
            with connect(own_server.url) as connection:
                check_whole(connection, events=8 * 40 * 2)
    assert sorted(one.position for one in told) == list(range(1, 8 * 40 * 2, 2))
