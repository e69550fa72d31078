"""A small world for processes: leases that wait for their days, providers, and the read models beside the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any
from uuid import UUID, uuid5

import msgspec
from psycopg import Connection
from psycopg_pool import AsyncConnectionPool

from adapters.payments.collecting import INTEREST as ATTEMPTS
from adapters.payments.collecting import Collector, LedgerPayments
from adapters.payments.in_process import InProcessProvider, Rule
from adapters.postgres.connections import connect, conninfo
from adapters.postgres.ledger import Request
from adapters.processes.closing_steps import AskForOutcomes, ReconcileStatements
from adapters.processes.collecting import INTEREST, Mandate, collect_bills, post_payments
from adapters.processes.end_of_day import EndOfDay
from adapters.processes.following import Follower
from adapters.processes.issuing import STREAMS_IN_FLIGHT, context
from api.compose import Running
from domain.application import AssetClass
from domain.calendar import Timer
from domain.kernel import Command, Decider, Refusal, uuid7
from domain.leasing.lease import LEASE, ActivateLease, CreateLease, RecordDelivery
from domain.leasing.values import Business, Instalment
from domain.payments.payment import CollectionPolicy
from domain.payments.reconciliation import Money
from projections.receipts import RECEIPTS, received
from projections.runner import Runner
from projections.timers import TIMERS, due
from tests.taking_over import take_over, taken_over_on

TENANT = uuid7(1_700_000_000_000, 1)
FIRST = date(2005, 4, 1)
POLICY = CollectionPolicy(channels=("bank_a", "bank_b"), retries=2, spacing_days=(1, 2))
MANDATE = Mandate("M-1", POLICY)
SECRET = b"a secret that only these tests know"


class ReadModels:
    """Timers and receipts on a connection of their own, brought up to date before they are asked."""

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection
        self._runner = Runner(connection, [TIMERS, RECEIPTS])
        self._runner.prepare()

    async def due(self, tenant: UUID, day: date) -> Sequence[Timer]:
        """Every due timer, in order; it blocks, so that a cancelled test leaves no thread behind."""
        self._runner.catch_up()
        return due(self._connection, tenant, day)

    async def received(self, tenant: UUID, provider: str, day: date) -> Sequence[Money]:
        """What came in through a provider."""
        self._runner.catch_up()
        return received(self._connection, tenant, provider, day)


@contextmanager
def read_models(url: str) -> Iterator[ReadModels]:
    """The read models of a database."""
    with connect(url) as connection:
        yield ReadModels(connection)


Banks = dict[str, InProcessProvider]


def providers(rule: Rule) -> Banks:
    """The two banks, both under one rule."""
    return {name: InProcessProvider(name, SECRET, rule) for name in POLICY.channels}


class World:
    """A ledger with processes, reactors, providers and an end of day, without anything that runs by itself.

    Without `reconciled` no statement is asked for: a provider inside the process forgets its books with the process.
    """

    def __init__(
        self,
        program: Running,
        models: ReadModels,
        banks: Banks,
        pool: AsyncConnectionPool[Any],
        *,
        reconciled: bool = True,
        streams_in_flight: int = STREAMS_IN_FLIGHT,
    ) -> None:
        self.program = program
        self.models = models
        self.banks = banks
        self.collector = Collector(banks, LedgerPayments(program.ledger))
        self.follower = Follower(
            name="collecting",
            ledger=program.ledger,
            reader=program.reader,
            pool=pool,
            interest=INTEREST | ATTEMPTS,
            processes=(post_payments, collect_bills(lambda _tenant, _lease: MANDATE)),
            reactors=(self.collector.react,),
        )
        steps = (
            AskForOutcomes(program.ledger, program.reader, models, self.collector),
            ReconcileStatements(program.ledger, models, list(banks.values())),
        )
        self.end_of_day = EndOfDay(
            ledger=program.ledger,
            reader=program.reader,
            timers=models,
            tenant=TENANT,
            settle=self.settle,
            steps=steps if reconciled else steps[:1],
            streams_in_flight=streams_in_flight,
        )

    async def settle(self) -> None:
        """Let processes and reactors catch up."""
        await self.follower.catch_up()


@contextmanager
def pool_of(url: str) -> Iterator[AsyncConnectionPool[Any]]:
    """A pool for the follower; the caller opens it."""
    yield AsyncConnectionPool(conninfo(url), min_size=1, max_size=2, open=False, kwargs={"autocommit": True})


def lease_stream(number: int) -> UUID:
    """The number-th lease."""
    return uuid5(TENANT, f"lease:{number}")


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


async def do(program: Running, decider: Decider[Any], stream: UUID, key: str, command: Command, day: date) -> None:
    """Execute a command that must be granted."""
    request = Request(stream=stream, key=key, command=command, context=context(TENANT, key, day, "test", stream))
    outcome = await program.ledger.execute(decider, request)
    assert not isinstance(outcome, Refusal), outcome.sentence()


async def make_lease(program: Running, number: int, months: int = 3) -> UUID:
    """A lease that runs since the first day, taken over from another book."""
    stream = lease_stream(number)
    commands = (creation(number, months), RecordDelivery(on=FIRST), ActivateLease(on=FIRST))
    await take_over(program, LEASE, stream, taken_over_on(TENANT, stream, FIRST), *commands)
    return stream


async def tell(world: World, first: date, last: date, leases: int = 5) -> None:
    """A story that can be told again from anywhere: some leases, then the ends of the days in which all falls due."""
    await world.follower.prepare()
    for number in range(leases):
        await make_lease(world.program, number)
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
