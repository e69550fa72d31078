"""Rebuilds give the live rows again, take over in one step, and a comparison goes red on any change."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg import Connection

from domain.intake.application.events import WorkScheduled
from projections.engine import copies, filling, reading
from projections.engine import rebuild as rebuilding
from projections.engine.comparing import ReadModelDiffers, check, compare
from projections.engine.copies import LostRace, NotLive, Status
from projections.engine.model import ProjectionError
from projections.engine.rebuild import RebuildRunning, rebuild
from projections.engine.runner import Runner
from tests.projections.accounting.book_keeping import BookKeeper, Happening, at, stream
from tests.projections.engine.toys import lane_count, tally


def work(number: int, lane: str = "x") -> Happening:
    return (stream(number), at(), WorkScheduled(lane=lane))


@pytest.fixture
def projected(connection: Connection[Any], books: BookKeeper) -> Connection[Any]:
    """Ten events of three applications, projected."""
    books.write(*(work(n % 3, f"lane {n}") for n in range(10)))
    runner = Runner(connection, [tally(), lane_count()])
    runner.prepare()
    runner.catch_up()
    return connection


@pytest.fixture(params=[1, 3, 20_000], ids=lambda rows: f"{rows} rows")
def small(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small batches, so that ten events are many of them."""
    monkeypatch.setattr(rebuilding, "REBUILD_ROWS", request.param)
    monkeypatch.setattr(reading, "BY_STREAM_ROWS", request.param)


@pytest.fixture(params=[1, 20_000], ids=["filled", "in ledger order"])
def long(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """From how many positions on a copy is filled stream by stream."""
    monkeypatch.setattr(filling, "LONG_POSITIONS", request.param)


def rows(connection: Connection[Any]) -> list[tuple[Any, ...]]:
    return connection.execute("SELECT * FROM read.tally_v1 ORDER BY id").fetchall()


def tables(connection: Connection[Any]) -> list[str]:
    found = connection.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'read'::regnamespace AND relkind = 'r' ORDER BY 1"
    )
    return [row[0] for row in found]


# ------------------------------------------------------------------------------------------------ compare


@pytest.mark.usefixtures("small")
def test_an_honest_read_model_has_no_difference(projected: Connection[Any]) -> None:
    seen: list[tuple[int, int]] = []
    compared = compare(projected, tally(), progress=lambda done, total: seen.append((done, total)))
    assert (compared.first, compared.differences, compared.rows, compared.position) == (None, 0, 3, 10)
    assert seen == sorted(seen)
    assert seen[-1] == (10, 10)


@pytest.mark.parametrize("key", [1, 2])
def test_a_changed_row_is_found(projected: Connection[Any], key: int) -> None:
    projected.execute("UPDATE read.tally_v1 SET lanes = 'forged' WHERE id = %s", (stream(key),))
    found = compare(projected, tally()).first
    assert found is not None
    assert (found.table, found.key, found.fields()) == ("tally_v1", str(stream(key)), ("lanes",))
    assert "expected {'lanes': 'lane " in found.sentence()
    assert "got {'lanes': 'forged'}" in found.sentence()


def test_a_removed_row_is_found(projected: Connection[Any]) -> None:
    projected.execute("DELETE FROM read.tally_v1 WHERE id = %s", (stream(2),))
    found = compare(projected, tally()).first
    assert found is not None
    assert (found.key, found.position, found.got) == (str(stream(2)), 9, None)


def test_an_added_row_is_found(projected: Connection[Any]) -> None:
    projected.execute("INSERT INTO read.tally_v1 VALUES (0, 4, %s, 1, 'forged')", (stream(7),))
    found = compare(projected, tally()).first
    assert found is not None
    assert (found.key, found.position, found.expected) == (str(stream(7)), 4, None)


def test_the_first_of_several_differences_is_named(projected: Connection[Any]) -> None:
    projected.execute("UPDATE read.tally_v1 SET times = times + 1")
    compared = compare(projected, tally())
    assert compared.differences == 3
    assert compared.first is not None
    assert compared.first.position == 8


def test_a_position_that_was_set_back_is_found(projected: Connection[Any]) -> None:
    projected.execute("UPDATE read.projections SET position = 9 WHERE table_name = 'tally_v1'")
    assert compare(projected, tally()).first is not None


def test_check_raises_with_expected_and_got(projected: Connection[Any]) -> None:
    assert check(projected, tally()).rows == 3
    projected.execute("UPDATE read.tally_v1 SET times = 99 WHERE id = %s", (stream(0),))
    with pytest.raises(ReadModelDiffers, match=r"read.tally_v1, key .*: expected {'times': 4}, got {'times': 99}"):
        check(projected, tally())


def test_comparing_leaves_nothing_behind(projected: Connection[Any]) -> None:
    before = tables(projected), rows(projected), copies.copies(projected, 0)
    compare(projected, tally())
    compare(projected, tally())
    assert (tables(projected), rows(projected), copies.copies(projected, 0)) == before
    assert projected.execute("SELECT to_regclass('pg_temp.tally_v1_check')").fetchone() == (None,)


def test_only_the_live_version_can_be_compared(projected: Connection[Any]) -> None:
    with pytest.raises(NotLive, match="expected version v2 to be live, got v1"):
        compare(projected, tally(version=2))


# ------------------------------------------------------------------------------------------------ rebuild


@pytest.mark.usefixtures("small", "long")
def test_a_rebuild_gives_the_same_rows(projected: Connection[Any]) -> None:
    before = rows(projected)
    rebuilt = rebuild(projected, tally(), comparing=True)
    assert (rebuilt.table, rebuilt.position, rebuilt.rows, rebuilt.parked) == ("tally_v1", 10, 3, 0)
    assert rebuilt.compared is not None
    assert rebuilt.compared.first is None
    assert rows(projected) == before
    assert tables(projected) == ["dead_letters", "lane_count_v1", "projections", "tally_v1"]


def test_a_rebuild_mends_what_was_changed_and_says_so(projected: Connection[Any]) -> None:
    before = rows(projected)
    projected.execute("UPDATE read.tally_v1 SET times = 0")
    rebuilt = rebuild(projected, tally(), comparing=True)
    assert rebuilt.compared is not None
    assert rebuilt.compared.differences == 3
    assert rows(projected) == before
    assert compare(projected, tally()).first is None


def test_a_rebuild_reports_its_progress(projected: Connection[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuilding, "REBUILD_ROWS", 4)
    seen: list[tuple[int, int]] = []
    rebuild(projected, tally(), progress=lambda done, total: seen.append((done, total)))
    assert seen == [(4, 10), (8, 10)]


def test_the_runner_goes_on_during_a_rebuild(
    projected: Connection[Any], other_connection: Connection[Any], books: BookKeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuilding, "REBUILD_ROWS", 4)
    other = Runner(other_connection, [tally()])

    def meanwhile(done: int, total: int) -> None:
        if books.size < 16:
            books.write(work(1, "meanwhile"), work(2, "meanwhile"))
            other.catch_up()

    rebuilt = rebuild(projected, tally(), progress=meanwhile, comparing=True)
    assert rebuilt.position == 16
    assert rebuilt.compared is not None
    assert rebuilt.compared.first is None
    books.write(work(1))
    assert other.catch_up() == 1
    assert compare(projected, tally()).first is None


def test_the_runner_that_read_before_the_switch_loses(
    projected: Connection[Any], other_connection: Connection[Any], books: BookKeeper
) -> None:
    """A retry or a switch holds the catalog row; a stale position never passes the compare-and-set."""
    rebuild(projected, tally())
    with pytest.raises(LostRace):
        copies.advance(other_connection, 0, "tally_v1", 9, 10)


def test_two_rebuilds_at_once_are_refused(projected: Connection[Any], other_connection: Connection[Any]) -> None:
    assert copies.try_exclusive(other_connection, tally())
    with pytest.raises(RebuildRunning, match="tally_v1: expected no other rebuild"):
        rebuild(projected, tally())
    copies.release(other_connection, tally())
    assert rebuild(projected, tally()).rows == 3


def test_a_rebuild_that_died_is_started_anew(projected: Connection[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuilding, "REBUILD_ROWS", 4)

    def die(done: int, total: int) -> None:
        raise KeyboardInterrupt

    before = rows(projected)
    with pytest.raises(KeyboardInterrupt):
        rebuild(projected, tally(), progress=die)
    left = {copy.table: (copy.position, copy.status) for copy in copies.copies(projected, 0)}
    assert left["tally_v1_fresh"] == (4, Status.REBUILDING)
    assert Runner(projected, [tally()]).step() == 0
    assert rows(projected) == before
    rebuild(projected, tally())
    assert "tally_v1_fresh" not in tables(projected)
    assert rows(projected) == before


def test_a_version_that_was_retired_meanwhile_does_not_come_back(projected: Connection[Any]) -> None:
    def retire(done: int, total: int) -> None:
        runner = Runner(projected, [tally(version=2)])
        runner.prepare()
        runner.catch_up()

    with pytest.raises(NotLive):
        rebuild(projected, tally(), progress=retire)
    assert copies.live(projected, tally(version=2), 0).position == 10


def test_a_table_with_another_shards_rows_is_not_replaced(projected: Connection[Any]) -> None:
    copies.add(projected, 1, tally(), "tally_v1", Status.LIVE)
    with pytest.raises(ProjectionError, match=r"expected rows of shard 0 only, got shards \[0, 1\]"):
        rebuild(projected, tally())


def test_rebuilding_again_and_again(projected: Connection[Any]) -> None:
    """Names of tables and indexes are free again after every switch."""
    before = rows(projected)
    for _ in range(3):
        rebuild(projected, tally())
    assert rows(projected) == before
