"""The frame around commands: shared options on both sides, errors as sentences, interrupts, JSON."""

from __future__ import annotations

import io
import os
import re
import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest
import typer
from typer.testing import CliRunner

from api.cli.failures import FAULT, REFUSED, UNUSABLE
from api.cli.frame import DEBUG, INTERRUPTED, Data, Json, Session, Shared, as_json, command, group
from chain.errors import ProofMismatch
from tests.api.cli.program import Program


def toy() -> typer.Typer:
    """A program with commands that show what they were given or fail in every way."""
    app = group("A toy.")

    @app.callback()
    def options(context: typer.Context, data: Data = None, json: Json = False) -> None:
        context.obj = Shared(data, json)

    @command(app, "show")
    def show(session: Session, what: str, times: Annotated[int, typer.Option()] = 1) -> None:
        """Show what was given."""
        data = {"what": what, "times": times, "data": str(session.settings.data)}
        session.emit(data, lambda out: out.print(f"[{what}] x{times} :smile:"))
        session.say("[bold]done[/bold]")

    @command(app, "fail")
    def fail(session: Session, how: str) -> None:
        """Fail."""
        raise {
            "refused": ProofMismatch("root", "a", "b"),
            "unusable": FileNotFoundError(2, "No such file or directory", "x"),
            "fault": RuntimeError("unforeseen"),
            "interrupt": KeyboardInterrupt(),
            "exit": typer.Exit(5),
        }[how]

    return app


def run(*arguments: str) -> Any:
    return CliRunner().invoke(toy(), arguments)


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("LEASELEDGER_"):
            monkeypatch.delenv(name)


@pytest.mark.parametrize("arguments", [("--json", "show", "a"), ("show", "--json", "a"), ("show", "a", "--json")])
def test_json_is_taken_on_both_sides_of_the_command(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert msgspec.json.decode(done.stdout) == {"what": "a", "times": 1, "data": "var"}


def test_data_directory_is_taken_on_both_sides_and_the_later_one_counts() -> None:
    assert msgspec.json.decode(run("--data", "d1", "show", "a", "--json").stdout)["data"] == "d1"
    assert msgspec.json.decode(run("show", "a", "--json", "--data", "d2").stdout)["data"] == "d2"
    assert msgspec.json.decode(run("--data", "d1", "show", "a", "--json", "--data", "d2").stdout)["data"] == "d2"


def test_the_environment_gives_the_data_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEASELEDGER_DATA", "d3")
    assert msgspec.json.decode(run("show", "a", "--json").stdout)["data"] == "d3"
    assert msgspec.json.decode(run("--data", "d1", "show", "a", "--json").stdout)["data"] == "d1"


def test_data_on_stdout_words_on_stderr_and_nothing_is_markup() -> None:
    done = run("show", "red")
    assert done.stdout == "[red] x1 :smile:\n"
    assert done.stderr == "[bold]done[/bold]\n"


@pytest.mark.parametrize(
    ("how", "status", "said"),
    [
        ("refused", REFUSED, "leaseledger: root: expected a, got b\n"),
        ("unusable", UNUSABLE, "leaseledger: x: No such file or directory\n"),
        ("fault", FAULT, "leaseledger: this is a fault of leaseledger, please report it: RuntimeError: unforeseen\n"),
    ],
)
def test_an_error_is_a_sentence_and_a_status(how: str, status: int, said: str) -> None:
    done = run("fail", how)
    assert (done.exit_code, done.stdout, done.stderr) == (status, "", said)


def test_an_error_with_json_is_an_object_too() -> None:
    done = run("fail", "refused", "--json")
    assert msgspec.json.decode(done.stdout) == {
        "ok": False,
        "error": {"name": "ProofMismatch", "message": "root: expected a, got b"},
    }
    assert done.stderr.startswith("leaseledger: root: expected a, got b")


def test_the_trace_is_there_for_who_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Traceback" not in run("fail", "fault").stderr
    monkeypatch.setenv(DEBUG, "1")
    assert "Traceback" in run("fail", "fault").stderr


def test_an_interrupt_is_clean() -> None:
    done = run("fail", "interrupt")
    assert done.exit_code == INTERRUPTED
    assert done.stderr.startswith("Interrupted.")
    assert len(done.stderr.splitlines()) == 1


def test_an_exit_status_passes_through() -> None:
    assert run("fail", "exit").exit_code == 5


@pytest.mark.parametrize("arguments", [("nothing",), ("show",), ("show", "a", "--times", "x"), ("show", "a", "--odd")])
def test_wrong_usage_is_two(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.exit_code == UNUSABLE
    assert done.stdout == ""
    assert "Error" in done.stderr


def test_help_has_the_shared_options() -> None:
    text = run("show", "--help").stdout
    assert "--data DIR" in text
    assert "--json" in text
    assert "Show what was given." in text


def test_json_is_readable_and_ends_with_a_newline() -> None:
    assert as_json({"a": [1]}) == b'{\n  "a": [\n    1\n  ]\n}\n'


def test_progress_is_silent_where_nobody_watches() -> None:
    session = Session(Path("var"), False)
    with session.progress("Counting", "things") as report:
        report(1, 2)
    assert not session.err.is_terminal


def test_progress_on_a_terminal_goes_to_stderr(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal, pipe = Terminal(), io.StringIO()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(sys, "stdout", pipe)
    monkeypatch.setenv("TERM", "xterm-256color")
    session = Session(Path("var"), False)
    with session.progress("Counting", "things") as report:
        report(5, 10)
        report(6, 0)
    assert "Counting" in terminal.getvalue()
    assert pipe.getvalue() == ""


QUOTE = ("quote", "--asset", "phone", "--price", "6000", "--market", "6000", "--term", "12", "--score", "moon")


@pytest.mark.parametrize("typed", [("list", "leases", "--state", "x"), QUOTE, ("entry", "99")])
def test_with_json_data_is_english_and_words_are_the_readers(program: Program, typed: tuple[str, ...]) -> None:
    """One error, told twice."""
    said = program(*typed, "--json", "--lang", "zh")
    assert said.code != 0
    assert not re.search("[\u4e00-\u9fff]", said.text)
    assert re.search("[\u4e00-\u9fff]", said.err), said.err
