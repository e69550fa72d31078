"""The step `collection`: what is open is debited once, with what is open then, under a mandate that stands."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid5

import msgspec
import pytest

from adapters.connectors.payments.port import Order
from adapters.connectors.payments.scenarios import Script
from adapters.processes.end_of_day import DayRun
from adapters.processes.firing import EndOfDayError
from api.compose import Running
from api.roles.read_models import ReadModels
from api.roles.steps.collection import CollectDue
from domain.leasing.lease.commands import PostPayment
from domain.leasing.lease.rules.decider import LEASE
from domain.leasing.lease.state import LeaseState
from domain.payments.collection import CollectionPosition, Debit, collection_stream
from domain.payments.mandate import MANDATE, GrantMandate, RevokeMandate, SuspendMandate, mandate_stream
from domain.payments.payment.commands import CancelPayment, InitiatePayment
from domain.payments.payment.rules import PAYMENT
from domain.payments.payment.state import PaymentState
from domain.payments.payment.values import CollectionPolicy
from tests.adapters.processes.test_made_up import Died
from tests.adapters.processes.world import (
    ALONE,
    FIRST,
    POLICY,
    TENANT,
    World,
    a_world,
    cash,
    given,
    grant,
    lease_stream,
    make_lease,
)

DUE = date(2005, 5, 1)
OPENED = date(2005, 4, 28)
"""The first bills are dispatched on the next day or after it."""

BILL_FEN = 102_001
DAY = timedelta(days=1)
SECOND_DUE = date(2005, 6, 1)
Fates = dict[tuple[UUID, int], Script]
Rule = Callable[[Order], Script]


def by_table(fates: Fates) -> Rule:
    """Fates by payment and attempt; what is not in the table succeeds."""

    def rule(order: Order) -> Script:
        payment, _, attempt = order.request.partition("-")
        return fates.get((UUID(hex=payment), int(attempt)), Script())

    return rule


async def orders(program: Running, payment: UUID) -> list[tuple[str, int, str]]:
    """(business date, amount, channel) of every attempt of a payment."""
    found = []
    for stored in await program.reader.stream(payment):
        entry = stored.parsed()
        if entry.type == "payment.attempt_started.v1":
            body = msgspec.json.decode(entry.body)
            found.append((str(entry.business_date), body["amount_fen"], body["channel"]))
    return found


async def payment_of(program: Running, payment: UUID) -> PaymentState:
    _, state = await program.ledger.load(PAYMENT, payment)
    assert isinstance(state, PaymentState)
    return state


async def open_fen(program: Running, number: int = 0) -> int:
    _, state = await program.ledger.load(LEASE, lease_stream(number))
    assert isinstance(state, LeaseState)
    return state.balances.open_fen


async def begun(world: World, number: int = 0, opened: date = OPENED, **more: Any) -> UUID:
    """A lease with a mandate, whose first bill of 1,020.01 is due on 1 May, or as soon as the calendar is opened."""
    lease = await make_lease(world.program, number)
    await grant(world.program, lease, **more)
    await world.end_of_day.open(opened)
    return lease


async def post(world: World, lease: UUID, fen: int, day: date) -> None:
    """Money that came in another way."""
    paid = PostPayment(payment=cash(lease, f"cash {day}"), amount_fen=fen, value_date=day)
    await given(world.program, LEASE, lease, f"cash {lease} {day}", paid, day)


async def test_nothing_is_collected_before_it_is_due_or_without_a_mandate(world: World) -> None:
    lease = await begun(world)
    await make_lease(world.program, 3)
    await world.end_of_day.catch_up(DUE - DAY)
    assert await payment_of(world.program, collection_stream(lease, DUE - DAY)) == PaymentState()
    closed = await world.end_of_day.close(DUE)
    assert closed.processed["collection"] == 1
    assert await orders(world.program, collection_stream(lease, DUE)) == [("2005-05-01", BILL_FEN, "bank_a")]
    assert await open_fen(world.program) == 0
    assert await open_fen(world.program, 3) == BILL_FEN


async def test_only_what_is_open_is_asked_for(world: World) -> None:
    """Credit met the bill when it was dispatched, and part of the rest came in another way."""
    lease = await begun(world)
    await post(world, lease, 2_000, FIRST)
    await world.end_of_day.catch_up(DUE - DAY)
    await post(world, lease, 50_000, DUE)
    await world.end_of_day.close(DUE)
    assert await orders(world.program, collection_stream(lease, DUE)) == [("2005-05-01", 50_001, "bank_a")]
    _, state = await world.program.ledger.load(LEASE, lease)
    assert state.balances.credit_fen == 0


async def test_a_retry_asks_for_what_is_open_then_or_is_given_up(program: Running) -> None:
    """Two leases fail on the due date; one is paid in part until the retry, the other in full."""
    first, second = (collection_stream(lease_stream(number), DUE) for number in (0, 3))
    failing = Script(code="insufficient_funds")
    async with a_world(program, by_table({(first, 1): failing, (second, 1): failing})) as world:
        lease = await begun(world)
        other = await make_lease(program, 3)
        await grant(program, other)
        await world.end_of_day.catch_up(DUE)
        await post(world, lease, 100_000, DUE + DAY)
        await post(world, other, BILL_FEN, DUE + DAY)
        await world.end_of_day.close(DUE + DAY)
        assert [fen for _, fen, _ in await orders(program, first)] == [BILL_FEN, 2_001]
        assert len(await orders(program, second)) == 1
        assert (await payment_of(program, second)).phase == "cancelled"
        assert await open_fen(program) == await open_fen(program, 3) == 0


async def test_the_next_channel_is_tried_the_same_evening(program: Running) -> None:
    """A final code in both channels: two attempts on one day, then it is exhausted and rests."""
    lease, opened = lease_stream(0), date(2005, 5, 27)
    payment = collection_stream(lease, opened)
    closed_account = Script(code="account_closed")
    async with a_world(program, by_table({(payment, 1): closed_account, (payment, 2): closed_account})) as world:
        await begun(world, opened=opened)
        await world.end_of_day.catch_up(SECOND_DUE)
        assert await orders(program, payment) == [("2005-05-27", BILL_FEN, c) for c in ("bank_a", "bank_b")]
        assert (await payment_of(program, payment)).phase == "exhausted"
        again = await orders(program, collection_stream(lease, SECOND_DUE))
        assert again[0][1] == 2 * BILL_FEN - 999, "both bills, when the second fell due: 102,001 and 101,002 fen"
        assert await payment_of(program, collection_stream(lease, opened + DAY)) == PaymentState()


async def test_what_is_missing_is_collected_the_next_evening(program: Running) -> None:
    """The bank brings half; the rest, and not the whole, is asked for on the next day."""
    payment = collection_stream(lease_stream(0), DUE)
    async with a_world(program, by_table({(payment, 1): Script(brings_pct=50)})) as world:
        lease = await begun(world)
        await world.end_of_day.catch_up(DUE + DAY)
        rest = await orders(program, collection_stream(lease, DUE + DAY))
        assert rest == [("2005-05-02", BILL_FEN - BILL_FEN // 2, "bank_a")]
        assert await open_fen(program) == 0


async def test_a_late_fee_that_was_assessed_with_the_money_is_collected_the_next_evening(program: Running) -> None:
    """Lease 1 is due on 2 May and fails; the money of the retries arrives late, and so there is a late fee."""
    payment = collection_stream(lease_stream(1), DUE + DAY)
    policy = CollectionPolicy(channels=("bank_a",), retries=1, spacing_days=(9,), minimum_fen=100)
    async with a_world(program, by_table({(payment, 1): Script(code="insufficient_funds")})) as world:
        lease = await begun(world, 1, policy=policy)
        paid_on = DUE + 10 * DAY
        await world.end_of_day.catch_up(paid_on)
        late_fen = await open_fen(program, 1)
        assert late_fen == 459, "102,001 fen × 0.05 % × 9 days"
        await world.end_of_day.close(paid_on + DAY)
        assert await orders(program, collection_stream(lease, paid_on + DAY)) == [("2005-05-12", 459, "bank_a")]
        assert await open_fen(program, 1) == 0


async def test_less_than_the_least_amount_waits_until_more_is_due(program: Running) -> None:
    opened = date(2005, 5, 26)
    payment = collection_stream(lease_stream(1), opened)
    policy = CollectionPolicy(channels=("bank_a",), retries=1, spacing_days=(2,), minimum_fen=500)
    async with a_world(program, by_table({(payment, 1): Script(code="insufficient_funds")})) as world:
        lease = await begun(world, 1, opened, policy=policy)
        await world.end_of_day.catch_up(SECOND_DUE + DAY)
        assert await payment_of(program, collection_stream(lease, opened + 3 * DAY)) == PaymentState()
        ((_, fen, _),) = await orders(program, collection_stream(lease, SECOND_DUE + DAY))
        assert fen == 101_002 + 102, "102,001 fen × 0.05 % × 2 days, until the second try"


async def test_payments_under_way_are_not_asked_for_again(program: Running) -> None:
    """An app payment of half the bill is pending on the due date: the debit asks for the other half."""
    own = uuid5(TENANT, "app")
    async with a_world(program, by_table({(own, 1): Script(settles_after_days=2)})) as world:
        lease = await begun(world)
        await world.end_of_day.catch_up(DUE - DAY)
        begin = InitiatePayment(lease=lease, bill=1, amount_fen=51_000, policy=POLICY)
        await given(program, PAYMENT, own, "app", begin, DUE)
        await world.end_of_day.catch_up(DUE + 3 * DAY)
        assert [fen for _, fen, _ in await orders(program, collection_stream(lease, DUE))] == [51_001]
        assert await open_fen(program) == 0
        _, state = await program.ledger.load(LEASE, lease)
        assert state.balances.credit_fen == 0


async def test_money_that_is_not_posted_yet_is_not_asked_for_again(world: World) -> None:
    """It arrived a moment ago, and the process that posts it has not looked."""
    lease = await begun(world)
    await world.end_of_day.catch_up(DUE - DAY)
    await given(world.program, PAYMENT, uuid5(TENANT, "app"), "app",
             InitiatePayment(lease=lease, bill=1, amount_fen=BILL_FEN, policy=POLICY), DUE)  # fmt: skip
    _, posted, collected = world.days.subscriptions
    await posted.catch_up()
    await collected.catch_up()
    found = await world.end_of_day.timers.collection_positions(TENANT, DUE)  # type: ignore[attr-defined]
    assert [(one.due_fen, one.busy_fen) for one in found] == [(BILL_FEN, BILL_FEN)]
    await world.settle()
    assert await world.end_of_day.timers.collection_positions(TENANT, DUE) == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("end", [RevokeMandate(reason="lessee"), SuspendMandate(reason="disputed")])
async def test_without_a_mandate_that_stands_a_retry_is_given_up(program: Running, end: Any) -> None:
    payment = collection_stream(lease_stream(0), DUE)
    async with a_world(program, by_table({(payment, 1): Script(code="insufficient_funds")})) as world:
        lease = await begun(world)
        await world.end_of_day.catch_up(DUE)
        await given(program, MANDATE, mandate_stream(lease), "end", end, DUE + DAY)
        await world.end_of_day.catch_up(DUE + 5 * DAY)
        assert len(await orders(program, payment)) == 1
        assert (await payment_of(program, payment)).phase == "cancelled"
        assert await payment_of(program, collection_stream(lease, DUE + 2 * DAY)) == PaymentState()


async def test_a_mandate_expires_in_the_evening_after_its_last_day(world: World) -> None:
    lease = await make_lease(world.program, 0)
    command = GrantMandate(lease=lease, reference="M-1", policy=POLICY, valid_until=DUE - DAY)
    await given(world.program, MANDATE, mandate_stream(lease), "grant", command, FIRST)
    await world.end_of_day.open(OPENED)
    await world.end_of_day.catch_up(DUE + DAY)
    _, state = await world.program.ledger.load(MANDATE, mandate_stream(lease))
    assert state.phase == "expired"
    assert await open_fen(world.program) == BILL_FEN


async def test_a_debit_keeps_to_the_mandates_limit(world: World) -> None:
    lease = await begun(world, limit_fen=60_000)
    await world.end_of_day.catch_up(DUE + DAY)
    amounts = [await orders(world.program, collection_stream(lease, DUE + n * DAY)) for n in (0, 1)]
    assert [fen for of_day in amounts for _, fen, _ in of_day] == [60_000, BILL_FEN - 60_000]
    assert await open_fen(world.program) == 0


async def test_what_people_cancelled_is_not_begun_again(program: Running) -> None:
    payment = collection_stream(lease_stream(0), DUE)
    async with a_world(program, by_table({(payment, 1): Script(code="insufficient_funds")})) as world:
        lease = await begun(world)
        await world.end_of_day.catch_up(DUE)
        await given(program, PAYMENT, payment, "cancel", CancelPayment(reason="promised"), DUE + DAY)
        await world.end_of_day.catch_up(DUE + 5 * DAY)
        assert await payment_of(program, collection_stream(lease, DUE + DAY)) == PaymentState()
        assert await open_fen(program) == BILL_FEN


async def test_money_that_was_taken_back_is_not_debited_again_by_itself(program: Running) -> None:
    """Until the next bill falls due; then everything is."""
    opened = date(2005, 5, 25)
    payment = collection_stream(lease_stream(0), opened)
    async with a_world(program, by_table({(payment, 1): Script(charged_back_after_days=2)})) as world:
        lease = await begun(world, opened=opened)
        await world.end_of_day.catch_up(opened + 4 * DAY)
        assert await open_fen(program) == BILL_FEN
        await world.end_of_day.catch_up(SECOND_DUE)
        ((_, fen, _),) = await orders(program, collection_stream(lease, SECOND_DUE))
        assert fen == BILL_FEN + 101_002
        told = [stored.parsed().type for stored in await program.reader.after(0, 2_000)]
        assert "reconciliation.break_found.v1" not in told


async def test_a_day_that_was_resumed_says_what_it_did_in_all(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It dies while statements are reconciled: the step of before is done, and is not done again."""
    lease = await begun(world)
    await world.end_of_day.catch_up(DUE - DAY)
    bank = world.banks["bank_a"]
    good = bank.statement

    async def dies(_day: date) -> bytes:
        raise Died

    monkeypatch.setattr(bank, "statement", dies)
    with pytest.raises(Died):
        await world.end_of_day.close(DUE)
    assert len(await orders(world.program, collection_stream(lease, DUE))) == 1
    monkeypatch.setattr(bank, "statement", good)
    closed = await world.end_of_day.close(DUE)
    assert "collection" not in closed.processed, "that was told by the run that died"
    assert closed.processed["reconciliation"] == 1
    assert len(await orders(world.program, collection_stream(lease, DUE))) == 1


async def test_a_circle_is_noticed(program: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """A read model that finds something new every time it is asked."""
    monkeypatch.setattr("api.roles.steps.collection.ROUNDS_MAX", 3)

    class Circle(ReadModels):
        def __init__(self) -> None:
            self.asked = 0

        async def collection_positions(self, tenant: UUID, day: date) -> list[CollectionPosition]:
            self.asked += 1
            debit = Debit(reference="M-1", policy=POLICY)
            lease = uuid5(tenant, f"{self.asked}")
            return [CollectionPosition(lease=lease, due_fen=500, newest_due_on=day, debit=debit)]

    async def nothing(*_: Any) -> None:
        return None

    step = CollectDue(program.ledger, program.reader, Circle(), ALONE)
    run = DayRun(tenant=TENANT, day=FIRST, position=0, cursor=None, processed=0)
    with pytest.raises(EndOfDayError, match="to come to an end within 3 rounds"):
        await step.run(run, nothing)
