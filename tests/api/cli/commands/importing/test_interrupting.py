"""Ctrl-C and SIGTERM in the middle of an import: a clean end soon after, nothing half done, and a way to go on."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.imports.errors import EmptyLog, Place
from adapters.imports.xes import Case
from adapters.postgres.embedded import EmbeddedPostgres
from api.cli.commands.importing.xes import _UntilError
from api.cli.frame import INTERRUPTED
from tests.adapters.imports.generated import generate
from tests.adapters.imports.xes_writer import write_xes
from tests.forked import NAME
from tests.ledger import superuser

PROGRAM = Path(sys.executable).with_name("leaseledger")
CASES = 600
END_S = 120


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that the database's own account can reach, with an event log in it."""
    folder = Path(tempfile.mkdtemp(prefix="leaseledger-interrupt-"))
    write_xes(generate(CASES, 3), folder / "log.xes")
    yield folder
    shutil.rmtree(folder)


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("LEASELEDGER_")}


def ledger_size(url: str) -> int:
    with superuser(url) as connection:
        if connection.execute("SELECT to_regclass('ledger.head')").fetchone() == (None,):
            return 0
        row = connection.execute("SELECT size FROM ledger.head").fetchone()
        return int(row[0]) if row else 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_import_ends_cleanly_and_goes_on(place: Path, number: signal.Signals, commands: Path) -> None:
    data = ["--data", str(place / "var")]
    asked = [*data, "import", "xes", str(place / "log.xes"), "--json"]
    pipe = subprocess.PIPE
    with EmbeddedPostgres(place / "var") as server:
        with subprocess.Popen(
            [str(PROGRAM), *asked], stdout=pipe, stderr=pipe, env=environment(), start_new_session=True
        ) as process:
            patience = threading.Event()
            while process.poll() is None and ledger_size(server.url) == 0:
                patience.wait(0.02)
            # As a terminal does: everybody in the foreground hears it.
            os.killpg(process.pid, number)
            said, words = process.communicate(timeout=END_S)
        after = ledger_size(server.url)
        # What goes on is the same program, with its imports done.
        program = str(commands / NAME)
        again = subprocess.run([program, *asked], capture_output=True, env=environment(), check=False, timeout=END_S)
        checked = subprocess.run([program, *data, "fsck"], capture_output=True, env=environment(), check=False)
    if process.returncode != 0:
        assert process.returncode == INTERRUPTED
        assert said == b""
        assert words.decode().splitlines() == [
            "Interrupted. What was acknowledged stays; the same command goes on from there."
        ]
    assert again.returncode == 0, again.stderr.decode()
    assert b'"cases": %d' % CASES in again.stdout
    assert ledger_size_of(again.stdout) >= after > 0
    assert checked.returncode == 0, checked.stdout.decode()


def ledger_size_of(report: bytes) -> int:
    line = next(line for line in report.splitlines() if line.strip().startswith(b'"size"'))
    return int(line.split(b":")[1].strip(b" ,"))


def test_reading_stops_when_it_is_told_to() -> None:
    whole = _UntilError(generate(5, 1))
    handed_out = iter(whole)
    first = next(handed_out)
    assert isinstance(first, Case)
    whole.stop()
    assert list(handed_out) == []
    assert whole.error is None


def test_an_error_of_the_reader_is_kept() -> None:
    def broken() -> Iterator[Case]:
        yield from generate(2, 1)
        raise EmptyLog(Place("log.xes"), "more", "none")

    whole = _UntilError(broken())
    assert len(list(whole)) == 2
    assert isinstance(whole.error, EmptyLog)
