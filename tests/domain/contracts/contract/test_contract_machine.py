"""Random lives of a contract: whatever is wished in whatever order, these things stay true."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from msgspec.structs import replace

from domain.contracts.contract.commands import AcknowledgeDisclosure, SignAmendment, SignContract, VoidContract
from domain.contracts.contract.rules import CONTRACT
from domain.contracts.contract.state import CLOSED, IN_FORCE, OPEN, ContractPhase
from domain.contracts.contract.values import ADDRESSED, Signature, SignatureLevel, SignatureMethod
from domain.contracts.roots import contract_root
from domain.kernel.command import Command
from domain.kernel.decider import fold
from domain.kernel.event import Event, decode_body, type_of
from domain.kernel.refusal import Refusal
from tests.domain.contracts.contract import contracts as c
from tests.given import body_of, check_event, context
from tests.sampling import examples

NEXT = {
    ContractPhase.ABSENT: {ContractPhase.ASSEMBLED},
    ContractPhase.ASSEMBLED: {ContractPhase.PRESENTED},
    ContractPhase.PRESENTED: {ContractPhase.DISCLOSURE_ACKNOWLEDGED},
    ContractPhase.DISCLOSURE_ACKNOWLEDGED: {ContractPhase.PARTIALLY_SIGNED},
    ContractPhase.PARTIALLY_SIGNED: {ContractPhase.EXECUTED},
    ContractPhase.EXECUTED: {
        ContractPhase.ANCHORED,
        ContractPhase.AMENDED,
        ContractPhase.TERMINATED,
        ContractPhase.FULFILLED,
    },
    ContractPhase.ANCHORED: {ContractPhase.AMENDED, ContractPhase.TERMINATED, ContractPhase.FULFILLED},
    ContractPhase.AMENDED: {ContractPhase.ANCHORED, ContractPhase.TERMINATED, ContractPhase.FULFILLED},
}
"""The state machine as the design draws it; every phase may also be void."""

PEOPLE = st.sampled_from([c.LESSEE, c.GUARANTOR, c.LESSOR, c.STRANGER])


class ContractLife(RuleBasedStateMachine):
    """One contract, its events, and the state that was moved on event by event."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[Event] = []
        self.state = CONTRACT.initial
        self.files = 0

    @rule(command=st.sampled_from(c.SAMPLES))
    def wish(self, command: Command) -> None:
        """Any of the usual wishes, except the void one, which would end most lives early."""
        if not isinstance(command, VoidContract):
            self._do(command)

    @rule(party=PEOPLE)
    def acknowledge(self, party: object) -> None:
        """Anybody confirms."""
        assert isinstance(party, type(c.LESSEE))
        self._do(AcknowledgeDisclosure(party=party, root=self.state.root or c.ROOT, items=c.ALL_SHOWN))

    @rule(party=PEOPLE, amendment=st.booleans())
    def sign(self, party: object, amendment: bool) -> None:
        """Anybody signs the latest file."""
        assert isinstance(party, type(c.LESSEE))
        pending = self.state.amendment.round if self.state.amendment is not None else None
        round_ = pending if amendment else self.state.round
        self.files += 1
        signature = Signature(
            party=party,
            document=round_.document if round_ is not None else c.DOCUMENT,
            signed=f"{self.files:064x}",
            certificate="ce" * 32,
            level=SignatureLevel.B_B,
            method=SignatureMethod.PADES,
        )
        if amendment:
            self._do(SignAmendment(signature=signature, acknowledged=c.ALL_SHOWN))
        else:
            self._do(SignContract(signature=signature))

    @rule()
    def amend_back_and_forth(self) -> None:
        """The terms change to what they are not now."""
        back = self.state.key_terms == c.NEW_TERMS
        terms, clauses = (c.KEY_TERMS, c.CLAUSES) if back else (c.NEW_TERMS, c.NEW_CLAUSES)
        self._do(replace(c.PROPOSE, key_terms=terms, clauses=clauses))

    @rule()
    def anchor(self) -> None:
        """The root in force is anchored."""
        self._do(replace(c.ANCHOR, root=self.state.root or c.ROOT))

    @rule(basis=st.sampled_from([None, None, None, "b" * 64]))
    def void(self, basis: str | None) -> None:
        """Sometimes with a basis."""
        if basis is not None or self.state.phase in IN_FORCE:
            self._do(VoidContract(reason="fraud", basis=basis))

    def _do(self, command: Command) -> None:
        answer = CONTRACT.decide(command, self.state, context())
        assert answer == CONTRACT.decide(command, self.state, context())
        if isinstance(answer, Refusal):
            return
        assert answer, "a wish that is granted is a fact"
        for event in answer:
            check_event(event)
            before = self.state.phase
            self.events.append(event)
            self.state = CONTRACT.evolve(self.state, event)
            if self.state.phase is not before:
                assert before not in CLOSED or self.state.phase is ContractPhase.VOID, "what is over never comes back"
                assert self.state.phase in NEXT.get(before, set()) | {ContractPhase.VOID}

    @invariant()
    def replay_gives_the_same_state(self) -> None:
        """From the events, and from their stored bodies."""
        assert self.state.version == len(self.events)
        stored = [decode_body(type_of(event), body_of(event)) for event in self.events]
        assert fold(CONTRACT, self.events) == fold(CONTRACT, stored) == self.state

    @invariant()
    def root_is_that_of_what_is_agreed(self) -> None:
        """Anybody can compute it from head, key terms and clauses."""
        if self.state.head is not None and self.state.key_terms is not None:
            assert self.state.root == contract_root(self.state.head, self.state.key_terms, self.state.clauses)
            assert self.state.clause("evidence") is not None

    @invariant()
    def force_needs_everybody(self) -> None:
        """In force: all confirmed that must, all signed, and nobody before its turn."""
        if self.state.phase in IN_FORCE:
            assert self.state.round is not None
            turns = [party.turn for one in self.state.round.signed for party in self.state.parties if party.id == one]
            assert turns == sorted(turns)
            assert set(self.state.round.signed) == {party.id for party in self.state.parties}
            assert self.state.executed_on is not None

    @invariant()
    def nobody_signs_unread(self) -> None:
        """Before force: a signature only when everybody that terms are put to has confirmed them."""
        if self.state.phase in OPEN - IN_FORCE and self.state.round is not None and self.state.round.signed:
            addressed = {party.id for party in self.state.parties if party.role in ADDRESSED}
            assert addressed <= self.state.round.acknowledged


TestContractLife = ContractLife.TestCase
TestContractLife.settings = settings(stateful_step_count=60, max_examples=examples(60))
"""The usual wishes are drawn often enough to come into force in most lives."""
