"""The made-up history: the same for the same seed, in the shape of the real one, and legal throughout."""

from __future__ import annotations

import hashlib
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from adapters.imports.bpi2012 import LANES, commands
from adapters.imports.xes import Case, cases, log_name
from tests.adapters.imports.generated import (
    AUTOMATON,
    FIRST_NUMBER,
    OFFICE_CLOSES_HOUR,
    OFFICE_OPENS_HOUR,
    START,
    SUNDAY,
    generate,
)
from tests.adapters.imports.logs import describe
from tests.adapters.imports.test_bpi2012 import played
from tests.adapters.imports.xes_writer import write_xes

SHAPE_CASES = 3_000


@pytest.fixture(scope="module")
def history() -> list[Case]:
    return list(generate(SHAPE_CASES, seed=2012))


def test_the_same_seed_gives_the_same_history() -> None:
    assert list(generate(50, seed=7)) == list(generate(50, seed=7))


def test_another_seed_gives_another_history() -> None:
    assert list(generate(50, seed=7)) != list(generate(50, seed=8))


def test_a_longer_history_begins_with_the_shorter_one() -> None:
    assert list(generate(80, seed=7))[:30] == list(generate(30, seed=7))


def test_no_cases_are_no_cases() -> None:
    assert list(generate(0, seed=7)) == []


def test_the_history_of_a_seed_never_changes(tmp_path: Path) -> None:
    """Also not from one Python to the next: transcripts and measurements refer to it."""
    path = tmp_path / "history.xes"
    write_xes(generate(200, seed=1), path)
    assert (
        hashlib.sha256(path.read_bytes()).hexdigest()
        == "2dd9622844f2ba7364cbabb5ea2b2555a82db85f9c388a74731b53bc1b726e28"
    )


@pytest.mark.parametrize("name", ["history.xes", "history.xes.gz"])
def test_a_written_history_is_read_back(tmp_path: Path, name: str) -> None:
    written = list(generate(200, seed=3))
    path = tmp_path / name
    write_xes(written, path, name="made up")
    assert list(cases(path)) == written
    assert log_name(path) == "made up"
    assert describe(path).events == sum(len(case.events) for case in written)


def test_a_compressed_file_says_nothing_of_when_and_where_it_was_written(tmp_path: Path) -> None:
    paths = [tmp_path / "a.xes.gz", tmp_path / "b.xes.gz"]
    for path in paths:
        write_xes(generate(20, seed=3), path)
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_nothing_in_it_is_refused(history: list[Case]) -> None:
    refused = Counter(code for case in history for code in played(case)[1])
    assert not refused


def test_it_ends_as_the_real_one_does(history: list[Case]) -> None:
    ends = Counter(played(case)[0] for case in history)
    per_cent = {phase: 100 * count / SHAPE_CASES for phase, count in ends.items()}
    assert 55 < per_cent["declined"] < 62
    assert 18 < per_cent["withdrawn"] < 25
    assert 14 < per_cent["completed"] < 21
    assert set(ends) == {"declined", "withdrawn", "completed", "referred", "deciding"}


def test_it_has_about_twenty_events_a_case(history: list[Case]) -> None:
    assert 17 < sum(len(case.events) for case in history) / SHAPE_CASES < 23


def test_it_has_every_activity_of_the_real_one(history: list[Case]) -> None:
    seen = {(row.activity, row.transition) for case in history for row in case.events}
    work = {(f"W_{lane}", step) for lane in LANES for step in ("SCHEDULE", "START", "COMPLETE")}
    # The real log has contract changes that were scheduled and never taken up.
    never = {("W_Wijzigen contractgegevens", "START"), ("W_Wijzigen contractgegevens", "COMPLETE")}
    assert {pair for pair in seen if pair[0].startswith("W_")} == work - never
    assert len(seen) == 36


def test_bursts_come_in_every_order(history: list[Case]) -> None:
    orders = Counter(
        tuple(row.activity for row in case.events if row.activity in ("A_APPROVED", "A_REGISTERED", "A_ACTIVATED"))
        for case in history
    )
    del orders[()]
    assert len(orders) == 6


def test_cases_arrive_in_order_and_never_go_back(history: list[Case]) -> None:
    arrivals = [case.events[0].at for case in history]
    assert arrivals == sorted(arrivals)
    assert arrivals[0] > START
    for case in history:
        assert all(before.at <= after.at for before, after in pairwise(case.events))
        assert [row.index for row in case.events] == list(range(len(case.events)))
    assert len({case.id for case in history}) == SHAPE_CASES
    assert history[0].id == str(FIRST_NUMBER)


def test_people_take_up_work_in_office_hours(history: list[Case]) -> None:
    starts = [row.at for case in history for row in case.events if row.transition == "START"]
    assert len(starts) > SHAPE_CASES
    assert {at.hour for at in starts} <= set(range(OFFICE_OPENS_HOUR, OFFICE_CLOSES_HOUR + 1))
    assert SUNDAY not in {at.isoweekday() for at in starts}


def test_a_worker_completes_only_what_was_started(history: list[Case]) -> None:
    for case in history:
        running: set[str] = set()
        for row in case.events:
            if row.transition == "START":
                assert row.activity not in running, case.id
                running.add(row.activity)
            elif row.activity.startswith("W_") and row.transition == "COMPLETE":
                running.remove(row.activity)
        assert not running


def test_the_automaton_and_unnamed_workers_act_too(history: list[Case]) -> None:
    actors = Counter(row.resource for case in history for row in case.events)
    assert actors[AUTOMATON] > SHAPE_CASES
    assert actors[None] > SHAPE_CASES // 10
    assert len(actors) > 40


def test_commands_have_ids_of_their_own(history: list[Case]) -> None:
    ids = [imported.command_id for case in history for imported in commands(case, "generated")]
    assert len(set(ids)) == len(ids)
