"""Month ends set aside what the five classes require, once each, and release it when less is required."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from psycopg import Connection

from adapters.postgres.connections import connect
from adapters.processes.end_of_day import DayRun, EndOfDay
from api.compose import Running
from api.roles.steps.provisions import Allowances, ProvisionRefused, RecogniseProvisions, provisions_step
from domain.accounting import chart
from domain.accounting.provision import PROVISION, ProvisionState, RecogniseProvision, provision_stream
from domain.accounting.provisioning import (
    PROVISION_POLICIES,
    FiveClass,
    provision_fen,
)
from domain.leasing.lease.commands import PostPayment
from domain.leasing.lease.rules.decider import LEASE
from domain.leasing.lease.state import LeaseState
from projections.accounting.journal import trial_balance
from tests.adapters.processes.world import ALONE, FIRST, TENANT, World, contents, given, lease_stream, make_lease
from tests.projections.accounting.provisions_of_states import classify, days_overdue, exposure_fen

APRIL, MAY, JUNE = date(2005, 4, 30), date(2005, 5, 31), date(2005, 6, 30)
POLICY = PROVISION_POLICIES[max(PROVISION_POLICIES)]


@pytest.fixture
def connection(url: str) -> Iterator[Connection[Any]]:
    with connect(url) as made:
        yield made


def without_collecting(world: World, connection: Connection[Any]) -> EndOfDay:
    """Nobody pays by himself; the days end with the provisions."""
    step = provisions_step(world.program, connection)
    return replace(world.end_of_day, settling=replace(ALONE, held=world.end_of_day.settling.held), steps=(step,))


async def required(program: Running, leases: int, on: date) -> int:
    """What the domain's own functions give for the leases as they are now."""
    sums = dict.fromkeys(FiveClass, 0)
    for number in range(leases):
        _, state = await program.ledger.load(LEASE, lease_stream(number))
        assert isinstance(state, LeaseState)
        sums[classify(days_overdue(state, on), POLICY)] += exposure_fen(state)
    return sum(provision_fen(fen, one, POLICY) for one, fen in sums.items())


async def provisions(program: Running) -> ProvisionState:
    _, state = await program.ledger.load(PROVISION, provision_stream(TENANT, "CNY"))
    assert isinstance(state, ProvisionState)
    return state


async def recognised(program: Running) -> list[str]:
    events = (await contents(program)).get(provision_stream(TENANT, "CNY"), [])
    return [on for kind, on, _ in events if kind == "provision.recognised.v1"]


def held(connection: Connection[Any]) -> int:
    found = trial_balance(connection, TENANT)
    assert found.sum_fen == 0
    return -next((one.balance_fen for one in found.accounts if one.account == chart.ALLOWANCE), 0)


async def test_each_month_end_holds_what_the_classes_require(world: World, connection: Connection[Any]) -> None:
    """Bills fall due in May and June and nobody pays, until in June everything is paid and most is released."""
    for number in range(3):
        await make_lease(world.program, number)
    ending = without_collecting(world, connection)
    await ending.open(FIRST)
    amounts = []
    for month in (APRIL, MAY):
        await ending.catch_up(month)
        expected = await required(world.program, 3, month)
        assert (await provisions(world.program)).required_fen == expected
        amounts.append(expected)
    for number in range(3):
        pay = PostPayment(payment=uuid4(), amount_fen=220_000, value_date=date(2005, 6, 10))
        await given(world.program, LEASE, lease_stream(number), f"pay:{number}", pay, date(2005, 6, 10))
    await ending.catch_up(JUNE)
    assert await recognised(world.program) == ["2005-04-30", "2005-05-31", "2005-06-30"]
    state = await provisions(world.program)
    assert state.required_fen == await required(world.program, 3, JUNE)
    assert amounts[0] < amounts[1] > state.required_fen
    await Allowances(connection).to_recognise(TENANT, JUNE)
    assert held(connection) == state.required_fen


async def test_a_month_end_is_recognised_once_however_often_it_is_run(
    world: World, connection: Connection[Any]
) -> None:
    """The step died before the calendar knew of it; what was set aside meanwhile is found by its key."""
    await make_lease(world.program, 0)
    ending = without_collecting(world, connection)
    await ending.open(FIRST)
    await ending.catch_up(APRIL - timedelta(days=1))
    step = provisions_step(world.program, connection)
    run = DayRun(tenant=TENANT, day=APRIL, position=0, cursor=None, processed=0)

    async def nothing(*_: Any) -> None:
        return None

    assert [await step.run(run, nothing) for _ in range(2)] == [1, 1]
    await ending.close(APRIL)
    assert await recognised(world.program) == ["2005-04-30"]


async def test_other_days_and_an_empty_book_set_nothing_aside(world: World, connection: Connection[Any]) -> None:
    ending = without_collecting(world, connection)
    await ending.open(FIRST)
    await ending.catch_up(APRIL)
    assert await recognised(world.program) == []


async def test_what_the_provisions_refuse_stops_the_day(world: World, connection: Connection[Any]) -> None:
    """A read model that tells another allowance than the provisions know is looked at by people."""
    await make_lease(world.program, 0)
    ending = without_collecting(world, connection)
    await ending.open(FIRST)

    class Wrong(Allowances):
        async def to_recognise(self, tenant: Any, day: date) -> list[RecogniseProvision]:
            found = await super().to_recognise(tenant, day)
            return [RecogniseProvision(**{**_fields(one), "held_fen": 1}) for one in found]

    wrong = RecogniseProvisions(world.program.ledger, world.program.reader, Wrong(connection))
    with pytest.raises(ProvisionRefused, match="provisions of 2005-04-30: The allowance holds more"):
        await replace(ending, steps=(wrong,)).catch_up(APRIL)
    await ending.close(APRIL)
    assert await recognised(world.program) == ["2005-04-30"]


def _fields(command: RecogniseProvision) -> dict[str, Any]:
    return {name: getattr(command, name) for name in command.__struct_fields__}
