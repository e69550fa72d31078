"""From a contract's events to its paper: complete or not at all, and never another text than the one agreed on."""

from __future__ import annotations

from datetime import date

import pytest
from msgspec.structs import replace

from adapters.documents.document import DocumentError
from adapters.documents.paper import ClauseText, Missing, PaperIncomplete, paper_of
from adapters.documents.port import digest_of
from adapters.documents.typeset import typeset
from adapters.reference.clauses import choose, shipped_clauses
from domain.contracts.contract.events import AmendmentProposed, AmendmentSigned, ContractAmended
from domain.contracts.contract.rules import CONTRACT
from domain.contracts.contract.state import ContractState
from domain.contracts.contract.values import Disclosure, Signature, SignatureLevel, SignatureMethod
from domain.contracts.roots import contract_root, schedule_digest
from domain.pricing.parts import Form
from tests.adapters.documents import papers

CHOSEN = choose(shipped_clauses(), Form.OPERATING, ("device_lock", "buyout"))
TEXTS = {clause.reference.digest: ClauseText(clause.title, clause.text) for clause in CHOSEN}
PLAN = "手机月租·到期留购"


def paper(state: ContractState, on: date = papers.MADE_ON) -> bytes:
    return typeset(paper_of(state, on, PLAN, TEXTS, papers.SCHEDULE))


def test_the_paper_says_what_the_events_say() -> None:
    state = papers.state()
    found = paper_of(state, papers.MADE_ON, PLAN, TEXTS, papers.SCHEDULE)
    assert (found.root, found.reference, found.key_terms) == (state.root, papers.REFERENCE, papers.KEY_TERMS)
    assert [line.clause for line in found.clauses] == [held.clause for held in state.clauses]
    assert [(party.id, party.role) for party in found.parties] == [(party.id, party.role) for party in state.parties]
    assert {party.name for party in found.parties} == {None}


def test_without_names_but_otherwise_the_same_paper() -> None:
    named = papers.paper()
    nameless = replace(named, parties=tuple(replace(party, name=None) for party in named.parties), thing=())
    assert paper(papers.state()) == typeset(nameless)
    assert paper(papers.state()) != typeset(replace(named, thing=()))


def test_the_same_bytes_each_time() -> None:
    assert digest_of(paper(papers.state())) == digest_of(paper(papers.state()))
    assert paper(papers.state(), date(2026, 3, 3)) != paper(papers.state())


def test_what_is_known_by_its_digest_only_is_named() -> None:
    with pytest.raises(PaperIncomplete, match="expected the schedule, got its digest only") as raised:
        paper_of(papers.state(), papers.MADE_ON, PLAN, TEXTS, None)
    assert (raised.value.missing, raised.value.clause) == (Missing.SCHEDULE, "")
    rent = next(clause for clause in CHOSEN if clause.clause == "rent")
    without = {digest: text for digest, text in TEXTS.items() if digest != rent.reference.digest}
    with pytest.raises(PaperIncomplete, match="expected the text rent, got its digest only") as raised:
        paper_of(papers.state(), papers.MADE_ON, PLAN, without, papers.SCHEDULE)
    assert (raised.value.missing, raised.value.clause) == (Missing.TEXT, "rent")


def test_another_text_under_a_digest_is_refused() -> None:
    """Where texts come from does not matter: what is printed is held against what was agreed."""
    rent = next(clause for clause in CHOSEN if clause.clause == "rent")
    changed = TEXTS | {rent.reference.digest: ClauseText(rent.title, rent.text.replace("。", "，", 1))}
    with pytest.raises(DocumentError, match="rent"):
        paper_of(papers.state(), papers.MADE_ON, PLAN, changed, papers.SCHEDULE)


def test_another_schedule_is_refused() -> None:
    dearer = (replace(papers.SCHEDULE[0], interest_fen=8_501), *papers.SCHEDULE[1:])
    with pytest.raises(DocumentError, match=f"expected {schedule_digest(papers.SCHEDULE)}"):
        paper_of(papers.state(), papers.MADE_ON, PLAN, TEXTS, dearer)


def amended() -> ContractState:
    """The contract after an amendment that all parties signed: it costs less."""
    state = papers.state()
    assert state.head is not None
    terms = replace(papers.KEY_TERMS, total_cost_fen=papers.KEY_TERMS.total_cost_fen - 100, buyout_fen=19_900)
    root = contract_root(replace(state.head, amends=state.root), terms, state.clauses)
    proposed = AmendmentProposed(
        number=1, key_terms=terms, clauses=state.clauses, root=root, document="d" * 64, disclosed=tuple(Disclosure),
        reason="hardship",
    )  # fmt: skip
    signatures = [
        AmendmentSigned(
            number=1,
            signature=Signature(
                party=party.id,
                document="d" * 64,
                signed="e" * 64,
                certificate="c" * 64,
                level=SignatureLevel.B_B,
                method=SignatureMethod.PAPER,
            ),
        )
        for party in state.parties
    ]
    last = ContractAmended(number=1, root=root, document="e" * 64, amended_on=date(2026, 5, 4))
    for event in (proposed, *signatures, last):
        state = CONTRACT.evolve(state, event)
    return state


def test_an_amended_contract_has_another_paper() -> None:
    state = amended()
    found = paper_of(state, date(2026, 5, 4), PLAN, TEXTS, papers.SCHEDULE)
    assert found.root == state.root != papers.state().root
    assert found.key_terms.buyout_fen == 19_900
    assert typeset(found) != paper(papers.state())
