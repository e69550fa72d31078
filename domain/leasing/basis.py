"""Basis of a lease: whether the contract that it was made of lets money be asked for and things be agreed.

    lease ─ made of ─▶ contract        in force   terminated, fulfilled   void, never signed
      did not begin yet                yes        no                      no
      began                            yes        yes: debts outlive it   no: people decide what is owed

Money that comes all the same is recorded, so that it can be given back. A lease that was taken over from another book
was made of no contract and needs none.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from domain.contracts.contract import refusals as contract_refusals
from domain.contracts.contract.state import IN_FORCE, ContractPhase, ContractState
from domain.kernel.needs import Facts, FirstEvent, Need, StreamState
from domain.kernel.refusal import Refusal
from domain.leasing.lease.events.lifecycle import LeaseCreated
from domain.leasing.lease.state import AWAITING, LeasePhase

CONTRACT, LEASE = "contract", "lease"
"""The aggregates' names: of both only needs are said here."""

_BINDS = IN_FORCE | {ContractPhase.TERMINATED, ContractPhase.FULFILLED}


def basis_needs(lease: UUID, facts: Facts) -> Iterable[Need]:
    """The contract that a lease was made of, if it was made of one."""
    need = FirstEvent(LEASE, lease)
    yield need
    created = facts.get(need)
    if isinstance(created, LeaseCreated) and created.contract is not None:
        yield StreamState(CONTRACT, created.contract)


def without_basis(lease: UUID, phase: LeasePhase, facts: Facts) -> Refusal | None:
    """None while a lease in this phase has its basis; `contract.not_in_force` when it has none any more."""
    created = facts[FirstEvent(LEASE, lease)]
    if not isinstance(created, LeaseCreated) or created.contract is None:
        return None
    contract: ContractState = facts[StreamState(CONTRACT, created.contract)] or ContractState()
    binds = contract.phase in (IN_FORCE if phase in AWAITING else _BINDS)
    return None if binds else contract_refusals.NOT_IN_FORCE(phase=contract.phase)
