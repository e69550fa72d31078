"""Versions side by side: a newer one builds beside the live one and takes over in one transaction."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg import Connection

from domain.intake.application.events import WorkScheduled
from projections.engine import catalog
from projections.engine.catalog import NotLive, Status
from projections.engine.runner import Runner
from tests.projections.accounting.book_keeping import BookKeeper, Happening, at, stream
from tests.projections.engine.toys import tally

OLD, NEW = tally(), tally(version=2, step=10)


def work(number: int) -> Happening:
    return (stream(number), at(), WorkScheduled(lane="x"))


def statuses(connection: Connection[Any]) -> dict[str, tuple[int, Status]]:
    return {copy.table: (copy.position, copy.status) for copy in catalog.copies(connection, 0)}


def prepared(connection: Connection[Any], *projections: Any, batch_rows: int = 2) -> Runner:
    runner = Runner(connection, projections, batch_rows=batch_rows)
    runner.prepare()
    return runner


def test_the_first_version_is_live_at_once(app_connection: Connection[Any]) -> None:
    prepared(app_connection, OLD)
    assert statuses(app_connection) == {"tally_v1": (0, Status.LIVE)}
    assert catalog.live(app_connection, OLD, 0).table == "tally_v1"


def test_preparing_twice_changes_nothing(app_connection: Connection[Any], books: BookKeeper) -> None:
    books.write(work(1))
    prepared(app_connection, OLD).catch_up()
    prepared(app_connection, OLD)
    assert statuses(app_connection) == {"tally_v1": (1, Status.LIVE)}


def test_a_new_version_builds_beside_and_takes_over(app_connection: Connection[Any], books: BookKeeper) -> None:
    books.write(*(work(1) for _ in range(5)))
    prepared(app_connection, OLD).catch_up()
    both = prepared(app_connection, OLD, NEW)
    assert statuses(app_connection) == {"tally_v1": (5, Status.LIVE), "tally_v2": (0, Status.BUILDING)}
    both.step()
    with pytest.raises(NotLive, match="expected version v2 to be live, got v1"):
        catalog.live(app_connection, NEW, 0)
    # What follows from events up to the old version's mark has happened already.
    assert catalog.mark(app_connection, NEW, 0) == 5
    both.catch_up()
    assert statuses(app_connection) == {"tally_v1": (5, Status.RETIRED), "tally_v2": (5, Status.LIVE)}
    with pytest.raises(NotLive, match="expected version v1 to be live, got v2"):
        catalog.live(app_connection, OLD, 0)
    assert app_connection.execute("SELECT times FROM read.tally_v2").fetchall() == [(50,)]


def test_the_old_version_goes_on_until_the_switch(app_connection: Connection[Any], books: BookKeeper) -> None:
    books.write(*(work(1) for _ in range(4)))
    prepared(app_connection, OLD).catch_up()
    both = prepared(app_connection, OLD, NEW)
    both.step()
    books.write(work(1), work(1))
    prepared(app_connection, OLD).catch_up()
    assert statuses(app_connection) == {"tally_v1": (6, Status.LIVE), "tally_v2": (2, Status.BUILDING)}
    assert catalog.mark(app_connection, NEW, 0) == 6
    both.catch_up()
    assert statuses(app_connection)["tally_v2"] == (6, Status.LIVE)


def test_nobody_writes_a_retired_version(app_connection: Connection[Any], books: BookKeeper) -> None:
    books.write(work(1))
    old = prepared(app_connection, OLD)
    old.catch_up()
    prepared(app_connection, OLD, NEW).catch_up()
    books.write(work(1))
    assert old.step() == 0
    assert statuses(app_connection)["tally_v1"] == (1, Status.RETIRED)
    assert catalog.mark(app_connection, NEW, 0) == 1
    with pytest.raises(catalog.LostRace):
        catalog.advance(app_connection, 0, "tally_v1", 1, 2)


def test_a_new_version_of_an_idle_ledger_takes_over(app_connection: Connection[Any]) -> None:
    prepared(app_connection, OLD)
    assert prepared(app_connection, NEW).step() == 0
    assert statuses(app_connection) == {"tally_v1": (0, Status.RETIRED), "tally_v2": (0, Status.LIVE)}


def test_promoting_too_early_does_nothing(app_connection: Connection[Any], books: BookKeeper) -> None:
    books.write(work(1))
    prepared(app_connection, OLD).catch_up()
    prepared(app_connection, NEW)
    assert not catalog.promote(app_connection, NEW, 0)
    assert not catalog.promote(app_connection, OLD, 0)
    assert statuses(app_connection)["tally_v1"] == (1, Status.LIVE)


def test_an_older_program_leaves_a_newer_version_alone(app_connection: Connection[Any]) -> None:
    prepared(app_connection, NEW)
    prepared(app_connection, OLD)
    assert statuses(app_connection) == {"tally_v2": (0, Status.LIVE)}


def test_retired_tables_can_be_dropped(app_connection: Connection[Any], books: BookKeeper) -> None:
    books.write(work(1))
    prepared(app_connection, OLD).catch_up()
    prepared(app_connection, NEW).catch_up()
    assert catalog.drop_retired(app_connection, "tally", 0) == ["tally_v1"]
    assert app_connection.execute("SELECT to_regclass('read.tally_v1')").fetchone() == (None,)
    assert list(statuses(app_connection)) == ["tally_v2"]
    assert catalog.drop_retired(app_connection, "tally", 0) == []


def test_there_is_only_one_live_version(app_connection: Connection[Any]) -> None:
    prepared(app_connection, OLD)
    with pytest.raises(Exception, match="one_live_projection"):
        catalog.add(app_connection, 0, OLD, "tally_v9", Status.LIVE)
