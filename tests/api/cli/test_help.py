"""Help: quick to come, complete, and the same in both READMEs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from api.cli.program import app
from api.cli.wording.words import width

ROOT = Path(__file__).parents[3]
PROGRAM = Path(sys.executable).with_name("leaseledger")
READMES = [ROOT / "README.md", ROOT / "README.zh-CN.md"]
SLOW = {"asyncio", "cryptography", "fastapi", "msgspec", "psycopg", "pydantic_settings", "structlog", "uvicorn"}
"""Modules that nobody should wait for who only asks for help."""


def commands(group: typer.Typer, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for one in group.registered_commands:
        assert one.name is not None
        yield (*path, one.name)
    for other in group.registered_groups:
        assert other.name is not None
        assert other.typer_instance is not None
        yield from commands(other.typer_instance, (*path, other.name))


def help_of(*path: str) -> str:
    done = CliRunner().invoke(
        app, [*path, "--help"], prog_name="leaseledger", env={"COLUMNS": "80", "TERMINAL_WIDTH": "80"}
    )
    assert done.exit_code == 0, done.output
    return done.stdout


ALL = sorted(commands(app))


def test_there_are_all_the_commands() -> None:
    names = {path[0] for path in ALL}
    assert names >= {
        "up", "import", "demo", "replay", "entry", "fsck", "checkpoint", "proof", "vkey", "tiles", "verify", "rebuild",
        "project", "keys", "subject", "doctor",
    }  # fmt: skip


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_command_explains_itself(path: tuple[str, ...]) -> None:
    text = help_of(*path)
    assert text.startswith(f"Usage: leaseledger {' '.join(path)} ")
    assert "--json" in text
    assert "--data DIR" in text
    first = text.split("\n\n")[1].strip()
    assert first.endswith("."), "the first sentence is whole"


@pytest.mark.parametrize(
    "path",
    [
        (),
        ("import",),
        ("tiles",),
        ("verify",),
        ("keys",),
        ("subject",),
        ("user",),
        ("api-key",),
        ("tenant",),
        ("approval",),
        ("parked",),
    ],
    ids=" ".join,
)
def test_no_summary_is_cut_off(path: tuple[str, ...]) -> None:
    assert "..." not in help_of(*path).split("Commands:")[1]


def test_help_waits_for_nothing() -> None:
    code = (
        "import sys\nsys.argv = ['leaseledger', '--help']\nfrom api.cli import main\n"
        "try: main()\nexcept SystemExit: sys.stderr.write(' '.join(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == subprocess.run([PROGRAM, "--help"], capture_output=True, text=True, check=True).stdout
    assert SLOW & set(done.stderr.split()) == set()


def test_no_command_at_all_shows_help() -> None:
    done = subprocess.run([PROGRAM], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Usage: leaseledger" in done.stdout + done.stderr


def test_version() -> None:
    done = CliRunner().invoke(app, ["--version"])
    assert re.fullmatch(r"leaseledger \d+\.\d+\.\d+\n", done.stdout)


@pytest.mark.parametrize(("readme", "given"), [(READMES[0], []), (READMES[1], ["--lang", "zh"])], ids=["en", "zh"])
def test_each_readme_shows_the_help_in_its_language(readme: Path, given: list[str]) -> None:
    narrow = {**os.environ, "COLUMNS": "80", "TERMINAL_WIDTH": "80", "LANG": "C.UTF-8", "LC_ALL": ""}
    shown = subprocess.run([PROGRAM, *given, "--help"], capture_output=True, text=True, check=True, env=narrow).stdout
    typed = " ".join(["leaseledger", *given, "--help"])
    assert f"```\n$ {typed}\n{shown}```\n" in readme.read_text("utf-8")


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.name)
def test_the_readme_names_every_command(readme: Path) -> None:
    text = readme.read_text("utf-8")
    assert [
        path for path in ALL if f"`{' '.join(path)}" not in text and f"leaseledger {' '.join(path)}" not in text
    ] == []


ENGLISH = re.compile(r"\b[A-Za-z]+(?: [a-z]+){2,}")
"""Three words in a row are a sentence."""

COLUMNS_MAX = 100
USAGE = "用法：leaseledger"

ALL_HELPS = """
import sys
from api.language import Language, speak
speak(Language.ZH)
from typer.core import TyperGroup
from typer.main import get_command
from api.cli.program import app
from api.cli.wording.usage import Context

def show(command, name, parent):
    context = Context(command, info_name=name, parent=parent)
    print(command.get_help(context))
    if isinstance(command, TyperGroup):
        for one in command.list_commands(context):
            show(command.get_command(context, one), one, context)

show(get_command(app), "leaseledger", None)
"""


def test_no_help_in_chinese_has_a_sentence_of_english() -> None:
    """One process tells all of it, because a program says its help in the language that it began with."""
    told = subprocess.run(
        [sys.executable, "-c", ALL_HELPS], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout
    assert told.count(USAGE) >= len(ALL)
    assert [line for line in told.splitlines() if ENGLISH.search(line) and not line.startswith(USAGE)] == []
    assert [line for line in told.splitlines() if width(line) > COLUMNS_MAX] == []
    assert ENGLISH.search("  Print what a lease would cost.")
