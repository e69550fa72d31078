"""Streams that are not as they should be: another encoding, closed, full, read by nobody."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ledger import ORIGIN, Server

INSTALLED = Path(sys.executable).parent
"""The program as it is installed: what an interpreter does at its start is what is tested."""


@pytest.fixture
def shell(server: Server, tmp_path: Path) -> Iterator[list[str]]:
    """What a line of a shell needs before it: the program and an empty ledger."""
    with server.ledger() as url:
        settings = {"DATABASE_URL": url, "ORIGIN": ORIGIN, "DATA": str(tmp_path / "var")}
        path = f"PATH={INSTALLED}:{os.environ['PATH']}"
        yield [path, *(f"LEASELEDGER_{one}={said}" for one, said in settings.items())]


def typed(shell: list[str], line: str) -> subprocess.CompletedProcess[bytes]:
    """Run one line."""
    return subprocess.run(["env", *shell, "bash", "-c", line], capture_output=True, check=False, timeout=120)


@pytest.mark.parametrize("tongue", ["en", "zh"])
def test_a_terminal_of_another_encoding_gets_marks_for_what_it_lacks(shell: list[str], tongue: str) -> None:
    done = typed(shell, f"leaseledger --lang {tongue} plans phone_gift")
    assert done.returncode == 0, done.stderr
    poor = typed([*shell, "PYTHONIOENCODING=ascii"], f"leaseledger --lang {tongue} plans phone_gift")
    assert poor.returncode == 0, poor.stderr
    assert poor.stdout.count(b"\n") == done.stdout.count(b"\n")
    assert b"?" in poor.stdout


@pytest.mark.parametrize(
    ("line", "where", "why"),
    [
        ("leaseledger list bills", ">&-", "Bad file descriptor"),
        ("leaseledger list bills", ">/dev/full", "No space left on device"),
        ("leaseledger --json list bills", ">/dev/full", "No space left on device"),
        ("leaseledger --version", ">&-", "Bad file descriptor"),
        ("leaseledger --version", ">/dev/full", "No space left on device"),
    ],
)
def test_data_that_goes_nowhere_is_one_sentence(shell: list[str], line: str, where: str, why: str) -> None:
    done = typed(shell, f"{line} {where}")
    said = done.stderr.decode()
    assert (done.returncode, said.count("\n")) == (2, 1), said
    assert said.startswith("leaseledger: ")
    assert why in said


def test_words_that_go_nowhere_stop_no_command(shell: list[str]) -> None:
    done = typed(shell, "leaseledger --json list bills 2>&-")
    assert (done.returncode, done.stdout[:1]) == (0, b"{")


def test_whoever_has_seen_enough_is_told_no_more(shell: list[str]) -> None:
    done = typed(shell, "set -o pipefail; leaseledger plans | head -1")
    assert (done.returncode, done.stderr, done.stdout.count(b"\n")) == (0, b"", 1)
