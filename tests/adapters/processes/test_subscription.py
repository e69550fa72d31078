"""Following the ledger: each event once, from where it stopped, and what is refused is kept."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from psycopg_pool import AsyncConnectionPool

from adapters.processes.dispatch import Dispatched
from adapters.processes.subscription import Reactor, Subscription
from api.compose import Running
from api.roles.subscriptions import settle
from domain.kernel.process import FollowUp, Occurrence
from domain.leasing.lease.commands import IssueBill, PostPayment
from domain.leasing.lease.events.money import LeaseActivated, PaymentPosted
from domain.leasing.lease.rules.decider import LEASE
from tests.adapters.processes.world import FIRST, TENANT, cash, contents, make_lease


def subscription(program: Running, pool: AsyncConnectionPool[Any], react: Reactor, name: str = "toys") -> Subscription:
    return Subscription(
        name=name,
        ledger=program.ledger,
        reader=program.reader,
        pool=pool,
        interest=frozenset({LeaseActivated}),
        react=react,
    )


async def pay_on_activation(occurrence: Occurrence) -> Sequence[FollowUp]:
    """A toy: whoever activates a lease has paid a fen."""
    stream, on = occurrence.stream, occurrence.business_date
    assert isinstance(occurrence.event, LeaseActivated)
    command = PostPayment(payment=cash(stream, "toy"), amount_fen=1, value_date=on)
    return (FollowUp(decider=LEASE, stream=stream, key=f"toy:{stream.hex}", command=command),)


async def kinds(program: Running, stream: UUID) -> list[str]:
    return [kind for kind, _, _ in (await contents(program)).get(stream, [])]


async def test_a_command_follows_once(program: Running, pool: AsyncConnectionPool[Any]) -> None:
    stream = await make_lease(program, 0)
    process = subscription(program, pool, pay_on_activation)
    await process.prepare()
    assert (await process.catch_up()).accepted == 1
    again = await process.catch_up()
    assert (again.accepted, again.repeated) == (0, 0)
    assert (await kinds(program, stream)).count("lease.payment_posted.v1") == 1


async def test_it_belongs_to_the_case_and_the_day_of_its_cause(
    program: Running, pool: AsyncConnectionPool[Any]
) -> None:
    stream = await make_lease(program, 0)
    process = subscription(program, pool, pay_on_activation)
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
    process = subscription(program, pool, pay_on_activation)
    await process.prepare()
    await process.catch_up()
    async with pool.connection() as connection:
        await connection.execute("UPDATE read.processes SET position = 0 WHERE name = 'toys'")
    again = await process.catch_up()
    assert (again.accepted, again.repeated) == (0, 1)
    assert (await kinds(program, stream)).count("lease.payment_posted.v1") == 1


async def test_two_names_two_positions(program: Running, pool: AsyncConnectionPool[Any]) -> None:
    await make_lease(program, 0)
    one, other = (subscription(program, pool, pay_on_activation, name=name) for name in ("one", "other"))
    await one.prepare()
    await one.catch_up()
    assert (await other.catch_up()).repeated == 1


async def test_a_refused_wish_is_kept_for_people(program: Running, pool: AsyncConnectionPool[Any]) -> None:
    stream = await make_lease(program, 0)

    async def asks_too_much(occurrence: Occurrence) -> Sequence[FollowUp]:
        return (FollowUp(decider=LEASE, stream=occurrence.stream, key="too:much", command=IssueBill(number=99)),)

    process = subscription(program, pool, asks_too_much)
    await process.prepare()
    assert (await process.catch_up()).refused == {"lease.bill_not_next": 1}
    (refused,) = await process.parking.of_tenant(TENANT)
    assert (refused.key, refused.stream, refused.code) == ("too:much", stream, "lease.bill_not_next")
    assert '"expected":"1"' in refused.facts
    assert await process.parking.of_tenant(UUID(int=9)) == []


async def test_reactions_run_side_by_side_and_their_wishes_keep_the_order(
    program: Running, pool: AsyncConnectionPool[Any]
) -> None:
    """The first lease's reactor waits for the second one's; its wish is dispatched first all the same."""
    leases = [await make_lease(program, number) for number in (0, 1)]
    second_was_here = asyncio.Event()

    async def slow_first(occurrence: Occurrence) -> Sequence[FollowUp]:
        if occurrence.stream == leases[0]:
            await second_was_here.wait()
        second_was_here.set()
        return await pay_on_activation(occurrence)

    process = subscription(program, pool, slow_first)
    process.streams_in_flight = 1
    await process.prepare()
    assert (await process.catch_up()).accepted == 2
    entries = [stored.parsed() for stored in await program.reader.after(0, 100)]
    assert [one.stream for one in entries if one.type == "lease.payment_posted.v1"] == leases


# ------------------------------------------------------------------------------------------ until all is settled


async def test_what_another_instance_dispatches_meanwhile_is_followed_too(
    program: Running, pool: AsyncConnectionPool[Any]
) -> None:
    """The first has had its turn when another process finishes what the first one waits for."""
    lease = await make_lease(program, 0)

    async def receipts(occurrence: Occurrence) -> Sequence[FollowUp]:
        assert isinstance(occurrence.event, PaymentPosted)
        command = PostPayment(payment=cash(lease, "second"), amount_fen=1, value_date=FIRST)
        return () if occurrence.event.payment == command.payment else (
            FollowUp(decider=LEASE, stream=lease, key="second", command=command),
        )  # fmt: skip

    first = dataclasses.replace(subscription(program, pool, receipts, "first"), interest=frozenset({PaymentPosted}))
    second = subscription(program, pool, pay_on_activation, name="second")
    elsewhere = subscription(program, pool, pay_on_activation, name="second")
    for one in (first, second):
        await one.prepare()
    real = second.catch_up

    async def late() -> Dispatched:
        await elsewhere.catch_up()
        return await real()

    second.catch_up = late  # type: ignore[method-assign]
    await settle([first, second])
    assert (await kinds(program, lease)).count("lease.payment_posted.v1") == 2
