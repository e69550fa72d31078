"""A contract says what the accepted offer says, a lease what its contract says, and there is one of each."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace

from adapters.processes.subscription import Follower
from api.compose import Base, running
from api.demonstration.taking_over import take_over, taken_over_on
from domain.contracts.clause import CLAUSE, DraftClause
from domain.contracts.contract.commands import AssembleContract
from domain.contracts.contract.events import ContractAssembled
from domain.contracts.contract.rules import CONTRACT
from domain.kernel.refusal import Refusal
from domain.leasing.admission import lease_of, lease_stream
from domain.leasing.lease.commands import ActivateLease, CreateLease, RecordDelivery, RecordDownPayment
from domain.leasing.lease.rules.decider import LEASE
from domain.leasing.values import DepositMode
from domain.payments.payment.commands import InitiatePayment
from domain.payments.payment.rules import PAYMENT
from domain.payments.payment.values import CollectionPolicy
from domain.pricing.parts import Form
from tests.adapters.gate.business import CAR, DAY, MACHINE, PHONE, House, contract_stream, priced, wish

PAID = RecordDownPayment(fen=4_500_000)
NET_FEN = 50_000_000
"""30 % of it is room for one car of 105,000.00, and for no second one of the same lessee or group."""


async def assembled(house: House, chain: Follower, of: Any) -> tuple[UUID, AssembleContract]:
    """An accepted offer whose contract the process has assembled, and the command that would do it by hand."""
    application = await house.accepted(of)
    await chain.catch_up()
    stream = contract_stream(application)
    (stored, *_) = await house.program.reader.stream(stream)
    event = stored.parsed().event()
    assert isinstance(event, ContractAssembled)
    library = await house.program.house.library.about(house.tenant, {held.clause for held in event.clauses})
    same = {name: getattr(event, name) for name in AssembleContract.__struct_fields__ if hasattr(event, name)}
    return stream, AssembleContract(**same, library=library)


async def leasable(house: House, of: Any) -> tuple[UUID, CreateLease]:
    """A signed contract that was made by hand, and the lease that it is about."""
    application = await house.accepted(of)
    async with _chain(house) as chain:
        await chain.catch_up()
    stream = contract_stream(application)
    await house.signed(stream)
    plan, offer = of.plan, priced(of)[0]
    return stream, lease_of(offer, plan, await house.contract(stream), stream)


def _chain(house: House) -> Any:
    from contextlib import asynccontextmanager

    from api.roles.originating import follower_of
    from tests.adapters.processes.world import pool_of

    @asynccontextmanager
    async def opened() -> Any:
        with pool_of(house.program.url) as pool:
            async with pool:
                follower = follower_of(house.program, pool)
                await follower.prepare()
                yield follower

    return opened()


# --------------------------------------------------------------------------------------------------------- contract


async def test_a_contract_says_what_the_offer_says(house: House, chain: Follower) -> None:
    """By hand it would be refused: the same number of clauses and parties, another price."""
    other = House(house.program)
    stream, command = await assembled(house, chain, wish())
    assert await house.no(CONTRACT, stream, command) == ("contract.exists", {"phase": "assembled"})
    application = await other.accepted(wish())
    own = replace(
        command, application=application, parties=tuple(replace(p, id=other.person) if p.turn == 1 else p
                                                        for p in command.parties)
    )  # fmt: skip
    at = contract_stream(application)
    for field, value in (
        ("total_cost_fen", command.key_terms.total_cost_fen + 1), ("financed_fen", 1), ("upfront_fee_fen", 1),
        ("schedule_digest", "0" * 64), ("grace_days", 9), ("late_fee_daily_rate", "0.01"),
    ):  # fmt: skip
        wrong = replace(own, key_terms=replace(own.key_terms, **{field: value}))
        assert await other.no(CONTRACT, at, wrong) == ("contract.offer_differs", {"field": field})
    stranger = replace(own, parties=command.parties)
    assert await other.no(CONTRACT, at, stranger) == ("contract.offer_differs", {"field": "lessee"})
    assert (await other.no(CONTRACT, uuid4(), own))[0] == "contract.not_of_its_application"
    assert (await other.no(CONTRACT, at, replace(own, plan_digest="0" * 64)))[0] == "contract.plan_differs"
    assert (await house.no(CONTRACT, at, own))[0] == "application.unknown"
    free = replace(own, key_terms=replace(own.key_terms, forum="示例仲裁委员会"))
    await other.done(CONTRACT, at, free)


async def test_no_contract_without_an_accepted_offer(house: House, chain: Follower) -> None:
    _, command = await assembled(house, chain, wish())
    application = await house.referred()
    early = replace(command, application=application)
    answer = await house.no(CONTRACT, contract_stream(application), early)
    assert answer == ("contract.offer_not_accepted", {"phase": "referred"})


async def test_the_library_is_what_the_ledger_has(house: House, chain: Follower) -> None:
    """A withdrawn or made-up clause does not come in by a kind word about the library."""
    _, command = await assembled(house, chain, wish())
    by_hand = replace(command, application=None)
    first, *rest = by_hand.library
    for library in ((replace(first, title="另一条款"), *rest), tuple(rest), ()):
        code, _ = await house.no(CONTRACT, uuid4(), replace(by_hand, library=library))
        assert code in ("contract.library_differs", "contract.clause_unknown")
    await house.done(CONTRACT, uuid4(), by_hand)
    text = "本条款为出租人自行制定。"
    own = DraftClause(
        clause="evidence", title="证据", gloss="Evidence", forms=(Form.OPERATING,), mandatory=True, text=text
    )
    await house.done(CLAUSE, uuid4(), own)
    assert (await house.no(CONTRACT, uuid4(), by_hand))[0] == "contract.library_differs"


async def test_a_contract_is_on_a_plan_in_force(house: House, chain: Follower) -> None:
    _, command = await assembled(house, chain, wish())
    by_hand = replace(command, application=None)
    assert (await house.no(CONTRACT, uuid4(), replace(by_hand, plan="nobody_knows")))[0] == "plan.unknown"
    assert (await house.no(CONTRACT, uuid4(), replace(by_hand, plan_digest="0" * 64)))[0] == "contract.plan_differs"
    house.today = PHONE.effective_from - timedelta(days=1)
    assert (await house.no(CONTRACT, uuid4(), by_hand))[0] in ("plan.not_effective", "contract.clause_not_effective")


# ------------------------------------------------------------------------------------------------------------ lease


async def test_a_lease_is_made_of_a_contract(house: House) -> None:
    await house.consents()
    contract, create = await leasable(house, wish())
    stream = lease_stream(contract)
    assert await house.no(LEASE, stream, replace(create, contract=None)) == ("contract.unknown", {})
    assert await house.no(LEASE, stream, replace(create, contract=uuid4())) == ("contract.unknown", {})
    strangers = House(house.program)
    assert await strangers.no(LEASE, stream, create) == ("contract.unknown", {})
    for change, field in (
        ({"principal_fen": 1}, "principal_fen"), ({"upfront_fee_fen": 1}, "upfront_fee_fen"),
        ({"schedule": create.schedule[:-1]}, "schedule"), ({"application": None}, "application"),
        ({"deposit_fen": 1}, "deposit_fen"),
    ):  # fmt: skip
        wrong = replace(create, **change)
        assert await house.no(LEASE, stream, wrong) == ("lease.contract_differs", {"field": field})
    assert await house.no(LEASE, uuid4(), create) == ("lease.not_of_its_contract", {})
    await house.done(LEASE, stream, create)
    assert (await house.no(LEASE, stream, create))[0] == "lease.exists"
    assert (await house.no(LEASE, uuid4(), create))[0] == "lease.not_of_its_contract"


async def test_a_lease_needs_the_consents_of_its_plan(house: House) -> None:
    contract, create = await leasable(house, wish())
    stream = lease_stream(contract)
    assert await house.no(LEASE, stream, create) == ("consent.missing", {"purpose": "third_parties"})
    consent = await house.consents(["third_parties"])
    await house.withdrawn(consent)
    assert (await house.no(LEASE, stream, create))[0] == "consent.withdrawn"
    await house.consents(["third_parties"])
    await house.done(LEASE, stream, create)


async def test_money_is_collected_for_a_lease_of_the_tenant(house: House) -> None:
    await house.consents()
    contract, create = await leasable(house, wish())
    lease = lease_stream(contract)
    await house.done(LEASE, lease, create)
    collect = InitiatePayment(
        lease=lease, bill=1, amount_fen=1, policy=CollectionPolicy(channels=("bank_a",), retries=0)
    )
    assert (await House(house.program).no(PAYMENT, uuid4(), collect))[0] == "lease.unknown"
    assert (await house.no(PAYMENT, uuid4(), replace(collect, lease=contract)))[0] == "lease.unknown"
    await house.done(PAYMENT, uuid4(), collect)


# --------------------------------------------------------------------------------------------------------- bookings


async def car(house: House) -> tuple[UUID, CreateLease]:
    """The lease of a car whose contract is signed, and the stream it belongs on."""
    await house.consents()
    contract, create = await leasable(house, wish(CAR))
    return lease_stream(contract), create


async def test_a_finance_lease_needs_room(house: House) -> None:
    stream, create = await car(house)
    assert (await house.no(LEASE, stream, create))[0] == "portfolio.no_net_assets"
    house.has(create.principal_fen * 3)
    assert (await house.no(LEASE, stream, create))[0] == "portfolio.one_lessee"
    house.has(NET_FEN)
    await house.done(LEASE, stream, create, PAID, RecordDelivery(on=DAY))
    house.has(0)
    assert (await house.no(LEASE, stream, ActivateLease(on=DAY)))[0] == "portfolio.no_net_assets"
    house.has(NET_FEN)
    await house.done(LEASE, stream, ActivateLease(on=DAY))


async def test_two_processes_do_not_fill_the_same_room(house: House, composed: Base) -> None:
    """Both see room for one; one of them books it, whichever comes first, and the other is refused."""
    house.has(NET_FEN)
    stream, create = await car(house)
    await house.done(LEASE, stream, create, PAID, RecordDelivery(on=DAY))
    second, again = await car(house)
    await house.done(LEASE, second, again, PAID, RecordDelivery(on=DAY))
    async with running(composed) as elsewhere:
        there = House(elsewhere)
        there.tenant, there.person = house.tenant, house.person
        house.may_cost("0.36")
        outcomes = await asyncio.gather(
            house.ask(LEASE, stream, ActivateLease(on=DAY)), there.ask(LEASE, second, ActivateLease(on=DAY))
        )
    refused = [outcome for outcome in outcomes if isinstance(outcome, Refusal)]
    assert [one.code for one in refused] == ["portfolio.one_lessee"]


async def test_what_was_taken_over_counts_and_is_not_asked(house: House) -> None:
    """An import is not refused for lack of room; whoever books behind it is."""
    house.has(NET_FEN)
    stream, create = await car(house)
    taken = replace(
        create, contract=None, application=None, deposit_mode=DepositMode.WAIVED, deposit_fen=0, reference="OLD-1"
    )
    at = taken_over_on(house.tenant, uuid4(), DAY)
    old = uuid4()
    await take_over(house.program, LEASE, old, at, taken, PAID, RecordDelivery(on=DAY), ActivateLease(on=DAY))
    (first, *_) = await house.program.reader.stream(old)
    assert first.parsed().actor.role == "import"
    assert (await house.no(LEASE, stream, create))[0] == "portfolio.one_lessee"
    assert (await house.no(LEASE, uuid4(), taken, MACHINE))[0] == "contract.unknown"


@pytest.mark.parametrize("figures", [{"related": True}, {"groups": True}])
async def test_whom_the_limits_are_about(house: House, figures: dict[str, bool]) -> None:
    """Related parties and groups are the tenant's word, read when it is asked."""
    stream, create = await car(house)
    group = str(uuid4())
    more: dict[str, Any] = {"related": [str(house.person)]} if "related" in figures else {}
    if "groups" in figures:
        more = {"groups": {str(house.person): group}}
    house.has(create.principal_fen, **more)
    code, facts = await house.no(LEASE, stream, create)
    assert (code, facts["lessee"]) == ("portfolio.one_lessee", str(house.person))
