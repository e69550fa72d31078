"""The state machine as one readable table: every command in every phase and in every situation of a running lease."""

from __future__ import annotations

from pathlib import Path

from domain.leasing.lease.rules.decider import LEASE
from domain.leasing.lease.state import LeasePhase
from tests.domain.leasing import cases, lease_table

GOLDEN = Path(__file__).with_name("lease_table.txt")


def test_table_is_as_agreed() -> None:
    """A changed cell is a changed business rule: read the difference, then write the table anew."""
    assert lease_table.table().splitlines() == GOLDEN.read_text("utf-8").splitlines()


def test_table_has_every_command() -> None:
    assert tuple(type(command) for command in cases.SAMPLES) == LEASE.commands


def test_table_has_every_phase_and_reaches_it() -> None:
    assert tuple(cases.PASTS) == tuple(LeasePhase)
    for phase, past in cases.PASTS.items():
        assert cases.state_of(cases.history(*past)).phase is phase


def test_every_command_is_granted_somewhere() -> None:
    """A command that is always refused would be a rule nobody can follow."""
    blocks = GOLDEN.read_text("utf-8").split("\n\n")
    granted = {block.splitlines()[0] for block in blocks if "→" in block}
    assert granted >= {command.__name__ for command in LEASE.commands}
