"""`run`: one command from nothing to a verified ledger, and nothing appended when it runs again."""

from __future__ import annotations

import re
from pathlib import Path

from api.cli.failures import REFUSED, UNUSABLE
from tests.api.cli.program import Program

CASES = 9


def test_run_without_a_file_makes_a_history_up(program: Program) -> None:
    data = program("run", "--cases", CASES, "--json").then(0).json
    assert data["ok"] is True
    assert (data["cases"], data["cases_skipped"]) == (CASES, 0)
    assert data["funnel"]["stages"][0] == {"name": "drafted", "applications": CASES}
    assert data["funnel"]["position"] == data["size"] == data["fsck"]["events"]
    assert data["fsck"]["ok"] is True
    assert len(data["work_in_progress"]) > 0


def test_a_second_run_appends_nothing_and_says_so(program: Program) -> None:
    first = program("run", "--cases", CASES, "--json").then(0).json
    second = program("run", "--cases", CASES, "--json").then(0).json
    assert (second["events"], second["cases_skipped"]) == (0, CASES)
    assert (second["size"], second["root"]) == (first["size"], first["root"])
    text = program("run", "--cases", CASES).then(0).text
    assert "nothing appended: everything in it had been imported before" in text


def test_another_seed_is_another_history(program: Program) -> None:
    first = program("run", "--cases", 2, "--json").then(0).json
    other = program("run", "--cases", 2, "--seed", 1, "--json").then(0).json
    assert other["cases_skipped"] == 0
    assert other["size"] > first["size"]


def test_run_prints_every_section_in_order(program: Program) -> None:
    text = program("run", program.log(CASES)).then(0).text
    sections = ["Import  ", "Decision funnel", "Promises", "Work in progress", "Ledger", "Where to look next"]
    places = [text.index(section) for section in sections]
    assert places == sorted(places)
    assert re.search(rf"submitted +{CASES}  100\.0 %  █{{32}}\n", text)
    assert "decided within 15 min of submission" in text
    assert "every hash, the tree, the checkpoints, read models and vault agree" in text
    assert f"leaseledger --data {program.data} up" in text
    assert all(line == line.rstrip() for line in text.splitlines())


def test_funnel_adds_up(program: Program) -> None:
    data = program("run", "--cases", 40, "--json").then(0).json
    stages = {one["name"]: one["applications"] for one in data["funnel"]["stages"]}
    ended = sum(one["applications"] for one in data["funnel"]["outcomes"])
    assert stages["drafted"] == ended + data["funnel"]["open"] == 40
    assert stages["completed"] <= stages["approved"] <= stages["decided"] <= stages["submitted"]


def test_run_of_a_broken_file_shows_what_came_before_and_fails(program: Program) -> None:
    path = program.log(CASES)
    path.write_bytes(path.read_bytes()[:-40])
    done = program("run", path).then(UNUSABLE)
    assert "TruncatedGzip" in done.err
    assert "Decision funnel" in done.text


def test_run_on_a_ledger_that_was_changed_fails(program: Program) -> None:
    program("run", "--cases", CASES).then(0)
    program.behind_the_back(
        "UPDATE ledger.events SET leaf = set_byte(leaf, 0, get_byte(leaf, 0) # 1) WHERE position = 3"
    )
    done = program("run", "--cases", CASES).then(REFUSED)
    assert "NOT in order:\n    position 3: leaf hash" in done.text


def test_run_of_a_file_that_is_not_there(program: Program, tmp_path: Path) -> None:
    assert "got nothing there" in program("run", tmp_path / "none.xes").then(UNUSABLE).err


def test_run_with_impossible_numbers(program: Program) -> None:
    assert program("run", "--cases", "0").code == UNUSABLE
    assert program("run", "--seed", "-1").code == UNUSABLE
