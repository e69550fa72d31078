"""Application, contract and lease end together: whatever ends first, nothing is left that waits for ever."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from msgspec import structs

from adapters.processes.subscription import Subscription, occurrence_of
from adapters.reference.clauses import shipped_entries
from domain.contracts import offered
from domain.contracts.contract.commands import (
    AssembleContract,
    FulfilContract,
    LapseAmendment,
    PresentContract,
    ProposeAmendment,
    TerminateContract,
    VoidContract,
)
from domain.contracts.contract.rules import CONTRACT
from domain.contracts.cross_rules import application as application_need
from domain.intake.application import commands as a
from domain.intake.application.events import ContractingStarted
from domain.intake.application.rules import APPLICATION
from domain.intake.application.state import ApplicationPhase
from domain.kernel.event import Event
from domain.kernel.needs import Facts
from domain.kernel.process import FollowUp, Occurrence
from domain.leasing.admission import LEASE_BEGUN, LEASE_NOT_BEGUN, LEASE_OPEN, lease_stream
from domain.leasing.lease.commands import (
    ActivateLease,
    CloseLease,
    PostPayment,
    RecordDelivery,
    RecordDownPayment,
    RefundDownPayment,
    ReleaseDeposit,
    ReturnAsset,
    ReversePayment,
)
from domain.leasing.lease.events.lifecycle import AssetTotallyLost, LeaseEarlySettled, LeaseTerminated
from domain.leasing.lease.events.money import BuyoutCompleted, LeaseActivated
from domain.leasing.lease.rules.decider import LEASE
from domain.leasing.origination import ORIGINATION, reason_of
from tests.adapters.lessor import CAR, DAY, EVERYTHING, Lessor, contract_stream, wish
from tests.adapters.processes.conftest import activated, contracting, handed_over, leased, reason_of_end
from tests.given import appended


async def test_a_lease_that_never_began_ends_its_contract(lessor: Lessor, origination: Subscription) -> None:
    application, contract, lease = await leased(lessor, origination, wish(CAR))
    await lessor.given(LEASE, lease, CloseLease())
    await origination.catch_up()
    (*_, ended) = [one.parsed().event() for one in await lessor.program.reader.stream(contract)]
    assert getattr(ended, "reason", "") == "not_begun"
    assert (await lessor.types(application))[-1] == "withdrawn", "without contract and lease there is no case"


async def test_an_application_that_is_given_up_takes_its_contract_along(
    lessor: Lessor, origination: Subscription
) -> None:
    """Nobody can sign what nobody can perform."""
    application, contract = await contracting(lessor, origination)
    state = await lessor.contract(contract)
    await lessor.given(APPLICATION, application, a.WithdrawApplication(reason="changed_mind"))
    shown = PresentContract(root=state.root, document="d" * 64, disclosed=EVERYTHING, channel="app")
    (await lessor.when(CONTRACT, contract, shown)).then_refused(offered.APPLICATION_NOT_CONTRACTING.code)
    await origination.catch_up()
    assert await reason_of_end(lessor, contract, "contract.voided.v1") == "application_withdrawn"
    assert not await origination.parking.of_tenant(lessor.tenant)


async def test_a_signed_contract_is_not_given_up_with_its_application(
    lessor: Lessor, origination: Subscription
) -> None:
    """What to end first is said at every step, from the lease back to the application."""
    application, contract, lease = await leased(lessor, origination, wish())
    give_up = a.WithdrawApplication(reason="changed_mind")
    (await lessor.when(APPLICATION, application, give_up)).then_refused(offered.CONTRACT_IN_FORCE.code)
    (await lessor.when(CONTRACT, contract, TerminateContract(reason="x"))).then_refused(offered.LEASE_NOT_SETTLED.code)
    (await lessor.when(APPLICATION, application, a.CompleteApplication())).then_refused(LEASE_NOT_BEGUN.code)
    await lessor.given(LEASE, lease, CloseLease())
    await origination.catch_up()
    assert await reason_of_end(lessor, contract, "contract.terminated.v1") == "not_begun"
    assert await reason_of_end(lessor, application, "application.withdrawn.v1") == "contract_terminated"
    assert not await origination.parking.of_tenant(lessor.tenant)


async def test_a_contract_that_is_given_up_takes_its_application_along(
    lessor: Lessor, origination: Subscription
) -> None:
    application, contract = await contracting(lessor, origination)
    await lessor.given(CONTRACT, contract, VoidContract(reason="second_thoughts"))
    (await lessor.when(APPLICATION, application, a.CompleteApplication())).then_refused(LEASE_NOT_BEGUN.code)
    await origination.catch_up()
    assert await reason_of_end(lessor, application, "application.withdrawn.v1") == "contract_voided"
    assert not await origination.parking.of_tenant(lessor.tenant)


async def assembly(lessor: Lessor, application: UUID) -> AssembleContract:
    """What the process would make of an accepted offer, before it was told to."""
    reaction = ORIGINATION.reacts[ContractingStarted]
    seen = Occurrence(event=ContractingStarted(), stream=application, tenant=lessor.tenant, business_date=DAY)
    facts = await lessor.program.facts.facts(lessor.tenant, lambda found: reaction.needs(seen, found))
    need = application_need(application)
    begun = structs.replace(facts[need], phase=ApplicationPhase.CONTRACTING)
    (asked,) = reaction.follow(seen, {**facts, need: begun})
    assert isinstance(asked, FollowUp)
    assert isinstance(asked.command, AssembleContract)
    return asked.command


@pytest.mark.parametrize("begun", [True, False], ids=["begun", "not_begun"])
@pytest.mark.parametrize("looks_between", [True, False], ids=["looks_between", "looks_afterwards"])
async def test_an_application_ends_with_its_contract_whenever_the_process_looks(
    lessor: Lessor, origination: Subscription, *, begun: bool, looks_between: bool
) -> None:
    """People made the contract and gave it up while the process stood still."""
    await lessor.consents()
    application = await lessor.accepted(wish())
    contract = contract_stream(application)
    if begun:
        await lessor.given(APPLICATION, application, a.StartContracting())
    await lessor.given(CONTRACT, contract, await assembly(lessor, application))
    if looks_between:
        await origination.catch_up()
    await lessor.given(CONTRACT, contract, VoidContract(reason="second_thoughts"))
    await origination.catch_up()
    assert (await lessor.types(application))[-2:] == ["contracting_started", "withdrawn"]
    assert await reason_of_end(lessor, application, "application.withdrawn.v1") == "contract_voided"
    assert await lessor.types(contract) == ["assembled", "voided"]
    assert not await origination.parking.of_tenant(lessor.tenant)


async def test_a_lease_under_a_void_contract_is_put_before_people(lessor: Lessor, origination: Subscription) -> None:
    """A judgement is recorded whenever it comes; what it leaves standing is not passed over."""
    application, contract, lease = await leased(lessor, origination, wish())
    await lessor.given(CONTRACT, contract, VoidContract(reason="judgement", basis="b" * 64))
    await origination.catch_up()
    (refused,) = await origination.parking.of_tenant(lessor.tenant)
    assert (refused.key, refused.code) == (f"contract:{contract.hex}:application", "contract.lease_not_settled")
    assert refused.stream == lease
    give_up = a.WithdrawApplication(reason="changed_mind")
    (await lessor.when(APPLICATION, application, give_up)).then_refused(LEASE_OPEN.code)


@pytest.mark.parametrize(
    ("happened", "reason"),
    [
        ({LeaseActivated}, None),
        ({LeaseActivated, BuyoutCompleted}, None),
        ({LeaseActivated, LeaseEarlySettled}, "early_settlement"),
        ({LeaseActivated, LeaseTerminated}, "default"),
        ({LeaseActivated, AssetTotallyLost}, "total_loss"),
        (set(), "not_begun"),
    ],
)
def test_how_a_contract_ends_with_its_lease(happened: set[type[Event]], reason: str | None) -> None:
    assert reason_of(happened) == reason


async def test_a_void_contracts_application_ends_when_its_lease_is_closed(
    lessor: Lessor, origination: Subscription
) -> None:
    """The contract could not take it along while the lease was open."""
    application, contract, lease = await leased(lessor, origination, wish())
    await lessor.given(CONTRACT, contract, VoidContract(reason="judgement", basis="b" * 64))
    await origination.catch_up()
    assert (await lessor.types(application))[-1] == "contracting_started"
    await lessor.given(LEASE, lease, CloseLease())
    await origination.catch_up()
    assert await reason_of_end(lessor, application, "application.withdrawn.v1") == "contract_voided"
    (_, _, withdrawn) = [one.parsed() for one in (await lessor.program.reader.stream(application))[-3:]]
    assert withdrawn.actor.id == "process:originating"


async def test_nothing_begins_under_a_void_contract(lessor: Lessor, origination: Subscription) -> None:
    """What came of the lessee's money is recorded, so that it can be given back and the lease closed."""
    _, contract, lease = await leased(lessor, origination, wish(CAR))
    await lessor.given(LEASE, lease, RecordDelivery(on=DAY))
    await lessor.given(CONTRACT, contract, VoidContract(reason="judgement", basis="b" * 64))
    state = await lessor.lease(lease)
    assert state is not None
    fen = state.down_payment_open_fen
    await lessor.given(LEASE, lease, RecordDownPayment(fen=fen))
    (await lessor.when(LEASE, lease, ActivateLease(on=DAY))).then_refused("contract.not_in_force", phase="void")
    await lessor.given(LEASE, lease, RefundDownPayment(fen=fen), CloseLease())


async def amending(lessor: Lessor, contract: UUID) -> ProposeAmendment:
    """Other terms under the clauses that are agreed."""
    state = await lessor.contract(contract)
    assert state.key_terms is not None
    held = {one.clause for one in state.clauses}
    return ProposeAmendment(
        key_terms=structs.replace(state.key_terms, early_settlement_rate="0.01"),
        clauses=state.clauses,
        library=tuple(one for one in shipped_entries() if one.mandatory or one.clause in held),
        document="e" * 64,
        disclosed=EVERYTHING,
        reason="goodwill",
    )


async def returned(lessor: Lessor, lease: UUID) -> None:
    """The object comes back, what that costs is paid, and nothing is owed."""
    await lessor.given(LEASE, lease, ReturnAsset(on=DAY))
    state = await lessor.lease(lease)
    assert state is not None
    await lessor.given(LEASE, lease, PostPayment(payment=uuid4(), amount_fen=state.balances.open_fen, value_date=DAY))
    if state.deposit_held_fen:
        await lessor.given(LEASE, lease, ReleaseDeposit(fen=state.deposit_held_fen))
    await lessor.given(LEASE, lease, CloseLease())


async def test_what_was_performed_is_not_given_up(lessor: Lessor, origination: Subscription) -> None:
    """A whole lease was lived while the process stood still: its application is completed, late."""
    application, contract, lease = await leased(lessor, origination, wish())
    await handed_over(lessor, lease)
    await returned(lessor, lease)
    await lessor.given(CONTRACT, contract, FulfilContract())
    give_up = a.WithdrawApplication(reason="changed_mind")
    (await lessor.when(APPLICATION, application, give_up)).then_refused(LEASE_BEGUN.code, lease=lease)
    await origination.catch_up()
    assert (await lessor.types(application))[-1] == "completed"
    assert not await origination.parking.of_tenant(lessor.tenant)


async def test_a_judgement_on_what_was_performed_opens_nothing(lessor: Lessor, origination: Subscription) -> None:
    """It is recorded; what is to be given back is for people, and whether they find it out is not the ledger's."""
    application, contract, lease = await leased(lessor, origination, wish())
    await activated(lessor, origination, lease)
    await returned(lessor, lease)
    await origination.catch_up()
    assert (await lessor.types(contract))[-1] == "fulfilled"
    before = await lessor.program.reader.size()
    await lessor.given(CONTRACT, contract, VoidContract(reason="judgement", basis="b" * 64))
    await origination.catch_up()
    assert await appended(lessor.program, before) == ("contract.voided.v1",)
    assert (await lessor.types(application))[-1] == "completed"
    assert not await origination.parking.of_tenant(lessor.tenant)


async def test_a_judgement_on_what_was_opened_again_is_put_before_people(
    lessor: Lessor, origination: Subscription
) -> None:
    """The last money of a settled lease was taken back, and the contract that it ended turns out to be void."""
    _, contract, lease = await leased(lessor, origination, wish())
    await activated(lessor, origination, lease)
    await returned(lessor, lease)
    await origination.catch_up()
    state = await lessor.lease(lease)
    assert state is not None
    await lessor.given(LEASE, lease, ReversePayment(payment=state.receipts[-1].payment, reason="returned"))
    await lessor.given(CONTRACT, contract, VoidContract(reason="judgement", basis="b" * 64))
    await origination.catch_up()
    (refused,) = await origination.parking.of_tenant(lessor.tenant)
    assert (refused.stream, refused.code) == (lease, "contract.lease_not_settled")


async def test_a_contract_ends_when_the_amendment_that_held_it_is_over(
    lessor: Lessor, origination: Subscription
) -> None:
    """Its lease was settled meanwhile; people hear of that, and once they have decided the contract ends by itself."""
    _, contract, lease = await leased(lessor, origination, wish())
    await activated(lessor, origination, lease)
    await lessor.given(CONTRACT, contract, await amending(lessor, contract))
    await returned(lessor, lease)
    await origination.catch_up()
    (refused,) = await origination.parking.of_tenant(lessor.tenant)
    assert (refused.key, refused.code) == (f"lease:{lease.hex}:contract", "contract.amendment_pending")
    await lessor.given(CONTRACT, contract, LapseAmendment(reason="settled"))
    await origination.catch_up()
    assert (await lessor.types(contract))[-2:] == ["amendment_lapsed", "fulfilled"]


async def test_an_amendment_of_a_running_lease_ends_nothing(lessor: Lessor, origination: Subscription) -> None:
    _, contract, _ = await leased(lessor, origination, wish())
    await lessor.given(CONTRACT, contract, await amending(lessor, contract), LapseAmendment(reason="second_thoughts"))
    await origination.catch_up()
    assert (await lessor.types(contract))[-1] == "amendment_lapsed"
    assert not await origination.parking.of_tenant(lessor.tenant)


# --------------------------------------------------------------------------------------------- no false alarms


async def test_a_contract_that_ended_at_once_is_not_missed_a_lease(lessor: Lessor, origination: Subscription) -> None:
    """Signed and ended before anybody looked: nobody waits for its lease."""
    application, contract = await contracting(lessor, origination)
    await lessor.signed(contract)
    await lessor.given(CONTRACT, contract, TerminateContract(reason="second_thoughts"))
    await origination.catch_up()
    assert await lessor.lease(lease_stream(contract)) is None
    assert await reason_of_end(lessor, application, "application.withdrawn.v1") == "contract_terminated"
    assert not await origination.parking.of_tenant(lessor.tenant)


async def test_a_contract_that_people_assembled_is_not_assembled_again(
    lessor: Lessor, origination: Subscription
) -> None:
    application = await lessor.accepted(wish())
    await lessor.given(APPLICATION, application, a.StartContracting())
    reaction = ORIGINATION.reacts[ContractingStarted]
    (begun,) = [
        one.parsed() for one in await lessor.program.reader.stream(application)
        if one.parsed().type == "application.contracting_started.v1"
    ]  # fmt: skip
    seen = occurrence_of(begun.event(), begun)

    async def facts() -> Facts:
        return await lessor.program.facts.facts(lessor.tenant, lambda found: reaction.needs(seen, found))

    (asked,) = reaction.follow(seen, await facts())
    assert isinstance(asked, FollowUp)
    await lessor.given(CONTRACT, asked.stream, asked.command)
    assert reaction.follow(seen, await facts()) == ()


async def test_a_lease_that_was_opened_again_at_once_ends_nothing(lessor: Lessor, origination: Subscription) -> None:
    """Its last money was taken back before anybody looked: the contract goes on."""
    _, contract, lease = await leased(lessor, origination, wish())
    await activated(lessor, origination, lease)
    await returned(lessor, lease)
    state = await lessor.lease(lease)
    assert state is not None
    await lessor.given(LEASE, lease, ReversePayment(payment=state.receipts[-1].payment, reason="returned"))
    await origination.catch_up()
    assert (await lessor.types(contract))[-1] == "executed"
    assert not await origination.parking.of_tenant(lessor.tenant)
