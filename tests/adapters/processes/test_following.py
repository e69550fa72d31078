"""Following the ledger: each event once, from where it stopped, and what is refused is kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

import pytest
from psycopg_pool import AsyncConnectionPool

from adapters.processes.collecting import collection_stream, post_payments
from adapters.processes.following import Follower, Wish
from api.compose import Running
from chain.entry import Entry
from domain.kernel import Event
from domain.leasing.lease import LEASE, IssueBill, LeaseActivated, PostPayment
from domain.payments.payment import (
    PAYMENT,
    InitiatePayment,
    PaymentOverpaid,
    RecordChargeback,
    RefundPayment,
)
from tests.adapters.processes.world import FIRST, POLICY, TENANT, World, contents, do, lease_stream, make_lease

DUE = FIRST + timedelta(days=30)


def follower(program: Running, pool: AsyncConnectionPool[Any], *processes: Any, name: str = "toys") -> Follower:
    return Follower(
        name=name,
        ledger=program.ledger,
        reader=program.reader,
        pool=pool,
        interest=frozenset({LeaseActivated}),
        processes=processes,
    )


def pay_on_activation(event: Event, entry: Entry) -> Sequence[Wish]:
    """A toy: whoever activates a lease has paid a fen."""
    if not isinstance(event, LeaseActivated):
        return ()
    command = PostPayment(payment=uuid5(entry.stream, "toy"), amount_fen=1, value_date=entry.business_date)
    return (Wish(decider=LEASE, stream=entry.stream, key=f"toy:{entry.stream.hex}", command=command),)


async def kinds(program: Running, stream: UUID) -> list[str]:
    return [kind for kind, _, _ in (await contents(program)).get(stream, [])]


async def test_a_command_follows_once(program: Running, pool: AsyncConnectionPool[Any]) -> None:
    stream = await make_lease(program, 0)
    process = follower(program, pool, pay_on_activation)
    await process.prepare()
    assert (await process.catch_up()).accepted == 1
    again = await process.catch_up()
    assert (again.accepted, again.repeated) == (0, 0)
    assert (await kinds(program, stream)).count("lease.payment_posted.v1") == 1


async def test_it_belongs_to_the_case_and_the_day_of_its_cause(
    program: Running, pool: AsyncConnectionPool[Any]
) -> None:
    stream = await make_lease(program, 0)
    process = follower(program, pool, pay_on_activation)
    await process.prepare()
    await process.catch_up()
    entries = [stored.parsed() for stored in await program.reader.stream(stream)]
    cause = next(entry for entry in entries if entry.type == "lease.activated.v1")
    effect = next(entry for entry in entries if entry.type == "lease.payment_posted.v1")
    assert (effect.correlation, effect.business_date, effect.occurred_at) == (
        cause.correlation,
        cause.business_date,
        cause.occurred_at,
    )
    assert (effect.actor.role, effect.actor.id) == ("system", "process:toys")


async def test_killed_before_the_position_moved_it_issues_the_same_again(
    program: Running, pool: AsyncConnectionPool[Any]
) -> None:
    """The position is set back, as if the process had died between the commands and the position."""
    stream = await make_lease(program, 0)
    process = follower(program, pool, pay_on_activation)
    await process.prepare()
    await process.catch_up()
    async with pool.connection() as connection:
        await connection.execute("UPDATE read.processes SET position = 0 WHERE name = 'toys'")
    again = await process.catch_up()
    assert (again.accepted, again.repeated) == (0, 1)
    assert (await kinds(program, stream)).count("lease.payment_posted.v1") == 1


async def test_two_names_two_positions(program: Running, pool: AsyncConnectionPool[Any]) -> None:
    await make_lease(program, 0)
    one, other = (follower(program, pool, pay_on_activation, name=name) for name in ("one", "other"))
    await one.prepare()
    await one.catch_up()
    assert (await other.catch_up()).repeated == 1


async def test_a_refused_wish_is_kept_for_people(program: Running, pool: AsyncConnectionPool[Any]) -> None:
    stream = await make_lease(program, 0)

    def asks_too_much(event: Event, entry: Entry) -> Sequence[Wish]:
        return (Wish(decider=LEASE, stream=entry.stream, key="too:much", command=IssueBill(number=99)),)

    process = follower(program, pool, asks_too_much)
    await process.prepare()
    assert (await process.catch_up()).refused == {"lease.bill_not_next": 1}
    (refused,) = await process.refusals(TENANT)
    assert (refused.key, refused.stream, refused.code) == ("too:much", stream, "lease.bill_not_next")
    assert '"expected":"1"' in refused.facts
    assert await process.refusals(UUID(int=9)) == []


# ---------------------------------------------------------------------------------- leases and payments


@pytest.fixture
async def paid(world: World) -> tuple[World, UUID, UUID]:
    """A lease whose first bill was collected: world, lease, payment."""
    lease = await make_lease(world.program, 0)
    await world.end_of_day.open(FIRST)
    await world.end_of_day.catch_up(DUE)
    return world, lease, collection_stream(lease, 1)


async def test_a_success_is_posted_once_under_the_payments_key(paid: tuple[World, UUID, UUID]) -> None:
    world, lease, payment = paid
    assert (await kinds(world.program, lease)).count("lease.payment_posted.v1") == 1
    known = await world.program.reader.command(TENANT, f"payment:{payment.hex}:posted")
    assert known is not None
    assert known.stream == lease


async def test_a_chargeback_is_reversed(paid: tuple[World, UUID, UUID]) -> None:
    world, lease, payment = paid
    await do(world.program, PAYMENT, payment, "cb", RecordChargeback(reason="disputed"), DUE)
    await world.settle()
    await world.settle()
    assert (await kinds(world.program, lease)).count("lease.payment_reversed.v1") == 1


async def test_an_advance_is_credit_and_can_go_back(world: World) -> None:
    """No bill is asked for: the money is the lessee's credit until it is refunded."""
    lease, payment = await make_lease(world.program, 0), uuid5(TENANT, "an advance")
    begin = InitiatePayment(lease=lease, bill=None, amount_fen=500, policy=POLICY)
    await do(world.program, PAYMENT, payment, "begin", begin, FIRST)
    await world.settle()
    state = await world.collector._payments.payment(payment)
    assert state.received_fen == 500
    await do(world.program, PAYMENT, payment, "refund", RefundPayment(amount_fen=200, reason="overcharged"), FIRST)
    await world.settle()
    assert (await kinds(world.program, lease))[-1] == "lease.credit_refunded.v1"


async def test_a_refund_the_lease_cannot_pay_is_kept_for_people(paid: tuple[World, UUID, UUID]) -> None:
    """The money was used to pay the bill: there is no credit to give back, and somebody must decide."""
    world, _, payment = paid
    await do(world.program, PAYMENT, payment, "refund", RefundPayment(amount_fen=1_000, reason="goodwill"), DUE)
    await world.settle()
    (refused,) = await world.follower.refusals(TENANT)
    assert refused.code == "lease.credit_too_small"


async def test_one_collection_for_each_bill(world: World) -> None:
    assert collection_stream(lease_stream(1), 1) == collection_stream(lease_stream(1), 1)
    assert len({collection_stream(lease_stream(n), m) for n in (1, 2) for m in (1, 2)}) == 4


async def test_money_on_top_is_posted_as_a_payment_of_its_own(paid: tuple[World, UUID, UUID]) -> None:
    """The process alone: what a second success of the same payment becomes."""
    world, lease, payment = paid
    stored = await world.program.reader.stream(payment)
    entry = stored[-1].parsed()
    on_top = PaymentOverpaid(
        lease=lease, attempt=2, channel="bank_b", amount_fen=5, value_date=DUE, provider_ref="b" * 64
    )
    (wish,) = post_payments(on_top, entry)
    assert wish.key == f"payment:{payment.hex}:overpaid:2"
    assert wish.stream == lease
    assert isinstance(wish.command, PostPayment)
    assert wish.command.payment != payment
