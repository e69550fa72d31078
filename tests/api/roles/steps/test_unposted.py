"""Money that arrived and is not posted: it is debited once, waits for its day, and holds up its own lease only."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID, uuid5

import pytest
from msgspec.structs import replace

from adapters.connectors.payments.port import Answer, Order
from adapters.postgres.ledger import Ledger, Request
from adapters.processes.held import Held
from api.roles.days import days
from api.roles.read_models import ReadModels
from domain.kernel.refusal import Refusal
from domain.leasing.lease.refusals import PAYMENT_KNOWN
from domain.leasing.lease.rules.decider import LEASE
from domain.payments.collection import collection_stream
from domain.payments.payment.commands import InitiatePayment, RecordChargeback, RecordSucceeded
from domain.payments.payment.rules import PAYMENT
from domain.payments.payment.values import CollectionPolicy
from tests.adapters.processes.world import POLICY, TENANT, World, given, make_lease
from tests.api.roles.steps.test_collection import BILL_FEN, DAY, DUE, begun, open_fen

COUNTER = CollectionPolicy(channels=("counter",), retries=0, spacing_days=(1,))
APP = uuid5(TENANT, "app")


async def told(world: World, kind: str) -> list[tuple[UUID, date]]:
    """Stream and business date of every event of a type."""
    entries = [stored.parsed() for stored in await world.program.reader.after(0, 2_000)]
    return [(entry.stream, entry.business_date) for entry in entries if entry.type == kind]


async def parked(world: World) -> list[tuple[str, str]]:
    return [(one.key, one.code) for one in await world.days.parked(TENANT)]


async def pays(world: World, lease: UUID, value_date: date, day: date = DUE) -> None:
    """The lessee pays the bill at a counter; the money is worth from another day."""
    ask = InitiatePayment(lease=lease, bill=1, amount_fen=BILL_FEN, policy=COUNTER)
    paid = RecordSucceeded(attempt=1, amount_fen=BILL_FEN, value_date=value_date, ref="f" * 64)
    for command in (ask, paid):
        await given(world.program, PAYMENT, APP, type(command).__name__, command, day)


def refuse(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    """Have the command under a key refused, whatever it says."""
    real = Ledger.execute

    async def execute(ledger: Ledger, decider: Any, asked: Request) -> Any:
        refused: Refusal = PAYMENT_KNOWN(payment=asked.stream)
        return refused if asked.key == key else await real(ledger, decider, asked)

    monkeypatch.setattr(Ledger, "execute", execute)


async def test_a_bank_whose_money_is_worth_from_the_next_day_is_asked_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lease shows it from that day on, and every day closes."""
    lease = await begun(world)
    bank = world.banks["bank_a"]
    real = bank.initiate

    async def next_day(order: Order) -> Answer:
        answer = await real(order)
        assert answer.value_date is not None
        return replace(answer, value_date=answer.value_date + DAY)

    monkeypatch.setattr(bank, "initiate", next_day)
    await world.end_of_day.catch_up(DUE)
    payment = collection_stream(lease, DUE)
    assert await parked(world) == [(f"payment:{payment.hex}:posted", "process.not_yet")]
    assert await open_fen(world.program) == BILL_FEN
    await world.end_of_day.catch_up(DUE + 5 * DAY)
    assert await told(world, "payment.attempt_started.v1") == [(payment, DUE)]
    assert await told(world, "lease.payment_posted.v1") == [(lease, DUE + DAY)]
    assert await parked(world) == []
    assert bank.balance_fen(DUE + 5 * DAY) == BILL_FEN


async def test_money_that_waits_for_its_day_is_posted_without_an_end_of_day(world: World) -> None:
    """The day before has closed: whoever follows the ledger posts it, at the day's beginning."""
    lease = await begun(world)
    await world.end_of_day.catch_up(DUE - DAY)
    await pays(world, lease, DUE + 2 * DAY)
    for _ in range(2):
        await world.settle()
        assert await told(world, "lease.payment_posted.v1") == []
        await world.end_of_day.catch_up((await world.end_of_day.state()).business_date or DUE)
    await world.settle()
    (entry,) = [
        entry
        for stored in await world.program.reader.stream(lease)
        if (entry := stored.parsed()).type == "lease.payment_posted.v1"
    ]
    assert entry.business_date == DUE + 2 * DAY
    assert entry.occurred_at == "2005-05-02T16:00:00.000000Z", "midnight in Beijing"
    assert await told(world, "payment.attempt_started.v1") == [(APP, DUE)], "it was not debited meanwhile"


async def test_a_day_comes_when_the_calendar_says_so(world: World) -> None:
    """Before there is one, none does; it may begin on that very day."""
    lease = await make_lease(world.program, 0)
    await pays(world, lease, DUE + DAY)
    await world.settle()
    assert [code for _, code in await parked(world)] == ["process.not_yet"]
    await world.end_of_day.open(DUE + DAY)
    await world.settle()
    assert await told(world, "lease.payment_posted.v1") == [(lease, DUE + DAY)]


async def test_money_that_goes_back_before_it_is_worth_is_posted_and_taken_back_on_that_day(world: World) -> None:
    """A chargeback that came first would find nothing to take back, and the money would be posted after it."""
    lease = await begun(world)
    await world.end_of_day.catch_up(DUE - DAY)
    await pays(world, lease, DUE + 2 * DAY)
    await given(world.program, PAYMENT, APP, "back", RecordChargeback(attempt=1, reason="disputed"), DUE)
    await world.settle()
    assert sorted(await parked(world)) == [
        (f"payment:{APP.hex}:posted", "process.not_yet"),
        (f"payment:{APP.hex}:reversed:1", "process.not_yet"),
    ]
    (position,) = await world.end_of_day.timers.collection_positions(TENANT, DUE)  # type: ignore[attr-defined]
    assert position.busy_fen == 0, "it is gone"
    await world.end_of_day.catch_up(DUE + DAY)
    await world.settle()
    assert await parked(world) == []
    for kind in ("lease.payment_posted.v1", "lease.payment_reversed.v1"):
        assert (lease, DUE + 2 * DAY) in await told(world, kind)


async def test_money_that_a_lease_refuses_is_not_debited_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its days close, the other lease is collected from, and the day after the cause is gone it is posted."""
    lease, other = await begun(world), await begun(world, 3)
    payment = collection_stream(lease, DUE)
    with monkeypatch.context() as patched:
        refuse(patched, f"payment:{payment.hex}:posted")
        await world.end_of_day.catch_up(DUE + 3 * DAY)
        assert [stream for stream, _ in await told(world, "payment.attempt_started.v1")].count(payment) == 1
        assert {stream for stream, _ in await told(world, "payment.attempt_started.v1")} == {
            payment,
            collection_stream(other, DUE),
        }
        assert await told(world, "lease.payment_posted.v1") == [(other, DUE)]
    await world.end_of_day.catch_up(DUE + 4 * DAY)
    assert await told(world, "lease.payment_posted.v1") == [(other, DUE), (lease, DUE)]
    assert await parked(world) == []


async def test_money_that_fails_between_two_looks_is_not_debited_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The role parks it after the end of day has asked what failed, and before it asks how leases stand."""
    lease = await begun(world)
    await world.end_of_day.catch_up(DUE - DAY)
    real, collection_positions = Ledger.execute, ReadModels.collection_positions

    async def stumbles(ledger: Ledger, decider: Any, asked: Request) -> Any:
        if decider is LEASE and asked.key == f"payment:{APP.hex}:posted":
            raise ZeroDivisionError
        return await real(ledger, decider, asked)

    async def meanwhile(models: ReadModels, *of: Any) -> Any:
        if not await told(world, "payment.succeeded.v1"):
            await pays(world, lease, DUE)
            await world.settle()
        return await collection_positions(models, *of)

    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "execute", stumbles)
        patched.setattr(ReadModels, "collection_positions", meanwhile)
        await world.end_of_day.close(DUE)
    assert await told(world, "payment.attempt_started.v1") == [(APP, DUE)]
    assert await parked(world) == [
        (f"held:payment:{APP.hex}:posted", "process.held"), (f"payment:{APP.hex}:posted", "process.failed")
    ]  # fmt: skip
    await world.end_of_day.close(DUE + DAY)
    assert await told(world, "lease.payment_posted.v1") == [(lease, DUE)]
    assert await told(world, "payment.attempt_started.v1") == [(APP, DUE)]
    assert await parked(world) == []


async def test_a_lease_is_held_out_while_what_a_bank_said_fails_without_banks_too(
    world: World, pool: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever ends the day has no bank configured: money may have moved all the same."""
    lease = await begun(world)
    await world.end_of_day.catch_up(DUE - DAY)
    real = Ledger.execute

    async def stumbles(ledger: Ledger, decider: Any, asked: Request) -> Any:
        if asked.key == f"payment:{APP.hex}:attempt:1":
            raise ZeroDivisionError
        return await real(ledger, decider, asked)

    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "execute", stumbles)
        ask = InitiatePayment(lease=lease, bill=1, amount_fen=BILL_FEN, policy=POLICY)
        await given(world.program, PAYMENT, APP, "ask", ask, DUE)
        await world.settle()
    async with days(world.program, TENANT, {}) as without_banks:
        await without_banks.ending.catch_up(DUE)
    assert list(await Held(pool, TENANT).since()) == [lease]
    await world.end_of_day.catch_up(DUE + DAY)
    assert await told(world, "lease.payment_posted.v1") == [(lease, DUE)]
    assert await parked(world) == []
