"""What follows and does not fit into one event: it is left to people, and nobody else's days stand still for it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from msgspec.structs import replace

from adapters.postgres.connections import connect
from api.compose import Running
from api.demonstration.taking_over import take_over, taken_over_on
from api.roles.steps.provisions import ProvisionRefused
from domain.calendar.calendar import CalendarPhase
from domain.kernel.money import MAX_SAFE_INTEGER
from domain.leasing.lease.commands import ActivateLease, RecordDelivery
from domain.leasing.lease.rules import posting
from domain.leasing.lease.rules.decider import LEASE
from domain.leasing.values import INSTALMENTS_MAX
from domain.payments.payment.commands import InitiatePayment, RecordSucceeded
from domain.payments.payment.rules import PAYMENT
from domain.payments.payment.values import CollectionPolicy
from domain.pricing.schedules import Instalment
from tests.adapters.processes.world import FIRST, TENANT, World, cash, creation, given, lease_stream

MANY, OTHER = lease_stream(1), lease_stream(2)
END = FIRST + timedelta(days=INSTALMENTS_MAX + 1)
COUNTER = CollectionPolicy(channels=("counter",), retries=0, spacing_days=(1,))


async def leases(world: World) -> None:
    """A lease with as many bills as there may be, one a day, of which none is paid, and another one."""
    lines = tuple(
        Instalment(number=n, due_on=FIRST + timedelta(days=n), principal_fen=100_000, interest_fen=1_000)
        for n in range(1, INSTALMENTS_MAX + 1)
    )
    daily = replace(creation(1), schedule=lines, principal_fen=100_000 * INSTALMENTS_MAX)
    for stream, create in ((MANY, daily), (OTHER, creation(2))):
        commands = (create, RecordDelivery(on=FIRST), ActivateLease(on=FIRST))
        await take_over(world.program, LEASE, stream, taken_over_on(TENANT, stream, FIRST), *commands)
    await world.end_of_day.open(END - timedelta(days=1))
    await world.end_of_day.catch_up(END)


def parked(program: Running) -> list[tuple[str, str]]:
    """Process and code of what is parked."""
    with connect(program.url) as connection:
        return connection.execute("SELECT process, code FROM read.parked").fetchall()


async def pays_all_at_once(program: Running) -> None:
    """The lessee pays all of it at a counter."""
    payment, fen = cash(MANY, "all at once"), 20_000_000
    ask = InitiatePayment(lease=MANY, bill=None, amount_fen=fen, policy=COUNTER)
    paid = RecordSucceeded(attempt=1, amount_fen=fen, value_date=END, ref="f" * 64)
    for command in (ask, paid):
        await given(program, PAYMENT, payment, type(command).__name__, command, END)


async def test_money_for_as_many_bills_as_there_may_be_is_posted(world: World) -> None:
    """It once failed, again and again, and no day of the tenant was ever closed after it."""
    await leases(world)
    await pays_all_at_once(world.program)
    await world.end_of_day.catch_up(END + timedelta(days=2))
    assert parked(world.program) == []
    _, state = await world.program.ledger.load(LEASE, MANY)
    assert state.balances.open_fen == 0


async def test_what_no_event_holds_stops_no_day(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused and left to people, and it is no failure of money, behind which a day stays open."""
    await leases(world)
    monkeypatch.setattr(posting, "BILLS_AT_ONCE", INSTALMENTS_MAX)
    await pays_all_at_once(world.program)
    await world.end_of_day.catch_up(END + timedelta(days=2))
    state = await world.end_of_day.state()
    assert (state.business_date, state.phase) == (END + timedelta(days=3), CalendarPhase.OPEN)
    assert parked(world.program) == [("payments", "event.too_large")]


async def test_a_sum_that_no_event_holds_is_refused(world: World) -> None:
    """Two leases of the largest amount there is: what a month end sets aside for them is a larger one."""
    for stream, number in ((MANY, 1), (OTHER, 2)):
        line = Instalment(number=1, due_on=END, principal_fen=MAX_SAFE_INTEGER, interest_fen=0)
        create = replace(creation(number), schedule=(line,), principal_fen=MAX_SAFE_INTEGER)
        commands = (create, RecordDelivery(on=FIRST), ActivateLease(on=FIRST))
        await take_over(world.program, LEASE, stream, taken_over_on(TENANT, stream, FIRST), *commands)
    await world.end_of_day.open(date(2005, 4, 30))
    with pytest.raises(ProvisionRefused) as refused:
        await world.end_of_day.catch_up(date(2005, 4, 30))
    assert refused.value.refusal.code == "event.too_large"
