"""The application book: one row per application, as it stands and as it stood at any earlier position.

    application.drafted ─▶ row ─every later event of the case─▶ row (state, amounts, offers, times, version, position)

The past (`as_of_position`): rows that have not changed since are taken as they are, all others are folded again from
their own streams. No personal data: the applicant's name, number, phone and address are in the vault only.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from msgspec.structs import replace

from domain.intake.application import events as e
from domain.intake.application.rules import APPLICATION
from domain.intake.application.state import ApplicationPhase
from domain.kernel.event import Event
from domain.kernel.fields import INTERNAL, states
from domain.kernel.values import AssetClass
from projections.engine.model import Projection, ProjectionError, Recorded, Row


class Application(Row, frozen=True, kw_only=True):
    """One application. `version` is the number of its events, `terms_*` what was offered or approved last.

    Amounts are in the smallest unit of `currency`. Times are `occurred_at` of the first event of their kind.
    """

    id: UUID
    tenant: UUID
    reference: str
    state: Annotated[str, states(ApplicationPhase)]
    asset_class: Annotated[str, states(AssetClass)]
    product: str
    channel: str
    amount_fen: int
    currency: str
    terms_amount_fen: int | None = None
    terms_months: int | None = None
    terms_rate: str | None = None
    lane: str | None = None
    documents: Annotated[int, INTERNAL] = 0
    offers: int = 0
    offer_state: str | None = None
    review_pending: bool = False
    decision: str | None = None
    expires_on: date | None = None
    drafted_at: datetime
    submitted_at: datetime | None = None
    decided_at: datetime | None = None
    closed_at: datetime | None = None
    version: int
    first_position: int


# --------------------------------------------------------------------------------------------------- fold

Change = dict[str, Any]
_CLOSED = {ApplicationPhase.COMPLETED, ApplicationPhase.DECLINED, ApplicationPhase.WITHDRAWN, ApplicationPhase.EXPIRED}


def _drafted(event: e.ApplicationDrafted, recorded: Recorded) -> Application:
    return Application(
        id=recorded.stream,
        tenant=recorded.tenant,
        reference=event.reference,
        state=ApplicationPhase.DRAFT.value,
        asset_class=event.asset_class.value,
        product=event.product,
        channel=event.channel,
        amount_fen=event.amount_fen,
        currency=event.currency,
        expires_on=event.expires_on,
        drafted_at=recorded.at,
        version=recorded.envelope.seq,
        first_position=recorded.position,
        position=recorded.position,
    )


def _to(phase: ApplicationPhase) -> Callable[[Application, Event, Recorded], Change]:
    def change(row: Application, event: Event, recorded: Recorded) -> Change:
        if phase in _CLOSED:
            # A case that closes lets whatever was on offer lapse; a completed one keeps its accepted offer.
            kept = row.offer_state if phase is ApplicationPhase.COMPLETED else None
            return {"state": phase.value, "closed_at": row.closed_at or recorded.at, "offer_state": kept}
        return {"state": phase.value}

    return change


def _submitted(row: Application, event: Event, recorded: Recorded) -> Change:
    return {"state": ApplicationPhase.SUBMITTED.value, "submitted_at": row.submitted_at or recorded.at}


def _terms(row: Application, event: e.TermsFinalised | e.OfferCreated | e.ApplicationApproved) -> Change:
    terms = event.terms
    return {"terms_amount_fen": terms.amount_fen, "terms_months": terms.months, "terms_rate": terms.annual_rate}


def _approved(row: Application, event: e.ApplicationApproved, recorded: Recorded) -> Change:
    decided = {"decision": ApplicationPhase.APPROVED.value, "decided_at": row.decided_at or recorded.at}
    return {"state": ApplicationPhase.APPROVED.value, **decided, **_terms(row, event)}


def _declined(row: Application, event: e.ApplicationDeclined, recorded: Recorded) -> Change:
    decided = {"decision": ApplicationPhase.DECLINED.value, "decided_at": row.decided_at or recorded.at}
    return {**_to(ApplicationPhase.DECLINED)(row, event, recorded), **decided}


def _offer(state: str | None) -> Callable[[Application, Event, Recorded], Change]:
    return lambda row, event, recorded: {"offer_state": state}


_CHANGES: dict[type[Event], Callable[[Application, Any, Recorded], Change]] = {
    e.ApplicationSubmitted: _submitted,
    e.DocumentUploaded: lambda row, event, recorded: {"documents": row.documents + 1},
    e.RoutedToLane: lambda row, event, recorded: {"lane": event.lane},
    e.VerificationStarted: _to(ApplicationPhase.VERIFYING),
    e.VerificationCompleted: _to(ApplicationPhase.DECIDING),
    e.ApplicationReferred: _to(ApplicationPhase.REFERRED),
    e.HumanReviewRequested: lambda row, event, recorded: {"review_pending": True},
    e.HumanReviewCompleted: lambda row, event, recorded: {"review_pending": False},
    e.TermsFinalised: lambda row, event, recorded: _terms(row, event),
    e.ApplicationApproved: _approved,
    e.ApplicationDeclined: _declined,
    e.OfferSelected: lambda row, event, recorded: {"offers": event.offer, "offer_state": "selected"},
    e.OfferCreated: lambda row, event, recorded: {"offer_state": "created", **_terms(row, event)},
    e.OfferPresented: _offer("presented"),
    e.OfferReturned: _offer("returned"),
    e.OfferAccepted: lambda row, event, recorded: {
        "state": ApplicationPhase.OFFER_ACCEPTED.value,
        "offer_state": "accepted",
    },
    e.OfferCancelled: _offer("cancelled"),
    e.OfferDeclined: _offer("declined"),
    e.ContractingStarted: _to(ApplicationPhase.CONTRACTING),
    e.ApplicationCompleted: _to(ApplicationPhase.COMPLETED),
    e.ApplicationWithdrawn: _to(ApplicationPhase.WITHDRAWN),
    e.ApplicationExpired: _to(ApplicationPhase.EXPIRED),
}


def fold(row: Application | None, event: Event, recorded: Recorded) -> Application | None:
    """The row after one event. Raises `ProjectionError` for a case that does not begin with its draft."""
    if isinstance(event, e.ApplicationDrafted):
        return _drafted(event, recorded)
    if row is None:
        raise ProjectionError(
            f"stream {recorded.stream}: expected application.drafted first, got {recorded.envelope.type}"
        )
    make = _CHANGES.get(type(event))
    change = {} if make is None else make(row, event, recorded)
    return replace(row, version=recorded.envelope.seq, position=recorded.position, **change)


APPLICATION_BOOK = Projection(
    name="application_book",
    version=1,
    row=Application,
    key=("id",),
    events=frozenset(APPLICATION.events),
    fold=fold,
    indexes=(("tenant", "id"), ("tenant", "state", "id"), ("tenant", "reference")),
    fillfactor=70,
)
