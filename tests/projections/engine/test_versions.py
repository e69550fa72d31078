"""Versions side by side: a newer one builds beside the live one and takes over in one transaction."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg import Connection

from domain.intake.application.events import WorkScheduled
from projections.engine import copies
from projections.engine.copies import NotLive, Status
from projections.engine.runner import Runner
from tests.projections.accounting.book_keeping import BookKeeper, Happening, at, stream
from tests.projections.engine.toys import tally

OLD, NEW = tally(), tally(version=2, step=10)


def work(number: int) -> Happening:
    return (stream(number), at(), WorkScheduled(lane="x"))


def statuses(connection: Connection[Any]) -> dict[str, tuple[int, Status]]:
    return {copy.table: (copy.position, copy.status) for copy in copies.copies(connection, 0)}


def prepared(connection: Connection[Any], *projections: Any, batch_rows: int = 2) -> Runner:
    runner = Runner(connection, projections, batch_rows=batch_rows)
    runner.prepare()
    return runner


def test_the_first_version_is_live_at_once(connection: Connection[Any]) -> None:
    prepared(connection, OLD)
    assert statuses(connection) == {"tally_v1": (0, Status.LIVE)}
    assert copies.live(connection, OLD, 0).table == "tally_v1"


def test_preparing_twice_changes_nothing(connection: Connection[Any], books: BookKeeper) -> None:
    books.write(work(1))
    prepared(connection, OLD).catch_up()
    prepared(connection, OLD)
    assert statuses(connection) == {"tally_v1": (1, Status.LIVE)}


def test_a_new_version_builds_beside_and_takes_over(connection: Connection[Any], books: BookKeeper) -> None:
    books.write(*(work(1) for _ in range(5)))
    prepared(connection, OLD).catch_up()
    both = prepared(connection, OLD, NEW)
    assert statuses(connection) == {"tally_v1": (5, Status.LIVE), "tally_v2": (0, Status.BUILDING)}
    both.step()
    with pytest.raises(NotLive, match="expected version v2 to be live, got v1"):
        copies.live(connection, NEW, 0)
    # What follows from events up to the old version's mark has happened already.
    assert copies.mark(connection, NEW, 0) == 5
    both.catch_up()
    assert statuses(connection) == {"tally_v1": (5, Status.RETIRED), "tally_v2": (5, Status.LIVE)}
    with pytest.raises(NotLive, match="expected version v1 to be live, got v2"):
        copies.live(connection, OLD, 0)
    assert connection.execute("SELECT times FROM read.tally_v2").fetchall() == [(50,)]


def test_the_old_version_goes_on_until_the_switch(connection: Connection[Any], books: BookKeeper) -> None:
    books.write(*(work(1) for _ in range(4)))
    prepared(connection, OLD).catch_up()
    both = prepared(connection, OLD, NEW)
    both.step()
    books.write(work(1), work(1))
    prepared(connection, OLD).catch_up()
    assert statuses(connection) == {"tally_v1": (6, Status.LIVE), "tally_v2": (2, Status.BUILDING)}
    assert copies.mark(connection, NEW, 0) == 6
    both.catch_up()
    assert statuses(connection)["tally_v2"] == (6, Status.LIVE)


def test_nobody_writes_a_retired_version(connection: Connection[Any], books: BookKeeper) -> None:
    books.write(work(1))
    old = prepared(connection, OLD)
    old.catch_up()
    prepared(connection, OLD, NEW).catch_up()
    books.write(work(1))
    assert old.step() == 0
    assert statuses(connection)["tally_v1"] == (1, Status.RETIRED)
    assert copies.mark(connection, NEW, 0) == 1
    with pytest.raises(copies.LostRace):
        copies.advance(connection, 0, "tally_v1", 1, 2)


def test_a_new_version_of_an_idle_ledger_takes_over(connection: Connection[Any]) -> None:
    prepared(connection, OLD)
    assert prepared(connection, NEW).step() == 0
    assert statuses(connection) == {"tally_v1": (0, Status.RETIRED), "tally_v2": (0, Status.LIVE)}


def test_promoting_too_early_does_nothing(connection: Connection[Any], books: BookKeeper) -> None:
    books.write(work(1))
    prepared(connection, OLD).catch_up()
    prepared(connection, NEW)
    assert not copies.promote(connection, NEW, 0)
    assert not copies.promote(connection, OLD, 0)
    assert statuses(connection)["tally_v1"] == (1, Status.LIVE)


def test_an_older_program_leaves_a_newer_version_alone(connection: Connection[Any]) -> None:
    prepared(connection, NEW)
    prepared(connection, OLD)
    assert statuses(connection) == {"tally_v2": (0, Status.LIVE)}


def test_retired_tables_can_be_dropped(connection: Connection[Any], books: BookKeeper) -> None:
    books.write(work(1))
    prepared(connection, OLD).catch_up()
    prepared(connection, NEW).catch_up()
    assert copies.drop_retired(connection, "tally", 0) == ["tally_v1"]
    assert connection.execute("SELECT to_regclass('read.tally_v1')").fetchone() == (None,)
    assert list(statuses(connection)) == ["tally_v2"]
    assert copies.drop_retired(connection, "tally", 0) == []


def test_there_is_only_one_live_version(connection: Connection[Any]) -> None:
    prepared(connection, OLD)
    with pytest.raises(Exception, match="one_live_projection"):
        copies.add(connection, 0, OLD, "tally_v9", Status.LIVE)
