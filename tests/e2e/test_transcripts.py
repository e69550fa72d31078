"""Replays the transcripts beside this file against the real program, word for word.

    $ command           run by a shell, in a fresh directory where the input files of this folder lie
    output              stdout and stderr as they come; `…` stands for anything within a line, alone for any lines
    [exit 2]            the exit status, where it is not 0
    # words             for people

Whoever follows one by hand needs `leaseledger` on PATH, and sees the same.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.sampling import PROFILE

HERE = Path(__file__).parent
AS_IN_ENGLISH = ("doctor_zh",)
"""What differs from the English one in words only is run when the suite is run deep; words have tests of their own."""

TRANSCRIPTS = [one for one in sorted(HERE.glob("*.txt")) if PROFILE == "deep" or one.stem not in AS_IN_ENGLISH]
ANYTHING = "…"
COMMAND_S = 120
INSTALLED = Path(sys.executable).parent
FIRST = "first_steps"
"""This transcript runs the program as it is installed; the others, one whose imports are done."""


@dataclass(frozen=True)
class Step:
    """One command of a transcript with what it must say and how it must end."""

    line: int
    command: str
    output: str
    status: int


def steps(text: str) -> Iterator[Step]:
    """The commands of a transcript in order."""
    found: list[tuple[int, str, list[str]]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith("$ "):
            found.append((number, line[2:], []))
        elif found and not line.startswith("# "):
            found[-1][2].append(line)
    for number, command, said in found:
        *output, last = "\n".join(said).strip("\n").split("\n")
        status = re.fullmatch(r"\[exit ([0-9]+)\]", last)
        if status is None:
            output.append(last)
        yield Step(number, command, "\n".join(output), int(status[1]) if status else 0)


def pattern(expected: str) -> str:
    """A regular expression for the expected output."""
    return "\n".join(
        "(?s:.*)" if line == ANYTHING else ".+?".join(map(re.escape, line.split(ANYTHING)))
        for line in expected.split("\n")
    )


@pytest.fixture
def place() -> Iterator[Path]:
    """A fresh directory with the input files, that the database's own account can pass."""
    folder = Path(tempfile.mkdtemp(prefix="leaseledger-e2e-"))
    for path in HERE.glob("*.xes*"):
        shutil.copy(path, folder)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("transcript", TRANSCRIPTS, ids=lambda path: path.stem)
def test_transcript(transcript: Path, place: Path, commands: Path) -> None:
    programs = INSTALLED if transcript.stem == FIRST else commands
    for step in steps(transcript.read_text("utf-8")):
        done = run(step.command, place, programs)
        where = f"{transcript.name}:{step.line}: $ {step.command}"
        said = done.stdout.strip("\n")
        assert re.fullmatch(pattern(step.output), said), f"{where}\nexpected:\n{step.output}\ngot:\n{said}"
        assert done.returncode == step.status, f"{where}\nexpected exit {step.status}, got {done.returncode}\n{said}"


def run(command: str, place: Path, programs: Path = INSTALLED) -> subprocess.CompletedProcess[str]:
    """Run one line in a shell, both streams together, without settings and language of the caller's environment."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LEASELEDGER_")}
    environment |= {"LC_ALL": "", "LANG": "C.UTF-8"}
    environment["PATH"] = os.pathsep.join([str(programs), str(INSTALLED), environment["PATH"]])
    return subprocess.run(
        ["bash", "-c", command],
        cwd=place, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        timeout=COMMAND_S,
    )  # fmt: skip


def test_there_are_transcripts() -> None:
    assert len(TRANSCRIPTS) >= 5
    assert all(list(steps(path.read_text("utf-8"))) for path in TRANSCRIPTS)


def test_what_a_transcript_means() -> None:
    text = "# Words.\n\n$ one\na … c\n\nb\n\n# More.\n$ two\n…\nend\n[exit 2]\n$ three\n"
    one, two, three = steps(text)
    assert (one.command, one.output, one.status) == ("one", "a … c\n\nb", 0)
    assert (two.output, two.status) == ("…\nend", 2)
    assert (three.output, three.status) == ("", 0)
    assert re.fullmatch(pattern(one.output), "a b b c\n\nb")
    assert not re.fullmatch(pattern(one.output), "a b\nb c\n\nb"), "a mark within a line stays within it"
    assert not re.fullmatch(pattern(one.output), "a  c\n\nB")
    assert re.fullmatch(pattern(two.output), "any\nlines\nend")
    assert not re.fullmatch(pattern(two.output), "any\nlines\nend.")
