"""The runner: batches, restarts, races, notifications; nothing is applied twice and nothing is left out."""

from __future__ import annotations

import threading
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from adapters.postgres.connections import connect
from domain.intake.application.events import ApplicationSubmitted, WorkScheduled
from projections.engine import copies, reading
from projections.engine.copies import LostRace
from projections.engine.model import Projection, ProjectionError
from projections.engine.runner import Runner, apply
from projections.engine.tables import Table
from tests.projections.accounting.book_keeping import BookKeeper, Happening, at, stream
from tests.projections.engine.toys import lane_count, tally


def work(number: int, lane: str = "x") -> Happening:
    return (stream(number), at(number), WorkScheduled(lane=lane))


def runner(connection: Connection[Any], *projections: Projection[Any], batch_rows: int = 5_000) -> Runner:
    made = Runner(connection, projections or (tally(),), batch_rows=batch_rows)
    made.prepare()
    return made


def times(connection: Connection[Any], table: str = "tally_v1") -> list[int]:
    return [row[0] for row in connection.execute(f"SELECT times FROM read.{table} ORDER BY 1").fetchall()]


def position(connection: Connection[Any], table: str = "tally_v1") -> int:
    return next(copy.position for copy in copies.copies(connection, 0) if copy.table == table)


@pytest.mark.parametrize("batch_rows", [1, 2, 3, 7, 5_000])
def test_every_batch_size_gives_the_same_rows(connection: Connection[Any], books: BookKeeper, batch_rows: int) -> None:
    books.write(*(work(n % 3) for n in range(7)))
    seen: list[tuple[int, int]] = []
    one = runner(connection, batch_rows=batch_rows)
    assert one.catch_up(lambda done, total: seen.append((done, total))) == 7
    assert times(connection) == [2, 2, 3]
    assert position(connection) == 7
    assert seen[-1] == (7, 7)
    assert len(seen) == -(-7 // batch_rows)


@pytest.mark.parametrize("batch_rows", [0, 5_001])
def test_batch_size_has_limits(connection: Connection[Any], batch_rows: int) -> None:
    with pytest.raises(ProjectionError, match=f"expected 1 … 5000, got {batch_rows}"):
        Runner(connection, [], batch_rows=batch_rows)


def test_an_empty_ledger_is_up_to_date(connection: Connection[Any]) -> None:
    assert runner(connection).step() == 0


def test_a_database_without_a_head_row_is_an_error(connection: Connection[Any]) -> None:
    with pytest.raises(ProjectionError, match="expected a head row of shard 9, got none"):
        reading.head_size(connection, 9)


def test_events_of_other_types_only_move_the_position(connection: Connection[Any], books: BookKeeper) -> None:
    books.write((stream(1), at(), ApplicationSubmitted()), work(1), (stream(1), at(), ApplicationSubmitted()))
    runner(connection).catch_up()
    assert times(connection) == [1]
    assert position(connection) == 3


def test_it_goes_on_where_it_stopped(connection: Connection[Any], books: BookKeeper) -> None:
    books.write(*(work(1) for _ in range(5)))
    runner(connection, batch_rows=2).step()
    books.write(work(1))
    assert runner(connection, batch_rows=2).catch_up() == 4
    assert times(connection) == [6]


def die_within(doomed: Connection[Any], superuser: Connection[Any]) -> None:
    """Apply a window and lose the session before the commit."""
    with doomed.transaction():
        apply(doomed, Table(tally()), 0, (3, 6), reading.window(doomed, 0, 3, 6, tally().types))
        superuser.execute("SELECT pg_terminate_backend(%s)", (doomed.info.backend_pid,))


def test_a_kill_between_and_within_batches_loses_and_doubles_nothing(
    url: str, connection: Connection[Any], superuser: Connection[Any], books: BookKeeper
) -> None:
    """The server ends the runner's session after a batch, and once in the middle of a transaction."""
    books.write(*(work(n % 2) for n in range(8)))
    with connect(url) as doomed:
        victim = runner(doomed, batch_rows=3)
        victim.step()
        with pytest.raises(psycopg.OperationalError):
            die_within(doomed, superuser)
    assert position(connection) == 3
    runner(connection, batch_rows=3).catch_up()
    assert times(connection) == [4, 4]


def test_the_second_of_two_runners_loses_cleanly(
    connection: Connection[Any], other_connection: Connection[Any], books: BookKeeper
) -> None:
    books.write(*(work(n) for n in range(4)))
    runner(connection)
    table, read = Table(tally()), reading.window(connection, 0, 0, 4, tally().types)
    with connection.transaction():
        apply(connection, table, 0, (0, 4), read)
    with pytest.raises(LostRace, match="expected position 0"), other_connection.transaction():
        apply(other_connection, table, 0, (0, 4), read)
    assert times(connection) == [1, 1, 1, 1]
    assert runner(other_connection).step() == 0


def test_many_runners_at_once_apply_everything_once(url: str, connection: Connection[Any], books: BookKeeper) -> None:
    books.write(*(work(n % 5) for n in range(200)))
    runner(connection, tally(), lane_count())

    def run() -> None:
        with connect(url) as own:
            Runner(own, [tally(), lane_count()], batch_rows=7).catch_up()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert times(connection) == [40] * 5
    assert times(connection, "lane_count_v1") == [200]
    assert position(connection) == position(connection, "lane_count_v1") == 200


def test_projections_apart_come_together(connection: Connection[Any], books: BookKeeper) -> None:
    """The one behind stops where the other stands; from there both share every window."""
    books.write(*(work(1) for _ in range(10)))
    runner(connection, tally(), batch_rows=4).step()
    both = runner(connection, tally(), lane_count(), batch_rows=3)
    steps = []
    while done := both.step():
        steps.append((done, position(connection), position(connection, "lane_count_v1")))
    assert steps == [(3, 4, 3), (1, 4, 4), (3, 7, 7), (3, 10, 10)]
    assert times(connection) == times(connection, "lane_count_v1") == [10]


def test_one_projections_failure_to_write_leaves_the_others_alone(
    connection: Connection[Any], books: BookKeeper
) -> None:
    """A database error is nobody's poison: the whole window is rolled back and raised."""
    books.write(work(1))
    both = runner(connection, tally(), lane_count())
    connection.execute("ALTER TABLE read.lane_count_v1 ADD CONSTRAINT none CHECK (times < 1)")
    with pytest.raises(Exception, match="none"):
        both.step()
    assert (position(connection), position(connection, "lane_count_v1")) == (0, 0)
    assert times(connection) == []


def test_it_listens_before_it_looks(connection: Connection[Any], books: BookKeeper) -> None:
    """Else a commit between the first look and the LISTEN would wait for the poll."""
    follower = runner(connection)
    seen: list[tuple[list[tuple[str]], int]] = []

    def stop() -> bool:
        channels = connection.execute("SELECT pg_listening_channels()").fetchall()
        seen.append((channels, position(connection)))
        if len(seen) == 1:
            books.write(work(1))
        return len(seen) == 2

    follower.follow(stop, poll_s=60)
    assert seen == [([("ledger",)], 0), ([("ledger",)], 1)]


def test_it_wakes_for_a_notification(url: str, connection: Connection[Any], books: BookKeeper) -> None:
    """A poll of an hour: only the notification of a commit lets this end."""
    follower = runner(connection)
    idle = threading.Event()

    def write() -> None:
        idle.wait(60)
        with connect(url) as mine:
            BookKeeper(mine).write(work(1))

    def stop() -> bool:
        idle.set()
        return times(connection) == [1]

    writer = threading.Thread(target=write)
    writer.start()
    follower.follow(stop, poll_s=3_600)
    writer.join(60)
    assert times(connection) == [1]


def test_it_looks_again_without_a_notification(
    connection: Connection[Any], superuser: Connection[Any], books: BookKeeper
) -> None:
    follower = runner(connection)
    looks: list[int] = []

    def stop() -> bool:
        looks.append(position(superuser))
        if len(looks) == 2:
            books.write(work(1))
        return looks[-1] == 1

    follower.follow(stop, poll_s=0.01)
    assert looks[:2] == [0, 0]
    assert looks[-1] == 1
