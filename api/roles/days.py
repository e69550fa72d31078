"""Ending business days, put together: read models kept up to date, processes that follow events, banks, and the steps.

timers ─▶ collection ─▶ callbacks ─▶ queries ─▶ reconciliation ─▶ provisions   without any bank: first and last
    └───────┴── settle ──┴───────────┴─▶ followers, one after the other until none has anything to do
                                           originating  from offer to lease
                                           payments     money between leases and payments
                                           collector    attempts and refunds to their providers

Provisions are `api.roles.provisions`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

import anyio
import psycopg
from psycopg_pool import AsyncConnectionPool

from adapters.connectors.payments.collecting import INTEREST as ATTEMPTS
from adapters.connectors.payments.collecting import Collector, LedgerPayments
from adapters.connectors.payments.sandbox import SandboxBank
from adapters.postgres.connections import connect, conninfo
from adapters.postgres.schema import SHARD
from adapters.processes.closing_steps import AskForOutcomes, DeliverCallbacks, ReconcileStatements
from adapters.processes.collecting import INTEREST, pay_refunds, post_payments
from adapters.processes.collection import CollectDue
from adapters.processes.dispatch import STREAMS_IN_FLIGHT
from adapters.processes.end_of_day import DayStep, EndOfDay
from adapters.processes.subscription import Follower, Refused, Wish
from adapters.system import now
from api.compose import Running
from api.roles.banks import banks
from api.roles.originating import follower_of
from api.roles.provisions import provisions_step
from chain.entry import Entry
from domain.access.ledger import LEDGER, LedgerState, may_end
from domain.kernel.event import Event
from domain.kernel.refusal import Refusal
from domain.kernel.timer import Timer
from domain.kernel.times import business_date
from domain.payments.collection import CollectionPosition
from domain.payments.matching import Money
from projections.calendar import timers
from projections.engine.runner import Runner
from projections.payments import receipts
from projections.payments.collection_positions import READS, standings

PROCESSES = "payments"
"""The name under which the processes between leases and payments keep their position."""

COLLECTOR = "collector"
"""With the tenant, the name under which the reactor that asks providers keeps its position: providers know a tenant's
account, and it begins when there are some.
"""

Settle = Callable[[], Awaitable[None]]


class ReadModelsNow:
    """What the steps ask, over the read models, brought up to date with the ledger before every answer.

    `posted_to` says up to which position money that arrived was posted to its lease.
    """

    def __init__(self, connection: psycopg.Connection[Any], posted_to: Callable[[], Awaitable[int]]) -> None:
        self._connection = connection
        self._posted_to = posted_to
        self._timers = Runner(connection, (timers.TIMERS,), shard=SHARD)
        self._money = Runner(connection, READS, shard=SHARD)
        self._timers.prepare()
        self._money.prepare()

    async def due(self, tenant: UUID, day: date) -> Sequence[Timer]:
        """Every timer that is due on a day or was before."""
        return await anyio.to_thread.run_sync(self._due, tenant, day)

    async def received(self, tenant: UUID, provider: str, day: date) -> Sequence[Money]:
        """Every movement at a provider with this value date."""
        return await anyio.to_thread.run_sync(self._received, tenant, provider, day)

    async def standings(self, tenant: UUID, day: date) -> Sequence[CollectionPosition]:
        """The leases where something may be collected or given up on a day."""
        posted_to = await self._posted_to()
        return await anyio.to_thread.run_sync(self._standings, tenant, day, posted_to)

    def _due(self, tenant: UUID, day: date) -> Sequence[Timer]:
        self._timers.catch_up()
        return timers.due(self._connection, tenant, day, shard=SHARD)

    def _received(self, tenant: UUID, provider: str, day: date) -> Sequence[Money]:
        self._money.catch_up()
        return receipts.received(self._connection, tenant, provider, day, shard=SHARD)

    def _standings(self, tenant: UUID, day: date, posted_to: int) -> Sequence[CollectionPosition]:
        self._money.catch_up()
        return standings(self._connection, tenant, day, posted_to, shard=SHARD)


@dataclass(frozen=True)
class Days:
    """The composed end of day of one tenant, and what lets processes and providers catch up between days."""

    ending: EndOfDay
    settle: Settle
    followers: tuple[Follower, ...]
    banks: Mapping[str, SandboxBank]

    async def refusals(self, tenant: UUID) -> list[Refused]:
        """What processes wished for and aggregates refused; followers share the list."""
        return await self.followers[0].refusals(tenant)


@asynccontextmanager
async def end_of_day(on: Running, tenant: UUID) -> AsyncIterator[EndOfDay]:
    """The end of day of one tenant on a running ledger, with the banks of the settings."""
    with banks(on, tenant) as providers:
        async with days(on, tenant, providers) as composed:
            yield composed.ending


@asynccontextmanager
async def days(
    on: Running,
    tenant: UUID,
    providers: Mapping[str, SandboxBank],
    *,
    streams_in_flight: int = STREAMS_IN_FLIGHT,
) -> AsyncIterator[Days]:
    """The end of day of one tenant with these banks."""
    async with AsyncExitStack() as stack:
        pool = AsyncConnectionPool(conninfo(on.url), min_size=1, max_size=2, open=False, kwargs={"autocommit": True})
        await stack.enter_async_context(pool)
        collector = Collector(providers, LedgerPayments(on.ledger))
        processes = _processes(on, pool, streams_in_flight)
        followers = [replace(follower_of(on, pool), streams_in_flight=streams_in_flight), processes]
        if providers:
            followers.append(_reactor(on, pool, tenant, collector, streams_in_flight))
        for follower in followers:
            await follower.prepare()

        async def settle() -> None:
            await _settled(followers)

        connection = stack.enter_context(connect(on.url))
        models = ReadModelsNow(connection, processes.position)
        money = _steps(on, tenant, models, providers, collector, settle, streams_in_flight) if providers else ()
        steps = (*money, provisions_step(on, connection))
        ledger = await ledger_of(on)

        def by_the_clock(day: date) -> Refusal | None:
            return may_end(day, business_date(now()), ledger)

        ending = EndOfDay(
            on.ledger,
            on.reader,
            models,
            tenant,
            settle=settle,
            steps=steps,
            streams_in_flight=streams_in_flight,
            may_end=by_the_clock,
        )
        yield Days(ending, settle, tuple(followers), providers)


async def ledger_of(on: Running) -> LedgerState:
    """What the ledger says of itself in its first event; the empty state where that is no opening."""
    first = next(iter(await on.reader.after(0, 1)), None)
    entry = None if first is None else first.parsed()
    if entry is None or not entry.type.startswith(f"{LEDGER.name}.") or entry.seq != 1:
        return LEDGER.initial
    return LEDGER.evolve(LEDGER.initial, entry.event())


def _processes(on: Running, pool: AsyncConnectionPool[Any], streams_in_flight: int) -> Follower:
    return Follower(
        name=PROCESSES,
        ledger=on.ledger,
        reader=on.reader,
        pool=pool,
        interest=INTEREST,
        processes=(post_payments, pay_refunds),
        streams_in_flight=streams_in_flight,
    )


def _reactor(
    on: Running, pool: AsyncConnectionPool[Any], tenant: UUID, collector: Collector, streams_in_flight: int
) -> Follower:
    async def react(event: Event, entry: Entry) -> Sequence[Wish]:
        return await collector.react(event, entry) if entry.tenant == tenant else ()

    return Follower(
        name=f"{COLLECTOR}:{tenant}",
        ledger=on.ledger,
        reader=on.reader,
        pool=pool,
        interest=ATTEMPTS,
        reactors=(react,),
        streams_in_flight=streams_in_flight,
    )


async def _settled(followers: Sequence[Follower]) -> None:
    """Until nobody has anything to follow: what one wishes for is what the other waits for."""
    while True:
        issued = [await follower.catch_up() for follower in followers]
        if not any(one.accepted for one in issued):
            return


def _steps(
    on: Running,
    tenant: UUID,
    models: ReadModelsNow,
    providers: Mapping[str, SandboxBank],
    collector: Collector,
    settle: Settle,
    streams_in_flight: int,
) -> tuple[DayStep, ...]:
    all_of_them = list(providers.values())
    files = on.settings.statements_directory(tenant)
    return (
        CollectDue(on.ledger, on.reader, models, settle, streams_in_flight=streams_in_flight),
        DeliverCallbacks(on.ledger, on.reader, all_of_them),
        AskForOutcomes(on.ledger, on.reader, models, collector),
        ReconcileStatements(on.ledger, models, all_of_them, files),
    )
