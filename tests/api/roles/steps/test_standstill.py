"""What was begun long ago and is heard, asked or taken back today: days are caught up, and the world has moved on."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid5

import pytest
from msgspec.structs import replace

from adapters.connectors.payments.port import Answer, Order
from adapters.processes.end_of_day import EndOfDay
from adapters.processes.firing import EndOfDayError
from adapters.processes.subscription import Subscription
from domain.calendar.calendar import CALENDAR, CloseDay, RecordStep, StartEndOfDay, calendar_stream
from domain.kernel.command import Command
from domain.payments.collection import collection_stream
from domain.payments.mandate import MANDATE, GrantMandate, RevokeMandate, SuspendMandate, mandate_stream
from domain.payments.payment.commands import InitiatePayment, RecordChargeback
from domain.payments.payment.rules import PAYMENT
from tests.adapters.processes.world import POLICY, TENANT, World, given, make_lease
from tests.api.roles.steps.test_collection import BILL_FEN, DAY, DUE, begun, open_fen
from tests.api.roles.steps.test_unposted import APP, parked, pays, refuse, told


async def test_what_a_bank_says_of_today_is_posted_when_days_are_caught_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody closed a day for forty days; the money is worth from today, and is debited once."""
    lease = await begun(world)
    today = DUE + 40 * DAY
    bank = world.banks["bank_a"]
    real = bank.initiate

    async def really(order: Order) -> Answer:
        return replace(await real(order), value_date=today)

    monkeypatch.setattr(bank, "initiate", really)
    payment = collection_stream(lease, DUE)
    await world.end_of_day.catch_up(today - DAY)
    assert (f"payment:{payment.hex}:posted", "process.not_yet") in await parked(world)
    assert {code for _, code in await parked(world)} == {"process.not_yet"}
    await world.end_of_day.catch_up(today)
    assert await parked(world) == []
    assert [stream for stream, _ in await told(world, "payment.attempt_started.v1")].count(payment) == 1
    assert (lease, today) in await told(world, "lease.payment_posted.v1")
    assert await open_fen(world.program) == 0


async def asked(world: World, monkeypatch: pytest.MonkeyPatch) -> list[Order]:
    """The orders that leave for a bank from now on."""
    orders: list[Order] = []
    for bank in world.banks.values():

        async def initiate(order: Order, real: Any = bank.initiate) -> Answer:
            orders.append(order)
            answer: Answer = await real(order)
            return answer

        monkeypatch.setattr(bank, "initiate", initiate)
    return orders


def under(reference: str) -> InitiatePayment:
    """A debit of the first bill under a mandate."""
    return InitiatePayment(
        lease=uuid5(TENANT, "lease:0"), bill=1, amount_fen=BILL_FEN, policy=POLICY, mandate=reference
    )


@pytest.mark.parametrize("granted_anew", [{"reference": "M-2"}, {"reference": "M-1", "limit_fen": BILL_FEN - 1}, None])
async def test_an_attempt_leaves_only_under_the_mandate_that_it_was_begun_under(
    world: World, monkeypatch: pytest.MonkeyPatch, granted_anew: dict[str, Any] | None
) -> None:
    """Between the attempt and the order the mandate was replaced, lowered or suspended: nothing leaves."""
    lease = await begun(world)
    await world.end_of_day.catch_up(DUE - DAY)
    orders = await asked(world, monkeypatch)
    await given(world.program, PAYMENT, APP, "ask", under("M-1"), DUE)
    changes: list[Command] = [SuspendMandate(reason="dispute")]
    if granted_anew is not None:
        changes = [RevokeMandate(reason="lessee"), GrantMandate(lease=lease, policy=POLICY, **granted_anew)]
    for number, command in enumerate(changes):
        await given(world.program, MANDATE, mandate_stream(lease), f"change:{number}", command, DUE)
    await world.settle()
    assert orders == []
    assert [stream for stream, _ in await told(world, "payment.failed.v1")] == [APP], "the bank never had it"


async def test_an_attempt_does_not_leave_after_the_last_day_of_its_mandate(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks banks was away while a day closed; the mandate's end is fired in the evening only."""
    lease = await make_lease(world.program, 0)
    await world.end_of_day.open(DUE - DAY)
    grant = GrantMandate(lease=lease, reference="M-1", policy=POLICY, valid_until=DUE - DAY)
    await given(world.program, MANDATE, mandate_stream(lease), "grant", grant, DUE - DAY)
    orders = await asked(world, monkeypatch)
    await given(world.program, PAYMENT, APP, "ask", under("M-1"), DUE - DAY)
    await closed(world, DUE - DAY)
    await world.settle()
    assert orders == []


async def closed(world: World, day: date) -> None:
    """A day closed by somebody who does nothing else."""
    steps: tuple[Command, ...] = (
        StartEndOfDay(day=day, steps=("timers",)), RecordStep(day=day, step="timers", processed=0), CloseDay(day=day)
    )  # fmt: skip
    for command in steps:
        key = f"closed:{day}:{type(command).__name__}"
        await given(world.program, CALENDAR, calendar_stream(TENANT), key, command, day)


@pytest.mark.parametrize("heard_on", [DUE, DUE + DAY])
async def test_money_that_goes_back_as_its_day_begins_waits_behind_its_posting(
    world: World, monkeypatch: pytest.MonkeyPatch, heard_on: date
) -> None:
    """The day begins between two looks, or whoever hears of the chargeback is a day ahead of the calendar."""
    lease = await begun(world)
    await world.end_of_day.catch_up(DUE - DAY)
    await pays(world, lease, DUE + DAY)
    await world.settle()
    back = RecordChargeback(attempt=1, reason="disputed")
    await given(world.program, PAYMENT, APP, "back", back, heard_on)
    real = Subscription._business_dates
    began: list[Subscription] = []

    async def later(subscription: Subscription, answers: Any) -> Any:
        if not began and any("charged_back" in entry.type for _, entry, _ in answers):
            began.append(subscription)
            await closed(world, DUE)
        return await real(subscription, answers)

    monkeypatch.setattr(Subscription, "_business_dates", later)
    await world.settle()
    assert began
    assert await parked(world) == []
    for kind in ("lease.payment_posted.v1", "lease.payment_reversed.v1"):
        assert await told(world, kind) == [(lease, DUE + DAY)]


async def test_what_was_refused_is_not_asked_again_amid_a_day(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A day that goes on goes on as it began: its late fees were reckoned without this money."""
    lease = await begun(world)
    await world.end_of_day.catch_up(DUE - DAY)
    await pays(world, lease, DUE)
    with monkeypatch.context() as patched:
        refuse(patched, f"payment:{APP.hex}:posted")
        step = EndOfDay._step

        async def interrupted(ending: EndOfDay, name: str, *rest: Any, **more: Any) -> int:
            if name == "callbacks":
                raise EndOfDayError("the power went")
            return await step(ending, name, *rest, **more)

        patched.setattr(EndOfDay, "_step", interrupted)
        with pytest.raises(EndOfDayError, match="the power went"):
            await world.end_of_day.catch_up(DUE)
    await world.end_of_day.catch_up(DUE)
    assert await parked(world) == [(f"payment:{APP.hex}:posted", "lease.payment_known")]
    await world.end_of_day.catch_up(DUE + DAY)
    assert await parked(world) == []
    assert [stream for stream, _ in await told(world, "lease.payment_posted.v1")] == [lease]
