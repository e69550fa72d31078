"""A small world for processes: leases that wait for their days, providers, and the read models beside the ledger."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import msgspec
from psycopg_pool import AsyncConnectionPool

from adapters.connectors.payments.sandbox import MEMORY, SandboxBank
from adapters.connectors.payments.scenarios import Rule
from adapters.postgres import connections
from adapters.processes.dispatch import STREAMS_IN_FLIGHT, context
from adapters.processes.end_of_day import EndOfDay
from adapters.processes.firing import Settling
from adapters.processes.held import Held, Stalled, Unfired
from api.compose import Running
from api.demonstration.taking_over import take_over, taken_over_on
from api.roles.days import Days, days
from domain.kernel.command import Command
from domain.kernel.decider import Decider
from domain.kernel.ids import uuid7
from domain.kernel.values import AssetClass, Business
from domain.leasing.lease.commands import ActivateLease, CreateLease, RecordDelivery
from domain.leasing.lease.rules.decider import LEASE
from domain.payments.mandate import MANDATE, GrantMandate, mandate_stream
from domain.payments.payment.values import CollectionPolicy
from domain.pricing.schedules import Instalment
from tests.given import when

TENANT = uuid7(1_700_000_000_000, 1)
FIRST = date(2005, 4, 1)
POLICY = CollectionPolicy(channels=("bank_a", "bank_b"), retries=2, spacing_days=(1, 2))
SECRET = b"a secret that only these tests know"

Banks = dict[str, SandboxBank]


def providers(rule: Rule, folder: Path | None = None) -> Banks:
    """The two banks, both under one rule; they remember in a folder, or as long as they live."""
    return {
        name: SandboxBank(name, SECRET, rule, MEMORY if folder is None else folder / f"{name}.sqlite")
        for name in POLICY.channels
    }


class NobodyHeld(Held):
    """Whom days are to leave alone: nobody, and no table is asked."""

    def __init__(self) -> None:
        """There is no table."""

    async def since(self) -> dict[UUID, date]:
        """Nobody is held out."""
        return {}

    async def park(self, day: date, position: int, unfired: Sequence[Unfired]) -> None:
        """Nothing may fail here."""
        assert not unfired

    async def made_up(self, streams: Collection[UUID], to: date) -> None:
        """Nobody has made up for anything."""

    async def release(self, beside: Collection[UUID]) -> None:
        """Nobody goes on."""


async def _nothing() -> None:
    """Nothing else is to be done."""


async def _nobody() -> Sequence[Stalled]:
    return ()


ALONE = Settling(_nothing, _nobody, _nothing, NobodyHeld())
"""Nothing follows from anything, and nobody is held out."""


class World:
    """A ledger with the composed end of day, without anything that runs by itself."""

    def __init__(self, program: Running, composed: Days, banks: Banks) -> None:
        self.program = program
        self.days = composed
        self.banks = banks

    @property
    def end_of_day(self) -> EndOfDay:
        """The ends of its days."""
        return self.days.ending

    async def settle(self) -> None:
        """Let processes and providers catch up."""
        await self.days.settle()


@asynccontextmanager
async def a_world(
    program: Running, rule: Rule, folder: Path | None = None, *, streams_in_flight: int = STREAMS_IN_FLIGHT
) -> AsyncIterator[World]:
    """A world whose banks follow a rule."""
    with ExitStack() as stack:
        banks = providers(rule, folder)
        for bank in banks.values():
            stack.enter_context(closing(bank))
        async with days(program, TENANT, banks, streams_in_flight=streams_in_flight) as composed:
            yield World(program, composed, banks)


@contextmanager
def pool_of(url: str) -> Iterator[AsyncConnectionPool[Any]]:
    """A pool for a subscription; the caller opens it."""
    yield connections.pool_of(url, least=1, most=2)


def lease_stream(number: int) -> UUID:
    """The number-th lease."""
    return uuid5(TENANT, f"lease:{number}")


def cash(of: UUID, name: str) -> UUID:
    """Money that people post; ids of version 5 are the ledger's own."""
    return UUID(int=uuid5(of, name).int, version=4)


def schedule(number: int, months: int = 3) -> tuple[Instalment, ...]:
    """Instalments from May 2005 on, due on a day of the month that depends on the lease."""
    day = 1 + number % 3
    return tuple(
        Instalment(
            number=n, due_on=date(2005, 4 + n, day), principal_fen=100_000 + n, interest_fen=1_000 * (months - n)
        )
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


async def given(
    program: Running, decider: Decider[Any], stream: UUID, key: str, command: Command, day: date, actor: str = "test"
) -> None:
    """A command of the tenant that is granted, under a key of its own."""
    by = context(TENANT, day, actor, stream)
    (await when(program, decider, stream, command, key=key, by=by)).granted()


async def make_lease(program: Running, number: int, months: int = 3) -> UUID:
    """A lease that runs since the first day, taken over from another book."""
    stream = lease_stream(number)
    commands = (creation(number, months), RecordDelivery(on=FIRST), ActivateLease(on=FIRST))
    await take_over(program, LEASE, stream, taken_over_on(TENANT, stream, FIRST), *commands)
    return stream


async def grant(
    program: Running, lease: UUID, day: date = FIRST, policy: CollectionPolicy = POLICY, limit_fen: int | None = None
) -> None:
    """A mandate for a lease."""
    command = GrantMandate(lease=lease, reference="M-1", policy=policy, limit_fen=limit_fen)
    await given(program, MANDATE, mandate_stream(lease), f"grant:{lease.hex}:{day}", command, day)


async def tell(world: World, first: date, last: date, leases: int = 5) -> None:
    """A story that can be told again from anywhere: some leases, then the ends of the days in which all falls due."""
    for number in range(leases):
        await grant(world.program, await make_lease(world.program, number))
    await world.end_of_day.open(first)
    await world.end_of_day.catch_up(last)


async def contents(program: Running) -> dict[UUID, list[tuple[str, str, str]]]:
    """Stream → (type, business date, body) of its events, in order: what must not depend on faults."""
    told: dict[UUID, list[tuple[str, str, str]]] = {}
    position = 0
    while page := await program.reader.after(position, 1_000):
        position = page[-1].position
        for stored in page:
            entry = stored.parsed()
            body = msgspec.json.decode(entry.body)
            told.setdefault(entry.stream, []).append((entry.type, str(entry.business_date), str(body)))
    return told
