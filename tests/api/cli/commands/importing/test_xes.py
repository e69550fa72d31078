"""`import xes`: reported in full, done once, and what is malformed is named without harm to what came before."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from api.cli.commands.importing.xes import _count_cases
from api.cli.failures import UNUSABLE
from tests.adapters.imports.logs import event, log, trace
from tests.api.cli.program import Program

CASES = 6
OPENING = 1
"""The event that every ledger begins with."""

GOOD = trace("1", event("A_SUBMITTED"))


def written(program: Program, text: str | bytes, name: str = "log.xes") -> Path:
    path = program.data.parent / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_import_reports_counts_size_and_root(program: Program) -> None:
    data = program("import", "xes", program.log(CASES), "--json").then(0).json
    assert data["ok"] is True
    assert (data["cases"], data["cases_skipped"], data["diverged"]) == (CASES, 0, [])
    assert data["commands"] >= data["events"] - CASES
    assert data["size"] == OPENING + data["events"] > CASES
    assert len(bytes.fromhex(data["root"])) == 32
    assert data["seconds"] >= 0


def test_a_second_import_changes_nothing(program: Program) -> None:
    path = program.log(CASES)
    first = program("import", "xes", path, "--json").then(0).json
    second = program("import", "xes", path, "--json").then(0).json
    assert (second["cases_skipped"], second["events"], second["commands"]) == (CASES, 0, 0)
    assert (second["size"], second["root"]) == (first["size"], first["root"])
    assert "nothing appended" in program("import", "xes", path).then(0).text


def test_a_longer_log_adds_only_what_is_new(program: Program) -> None:
    first = program("import", "xes", program.log(CASES), "--json").then(0).json
    more = program("import", "xes", program.log(CASES + 2), "--json").then(0).json
    assert more["cases_skipped"] == CASES
    assert more["size"] == first["size"] + more["events"]


def test_another_source_is_another_history(program: Program) -> None:
    path = program.log(2)
    first = program("import", "xes", path, "--json").then(0).json
    other = program("import", "xes", path, "--source", "elsewhere", "--json").then(0).json
    assert other["cases_skipped"] == 0
    assert other["size"] - OPENING == 2 * (first["size"] - OPENING)


def test_refusals_are_counted_by_code_and_explained(program: Program) -> None:
    rows = (event("A_SUBMITTED", "2011-10-01T08:00:00Z"), event("A_ACTIVATED", "2011-10-02T08:00:00Z"))
    path = written(program, log(trace("1", *rows).replace("</trace>", amount() + "</trace>")))
    data = program("import", "xes", path, "--json").then(0).json
    assert data["refusals"] == {"application.not_contracting": 1}
    assert data["events"] == data["commands"] - 1 == 2
    text = program("import", "xes", path, "--source", "again").then(0).text
    assert "1 command refused:" in text
    assert "application.not_contracting   Only an application in contracting can be completed" in text


def amount() -> str:
    return '<string key="AMOUNT_REQ" value="20000"/>'


def good(name: str) -> str:
    return trace(name, event("A_SUBMITTED")).replace("</trace>", amount() + "</trace>")


MALFORMED: dict[str, tuple[str, str | bytes]] = {
    "NotGzip": ("log.xes.gz", b"hello"),
    "TruncatedGzip": ("log.xes.gz", gzip.compress(log(good("1"), good("2")).encode())[:-12]),
    "NotWellFormed": ("log.xes", log(good("1"), good("2")).removesuffix("</log>")),
    "NotALog": ("log.xes", "<html/>"),
    "EventWithoutCase": ("log.xes", log(good("1"), good("2"), event())),
    "EventWithoutTimestamp": ("log.xes", log(good("1"), good("2"), trace("3", event(time=None)))),
    "TimeGoesBack": (
        "log.xes",
        log(good("1"), good("2"), trace("3", event(), event("A_PARTLYSUBMITTED", "2010-01-01T00:00:00Z"))),
    ),
    "AttributeTooLarge": ("log.xes", log(good("1"), good("2"), trace("3", event("A" * 10_000_000)))),
    "UnknownActivity": ("log.xes", log(good("1"), good("2"), trace("3", event("Z_ODD")))),
    "ForbiddenDoctype": ("log.xes", '<!DOCTYPE log [<!ENTITY a "b">]>' + log(good("1"))),
}


@pytest.mark.parametrize("name", sorted(MALFORMED))
def test_malformed_input_is_named_and_what_came_before_stays(program: Program, name: str) -> None:
    file, content = MALFORMED[name]
    path = written(program, content, file)
    done = program("import", "xes", path, "--json").then(UNUSABLE)
    assert done.json["ok"] is False
    assert done.json["error"]["name"] == name
    assert done.json["error"]["file"] == str(path)
    assert f"leaseledger: {path}" in done.err
    # Two good cases of two events each stand before most of these errors.
    whole = 0 if name in ("NotGzip", "NotALog", "ForbiddenDoctype") else 2
    # A case that cannot be mapped was read all the same.
    assert done.json["cases"] == whole + (name == "UnknownActivity")
    assert done.json["size"] == OPENING + 2 * whole
    assert program("fsck", "--json").then(0).json["events"] == OPENING + 2 * whole


@pytest.mark.parametrize("name", ["EventWithoutTimestamp", "TimeGoesBack", "UnknownActivity"])
def test_an_error_inside_a_case_names_case_and_event(program: Program, name: str) -> None:
    file, content = MALFORMED[name]
    error = program("import", "xes", written(program, content, file), "--json").then(UNUSABLE).json["error"]
    assert error["case"] == "3"
    assert error["event"] in (0, 1)
    assert "case '3'" in error["message"]


def test_a_mended_file_goes_on_where_the_broken_one_stopped(program: Program) -> None:
    file, content = MALFORMED["NotWellFormed"]
    program("import", "xes", written(program, content, file)).then(UNUSABLE)
    mended = written(program, log(good("1"), good("2"), good("3")), file)
    data = program("import", "xes", mended, "--json").then(0).json
    assert (data["cases_skipped"], data["events"]) == (2, 2)


def test_a_file_that_is_not_there(program: Program) -> None:
    done = program("import", "xes", program.data / "none.xes").then(UNUSABLE)
    assert "expected an event log (.xes or .xes.gz), got nothing there" in done.err


def test_a_directory_is_no_log(program: Program) -> None:
    assert "got a directory" in program("import", "xes", program.data.parent).then(UNUSABLE).err


def test_the_bar_knows_how_many_cases_come(program: Program) -> None:
    assert _count_cases(program.log(CASES)) == CASES
    assert _count_cases(written(program, log(good("1"), good("2")))) == 2
    assert _count_cases(written(program, b"\x1f\x8bnot gzip")) == 0
    assert _count_cases(program.data / "nothing") == 0
