"""From an accepted offer to a lease and back to a contract that is performed: what follows is done once, by itself."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from adapters.postgres.ledger import Ledger
from adapters.processes import parking
from adapters.processes.subscription import Subscription
from adapters.reference.tenants import FILE, terms_of_business
from adapters.system import new_id
from api.compose import Running
from api.demonstration.taking_over import take_over, taken_over_on
from api.roles.subscriptions import subscription_of
from domain.contracts import offered
from domain.contracts.contract.commands import PresentContract, TerminateContract, VoidContract
from domain.contracts.contract.rules import CONTRACT
from domain.contracts.contract.values import PartyRole
from domain.intake.application import commands as a
from domain.intake.application.rules import APPLICATION
from domain.intake.application.values import Terms
from domain.kernel.command import SYSTEM
from domain.kernel.event import Event
from domain.kernel.ids import looks_personal
from domain.kernel.values import AssetClass
from domain.leasing.admission import LEASE_NOT_BEGUN, LEASE_OPEN, lease_of, lease_stream, wrong_contract
from domain.leasing.lease.commands import (
    ActivateLease,
    CloseLease,
    PreauthoriseDeposit,
    RecordDelivery,
    RecordDownPayment,
)
from domain.leasing.lease.events.lifecycle import AssetTotallyLost, LeaseCreated, LeaseEarlySettled, LeaseTerminated
from domain.leasing.lease.events.money import BuyoutCompleted, LeaseActivated
from domain.leasing.lease.rules.decider import LEASE
from domain.leasing.origination import ORIGINATION, reason_of, reference_of, settlement_rate
from domain.leasing.values import DownPaymentTo
from domain.parties.purposes import Purpose
from tests.adapters.lessor import CAR, DAY, EVERYTHING, Lessor, contract_stream, priced, wish
from tests.adapters.processes.world import pool_of

ROOM_FEN = 1_000_000_000


@pytest.fixture
def lessor(program: Running) -> Lessor:
    """A tenant with room for anything."""
    made = Lessor(program)
    made.has(ROOM_FEN)
    return made


@pytest.fixture
async def pool(program: Running) -> AsyncIterator[Any]:
    """Connections of the subscription."""
    with pool_of(program.url) as made:
        async with made:
            yield made


@pytest.fixture
async def origination(program: Running, pool: Any) -> Subscription:
    """The process, when it is told to catch up."""
    subscription = subscription_of(program, pool, ORIGINATION)
    await subscription.prepare()
    return subscription


async def leased(lessor: Lessor, origination: Subscription, of: Any) -> tuple[UUID, UUID, UUID]:
    """A case in which people did people's steps: application, contract, lease."""
    await lessor.consents()
    application = await lessor.accepted(of)
    await origination.catch_up()
    contract = contract_stream(application)
    await lessor.signed(contract)
    await origination.catch_up()
    return application, contract, lease_stream(contract)


@pytest.mark.parametrize("of", [wish(), wish(CAR)], ids=["rental", "finance"])
async def test_from_offer_to_lease(lessor: Lessor, origination: Subscription, of: Any) -> None:
    application, contract, lease = await leased(lessor, origination, of)
    offer, _ = priced(of)
    made = await lessor.contract(contract)
    assert made.head is not None
    assert {party.role: party.id for party in made.parties} == {
        PartyRole.LESSEE: lessor.person, PartyRole.LESSOR: lessor.tenant,
    }  # fmt: skip
    assert (made.head.plan, made.application) == (of.plan.id, application)
    (created,) = [one.parsed() for one in await lessor.program.reader.stream(lease)]
    event = created.event()
    assert isinstance(event, LeaseCreated)
    assert wrong_contract(lease_of(offer, of.plan, made, contract), made) is None
    assert (event.schedule, event.subject, event.contract) == (offer.schedule, lessor.person, contract)
    assert (event.upfront_fee_fen, event.down_payment_fen) == (offer.upfront_fees_fen, offer.down_payment_fen)
    assert (created.actor.role, created.actor.id) == (SYSTEM, "process:originating")
    assert created.correlation == lessor.case
    assert (await lessor.types(application))[-1] == "contracting_started"


async def activated(lessor: Lessor, origination: Subscription, lease: UUID) -> None:
    """The object is handed over."""
    state = await lessor.lease(lease)
    assert state is not None
    if state.deposit_fen:
        await lessor.given(LEASE, lease, PreauthoriseDeposit(fen=state.deposit_fen, hold="H-1"))
    if state.down_payment_open_fen:
        await lessor.given(LEASE, lease, RecordDownPayment(fen=state.down_payment_open_fen))
    await lessor.given(LEASE, lease, RecordDelivery(on=DAY), ActivateLease(on=DAY))
    await origination.catch_up()


async def test_what_ends_with_the_lease(lessor: Lessor, origination: Subscription) -> None:
    application, contract, lease = await leased(lessor, origination, wish(CAR))
    assert (await lessor.types(application))[-1] == "contracting_started"
    await activated(lessor, origination, lease)
    assert (await lessor.types(application))[-1] == "completed"
    assert (await lessor.types(contract))[-1] == "executed"


async def test_a_lease_that_never_began_ends_its_contract(lessor: Lessor, origination: Subscription) -> None:
    application, contract, lease = await leased(lessor, origination, wish(CAR))
    await lessor.given(LEASE, lease, CloseLease())
    await origination.catch_up()
    (*_, ended) = [one.parsed().event() for one in await lessor.program.reader.stream(contract)]
    assert getattr(ended, "reason", "") == "not_begun"
    assert (await lessor.types(application))[-1] == "withdrawn", "without contract and lease there is no case"


def unruled(program: Running) -> Ledger:
    """A ledger as it was before there were rules over other streams."""
    return Ledger(program.writer, program.reader, program.vault, digest=program.keys.digest, new_id=new_id)


async def contracting(lessor: Lessor, origination: Subscription) -> tuple[UUID, UUID]:
    """An application, and its contract that waits for people."""
    await lessor.consents()
    application = await lessor.accepted(wish())
    await origination.catch_up()
    return application, contract_stream(application)


async def reason_of_end(lessor: Lessor, stream: UUID, ending: str) -> str:
    """Why a stream's last event, which is of this type, says that it ended."""
    entry = (await lessor.program.reader.stream(stream))[-1].parsed()
    assert entry.type == ending
    reason: str = getattr(entry.event(), "reason", "")
    return reason


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


async def test_a_signed_contract_without_a_lease_is_put_before_people(
    lessor: Lessor, origination: Subscription
) -> None:
    """Signed before there was a rule, while its application was given up: neither lease nor silence."""
    application, contract = await contracting(lessor, origination)
    await lessor.signed(contract)
    lessor.through = unruled(lessor.program)
    await lessor.given(APPLICATION, application, a.WithdrawApplication(reason="changed_mind"))
    await origination.catch_up()
    refused = {one.key: one.code for one in await origination.parking.of_tenant(lessor.tenant)}
    assert refused == {
        f"contract:{contract.hex}:lease": "contract.application_not_contracting",
        f"application:{application.hex}:ended": "application.contract_in_force",
    }
    assert await lessor.lease(lease_stream(contract)) is None


async def test_doing_it_again_changes_nothing(lessor: Lessor, origination: Subscription, pool: Any) -> None:
    """A subscription that lost its position sees everything again; so does a second one beside the first."""
    _, _, lease = await leased(lessor, origination, wish(CAR))
    await activated(lessor, origination, lease)
    size = await lessor.program.reader.size()
    again = replace(subscription_of(lessor.program, pool, ORIGINATION), name="another")
    await again.prepare()
    dispatched = await again.catch_up()
    assert (dispatched.accepted, await lessor.program.reader.size()) == (0, size)
    parked = await again.parking.of_tenant(lessor.tenant)
    assert not parked, "what was done is not asked for again, or known by its key"


async def test_refused_wishes_are_kept_for_people(lessor: Lessor, origination: Subscription) -> None:
    """Rules bind processes, too: without the consents of the plan there is no lease."""
    application = await lessor.accepted(wish())
    await origination.catch_up()
    contract = contract_stream(application)
    await lessor.signed(contract)
    await origination.catch_up()
    (refused,) = await origination.parking.of_tenant(lessor.tenant)
    assert (refused.key, refused.code) == (f"contract:{contract.hex}:lease", "consent.missing")
    assert refused.stream == lease_stream(contract)
    assert await lessor.lease(lease_stream(contract)) is None
    await lessor.consents([Purpose.THIRD_PARTIES.value])
    create = lease_of(priced(wish())[0], wish().plan, await lessor.contract(contract), contract)
    await lessor.given(LEASE, lease_stream(contract), create)


async def test_offers_without_a_plan_are_left_to_people(lessor: Lessor, origination: Subscription) -> None:
    """Imported histories have such offers: nobody's contract is made up from them."""
    stream = uuid4()
    terms = Terms(amount_fen=1, currency="EUR")
    draft = a.DraftApplication(
        reference="1",
        asset_class=AssetClass.UNSPECIFIED,
        product="loan",
        channel="x",
        amount_fen=1,
        currency="EUR",
    )
    history = (
        draft, a.SubmitApplication(), a.StartVerification(), a.CompleteVerification(),
        a.ReferApplication(reasons=("x",)), a.ApproveApplication(terms=terms), a.SelectOffer(), a.CreateOffer(),
        a.PresentOffer(), a.AcceptOffer(), a.StartContracting(),
    )  # fmt: skip
    await take_over(lessor.program, APPLICATION, stream, taken_over_on(lessor.tenant, stream, DAY), *history)
    dispatched = await origination.catch_up()
    assert (dispatched.accepted, sum(dispatched.refused.values())) == (0, 0)


async def test_what_people_did_is_not_done_again(lessor: Lessor, origination: Subscription) -> None:
    """Contracting begun by hand, and a contract that was given up: nothing is asked for for that must be refused."""
    application = await lessor.accepted(wish())
    await lessor.given(APPLICATION, application, a.StartContracting())
    await origination.catch_up()
    contract = contract_stream(application)
    assert (await lessor.types(contract)) == ["assembled"]
    await lessor.given(CONTRACT, contract, VoidContract(reason="second_thoughts"))
    await origination.catch_up()
    assert not await origination.parking.of_tenant(lessor.tenant)


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


def test_numbers_of_contracts_say_nothing_about_a_person(lessor: Lessor) -> None:
    """Not even an id that is all digits makes what looks like a mobile number."""
    terms = terms_of_business(lessor.program.settings.data, lessor.tenant)
    for tail in ("138001380001", "1" * 12, "9" * 12):
        text = reference_of(terms, UUID("0" * 20 + tail), DAY)
        assert text == f"HT-20260309-{tail[:4]}-{tail[4:8]}-{tail[8:]}"
        assert not looks_personal(text)


def test_settling_early_costs_what_the_policy_says() -> None:
    assert settlement_rate() == "0.02"


async def test_who_gets_the_down_payment_is_the_tenants_word(lessor: Lessor, origination: Subscription) -> None:
    (lessor.program.settings.data / FILE).write_text(json.dumps({str(lessor.tenant): {"down_payment_to": "supplier"}}))
    _, _, lease = await leased(lessor, origination, wish(CAR))
    state = await lessor.lease(lease)
    assert state is not None
    assert state.down_payment_to is DownPaymentTo.SUPPLIER


async def test_what_contracts_say_beside_the_offer(lessor: Lessor, origination: Subscription) -> None:
    """Forum, lessor, number and clauses come from the tenant's data: nothing of it stands in the program."""
    party = uuid4()
    row = {
        "lessor": str(party), "forum": "示例仲裁委员会", "reference_prefix": "ZL", "lock_assets": ["phone"],
        "clause_of_consent": {"automated_decision": "automated_decision"},
    }  # fmt: skip
    (lessor.program.settings.data / FILE).write_text(json.dumps({str(lessor.tenant): row}))
    _, contract, _ = await leased(lessor, origination, wish())
    made = await lessor.contract(contract)
    assert made.head is not None
    assert made.key_terms is not None
    assert made.head.contract.startswith("ZL-20260309-")
    assert (made.key_terms.forum, made.key_terms.lock) == ("示例仲裁委员会", True)
    assert {"device_lock", "automated_decision", "evidence"} <= {held.clause for held in made.clauses}
    assert next(one.id for one in made.parties if one.role is PartyRole.LESSOR) == party


async def test_a_file_that_cannot_be_read_keeps_one_contract_waiting(
    lessor: Lessor, origination: Subscription, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A comma that is missing stops no process; once it is there, the contract is put together."""
    monkeypatch.setattr(parking, "FIRST_RETRY_S", 0.0)
    broken = lessor.program.settings.data / FILE
    broken.write_text("{")
    application = await lessor.accepted(wish())
    await origination.catch_up()
    (parked,) = await origination.parking.of_tenant(lessor.tenant)
    assert (parked.code, json.loads(parked.facts)) == ("process.failed", {"error": "TenantsError"})
    assert await origination.position() == await lessor.program.reader.size()
    broken.unlink()
    await origination.catch_up()
    assert await origination.parking.of_tenant(lessor.tenant) == []
    assert (await lessor.contract(contract_stream(application))).head is not None
