"""The table and the file."""

from __future__ import annotations

import io
import json
from pathlib import Path

from rich.console import Console

from tests.bench import report
from tests.bench.model import Bar, Result, result

COMMANDS = result(
    Bar("commands", "commands/s", 40.0), [900.0], [30.0], measured="8 clients", note="what each does", against="a peer"
)
PROOFS = result(Bar("proofs", "proofs/s", 3_000.0), [4_000.0], measured="2000 entries", note="files")


def shown(*results: Result) -> str:
    out = Console(file=io.StringIO(), width=100)
    report.show(out, results)
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue()


def test_the_table_shows_medians_ratio_bar_and_verdict() -> None:
    lines = {line.split()[0]: line.split() for line in shown(COMMANDS, PROOFS).splitlines() if line.split()}
    assert lines["commands"] != lines["proofs"]
    text = shown(COMMANDS, PROOFS)
    assert "900" in text
    assert "30.00" in text
    assert "≥ 40" in text
    assert "missed" in text
    assert "reached" in text
    assert "against a peer" in text
    assert "what each does" in text


def test_the_file_is_a_list_of_rows(tmp_path: Path) -> None:
    rows = json.loads(report.write(tmp_path, [COMMANDS, PROOFS]).read_bytes())
    assert [row["name"] for row in rows] == ["commands", "proofs"]
    wanted = {"name", "ours", "peer", "ratio", "bar", "unit", "rounds", "met", "note"}
    assert all(wanted <= row.keys() for row in rows)
    assert rows[0]["ratio"] == 30.0
    assert rows[1]["ratio"] is None


def test_a_new_row_replaces_the_old_one_and_leaves_the_others(tmp_path: Path) -> None:
    report.write(tmp_path, [COMMANDS, PROOFS])
    again = result(Bar("proofs", "proofs/s", 3_000.0), [5_000.0], measured="", note="")
    rows = json.loads(report.write(tmp_path, [again]).read_bytes())
    assert [(row["name"], row["ours"]) for row in rows] == [("commands", 900.0), ("proofs", 5_000.0)]


def test_a_file_of_another_kind_is_written_anew(tmp_path: Path) -> None:
    (tmp_path / report.FILE).write_text('{"not": "rows"}')
    rows = json.loads(report.write(tmp_path, [PROOFS]).read_bytes())
    assert [row["name"] for row in rows] == ["proofs"]
