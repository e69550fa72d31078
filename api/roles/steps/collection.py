"""The step `collection` of an end of day: what is due under mandates is debited, and what waits is tried again.

    settle ─▶ how the leases stand ─▶ moves ─▶ commands ─▶ settle (providers answer) ─▶ … until nothing is to do

A round follows when a provider said no for good and the next channel's turn is today. Each round asks the read models
anew, brought up to the ledger's head after everything that arrived was posted; whatever a run did that died is found
there, so it is not done twice. A payment that people begin in the very moment between the look and the command is not
seen; should both bring money, the rest is the lessee's credit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

import structlog

from adapters.postgres.ledger import Ledger
from adapters.postgres.reading.reader import Reader
from adapters.processes.dispatch import (
    STREAMS_IN_FLIGHT,
    Dispatch,
    Dispatched,
    dispatch_all,
    dispatch_of,
    dispatched_since,
)
from adapters.processes.end_of_day import DayRun, Progress
from adapters.processes.firing import EndOfDayError, Settling
from adapters.processes.held import Unfired
from api.roles.read_models import ReadModels
from domain.kernel.process import FAILED
from domain.payments.collection import CollectionPosition, follow_up, moves
from domain.payments.payment.values import ATTEMPTS_MAX

BY_COLLECTION = "collection"
ROUNDS_MAX = ATTEMPTS_MAX + 2
"""A payment has so many attempts at most, then it is exhausted; more rounds than that are a circle."""

_log = structlog.get_logger(__name__)


@dataclass
class CollectDue:
    """The step; counts the commands that were accepted. `settling` lets processes and providers catch up.

    Leases that are held out of the day are not debited: what they owe is not worked out yet. One whose payment cannot
    be begun is held out with it, and its turn comes again on the next day.
    """

    ledger: Ledger
    reader: Reader
    models: ReadModels
    settling: Settling
    name: str = BY_COLLECTION
    streams_in_flight: int = STREAMS_IN_FLIGHT

    async def run(self, run: DayRun, progress: Progress) -> int:  # noqa: ARG002
        """Round after round until nothing new is to be done. Raises `EndOfDayError` for a circle."""
        tried: set[str] = set()
        held = set(await self.settling.held.since())
        for _ in range(ROUNDS_MAX):
            held |= await self.settling.follow(run.day)
            found = await self.models.collection_positions(run.tenant, run.day)
            dispatches = [
                dispatch
                for one in found
                if one.lease not in held
                for dispatch in self._dispatches(one, run)
                if dispatch.key not in tried
            ]
            if not dispatches:
                return await dispatched_since(self.reader, run.tenant, run.position, BY_COLLECTION)
            tried.update(dispatch.key for dispatch in dispatches)
            done = await dispatch_all(self.ledger, self.reader, dispatches, streams_in_flight=self.streams_in_flight)
            held |= await self._hold_out(done, run)
            for dispatch, refusal in done.refusals:
                _log.warning("collection.refused", lease=str(dispatch.about), code=refusal.code)
        raise EndOfDayError(f"day {run.day}: expected collection to come to an end within {ROUNDS_MAX} rounds")

    async def _hold_out(self, done: Dispatched, run: DayRun) -> set[UUID]:
        """Park what failed for a lease, and say which leases these are."""
        failed = [
            Unfired(dispatch.key, dispatch.about, refusal)
            for dispatch, refusal in done.refusals
            if refusal.kind is FAILED and dispatch.about is not None
        ]
        first = {one.stream: one for one in reversed(failed)}
        await self.settling.held.park(run.day, run.position, list(first.values()))
        return set(first)

    def _dispatches(self, position: CollectionPosition, run: DayRun) -> Iterable[Dispatch]:
        for move in moves(position):
            yield dispatch_of(
                follow_up(move, position.lease, run.day), run.tenant, run.day, BY_COLLECTION, position.lease
            )
