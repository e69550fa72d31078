"""Poison events: parked with what follows them, counted, retried in order, and found again by a rebuild."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from domain.intake.application.events import WorkScheduled
from projections.engine import copies
from projections.engine import rebuild as rebuilding
from projections.engine.comparing import compare
from projections.engine.dead_letters import Retried, dead_letters, retry
from projections.engine.model import Projection
from projections.engine.rebuild import rebuild
from projections.engine.runner import Runner
from tests.projections.accounting.book_keeping import START, BookKeeper, Happening, at, stream
from tests.projections.engine.toys import lane_count, tally

A, B = stream(1), stream(2)


def work(number: int, lane: str) -> Happening:
    return (stream(number), at(), WorkScheduled(lane=lane))


def run(connection: Connection[Any], projection: Projection[Any], batch_rows: int = 5_000) -> None:
    runner = Runner(connection, [projection], batch_rows=batch_rows)
    runner.prepare()
    runner.catch_up()


def parked(connection: Connection[Any], table: str = "tally_v1") -> list[tuple[int, str, str]]:
    return [(letter.position, letter.key, letter.error) for letter in dead_letters(connection, table, 0)]


def lanes(connection: Connection[Any]) -> dict[str, str]:
    return dict(connection.execute("SELECT id::text, lanes FROM read.tally_v1").fetchall())


STORY = (work(1, "a"), work(1, "bad"), work(2, "b"), work(1, "c"), work(2, "d"), work(1, "e"))


@pytest.mark.parametrize("batch_rows", [1, 2, 5_000])
def test_the_key_is_parked_and_the_rest_goes_on(
    connection: Connection[Any], books: BookKeeper, batch_rows: int
) -> None:
    books.write(*STORY)
    run(connection, tally({"bad"}), batch_rows)
    assert parked(connection) == [(2, str(A), "Poisoned: bad"), (4, str(A), ""), (6, str(A), "")]
    assert lanes(connection) == {str(A): "a;", str(B): "b;d;"}


def test_lag_counts_parked_events_and_keys(connection: Connection[Any], books: BookKeeper) -> None:
    books.write(*STORY)
    run(connection, tally({"bad"}))
    books.write(work(2, "f"))
    (got,) = copies.lag(connection, 0, START + timedelta(seconds=60))
    assert (got.table, got.position, got.head, got.behind) == ("tally_v1", 6, 7, 1)
    assert (got.dead_letters, got.dead_keys) == (3, 1)
    # The sixth event was recorded six milliseconds after the start of the story.
    assert got.seconds == pytest.approx(59.994)


def test_nothing_applied_has_no_age(connection: Connection[Any], books: BookKeeper) -> None:
    books.write(*STORY)
    Runner(connection, [tally()]).prepare()
    (got,) = copies.lag(connection, 0, START)
    assert (got.behind, got.seconds, got.dead_letters) == (6, None, 0)


def test_retry_after_a_fix_gives_the_rows_of_an_undisturbed_run(connection: Connection[Any], books: BookKeeper) -> None:
    broken = {"bad"}
    books.write(*STORY)
    run(connection, tally(broken))
    broken.clear()
    assert retry(connection, tally(broken)) == Retried(applied=3, parked=0)
    assert parked(connection) == []
    assert lanes(connection) == {str(A): "a;bad;c;e;", str(B): "b;d;"}
    assert compare(connection, tally()).first is None


def test_retry_without_a_fix_changes_nothing(connection: Connection[Any], books: BookKeeper) -> None:
    books.write(*STORY)
    run(connection, tally({"bad"}))
    before = parked(connection)
    assert retry(connection, tally({"bad"})) == Retried(applied=0, parked=3)
    assert parked(connection) == before


def test_retry_stops_at_the_next_poison(connection: Connection[Any], books: BookKeeper) -> None:
    books.write(*STORY)
    run(connection, tally({"bad", "e"}))
    assert retry(connection, tally({"e"})) == Retried(applied=2, parked=1)
    assert parked(connection) == [(6, str(A), "Poisoned: e")]
    assert lanes(connection)[str(A)] == "a;bad;c;"
    assert compare(connection, tally({"e"})).first is None


@pytest.mark.parametrize("rebuild_rows", [1, 2, 20_000])
def test_a_rebuild_parks_the_same_events(
    connection: Connection[Any], books: BookKeeper, monkeypatch: pytest.MonkeyPatch, rebuild_rows: int
) -> None:
    """Also when the poison and what waits behind it are in different batches."""
    monkeypatch.setattr(rebuilding, "REBUILD_ROWS", rebuild_rows)
    books.write(*STORY)
    run(connection, tally({"bad"}), batch_rows=2)
    before = parked(connection), lanes(connection)
    compared = compare(connection, tally({"bad"}))
    assert (compared.first, compared.parked, compared.rows) == (None, 3, 2)
    rebuilt = rebuild(connection, tally({"bad"}), comparing=True)
    assert rebuilt.parked == 3
    assert rebuilt.compared is not None
    assert rebuilt.compared.first is None
    assert (parked(connection), lanes(connection)) == before


def test_a_retry_waits_for_the_runner(
    connection: Connection[Any], other_connection: Connection[Any], books: BookKeeper
) -> None:
    """Else an event could be parked behind a key that the retry just freed."""
    books.write(*STORY)
    run(connection, tally({"bad"}))
    other_connection.execute("SET lock_timeout = '20ms'")
    with connection.transaction():
        copies.advance(connection, 0, "tally_v1", 6, 6)
        with pytest.raises(psycopg.errors.LockNotAvailable):
            retry(other_connection, tally())
    assert retry(other_connection, tally()).applied == 3


def test_a_fix_without_a_retry_is_a_difference(connection: Connection[Any], books: BookKeeper) -> None:
    books.write(*STORY)
    run(connection, tally({"bad"}))
    found = compare(connection, tally()).first
    assert found is not None
    assert found.sentence().startswith(f"read.tally_v1, key {A}, position 2: expected None, got DeadLetter(position=2")


def test_a_parked_event_that_disappeared_is_found(connection: Connection[Any], books: BookKeeper) -> None:
    books.write(*STORY)
    run(connection, tally({"bad"}))
    connection.execute("DELETE FROM read.dead_letters WHERE position = 4")
    found = compare(connection, tally({"bad"})).first
    assert found is not None
    assert (found.position, found.key, found.got) == (4, str(A), None)


def test_an_event_that_cannot_be_decoded_parks_its_stream(
    connection: Connection[Any], superuser: Connection[Any], books: BookKeeper
) -> None:
    books.write(work(1, "a"), work(1, "x"), work(1, "y"), work(2, "y"))
    superuser.execute("SET session_replication_role = replica")
    superuser.execute(
        "UPDATE ledger.events SET entry = "
        "convert_to(replace(convert_from(entry, 'UTF8'), '\"lane\":\"x\"', '\"lane\":7'), 'UTF8') WHERE position = 2"
    )
    run(connection, lane_count())
    first, second = parked(connection, "lane_count_v1")
    assert first[:2] == (2, str(A))
    assert first[2].startswith("ValidationError: Expected `str`, got `int`")
    assert second == (3, str(A), "")
    assert connection.execute("SELECT lane, times FROM read.lane_count_v1 ORDER BY 1").fetchall() == [
        ("a", 1),
        ("y", 1),
    ]


def test_a_parked_key_survives_many_batches(connection: Connection[Any], books: BookKeeper) -> None:
    books.write(work(1, "bad"))
    run(connection, tally({"bad"}))
    for _ in range(3):
        books.write(work(1, "later"), work(2, "later"))
        run(connection, tally())
    assert [position for position, _, _ in parked(connection)] == [1, 2, 4, 6]
    assert lanes(connection) == {str(B): "later;later;later;"}
    assert retry(connection, tally()).applied == 4
    assert lanes(connection)[str(A)] == "bad;later;later;later;"
