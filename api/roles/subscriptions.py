"""Subscriptions, put together: each process manager of the domain, and the collector that asks providers.

originating  from offer to lease
payments     money between leases and payments
collector    attempts and refunds to their providers
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from adapters.connectors.payments.collecting import INTEREST, Collector, collector_name
from adapters.postgres.connections import Pool
from adapters.processes.subscription import Subscription, reactor_of
from api.compose import Running
from domain.kernel.process import PROCESS_MANAGERS, Followed, Occurrence, ProcessManager

QUIET_ROUNDS = 10
"""Rounds in a row in which nobody had anything to do, though others go on writing, before that is called settled."""


def subscription_of(on: Running, pool: Pool, manager: ProcessManager) -> Subscription:
    """The subscription of a process manager; prepare it once."""
    return Subscription(
        name=manager.name,
        ledger=on.ledger,
        reader=on.reader,
        pool=pool,
        interest=frozenset(manager.reacts),
        react=reactor_of(manager, on.facts),
    )


def managed(on: Running, pool: Pool) -> list[Subscription]:
    """The subscriptions of all process managers, in the order of their names."""
    return [subscription_of(on, pool, manager) for _, manager in sorted(PROCESS_MANAGERS.items())]


def collector_of(on: Running, pool: Pool, tenant: UUID, collector: Collector) -> Subscription:
    """The subscription that takes a tenant's attempts and refunds to their providers."""

    async def react(occurrence: Occurrence) -> Followed:
        return await collector.react(occurrence) if occurrence.tenant == tenant else ()

    return Subscription(
        name=collector_name(tenant), ledger=on.ledger, reader=on.reader, pool=pool, interest=INTEREST, react=react
    )


async def settle(subscriptions: Sequence[Subscription]) -> None:
    """Until none has anything to do: what one dispatches is what another waits for.

    Another instance may have dispatched meanwhile what a subscription waits for that had its turn before. So all see
    the ledger as far as the one that saw most of it.
    """
    turn, quiet = list(subscriptions), 0
    while turn and quiet < QUIET_ROUNDS:
        dispatched = [await subscription.catch_up() for subscription in turn]
        if any(one.accepted for one in dispatched):
            turn, quiet = list(subscriptions), 0
            continue
        most = max(subscription.seen for subscription in subscriptions)
        turn, quiet = [subscription for subscription in subscriptions if subscription.seen < most], quiet + 1
