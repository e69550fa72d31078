"""A read model that is filled stream by stream is the one that follows the ledger, whatever is parked in it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection

from domain.intake.application.events import ApplicationSubmitted, WorkScheduled
from projections.engine import copies, filling, reading
from projections.engine.comparing import compare_all
from projections.engine.copies import LostRace
from projections.engine.dead_letters import dead_letters
from projections.engine.filling import fill, is_long
from projections.engine.model import Projection
from projections.engine.runner import Runner
from projections.engine.tables import Table
from projections.registry import PROJECTIONS
from tests.ledger import empty
from tests.projections.accounting.book_keeping import BookKeeper, Happening, at, stream
from tests.projections.engine.toys import lane_count, tally
from tests.projections.histories import histories
from tests.projections.leasing.lease_histories import Book, lease_books
from tests.sampling import examples

POISON = {"Call the dealer"}
with_database = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(20), deadline=None
)


def work(number: int, lane: str = "x") -> Happening:
    return (stream(number), at(), WorkScheduled(lane=lane))


@pytest.fixture
def long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every window is long, and each chunk has few events."""
    monkeypatch.setattr(filling, "LONG_POSITIONS", 1)
    monkeypatch.setattr(reading, "BY_STREAM_ROWS", 3)


def projected(
    connection: Connection[Any], projections: tuple[Projection[Any], ...], *, batch_rows: int = 5_000
) -> list[Any]:
    """Rows and parked events of each projection, after catching up."""
    runner = Runner(connection, projections, batch_rows=batch_rows)
    runner.prepare()
    runner.catch_up()
    return [
        (
            connection.execute(f"SELECT * FROM read.{one.table} ORDER BY {', '.join(one.key)}").fetchall(),
            dead_letters(connection, one.table, 0),
        )
        for one in projections
    ]


@with_database
@given(happened=histories(), book=lease_books(), cut=st.floats(0, 1), rows=st.integers(1, 50))
def test_filled_is_followed(
    connection: Connection[Any],
    superuser: Connection[Any],
    happened: list[Happening],
    book: Book,
    cut: float,
    rows: int,
) -> None:
    """In ledger order in small batches, or by stream from nothing, or by stream onto what was there already."""
    everything = (*happened, *book.happened)
    models = (*PROJECTIONS, tally(POISON))
    outcomes = []
    for first, long in ((len(everything), 10**9), (len(everything), 1), (int(len(everything) * cut), 1)):
        empty(superuser)
        keeper = BookKeeper(connection)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(filling, "LONG_POSITIONS", long)
            patched.setattr(reading, "BY_STREAM_ROWS", rows)
            if first:
                keeper.write(*everything[:first])
            projected(connection, models, batch_rows=7)
            if everything[first:]:
                keeper.write(*everything[first:])
            outcomes.append(projected(connection, models, batch_rows=7))
            compared = compare_all(connection, models)
            assert [getattr(one, "first", one) for one in compared] == [None] * len(models)
    assert outcomes[0] == outcomes[1] == outcomes[2]


@pytest.mark.usefixtures("long")
def test_what_is_parked_is_parked_as_in_ledger_order(connection: Connection[Any], books: BookKeeper) -> None:
    books.write(work(2, "bad"), work(1), work(2), work(3, "bad"), work(1), (stream(1), at(), ApplicationSubmitted()))
    ((rows, parked),) = projected(connection, (tally({"bad"}),))
    assert [row[3] for row in rows] == [2]
    assert [(one.position, bool(one.error)) for one in parked] == [(1, True), (3, False), (4, True)]
    books.write(work(2), work(3), work(1))
    ((rows, parked),) = projected(connection, (tally({"bad"}),))
    assert [row[3] for row in rows] == [3]
    assert [one.position for one in parked] == [1, 3, 4, 7, 8]


@pytest.mark.usefixtures("long")
def test_rows_that_were_there_before_the_first_event_do_not_stay(
    connection: Connection[Any], books: BookKeeper
) -> None:
    runner = Runner(connection, [tally()])
    runner.prepare()
    connection.execute("INSERT INTO read.tally_v1 VALUES (0, 4, %s, 1, 'forged')", (stream(1),))
    books.write(work(1), work(2))
    runner.catch_up()
    assert connection.execute("SELECT lanes FROM read.tally_v1").fetchall() == [("x;",), ("x;",)]


@pytest.mark.usefixtures("long")
def test_the_second_of_two_fillers_loses_and_a_killed_one_leaves_nothing(
    connection: Connection[Any], books: BookKeeper
) -> None:
    books.write(*(work(n) for n in range(6)))
    copies.prepare(connection, [tally()], 0)
    table = Table(tally())

    def die(done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), connection.transaction():
        fill(connection, [table], 0, (0, 6), die)
    assert connection.execute("SELECT count(*) FROM read.tally_v1").fetchone() == (0,)
    with connection.transaction():
        fill(connection, [table], 0, (0, 6))
    with pytest.raises(LostRace), connection.transaction():
        fill(connection, [table], 0, (0, 6))
    assert connection.execute("SELECT count(*) FROM read.tally_v1").fetchone() == (6,)


@pytest.mark.usefixtures("long")
def test_one_window_tells_how_far_it_is(connection: Connection[Any], books: BookKeeper) -> None:
    books.write(*(work(n % 4) for n in range(10)))
    runner = Runner(connection, [tally()])
    runner.prepare()
    seen: list[tuple[int, int]] = []
    assert runner.catch_up(lambda done, total: seen.append((done, total))) == 10
    assert seen == sorted(seen)
    assert len(seen) > 2
    assert seen[-1] == (10, 10)


def test_rows_of_several_streams_are_never_filled() -> None:
    assert is_long([tally()], (0, filling.LONG_POSITIONS))
    assert not is_long([tally()], (1, filling.LONG_POSITIONS))
    assert not is_long([tally(), lane_count()], (0, filling.LONG_POSITIONS))
