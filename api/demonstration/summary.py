"""The summary of a demonstration: what happened to each lease, day by day, in the reader's language, from events alone.

entries of the ledger ─▶ milestones of a tenant's lease and of the case it came from ─▶ (day, sentence, fen)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from api.language import message, text, text_in
from chain.entry import Entry
from domain.contracts.contract import events as contract
from domain.intake.application import events as application
from domain.kernel.event import Event
from domain.leasing.lease.events import lifecycle as lease
from domain.leasing.lease.events import money


@dataclass(frozen=True)
class Milestone:
    """One thing that happened: business date, position of its event, sentence, amount in fen where one moved."""

    day: date
    position: int
    sentence: str
    fen: int | None = None

    def as_data(self) -> dict[str, Any]:
        """For `--json`."""
        return {"day": str(self.day), "position": self.position, "sentence": self.sentence, "fen": self.fen}


Sentence = Callable[[Any], tuple[str, int | None]]


def _plain(sentence: str) -> Sentence:
    return lambda _event: (_said(sentence), None)


def _said(sentence: str) -> str:
    return text_in(("summary",), sentence)


_SENTENCES: Mapping[type[Event], Sentence] = {
    application.ApplicationDrafted: lambda e: (_said(message("ordered; price")), e.amount_fen),
    application.ApplicationReferred: _plain(message("put before a person, because a machine may not decide")),
    application.ApplicationApproved: _plain(message("approved")),
    application.OfferAccepted: _plain(message("offer accepted")),
    contract.ContractExecuted: _plain(message("contract signed by all parties")),
    money.DownPaymentReceived: lambda e: (_said(message("down payment received")), e.fen),
    money.LeaseActivated: _plain(message("handed over; the lease begins")),
    money.PaymentPosted: lambda e: (_said(message("paid")), e.amount_fen),
    money.PaymentReversed: lambda e: (_said(message("taken back by the payer's bank")), -e.amount_fen),
    money.LateFeeAssessed: lambda e: (
        text("late fee on bill {number}" if e.fen > 0 else "late fee on bill {number} taken back", number=e.number),
        e.fen,
    ),
    money.CreditRefunded: lambda e: (_said(message("refunded")), -e.amount_fen),
    lease.DemandServed: lambda e: (text("demand served, to be cured by {day}", day=e.cure_by), None),
    lease.CureAchieved: _plain(message("cured")),
    lease.LeaseEarlySettled: _plain(message("settled early")),
    money.BuyoutCompleted: lambda e: (_said(message("bought out for")), e.price_fen),
    money.LeaseClosed: _plain(message("closed; nothing is owed either way")),
}


def milestones(tenant: UUID, entries: Iterable[tuple[int, Entry]]) -> Sequence[Milestone]:
    """What happened to the tenant's lease that came from an application, in ledger order."""
    mine = [(position, entry) for position, entry in entries if entry.tenant == tenant]
    found: list[Milestone] = []
    streams: set[UUID] = set()
    for position, entry in mine:
        event = entry.event()
        if isinstance(event, application.ApplicationDrafted) or _follows(event, streams):
            streams.add(entry.stream)
        sentence = _SENTENCES.get(type(event))
        if sentence is not None and entry.stream in streams:
            found.append(Milestone(entry.business_date, position, *sentence(event)))
    return found


def _follows(event: Event, streams: set[UUID]) -> bool:
    """Whether a contract or a lease is that of a case that is followed."""
    if isinstance(event, contract.ContractAssembled):
        return event.application in streams
    return isinstance(event, lease.LeaseCreated) and event.contract in streams
