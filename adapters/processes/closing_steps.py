"""The further steps of an end of day: asking for open outcomes, reconciling the providers' statements.

queries          attempts that are pending or unknown ─▶ provider.query ─▶ their outcomes
reconciliation   provider by provider: statement(day) ─▶ match ─▶ matched, breaks ─▶ closed if there are none
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol
from uuid import UUID

from adapters.payments.collecting import Collector
from adapters.payments.port import PaymentProvider
from adapters.payments.statement import Statement, read_statement
from adapters.postgres.ledger import Ledger, Request
from adapters.postgres.reader import Reader
from adapters.processes.end_of_day import DayRun, DueTimers, EndOfDayError, Progress
from adapters.processes.issuing import Issue, context, issue_all, issued_since
from domain.kernel import Command, Refusal
from domain.payments.reconciliation import (
    RECONCILIATION,
    CloseReconciliation,
    LoadStatement,
    Money,
    Phase,
    ReconciliationState,
    RecordMatching,
    match,
    reconciliation_stream,
)

QUERY_KIND = "payment_query"
BY_QUERIES = "queries"
BY_RECONCILIATION = "reconciliation"


class Receipts(Protocol):
    """The read model of money that arrived through providers, up to date at the moment of asking."""

    async def received(self, tenant: UUID, provider: str, day: date) -> Sequence[Money]:
        """Every payment of a provider with this value date."""


class ReconciliationRefused(EndOfDayError):
    """A statement that the reconciliation did not take."""

    def __init__(self, provider: str, day: date, refusal: Refusal) -> None:
        super().__init__(f"statement of {provider} for {day}: {refusal.sentence()}")
        self.refusal = refusal


@dataclass
class AskForOutcomes:
    """The step `queries`: every attempt whose outcome is open is asked for, once a day."""

    ledger: Ledger
    reader: Reader
    timers: DueTimers
    collector: Collector
    name: str = BY_QUERIES

    async def run(self, run: DayRun, progress: Progress) -> int:  # noqa: ARG002
        """Ask, record what is known now, leave the rest for the next day; the outcomes recorded on this day."""
        due = await self.timers.due(run.tenant, run.day)
        issues: list[Issue] = []
        for timer in due:
            if timer.kind != QUERY_KIND:
                continue
            for wish in await self.collector.resolve(timer.stream, timer.number, run.day):
                by = context(run.tenant, wish.key, run.day, BY_QUERIES, timer.stream)
                issues.append(
                    Issue(decider=wish.decider, stream=wish.stream, key=wish.key, command=wish.command, context=by)
                )
        await issue_all(self.ledger, self.reader, issues)
        return await issued_since(self.reader, run.tenant, run.position, BY_QUERIES)


@dataclass
class ReconcileStatements:
    """The step `reconciliation`: the statement of each provider, in the order of their names; counts rows.

    A run with breaks stays open, and the day closes: breaks are resolved by people, or by news that comes later.
    """

    ledger: Ledger
    receipts: Receipts
    providers: Sequence[PaymentProvider]
    name: str = BY_RECONCILIATION

    async def run(self, run: DayRun, progress: Progress) -> int:
        """Reconcile what is left; every statement's rows count. Raises `StatementError`, `ReconciliationRefused`."""
        rows = run.processed
        for provider in sorted(self.providers, key=lambda one: one.name):
            if run.cursor is not None and provider.name <= run.cursor:
                continue
            rows += await self._reconcile(provider, run)
            await progress(rows, provider.name)
        return rows

    async def _reconcile(self, provider: PaymentProvider, run: DayRun) -> int:
        """From wherever the run is: what was recorded is never recorded again in other words."""
        name, file = provider.name, f"{provider.name}-{run.day}.csv"
        state = await self._state(name, run)
        if state.phase in (Phase.ABSENT, Phase.LOADED):
            statement = read_statement(file, await provider.statement(run.day), run.day)
            if state.phase is Phase.ABSENT:
                await self._command(name, run, "load", _load(name, statement))
            await self._command(name, run, "match", await self._matching(name, run, statement))
            state = await self._state(name, run)
        if state.phase is Phase.MATCHED and not state.open:
            await self._command(name, run, "close", CloseReconciliation())
        return state.rows

    async def _state(self, provider: str, run: DayRun) -> ReconciliationState:
        stream = reconciliation_stream(run.tenant, provider, run.day)
        _, state = await self.ledger.load(RECONCILIATION, stream)
        assert isinstance(state, ReconciliationState)
        return state

    async def _matching(self, provider: str, run: DayRun, statement: Statement) -> RecordMatching:
        ours = await self.receipts.received(run.tenant, provider, run.day)
        matching = match((Money(row.ref, row.amount_fen) for row in statement.rows), ours)
        return RecordMatching(
            count=len(matching.matched),
            fen=matching.matched_fen,
            ours=len(ours),
            ours_fen=sum(one.amount_fen for one in ours),
            breaks=matching.breaks,
        )

    async def _command(self, provider: str, run: DayRun, what: str, command: Command) -> None:
        stream = reconciliation_stream(run.tenant, provider, run.day)
        key = f"reconciliation:{provider}:{run.day}:{what}"
        by = context(run.tenant, key, run.day, BY_RECONCILIATION, stream)
        outcome = await self.ledger.execute(
            RECONCILIATION, Request(stream=stream, key=key, command=command, context=by)
        )
        if isinstance(outcome, Refusal):
            raise ReconciliationRefused(provider, run.day, outcome)


def _load(provider: str, statement: Statement) -> LoadStatement:
    return LoadStatement(
        provider=provider,
        day=statement.day,
        digest=statement.digest,
        rows=len(statement.rows),
        total_fen=statement.total_fen,
    )
