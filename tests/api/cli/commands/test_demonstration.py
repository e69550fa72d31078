"""The settings of `demo`: nothing of any other ledger, whatever the environment says."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest
from typer.testing import CliRunner

from api.cli.commands.demonstration import FOLDER, ORIGIN, demonstration_settings
from api.cli.failures import UNUSABLE, status_of
from api.cli.program import app
from api.compose import Base, running
from api.demonstration import living
from api.settings import DEFAULT_TENANT, Settings


def test_a_demonstration_shares_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither database nor keys nor the log's name: signed made-up history would prove a forked log."""
    environment = {
        "DATABASE_URL": "postgresql://production/ledger", "KEYS": "/production/keys", "TRUST": "/production/trust",
        "ORIGIN": "ledger.example/production", "TENANT": str(UUID(int=7)), "SANDBOX_BANKS": "bank_a",
    }  # fmt: skip
    for name, value in environment.items():
        monkeypatch.setenv(f"LEASELEDGER_{name}", value)
    own = demonstration_settings(Settings.model_validate({"data": tmp_path}))
    assert (own.database_url, own.keys, own.trust, own.sandbox_banks) == (None, None, None, "")
    assert (own.data, own.origin, own.tenant) == (tmp_path / "demonstration", ORIGIN, DEFAULT_TENANT)
    assert own.keys_directory == tmp_path / "demonstration" / "keys"


def test_two_do_not_live_a_demonstration_at_once(tmp_path: Path) -> None:
    with living.alone(tmp_path):
        with pytest.raises(living.LivedNow, match="another program is living this demonstration right now") as second:
            _lived_by_a_second(tmp_path)
        assert status_of(second.value) == UNUSABLE
    with living.alone(tmp_path):
        """Whoever comes later may."""


def _lived_by_a_second(data: Path) -> None:
    with living.alone(data):
        pytest.fail("two lived it at once")


def test_the_second_of_two_demos_says_that_the_first_is_at_it(tmp_path: Path) -> None:
    """Not that the directory is to be removed, in which the other one works."""
    data = tmp_path / FOLDER
    with living.alone(data):
        done = CliRunner().invoke(app, ["demo"], env={"LEASELEDGER_DATA": str(tmp_path)})
    assert done.exit_code == UNUSABLE
    assert "another program is living this demonstration right now" in done.stderr
    assert "remove" not in done.stderr


async def test_a_demonstration_that_broke_off_is_not_a_whole_one(composed: Base) -> None:
    async with running(composed) as program:
        await living.open_ledger(program)
        with pytest.raises(living.BrokenOff, match="broke off before the end of rental; remove the directory"):
            await living.lived_already(program)
