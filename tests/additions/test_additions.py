"""The measure of the house: how many product files one change touches.

Five patches, one of each kind of change, are applied to a copy of the tree, where `served.py` asks what they added;
their product files and added lines are counted. `python -m tests.additions.test_additions` prints the table.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.tidy import checkout

HERE = Path(__file__).parent
SERVED = Path("tests/api/http/test_served.py")
PRODUCT = ("domain", "chain", "adapters", "projections", "api")


@dataclass(frozen=True)
class Bound:
    """How many product files a change of a kind touched before the house was rebuilt, and may touch at most."""

    words: str
    before: str
    files: int


BOUNDS: Mapping[str, Bound] = {
    "event": Bound("event on a lease that moves no money, with its command", "13", 4),
    "aggregate": Bound("aggregate with its routes, CLI and console list", "18", 3),
    "read_model": Bound("read model with its list", "4, each column 5 times", 2),
    "connector": Bound("connector of a known kind", "6", 2),
    "rule": Bound("rule that looks at other streams", "5–14", 1),
}


def patch_of(kind: str) -> Path:
    """The file of one addition."""
    return HERE / f"{kind}.patch"


def files_of(kind: str) -> list[str]:
    """The files that an addition touches."""
    return re.findall(r"^\+\+\+ b/(.+)$", patch_of(kind).read_text(), re.MULTILINE)


def added(kind: str) -> list[str]:
    """The lines that it adds."""
    return re.findall(r"^\+(?!\+\+ )(.*)$", patch_of(kind).read_text(), re.MULTILINE)


def table() -> str:
    """The measure, as it stands in house and README."""
    lines = ["| a new … | before | files | lines |", "|---|---:|---:|---:|"]
    for kind, bound in BOUNDS.items():
        lines.append(f"| {bound.words} | {bound.before} | {len(files_of(kind))} | {len(added(kind))} |")
    return "\n".join(lines)


@pytest.mark.parametrize("kind", BOUNDS)
def test_a_change_touches_few_files(kind: str) -> None:
    files = files_of(kind)
    assert files
    assert all(file.startswith(PRODUCT) for file in files), "what is counted is the product"
    assert len(files) <= BOUNDS[kind].files, table()


def test_each_column_of_a_read_model_is_written_once() -> None:
    code = [line for line in added("read_model") if not line.startswith(('"""', '    """'))]
    for column in ("odometer_km", "asset_class", "lane"):
        assert sum(bool(re.search(rf"\b{column}\b", line)) for line in code) == 1, column


@pytest.mark.parametrize("kind", BOUNDS)
def test_each_patch_applies_to_the_tree_alone(kind: str) -> None:
    applied = subprocess.run(["git", "apply", "--check", patch_of(kind)], cwd=checkout.ROOT, check=False)
    assert applied.returncode == 0


MONEY = re.compile(r"\b(?:BillWaived|WaiveBill|waive_bill)\b")


def test_the_architecture_counts_what_it_says() -> None:
    """The table has the numbers of the patches; the event that moves money is written in as many files as it says."""
    text = (checkout.ROOT / "ARCHITECTURE.md").read_text("utf-8")
    for kind in ("event", "rule"):
        assert f"| {BOUNDS[kind].words} | {len(files_of(kind))} |" in text
    counted = dict(re.findall(r"^\| (.+) \| (\d+) \|$", text, re.MULTILINE))
    assert sorted(map(int, counted.values())) == sorted(len(files_of(kind)) for kind in BOUNDS)
    written = [
        path for path in checkout.python_files(*PRODUCT) if MONEY.search((checkout.ROOT / path).read_text("utf-8"))
    ]
    assert re.findall(r"are written in (\d+) files", text) == [str(len(written))], written


@pytest.mark.slow
def test_everything_that_was_added_is_served(tmp_path: Path) -> None:
    """All five in one copy: routes answer, lists list, pages show, the rule refuses; each has a test of its own."""
    for name in checkout.files():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(checkout.ROOT / name, tmp_path / name)
    for kind in BOUNDS:
        subprocess.run(["git", "apply", "-C1", patch_of(kind)], cwd=tmp_path, check=True)
    shutil.copy(HERE / "served.py", tmp_path / SERVED)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    environment["PYTHONPATH"] = str(tmp_path)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", str(SERVED)]
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f"{len(BOUNDS)} passed" in ran.stdout


if __name__ == "__main__":
    sys.stdout.write(f"{table()}\n")
