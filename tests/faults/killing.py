"""A ledger that is used through its program only, and ways to hurt it: kill -9 of the program and of its database."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any

import psutil
import psycopg

from tests.history.streams import histories

PROGRAM = Path(sys.executable).with_name("leaseledger")
PATIENCE_S = 300
LOOK_EVERY_S = 0.002


class Victim:
    """One data directory and the processes we started on it."""

    def __init__(self, data: Path) -> None:
        self.data = data

    def run(self, *arguments: str, ok: bool = True) -> subprocess.CompletedProcess[bytes]:
        """Run the program to its end; with `ok`, an exit other than 0 fails the test with what it said."""
        done = subprocess.run(
            [PROGRAM, "--data", self.data, *arguments], capture_output=True, timeout=PATIENCE_S, check=False
        )
        if ok:
            assert done.returncode == 0, f"{arguments}: {done.stdout.decode()}\n{done.stderr.decode()}"
        return done

    def json(self, *arguments: str) -> Any:
        """What the program says with `--json`."""
        return json.loads(self.run(*arguments, "--json").stdout)

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start the program and leave it running."""
        return subprocess.Popen(
            [PROGRAM, "--data", self.data, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def size(self) -> int:
        """Events in the ledger, asked behind the program's back; 0 while there is no database."""
        try:
            with psycopg.connect(f"postgresql://postgres@/leaseledger?host={self.data / 'postgres'}") as connection:
                row = connection.execute("SELECT size FROM ledger.head").fetchone()
        except psycopg.Error:
            return 0
        return 0 if row is None else int(row[0])

    def postmaster(self) -> psutil.Process | None:
        """The database server of this data directory, if it runs."""
        try:
            process = psutil.Process(int((self.data / "postgres" / "postmaster.pid").read_text().splitlines()[0]))
        except (OSError, ValueError, IndexError, psutil.NoSuchProcess):
            return None
        return process if "postgres" in process.name() else None

    def kill_database(self) -> bool:
        """kill -9 of the server and all its backends; `False` when none was running."""
        postmaster = self.postmaster()
        if postmaster is None:
            return False
        family = [postmaster, *postmaster.children(recursive=True)]
        for process in family:
            _kill(process.pid)
        psutil.wait_procs(family, timeout=10)
        return True

    def histories(self) -> dict[str, str]:
        """Stream → digest of its history: what must not depend on faults."""
        return histories(self.entries())

    def entries(self) -> Iterator[dict[str, Any]]:
        """Every entry of an export, parsed, in ledger order."""
        out = self.data / "export"
        self.run("tiles", "export", str(out))
        yield from (json.loads(entry) for entry in exported(out))


@contextmanager
def victim() -> Iterator[Victim]:
    """A victim in a directory of its own, outside pytest's: that one is shut to the database's account."""
    folder = Path(tempfile.mkdtemp(prefix="leaseledger-victim-"))
    try:
        made = Victim(folder)
        yield made
        made.kill_database()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def exported(folder: Path) -> Iterator[bytes]:
    """The entries of an exported log: bundles in order, each entry behind its length in two bytes."""
    size = int((folder / "checkpoint").read_text().splitlines()[1])
    for index in range(-(-size // 256)):
        width = min(256, size - index * 256)
        name = "".join(f"x{part:03d}/" for part in _groups(index)[:-1]) + f"{_groups(index)[-1]:03d}"
        data = (folder / "tile" / "entries" / (name if width == 256 else f"{name}.p/{width}")).read_bytes()
        while data:
            length = int.from_bytes(data[:2], "big")
            yield data[2 : 2 + length]
            data = data[2 + length :]


def _groups(index: int) -> list[int]:
    return [*(_groups(index // 1000) if index >= 1000 else []), index % 1000]


def kill_at(process: subprocess.Popen[bytes], victim: Victim, random: Random, size: int) -> str:
    """Kill -9 the program or the database under it once the ledger holds `size` events; says which, or "nothing" when
    the program had ended before.
    """
    while victim.size() < size:
        if process.poll() is not None:
            return "nothing"
        time.sleep(LOOK_EVERY_S)
    if random.random() < 0.5 and victim.kill_database():
        return "database"
    _kill(process.pid)
    process.wait(timeout=PATIENCE_S)
    return "program"


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
