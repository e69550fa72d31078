"""The step `collection` of an end of day: what is due under mandates is debited, and what waits is tried again.

    settle ─▶ how the leases stand ─▶ moves ─▶ commands ─▶ settle (providers answer) ─▶ … until nothing is to do

    Start   InitiatePayment                    collection:<lease hex>:<day>
    Again   RetryPayment(attempt, amount)      payment:<hex>:retry:<attempt>
    GiveUp  CancelPayment(reason)              payment:<hex>:give_up:<attempt>

A round follows when a provider said no for good and the next channel's turn is today. Each round asks the read models
anew, brought up to the ledger's head after everything that arrived was posted; whatever a run did that died is found
there, so it is not done twice. A payment that people begin in the very moment between the look and the command is not
seen; should both bring money, the rest is the lessee's credit.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol
from uuid import UUID

from adapters.postgres.ledger import Ledger
from adapters.postgres.reader import Reader
from adapters.processes.dispatch import STREAMS_IN_FLIGHT, Issue, context, issue_all, issued_since
from adapters.processes.end_of_day import DayRun, EndOfDayError, Progress
from domain.kernel.command import Command
from domain.payments.collection import Again, CollectionPosition, GiveUp, Move, Start, collection_stream, moves
from domain.payments.payment.commands import CancelPayment, InitiatePayment, RetryPayment
from domain.payments.payment.rules import PAYMENT
from domain.payments.payment.values import ATTEMPTS_MAX

BY_COLLECTION = "collection"
ROUNDS_MAX = ATTEMPTS_MAX + 2
"""A payment has so many attempts at most, then it is exhausted; more rounds than that are a circle."""


class Standings(Protocol):
    """The read models that say how leases stand, up to date with the ledger at the moment of asking."""

    async def standings(self, tenant: UUID, day: date) -> Sequence[CollectionPosition]:
        """The leases where something may be collected or given up on a day."""


@dataclass
class CollectDue:
    """The step; counts the commands that were accepted. `settle` lets processes and providers catch up."""

    ledger: Ledger
    reader: Reader
    standings: Standings
    settle: Callable[[], Awaitable[None]]
    name: str = BY_COLLECTION
    streams_in_flight: int = STREAMS_IN_FLIGHT

    async def run(self, run: DayRun, progress: Progress) -> int:  # noqa: ARG002
        """Round after round until nothing new is to be done. Raises `EndOfDayError` for a circle."""
        tried: set[str] = set()
        for _ in range(ROUNDS_MAX):
            await self.settle()
            found = await self.standings.standings(run.tenant, run.day)
            issues = [issue for one in found for issue in self._issues(one, run) if issue.key not in tried]
            if not issues:
                return await issued_since(self.reader, run.tenant, run.position, BY_COLLECTION)
            tried.update(issue.key for issue in issues)
            await issue_all(self.ledger, self.reader, issues, streams_in_flight=self.streams_in_flight)
        raise EndOfDayError(f"day {run.day}: expected collection to come to an end within {ROUNDS_MAX} rounds")

    def _issues(self, standing: CollectionPosition, run: DayRun) -> Iterable[Issue]:
        for move in moves(standing):
            stream, key, command = _command(move, standing.lease, run.day)
            by = context(run.tenant, key, run.day, BY_COLLECTION, standing.lease)
            yield Issue(decider=PAYMENT, stream=stream, key=key, command=command, context=by)


def _command(move: Move, lease: UUID, day: date) -> tuple[UUID, str, Command]:
    match move:
        case Start(amount_fen, debit):
            begin = InitiatePayment(
                lease=lease, bill=None, amount_fen=amount_fen, policy=debit.policy, mandate=debit.reference
            )
            return collection_stream(lease, day), f"collection:{lease.hex}:{day}", begin
        case Again(payment, attempt, amount_fen):
            again = RetryPayment(attempt=attempt, amount_fen=amount_fen)
            return payment, f"payment:{payment.hex}:retry:{attempt}", again
        case GiveUp(payment, attempt, reason):
            return payment, f"payment:{payment.hex}:give_up:{attempt}", CancelPayment(reason=reason)
