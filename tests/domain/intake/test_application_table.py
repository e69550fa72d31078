"""The state machine as one readable table: every command in every phase, every offer command in every situation."""

from __future__ import annotations

from pathlib import Path

from domain.intake.application.rules import APPLICATION
from domain.intake.application.state import ApplicationPhase
from tests.domain import cases
from tests.domain.intake import application_table

GOLDEN = Path(__file__).with_name("application_table.txt")


def test_table_is_as_agreed() -> None:
    """A changed cell is a changed business rule: read the difference, then write the table anew."""
    assert application_table.table().splitlines() == GOLDEN.read_text("utf-8").splitlines()


def test_table_has_every_command() -> None:
    assert tuple(type(command) for command in cases.SAMPLES) == APPLICATION.commands


def test_table_has_every_phase_and_reaches_it() -> None:
    assert tuple(cases.HISTORIES) == tuple(ApplicationPhase)
    for phase, history in cases.HISTORIES.items():
        assert cases.given(*history).state.phase is phase


def test_every_situation_is_what_it_is_called() -> None:
    for name, events in application_table.SITUATIONS.items():
        state = cases.given(*cases.TO_REFERRED, *events).state
        words = [] if state.offer is None else [state.offer.status.value]
        words += [] if state.selected is None else ["selected"]
        assert name == ("+".join(words) or "none")
