"""Random histories of a few contracts and clauses: wishes of every kind, of which the rules let some through."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from msgspec.structs import replace

from domain.contracts.clause import CLAUSE, DraftClause
from domain.contracts.contract.commands import (
    AcknowledgeDisclosure,
    AnchorContract,
    AssembleContract,
    PresentContract,
    SignAmendment,
    SignContract,
)
from domain.contracts.contract.rules import CONTRACT
from domain.contracts.contract.state import ContractState
from domain.kernel.command import Command
from domain.kernel.decider import Decider
from domain.kernel.refusal import Refusal
from tests.domain.contracts import clauses
from tests.domain.contracts.contract import contracts
from tests.given import TODAY, context
from tests.projections.accounting.book_keeping import Happening, at, stream

STREAMS = 3
Wish = tuple[int, int, int]
"""Which stream, which command, whose turn it is."""

HANDLING = (*contracts.SAMPLES[:4] * 3, *contracts.SAMPLES)
"""The ceremony comes often, so that some contracts come into force."""


class Book:
    """What the rules made of some wishes about one kind of aggregate, and what the aggregates themselves say."""

    def __init__(self, decider: Decider[Any]) -> None:
        self.decider = decider
        self.happened: list[Happening] = []
        self.states: dict[UUID, Any] = {}

    def do(self, of: int, command: Command) -> None:
        """A command on the next day; a refused one leaves nothing."""
        state = self.states.get(stream(of), self.decider.initial)
        on = self.today().date()
        answer = self.decider.decide(command, state, context(business_date=on))
        if isinstance(answer, Refusal):
            return
        for event in answer:
            state = self.decider.evolve(state, event)
            self.happened.append((stream(of), self.today(), event))
        self.states[stream(of)] = state

    def today(self) -> datetime:
        """An instant of the story's day: it begins on the day of the samples and goes on with every event."""
        return at() + timedelta(days=(TODAY - at().date()).days, seconds=len(self.happened))


def contract_book(wishes: list[Wish]) -> Book:
    """Contracts: whoever's turn it is acts."""
    book = Book(CONTRACT)
    for of, wish, turn in wishes:
        state: ContractState = book.states.get(stream(of), CONTRACT.initial)
        book.do(of, _by(state, HANDLING[wish], turn))
    return book


def _by(state: ContractState, command: Command, turn: int) -> Command:
    """The same command by another party, about the file and the root that the contract is at."""
    party = contracts.PARTIES[turn % len(contracts.PARTIES)].id
    round_ = state.amendment.round if state.amendment is not None else state.round
    if isinstance(command, AcknowledgeDisclosure):
        return replace(command, party=party, root=state.root)
    if isinstance(command, (SignContract, SignAmendment)) and round_ is not None:
        signature = replace(command.signature, party=party, document=round_.document, signed=f"{state.version:064x}")
        return replace(command, signature=signature)
    if isinstance(command, AssembleContract):
        return replace(command, reference=f"HT-2026-{turn:06}")
    return replace(command, root=state.root) if isinstance(command, (PresentContract, AnchorContract)) else command


def clause_book(wishes: list[Wish]) -> Book:
    """Clauses: drafts with other texts, published and withdrawn by number."""
    book = Book(CLAUSE)
    for of, wish, turn in wishes:
        command = clauses.SAMPLES[wish % len(clauses.SAMPLES)]
        state = book.states.get(stream(of), CLAUSE.initial)
        if isinstance(command, DraftClause):
            command = replace(command, clause=f"clause_{of}", text=f"第{turn}版。", mandatory=turn % 2 == 0)
        elif state.versions:
            chosen = state.versions[turn % len(state.versions)]
            changes = {"digest": chosen.digest} if hasattr(command, "digest") else {}
            command = replace(command, version=chosen.number, **changes)
        book.do(of, command)
    return book


_wish = st.tuples(st.integers(0, STREAMS - 1), st.integers(0, len(HANDLING) - 1), st.integers(0, 8))
contract_books = partial(st.builds, contract_book, st.lists(_wish, max_size=60))
"""Strategy: up to 60 wishes about a few contracts."""

clause_books = partial(st.builds, clause_book, st.lists(_wish, max_size=30))
"""Strategy: up to 30 wishes about a few clauses."""
