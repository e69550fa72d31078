"""A contract's life: assembled, shown, confirmed, signed by all, anchored, amended, ended."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from domain.contracts.contract import refusals as r
from domain.contracts.contract.commands import (
    FulfilContract,
    LapseAmendment,
    SignAmendment,
    SignContract,
    TerminateContract,
    VoidContract,
)
from domain.contracts.contract.events import (
    AmendmentLapsed,
    AmendmentSigned,
    ContractFulfilled,
    ContractSigned,
    ContractTerminated,
    ContractVoided,
    TextsConfirmed,
)
from domain.contracts.contract.rules import CONTRACT
from domain.contracts.contract.state import CLOSED, IN_FORCE, OPEN, ContractPhase
from domain.kernel.command import Command
from domain.kernel.event import EVENT_TYPES, Event, personal_fields
from tests.domain.contracts.contract import contracts as c
from tests.domain.contracts.contract.contracts import given
from tests.given import TODAY, body_of

GOLDEN = Path(__file__).with_name("contract_table.txt")


def test_table_is_as_agreed() -> None:
    """A changed cell is a changed business rule: read the difference, then write the table anew."""
    assert c.text().splitlines() == GOLDEN.read_text("utf-8").splitlines()


def test_table_has_every_command_and_phase() -> None:
    assert tuple(type(command) for command in c.SAMPLES) == CONTRACT.commands
    assert tuple(c.HISTORIES) == tuple(ContractPhase)
    for phase, history in c.HISTORIES.items():
        assert given(*history).state.phase is phase


def test_phases_are_sorted() -> None:
    assert IN_FORCE < OPEN
    assert OPEN | CLOSED | {ContractPhase.ABSENT} == frozenset(ContractPhase)


def test_event_one_holds_the_evidence_clause() -> None:
    """证据规定 94(5): the agreement to this way of keeping evidence is there from the first event."""
    state = given().when(c.ASSEMBLE).then(c.ASSEMBLED)
    assert c.ASSEMBLED.evidence_clause == state.clause("evidence")
    assert state.root == c.ROOT


def test_presentation_can_be_repeated_and_begins_anew() -> None:
    other = replace(c.PRESENT, document="e" * 64)
    state = given(*c.TO_PRESENTED).when(other).then(replace(c.PRESENTED, document="e" * 64))
    assert state.round is not None
    assert state.round.acknowledged == frozenset()
    assert state.round.document == "e" * 64


def test_everybody_addressed_confirms() -> None:
    state = given(c.ASSEMBLED, c.PRESENTED).when(c.ACKNOWLEDGE).then(c.ACKNOWLEDGED)
    assert state.phase is ContractPhase.PRESENTED
    confirm = replace(c.ACKNOWLEDGE, party=c.GUARANTOR)
    state = given(*c.TO_PRESENTED).when(confirm).then(c.CONFIRMED)
    assert state.phase is ContractPhase.DISCLOSURE_ACKNOWLEDGED


def test_last_signature_puts_it_into_force() -> None:
    state = given(*c.TO_ACKNOWLEDGED).when(c.SIGN).then(c.SIGNED)
    assert state.phase is ContractPhase.PARTIALLY_SIGNED
    last = SignContract(signature=c.signature(c.LESSOR, 2))
    state = given(*c.TO_PARTIALLY, c.COSIGNED).when(last).then(c.COUNTERSIGNED, c.EXECUTED)
    assert (state.phase, state.executed_on) == (ContractPhase.EXECUTED, TODAY)


def test_parties_of_one_turn_sign_in_any_order() -> None:
    first = SignContract(signature=c.signature(c.GUARANTOR))
    second = SignContract(signature=c.signature(c.LESSEE, 1))
    given(*c.TO_ACKNOWLEDGED).when(first).then(ContractSigned(signature=first.signature))
    history = (*c.TO_ACKNOWLEDGED, ContractSigned(signature=first.signature))
    given(*history).when(second).then(ContractSigned(signature=second.signature))


def test_who_has_not_signed_is_waited_for() -> None:
    assert given().state.waiting() == frozenset()
    assert given(*c.TO_ACKNOWLEDGED).state.waiting() == {c.LESSEE, c.GUARANTOR, c.LESSOR}
    assert given(*c.TO_PARTIALLY).state.waiting() == {c.GUARANTOR, c.LESSOR}
    assert given(*c.TO_ANCHORED).state.waiting() == frozenset()


def test_anchor_again_elsewhere() -> None:
    state = given(*c.TO_ANCHORED).when(replace(c.ANCHOR, anchor="evm")).then(replace(c.ANCHORED, anchor="evm"))
    assert state.phase is ContractPhase.ANCHORED


def test_amendment_changes_nothing_before_all_signed() -> None:
    proposed = given(*c.TO_ANCHORED).when(c.PROPOSE).then(c.PROPOSED)
    assert (proposed.root, proposed.clauses, proposed.phase) == (c.ROOT, c.CLAUSES, ContractPhase.ANCHORED)
    history = (*c.TO_ANCHORED, c.PROPOSED, *c.AMENDMENT_SIGNATURES[:2])
    assert given(*history).state.root == c.ROOT
    last = SignAmendment(signature=c.signature(c.LESSOR, 2))
    state = given(*history).when(last).then(c.AMENDMENT_SIGNATURES[2], c.AMENDED)
    assert (state.root, state.clauses, state.key_terms) == (c.NEW_ROOT, c.NEW_CLAUSES, c.NEW_TERMS)
    assert (state.phase, state.amendment) == (ContractPhase.AMENDED, None)


def test_amendments_form_a_chain_of_roots() -> None:
    state = given(*c.TO_AMENDED).state
    assert state.head is not None
    assert state.head.amends == c.ROOT
    back = replace(c.PROPOSE, key_terms=c.KEY_TERMS, clauses=c.CLAUSES)
    answer = given(*c.TO_AMENDED).when(back).answer
    assert isinstance(answer, tuple)
    assert answer[0] != replace(c.PROPOSED, number=2)
    assert getattr(answer[0], "root", None) not in {c.ROOT, c.NEW_ROOT}


def test_amended_contract_is_anchored_by_its_new_root() -> None:
    given(*c.TO_AMENDED).when(c.ANCHOR).then_refused(r.ROOT_DIFFERS, expected=c.NEW_ROOT, got=c.ROOT)
    state = given(*c.TO_AMENDED).when(replace(c.ANCHOR, root=c.NEW_ROOT)).then(replace(c.ANCHORED, root=c.NEW_ROOT))
    assert state.phase is ContractPhase.ANCHORED


def test_amendment_keeps_clauses_that_were_withdrawn_since() -> None:
    """Contracts that hold a clause version keep it; only what is new must be in effect."""
    gone = tuple(replace(entry, withdrawn_from=TODAY - timedelta(days=9)) for entry in c.LIBRARY)
    wish = replace(c.PROPOSE, library=(*gone, c.WIDER[-1]))
    given(*c.TO_ANCHORED).when(wish).then(c.PROPOSED)


def test_amendment_can_lapse() -> None:
    pending = (*c.TO_ANCHORED, c.PROPOSED)
    state = (
        given(*pending)
        .when(LapseAmendment(reason="no_agreement"))
        .then(AmendmentLapsed(number=1, reason="no_agreement"))
    )
    assert (state.amendment, state.amendments, state.root) == (None, 1, c.ROOT)
    again = given(*pending, AmendmentLapsed(number=1, reason="no_agreement")).when(c.PROPOSE)
    again.then(replace(c.PROPOSED, number=2))


@pytest.mark.parametrize("phase", sorted(IN_FORCE))
def test_ends_from_force(phase: ContractPhase) -> None:
    past = c.HISTORIES[phase]
    given(*past).when(TerminateContract(reason="default")).then(
        ContractTerminated(reason="default", terminated_on=TODAY)
    )
    given(*past).when(FulfilContract()).then(ContractFulfilled(fulfilled_on=TODAY))
    given(*past).when(VoidContract(reason="award", basis="b" * 64)).then(ContractVoided(reason="award", basis="b" * 64))


def test_a_judgement_is_recorded_after_the_end() -> None:
    """A contract that was performed, or terminated, may turn out to be void; people alone cannot make it so."""
    judged = VoidContract(reason="judgement", basis="b" * 64)
    for phase in sorted(CLOSED - {ContractPhase.VOID}):
        ended = given(*c.HISTORIES[phase])
        state = ended.when(judged).then(ContractVoided(reason="judgement", basis="b" * 64))
        assert state.phase is ContractPhase.VOID
        ended.when(replace(judged, basis=None)).then_refused(r.CLOSED, phase=phase)
    given(*c.HISTORIES[ContractPhase.VOID]).when(judged).then_refused(r.CLOSED, phase="void")


def test_termination_takes_a_pending_amendment_along() -> None:
    wish = TerminateContract(reason="default")
    ended = ContractTerminated(reason="default", terminated_on=TODAY)
    state = given(*c.TO_ANCHORED, c.PROPOSED).when(wish).then(ended)
    assert state.amendment is None


def test_copy_can_be_checked_after_the_end() -> None:
    for phase in sorted(CLOSED):
        state = given(*c.HISTORIES[phase]).when(c.CHECK).then(TextsConfirmed(root=c.ROOT))
        assert state.phase is phase


def test_evolve_is_total_and_judges_nothing() -> None:
    mine = {cls for name, cls in EVENT_TYPES.items() if name.startswith("contract.")}
    assert set(CONTRACT.events) == mine
    assert all(personal_fields(cls) == () for cls in mine)
    lives = [event for history in c.HISTORIES.values() for event in history]
    for phase in ContractPhase:
        state = given(*c.HISTORIES[phase]).state
        for event in [*lives, AmendmentLapsed(number=1, reason="x"), *c.AMENDMENT_SIGNATURES]:
            assert CONTRACT.evolve(state, event).version == state.version + 1


def test_foreign_events_and_commands_are_errors() -> None:
    with pytest.raises(TypeError, match="expected an event of the aggregate contract"):
        CONTRACT.evolve(given().state, Event())
    with pytest.raises(TypeError, match="expected a command to the aggregate contract"):
        given().when(Command())


def test_largest_contract_fits_an_entry() -> None:
    """The most parties and the most clauses that are allowed, in the event that holds them."""
    parties = tuple(replace(c.PARTIES[0], id=c.LESSEE) for _ in range(12))
    clauses = tuple(replace(c.CLAUSES[0], clause=f"clause_{n:020d}") for n in range(80))
    event: Any = replace(c.ASSEMBLED, parties=parties, clauses=clauses)
    assert len(body_of(event)) + 2_048 < 16 * 1024
    assert isinstance(c.AMENDMENT_SIGNATURES[0], AmendmentSigned)
