"""A contract says what the accepted offer says, a lease what its contract says, and there is one of each."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

from msgspec.structs import replace

from adapters.processes.subscription import Subscription
from api.compose import Base, running
from api.demonstration.taking_over import take_over, taken_over_on
from domain.contracts.contract.commands import AssembleContract
from domain.contracts.contract.events import ContractAssembled
from domain.contracts.contract.rules import CONTRACT
from domain.contracts.library import entries_about, library_needs
from domain.kernel.refusal import Refusal
from domain.leasing.admission import lease_of, lease_stream
from domain.leasing.lease.commands import ActivateLease, CreateLease, RecordDelivery, RecordDownPayment
from domain.leasing.lease.rules.decider import LEASE
from domain.leasing.values import DepositMode
from tests.adapters.lessor import CAR, DAY, MACHINE, Lessor, contract_stream, priced, wish

PAID = RecordDownPayment(fen=4_500_000)
NET_FEN = 50_000_000
"""30 % of it is room for one car of 105,000.00, and for no second one of the same lessee or group."""


async def assembled(lessor: Lessor, origination: Subscription, of: Any) -> tuple[UUID, AssembleContract]:
    """An accepted offer whose contract the process has assembled, and the command that would do it by hand."""
    application = await lessor.accepted(of)
    await origination.catch_up()
    stream = contract_stream(application)
    (stored, *_) = await lessor.program.reader.stream(stream)
    event = stored.parsed().event()
    assert isinstance(event, ContractAssembled)
    named = {held.clause for held in event.clauses}
    facts = await lessor.program.facts.facts(lessor.tenant, lambda facts: library_needs(lessor.tenant, named, facts))
    library = entries_about(facts, {(held.clause, held.version) for held in event.clauses}, DAY)
    same = {name: getattr(event, name) for name in AssembleContract.__struct_fields__ if hasattr(event, name)}
    return stream, AssembleContract(**same, library=library)


async def leasable(lessor: Lessor, of: Any) -> tuple[UUID, CreateLease]:
    """A signed contract that was made by hand, and the lease that it is about."""
    application = await lessor.accepted(of)
    async with _originating(lessor) as origination:
        await origination.catch_up()
    stream = contract_stream(application)
    await lessor.signed(stream)
    plan, offer = of.plan, priced(of)[0]
    return stream, lease_of(offer, plan, await lessor.contract(stream), stream)


def _originating(lessor: Lessor) -> Any:
    from contextlib import asynccontextmanager

    from api.roles.subscriptions import subscription_of
    from domain.leasing.origination import ORIGINATION
    from tests.adapters.processes.world import pool_of

    @asynccontextmanager
    async def opened() -> Any:
        with pool_of(lessor.program.url) as pool:
            async with pool:
                subscription = subscription_of(lessor.program, pool, ORIGINATION)
                await subscription.prepare()
                yield subscription

    return opened()


# --------------------------------------------------------------------------------------------------------- contract


async def test_a_contract_says_what_the_offer_says(lessor: Lessor, origination: Subscription) -> None:
    """By hand it would be refused: the same number of clauses and parties, another price."""
    other = Lessor(lessor.program)
    stream, command = await assembled(lessor, origination, wish())
    (await lessor.when(CONTRACT, stream, command)).then_refused("contract.exists", phase="assembled")
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
        (await other.when(CONTRACT, at, wrong)).then_refused("contract.offer_differs", field=field)
    stranger = replace(own, parties=command.parties)
    (await other.when(CONTRACT, at, stranger)).then_refused("contract.offer_differs", field="lessee")
    (await other.when(CONTRACT, uuid4(), own)).then_refused("contract.not_of_its_application")
    (await other.when(CONTRACT, at, replace(own, plan_digest="0" * 64))).then_refused("contract.plan_differs")
    (await lessor.when(CONTRACT, at, own)).then_refused("application.unknown")
    free = replace(own, key_terms=replace(own.key_terms, forum="示例仲裁委员会"))
    await other.given(CONTRACT, at, free)


# ------------------------------------------------------------------------------------------------------------ lease


async def test_a_lease_is_made_of_a_contract(lessor: Lessor) -> None:
    await lessor.consents()
    contract, create = await leasable(lessor, wish())
    stream = lease_stream(contract)
    (await lessor.when(LEASE, stream, replace(create, contract=None))).then_refused("contract.unknown")
    (await lessor.when(LEASE, stream, replace(create, contract=uuid4()))).then_refused("contract.unknown")
    strangers = Lessor(lessor.program)
    (await strangers.when(LEASE, stream, create)).then_refused("contract.unknown")
    for change, field in (
        ({"principal_fen": 1}, "principal_fen"), ({"upfront_fee_fen": 1}, "upfront_fee_fen"),
        ({"schedule": create.schedule[:-1]}, "schedule"), ({"application": None}, "application"),
        ({"deposit_fen": 1}, "deposit_fen"),
    ):  # fmt: skip
        wrong = replace(create, **change)
        (await lessor.when(LEASE, stream, wrong)).then_refused("lease.contract_differs", field=field)
    (await lessor.when(LEASE, uuid4(), create)).then_refused("lease.not_of_its_contract")
    await lessor.given(LEASE, stream, create)
    (await lessor.when(LEASE, stream, create)).then_refused("lease.exists")
    (await lessor.when(LEASE, uuid4(), create)).then_refused("lease.not_of_its_contract")


# --------------------------------------------------------------------------------------------------------- bookings


async def car(lessor: Lessor) -> tuple[UUID, CreateLease]:
    """The lease of a car whose contract is signed, and the stream it belongs on."""
    await lessor.consents()
    contract, create = await leasable(lessor, wish(CAR))
    return lease_stream(contract), create


async def test_a_finance_lease_needs_room(lessor: Lessor) -> None:
    stream, create = await car(lessor)
    (await lessor.when(LEASE, stream, create)).then_refused("portfolio.no_net_assets")
    lessor.has(create.principal_fen * 3)
    (await lessor.when(LEASE, stream, create)).then_refused("portfolio.one_lessee")
    lessor.has(NET_FEN)
    await lessor.given(LEASE, stream, create, PAID, RecordDelivery(on=DAY))
    lessor.has(0)
    (await lessor.when(LEASE, stream, ActivateLease(on=DAY))).then_refused("portfolio.no_net_assets")
    lessor.has(NET_FEN)
    await lessor.given(LEASE, stream, ActivateLease(on=DAY))


async def test_two_processes_do_not_fill_the_same_room(lessor: Lessor, composed: Base) -> None:
    """Both see room for one; one of them books it, whichever comes first, and the other is refused."""
    lessor.has(NET_FEN)
    stream, create = await car(lessor)
    await lessor.given(LEASE, stream, create, PAID, RecordDelivery(on=DAY))
    second, again = await car(lessor)
    await lessor.given(LEASE, second, again, PAID, RecordDelivery(on=DAY))
    async with running(composed) as elsewhere:
        there = Lessor(elsewhere)
        there.tenant, there.person = lessor.tenant, lessor.person
        lessor.may_cost("0.36")
        outcomes = await asyncio.gather(
            lessor.ask(LEASE, stream, ActivateLease(on=DAY)), there.ask(LEASE, second, ActivateLease(on=DAY))
        )
    refused = [outcome for outcome in outcomes if isinstance(outcome, Refusal)]
    assert [one.code for one in refused] == ["portfolio.one_lessee"]


async def test_what_was_taken_over_counts_and_is_not_asked(lessor: Lessor) -> None:
    """An import is not refused for lack of room; whoever books behind it is."""
    lessor.has(NET_FEN)
    stream, create = await car(lessor)
    taken = replace(
        create, contract=None, application=None, deposit_mode=DepositMode.WAIVED, deposit_fen=0, reference="OLD-1"
    )
    at = taken_over_on(lessor.tenant, uuid4(), DAY)
    old = uuid4()
    await take_over(lessor.program, LEASE, old, at, taken, PAID, RecordDelivery(on=DAY), ActivateLease(on=DAY))
    (first, *_) = await lessor.program.reader.stream(old)
    assert first.parsed().actor.role == "import"
    (await lessor.when(LEASE, stream, create)).then_refused("portfolio.one_lessee")
    (await lessor.when(LEASE, uuid4(), taken, MACHINE)).then_refused("contract.unknown")
