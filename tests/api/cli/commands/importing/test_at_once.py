"""Two imports of a tenant at once: the second one says that it waits, and then finds everything there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import pytest

from adapters.imports import uci_history
from adapters.postgres.advisory import lock_number
from api.settings import DEFAULT_TENANT
from tests.adapters.imports.test_uci import row, write
from tests.api.cli.program import Program
from tests.ledger import ORIGIN

PROGRAM = Path(sys.executable).with_name("leaseledger")
ELSEWHERE = UUID(int=5)
PURPOSE_NUMBER = lock_number(f"leaseledger.import/1 {DEFAULT_TENANT}".encode())


def file_of(kind: str, program: Program) -> Path:
    return program.log(5) if kind == "xes" else write(program.data.parent / "clients.csv", row("1", [900] * 6, [0] * 6))


@pytest.mark.parametrize("kind", ["xes", "uci"])
def test_the_second_waits_for_the_first(program: Program, kind: str) -> None:
    file = file_of(kind, program)
    asked = [str(PROGRAM), "import", kind, str(file), "--json"]
    given = {"LEASELEDGER_DATABASE_URL": program.url, "LEASELEDGER_ORIGIN": ORIGIN, "LEASELEDGER_DATA": program.data}
    environment = {**os.environ, **{name: str(value) for name, value in given.items()}, "LC_ALL": "C.UTF-8"}
    with program.superuser() as first, first.transaction():
        first.execute("SELECT pg_advisory_xact_lock(%s)", (PURPOSE_NUMBER,))
        second = subprocess.Popen(asked, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        assert second.stderr is not None
        assert "Another import for this tenant is under way" in second.stderr.readline()
        assert second.poll() is None
        if kind == "uci":
            # It would live through half a year.
            second.terminate()
    out, err = second.communicate(timeout=120)
    assert kind == "uci" or (second.returncode, '"ok": true' in out) == (0, True), err


def test_another_tenants_import_does_not_wait(program: Program) -> None:
    program("import", "xes", file_of("xes", program)).then(0)
    with program.superuser() as first, first.transaction():
        first.execute("SELECT pg_advisory_xact_lock(%s)", (PURPOSE_NUMBER,))
        elsewhere = ("--tenant", ELSEWHERE, "--source", "elsewhere")
        assert program("import", "xes", file_of("xes", program), *elsewhere, "--json").then(0).json["events"] > 0


@pytest.mark.parametrize("kind", ["xes", "uci"])
def test_ids_of_another_tenant_are_not_taken(program: Program, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids are made of the file's name for itself; that a second tenant imports nothing is said."""
    monkeypatch.setattr(uci_history, "LAST_DAY", uci_history.FIRST_DAY)
    program("import", kind, file_of(kind, program)).then(0)
    refused = program("import", kind, file_of(kind, program), "--tenant", ELSEWHERE)
    assert "another tenant" in refused.err or "of the tenant" in refused.text
