"""The recorder beyond the library's contract: refusals, repeats, broken streams, a database that goes away."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from eventsourcing.persistence import (
    DatabaseError,
    IntegrityError,
    NotSupportedError,
    OperationalError,
    StoredEvent,
    Tracking,
)
from psycopg import Connection

from adapters.eventsourcing import LedgerRecorder, WriterThread
from adapters.postgres.fsck.whole import fsck
from adapters.postgres.vault import Vault
from adapters.system import new_id, now, random_bytes
from api.compose import Base
from tests.adapters.eventsourcing.library_recorders import recorder_on
from tests.adapters.postgres.story import toys


@pytest.fixture
def recorder(url: str) -> Iterator[LedgerRecorder]:
    with recorder_on(url) as started:
        yield started


def event(stream: Any, version: int, state: bytes = b"state") -> StoredEvent:
    return StoredEvent(stream, version, "shop:Dog.Registered", state)


def test_the_same_command_is_written_once(recorder: LedgerRecorder) -> None:
    stream = new_id()
    once = new_id()
    assert recorder.insert_events([event(stream, 1), event(stream, 2)], command=once) == [1, 2]
    assert recorder.insert_events([event(stream, 1), event(stream, 2)], command=once) == [1, 2]
    assert recorder.max_notification_id() == 2


def test_the_same_command_with_other_events_is_refused(recorder: LedgerRecorder) -> None:
    stream = new_id()
    once = new_id()
    recorder.insert_events([event(stream, 1)], command=once)
    with pytest.raises(IntegrityError, match="belongs to another command"):
        recorder.insert_events([event(stream, 1, b"other")], command=once)


@pytest.mark.parametrize(("versions", "expected", "got"), [((2,), 1, 0), ((1, 3), 2, 3), ((1, 1), 2, 1), ((0,), -1, 0)])
def test_versions_without_a_hole(recorder: LedgerRecorder, versions: tuple[int, ...], expected: int, got: int) -> None:
    stream = new_id()
    with pytest.raises(IntegrityError, match=f"expected version {expected}, got {got}"):
        recorder.insert_events([event(stream, version) for version in versions])
    assert recorder.max_notification_id() is None


def test_one_call_may_change_several_streams(recorder: LedgerRecorder) -> None:
    """All of them or none, in the order of the call, though one of them comes twice."""
    first, second = new_id(), new_id()
    written = [event(first, 1), event(second, 1), event(second, 2), event(first, 2)]
    assert recorder.insert_events(written) == [1, 2, 3, 4]
    assert recorder.select_events(second) == [event(second, 1), event(second, 2)]
    assert recorder.select_events(first) == [event(first, 1), event(first, 2)]
    with pytest.raises(IntegrityError, match="expected version 1, got 2"):
        recorder.insert_events([event(new_id(), 1), event(second, 2)])
    assert recorder.max_notification_id() == 4


def test_no_tracking(recorder: LedgerRecorder) -> None:
    with pytest.raises(NotSupportedError, match="tracking"):
        recorder.insert_events([event(new_id(), 1)], tracking=Tracking("upstream", 1))


def test_nothing_to_write(recorder: LedgerRecorder) -> None:
    assert recorder.insert_events([]) == []


def test_one_winner_among_many_threads(recorder: LedgerRecorder) -> None:
    stream = new_id()

    def attempt(number: int) -> bool:
        try:
            recorder.insert_events([event(stream, 1, b"%d" % number)])
        except IntegrityError:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(attempt, range(64))) == 1
    assert len(recorder.select_events(stream)) == 1


def test_missing_number_is_found(recorder: LedgerRecorder, superuser: Connection[Any]) -> None:
    stream = new_id()
    recorder.insert_events([event(stream, version) for version in (1, 2, 3)])
    superuser.execute("SET session_replication_role = replica")
    superuser.execute("DELETE FROM ledger.events WHERE position = 2")
    with pytest.raises(DatabaseError, match="expected number 2 of the stream, got 3; run fsck"):
        recorder.select_events(stream)
    with pytest.raises(DatabaseError, match="expected number 2 of the stream, got 1"):
        recorder.select_events(stream, desc=True)
    assert [found.originator_version for found in recorder.select_events(stream, gt=2)] == [3]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("entry = '{}'", "position 1: expected a leaseledger.entry/2 object"),
        ("entry = (SELECT entry FROM ledger.events WHERE position = 2)", "expected number 1 of its stream, got 2"),
    ],
)
def test_changed_entry_is_found(recorder: LedgerRecorder, superuser: Connection[Any], change: str, said: str) -> None:
    stream = new_id()
    recorder.insert_events([event(stream, 1), event(stream, 2)])
    superuser.execute("SET session_replication_role = replica")
    superuser.execute(f"UPDATE ledger.events SET {change} WHERE position = 1".encode())
    with pytest.raises(DatabaseError, match=said):
        recorder.select_notifications(1, 10)


def test_another_applications_events_leave_fsck_clean(
    recorder: LedgerRecorder, connection: Connection[Any], composed: Base
) -> None:
    stream = new_id()
    recorder.insert_events([event(stream, 1), event(stream, 2)])
    report = fsck(connection, Vault(composed.keys, random_bytes))
    assert [finding.sentence() for finding in report.findings] == []
    assert (report.events, report.streams) == (2, 1)


def test_reads_survive_a_lost_connection(recorder: LedgerRecorder, superuser: Connection[Any]) -> None:
    stream = new_id()
    recorder.insert_events([event(stream, 1)])
    superuser.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    assert [found.state for found in recorder.select_events(stream)] == [b"state"]
    assert recorder.insert_events([event(stream, 2)]) == [2]


def test_closed_recorder_says_so(url: str) -> None:
    recorder = recorder_on(url)
    recorder.close()
    recorder.close()
    with pytest.raises(OperationalError):
        recorder.insert_events([event(new_id(), 1)])
    with pytest.raises(OperationalError):
        recorder.select_events(new_id())


def test_database_that_is_not_there_is_an_operational_error(url: str) -> None:
    with pytest.raises(OperationalError, match="cannot connect"):
        recorder_on(url.replace("/test_", "/nowhere_"))


def test_writer_thread_writes_what_waits_before_it_closes(url: str) -> None:
    with WriterThread(url, clock=now) as writer, ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(writer.append, toys()) for _ in range(32)]
        positions = sorted(one.result().position for one in waiting)
    assert positions == list(range(1, 33))
