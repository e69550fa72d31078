"""Help of `verify`: the same checks as the stand-alone verifier has, in Chinese for those who read it."""

from __future__ import annotations

import inspect

import pytest
from typer.testing import CliRunner

from api.cli.program import app
from api.cli.wording.verifying import CHECKS, help_of_verify
from api.language import Language, speaking, translated
from chain import verify


def test_the_checks_are_those_of_the_verifier() -> None:
    assert {name: said for name, (_, said) in CHECKS.items()} == {
        name: inspect.getdoc(getattr(verify, name)) for name in ("proof", "consistency", "tiles", "hashes")
    }


@pytest.mark.parametrize("name", list(CHECKS))
def test_the_arguments_are_those_of_the_verifier(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        verify.main([name, "--help"])
    usage = capsys.readouterr().out.partition("\n\n")[0].split(f" {name} [-h] ")[1]
    assert usage.casefold() == CHECKS[name][0].casefold()


def test_help_is_in_the_readers_language() -> None:
    with speaking(Language.ZH):
        every, one = help_of_verify([], "leaseledger"), help_of_verify(["tiles", "--help"], "leaseledger")
        assert help_of_verify(["tiles", "folder"], "leaseledger") is None
    assert every is not None
    assert every.startswith("用法：leaseledger verify {proof,consistency,tiles,hashes} …\n")
    assert all(name in every for name in CHECKS)
    assert one is not None
    assert one.startswith("用法：leaseledger verify tiles [--vkey VKEY] FOLDER\n\n每个哈希块")
    assert all(translated(said) for _, said in CHECKS.values())


def test_in_english_the_verifier_speaks_for_itself() -> None:
    assert help_of_verify(["--help"], "leaseledger") is None


def test_the_command_line_shows_it() -> None:
    with speaking(Language.ZH):
        done = CliRunner().invoke(app, ["verify", "proof", "--help"])
    assert (done.exit_code, done.stdout.partition("：")[0]) == (0, "用法")
