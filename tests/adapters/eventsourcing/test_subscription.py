"""Subscriptions lose nothing: not between two looks, not with a dead connection, not under concurrent writers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Thread
from typing import Any

import psycopg
import pytest
from eventsourcing.persistence import Notification, OperationalError, ProgrammingError, StoredEvent
from psycopg import Connection

from adapters.eventsourcing import LedgerRecorder, LedgerSubscription
from adapters.eventsourcing import subscription as module
from adapters.postgres.connections import connect
from adapters.system import new_id
from tests.adapters.eventsourcing.library_recorders import recorder_on


@pytest.fixture
def recorder(url: str) -> Iterator[LedgerRecorder]:
    with recorder_on(url) as started:
        yield started


def write(recorder: LedgerRecorder, topic: str = "shop:Sold") -> int:
    [position] = recorder.insert_events([StoredEvent(new_id(), 1, topic, b"state")])
    return position


def take(subscription: Iterator[Notification], count: int) -> list[int]:
    return [next(subscription).id for _ in range(count)]


def test_past_and_future_in_order(recorder: LedgerRecorder) -> None:
    write(recorder), write(recorder)
    with recorder.subscribe(gt=1) as subscription:
        assert take(subscription, 1) == [2]
        write(recorder)
        assert take(subscription, 1) == [3]


def test_more_than_one_pull(recorder: LedgerRecorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PULL_LIMIT", 3)
    for _ in range(10):
        write(recorder)
    with recorder.subscribe() as subscription:
        assert take(subscription, 10) == list(range(1, 11))


def test_topics(recorder: LedgerRecorder) -> None:
    for topic in ("a:A", "b:B", "a:A"):
        write(recorder, topic)
    with recorder.subscribe(topics=["a:A"]) as subscription:
        assert take(subscription, 2) == [1, 3]


class WritesBehindThePull(LedgerRecorder):
    """Writes one event right after the first look found nothing: the moment at which the library's own is deaf."""

    looks = 0

    def select_notifications(self, *args: Any, **kwargs: Any) -> Sequence[Notification]:
        found = super().select_notifications(*args, **kwargs)
        self.looks += 1
        if self.looks == 1:
            write(self)
        return found


def test_event_between_look_and_wait_is_heard_at_once(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[bool] = []
    monkeypatch.setattr(module, "POLL_S", 60.0)
    with recorder_on(url) as plain:
        deaf = WritesBehindThePull.__new__(WritesBehindThePull)
        deaf.__dict__.update(plain.__dict__)
        with deaf.subscribe() as subscription:
            listener = Thread(target=lambda: waits.append(take(subscription, 1) == [1]))
            listener.start()
            listener.join(timeout=30)
            assert waits == [True]


def test_poll_finds_what_was_not_heard(recorder: LedgerRecorder, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POLL_S", 0.05)
    with LedgerSubscription(recorder, None, (), listen=lambda: connect(url)) as deaf:
        writer = Thread(target=write, args=(recorder,))
        writer.start()
        assert take(deaf, 1) == [1]
        writer.join()


def test_lost_connections_lose_nothing(recorder: LedgerRecorder, superuser: Connection[Any]) -> None:
    with recorder.subscribe() as subscription:
        write(recorder)
        assert take(subscription, 1) == [1]
        superuser.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND query LIKE 'LISTEN%'"
        )
        write(recorder)
        assert take(subscription, 1) == [2]
        heard = superuser.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"
        ).fetchone()
        later = Thread(target=write, args=(recorder,))
        later.start()
        assert take(subscription, 1) == [3]
        later.join()
        assert heard in [(0,), (1,)]


def test_database_that_stays_away_ends_the_iteration(
    recorder: LedgerRecorder, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "POLL_S", 0.01)
    monkeypatch.setattr(module, "RECONNECT_ATTEMPTS", 3)
    attempts: list[int] = []

    def listen() -> psycopg.Connection[tuple[Any, ...]]:
        attempts.append(1)
        if len(attempts) > 1:
            raise OperationalError("gone")
        return connect(url)

    with LedgerSubscription(recorder, None, (), listen=listen) as subscription:
        assert subscription._connection is not None
        subscription._connection.close()
        with pytest.raises(OperationalError, match="gone"):
            next(subscription)
    assert len(attempts) == 4


def test_stop_wakes_who_waits(recorder: LedgerRecorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POLL_S", 60.0)
    seen: list[Notification] = []
    with recorder.subscribe() as subscription:
        waiting = Thread(target=lambda: seen.extend(subscription))
        waiting.start()
        subscription.stop()
        waiting.join(timeout=30)
        assert not waiting.is_alive()
    assert seen == []


def test_stop_twice_and_never_entered(recorder: LedgerRecorder, superuser: Connection[Any]) -> None:
    subscription = recorder.subscribe()
    subscription.stop()
    subscription.stop()
    assert list(subscription) == []
    with subscription, pytest.raises(ProgrammingError):
        subscription.__enter__()


def test_every_position_under_concurrent_writers(recorder: LedgerRecorder, url: str) -> None:
    with recorder_on(url) as second, recorder.subscribe() as subscription, ThreadPoolExecutor(8) as pool:
        writes = [pool.submit(write, which) for which in [recorder, second] * 100]
        assert take(subscription, 200) == list(range(1, 201))
        assert sorted(one.result() for one in writes) == list(range(1, 201))
