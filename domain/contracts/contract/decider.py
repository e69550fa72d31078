"""The decider of this aggregate."""

from __future__ import annotations

from domain.contracts.contract.evolve import evolve
from domain.contracts.contract.rules import decide
from domain.contracts.contract.state import ContractState
from domain.kernel.decider import Decider

CONTRACT = Decider(name="contract", initial=ContractState(), decide=decide, evolve=evolve)
"""The aggregate, registered under the first part of its event types."""
