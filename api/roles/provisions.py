"""Provisions that a month end requires, from the lease book and the journal, both brought up to date before.

read.lease_book ─▶ five classes ─┐
read.journal ─▶ the allowance ───┴─▶ RecogniseProvision for each currency
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import anyio
import psycopg

from adapters.postgres.schema import SHARD
from adapters.processes.provisioning import RecogniseProvisions
from api.compose import Running
from domain.accounting import chart
from domain.accounting.provision import ClassSum, RecogniseProvision
from domain.accounting.provisioning import FiveClass
from projections.accounting import journal
from projections.accounting.journal import JOURNAL
from projections.engine.pages import resolve
from projections.engine.runner import Runner
from projections.leasing import currencies
from projections.leasing.lease_book import LEASE_BOOK
from projections.portfolio import exposures as portfolio


class AllowancesNow:
    """`Allowances` over the read models."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._runner = Runner(connection, (LEASE_BOOK, JOURNAL), shard=SHARD)
        self._runner.prepare()

    async def to_recognise(self, tenant: UUID, day: date) -> Sequence[RecogniseProvision]:
        """What a month end requires, one command for each currency."""
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
    return RecogniseProvisions(on.ledger, on.reader, AllowancesNow(connection))
