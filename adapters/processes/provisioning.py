"""The step `provisions` of an end of day: at month ends the allowance is brought to what it has to hold.

last day of a month ─▶ classes and allowance, from the read models ─▶ RecogniseProvision, once for each currency
                                                                      key `provision:<currency>:<day>`
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol
from uuid import UUID

from adapters.postgres.ledger import Ledger
from adapters.postgres.reading.reader import Reader
from adapters.processes.dispatch import Dispatch, context, dispatch_all, dispatched_since
from adapters.processes.end_of_day import DayRun, EndOfDayError, Progress
from domain.accounting.provision import PROVISION, RecogniseProvision, provision_stream
from domain.kernel.refusal import Refusal
from domain.kernel.times import is_month_end

BY_PROVISIONS = "provisions"


class Allowances(Protocol):
    """The read models of exposures and of the allowance, up to date with the ledger at the moment of asking."""

    async def to_recognise(self, tenant: UUID, day: date) -> Sequence[RecogniseProvision]:
        """What a month end requires, one command for each currency in which anything is at risk or held."""


class ProvisionRefused(EndOfDayError):
    """A month end that the provisions did not take: the read models and the provisions tell different things."""

    def __init__(self, day: date, refusal: Refusal) -> None:
        super().__init__(f"provisions of {day}: {refusal.sentence()}")
        self.refusal = refusal


@dataclass
class RecogniseProvisions:
    """The step itself; on other days there is nothing to do."""

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
        by = context(run.tenant, key, run.day, BY_PROVISIONS, stream)
        return Dispatch(decider=PROVISION, stream=stream, key=key, command=command, context=by)
