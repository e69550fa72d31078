"""The step `reconciliation` of an end of day: the providers' statements against what the ledger knows.

provider by provider: statement(day) ─▶ match ─▶ matched, breaks ─▶ closed if there are none

A statement is a file that the bank dropped, `<provider>-<date>.csv` in the tenant's directory, or else what the
provider says online. A file that comes some days late is taken then; a day without either has no run. One that cannot
be taken is parked, and the day goes on; it is tried again with each day until it is taken.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from adapters.connectors.payments import collecting
from adapters.connectors.payments.port import PaymentProvider
from adapters.connectors.payments.statement import Statement, StatementError, read_statement
from adapters.postgres.ledger import Ledger, Request
from adapters.processes.dispatch import context, failure_of
from adapters.processes.end_of_day import DayRun, Progress
from adapters.processes.firing import EndOfDayError
from adapters.processes.parking import Parking, Unsettled
from api.roles.read_models import ReadModels
from domain.kernel.command import Command
from domain.kernel.refusal import Refusal
from domain.payments.matching import Money, match
from domain.payments.reconciliation import (
    LOADED,
    NOT_READ,
    RECONCILIATION,
    CloseReconciliation,
    LoadStatement,
    ReconciliationPhase,
    ReconciliationState,
    RecordMatching,
    reconciliation_stream,
)

BY_RECONCILIATION = "reconciliation"
LATE_FILES_DAYS = 7
"""So many days back a statement file that was dropped late is still taken."""


class ReconciliationRefused(EndOfDayError):
    """A statement that the reconciliation did not take."""

    def __init__(self, provider: str, day: date, refusal: Refusal) -> None:
        super().__init__(f"statement of {provider} for {day}: {refusal.sentence()}")
        self.refusal = refusal


@dataclass
class ReconcileStatements:
    """The step `reconciliation`: the statement of each provider, in the order of their names; counts rows.

    A run with breaks stays open, and the day closes: breaks are resolved by people, or by news that comes later.
    Statements that cannot be taken are parked.
    """

    ledger: Ledger
    models: ReadModels
    providers: Sequence[PaymentProvider]
    files: Path
    parking: Parking
    name: str = BY_RECONCILIATION

    async def run(self, run: DayRun, progress: Progress) -> int:
        """Reconcile what is left; every statement's rows count. Raises `EndOfDayError` where no file can be sought."""
        self._searchable()
        rows, parked = run.processed, await self.parking.keys(run.tenant)
        for provider in sorted(self.providers, key=lambda one: one.name):
            if run.cursor is not None and provider.name <= run.cursor:
                continue
            for day in _days(provider.name, run.day, parked):
                rows += await self._tried(provider, run, day, parked)
            await progress(rows, provider.name)
        return rows

    def _searchable(self) -> None:
        """Raise `EndOfDayError` for a directory of statements that is none, or may not be searched."""
        at = self.files
        if at.exists() and not (at.is_dir() and os.access(at, os.X_OK)):
            raise EndOfDayError(f"{at}: expected a directory of statements that may be searched, got another one")

    async def _tried(self, provider: PaymentProvider, run: DayRun, day: date, parked: set[str]) -> int:
        """Reconcile a statement, or park why it could not be: another bank's, and the next day, wait for nobody."""
        key = f"{_of_provider(provider.name)}{day}"
        try:
            rows = await self._reconcile(provider, run, day, again=key in parked)
        except Exception as error:  # noqa: BLE001 - one statement's error is nobody else's
            stream = reconciliation_stream(run.tenant, provider.name, day)
            left = Unsettled(run.position, key, run.tenant, stream, _why(error, key))
            await self.parking.replace(run.tenant, key, left)
            return 0
        if key in parked and rows is not None:
            await self.parking.replace(run.tenant, key, None)
        return rows or 0

    async def _reconcile(self, provider: PaymentProvider, run: DayRun, day: date, *, again: bool) -> int | None:
        """From wherever the run is: what was recorded is never recorded again in other words. `None` without a
        statement; of an earlier day the provider is asked online only where its statement could not be taken.
        """
        name = provider.name
        content = self._file(name, day)
        if content is None and day < run.day and not again:
            return None
        state = await self._state(name, run, day)
        fresh = state.phase in (ReconciliationPhase.ABSENT, ReconciliationPhase.LOADED)
        if fresh:
            content = await _online(provider, day) if content is None else content
            if content is None:
                return None
            statement = read_statement(file_name(name, day), content, day)
            await self._loaded(name, run, statement, state)
            await self._command(name, run, day, "match", await self._matching(name, run, statement))
            state = await self._state(name, run, day)
        if state.phase is ReconciliationPhase.MATCHED and not state.open:
            await self._command(name, run, day, "close", CloseReconciliation())
        return state.rows if fresh or day == run.day else 0

    async def _loaded(self, provider: str, run: DayRun, statement: Statement, state: ReconciliationState) -> None:
        """Record which statement it is, unless it is recorded. Raises `ReconciliationRefused` where another one is."""
        if state.phase is ReconciliationPhase.ABSENT:
            await self._command(provider, run, statement.day, "load", _load(provider, statement))
        elif statement.digest != state.digest:
            raise ReconciliationRefused(provider, statement.day, LOADED())

    def _file(self, provider: str, day: date) -> bytes | None:
        """What the bank dropped for a day, if it did. Raises `StatementError` for what has its name and is no file, or
        cannot be read.
        """
        path = self.files / file_name(provider, day)
        try:
            path.lstat()
            # A pipe would be waited for.
            if not path.is_file():
                raise StatementError(path.name, 1, "a file that can be read", "something else")
            return path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StatementError(path.name, 1, "a file that can be read", type(error).__name__) from error

    async def _state(self, provider: str, run: DayRun, day: date) -> ReconciliationState:
        stream = reconciliation_stream(run.tenant, provider, day)
        _, state = await self.ledger.load(RECONCILIATION, stream)
        assert isinstance(state, ReconciliationState)
        return state

    async def _matching(self, provider: str, run: DayRun, statement: Statement) -> RecordMatching:
        ours = await self.models.received(run.tenant, provider, statement.day)
        matching = match((Money(row.movement, row.ref, row.amount_fen) for row in statement.rows), ours)
        return RecordMatching(
            count=len(matching.matched),
            fen=matching.matched_fen,
            ours=len(ours),
            ours_fen=sum(one.amount_fen for one in ours),
            breaks=matching.breaks,
        )

    async def _command(self, provider: str, run: DayRun, day: date, what: str, command: Command) -> None:
        stream = reconciliation_stream(run.tenant, provider, day)
        key = f"reconciliation:{provider}:{day}:{what}"
        by = context(run.tenant, run.day, BY_RECONCILIATION, stream)
        outcome = await self.ledger.execute(
            RECONCILIATION, Request(stream=stream, key=key, command=command, context=by)
        )
        if isinstance(outcome, Refusal):
            raise ReconciliationRefused(provider, day, outcome)


async def _online(provider: PaymentProvider, day: date) -> bytes | None:
    """What a bank says when it is asked. Raises `TimeoutError` for one that does not answer."""
    async with asyncio.timeout(collecting.ANSWER_TIMEOUT_S):
        return await provider.statement(day)


def _of_provider(provider: str) -> str:
    """How the keys begin of what is parked of a provider; a day follows."""
    return f"statement:{provider}:"


def _days(provider: str, day: date, parked: Collection[str]) -> list[date]:
    """The days whose statement is taken with this one: so many back, and whichever could not be taken yet.

    Days that stood still are caught up in moments: a week of them is no time in which anybody could ask the bank.
    """
    late = {day - timedelta(days=days) for days in range(LATE_FILES_DAYS + 1)}
    begins = _of_provider(provider)
    return sorted(late | {date.fromisoformat(key.removeprefix(begins)) for key in parked if key.startswith(begins)})


def _why(error: Exception, key: str) -> Refusal:
    """The refusal of a statement that cannot be taken; what stands in the file is the bank's and may be of persons.

    Raises the error where it is everybody's, such as a database that is gone.
    """
    if isinstance(error, ReconciliationRefused):
        return error.refusal
    if isinstance(error, StatementError):
        return NOT_READ(file=error.file, line=error.line, expected=error.expected)
    return failure_of(error, key)


def file_name(provider: str, day: date) -> str:
    """The name of a statement file."""
    return f"{provider}-{day}.csv"


def _load(provider: str, statement: Statement) -> LoadStatement:
    return LoadStatement(
        provider=provider,
        day=statement.day,
        digest=statement.digest,
        rows=len(statement.rows),
        total_fen=statement.total_fen,
    )
