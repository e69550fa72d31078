"""`python -m tests.bench` as people start it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.bench.conftest import running
from tests.bench.model import Result
from tests.bench.place import WORK
from tests.tidy.checkout import ROOT

PATIENCE_S = 120.0


def start(data: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """The same without waiting for it."""
    environment = {**os.environ, "LEASELEDGER_DATA": str(data)}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.bench", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
        env=environment,
    )


def run(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LEASELEDGER_DATA": str(data)}
    return subprocess.run(
        [sys.executable, "-m", "tests.bench", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=environment,
    )


@pytest.fixture(scope="module")
def own(data: Path) -> Path:
    """The data directory of a user who has something in it already."""
    directory = data / "user"
    directory.mkdir()
    (directory / "precious").write_text("a ledger")
    return directory


def test_it_prints_a_table_writes_the_file_and_leaves_nothing(own: Path) -> None:
    done = run(own, "proofs", "--short", "--scale", "0.01", "--rounds", "2")
    assert done.returncode == 0, done.stderr
    assert "proofs in memory" in done.stdout
    rows = json.loads((own / "bench.json").read_bytes())
    assert [(row["name"], row["rounds"]) for row in rows] == [("proofs", 2), ("proofs in memory", 2)]
    assert (own / "precious").read_text() == "a ledger"
    assert not (own / WORK).exists()


def test_json_is_for_programs(own: Path) -> None:
    done = run(own, "proofs", "--json", "--short", "--scale", "0.01", "--rounds", "1")
    assert {row["name"] for row in json.loads(done.stdout)} == {"proofs", "proofs in memory"}
    assert set(Result.__struct_fields__) == set(json.loads(done.stdout)[0])


def test_an_unknown_name_is_refused_before_anything_starts(own: Path) -> None:
    done = run(own, "speed")
    assert done.returncode == 2
    assert "commands, umadb, import" in " ".join(done.stderr.replace("│", " ").split())


def test_a_terminated_run_stops_its_server_and_removes_its_files(data: Path) -> None:
    own = data / "terminated"
    own.mkdir()
    process = start(own, "commands", "--rounds", "100")
    keys, deadline = own / WORK / "commands" / "keys", time.monotonic() + PATIENCE_S
    while not keys.exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    server = int((own / WORK / "postgres" / "postmaster.pid").read_text().split()[0])
    process.terminate()
    assert process.wait(PATIENCE_S) == 128 + signal.SIGTERM
    assert not running(server)
    assert not (own / WORK).exists()
