"""State of a contract: one frozen value, folded from its events, without personal data."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import Struct

from domain.contracts.contract.values import ADDRESSED, Disclosure, KeyTerms, Party
from domain.contracts.roots import Head
from domain.kernel.decider import State
from domain.kernel.fields import noun
from domain.kernel.values import ClauseRef


class ContractPhase(StrEnum):
    """The state machine's states; `ABSENT` is the empty stream."""

    ABSENT = "absent"
    ASSEMBLED = "assembled"
    PRESENTED = "presented"
    DISCLOSURE_ACKNOWLEDGED = "disclosure_acknowledged"
    PARTIALLY_SIGNED = "partially_signed"
    EXECUTED = "executed"
    ANCHORED = "anchored"
    AMENDED = "amended"
    TERMINATED = "terminated"
    FULFILLED = "fulfilled"
    VOID = "void"


CLOSED = frozenset({ContractPhase.TERMINATED, ContractPhase.FULFILLED, ContractPhase.VOID})
EXISTING = frozenset(ContractPhase) - {ContractPhase.ABSENT}
OPEN = EXISTING - CLOSED
IN_FORCE = frozenset({ContractPhase.EXECUTED, ContractPhase.ANCHORED, ContractPhase.AMENDED})


class Round(Struct, frozen=True, kw_only=True):
    """One round of signatures: the latest file, what was disclosed, who confirmed it and who signed so far."""

    document: str
    disclosed: tuple[Disclosure, ...] = ()
    acknowledged: Annotated[frozenset[UUID], noun("party")] = frozenset()
    signed: Annotated[tuple[UUID, ...], noun("party")] = ()


class Amendment(Struct, frozen=True, kw_only=True):
    """The pending amendment."""

    number: int
    key_terms: KeyTerms
    clauses: tuple[ClauseRef, ...]
    root: str
    round: Round


class ContractState(State, frozen=True, kw_only=True):
    """One contract.

    `head`, `key_terms`, `clauses` and `root` are those in force, or those being agreed upon. `amendments` counts those
    ever proposed. `alarms` counts presented copies' clauses that differed.
    """

    phase: ContractPhase = ContractPhase.ABSENT
    head: Head | None = None
    key_terms: KeyTerms | None = None
    clauses: tuple[ClauseRef, ...] = ()
    root: str = ""
    application: UUID | None = None
    round: Round | None = None
    amendments: int = 0
    amendment: Amendment | None = None
    executed_on: date | None = None
    alarms: int = 0

    @property
    def parties(self) -> tuple[Party, ...]:
        """Everybody who signs; empty before there is a contract."""
        return self.head.parties if self.head is not None else ()

    def party(self, identity: UUID) -> Party | None:
        """The party with this id."""
        return next((party for party in self.parties if party.id == identity), None)

    def waiting(self) -> frozenset[UUID]:
        """The parties that have still to sign the contract."""
        return frozenset(party.id for party in self.parties) - frozenset(self.round.signed if self.round else ())

    def addressed(self) -> frozenset[UUID]:
        """The parties that standard terms are put to."""
        return frozenset(party.id for party in self.parties if party.role in ADDRESSED)

    def clause(self, code: str) -> ClauseRef | None:
        """The version of this clause that the contract holds."""
        return next((held for held in self.clauses if held.clause == code), None)
