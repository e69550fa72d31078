"""A small world for processes: leases that wait for their days, and the read model of timers beside the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID, uuid5

from psycopg import Connection

from adapters.postgres.connections import connect
from adapters.postgres.ledger import Request
from adapters.processes.end_of_day import EndOfDay
from adapters.processes.issuing import context, end_of
from api.compose import Running
from domain.application import AssetClass
from domain.calendar import Timer
from domain.kernel import Command, Decider, Refusal, uuid7
from domain.leasing.lease import LEASE, ActivateLease, CreateLease, RecordDelivery
from domain.leasing.values import Business, Instalment
from projections.runner import Runner
from projections.timers import TIMERS, due

TENANT = uuid7(1_700_000_000_000, 1)
FIRST = date(2005, 4, 1)


class Timers:
    """The read model on a connection of its own, brought up to date before it is asked."""

    def __init__(self, url: str) -> None:
        self._connection: Connection[Any] = connect(url)
        self._runner = Runner(self._connection, [TIMERS])
        self._runner.prepare()

    async def due(self, tenant: UUID, day: date) -> Sequence[Timer]:
        """Every due timer, in order."""
        return await asyncio.to_thread(self._due, tenant, day)

    def _due(self, tenant: UUID, day: date) -> Sequence[Timer]:
        self._runner.catch_up()
        return due(self._connection, tenant, day)

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()


def lease_stream(number: int) -> UUID:
    """The number-th lease."""
    return uuid5(TENANT, f"lease:{number}")


def schedule(number: int, months: int = 3) -> tuple[Instalment, ...]:
    """Instalments from May 2005 on, due on a day of the month that depends on the lease."""
    day = 1 + number % 3
    return tuple(
        Instalment(number=n, due_on=date(2005, 4 + n, day), principal_fen=100_000 + n, interest_fen=1_000 * (months - n))
        for n in range(1, months + 1)
    )


def creation(number: int, months: int = 3) -> CreateLease:
    """A finance lease of a vehicle; every third one has no late fee."""
    lines = schedule(number, months)
    return CreateLease(
        plan="auto_level",
        plan_digest="a" * 64,
        business=Business.FINANCE,
        asset_class=AssetClass.VEHICLE,
        currency="CNY",
        principal_fen=sum(line.principal_fen for line in lines),
        annual_rate="0.12",
        schedule=lines,
        reference=f"L-{number}",
        late_fee_daily_rate="0" if number % 3 == 0 else "0.0005",
        bill_lead_days=2,
    )


async def do(program: Running, decider: Decider[Any], stream: UUID, key: str, command: Command, day: date) -> None:
    """Execute a command that must be granted."""
    request = Request(
        stream=stream, key=key, command=command, context=context(TENANT, key, day, "test", stream), new=False
    )
    outcome = await program.ledger.execute(decider, request)
    assert not isinstance(outcome, Refusal), outcome.sentence()


async def make_lease(program: Running, number: int, months: int = 3) -> UUID:
    """A lease that runs since the first day."""
    stream = lease_stream(number)
    commands = (creation(number, months), RecordDelivery(on=FIRST), ActivateLease(on=FIRST))
    for step, command in enumerate(commands):
        await do(program, LEASE, stream, f"make:{number}:{step}", command, FIRST)
    return stream


def ending(program: Running, timers: Timers, **more: Any) -> EndOfDay:
    """The end of day of the world's tenant."""
    return EndOfDay(ledger=program.ledger, reader=program.reader, timers=timers, tenant=TENANT, **more)


__all__ = ["FIRST", "TENANT", "Timers", "creation", "do", "end_of", "ending", "lease_stream", "make_lease", "schedule"]
