"""From an accepted offer to a lease and back to a contract that is performed: what follows is done once, by itself."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from adapters.processes import parking
from adapters.processes.subscription import Subscription
from adapters.reference.tenants import FILE, terms_of_business
from api.demonstration.taking_over import take_over, taken_over_on
from api.roles.subscriptions import subscription_of
from domain.contracts.clause import CLAUSE, DraftClause, PublishClause
from domain.contracts.contract.commands import VoidContract
from domain.contracts.contract.rules import CONTRACT
from domain.contracts.contract.values import CLAUSES_MAX, PartyRole
from domain.contracts.texts import text_digest
from domain.intake.application import commands as a
from domain.intake.application.rules import APPLICATION
from domain.intake.application.values import Terms
from domain.kernel.command import SYSTEM
from domain.kernel.ids import looks_personal
from domain.kernel.values import AssetClass
from domain.leasing.admission import lease_of, lease_stream, wrong_contract
from domain.leasing.lease.events.lifecycle import LeaseCreated
from domain.leasing.lease.rules.decider import LEASE
from domain.leasing.origination import ORIGINATION, reference_of, settlement_rate
from domain.leasing.values import DownPaymentTo
from domain.parties.purposes import Purpose
from tests.adapters.lessor import CAR, DAY, Lessor, contract_stream, priced, wish
from tests.adapters.processes.conftest import activated, contracting, leased, unruled


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


async def test_what_ends_with_the_lease(lessor: Lessor, origination: Subscription) -> None:
    application, contract, lease = await leased(lessor, origination, wish(CAR))
    assert (await lessor.types(application))[-1] == "contracting_started"
    await activated(lessor, origination, lease)
    assert (await lessor.types(application))[-1] == "completed"
    assert (await lessor.types(contract))[-1] == "executed"


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


async def test_more_mandatory_clauses_than_a_contract_holds_are_put_before_people(
    lessor: Lessor, origination: Subscription
) -> None:
    """Released before there was a limit: no contract is made, and nothing breaks."""
    of, ruled = wish(), lessor.through
    lessor.through = unruled(lessor.program)
    for number in range(CLAUSES_MAX):
        draft = DraftClause(
            clause=f"own_{number}", title="条款", gloss="a clause", forms=(of.plan.form,), mandatory=True, text="一。"
        )
        publish = PublishClause(version=1, digest=text_digest("一。"), effective_from=DAY)
        await lessor.given(CLAUSE, uuid4(), draft, publish)
    lessor.through = ruled
    application = await lessor.accepted(of)
    await origination.catch_up()
    (refused,) = await origination.parking.of_tenant(lessor.tenant)
    assert (refused.key, refused.code) == (f"application:{application.hex}:contract", "contract.library_too_large")
    assert (await lessor.types(application))[-1] == "contracting_started"


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
    facts = json.loads(parked.facts)
    assert (parked.code, facts["error"], sorted(facts)) == ("process.failed", "TenantsError", ["at", "error"])
    assert await origination.position() == await lessor.program.reader.size()
    broken.unlink()
    await origination.catch_up()
    assert await origination.parking.of_tenant(lessor.tenant) == []
    assert (await lessor.contract(contract_stream(application))).head is not None
