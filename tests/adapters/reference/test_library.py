"""The clause library as the ledger has it: shipped where the tenant has none, the tenant's own where it has."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from adapters.reference.clauses import choose, shipped_clauses
from api.compose import Running
from domain.contracts import library
from domain.contracts.assembly import chosen
from domain.contracts.clause import CLAUSE, DraftClause, PublishClause, WithdrawClause
from domain.contracts.contract.values import LibraryClause
from domain.contracts.texts import text_digest
from domain.kernel.needs import Facts
from domain.pricing.parts import Form
from tests.adapters.lessor import DAY, Lessor

TEXT = "租金按月支付。"
SHIPPED = tuple(clause.entry for clause in shipped_clauses())


def own(clause: str, *, mandatory: bool = True, text: str = TEXT) -> DraftClause:
    """A clause that the tenant wrote."""
    return DraftClause(
        clause=clause, title="租金", gloss="Rent", forms=(Form.OPERATING,), mandatory=mandatory, text=text
    )


async def entries(lessor: Lessor) -> list[LibraryClause]:
    return list(library.entries(await facts_of(lessor)))


async def facts_of(lessor: Lessor) -> Facts:
    return await lessor.program.facts.facts(
        lessor.tenant, lambda facts: library.library_needs(lessor.tenant, (), facts)
    )


async def test_a_tenant_without_clauses_has_the_shipped_ones(program: Running) -> None:
    lessor = Lessor(program)
    assert tuple(await entries(lessor)) == SHIPPED


async def test_the_tenants_own_take_the_place_of_shipped_ones(program: Running) -> None:
    """In the order of the shipped library, further ones behind; another tenant's are nobody's business."""
    lessor, other = Lessor(program), Lessor(program)
    rent: UUID = uuid4()
    published = PublishClause(version=1, digest=text_digest(TEXT), effective_from=DAY)
    await lessor.given(CLAUSE, rent, own("rent"), published)
    await lessor.given(CLAUSE, uuid4(), own("house_rules", mandatory=False), published)
    found = await entries(lessor)
    assert [one.clause for one in found] == [*(one.clause for one in SHIPPED), "house_rules"]
    (mine,) = [one for one in found if one.clause == "rent"]
    assert (mine.digest, mine.effective_from, mine.withdrawn_from) == (text_digest(TEXT), DAY, None)
    await lessor.given(
        CLAUSE, rent, WithdrawClause(version=1, withdrawn_from=DAY + timedelta(days=1), reason="replaced")
    )
    (mine,) = [one for one in await entries(lessor) if one.clause == "rent"]
    assert mine.withdrawn_from == DAY + timedelta(days=1)
    assert tuple(await entries(other)) == SHIPPED


async def test_a_library_has_its_limits(program: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mandatory clauses leave contracts room for others, and no contract has to read thousands."""
    lessor, second, third = Lessor(program), uuid4(), uuid4()
    shipped = sum(one.mandatory and Form.OPERATING in one.forms for one in SHIPPED)
    monkeypatch.setattr(library, "MANDATORY_MAX", shipped + 1)
    monkeypatch.setattr(library, "OWN_CLAUSES_MAX", 3)
    publish = PublishClause(version=1, digest=text_digest(TEXT), effective_from=DAY)
    await lessor.given(CLAUSE, uuid4(), own("first"), publish)
    await lessor.given(CLAUSE, second, own("second"))
    (await lessor.when(CLAUSE, second, publish)).then_refused(
        "clause.mandatory_full", form="operating", limit=shipped + 1
    )
    await lessor.given(CLAUSE, third, own("rent"), publish)
    (await lessor.when(CLAUSE, uuid4(), own("fourth"))).then_refused("clause.library_full", limit=3)
    await lessor.given(CLAUSE, third, own("rent", text="另一条。"))
    await Lessor(program).given(CLAUSE, uuid4(), own("fourth"))


async def test_what_matters_to_a_contract(program: Running) -> None:
    lessor = Lessor(program)
    about = library.entries_about(await facts_of(lessor), {("buyout", 1)}, DAY)
    assert {one.clause for one in about} == {one.clause for one in SHIPPED if one.mandatory} | {"buyout"}


@given(form=st.sampled_from(Form), options=st.sets(st.sampled_from([one.clause for one in SHIPPED])))
def test_of_the_shipped_library_the_same_are_chosen(form: Form, options: set[str]) -> None:
    """The process chooses as people do from the shipped file; options that a form does not have are left out."""
    fitting = {one.clause for one in SHIPPED if form in one.forms}
    by_hand = choose(shipped_clauses(), form, options & fitting)
    assert chosen(form, SHIPPED, DAY, options) == tuple(clause.reference for clause in by_hand)


@given(days=st.lists(st.integers(-5, 5), min_size=1, max_size=5))
def test_of_each_clause_the_version_that_took_effect_last(days: list[int]) -> None:
    """Never one of tomorrow; of two of the same day the higher number."""
    rent = next(one for one in SHIPPED if one.clause == "rent")
    versions = [
        replace(rent, version=number, digest=f"{number:064x}", effective_from=DAY + timedelta(days=day))
        for number, day in enumerate(days, start=1)
    ]
    found = chosen(Form.OPERATING, versions, DAY, ())
    usable = [one for one in versions if one.effective_from is not None and one.effective_from <= DAY]
    assert len(found) == bool(usable)
    for held in found:
        best = max(usable, key=lambda one: (one.effective_from or date.min, one.version))
        assert held.version == best.version
