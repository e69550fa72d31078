"""Scene of a demonstration: a real ledger with its processes, two banks and a calendar, and a transcript.

    demo.ask(…)     a command that is granted     ─▶ its events, and what they do to the books
    demo.refuse(…)  a command that is refused     ─▶ the refusal's code and sentence
    demo.until(day) ends of days, one by one      ─▶ what fell due, days without anything in one line

Every event is read back from the ledger and posted as it is told: `books` is the sum of all postings, and it is zero
after each. Nothing here reads a clock; the banks decide by a table that the story gives them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from psycopg import Connection

from adapters.connectors.payments.port import Order
from adapters.connectors.payments.sandbox import SandboxBank
from adapters.connectors.payments.scenarios import Script
from adapters.postgres.connections import connect
from adapters.postgres.ledger import Request
from api.compose import Running
from api.demonstration import telling
from api.roles.days import Days, days
from domain.accounting.posting import post
from domain.calendar.calendar import CALENDAR
from domain.kernel.command import Actor, Command, Context
from domain.kernel.decider import Decider
from domain.kernel.event import Event, type_of
from domain.kernel.refusal import Refusal
from domain.kernel.times import BEIJING
from domain.payments.mandate import MANDATE, GrantMandate, mandate_stream
from domain.payments.payment.values import CollectionPolicy
from domain.payments.reconciliation import RECONCILIATION, StatementLoaded, StatementMatched
from projections.accounting.journal import trial_balance
from projections.engine.model import Projection
from projections.engine.runner import Runner
from projections.portfolio import exposures as portfolio
from projections.registry import PROJECTIONS

READ_MODELS: tuple[Projection[Any], ...] = PROJECTIONS
POLICY = CollectionPolicy(channels=("bank_a", "bank_b"), retries=3, spacing_days=(1, 3, 7))
BY_APP = CollectionPolicy(channels=("bank_b",))
"""Money that the lessee sends from the app goes through the second bank."""
PAGE = 1_000
MORNING = time(10)
LINES_OF_A_NOTE = 30
OPERATOR = Actor("merchant_operator", "operator_1")
APPLICANT = Actor("applicant", "applicant_1")
RISK_OFFICER = Actor("risk_officer", "officer_1")

Life = Callable[["Demonstration", Path], Awaitable[None]]
"""What happens to one tenant, from its first command to the last fen."""

Scenarios = dict[tuple[str, int], Script]
"""What becomes of attempts, by payment stream (32 hex digits) and attempt; what is not here succeeds at once."""


class ReadModels:
    """Every read model on a connection of its own, brought up to date before it is asked."""

    def __init__(self, connection: Connection[Any]) -> None:
        self.connection = connection
        self._runner = Runner(connection, READ_MODELS)
        self._runner.prepare()

    def catch_up(self) -> None:
        """Bring all of them to the ledger's head."""
        self._runner.catch_up()


@dataclass
class Demonstration:
    """One life while it is lived, for one tenant. `lines` is the transcript so far."""

    tenant: UUID
    program: Running
    days: Days
    models: ReadModels
    banks: Mapping[str, SandboxBank]
    scenarios: Scenarios
    today: date
    lines: list[str] = field(default_factory=list)
    books: dict[str, int] = field(default_factory=dict)
    refused_follow_ups: dict[str, str] = field(default_factory=dict)
    seen: int = 0
    _commands: int = 0
    _quiet: list[date] = field(default_factory=list)
    _busy_runs: set[UUID] = field(default_factory=set)

    # ------------------------------------------------------------------------------------------ words

    def id(self, name: str) -> UUID:
        """The id of something in this life; the same each time."""
        return uuid5(self.tenant, name)

    def chapter(self, title: str) -> None:
        """A new chapter."""
        self._say_quiet()
        self.lines += ["", f"## {title}", ""] if self.lines else [f"## {title}", ""]

    def say(self, text: str) -> None:
        """A sentence for people, with its day."""
        self._say_quiet()
        self.lines += telling.lines_of(f"{self.today}  {text}", 0, 12)

    def show(self, lines: Sequence[str] | Any) -> None:
        """Lines as they are: schedules, balances."""
        self.lines += [line.rstrip() for line in lines]

    def _say_quiet(self) -> None:
        if self._quiet:
            self.lines.append(telling.days(self._quiet[0], self._quiet[-1]))
            self._quiet.clear()

    # --------------------------------------------------------------------------------------- commands

    async def ask(
        self, decider: Decider[Any], stream: UUID, *commands: Command, by: Actor = OPERATOR, hidden: bool = False
    ) -> None:
        """Commands that must be granted; processes and providers answer before the next one."""
        for command in commands:
            outcome = await self._execute(decider, stream, command, by)
            assert not isinstance(outcome, Refusal), f"{type(command).__name__}: {outcome.sentence()}"
            await self.settle(hidden=hidden)

    async def refuse(
        self, decider: Decider[Any], stream: UUID, command: Command, code: str, *, by: Actor = OPERATOR
    ) -> None:
        """A command that must be refused, by the rule with this code."""
        outcome = await self._execute(decider, stream, command, by)
        assert isinstance(outcome, Refusal), f"{type(command).__name__}: expected {code}, got events"
        self.refused(type(command).__name__, outcome, code)

    def refused(self, what: str, refusal: Refusal, code: str) -> None:
        """Write down a refusal, which must have this code; ids among its facts are left out."""
        self._say_quiet()
        assert refusal.code == code, f"{what}: expected {code}, got {refusal.sentence()}"
        facts = ", ".join(f"{name} {value}" for name, value in refusal.facts if not _drawn(value))
        text = f"no    {what}: {refusal.code}: {refusal.kind.en}{f' ({facts})' if facts else ''}"
        self.lines += telling.lines_of(text, 4, 6)

    async def _execute(self, decider: Decider[Any], stream: UUID, command: Command, by: Actor) -> Any:
        self._say_quiet()
        self._commands += 1
        key = f"demonstration:{self._commands}"
        now = datetime.combine(self.today, MORNING, BEIJING).astimezone(UTC) + timedelta(seconds=self._commands)
        context = Context(
            tenant=self.tenant,
            actor=by,
            correlation=self.id("case"),
            now=now,
            business_date=self.today,
        )
        request = Request(stream=stream, key=key, command=command, context=context)
        return await self.program.ledger.execute(decider, request)

    async def state(self, decider: Decider[Any], stream: UUID) -> Any:
        """What the write path knows of a stream."""
        return (await self.program.ledger.load(decider, stream))[1]

    async def mandate(self, lease: UUID) -> UUID:
        """The lessee allows debits; gives the mandate's stream."""
        stream = mandate_stream(lease)
        grant = GrantMandate(lease=lease, reference="DD-2026-0001", policy=POLICY)
        await self.ask(MANDATE, stream, grant, by=APPLICANT)
        return stream

    async def settle(self, *, hidden: bool = False) -> None:
        """Let processes and reactors catch up, then tell what is new in the ledger and what a process was refused."""
        await self.days.settle()
        await self._tell_new(hidden=hidden)
        for one in await self.days.parked(self.tenant):
            if one.key not in self.refused_follow_ups:
                self.refused_follow_ups[one.key] = one.code
                self._say_quiet()
                text = f"no    what follows was refused, and somebody has to look: {one.code}"
                self.lines += telling.lines_of(text, 4, 6)

    # ------------------------------------------------------------------------------------------- days

    async def until(self, day: date) -> None:
        """Close every day before `day`; then it is that day."""
        while self.today < day:
            before = len(self.lines)
            closing, self.today = self.today, self.today + timedelta(days=1)
            closed = await self.days.ending.close(closing)
            await self._tell_new()
            if len(self.lines) == before:
                self._quiet.append(closing)
                continue
            happened, self.lines = self.lines[before:], self.lines[:before]
            self._say_quiet()
            refused = ", ".join(f"{code} × {count}" for code, count in sorted(closed.refused.items()))
            self.lines += [f"{closing}  end of day{f'; timers refused: {refused}' if refused else ''}", *happened]

    # ---------------------------------------------------------------------------------------- telling

    async def _tell_new(self, *, hidden: bool = False) -> None:
        while page := await self.program.reader.after(self.seen, PAGE):
            for stored in page:
                self.seen = stored.position
                entry = stored.parsed()
                self._tell(stored.position, entry.stream, entry.event(), hidden=hidden)

    def _tell(self, position: int, stream: UUID, event: Event, *, hidden: bool) -> None:
        journal = post(event)
        for line in journal:
            self.books[line.account] = self.books.get(line.account, 0) + line.debit_fen - line.credit_fen
        assert sum(self.books.values()) == 0, f"#{position}: the books do not balance"
        if not hidden and not self._is_routine(event, stream):
            self.lines += telling.told(position, event, journal)

    def _is_routine(self, event: Event, stream: UUID) -> bool:
        """Steps of the calendar, and reconciliations of statements without a single row on either side."""
        aggregate = type_of(event).partition(".")[0]
        if aggregate != RECONCILIATION.name:
            return aggregate == CALENDAR.name
        if (isinstance(event, StatementLoaded) and event.rows) or (isinstance(event, StatementMatched) and event.ours):
            self._busy_runs.add(stream)
        return stream not in self._busy_runs

    def balance(self) -> None:
        """The trial balance of the read model, which must be what the events posted one by one."""
        self.models.catch_up()
        found = trial_balance(self.models.connection, self.tenant)
        assert {one.account: one.balance_fen for one in found.accounts} == self.books
        assert found.sum_fen == 0
        self.say("Trial balance, debits less credits:")
        self.show(telling.balance(found))

    def provisions(self) -> None:
        """What would be set aside today, class by class."""
        self.models.catch_up()
        self.say("Provisions in five classes:")
        self.show(telling.provisions(portfolio.provisions(self.models.connection, self.tenant, self.today)))


def _drawn(value: str) -> bool:
    """Whether a fact is an id or a digest."""
    plain = value.replace("-", "")
    return len(plain) >= 32 and all(char in "0123456789abcdef" for char in plain)


@asynccontextmanager
async def stage(program: Running, tenant: UUID, first: date) -> AsyncIterator[Demonstration]:
    """A tenant's life that begins on a business date, with the composed end of day.

    One stream after the other, so that positions never differ.
    """
    scenarios: Scenarios = {}

    def scenario(order: Order) -> Script:
        payment, _, attempt = order.request.partition("-")
        return scenarios.get((payment, int(attempt)), Script())

    with ExitStack() as stack:
        banks = {name: SandboxBank(name, b"a secret of the stage", scenario) for name in POLICY.channels}
        for bank in banks.values():
            stack.enter_context(closing(bank))
        models = ReadModels(stack.enter_context(connect(program.url)))
        async with days(program, tenant, banks, streams_in_flight=1) as composed:
            await composed.ending.open(first)
            demo = Demonstration(tenant, program, composed, models, banks, scenarios, first)
            demo.seen = await program.reader.size()
            await demo.settle()
            yield demo
            refused = {one.key: one.code for one in await composed.parked(tenant)}
            assert refused == demo.refused_follow_ups, f"a process was refused and nobody told: {refused}"
            models.catch_up()


async def live(program: Running, tenant: UUID, first: date, life: Life, keys: Path) -> str:
    """Live one life through; returns its transcript. `keys` is where the parties' signing keys are kept."""
    async with stage(program, tenant, first) as demo:
        try:
            await life(demo, keys)
        except Exception as error:
            error.add_note("\n".join(["So far:", *demo.lines[-LINES_OF_A_NOTE:]]))
            raise
        return "\n".join(demo.lines) + "\n"
