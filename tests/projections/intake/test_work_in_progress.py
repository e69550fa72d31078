"""Work in progress: counts per lane, what is open and since when, now and at every earlier position."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg import Connection

from domain.intake.application.events import WorkCompleted, WorkScheduled, WorkStarted
from domain.kernel.event import Event
from projections.engine.pages import TooMuchPast
from projections.engine.runner import Runner
from projections.intake.work_in_progress import WORK_IN_PROGRESS, Lane, Work, WorkInProgress, work_in_progress
from tests.given import given
from tests.projections.accounting.book_keeping import OTHER_TENANT, TENANT, BookKeeper, Happening, at, stream

A = stream(1)
SCHEDULED, STARTED, COMPLETED = WorkScheduled(lane="x"), WorkStarted(lane="x"), WorkCompleted(lane="x")


def work(*events: Event) -> Work:
    """The row of lane x after these events, ten seconds apart."""
    row = given(WORK_IN_PROGRESS, *((A, at(10 * n), event) for n, event in enumerate(events))).row(A, "x")
    assert isinstance(row, Work)
    return row


@pytest.mark.parametrize(
    ("events", "counts", "state", "since"),
    [
        ((SCHEDULED,), (1, 0, 0), "waiting", at(0)),
        ((SCHEDULED, STARTED), (1, 1, 0), "active", at(0)),
        ((SCHEDULED, STARTED, COMPLETED), (1, 1, 1), "idle", None),
        ((STARTED,), (0, 1, 0), "active", at(0)),
        ((COMPLETED,), (0, 0, 1), "idle", None),
        ((SCHEDULED, STARTED, COMPLETED, STARTED), (1, 2, 1), "active", at(30)),
        ((SCHEDULED, STARTED, SCHEDULED), (2, 1, 0), "active", at(0)),
        ((SCHEDULED, SCHEDULED), (2, 0, 0), "waiting", at(0)),
    ],
)
def test_work_opens_and_closes(
    events: tuple[Event, ...], counts: tuple[int, int, int], state: str, since: object
) -> None:
    row = work(*events)
    assert (row.scheduled, row.started, row.completed) == counts
    assert (row.state, row.open_since) == (state, since)
    assert (row.first_position, row.position) == (1, len(events))


def test_lanes_of_one_application_are_apart() -> None:
    got = given(WORK_IN_PROGRESS, (A, at(), SCHEDULED), (A, at(1), WorkStarted(lane="y")), (A, at(2), COMPLETED))
    assert (got.row(A, "x").state, got.row(A, "y").state) == ("idle", "active")


# ------------------------------------------------------------------------------------------------ queries


def story() -> list[Happening]:
    told: list[tuple[int, Event]] = [
        (1, SCHEDULED), (2, SCHEDULED), (1, STARTED), (2, WorkScheduled(lane="y")), (1, COMPLETED), (3, STARTED),
        (2, STARTED), (1, WorkStarted(lane="y")), (2, COMPLETED), (2, WorkCompleted(lane="y")),
        (3, COMPLETED), (3, STARTED),
    ]  # fmt: skip
    return [(stream(number), at(10 * n), event) for n, (number, event) in enumerate(told)]


def project(connection: Connection[Any]) -> None:
    runner = Runner(connection, [WORK_IN_PROGRESS])
    runner.prepare()
    runner.catch_up()


def test_lanes_now(connection: Connection[Any], books: BookKeeper) -> None:
    books.write(*story())
    project(connection)
    got = work_in_progress(connection, TENANT)
    assert got.position == 12
    assert got.lanes == (
        Lane("x", scheduled=2, started=4, completed=3, waiting=0, active=1, oldest_open_since=at(110)),
        Lane("y", scheduled=1, started=1, completed=1, waiting=0, active=1, oldest_open_since=at(70)),
    )


def test_lanes_then_are_the_lanes_that_stood_there(connection: Connection[Any], books: BookKeeper) -> None:
    """Asked at every position, it answers what it answered when that position was the last."""
    answers: list[WorkInProgress] = []
    Runner(connection, [WORK_IN_PROGRESS]).prepare()
    for happening in story():
        books.write(happening)
        project(connection)
        answers.append(work_in_progress(connection, TENANT))
    again = [work_in_progress(connection, TENANT, as_of_position=p) for p in range(1, books.size + 1)]
    assert again == answers
    assert work_in_progress(connection, TENANT, as_of_position=0).lanes == ()


def test_tenants_are_apart(connection: Connection[Any], books: BookKeeper) -> None:
    books.write((A, at(), SCHEDULED))
    books.write((stream(2), at(), STARTED), tenant=OTHER_TENANT)
    project(connection)
    for position in (None, 2):
        ours, theirs = (
            work_in_progress(connection, tenant, as_of_position=position) for tenant in (TENANT, OTHER_TENANT)
        )
        assert [(lane.waiting, lane.active) for lane in (*ours.lanes, *theirs.lanes)] == [(1, 0), (0, 1)]


def test_too_much_past_is_refused(
    connection: Connection[Any], books: BookKeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    books.write(*story())
    project(connection)
    monkeypatch.setattr("projections.engine.pages.REPLAY_STREAMS_MAX", 1)
    monkeypatch.setattr("projections.intake.work_in_progress.REPLAY_STREAMS_MAX", 1)
    with pytest.raises(TooMuchPast, match="work_in_progress at position 6: expected at most 1"):
        work_in_progress(connection, TENANT, as_of_position=6)
