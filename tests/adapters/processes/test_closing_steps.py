"""The further steps of a day: open outcomes are asked for, statements are reconciled, every kind of break is found."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

import pytest
from psycopg_pool import AsyncConnectionPool

from adapters.payments.collecting import received as callback
from adapters.payments.in_process import Script, always
from adapters.payments.port import Order
from adapters.payments.statement import StatementError
from adapters.processes.closing_steps import ReconcileStatements, ReconciliationRefused
from adapters.processes.end_of_day import DayRun
from adapters.processes.issuing import context
from adapters.system import new_id
from api.compose import Running
from domain.kernel import Refusal
from domain.payments.payment import PAYMENT, InitiatePayment
from domain.payments.reconciliation import (
    RECONCILIATION,
    CloseReconciliation,
    Resolution,
    ResolveBreak,
    reconciliation_stream,
)
from tests.adapters.processes.world import FIRST, POLICY, TENANT, ReadModels, World, contents, do, providers
from tests.taking_over import without_gate

Pool = AsyncConnectionPool[Any]


def advance(number: int) -> UUID:
    """The payment stream of an advance."""
    return uuid5(TENANT, f"advance:{number}")


async def a_world(program: Running, models: ReadModels, pool: Pool, script: Script, advances: int = 1) -> World:
    """Some advances of 500 fen are on their way to the bank, on the first day."""
    world = World(program, models, providers(always(script)), pool)
    await world.follower.prepare()
    await world.end_of_day.open(FIRST)
    for number in range(advances):
        begin = InitiatePayment(lease=uuid5(TENANT, "a lease"), bill=None, amount_fen=500, policy=POLICY)
        # The lease is nobody's business here, so there is none; the gate would miss it.
        await do(
            replace(program, ledger=without_gate(program)), PAYMENT, advance(number), f"begin:{number}", begin, FIRST
        )
    return world


async def found(program: Running) -> list[dict[str, Any]]:
    """The bodies of every break."""
    entries = [stored.parsed() for stored in await program.reader.after(0, 1_000)]
    return [vars_of(entry.event()) for entry in entries if entry.type == "reconciliation.break_found.v1"]


def vars_of(event: Any) -> dict[str, Any]:
    return {name: getattr(event, name) for name in ("number", "kind", "expected_fen", "got_fen")}


async def counts(program: Running) -> Counter[str]:
    return Counter(kind for events in (await contents(program)).values() for kind, _, _ in events)


@pytest.mark.parametrize(
    ("script", "breaks"),
    [
        (Script(), []),
        (Script(short_fen=3), [{"number": 1, "kind": "amount", "expected_fen": 500, "got_fen": 497}]),
        (Script(unlisted=True), [{"number": 1, "kind": "missing_there", "expected_fen": 500, "got_fen": 0}]),
        (Script(listed_twice=True), [{"number": 1, "kind": "duplicate", "expected_fen": 0, "got_fen": 500}]),
    ],
)
async def test_breaks_are_found_and_the_day_closes(
    program: Running, models: ReadModels, pool: Pool, script: Script, breaks: list[dict[str, Any]]
) -> None:
    world = await a_world(program, models, pool, script)
    await world.end_of_day.close(FIRST)
    assert await found(program) == breaks
    assert (await world.end_of_day.state()).business_date == FIRST + timedelta(days=1)
    assert (await counts(program))["reconciliation.closed.v1"] == (1 if breaks else 2)


async def test_money_that_only_the_provider_knows_is_missing_here(
    program: Running, models: ReadModels, pool: Pool
) -> None:
    world = await a_world(program, models, pool, Script(), advances=0)
    stranger = Order(request="0f" * 16 + "-1", amount_fen=77, channel="bank_a", on=FIRST)
    await world.banks["bank_a"].initiate(stranger)
    await world.end_of_day.close(FIRST)
    assert await found(program) == [{"number": 1, "kind": "missing_here", "expected_fen": 0, "got_fen": 77}]


async def test_a_run_with_an_open_break_closes_when_it_is_resolved(
    program: Running, models: ReadModels, pool: Pool
) -> None:
    world = await a_world(program, models, pool, Script(unlisted=True))
    await world.end_of_day.close(FIRST)
    stream = reconciliation_stream(TENANT, "bank_a", FIRST)
    _, state = await program.ledger.load(RECONCILIATION, stream)
    by = context(TENANT, "close", FIRST, "test", stream)
    answer = RECONCILIATION.decide(CloseReconciliation(), state, by)
    assert isinstance(answer, Refusal)
    assert answer.code == "reconciliation.breaks_open"
    resolve = ResolveBreak(number=1, how=Resolution.OTHER_DAY)
    await do(program, RECONCILIATION, stream, "resolve", resolve, FIRST)
    await do(program, RECONCILIATION, stream, "close", CloseReconciliation(), FIRST)
    assert (await counts(program))["reconciliation.closed.v1"] == 2


async def test_a_pending_attempt_is_asked_for_on_the_next_day(program: Running, models: ReadModels, pool: Pool) -> None:
    """No callback ever comes: the query of the next day's end finds the money, and the statement agrees."""
    world = await a_world(program, models, pool, Script(settles_after_days=1))
    await world.end_of_day.close(FIRST)
    assert (await counts(program))["payment.succeeded.v1"] == 0
    await world.end_of_day.close(FIRST + timedelta(days=1))
    assert (await counts(program))["payment.succeeded.v1"] == 1
    assert await found(program) == []


async def test_an_unknown_outcome_is_resolved_by_a_query_and_never_retried(
    program: Running, models: ReadModels, pool: Pool
) -> None:
    world = await a_world(program, models, pool, Script(answer_lost=True, settles_after_days=2))
    await world.end_of_day.catch_up(FIRST + timedelta(days=3))
    events = [kind for kind, _, _ in (await contents(program))[advance(0)]]
    assert events == [
        "payment.initiated.v1",
        "payment.outcome_unknown.v1",
        "payment.outcome_resolved.v1",
        "payment.succeeded.v1",
    ]
    assert await found(program) == []


async def test_callbacks_of_every_kind_are_recorded(program: Running, models: ReadModels, pool: Pool) -> None:
    """On time, again, and forged; the forged one comes from somebody without the secret."""
    script = Script(settles_after_days=1, callbacks_after_days=(1, 1), forged_after_days=(1,))
    world = await a_world(program, models, pool, script)
    await world.end_of_day.close(FIRST)
    bank = world.banks["bank_a"]
    next_day = FIRST + timedelta(days=1)
    for delivery in bank.deliveries(next_day):
        wish = callback(bank, delivery.headers, delivery.body, new_id())
        await do(program, PAYMENT, wish.stream, wish.key, wish.command, next_day)
    told = await counts(program)
    assert (told["payment.callback_applied.v1"], told["payment.callback_ignored.v1"]) == (1, 2)
    assert told["payment.succeeded.v1"] == 1
    await world.end_of_day.close(next_day)
    assert await found(program) == []


async def test_a_broken_statement_stops_the_day_and_a_good_one_lets_it_go_on(
    program: Running, models: ReadModels, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await a_world(program, models, pool, Script())
    bank = world.banks["bank_b"]
    good = bank.statement

    async def broken(day: Any) -> bytes:
        return (await good(day))[:-5]

    monkeypatch.setattr(bank, "statement", broken)
    with pytest.raises(StatementError, match=r"bank_b-2005-04-01\.csv, line"):
        await world.end_of_day.close(FIRST)
    assert (await world.end_of_day.state()).cursor == "bank_a"
    monkeypatch.setattr(bank, "statement", good)
    await world.end_of_day.close(FIRST)
    told = await counts(program)
    assert (told["reconciliation.statement_loaded.v1"], told["calendar.day_closed.v1"]) == (2, 1)


async def test_another_statement_after_loading_is_refused(
    program: Running, models: ReadModels, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It died between loading and matching, and the provider's file changed meanwhile: people must look."""
    world = await a_world(program, models, pool, Script())
    await world.settle()
    step = ReconcileStatements(program.ledger, models, [world.banks["bank_a"]])
    run = DayRun(tenant=TENANT, day=FIRST, position=0, cursor=None, processed=0)
    real = models.received

    async def dies(*_: Any) -> Any:
        raise ConnectionError("killed here")

    async def nothing(*_: Any) -> None:
        return None

    monkeypatch.setattr(models, "received", dies)
    with pytest.raises(ConnectionError):
        await step.run(run, nothing)
    monkeypatch.setattr(models, "received", real)
    await world.banks["bank_a"].initiate(Order(request="0f" * 16 + "-1", amount_fen=7, channel="bank_a", on=FIRST))
    with pytest.raises(ReconciliationRefused, match="statement of bank_a for 2005-04-01"):
        await step.run(run, nothing)
