"""A lease says what its contract says, a contract has one, its plan's consents stand, and there is room for it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from domain.contracts.contract import refusals as contract_refusals
from domain.contracts.contract.commands import FulfilContract, TerminateContract
from domain.contracts.contract.rules import CONTRACT
from domain.contracts.contract.state import IN_FORCE, ContractPhase, ContractState
from domain.contracts.offered import LEASE_NOT_SETTLED, NOTHING_PERFORMED, contract_stream
from domain.intake import offers
from domain.intake.application import refusals as application_refusals
from domain.intake.application.commands import CompleteApplication, ExpireApplication, WithdrawApplication
from domain.intake.application.rules import APPLICATION
from domain.intake.application.state import ApplicationPhase, ApplicationState
from domain.kernel.command import Command
from domain.kernel.event import Event
from domain.kernel.needs import FirstEvent, Need, StreamEvents, StreamState
from domain.kernel.values import Business
from domain.kernel.values import Business as PlanBusiness
from domain.leasing.admission import (
    CONTRACT_DIFFERS,
    LEASE_BEGUN,
    LEASE_NOT_BEGUN,
    LEASE_OPEN,
    NOT_OF_ITS_CONTRACT,
    lease_stream,
)
from domain.leasing.lease.commands import (
    ActivateLease,
    RecordDelivery,
    RenewLease,
    RestructureLease,
    TransferLease,
    WaiveDeposit,
)
from domain.leasing.lease.events.money import LeaseActivated, LeaseClosed
from domain.leasing.lease.rules.decider import LEASE as LEASE_DECIDER
from domain.leasing.lease.state import OPEN, LeasePhase, LeaseState
from domain.parties import permission
from domain.parties.needs import consents_of
from domain.parties.purposes import Purpose
from domain.portfolio import limits
from domain.portfolio.limits import Exposure, Portfolio, PrudentialData
from domain.portfolio.needs import PRUDENTIAL_DATA, portfolio_in
from domain.pricing.matching import PLAN_UNKNOWN
from domain.pricing.plans import digest_of
from domain.pricing.quoting import PLANS
from tests.domain.contracts.contract import contracts
from tests.domain.leasing import cases as lease_cases
from tests.domain.leasing.test_admission import EXECUTED, LEASE, contract_in
from tests.domain.parties.standing import consent
from tests.domain.pricing.offers import CAR
from tests.given import STREAM as GIVEN_STREAM
from tests.given import TODAY, GivenFacts, Verdict, given

CONTRACT_ID, APPLICATION_ID = UUID(int=0xC0), UUID(int=0xA9)
STREAM = lease_stream(CONTRACT_ID)
PLAN = replace(CAR, id=LEASE.plan, business=PlanBusiness.RENTAL, consents=("automated_decision", "third_parties"))
CREATE = replace(LEASE, contract=CONTRACT_ID, plan_digest=digest_of(PLAN), application=APPLICATION_ID)
STANDS = tuple(consent(Purpose(purpose), TODAY) for purpose in PLAN.consents)


def executed(state: ContractState = EXECUTED, **head: Any) -> ContractState:
    """A contract in force on the plan, of the application."""
    assert state.head is not None
    on_plan = {"plan_digest": digest_of(PLAN)} | head
    return replace(state, head=replace(state.head, **on_plan), application=APPLICATION_ID)


def case(**change: Any) -> GivenFacts:
    """A contract in force, its plan, its application, and its lessee's consents."""
    of = {"contract": executed(), "application": ApplicationState(), "plans": (PLAN,), "consents": STANDS} | change
    assert CREATE.subject is not None
    return given(
        {
            StreamState(CONTRACT.name, CONTRACT_ID): of["contract"],
            StreamState(APPLICATION.name, APPLICATION_ID): of["application"],
            PLANS: of["plans"],
            consents_of(CREATE.subject): of["consents"],
        }
    )


def created(facts: GivenFacts, stream: UUID = STREAM, **change: Any) -> Verdict:
    return facts.when(replace(CREATE, **change), LeaseState(), stream=stream)


def test_a_lease_of_its_contract() -> None:
    created(case()).then()


def test_what_it_is_made_of() -> None:
    """In the order of the questions: contract, stream, plan, application."""
    created(case(contract=None)).then_refused(contract_refusals.UNKNOWN)
    created(case(contract=contract_in(ContractPhase.PRESENTED))).then_refused(contract_refusals.NOT_IN_FORCE)
    created(case(), principal_fen=1).then_refused(CONTRACT_DIFFERS, field="principal_fen")
    created(case(), stream=UUID(int=9), principal_fen=1).then_refused(CONTRACT_DIFFERS)
    created(case(), stream=UUID(int=9)).then_refused(NOT_OF_ITS_CONTRACT)
    created(case(plans=())).then_refused(PLAN_UNKNOWN)
    created(case(plans=(replace(PLAN, version=2),))).then_refused(offers.PLAN_DIFFERS, plan=PLAN.id)
    created(case(application=None)).then_refused(application_refusals.UNKNOWN)
    without = {need: fact for need, fact in case().known.items() if need != StreamState(CONTRACT.name, CONTRACT_ID)}
    created(given(without), contract=None).then_refused(contract_refusals.UNKNOWN)


def test_the_business_is_the_plans() -> None:
    leasing = replace(PLAN, business=PlanBusiness.FINANCE)
    contract = executed(plan_digest=digest_of(leasing))
    facts = case(plans=(leasing,), contract=contract)
    created(facts, plan_digest=digest_of(leasing)).then_refused(CONTRACT_DIFFERS, field="business")


@pytest.mark.parametrize("lacks", PLAN.consents)
def test_the_consents_of_its_plan(lacks: str) -> None:
    others = tuple(one for one in STANDS if one.purpose is not Purpose(lacks))
    created(case(consents=others)).then_refused(permission.MISSING, purpose=lacks)
    withdrawn = consent(Purpose(lacks), TODAY, withdrawn_on=TODAY)
    created(case(consents=(*others, withdrawn))).then_refused(permission.WITHDRAWN)


def test_who_was_judged_by_a_person_need_not_have_agreed_to_machines() -> None:
    others = tuple(one for one in STANDS if one.purpose is not Purpose.AUTOMATED_DECISION)
    created(case(consents=others, application=ApplicationState(referred=True))).then()


# ------------------------------------------------------------------------------------------------- portfolio limits

NET_FEN = 10_000_000
LESSEE = contracts.LESSEE
RUNS = LeaseState(
    phase=LeasePhase.AWAITING_DELIVERY, business=Business.FINANCE, principal_fen=3_000_000, currency="CNY",
    subject=LESSEE,
)  # fmt: skip
ACTIVATE = ActivateLease(on=TODAY)


CREATED = FirstEvent(LEASE_DECIDER.name, GIVEN_STREAM)


def room(*exposures: Exposure, **data: Any) -> GivenFacts:
    """A portfolio in renminbi that holds so much already, of a tenant with these figures."""
    figures = PrudentialData(**{"net_assets_fen": NET_FEN, "total_assets_fen": NET_FEN} | data)
    fen = sum(one.fen for one in exposures)
    portfolio = Portfolio(
        net_assets_fen=figures.net_assets_fen, total_assets_fen=NET_FEN, lease_assets_fen=NET_FEN,
        risk_assets_fen=fen, exposures=exposures,
    )  # fmt: skip
    facts: dict[Need, Any] = {PRUDENTIAL_DATA: figures, portfolio_in("CNY"): portfolio, CREATED: None}
    return given(facts)


def test_a_finance_lease_has_room() -> None:
    """Exactly 30 % of net assets may be one lessee's, and not a fen more."""
    room().when(ACTIVATE, RUNS).then()
    room().when(ACTIVATE, replace(RUNS, principal_fen=3_000_001)).then_refused(limits.ONE_LESSEE)
    room(Exposure(lessee=LESSEE, fen=1)).when(ACTIVATE, RUNS).then_refused(limits.ONE_LESSEE)
    room(Exposure(lessee=UUID(int=5), fen=1)).when(ACTIVATE, RUNS).then()
    room(net_assets_fen=0).when(ACTIVATE, RUNS).then_refused(limits.NO_NET_ASSETS)


def test_whom_the_limits_are_about() -> None:
    """Groups and related parties are the tenant's word; a lease about nobody is its own lessee."""
    group, other = UUID(int=6), UUID(int=5)
    big = Exposure(lessee=other, fen=2_500_000, group=group)
    room(big, group_of={LESSEE: group}).when(ACTIVATE, RUNS).then_refused(limits.ONE_GROUP)
    related = Exposure(lessee=other, fen=2_500_000, related=True)
    room(related, related=frozenset({LESSEE})).when(ACTIVATE, RUNS).then_refused(limits.ALL_RELATED)
    nobody = replace(RUNS, subject=None, principal_fen=3_000_001)
    verdict = room().when(ACTIVATE, nobody)
    verdict.then_refused(limits.ONE_LESSEE)
    assert verdict.answer is not None
    assert dict(verdict.answer.facts)["lessee"] == str(GIVEN_STREAM)


def test_what_is_no_exposure_reads_no_sum() -> None:
    given({CREATED: None}).when(ACTIVATE, replace(RUNS, business=Business.RENTAL)).then()
    given({CREATED: None}).when(ACTIVATE, replace(RUNS, phase=LeasePhase.ACTIVE)).then()


def test_a_finance_lease_needs_room_when_it_is_made() -> None:
    leasing = replace(PLAN, business=PlanBusiness.FINANCE)
    digest = digest_of(leasing)
    of = dict(case(plans=(leasing,), contract=executed(plan_digest=digest)).known)
    change: dict[str, Any] = {"business": Business.FINANCE, "plan_digest": digest, "policy": 1}
    of |= {need: fact for need, fact in room().known.items() if need != CREATED}
    created(given(of), **change).then()
    of |= {need: fact for need, fact in room(net_assets_fen=0).known.items() if need != CREATED}
    created(given(of), **change).then_refused(limits.NO_NET_ASSETS)


# ------------------------------------------------------------------------------------- a lease that is to begin

BEGINNING: dict[str, Command] = {
    "deposit": WaiveDeposit(), "delivery": RecordDelivery(on=TODAY), "activation": ACTIVATE,
}  # fmt: skip


@pytest.mark.parametrize("command", BEGINNING.values(), ids=BEGINNING)
def test_a_lease_begins_under_a_contract_that_is_in_force(command: Command) -> None:
    """One that was made of none (taken over from another book) needs none."""
    rental = replace(RUNS, business=Business.RENTAL)
    made = lease_cases.given().when(CREATE).answer
    assert isinstance(made, tuple)
    for phase in ContractPhase:
        facts = given({CREATED: made[0], StreamState(CONTRACT.name, CONTRACT_ID): ContractState(phase=phase)})
        if phase in IN_FORCE:
            facts.when(command, rental).then()
        else:
            facts.when(command, rental).then_refused(contract_refusals.NOT_IN_FORCE, phase=phase)
    given({CREATED: replace(made[0], contract=None)}).when(command, rental).then()
    gone = given({CREATED: made[0], StreamState(CONTRACT.name, CONTRACT_ID): None})
    gone.when(command, rental).then_refused(contract_refusals.NOT_IN_FORCE, phase="absent")


AGREED: dict[str, Command] = {
    "renewal": RenewLease(months=1, schedule=LEASE.schedule),
    "schedule": RestructureLease(schedule=LEASE.schedule, reason="x"),
    "investor": TransferLease(investor=UUID(int=0x1A), price_fen=1),
}


@pytest.mark.parametrize("command", AGREED.values(), ids=AGREED)
def test_nothing_is_agreed_anew_under_a_void_contract(command: Command) -> None:
    """Not with the lessee, and not with an investor about what the lessee owes."""
    runs = replace(RUNS, phase=LeasePhase.ACTIVE)
    made = lease_cases.given().when(CREATE).answer
    assert isinstance(made, tuple)
    for phase in (*IN_FORCE, ContractPhase.VOID):
        facts = given({CREATED: made[0], StreamState(CONTRACT.name, CONTRACT_ID): ContractState(phase=phase)})
        if phase is ContractPhase.VOID:
            facts.when(command, runs).then_refused(contract_refusals.NOT_IN_FORCE, phase="void")
        else:
            facts.when(command, runs).then()
    given({CREATED: replace(made[0], contract=None)}).when(command, runs).then()


# ------------------------------------------------------------------------------- what a lease holds up as it runs

ACTIVATED = LeaseActivated(on=TODAY, business=Business.RENTAL, principal_fen=1)
CONTRACTING = ApplicationState(phase=ApplicationPhase.CONTRACTING)
OF_THE_APPLICATION = contract_stream(APPLICATION_ID)
ITS_LEASE = StreamState(LEASE_DECIDER.name, lease_stream(OF_THE_APPLICATION))
ITS_EVENTS = StreamEvents(LEASE_DECIDER.name, lease_stream(OF_THE_APPLICATION))
NO_CONTRACT: dict[Need, Any] = {StreamState(CONTRACT.name, OF_THE_APPLICATION): None}


def ends(command: Command, lease: LeaseState | None, *past: Event) -> Verdict:
    """The end of a contract, judged by its lease; only performance asks what became of that."""
    found: dict[Need, Any] = {StreamState(LEASE_DECIDER.name, STREAM): lease}
    if isinstance(command, FulfilContract) and (lease is None or lease.phase not in OPEN):
        found[StreamEvents(LEASE_DECIDER.name, STREAM)] = past
    return given(found).when(command, ContractState(), stream=CONTRACT_ID)


@pytest.mark.parametrize("command", [TerminateContract(reason="x"), FulfilContract()], ids=["terminate", "fulfil"])
def test_a_contract_does_not_end_under_its_lease(command: Command) -> None:
    def ask(lease: LeaseState | None) -> Verdict:
        return ends(command, lease, ACTIVATED)

    ask(None).then()
    ask(LeaseState(phase=LeasePhase.SETTLED)).then()
    for phase in OPEN:
        ask(LeaseState(phase=phase)).then_refused(LEASE_NOT_SETTLED, lease=STREAM, phase=phase)


def test_a_contract_is_fulfilled_by_a_lease_that_began() -> None:
    """Without one, or with one that was closed before delivery, nobody performed it: it is terminated."""
    settled = LeaseState(phase=LeasePhase.SETTLED)
    ends(FulfilContract(), settled, ACTIVATED, LeaseClosed(on=TODAY)).then()
    for lease, past in ((None, ()), (settled, (LeaseClosed(on=TODAY),))):
        ends(FulfilContract(), lease, *past).then_refused(NOTHING_PERFORMED, lease=STREAM)
        ends(TerminateContract(reason="not_begun"), lease, *past).then()


@pytest.mark.parametrize("command", [WithdrawApplication(reason="x"), ExpireApplication()], ids=["withdraw", "expire"])
def test_an_application_is_not_given_up_under_its_lease(command: Command) -> None:
    """A contract that was declared void may leave a lease that runs; one that ran to its end is performed."""

    def ask(lease: LeaseState | None, *, events: tuple[Event, ...] = ()) -> Verdict:
        past: dict[Need, Any] = {ITS_EVENTS: events} if events else {}
        return given({**NO_CONTRACT, ITS_LEASE: lease, **past}).when(command, CONTRACTING, stream=APPLICATION_ID)

    ask(None).then()
    settled, closed = LeaseState(phase=LeasePhase.SETTLED), LeaseClosed(on=TODAY)
    ask(settled, events=(closed,)).then()
    ask(settled, events=(ACTIVATED, closed)).then_refused(LEASE_BEGUN, lease=lease_stream(OF_THE_APPLICATION))
    for phase in OPEN:
        ask(LeaseState(phase=phase)).then_refused(LEASE_OPEN, lease=lease_stream(OF_THE_APPLICATION), phase=phase)


def test_an_application_is_completed_by_a_lease_that_began() -> None:
    def ask(*events: Event) -> Verdict:
        return given({ITS_EVENTS: events}).when(CompleteApplication(), CONTRACTING, stream=APPLICATION_ID)

    made = lease_cases.given().when(LEASE).answer
    assert isinstance(made, tuple)
    created = made[0]
    ask(created, ACTIVATED).then()
    ask(created, ACTIVATED, LeaseClosed(on=TODAY)).then()
    for events in ((), (created,), (created, LeaseClosed(on=TODAY))):
        ask(*events).then_refused(LEASE_NOT_BEGUN, lease=lease_stream(OF_THE_APPLICATION))
