"""Ending business days, put together: read models kept up to date, processes that follow events, banks, and the steps.

timers ─▶ collection ─▶ callbacks ─▶ queries ─▶ reconciliation ─▶ provisions   without any bank: first and last
    └───────┴── settle ──┴───────────┴─▶ `api.roles.subscriptions`, one after the other until none has anything to do

Each step is a file of `api.roles.steps`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

import msgspec
import structlog

from adapters.connectors.payments.collecting import Collector, LedgerPayments, collector_name
from adapters.connectors.payments.port import PaymentProvider
from adapters.connectors.payments.sandbox import SandboxBank
from adapters.postgres.advisory import StillHeld, alone
from adapters.postgres.connections import Pool, connect, holding_pool_of
from adapters.postgres.reading.opening import ledger_state
from adapters.postgres.reading.reader import Reader
from adapters.processes.dispatch import STREAMS_IN_FLIGHT
from adapters.processes.end_of_day import DayStep, EndOfDay
from adapters.processes.firing import Settling, SomethingFailed
from adapters.processes.held import Held, Stalled
from adapters.processes.parking import STATEMENTS, Parked, Parking
from adapters.processes.subscription import Subscription
from adapters.system import now
from api.compose import Running
from api.roles.banks import banks
from api.roles.read_models import ReadModels
from api.roles.steps.collection import CollectDue
from api.roles.steps.outcomes import AskForOutcomes, DeliverCallbacks
from api.roles.steps.provisions import provisions_step
from api.roles.steps.reconciliation import ReconcileStatements
from api.roles.subscriptions import collector_of, managed, settle
from domain.access.ledger import may_end
from domain.contracts.contract.events import ContractAssembled
from domain.kernel.refusal import Refusal
from domain.kernel.times import business_date
from domain.leasing.admission import lease_stream
from domain.leasing.lease.events.lifecycle import LeaseCreated
from domain.payments.lease_payments import LEASE_PAYMENTS
from domain.payments.payment.events import PaymentInitiated
from projections.payments.collection_positions import Unposted

_log = structlog.get_logger(__name__)

KNOWN_FEN = "known_fen"
"""The fact of a refused posting that says how much the lease knows of the money under its name."""


class MoneyUnderway:
    """What process managers and collectors of a tenant stumbled over on the way of money to its lease.

    The collector's counts where no bank is configured, too: another configuration asked one, and money may have moved.
    """

    def __init__(self, subscriptions: Sequence[Subscription], reader: Reader, tenant: UUID) -> None:
        self._reader, self._tenant = reader, tenant
        self._parking = next(one.parking for one in subscriptions if one.name == LEASE_PAYMENTS.name)
        self._names = {LEASE_PAYMENTS.name, collector_name(tenant)}

    async def stalled(self) -> list[Stalled]:
        """The leases on the way to which money failed, each with the last that did.

        Raises `SomethingFailed` where the ledger does not tell whose it is.
        """
        last: dict[UUID, Stalled] = {}
        for one in await self._parking.failed(self._tenant, self._names):
            lease = await self._lease(one)
            last[lease] = Stalled(lease, one.position, one.key)
        return list(last.values())

    async def _lease(self, one: Stalled) -> UUID:
        """The lease that money is of: what failed is parked under it, its contract, or a payment, as the stream's first
        event says.
        """
        with suppress(ValueError):
            first = await self._reader.first(one.stream)
            match None if first is None else first.parsed().event():
                case PaymentInitiated() as payment:
                    return payment.lease
                case ContractAssembled():
                    return lease_stream(one.stream)
                case LeaseCreated():
                    return one.stream
        raise SomethingFailed([one.key])

    async def retry(self) -> None:
        """Let all of it be tried now, and what was refused as well: a person asks."""
        await self._parking.retry_money(self._tenant, self._names)

    async def unposted(self, tenant: UUID) -> Unposted:
        """Money that arrived and is not posted, whatever it waits for.

        Of money that a lease knows by its name in another amount (`lease.payment_known`), that much is posted.
        """
        position, left = await self._parking.undone(tenant)
        return Unposted(position, tuple((at, int(msgspec.json.decode(why).get(KNOWN_FEN, 0))) for at, why in left))


@dataclass(frozen=True)
class Days:
    """The composed end of day of one tenant, and what lets processes and providers catch up between days."""

    ending: EndOfDay
    settle: Callable[[], Awaitable[None]]
    subscriptions: tuple[Subscription, ...]
    banks: Mapping[str, PaymentProvider]

    async def retry(self, tenant: UUID) -> Sequence[Parked]:
        """Try now whatever is parked of a tenant: what should have followed, then timers; what is still parked.

        No timer of a lease is fired while its money fails, which would take it for not paid; what failed is told with
        the rest.
        """
        await self.subscriptions[0].parking.retry_all(tenant)
        await self.settle()
        with suppress(SomethingFailed):
            await self.ending.make_up()
        return await self.parked(tenant)

    async def parked(self, tenant: UUID) -> list[Parked]:
        """What should have followed and did not; subscriptions share the list."""
        return await self.subscriptions[0].parking.of_tenant(tenant)


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
    providers: Mapping[str, PaymentProvider],
    *,
    streams_in_flight: int = STREAMS_IN_FLIGHT,
) -> AsyncIterator[Days]:
    """The end of day of one tenant with these banks."""
    async with AsyncExitStack() as stack:
        # One ends the day alone, one lets a subscription catch up alone, and one asks.
        pool = holding_pool_of(on.url, least=1, most=3)
        await stack.enter_async_context(pool)
        collector = Collector(providers, LedgerPayments(on.ledger, on.reader))
        subscriptions = managed(on, pool)
        if providers:
            subscriptions.append(collector_of(on, pool, tenant, collector))
        subscriptions = [replace(one, streams_in_flight=streams_in_flight) for one in subscriptions]
        for subscription in subscriptions:
            await subscription.prepare()
        underway = MoneyUnderway(subscriptions, on.reader, tenant)

        async def settled() -> None:
            await settle(subscriptions)

        settling = Settling(settled, underway.stalled, underway.retry, Held(pool, tenant))
        connection = stack.enter_context(connect(on.url))
        models = ReadModels(connection, underway.unposted)
        statements = _reconciling(on, tenant, models, providers, pool)
        money = _steps(on, models, providers, collector, settling, streams_in_flight, statements)
        ledger = ledger_state(connection)

        def by_the_clock(day: date) -> Refusal | None:
            return may_end(day, business_date(now()), ledger)

        ending = EndOfDay(
            on.ledger,
            on.reader,
            models,
            tenant,
            settling=settling,
            steps=(*(money if providers else ()), provisions_step(on, connection)),
            streams_in_flight=streams_in_flight,
            may_end=by_the_clock,
            alone=lambda: _alone(pool, tenant),
        )
        yield Days(ending, settled, tuple(subscriptions), providers)


def _alone(pool: Pool, tenant: UUID) -> AbstractAsyncContextManager[StillHeld]:
    """Wait until nobody else ends a day of a tenant; whoever dies lets the next one go on."""

    def waits() -> None:
        _log.info("end_of_day.waits", tenant=str(tenant))

    return alone(pool, b"leaseledger.end_of_day/1" + tenant.bytes, waits)


def _reconciling(
    on: Running, tenant: UUID, models: ReadModels, providers: Mapping[str, PaymentProvider], pool: Pool
) -> ReconcileStatements:
    """The step that takes statements, and parks those that it cannot."""
    files = on.settings.statements_directory(tenant)
    return ReconcileStatements(on.ledger, models, list(providers.values()), files, Parking(pool, STATEMENTS))


def _steps(
    on: Running,
    models: ReadModels,
    providers: Mapping[str, PaymentProvider],
    collector: Collector,
    settling: Settling,
    streams_in_flight: int,
    statements: ReconcileStatements,
) -> tuple[DayStep, ...]:
    return (
        CollectDue(on.ledger, on.reader, models, settling, streams_in_flight=streams_in_flight),
        DeliverCallbacks(on.ledger, on.reader, [one for one in providers.values() if isinstance(one, SandboxBank)]),
        AskForOutcomes(on.ledger, on.reader, models, collector),
        statements,
    )
