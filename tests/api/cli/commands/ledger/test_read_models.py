"""`project` and `rebuild`: read models caught up, made anew, compared."""

from __future__ import annotations

import threading

import pytest

from adapters.postgres.connections import connect
from api.cli.commands.ledger import read_models
from api.cli.failures import REFUSED, UNUSABLE
from projections.registry import PROJECTIONS
from tests.api.cli.program import Program

NAMES = sorted(projection.name for projection in PROJECTIONS)
CASES = 5


def test_project_catches_up_and_says_how_far(program: Program) -> None:
    size = program("import", "xes", program.log(CASES), "--json").then(0).json["size"]
    done = program("project", "--json").then(0).json
    assert done["applied"] == size
    assert [one["name"] for one in done["read_models"]] == NAMES
    assert {(one["position"], one["behind"], one["dead_letters"]) for one in done["read_models"]} == {(size, 0, 0)}
    assert program("project", "--json").json["applied"] == 0


def test_project_for_people(book: Program) -> None:
    lines = book("project").then(0).text.splitlines()
    assert lines[0].split() == ["read", "model", "status", "position", "behind", "dead", "letters"]
    assert [line.split()[:2] for line in lines[1:]] == [[name, "live"] for name in NAMES]


def test_project_applies_dead_letters_again(program: Program) -> None:
    program.filled(CASES)
    program.behind_the_back(
        "DELETE FROM read.application_book_v2 WHERE id = (SELECT stream FROM ledger.events WHERE position = 2)",
        "INSERT INTO read.dead_letters (shard, table_name, position, key, stream, error) "
        "SELECT 0, 'application_book_v2', position, stream::text, stream, 'Poisoned' FROM ledger.events "
        "WHERE stream = (SELECT stream FROM ledger.events WHERE position = 2)",
    )
    parked = sum(one["dead_letters"] for one in program("project", "--json").then(0).json["read_models"])
    assert parked > 1
    done = program("project", "--retry", "--json").then(0)
    assert (done.json["retried"], done.json["parked"]) == (parked, 0)
    assert f"Dead letters: {parked} applied, 0 left." in done.err
    assert program("rebuild", "application_book", "--compare", "--json").then(0).json[0]["differences"] == 0


def test_project_drops_what_newer_versions_replaced(program: Program) -> None:
    program.filled(1)
    with connect(program.url) as connection:
        connection.execute("CREATE TABLE read.application_book_v1 ()")
        connection.execute(
            "INSERT INTO read.projections (shard, name, version, table_name, position, status) "
            "VALUES (0, 'application_book', 1, 'application_book_v1', 1, 'retired')"
        )
    done = program("project", "--drop-retired", "--json").then(0)
    assert done.json["dropped"] == ["application_book_v1"]
    assert "Dropped: application_book_v1" in done.err
    assert program("project", "--drop-retired", "--json").then(0).json["dropped"] == []


def test_project_of_an_empty_ledger(program: Program) -> None:
    assert program("project", "--json").then(0).json["applied"] == 0


def test_following_applies_what_comes_until_it_is_stopped(program: Program) -> None:
    program.filled(1)
    seen = threading.Event()
    rounds = iter(range(10_000))

    def stop() -> bool:
        caught_up = all(one["behind"] == 0 and one["position"] > 0 for one in read_models.lag(program.url))
        if next(rounds) == 0:
            program("import", "xes", program.log(3)).then(0)
            return False
        if caught_up:
            seen.set()
        return seen.is_set()

    read_models.follow_ledger(program.url, stop)
    assert {one["behind"] for one in read_models.lag(program.url)} == {0}


def test_lag_where_no_read_model_was_made_yet(program: Program) -> None:
    program("checkpoint").then(0)
    assert read_models.lag(program.url) == []


@pytest.mark.parametrize("name", ["application_book", "decision_funnel", "work_in_progress"])
def test_rebuild_of_one(program: Program, name: str) -> None:
    program.filled(CASES)
    done = program("rebuild", name, "--compare", "--json").then(0).json
    assert [one["table"] for one in done] == [next(one.table for one in PROJECTIONS if one.name == name)]
    assert (done[0]["differences"], done[0]["first"], done[0]["parked"]) == (0, None, 0)
    assert program("fsck").code == 0


def test_rebuild_of_all(program: Program) -> None:
    program.filled(CASES)
    lines = program("rebuild").then(0).text.splitlines()
    assert sorted(line.split(":")[0] for line in lines) == sorted(
        f"read.{projection.table}" for projection in PROJECTIONS
    )
    assert lines[0].startswith(f"read.application_book_v2: {CASES} rows at position ")


def test_rebuild_mends_and_says_what_was_wrong(program: Program) -> None:
    program.filled(CASES)
    program.behind_the_back("UPDATE read.application_book_v2 SET state = 'odd'")
    done = program("rebuild", "application_book", "--compare").then(REFUSED)
    assert f"{CASES} rows differed; the first: read.application_book_v2, key" in done.text
    assert "got {'state': 'odd'}" in done.text
    assert "equal to what was there" in program("rebuild", "application_book", "--compare").then(0).text


def test_rebuild_makes_what_was_never_made(program: Program) -> None:
    program("import", "xes", program.log(1)).then(0)
    assert "1 row at position" in program("rebuild", "application_book").then(0).text


def test_rebuild_of_what_there_is_not(program: Program) -> None:
    done = program("rebuild", "horoscope").then(UNUSABLE)
    assert f"expected one of {', '.join(NAMES)}, got 'horoscope'" in done.err
