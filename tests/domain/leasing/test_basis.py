"""A lease has a basis while its contract says that money is owed; what nobody reads is not asked for."""

from __future__ import annotations

from uuid import UUID

import pytest
from msgspec.structs import replace

from domain.contracts.contract import refusals
from domain.contracts.contract.rules import CONTRACT as CONTRACT_DECIDER
from domain.contracts.contract.state import ContractPhase, ContractState
from domain.kernel.needs import Facts, FirstEvent, StreamState
from domain.leasing.basis import CONTRACT, LEASE, basis_needs, without_basis
from domain.leasing.lease.rules.decider import LEASE as LEASE_DECIDER
from domain.leasing.lease.state import LeasePhase
from tests.domain.leasing import cases
from tests.domain.leasing.test_admission import LEASE as CREATE
from tests.given import STREAM, check_refusal

CONTRACT_ID = UUID(int=0xC0)
CREATED, OF = FirstEvent(LEASE, STREAM), StreamState(CONTRACT, CONTRACT_ID)
BEGAN, AWAITS = LeasePhase.ACTIVE, LeasePhase.AWAITING_DELIVERY


def made_of(contract: UUID | None, **facts: ContractPhase) -> Facts:
    """The first event of a lease, and the contract in a phase."""
    made = cases.given().when(replace(CREATE, contract=contract)).answer
    assert isinstance(made, tuple)
    return {CREATED: made[0]} | ({OF: ContractState(phase=facts["phase"])} if facts else {})


def test_the_names_are_the_aggregates() -> None:
    assert (CONTRACT_DECIDER.name, LEASE_DECIDER.name) == (CONTRACT, LEASE)


def test_only_the_contract_that_a_lease_was_made_of_is_read() -> None:
    assert list(basis_needs(STREAM, {})) == [CREATED]
    assert list(basis_needs(STREAM, {CREATED: None})) == [CREATED]
    assert list(basis_needs(STREAM, made_of(None))) == [CREATED]
    assert list(basis_needs(STREAM, made_of(CONTRACT_ID))) == [CREATED, OF]


def test_a_lease_that_was_taken_over_needs_no_contract() -> None:
    assert without_basis(STREAM, BEGAN, {CREATED: None}) is None
    assert without_basis(STREAM, AWAITS, made_of(None)) is None


@pytest.mark.parametrize("phase", [ContractPhase.EXECUTED, ContractPhase.ANCHORED, ContractPhase.AMENDED])
def test_a_contract_in_force_is_a_basis(phase: ContractPhase) -> None:
    assert without_basis(STREAM, BEGAN, made_of(CONTRACT_ID, phase=phase)) is None
    assert without_basis(STREAM, AWAITS, made_of(CONTRACT_ID, phase=phase)) is None


@pytest.mark.parametrize("phase", [ContractPhase.TERMINATED, ContractPhase.FULFILLED])
def test_a_debt_outlives_its_contract_and_nothing_begins_under_it(phase: ContractPhase) -> None:
    """Money of a settled lease that was taken back is owed again, and collected."""
    facts = made_of(CONTRACT_ID, phase=phase)
    assert without_basis(STREAM, LeasePhase.REOPENED, facts) is None
    check_refusal(without_basis(STREAM, AWAITS, facts), refusals.NOT_IN_FORCE.code, {"phase": phase})


def test_a_void_contract_is_none() -> None:
    for lease in (BEGAN, AWAITS, LeasePhase.REOPENED, LeasePhase.TERMINATED):
        answer = without_basis(STREAM, lease, made_of(CONTRACT_ID, phase=ContractPhase.VOID))
        check_refusal(answer, refusals.NOT_IN_FORCE.code, {"phase": "void"})
    gone = {**made_of(CONTRACT_ID), OF: None}
    check_refusal(without_basis(STREAM, BEGAN, gone), refusals.NOT_IN_FORCE.code, {"phase": "absent"})
