"""Parking: what fails, or is refused, stays behind alone, in its order, until it is settled."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace
from psycopg_pool import AsyncConnectionPool

from adapters.postgres.ledger import Ledger, Request, StreamBusy
from adapters.postgres.writing.group_commit import OutcomeUnknown
from adapters.processes import parking
from adapters.processes import subscription as module
from adapters.processes.dispatch import dispatch_all, dispatch_of
from adapters.processes.subscription import Subscription
from api.compose import Running
from domain.kernel.command import Command
from domain.kernel.event import Event
from domain.kernel.process import FAILED, FollowUp, Occurrence
from domain.leasing.lease.commands import IssueBill, PostPayment
from domain.leasing.lease.events.money import BillIssued, LeaseActivated
from domain.leasing.lease.rules.decider import LEASE
from tests.adapters.processes.test_subscription import kinds, pay_on_activation, subscription
from tests.adapters.processes.world import FIRST, TENANT, cash, make_lease


class Stumbling:
    """A reactor that pays on activation, and stumbles over the leases it is told to."""

    def __init__(self, *over: UUID) -> None:
        self.over = set(over)

    async def __call__(self, occurrence: Occurrence) -> Sequence[FollowUp]:
        if occurrence.stream in self.over:
            raise ZeroDivisionError("what a person gave")
        return await pay_on_activation(occurrence)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What failed is tried again without waiting."""
    monkeypatch.setattr(parking, "FIRST_RETRY_S", 0.0)


def _facts(error: str) -> str:
    """The facts of what failed in this file: the error's type and its place, never what a person gave."""
    return f'{{"error":"{error}","at":"{__name__}"}}'


async def parked(process: Subscription) -> list[tuple[str, str, str]]:
    """Key, code and facts of what is parked, the places of faults without their lines."""
    rows = await process.parking.of_tenant(TENANT)
    return [(one.key, one.code, re.sub(r':[0-9]+"}', '"}', one.facts)) for one in rows]


async def test_an_event_that_fails_is_parked_and_the_next_ones_go_on(
    program: Running, pool: AsyncConnectionPool[Any]
) -> None:
    first, second = [await make_lease(program, number) for number in (0, 1)]
    process = subscription(program, pool, Stumbling(first))
    await process.prepare()
    done = await process.catch_up()
    assert (done.accepted, dict(done.refused)) == (1, {"process.failed": 1})
    assert (await kinds(program, second)).count("lease.payment_posted.v1") == 1
    position = next(one.position for one in await program.reader.stream(first) if one.parsed().seq == 3)
    assert await parked(process) == [(f"toys:{position}", "process.failed", _facts("ZeroDivisionError"))]
    assert (await process.catch_up()).accepted == 0, "it is not its turn yet"
    assert len(await parked(process)) == 1


@pytest.mark.usefixtures("at_once")
async def test_what_failed_is_tried_again_by_itself_until_it_is_settled(
    program: Running, pool: AsyncConnectionPool[Any]
) -> None:
    lease = await make_lease(program, 0)
    reactor = Stumbling(lease)
    process = subscription(program, pool, reactor)
    await process.prepare()
    for _ in range(3):
        await process.catch_up()
    async with pool.connection() as connection:
        row = await (await connection.execute("SELECT tries FROM read.parked")).fetchone()
    assert row == (3,)
    reactor.over.clear()
    assert (await process.catch_up()).accepted == 1
    assert await parked(process) == []
    assert (await kinds(program, lease)).count("lease.payment_posted.v1") == 1
    assert (await process.catch_up()).repeated == 0, "it is settled"


@pytest.mark.usefixtures("at_once")
async def test_a_command_that_fails_holds_up_its_own_stream_only(
    program: Running, pool: AsyncConnectionPool[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes behind it for the same stream waits with it, and both are done in their order later."""
    first = await make_lease(program, 0)
    await make_lease(program, 1)

    async def twice(occurrence: Occurrence) -> Sequence[FollowUp]:
        (one,) = await pay_on_activation(occurrence)
        return (one, replace(one, key=f"{one.key}:again", command=replace(one.command, payment=cash(first, "2"))))

    real = Ledger.execute

    async def execute(ledger: Ledger, decider: Any, asked: Request) -> Any:
        if asked.stream == first:
            raise StreamBusy("not now")
        return await real(ledger, decider, asked)

    process = subscription(program, pool, twice)
    await process.prepare()
    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "execute", execute)
        done = await process.catch_up()
    assert (done.accepted, dict(done.refused)) == (2, {"process.failed": 2})
    key = f"toy:{first.hex}"
    assert await parked(process) == [
        (key, "process.failed", _facts("StreamBusy")),
        (f"{key}:again", "process.failed", f'{{"behind":"{key}"}}'),
    ]
    assert (await process.catch_up()).accepted == 2
    assert await parked(process) == []


async def test_what_was_refused_is_tried_again_when_somebody_asks(
    program: Running, pool: AsyncConnectionPool[Any]
) -> None:
    await make_lease(program, 0)
    command: Command = IssueBill(number=99)

    async def asks(occurrence: Occurrence) -> Sequence[FollowUp]:
        return (FollowUp(decider=LEASE, stream=occurrence.stream, key="a:wish", command=command),)

    process = subscription(program, pool, asks)
    await process.prepare()
    await process.catch_up()
    command = PostPayment(payment=cash(TENANT, "toy"), amount_fen=1, value_date=FIRST)
    assert (await process.catch_up()).accepted == 0
    async with pool.connection() as connection:
        await connection.execute("UPDATE read.parked SET retry_at = now()")
    assert (await process.catch_up()).accepted == 1
    assert await parked(process) == []


@pytest.mark.usefixtures("at_once")
async def test_nothing_is_done_before_its_cause(
    program: Running, pool: AsyncConnectionPool[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes later for a stream waits for what failed of it, in another page too, and both are done in order."""
    lease = await make_lease(program, 0)

    async def pays(occurrence: Occurrence) -> Sequence[FollowUp]:
        name = type(occurrence.event).__name__
        command = PostPayment(payment=cash(lease, name), amount_fen=1, value_date=FIRST)
        return (FollowUp(decider=LEASE, stream=lease, key=name, command=command),)

    heard: frozenset[type[Event]] = frozenset({LeaseActivated, BillIssued})
    process = dataclasses.replace(subscription(program, pool, pays), interest=heard)
    await process.prepare()
    real = Ledger.execute

    async def stumbles(ledger: Ledger, decider: Any, asked: Request) -> Any:
        if asked.key == "LeaseActivated":
            raise ZeroDivisionError
        return await real(ledger, decider, asked)

    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "execute", stumbles)
        await process.catch_up()
        bill = FollowUp(decider=LEASE, stream=lease, key="bill", command=IssueBill(number=1))
        day = date(2005, 4, 29)
        issued = dispatch_of(bill, TENANT, day, "test", lease)
        assert (await dispatch_all(program.ledger, program.reader, [issued])).accepted == 1
        assert (await process.catch_up()).accepted == 0
    assert [code for _, code, _ in await parked(process)] == ["process.failed"] * 2
    await process.catch_up()
    assert await parked(process) == []
    keys = [key for key in await accepted_keys(pool) if key in ("LeaseActivated", "BillIssued")]
    assert keys == ["LeaseActivated", "BillIssued"]


async def accepted_keys(pool: AsyncConnectionPool[Any]) -> list[str]:
    async with pool.connection() as connection:
        rows = await (await connection.execute("SELECT key FROM ledger.commands ORDER BY position")).fetchall()
    return [key for (key,) in rows]


async def test_a_key_that_was_granted_is_not_left_to_people(program: Running, pool: AsyncConnectionPool[Any]) -> None:
    """Refused for one event and granted for a later one: nobody has to look any more."""
    lease = await make_lease(program, 0)

    async def asks(occurrence: Occurrence) -> Sequence[FollowUp]:
        payment = cash(lease, "once")
        wanted: Command = PostPayment(payment=payment, amount_fen=1, value_date=FIRST)
        command = IssueBill(number=9) if isinstance(occurrence.event, LeaseActivated) else wanted
        return (FollowUp(decider=LEASE, stream=lease, key="same", command=command),)

    process = dataclasses.replace(subscription(program, pool, asks), interest=frozenset({LeaseActivated, BillIssued}))
    await process.prepare()
    await process.catch_up()
    assert [key for key, _, _ in await parked(process)] == ["same"]
    bill = FollowUp(decider=LEASE, stream=lease, key="bill", command=IssueBill(number=1))
    await dispatch_all(program.ledger, program.reader, [dispatch_of(bill, TENANT, date(2005, 4, 29), "test", lease)])
    await process.catch_up()
    assert await parked(process) == []


@pytest.mark.usefixtures("at_once")
async def test_more_than_a_page_of_failures_is_worked_off(
    program: Running, pool: AsyncConnectionPool[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is later in the queue of a stream does not wait for itself."""
    leases = [await make_lease(program, number) for number in range(3)]
    for lease in leases:
        bill = FollowUp(decider=LEASE, stream=lease, key=f"bill:{lease}", command=IssueBill(number=1))
        await dispatch_all(
            program.ledger, program.reader, [dispatch_of(bill, TENANT, date(2005, 4, 29), "test", lease)]
        )

    async def pays(occurrence: Occurrence) -> Sequence[FollowUp]:
        if broken:
            raise ZeroDivisionError
        key = f"{type(occurrence.event).__name__}:{occurrence.stream}"
        command = PostPayment(payment=cash(occurrence.stream, key), amount_fen=1, value_date=FIRST)
        return (FollowUp(decider=LEASE, stream=occurrence.stream, key=key, command=command),)

    broken = True
    process = dataclasses.replace(subscription(program, pool, pays), interest=frozenset({LeaseActivated, BillIssued}))
    await process.prepare()
    await process.catch_up()
    count = len(await parked(process))
    broken = False
    monkeypatch.setattr(module, "PAGE_EVENTS", 2)
    accepted = [(await process.catch_up()).accepted for _ in range(4)]
    assert (sum(accepted), count > 3) == (count, True)
    assert await parked(process) == []
    posted = [key for key in await accepted_keys(pool) if key.startswith(("LeaseActivated", "BillIssued"))]
    billed = [key.partition(":")[2] for key in posted if key.startswith("BillIssued")]
    assert billed
    assert all(posted.index(f"LeaseActivated:{lease}") < posted.index(f"BillIssued:{lease}") for lease in billed)


async def test_a_key_that_is_granted_in_the_same_page_is_not_left_to_people(
    program: Running, pool: AsyncConnectionPool[Any]
) -> None:
    lease = await make_lease(program, 0)

    async def asks(_: Occurrence) -> Sequence[FollowUp]:
        wanted = PostPayment(payment=cash(lease, "once"), amount_fen=1, value_date=FIRST)
        return [
            FollowUp(decider=LEASE, stream=lease, key="same", command=command)
            for command in (IssueBill(number=9), wanted)
        ]

    process = subscription(program, pool, asks)
    await process.prepare()
    assert (await process.catch_up()).accepted == 1
    assert await parked(process) == []


async def test_however_often_it_was_tried_there_is_a_next_time(pool: AsyncConnectionPool[Any]) -> None:
    kept = parking.Parking(pool, "toys")
    one = parking.Unsettled(1, "k", TENANT, TENANT, FAILED(error="X"))
    waits = [kept._row(one, tries)[-1] for tries in (1, 2, 8, 5_000)]
    assert waits == [30.0, 60.0, 3_600.0, 3_600.0]


async def test_a_clock_that_went_back_keeps_nothing_from_being_tried(
    program: Running, pool: AsyncConnectionPool[Any]
) -> None:
    """It was a day ahead when this failed: what is to be tried later than any pause is tried now."""
    lease = await make_lease(program, 0)
    reactor = Stumbling(lease)
    process = subscription(program, pool, reactor)
    await process.prepare()
    await process.catch_up()
    reactor.over.clear()
    for ahead, tried in (("50 minutes", 0), ("1 day", 1)):
        async with pool.connection() as connection:
            await connection.execute(f"UPDATE read.parked SET retry_at = now() + interval '{ahead}'")
        assert (await process.catch_up()).accepted == tried
    assert await parked(process) == []


async def test_a_database_that_is_gone_parks_nothing(
    program: Running, pool: AsyncConnectionPool[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """That is nobody's fault: everything waits where it stands."""
    await make_lease(program, 0)

    async def gone(*_: object) -> None:
        raise OutcomeUnknown("the database did not come back")

    process = subscription(program, pool, pay_on_activation)
    await process.prepare()
    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "execute", gone)
        with pytest.raises(ExceptionGroup) as raised:
            await process.catch_up()
    assert raised.group_contains(OutcomeUnknown)
    assert (await parked(process), await process.position()) == ([], 0)
    assert (await process.catch_up()).accepted == 1
