"""Every rule by which a contract says no: each is reached, each has its sentences, and their order is fixed."""

from __future__ import annotations

import re
from datetime import date
from uuid import UUID

import pytest
from msgspec.structs import replace

from domain.contracts import offered
from domain.contracts.contract import refusals as r
from domain.contracts.contract.commands import (
    FulfilContract,
    LapseAmendment,
    SignAmendment,
    SignContract,
    TerminateContract,
    VoidContract,
)
from domain.contracts.contract.events import AmendmentLapsed
from domain.contracts.contract.state import ContractPhase
from domain.contracts.contract.values import AMENDMENTS_MAX, Disclosure, Party, PartyRole
from domain.kernel.command import Command
from domain.kernel.event import Event
from domain.kernel.refusal import REFUSALS, RefusalKind
from domain.pricing.parts import Form
from tests.domain.contracts.contract import contracts as c
from tests.domain.contracts.contract.contracts import given
from tests.given import TODAY

SOME = (Disclosure.TOTAL_COST, Disclosure.APR)
PENDING = (*c.TO_ANCHORED, c.PROPOSED)
LAPSES = tuple(
    event
    for n in range(1, AMENDMENTS_MAX + 1)
    for event in (replace(c.PROPOSED, number=n), AmendmentLapsed(number=n, reason="x"))
)


def without(code: str) -> Command:
    """The usual wish without one clause."""
    return replace(c.ASSEMBLE, clauses=tuple(held for held in c.CLAUSES if held.clause != code))


def with_entry(code: str, **changes: object) -> Command:
    """The usual wish with a changed library."""
    library = tuple(replace(entry, **changes) if entry.clause == code else entry for entry in c.LIBRARY)
    return replace(c.ASSEMBLE, library=library)


REACHED: list[tuple[RefusalKind, tuple[Event, ...], Command]] = [
    (r.UNKNOWN, (), c.PRESENT),
    (r.EXISTS, (c.ASSEMBLED,), c.ASSEMBLE),
    (r.CLOSED, (*c.TO_PARTIALLY, *c.HISTORIES[ContractPhase.VOID][-1:]), c.SIGN),
    (r.NOT_PRESENTABLE, c.TO_ACKNOWLEDGED, c.PRESENT),
    (r.NOT_PRESENTED, (c.ASSEMBLED,), c.ACKNOWLEDGE),
    (r.NOT_ACKNOWLEDGED, c.TO_PRESENTED, c.SIGN),
    (r.NOT_IN_FORCE, c.TO_PARTIALLY, TerminateContract(reason="x")),
    (r.IN_FORCE_ALREADY, c.TO_EXECUTED, c.SIGN),
    (r.REFERENCE_PERSONAL, (), replace(c.ASSEMBLE, reference="HT-13800138000")),
    (r.PARTIES_INCOMPLETE, (), replace(c.ASSEMBLE, parties=c.PARTIES[:2])),
    (r.PARTIES_INCOMPLETE, (), replace(c.ASSEMBLE, parties=c.PARTIES[1:])),
    (
        r.PARTIES_INCOMPLETE,
        (),
        replace(c.ASSEMBLE, parties=(*c.PARTIES, Party(role=PartyRole.LESSEE, id=c.STRANGER))),
    ),
    (r.PARTY_TWICE, (), replace(c.ASSEMBLE, parties=(*c.PARTIES, replace(c.PARTIES[1], turn=2)))),
    (
        r.TERMS_CONTRADICT,
        (),
        replace(c.ASSEMBLE, key_terms=replace(c.KEY_TERMS, last_due_on=date(2026, 4, 1))),
    ),
    (r.TERMS_CONTRADICT, (), replace(c.ASSEMBLE, key_terms=replace(c.KEY_TERMS, total_cost_fen=19_999))),
    (r.FORUM_NOT_EXACT, (), replace(c.ASSEMBLE, key_terms=replace(c.KEY_TERMS, forum="示例仲裁委员会\u202e"))),
    (
        r.TERMS_CONTRADICT,
        (),
        replace(c.ASSEMBLE, key_terms=replace(c.KEY_TERMS, allocation=c.KEY_TERMS.allocation[1:])),
    ),
    (r.CLAUSE_TWICE, (), replace(c.ASSEMBLE, clauses=(*c.CLAUSES, c.CLAUSES[0]))),
    (r.CLAUSE_UNKNOWN, (), replace(c.ASSEMBLE, library=c.LIBRARY[1:])),
    (r.CLAUSE_UNKNOWN, (), replace(c.ASSEMBLE, clauses=c.NEW_CLAUSES)),
    (r.CLAUSE_DIFFERS, (), with_entry("rent", digest="f" * 64)),
    (r.CLAUSE_NOT_EFFECTIVE, (), with_entry("rent", effective_from=TODAY + c.DAY)),
    (r.CLAUSE_NOT_EFFECTIVE, (), with_entry("rent", effective_from=None)),
    (r.CLAUSE_WITHDRAWN, (), with_entry("rent", withdrawn_from=TODAY)),
    (r.CLAUSE_OF_OTHER_FORM, (), replace(c.ASSEMBLE, form=Form.DIRECT)),
    (r.EVIDENCE_CLAUSE_MISSING, (), without("evidence")),
    (r.CLAUSES_MISSING, (), without("dispute")),
    (r.LOCK_CLAUSE_DIFFERS, (), without("device_lock")),
    (r.LOCK_CLAUSE_DIFFERS, (), replace(c.ASSEMBLE, key_terms=replace(c.KEY_TERMS, lock=False))),
    (r.BUYOUT_CLAUSE_DIFFERS, (), without("buyout")),
    (r.BUYOUT_CLAUSE_DIFFERS, (), replace(c.ASSEMBLE, key_terms=replace(c.KEY_TERMS, buyout_fen=None))),
    (r.ROOT_DIFFERS, (c.ASSEMBLED,), replace(c.PRESENT, root=c.OTHER_ROOT)),
    (r.ROOT_DIFFERS, (c.ASSEMBLED, c.PRESENTED), replace(c.ACKNOWLEDGE, root=c.OTHER_ROOT)),
    (r.ROOT_DIFFERS, c.TO_EXECUTED, replace(c.ANCHOR, root=c.OTHER_ROOT)),
    (r.DISCLOSURE_INCOMPLETE, (c.ASSEMBLED,), replace(c.PRESENT, disclosed=SOME)),
    (r.DISCLOSURE_INCOMPLETE, (c.ASSEMBLED, c.PRESENTED), replace(c.ACKNOWLEDGE, items=SOME)),
    (r.DISCLOSURE_INCOMPLETE, c.TO_EXECUTED, replace(c.PROPOSE, disclosed=())),
    (r.DISCLOSURE_INCOMPLETE, PENDING, replace(c.SIGN_AMENDMENT, acknowledged=())),
    (r.NOT_A_PARTY, (c.ASSEMBLED, c.PRESENTED), replace(c.ACKNOWLEDGE, party=c.STRANGER)),
    (r.NOT_A_PARTY, c.TO_ACKNOWLEDGED, SignContract(signature=c.signature(c.STRANGER))),
    (r.NOT_ADDRESSED, (c.ASSEMBLED, c.PRESENTED), replace(c.ACKNOWLEDGE, party=c.LESSOR)),
    (r.ACKNOWLEDGED_ALREADY, c.TO_PRESENTED, c.ACKNOWLEDGE),
    (r.SIGNED_ALREADY, c.TO_PARTIALLY, SignContract(signature=c.signature(c.LESSEE, 1))),
    (r.OUT_OF_TURN, c.TO_PARTIALLY, SignContract(signature=c.signature(c.LESSOR, 1))),
    (r.DOCUMENT_DIFFERS, c.TO_PARTIALLY, SignContract(signature=c.signature(c.GUARANTOR))),
    (
        r.DOCUMENT_UNCHANGED,
        c.TO_ACKNOWLEDGED,
        SignContract(signature=replace(c.signature(c.LESSEE), signed=c.DOCUMENT)),
    ),
    (r.AMENDMENT_PENDING, PENDING, c.PROPOSE),
    (r.AMENDMENT_PENDING, PENDING, FulfilContract()),
    (r.NO_AMENDMENT, c.TO_EXECUTED, c.SIGN_AMENDMENT),
    (r.NO_AMENDMENT, c.TO_EXECUTED, LapseAmendment(reason="x")),
    (r.AMENDMENTS_FULL, (*c.TO_EXECUTED, *LAPSES), c.PROPOSE),
    (r.AMENDMENT_EMPTY, c.TO_EXECUTED, replace(c.PROPOSE, key_terms=c.KEY_TERMS, clauses=c.CLAUSES)),
    (r.CLAUSE_UNKNOWN, c.TO_EXECUTED, replace(c.PROPOSE, library=c.LIBRARY)),
    (r.OUT_OF_TURN, PENDING, SignAmendment(signature=c.signature(c.LESSOR))),
    (r.BASIS_MISSING, c.TO_EXECUTED, VoidContract(reason="fraud")),
]


@pytest.mark.parametrize(
    ("kind", "past", "command"), REACHED, ids=[f"{n}-{k.code}" for n, (k, _, _) in enumerate(REACHED)]
)
def test_every_rule_is_reached(kind: RefusalKind, past: tuple[Event, ...], command: Command) -> None:
    given(*past).when(command).then_refused(kind)


def test_no_rule_is_forgotten() -> None:
    """Rules over other streams are reached in `test_cross_rules`."""
    mine = {kind for code, kind in REFUSALS.items() if code.startswith("contract.")}
    elsewhere = {kind for kind in vars(offered).values() if isinstance(kind, RefusalKind)} | {r.SIGNATURE_UNVERIFIED}
    assert mine - elsewhere == {kind for kind, _, _ in REACHED}
    for kind in mine:
        assert kind.en
        assert re.search("[一-鿿]", kind.zh)


def test_refusals_say_which_clause() -> None:
    given().when(with_entry("rent", withdrawn_from=TODAY)).then_refused(
        r.CLAUSE_WITHDRAWN, clause="rent", version=1, withdrawn_from=TODAY, business_date=TODAY
    )
    given().when(without("dispute")).then_refused(r.CLAUSES_MISSING, clauses="dispute")
    given(c.ASSEMBLED).when(replace(c.PRESENT, disclosed=SOME)).then_refused(
        r.DISCLOSURE_INCOMPLETE, missing="irr buyout lock_clause evidence_clause"
    )


def test_a_clause_withdrawn_from_tomorrow_may_still_be_assembled() -> None:
    given().when(with_entry("rent", withdrawn_from=TODAY + c.DAY)).then(c.ASSEMBLED)
    given().when(with_entry("rent", effective_from=TODAY)).then(c.ASSEMBLED)


def test_a_mandatory_clause_that_is_not_in_effect_is_not_missed() -> None:
    later = replace(c.entry("rent"), clause="waste_return", effective_from=TODAY + c.DAY)
    gone = replace(c.entry("rent"), clause="paper_invoice", withdrawn_from=TODAY)
    other = replace(c.entry("rent"), clause="floor", forms=(Form.FLOOR_PLAN,))
    given().when(replace(c.ASSEMBLE, library=(*c.LIBRARY, later, gone, other))).then(c.ASSEMBLED)


def test_rules_of_assembly_are_heard_in_order() -> None:
    """A wish that breaks every rule hears them one by one as it is mended."""
    wish = replace(
        c.ASSEMBLE,
        reference="13800138000",
        parties=(c.PARTIES[0], c.PARTIES[0]),
        key_terms=replace(c.KEY_TERMS, last_due_on=date(2020, 1, 1), lock=False, buyout_fen=None),
        clauses=(c.CLAUSES[3], c.CLAUSES[3]),
        library=(),
    )
    for kind, mended in (
        (r.REFERENCE_PERSONAL, {"reference": c.ASSEMBLE.reference}),
        (r.PARTIES_INCOMPLETE, {"parties": (*c.PARTIES, c.PARTIES[1])}),
        (r.PARTY_TWICE, {"parties": c.PARTIES}),
        (r.TERMS_CONTRADICT, {"key_terms": replace(c.KEY_TERMS, lock=False, buyout_fen=None)}),
        (r.CLAUSE_TWICE, {"clauses": c.CLAUSES[3:]}),
        (r.CLAUSE_UNKNOWN, {"library": c.LIBRARY}),
        (r.EVIDENCE_CLAUSE_MISSING, {"clauses": (c.CLAUSES[0], *c.CLAUSES[3:])}),
        (r.CLAUSES_MISSING, {"clauses": c.CLAUSES}),
        (r.LOCK_CLAUSE_DIFFERS, {"key_terms": replace(c.KEY_TERMS, buyout_fen=None)}),
        (r.BUYOUT_CLAUSE_DIFFERS, {"key_terms": c.KEY_TERMS}),
    ):
        given().when(wish).then_refused(kind)
        wish = replace(wish, **mended)
    given().when(wish).then(c.ASSEMBLED)


def test_rules_of_signing_are_heard_in_order() -> None:
    bad = replace(c.signature(c.STRANGER), document="9" * 64, signed="9" * 64)
    steps: list[tuple[RefusalKind, dict[str, UUID | str]]] = [
        (r.NOT_A_PARTY, {"party": c.LESSEE}),
        (r.SIGNED_ALREADY, {"party": c.LESSOR}),
        (r.OUT_OF_TURN, {"party": c.GUARANTOR}),
        (r.DOCUMENT_DIFFERS, {"document": c.file_after(1), "signed": c.file_after(1)}),
        (r.DOCUMENT_UNCHANGED, {"signed": c.file_after(2)}),
    ]
    for kind, mended in steps:
        given(*c.TO_PARTIALLY).when(SignContract(signature=bad)).then_refused(kind)
        bad = replace(bad, **mended)
    assert bad == c.signature(c.GUARANTOR, 1)
