"""The settings of `demo`: nothing of any other ledger, whatever the environment says."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest

from api.cli.commands.demonstration import ORIGIN, demonstration_settings
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


async def test_a_demonstration_that_broke_off_is_not_a_whole_one(composed: Base) -> None:
    async with running(composed) as program:
        await living.open_ledger(program)
        with pytest.raises(living.BrokenOff, match="broke off before the end of rental; remove the directory"):
            await living.lived_already(program)
