"""The shipped clause library: complete for every form of contract, exact, and refused when anything is odd."""

from __future__ import annotations

import json
import re
from datetime import date
from typing import Any

import pytest
from msgspec.structs import replace

from adapters.reference.clauses import (
    LIBRARY_BYTES_MAX,
    ClauseLibraryError,
    choose,
    parse_clauses,
    shipped_clauses,
)
from adapters.reference.plans import shipped_plans
from domain.contracts.clause import CLAUSE, ClauseDrafted, ClausePublished
from domain.contracts.contract.commands import AssembleContract
from domain.contracts.contract.events import ContractAssembled
from domain.contracts.contract.rules import CONTRACT
from domain.contracts.contract.values import KeyTerms, Party, PartyRole
from domain.kernel.decider import fold
from domain.pricing.parts import Form
from tests.domain.contracts.contract import contracts
from tests.given import TODAY, check_event, context

FORBIDDEN = ("以租代购", "车抵贷", "汽车信贷", "车辆贷款")
OPTIONAL = {
    Form.OPERATING: {"device_lock", "credit_information", "automated_decision", "buyout", "guarantee"},
    Form.DIRECT: {"vehicle_tracker", "credit_information", "automated_decision", "buyout", "guarantee"},
    Form.LEASEBACK: {"vehicle_tracker", "credit_information", "automated_decision", "buyout", "guarantee"},
    Form.FLOOR_PLAN: {"vehicle_tracker", "credit_information", "automated_decision", "guarantee"},
}
NEEDED = {
    Form.OPERATING: {"object_rental", "rent", "deposit", "delivery", "renewal_return", "default", "early_settlement"},
    Form.DIRECT: {"object_direct", "rent", "deposit", "delivery", "ownership", "default", "early_settlement"},
    Form.LEASEBACK: {"object_leaseback", "rent", "delivery_leaseback", "ownership", "default", "early_settlement"},
    Form.FLOOR_PLAN: {"object_floor_plan", "floor_plan_cost", "ownership", "default_floor_plan"},
}
EVERYWHERE = {"evidence", "parties", "key_terms", "personal_data", "cost_cap", "service", "signature", "dispute"}

SHIPPED = shipped_clauses()


@pytest.mark.parametrize("clause", SHIPPED, ids=lambda clause: clause.clause)
def test_every_clause_enters_the_ledger_as_it_is(clause: Any) -> None:
    drafted = CLAUSE.decide(clause.draft(), CLAUSE.initial, context())
    assert isinstance(drafted, tuple)
    check_event(drafted[0])
    assert isinstance(drafted[0], ClauseDrafted)
    assert drafted[0].digest == clause.reference.digest
    state = fold(CLAUSE, drafted)
    published = CLAUSE.decide(clause.publish(TODAY), state, context())
    assert published == (ClausePublished(version=1, digest=clause.reference.digest, effective_from=TODAY),)
    assert fold(CLAUSE, published, state).reference(1) == clause.reference


@pytest.mark.parametrize("clause", SHIPPED, ids=lambda clause: clause.clause)
def test_every_clause_is_chinese_with_an_english_gloss(clause: Any) -> None:
    assert re.fullmatch(r"[A-Z][A-Za-z ,]+", clause.gloss)
    assert len(re.findall("[一-鿿]", clause.text)) > 60
    assert all(paragraph.endswith("。") for paragraph in clause.text.split("\n"))
    assert not any(word in clause.text for word in FORBIDDEN)
    assert not re.search(r"[,;:!?()]", clause.text), "Chinese text has full-width punctuation"


@pytest.mark.parametrize("form", Form)
def test_every_form_has_what_it_needs(form: Form) -> None:
    mandatory = {clause.clause for clause in choose(SHIPPED, form)}
    assert mandatory >= EVERYWHERE | NEEDED[form]
    assert {clause.clause for clause in SHIPPED if form in clause.forms} - mandatory == OPTIONAL[form]


@pytest.mark.parametrize("form", Form)
def test_evidence_comes_first(form: Form) -> None:
    assert choose(SHIPPED, form)[0].clause == "evidence"


def test_every_shipped_plan_can_be_put_into_a_contract() -> None:
    for plan in shipped_plans():
        assert choose(SHIPPED, plan.form)


@pytest.mark.parametrize("form", Form)
def test_a_contract_can_be_assembled_with_all_options(form: Form) -> None:
    chosen = choose(SHIPPED, form, OPTIONAL[form])
    codes = {clause.clause for clause in chosen}
    terms: KeyTerms = replace(
        contracts.KEY_TERMS, lock="device_lock" in codes, buyout_fen=1 if "buyout" in codes else None
    )
    wish = AssembleContract(
        reference="HT-1",
        form=form,
        plan="any",
        plan_digest="1" * 64,
        parties=tuple(
            Party(role=role, id=contracts.LESSEE if role is PartyRole.LESSEE else contracts.LESSOR)
            for role in (PartyRole.LESSOR, PartyRole.LESSEE)
        ),
        key_terms=terms,
        clauses=tuple(clause.reference for clause in chosen),
        library=tuple(clause.entry for clause in SHIPPED),
    )
    answer = CONTRACT.decide(wish, CONTRACT.initial, context())
    assert isinstance(answer, tuple)
    assert isinstance(answer[0], ContractAssembled)
    check_event(answer[0])
    assert CONTRACT.decide(wish, CONTRACT.initial, context(business_date=date(2025, 12, 31))) != answer


def test_options_that_a_form_does_not_have_are_refused() -> None:
    with pytest.raises(ClauseLibraryError, match=r"expected options of the form floor_plan, got buyout device_lock"):
        choose(SHIPPED, Form.FLOOR_PLAN, ("device_lock", "buyout", "guarantee"))


# ------------------------------------------------------------------------------------------------- odd files


def file_with(**changes: object) -> bytes:
    """A library of one good clause with some fields changed."""
    clause = {
        "clause": "rent",
        "version": 1,
        "title": "租金",
        "gloss": "Rent",
        "forms": ["operating"],
        "mandatory": True,
        "effective_from": "2026-01-01",
        "text": "租金按月支付。",
        **changes,
    }
    return json.dumps({"v": "leaseledger.clauses/1", "clauses": [clause]}).encode()


def test_good_file_is_read() -> None:
    assert [clause.clause for clause in parse_clauses(file_with(), "mine")] == ["rent"]


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b"{", "truncated"),
        (b"\xff", "x"),
        (b'{"v":"leaseledger.clauses/2","clauses":[]}', r"expected leaseledger\.clauses/1, got leaseledger\.clauses/2"),
        (file_with(forms=["hire"]), "hire"),
        (file_with(version=0), "version"),
        (file_with(extra=1), "extra"),
        (file_with(text="租金\u200b。"), "rent version 1: expected visible text in Normalization Form C"),
        (file_with(text="约" * 4_096), r"expected at most 12288 bytes of JSON, got 12290"),
        (file_with(text="请致电 13800138000。"), "expected no number of a person"),
        (b" " * (LIBRARY_BYTES_MAX + 1), "expected at most"),
    ],
)
def test_odd_file_is_refused(body: bytes, complaint: str) -> None:
    with pytest.raises(ClauseLibraryError, match=complaint if complaint != "x" else "^mine: ") as caught:
        parse_clauses(body, "mine")
    assert str(caught.value).startswith("mine: ")


def test_clause_twice_is_refused() -> None:
    body = json.loads(file_with())
    body["clauses"] *= 2
    with pytest.raises(ClauseLibraryError, match="expected rent once, got it again"):
        parse_clauses(json.dumps(body).encode(), "mine")
