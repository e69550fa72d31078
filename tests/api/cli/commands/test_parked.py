"""`parked retry`: what is parked is tried again at once, and what is left is named."""

from __future__ import annotations

from uuid import UUID

import pytest

from adapters.processes.held import TIMERS_PROCESS
from tests.api.cli.commands.installation.test_doctor import forgiving
from tests.api.cli.program import Program

__all__ = ["forgiving"]
pytestmark = pytest.mark.network
OF = UUID(int=7)


def test_what_nobody_mended_is_named_again(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """A timer of a tenant whose calendar was never opened has no day under which it could be fired."""
    monkeypatch.setenv("LEASELEDGER_TENANT", str(OF))
    program.filled(1)
    assert program("parked", "retry", "--json").then(0).json == {"parked": []}
    program.behind_the_back(
        "INSERT INTO read.parked (shard, process, position, key, tenant, stream, code, facts, tries)"
        f" VALUES (0, '{TIMERS_PROCESS}', 1, 'timer:bill', '{OF}', '{OF}', 'process.failed', '{{}}', 1)"
    )
    done = program("parked", "retry", "--json").then(0)
    assert done.json == {"parked": [{"process": TIMERS_PROCESS, "key": "timer:bill", "code": "process.failed"}]}
    assert "timer:bill" in program("parked", "retry").then(0).text
