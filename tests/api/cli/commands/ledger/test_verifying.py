"""`verify`: the stand-alone verifier's checks with the options and the language that all commands have."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from api.cli.program import app
from api.language import Language, speaking
from chain import verify
from tests.chain.conftest import files
from tests.chain.evidence import LOG

__all__ = ["files"]

PROOF = ("--vkey", str(LOG.vkey), "entry", "proof")
CONSISTENCY = ("--vkey", str(LOG.vkey), "old", "new", "hashes")


@pytest.fixture(autouse=True)
def beside_the_files(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(files)


def said(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, prog_name="leaseledger")


@pytest.mark.parametrize("given", [("proof", *PROOF), ("consistency", *CONSISTENCY)], ids=lambda given: given[0])
def test_a_report_is_that_of_the_file_that_stands_alone(
    given: tuple[str, ...], capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    done = said("verify", *given)
    status = verify.main(given)
    assert (done.exit_code, done.stdout_bytes) == (status, capsysbinary.readouterr().out)
    assert status == 0


def test_no_option_of_the_program_is_taken_and_ignored() -> None:
    """Before the command or after it, `--json` gives one object and `--lang` the reader's language."""
    for arguments in (("--json", "verify", "proof", *PROOF), ("verify", "proof", *PROOF, "--json")):
        done = said(*arguments)
        data = json.loads(done.stdout)
        assert (done.exit_code, data["ok"], data["verdict"], data["key"]) == (0, True, "verified", str(LOG.vkey))
    after = said("verify", "proof", *PROOF, "--lang", "zh")
    with speaking(Language.ZH):
        before = said("verify", "proof", *PROOF)
    assert before.stdout == after.stdout
    assert after.stdout.startswith("验证通过\n核验对象  日志 ")


def test_what_is_not_verified_and_what_is_unusable(files: Path) -> None:
    (files / "entry").write_bytes(b"{}")
    refused = said("verify", "proof", *PROOF, "--json")
    assert (refused.exit_code, json.loads(refused.stdout)["verdict"]) == (1, "not_verified")
    unusable = said("verify", "tiles", "--claimed-key", "nowhere", "--json")
    data = json.loads(unusable.stdout)
    assert (unusable.exit_code, data["verdict"], data["key_given"]) == (2, "unusable_input", False)
    assert (data["checked"], data["expected"]) == ("nowhere/vkey", "a readable file")


@pytest.mark.parametrize("check", ["proof", "consistency", "tiles", "hashes"])
def test_a_usage_line_names_the_check(check: str) -> None:
    done = said("verify", check)
    assert done.exit_code == 2
    assert f"Usage: leaseledger verify {check} " in done.stderr


def test_a_folders_own_key_must_be_asked_for_and_verifies_nothing(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    LOG.export(tmp_path / "log", 3)
    folder = str(tmp_path / "log")
    for arguments in ((), ("--claimed-key", "--vkey", LOG.vkey)):
        done = said("verify", "tiles", *arguments, folder)
        assert (done.exit_code, done.stdout) == (2, "")
        assert "expected --vkey VKEY, or --claimed-key" in done.stderr
    claimed = said("verify", "tiles", "--claimed-key", folder)
    assert (claimed.exit_code, claimed.stdout.splitlines()[0]) == (0, verify.AGREES_WITH_ITSELF)
    data = json.loads(said("verify", "hashes", "--claimed-key", folder, "--json").stdout)
    assert (data["ok"], data["verdict"], data["key_given"]) == (False, "agrees_with_itself", False)
    assert said("verify", "tiles", "--claimed-key", folder, "--lang", "zh").stdout.startswith("仅自身一致，未经验证\n")
    data = json.loads(said("verify", "tiles", "--vkey", LOG.vkey, folder, "--origin", "other.example", "--json").stdout)
    assert (data["verdict"], data["expected"]) == ("not_verified", "other.example")
