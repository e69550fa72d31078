"""The step `provisions` of an end of day: at month ends the allowance is brought to what it has to hold.

read.lease_book ─▶ five classes ─┐ last day of a month,
read.journal ─▶ the allowance ───┴─▶ RecogniseProvision, once for each currency: key `provision:<currency>:<day>`
                both up to date
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import anyio
import psycopg

from adapters.postgres.ledger import Ledger
from adapters.postgres.reading.reader import Reader
from adapters.postgres.schema import SHARD
from adapters.processes.dispatch import Dispatch, context, dispatch_all, dispatched_since
from adapters.processes.end_of_day import DayRun, Progress
from adapters.processes.firing import EndOfDayError
from api.compose import Running
from domain.accounting import chart
from domain.accounting.provision import PROVISION, ClassSum, RecogniseProvision, provision_stream
from domain.accounting.provisioning import FiveClass
from domain.kernel.refusal import Refusal
from domain.kernel.times import is_month_end
from projections.accounting import journal
from projections.accounting.journal import JOURNAL
from projections.engine.pages import resolve
from projections.engine.runner import Runner
from projections.leasing import currencies
from projections.leasing.lease_book import LEASE_BOOK
from projections.portfolio import exposures as portfolio

BY_PROVISIONS = "provisions"


class ProvisionRefused(EndOfDayError):
    """A month end that the provisions did not take: the read models and the provisions tell different things."""

    def __init__(self, day: date, refusal: Refusal) -> None:
        super().__init__(f"provisions of {day}: {refusal.sentence()}")
        self.refusal = refusal


@dataclass
class RecogniseProvisions:
    """The step `provisions`; on other days there is nothing to do."""

    ledger: Ledger
    reader: Reader
    allowances: Allowances
    name: str = BY_PROVISIONS

    async def run(self, run: DayRun, progress: Progress) -> int:  # noqa: ARG002 - one command for each currency
        """Recognise what is not recognised yet; how many currencies were. Raises `ProvisionRefused`."""
        if not is_month_end(run.day):
            return 0
        dispatches = [
            self._dispatch(run, command) for command in await self.allowances.to_recognise(run.tenant, run.day)
        ]
        dispatched = await dispatch_all(self.ledger, self.reader, dispatches)
        for _, refusal in dispatched.refusals:
            raise ProvisionRefused(run.day, refusal)
        return await dispatched_since(self.reader, run.tenant, run.position, BY_PROVISIONS)

    def _dispatch(self, run: DayRun, command: RecogniseProvision) -> Dispatch:
        stream = provision_stream(run.tenant, command.currency)
        key = f"provision:{command.currency}:{command.as_of}"
        by = context(run.tenant, run.day, BY_PROVISIONS, stream)
        return Dispatch(decider=PROVISION, stream=stream, key=key, command=command, context=by)


class Allowances:
    """The read models of exposures and of the allowance, brought up to date with the ledger before every answer."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._runner = Runner(connection, (LEASE_BOOK, JOURNAL), shard=SHARD)
        self._runner.prepare()

    async def to_recognise(self, tenant: UUID, day: date) -> Sequence[RecogniseProvision]:
        """What a month end requires, one command for each currency in which anything is at risk or held."""
        return await anyio.to_thread.run_sync(self._to_recognise, tenant, day)

    def _to_recognise(self, tenant: UUID, day: date) -> Sequence[RecogniseProvision]:
        self._runner.catch_up()
        return list(to_recognise(self._connection, tenant, day, shard=SHARD))


def to_recognise(
    connection: psycopg.Connection[Any], tenant: UUID, day: date, *, shard: int = SHARD
) -> Iterator[RecogniseProvision]:
    """The commands of a month end, of both read models at the position that both have reached."""
    position = min(resolve(connection, model, shard, None) for model in (LEASE_BOOK, JOURNAL))
    for currency in sorted(currencies.known(connection, tenant, shard, position)):
        found = portfolio.provisions(connection, tenant, day, currency=currency, as_of_position=position, shard=shard)
        balance = journal.trial_balance(connection, tenant, currency=currency, as_of_position=position, shard=shard)
        held_fen = -next((one.balance_fen for one in balance.accounts if one.account == chart.ALLOWANCE), 0)
        if held_fen or any(one.exposure_fen for one in found.classes):
            yield RecogniseProvision(
                as_of=day,
                currency=currency,
                policy=found.policy,
                classes=tuple(_sum_of(one) for one in found.classes),
                held_fen=held_fen,
            )


def _sum_of(one: portfolio.ProvisionClass) -> ClassSum:
    return ClassSum(
        five_class=FiveClass(one.five_class),
        leases=one.leases,
        exposure_fen=one.exposure_fen,
        required_fen=one.provision_fen,
    )


def provisions_step(on: Running, connection: psycopg.Connection[Any]) -> RecogniseProvisions:
    """The step of an end of day."""
    return RecogniseProvisions(on.ledger, on.reader, Allowances(connection))
