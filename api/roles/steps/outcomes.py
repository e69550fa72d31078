"""The steps `callbacks` and `queries` of an end of day: what became of payments and refunds at their providers.

callbacks   a sandbox bank calls back on its days; a real one calls over HTTP, whenever it likes
queries     attempts that are pending or unknown ─▶ provider.query ─▶ their outcomes; refunds likewise
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid5

from adapters.connectors.payments.collecting import Collector, received
from adapters.connectors.payments.sandbox import SandboxBank
from adapters.postgres.ledger import Ledger
from adapters.postgres.reading.reader import Reader
from adapters.processes.dispatch import Dispatch, dispatch_all, dispatch_of, dispatched_since, failure_of
from adapters.processes.end_of_day import DayRun, Progress
from adapters.processes.subscription import REACTIONS_IN_FLIGHT
from api.roles.read_models import ReadModels
from domain.kernel.process import Followed, FollowUp
from domain.kernel.timer import Timer
from domain.payments.payment.timers import QUERY, REFUND

BY_CALLBACKS = "callbacks"
BY_QUERIES = "queries"


@dataclass
class DeliverCallbacks:
    """The step `callbacks`: what sandbox banks call back with on this day, forged ones included."""

    ledger: Ledger
    reader: Reader
    banks: Sequence[SandboxBank]
    name: str = BY_CALLBACKS

    async def run(self, run: DayRun, progress: Progress) -> int:  # noqa: ARG002
        """Take them; the callbacks recorded on this day. A delivery has an id of its own, and so happens once.

        One that fails is lost, as some are: its payment is asked for, and the statement has it.
        """
        dispatches: list[Dispatch] = []
        for bank in self.banks:
            for delivery in bank.deliveries(run.day):
                arrival = uuid5(run.tenant, f"callback:{bank.name}:{delivery.number}")
                follow_up = received(bank.name, bank.verify_callback, delivery.headers, delivery.body, arrival)
                dispatches.append(dispatch_of(follow_up, run.tenant, run.day, BY_CALLBACKS, follow_up.stream))
        await dispatch_all(self.ledger, self.reader, dispatches)
        return await dispatched_since(self.reader, run.tenant, run.position, BY_CALLBACKS)


@dataclass
class AskForOutcomes:
    """The step `queries`: every attempt and every refund whose outcome is open is asked for, once a day."""

    ledger: Ledger
    reader: Reader
    models: ReadModels
    collector: Collector
    name: str = BY_QUERIES

    async def run(self, run: DayRun, progress: Progress) -> int:  # noqa: ARG002
        """Ask, record what is known now, leave the rest for the next day; the outcomes recorded on this day.

        What fails stays open like what no provider can say.
        """
        turns = asyncio.Semaphore(REACTIONS_IN_FLIGHT)

        async def ask(timer: Timer) -> Followed:
            question = self.collector.resolve if timer.kind == QUERY.name else self.collector.refund
            async with turns:
                try:
                    return await question(timer.stream, timer.number, run.day)
                except Exception as error:  # noqa: BLE001 - one outcome stays open, and all others are asked for
                    failure_of(error, timer.key)
                    return ()

        due = await self.models.due(run.tenant, run.day)
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(ask(one)) for one in due if one.kind in (QUERY.name, REFUND.name)]
        dispatches = [
            dispatch_of(follow_up, run.tenant, run.day, BY_QUERIES, follow_up.stream)
            for task in asked
            for follow_up in task.result()
            if isinstance(follow_up, FollowUp)
        ]
        await dispatch_all(self.ledger, self.reader, dispatches)
        return await dispatched_since(self.reader, run.tenant, run.position, BY_QUERIES)
