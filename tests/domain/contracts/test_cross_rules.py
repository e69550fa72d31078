"""A contract says what the accepted offer says, in the clauses that the library has, and an application has one."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from domain.contracts import library, offered
from domain.contracts.clause import CLAUSE, ClauseState, ClauseVersion, DraftClause, PublishClause, clause_stream
from domain.contracts.contract.rules import CONTRACT
from domain.contracts.contract.state import IN_FORCE, ContractPhase, ContractState
from domain.contracts.contract.values import CLAUSES_MAX, LIBRARY_MAX, LibraryClause, PartyRole
from domain.contracts.cross_rules import application, papers_of
from domain.intake import offers
from domain.intake.application import refusals as application_refusals
from domain.intake.application.commands import ExpireApplication, WithdrawApplication
from domain.intake.application.state import ApplicationPhase, ApplicationState, Offer, OfferStatus
from domain.intake.application.values import Terms
from domain.kernel.command import Command
from domain.kernel.needs import Need, StreamState
from domain.leasing.admission import lease_stream
from domain.leasing.lease.rules.decider import LEASE
from domain.pricing.matching import NOT_EFFECTIVE, PLAN_UNKNOWN
from domain.pricing.parts import Form
from domain.pricing.plans import Plan, digest_of
from domain.pricing.quoting import PLANS
from tests.domain.contracts.contract import contracts as c
from tests.domain.pricing.offers import CAR, offer, request
from tests.given import CONTEXT, TODAY, GivenFacts, Verdict, given

TOMORROW = TODAY + timedelta(days=1)
DOWN = {"down_payment_fen": 2_000_000}
MADE = offer(CAR, **DOWN)
TERMS = offers.terms_of(MADE, offers.priced_of(request(CAR, **DOWN), MADE))
APPLICATION = UUID(int=0xA9)
STREAM = offered.contract_stream(APPLICATION)
AGREED = offered.ContractConditions(lock=True, forum=None, early_settlement_rate="0.02")
PARTIES = tuple(party for party in c.PARTIES if party.role is not PartyRole.GUARANTOR)
ACCEPTED = ApplicationState(
    phase=ApplicationPhase.CONTRACTING, subject=c.LESSEE, offer=Offer(1, OfferStatus.ACCEPTED, TERMS)
)
ASSEMBLE = replace(
    c.ASSEMBLE, application=APPLICATION, plan=CAR.id, plan_digest=digest_of(CAR), form=CAR.form, parties=PARTIES,
    key_terms=offered.key_terms_of(MADE, CAR, AGREED),
)  # fmt: skip
BY_HAND = replace(ASSEMBLE, application=None)


def held(*own: ClauseState, shipped: tuple[LibraryClause, ...] = c.LIBRARY) -> dict[Need, Any]:
    """A clause library; `own` are clauses of the tenant."""
    streams: dict[Need, Any] = {
        StreamState(CLAUSE.name, clause_stream(CONTEXT.tenant, entry.clause)): None for entry in (*shipped, *c.LIBRARY)
    }
    return {library.OWN_CLAUSES: own, library.SHIPPED_CLAUSES: shipped, **streams}


def own(clause: str, *, mandatory: bool = True, effective_from: date | None = TODAY, **more: Any) -> ClauseState:
    """A clause that the tenant wrote and released, in one version."""
    version = ClauseVersion(
        number=1, title="自拟", digest="d" * 64, forms=(Form.OPERATING,), mandatory=mandatory,
        effective_from=effective_from,
    )  # fmt: skip
    return ClauseState(version=1, clause=clause, versions=(replace(version, **more),))


def case(state: ApplicationState | None = ACCEPTED, plans: tuple[Plan, ...] = (CAR,)) -> GivenFacts:
    """An application, the catalogue and the library."""
    return given({application(APPLICATION): state, PLANS: plans, **held()}, offer=MADE)


def test_a_contract_that_says_what_its_offer_says() -> None:
    case().when(ASSEMBLE, None, stream=STREAM).then()
    case(replace(ACCEPTED, phase=ApplicationPhase.OFFER_ACCEPTED)).when(ASSEMBLE, None, stream=STREAM).then()
    free = replace(ASSEMBLE, key_terms=replace(ASSEMBLE.key_terms, forum="示例仲裁委员会", lock=False))
    case().when(free, None, stream=STREAM).then()


@pytest.mark.parametrize(
    "change",
    [
        *({"total_cost_fen": 1}, {"financed_fen": 1}, {"upfront_fee_fen": 1}, {"schedule_digest": "0" * 64}),
        *({"grace_days": 9}, {"late_fee_daily_rate": "0.01"}),
    ],
)
def test_what_differs_from_the_offer_is_named(change: dict[str, Any]) -> None:
    wrong = replace(ASSEMBLE, key_terms=replace(ASSEMBLE.key_terms, **change))
    case().when(wrong, None, stream=STREAM).then_refused(offered.CONTRACT_OFFER_DIFFERS, field=next(iter(change)))


def test_what_it_is_made_of() -> None:
    """In the order of the questions: application, offer, stream, price, lessee, plan."""

    def ask(facts: GivenFacts, stream: UUID = STREAM, **change: Any) -> Any:
        return facts.when(replace(ASSEMBLE, **change), None, stream=stream)

    unpriced = Terms(amount_fen=1, currency="CNY", months=12, annual_rate="0.1", deposit_fen=0)
    ask(case(None)).then_refused(application_refusals.UNKNOWN)
    not_accepted, early = offered.OFFER_NOT_ACCEPTED, replace(ACCEPTED, phase=ApplicationPhase.REFERRED)
    ask(case(early), UUID(int=9)).then_refused(not_accepted, phase="referred")
    ask(case(replace(ACCEPTED, offer=None))).then_refused(not_accepted, phase="contracting")
    ask(case(), UUID(int=9)).then_refused(offered.NOT_OF_ITS_APPLICATION)
    plain = replace(ACCEPTED, offer=Offer(1, OfferStatus.ACCEPTED, unpriced))
    ask(case(plain)).then_refused(not_accepted, phase="contracting")
    ask(case(replace(ACCEPTED, subject=c.STRANGER))).then_refused(offered.CONTRACT_OFFER_DIFFERS, field="lessee")
    ask(case(), plan_digest="0" * 64).then_refused(offered.CONTRACT_PLAN_DIFFERS, plan=CAR.id)
    ask(case(plans=())).then_refused(PLAN_UNKNOWN)


def test_a_plan_of_an_offer_may_be_superseded_since() -> None:
    newer = replace(CAR, version=2, effective_from=TODAY)
    case().when(ASSEMBLE, None, stream=STREAM).then()
    known = {application(APPLICATION): ACCEPTED, PLANS: (CAR, newer), **held()}
    given(known, offer=MADE).when(ASSEMBLE, None, stream=STREAM).then()
    given({PLANS: (CAR, newer), **held()}).when(BY_HAND, None).then_refused(offered.CONTRACT_PLAN_DIFFERS)


def test_by_hand_it_is_on_a_plan_in_force() -> None:
    given({PLANS: (CAR,), **held()}).when(BY_HAND, None).then()
    given({PLANS: (), **held()}).when(BY_HAND, None).then_refused(PLAN_UNKNOWN)
    early = CAR.effective_from.replace(year=2025)
    given({PLANS: (CAR,), **held()}).when(BY_HAND, None, business_date=early).then_refused(NOT_EFFECTIVE)
    for change in ({"plan_digest": "0" * 64}, {"form": Form.OPERATING}):
        wrong = replace(BY_HAND, **change)
        given({PLANS: (CAR,), **held()}).when(wrong, None).then_refused(offered.CONTRACT_PLAN_DIFFERS)


# ------------------------------------------------------------------------------------------ one case, two streams

HALVES: tuple[Command, ...] = (c.PRESENT, c.ACKNOWLEDGE, c.SIGN)
GIVING_UP: tuple[Command, ...] = (WithdrawApplication(reason="changed_mind"), ExpireApplication())
OF_THE_APPLICATION = ContractState(phase=ContractPhase.ASSEMBLED, application=APPLICATION)
CONTRACT_NEED = StreamState(CONTRACT.name, STREAM)
LEASE_NEED = StreamState(LEASE.name, lease_stream(STREAM))


@pytest.mark.parametrize("command", HALVES, ids=lambda one: type(one).__name__)
def test_nobody_is_bound_for_an_application_that_is_given_up(command: Command) -> None:
    """Shown, confirmed and signed only while the application is contracting with its accepted offer."""

    def ask(found: ApplicationState | None) -> Verdict:
        return given({application(APPLICATION): found}).when(command, OF_THE_APPLICATION, stream=STREAM)

    papers: dict[Need, Any] = {papers_of(STREAM, c.ROOT): frozenset()} if command is c.PRESENT else {}
    given({application(APPLICATION): ACCEPTED, **papers}).when(command, OF_THE_APPLICATION, stream=STREAM).then()
    ask(None).then_refused(application_refusals.UNKNOWN)
    for phase in set(ApplicationPhase) - {ApplicationPhase.CONTRACTING}:
        ask(replace(ACCEPTED, phase=phase)).then_refused(offered.APPLICATION_NOT_CONTRACTING, phase=phase)
    ask(replace(ACCEPTED, offer=None)).then_refused(offered.APPLICATION_NOT_CONTRACTING, phase="contracting")
    given(papers).when(command, replace(OF_THE_APPLICATION, application=None), stream=STREAM).then()


def test_what_is_shown_is_the_paper_that_was_set() -> None:
    """Any of those that were set of this version; where none was, it is its owner's word."""

    def ask(*known: str) -> Verdict:
        by_hand = replace(OF_THE_APPLICATION, application=None)
        return given({papers_of(STREAM, c.ROOT): frozenset(known)}).when(c.PRESENT, by_hand, stream=STREAM)

    ask().then()
    ask("0" * 64, c.DOCUMENT).then()
    ask("0" * 64, "1" * 64).then_refused(offered.NOT_THE_PAPER, expected=f"{'0' * 64} {'1' * 64}", got=c.DOCUMENT)


@pytest.mark.parametrize("command", GIVING_UP, ids=lambda one: type(one).__name__)
def test_a_signed_contract_is_ended_before_its_application(command: Command) -> None:
    def ask(contract: ContractState | None) -> Verdict:
        return given({CONTRACT_NEED: contract, LEASE_NEED: None}).when(command, ACCEPTED, stream=APPLICATION)

    ask(None).then()
    for phase in set(ContractPhase) - IN_FORCE:
        ask(replace(OF_THE_APPLICATION, phase=phase)).then()
    for phase in IN_FORCE:
        signed = replace(OF_THE_APPLICATION, phase=phase)
        refused = given({CONTRACT_NEED: signed}).when(command, ACCEPTED, stream=APPLICATION)
        refused.then_refused(offered.CONTRACT_IN_FORCE, contract=STREAM, phase=phase)
    ask(ContractState(phase=ContractPhase.EXECUTED)).then()


@pytest.mark.parametrize("command", GIVING_UP, ids=lambda one: type(one).__name__)
def test_before_the_offer_is_accepted_nothing_else_is_read(command: Command) -> None:
    given().when(command, replace(ACCEPTED, phase=ApplicationPhase.APPROVED), stream=APPLICATION).then()


# ---------------------------------------------------------------------------------------------------------- library

PROPOSE = replace(c.PROPOSE, clauses=c.CLAUSES, library=c.LIBRARY)


@pytest.mark.parametrize("command", [BY_HAND, PROPOSE], ids=["assemble", "amend"])
def test_the_library_is_what_the_ledger_has(command: Any) -> None:
    """A withdrawn or made-up clause does not come in by a kind word about the library."""
    plans: dict[Need, Any] = {PLANS: (CAR,)} if command is BY_HAND else {}
    first, *rest = c.LIBRARY
    given(plans | held()).when(command, None).then()
    for said in ((replace(first, title="另一条款"), *rest), tuple(rest), ()):
        given(plans | held()).when(replace(command, library=said), None).then_refused(offered.LIBRARY_DIFFERS)
    given(plans | held(own("evidence"))).when(command, None).then_refused(offered.LIBRARY_DIFFERS)
    given(plans | held(own("ours"))).when(command, None).then_refused(offered.LIBRARY_DIFFERS)
    given(plans | held(own("ours", mandatory=False))).when(command, None).then()
    given(plans | held(own("ours", effective_from=None))).when(command, None).then()


def test_a_clause_of_the_tenant_that_no_list_names_yet_counts() -> None:
    """Its stream is read by its name, so that a first draft is not missed in the instant it is written."""
    stream = StreamState(CLAUSE.name, clause_stream(CONTEXT.tenant, "evidence"))
    known = {PLANS: (CAR,), **held(), stream: own("evidence")}
    given(known).when(BY_HAND, None).then_refused(offered.LIBRARY_DIFFERS)


def test_entries_in_the_order_of_contracts() -> None:
    """Shipped ones, the tenant's in the place of those, its further ones behind."""
    found = library.entries(held(own("rent"), own("ours")))
    assert [entry.clause for entry in found] == [*(entry.clause for entry in c.LIBRARY), "ours"]
    assert [entry.digest for entry in found if entry.clause == "rent"] == ["d" * 64]
    optional = [entry for entry in c.LIBRARY if not entry.mandatory]
    named = {(optional[0].clause, optional[0].version)}
    assert optional[0] in library.entries_about(held(), named, TODAY)
    assert optional[1] not in library.entries_about(held(), named, TODAY)


def test_a_clauses_past_does_not_matter_to_a_contract() -> None:
    """However often a mandatory clause was revised: what matters is the version held, and that it is mandatory."""
    versions = tuple(replace(own("ours").versions[0], number=number) for number in range(1, LIBRARY_MAX + 2))
    facts = held(ClauseState(version=1, clause="ours", versions=versions))
    about = [entry.version for entry in library.entries_about(facts, {("ours", 7)}, TODAY) if entry.clause == "ours"]
    assert about == [7, LIBRARY_MAX + 1]
    for less in ({"mandatory": False}, {"effective_from": TOMORROW}, {"withdrawn_from": TODAY}):
        assert not {one.clause for one in library.entries_about(held(own("ours", **less)), (), TODAY)} & {"ours"}


# ------------------------------------------------------------------------------------------- room in the library

DRAFT = DraftClause(
    clause="further", title="条款", gloss="a clause", forms=(Form.OPERATING,), mandatory=True, text="一条。"
)
PUBLISH = PublishClause(version=1, digest="d" * 64, effective_from=TODAY)


def several(count: int, **more: Any) -> list[ClauseState]:
    return [own(f"own_{number}", **more) for number in range(count)]


def test_a_tenants_library_has_room_for_so_many_clauses() -> None:
    """Each contract reads them all. A further version of a clause takes no room."""
    full: dict[Need, Any] = {library.SOME_OWN_CLAUSES: tuple(several(library.OWN_CLAUSES_MAX))}
    given(full).when(DRAFT, ClauseState()).then_refused(library.LIBRARY_FULL, limit=library.OWN_CLAUSES_MAX)
    given().when(DRAFT, own("further")).then()
    room: dict[Need, Any] = {library.SOME_OWN_CLAUSES: tuple(several(library.OWN_CLAUSES_MAX - 1))}
    given(room).when(DRAFT, ClauseState()).then()


def test_mandatory_clauses_leave_a_contract_room_for_others() -> None:
    """Shipped ones count, withdrawn ones and drafts do not; those of another form are in other contracts."""
    shipped = sum(one.mandatory and Form.OPERATING in one.forms for one in c.LIBRARY)
    least = library.MANDATORY_MAX - shipped
    draft = own("further", effective_from=None)
    full = given(held(*several(least), draft))
    refused = full.when(PUBLISH, draft)
    refused.then_refused(library.MANDATORY_FULL, form=Form.OPERATING, limit=library.MANDATORY_MAX)
    given(held(*several(least - 1), draft)).when(PUBLISH, draft).then()
    for less in ({"withdrawn_from": TODAY}, {"mandatory": False}, {"effective_from": None}, {"forms": (Form.DIRECT,)}):
        given(held(*several(least, **less), draft)).when(PUBLISH, draft).then()
    later = {"effective_from": TOMORROW}
    given(held(*several(least, **later), draft)).when(PUBLISH, draft).then_refused(library.MANDATORY_FULL)
    again = own("own_0")
    given(held(*several(least), again)).when(PUBLISH, again).then()
    given().when(PUBLISH, own("further", mandatory=False, effective_from=None)).then()
    assert library.MANDATORY_MAX < CLAUSES_MAX
