"""Whatever differs is found, wherever it lies: between the spans, in front of the first, behind the last, in none."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg import Connection

from domain.intake.application.events import WorkScheduled
from projections.accounting.journal import JOURNAL
from projections.engine import reading
from projections.engine.comparing import Compared, compare, compare_all
from projections.engine.copies import NotLive
from projections.engine.model import Projection
from projections.engine.runner import Runner
from tests.domain.leasing import cases
from tests.projections.accounting.book_keeping import BookKeeper, Happening, at, stream
from tests.projections.engine.toys import lane_count, tally
from tests.projections.leasing.lease_stories import AUTO_STORY, lived

STREAMS = range(10, 30, 2)


def work(number: int, lane: str = "x") -> Happening:
    return (stream(number), at(), WorkScheduled(lane=lane))


@pytest.fixture(params=[1, 4, 5_000], ids=lambda rows: f"{rows} at once")
def projected(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    connection: Connection[Any],
    books: BookKeeper,
) -> Connection[Any]:
    """Three events of each of ten applications."""
    monkeypatch.setattr(reading, "BY_STREAM_ROWS", request.param)
    books.write(*(work(number, f"lane {n}") for n in range(3) for number in STREAMS))
    runner = Runner(connection, [tally(), lane_count()])
    runner.prepare()
    runner.catch_up()
    return connection


def first_of(connection: Connection[Any], projection: Projection[Any]) -> str:
    compared = compare(connection, projection)
    assert compared.differences == 1
    assert compared.first is not None
    return compared.first.key


@pytest.mark.parametrize("number", [*STREAMS[:2], STREAMS[5], STREAMS[-1]])
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE read.tally_v1 SET lanes = lanes || ' ' WHERE id = %s",
        "UPDATE read.tally_v1 SET times = times + 1 WHERE id = %s",
        "UPDATE read.tally_v1 SET position = position - 1 WHERE id = %s",
        "DELETE FROM read.tally_v1 WHERE id = %s",
    ],
)
def test_one_changed_row_is_found_and_named(projected: Connection[Any], number: int, change: str) -> None:
    assert compare(projected, tally()).first is None
    projected.execute(change.encode(), (stream(number),))
    assert first_of(projected, tally()) == str(stream(number))


@pytest.mark.parametrize("number", [0, 11, 19, 99])
def test_one_row_too_many_is_found_wherever_it_lies(projected: Connection[Any], number: int) -> None:
    projected.execute("INSERT INTO read.tally_v1 VALUES (0, 4, %s, 1, 'forged')", (stream(number),))
    assert first_of(projected, tally()) == str(stream(number))


def test_a_row_that_went_to_another_stream_is_missing_here_and_too_many_there(projected: Connection[Any]) -> None:
    projected.execute("UPDATE read.tally_v1 SET id = %s WHERE id = %s", (stream(99), stream(STREAMS[0])))
    compared = compare(projected, tally())
    assert (compared.differences, compared.rows) == (2, len(STREAMS))


def test_rows_over_several_streams_are_compared_too(projected: Connection[Any]) -> None:
    assert compare(projected, lane_count()).rows == 3
    projected.execute("UPDATE read.lane_count_v1 SET times = 9 WHERE lane = 'lane 1'")
    assert first_of(projected, lane_count()) == "lane 1"


def test_several_are_compared_at_once_each_up_to_its_own_position(
    projected: Connection[Any], books: BookKeeper
) -> None:
    books.write(work(STREAMS[0]), work(98))
    ahead = tally(name="ahead")
    for projections in ([lane_count()], [ahead]):
        runner = Runner(projected, projections)
        runner.prepare()
        runner.catch_up()
    seen: list[tuple[int, int]] = []
    found = compare_all(
        projected, [tally(), lane_count(), ahead, tally(version=2)], progress=lambda *done: seen.append(done)
    )
    *compared, not_live = found
    assert [(one.position, one.rows, one.first) for one in compared if isinstance(one, Compared)] == [
        (30, 10, None),
        (32, 4, None),
        (32, 11, None),
    ]
    assert isinstance(not_live, NotLive)
    assert seen[-1] == (32, 32)


def test_a_row_without_a_stream_is_in_no_span_and_found(
    connection: Connection[Any], superuser: Connection[Any], books: BookKeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody who may do everything took the constraint away first."""
    monkeypatch.setattr(reading, "BY_STREAM_ROWS", 1)
    books.write(*AUTO_STORY, *lived(*cases.RUNNING, number=2))
    runner = Runner(connection, [JOURNAL])
    runner.prepare()
    runner.catch_up()
    assert compare(connection, JOURNAL).first is None
    superuser.execute("ALTER TABLE read.journal_v1 ALTER stream DROP NOT NULL")
    copy = (
        "SELECT shard, position + 1000, tenant, NULL, business_date, type, accounts, fen FROM read.journal_v1 LIMIT 1"
    )
    columns = "shard, position, tenant, stream, business_date, type, accounts, fen"
    superuser.execute(f"INSERT INTO read.journal_v1 ({columns}) {copy}".encode())
    compared = compare(connection, JOURNAL)
    assert compared.differences == 1
    assert compared.first is not None
    assert compared.first.expected is None
