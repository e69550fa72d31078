"""What an application answers to a command: events, or the first rule that says no.

The order of refusals is fixed and is the order in which a person would ask:

1. Is there a case (`unknown`), or should there be none (`exists`)?
2. Is it over (`closed`)?
3. Is it in a phase in which this can be wished (`not_draft`, `not_verifying`, …)?
4. The command's own rules, top to bottom as written in its function.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import UNSET

from domain.intake.application import commands as c
from domain.intake.application import events as e
from domain.intake.application import refusals as r
from domain.intake.application.checklist import CURRENT_CHECKLIST
from domain.intake.application.numbers import looks_personal, vin_is_valid
from domain.intake.application.state import CLOSED, EXISTING, OPEN, ApplicationState, OfferStatus, Phase
from domain.intake.application.values import DOCUMENTS_MAX, AssetClass
from domain.kernel.command import Command, Context
from domain.kernel.event import Event
from domain.kernel.refusal import Refusal, RefusalKind

State = ApplicationState
Answer = tuple[Event, ...] | Refusal
Handler = Callable[[Any, State, Context], Answer]

REVIEWERS = frozenset({"merchant_admin", "merchant_operator", "risk_officer"})
"""Roles of the lessor's own people; a look by a machine, the applicant or a stranger is no human review."""


def _always(event: Event) -> Handler:
    """A command without rules of its own: the phase alone decides."""
    answer = (event,)
    return lambda command, state, context: answer


# ------------------------------------------------------------------------------------------------- intake


def _draft(command: c.DraftApplication, state: State, context: Context) -> Answer:
    if looks_personal(command.reference):
        return r.REFERENCE_PERSONAL()
    personal = (command.name, command.identity_number, command.phone, command.address)
    if command.subject is None and any(value is not UNSET for value in personal):
        return r.SUBJECT_MISSING()
    if command.expires_on is not None and command.expires_on < context.business_date:
        return r.EXPIRY_PASSED(expires_on=command.expires_on, business_date=context.business_date)
    return (
        e.ApplicationDrafted(
            reference=command.reference,
            asset_class=command.asset_class,
            product=command.product,
            channel=command.channel,
            amount_fen=command.amount_fen,
            currency=command.currency,
            checklist=CURRENT_CHECKLIST.version,
            expires_on=command.expires_on,
            subject=command.subject,
            name=command.name,
            identity_number=command.identity_number,
            phone=command.phone,
            address=command.address,
        ),
    )


def _upload_document(command: c.UploadDocument, state: State, context: Context) -> Answer:
    if state.document(command.digest) is not None:
        return r.DOCUMENT_KNOWN(digest=command.digest)
    if len(state.documents) >= DOCUMENTS_MAX:
        return r.DOCUMENTS_FULL(limit=DOCUMENTS_MAX)
    return (
        e.DocumentUploaded(
            digest=command.digest,
            kind=command.kind,
            media_type=command.media_type,
            size_bytes=command.size_bytes,
        ),
    )


def _record_extraction(command: c.RecordDocumentExtraction, state: State, context: Context) -> Answer:
    if state.document(command.digest) is None:
        return r.DOCUMENT_UNKNOWN(digest=command.digest)
    return (e.DocumentExtracted(digest=command.digest, confidence=command.confidence, provider=command.provider),)


def _route(command: c.RouteToLane, state: State, context: Context) -> Answer:
    if command.lane == state.lane:
        return r.LANE_UNCHANGED(lane=command.lane)
    return (e.RoutedToLane(lane=command.lane),)


# ------------------------------------------------------------------------------------------- verification


def _confirmed(make: Callable[..., Event]) -> Handler:
    return lambda command, state, context: (make(provider=command.provider, answer=command.answer),)


def _denied(make: Callable[..., Event]) -> Handler:
    return lambda command, state, context: (
        make(provider=command.provider, reason=command.reason, answer=command.answer),
    )


def _identify_vehicle(command: c.IdentifyVehicle, state: State, context: Context) -> Answer:
    if state.asset_class is not AssetClass.VEHICLE:
        return r.NOT_A_VEHICLE(asset_class=state.asset_class)
    subject = command.subject or state.subject
    if subject is None:
        return r.SUBJECT_MISSING()
    if not vin_is_valid(command.vin):
        return r.VIN_INVALID()
    return (e.VehicleIdentified(provider=command.provider, subject=subject, vin=command.vin),)


def _record_odometer(command: c.RecordOdometerReading, state: State, context: Context) -> Answer:
    if state.asset_class is not AssetClass.VEHICLE:
        return r.NOT_A_VEHICLE(asset_class=state.asset_class)
    known = max(state.odometer_km or 0, command.last_known_km or 0)
    if command.reading_km < known:
        return (
            e.OdometerAnomalyDetected(reading_km=command.reading_km, last_known_km=known, provider=command.provider),
        )
    return (e.OdometerVerified(reading_km=command.reading_km, provider=command.provider),)


# ----------------------------------------------------------------------------------------------- decision


def _refer(command: c.ReferApplication, state: State, context: Context) -> Answer:
    return (e.ApplicationReferred(reasons=command.reasons),)


def _request_review(command: c.RequestHumanReview, state: State, context: Context) -> Answer:
    """A person may ask for human review in any phase, after a decline too (个人信息保护法 24)."""
    if state.review_pending:
        return r.HUMAN_REVIEW_REQUESTED_ALREADY()
    return (e.HumanReviewRequested(),)


def _complete_review(command: c.CompleteHumanReview, state: State, context: Context) -> Answer:
    if not state.review_pending:
        return r.NO_HUMAN_REVIEW()
    if context.actor.role not in REVIEWERS:
        return r.REVIEWER_NOT_ENTITLED(role=context.actor.role)
    return (e.HumanReviewCompleted(finding=command.finding),)


def _finalise_terms(command: c.FinaliseTerms, state: State, context: Context) -> Answer:
    """Terms change only while no offer stands, so an offer is always on the final terms."""
    if command.terms.currency != state.currency:
        return r.CURRENCY_DIFFERS(expected=state.currency, got=command.terms.currency)
    if state.offer is not None:
        return r.OFFER_OUTSTANDING(offer=state.offer.number)
    return (e.TermsFinalised(terms=command.terms),)


def _approve(command: c.ApproveApplication, state: State, context: Context) -> Answer:
    """A case that is being decided is approved by a machine only if every required check passed."""
    if state.review_pending:
        return r.HUMAN_REVIEW_PENDING()
    if state.phase is Phase.DECIDING and (missing := state.open_steps()):
        return r.CHECKS_OPEN(steps=" ".join(missing))
    if command.terms.currency != state.currency:
        return r.CURRENCY_DIFFERS(expected=state.currency, got=command.terms.currency)
    if state.terms is not None and command.terms != state.terms:
        return r.TERMS_DIFFER()
    return (e.ApplicationApproved(terms=command.terms),)


def _decline(command: c.DeclineApplication, state: State, context: Context) -> Answer:
    if state.review_pending:
        return r.HUMAN_REVIEW_PENDING()
    return (e.ApplicationDeclined(reasons=command.reasons),)


def _issue_notice(command: c.IssueAdverseNotice, state: State, context: Context) -> Answer:
    if state.notice_issued:
        return r.NOTICE_ISSUED_ALREADY()
    return (e.AdverseNoticeIssued(document=command.document, channel=command.channel),)


# ------------------------------------------------------------------------------------------------- offers


def _select_offer(command: c.SelectOffer, state: State, context: Context) -> Answer:
    if state.selected is not None:
        return r.OFFER_SELECTED_ALREADY(offer=state.selected)
    return (e.OfferSelected(offer=state.offers + 1),)


def _create_offer(command: c.CreateOffer, state: State, context: Context) -> Answer:
    if state.selected is None:
        return r.NO_OFFER_SELECTED()
    if state.offer is not None:
        return r.OFFER_OUTSTANDING(offer=state.offer.number)
    if state.terms is None:
        return r.TERMS_NOT_FINAL()
    if command.title is not UNSET and looks_personal(command.title):
        return r.TITLE_PERSONAL()
    return (e.OfferCreated(offer=state.selected, terms=state.terms, title=command.title),)


def _present_offer(command: c.PresentOffer, state: State, context: Context) -> Answer:
    if state.offer is None:
        return r.NO_OFFER()
    if state.offer.status is not OfferStatus.CREATED:
        return r.OFFER_PRESENTED_ALREADY(offer=state.offer.number)
    return (e.OfferPresented(offer=state.offer.number),)


def _return_offer(command: c.RecordOfferReturned, state: State, context: Context) -> Answer:
    if state.offer is None:
        return r.NO_OFFER()
    if state.offer.status is OfferStatus.CREATED:
        return r.OFFER_NOT_PRESENTED(offer=state.offer.number)
    if state.offer.status is OfferStatus.RETURNED:
        return r.OFFER_RETURNED_ALREADY(offer=state.offer.number)
    return (e.OfferReturned(offer=state.offer.number),)


def _answer_offer(make: Callable[..., Event]) -> Handler:
    """Yes and no are answers to an offer that was presented, whether or not it was sent back."""

    def answer(command: Command, state: State, context: Context) -> Answer:
        if state.offer is None:
            return r.NO_OFFER()
        if state.offer.status is OfferStatus.CREATED:
            return r.OFFER_NOT_PRESENTED(offer=state.offer.number)
        return (make(offer=state.offer.number),)

    return answer


def _cancel_offer(command: c.CancelOffer, state: State, context: Context) -> Answer:
    number = state.offer.number if state.offer is not None else state.selected
    if number is None:
        return r.NO_OFFER()
    return (e.OfferCancelled(offer=number),)


# ------------------------------------------------------------------------------------------- end and work


def _withdraw(command: c.WithdrawApplication, state: State, context: Context) -> Answer:
    return (e.ApplicationWithdrawn(reason=command.reason),)


def _expire(command: c.ExpireApplication, state: State, context: Context) -> Answer:
    if state.expires_on is None or context.business_date <= state.expires_on:
        return r.NOT_YET_EXPIRED(expires_on=state.expires_on, business_date=context.business_date)
    return (e.ApplicationExpired(business_date=context.business_date),)


def _schedule_work(command: c.ScheduleWork, state: State, context: Context) -> Answer:
    return (e.WorkScheduled(lane=command.lane),)


def _work(make: Callable[..., Event]) -> Handler:
    """Work is a fact: it is recorded whenever it happens, as long as the lane was ever scheduled."""

    def work(command: c.StartWork | c.CompleteWork, state: State, context: Context) -> Answer:
        if command.lane not in state.work:
            return r.WORK_NOT_SCHEDULED(lane=command.lane)
        return (make(lane=command.lane),)

    return work


_CHECKABLE = frozenset({Phase.VERIFYING, Phase.DECIDING, Phase.REFERRED})
_UNDER_DECISION = frozenset({Phase.DECIDING, Phase.REFERRED})
_OFFERING = frozenset({Phase.REFERRED, Phase.APPROVED})


def _only(*phases: Phase) -> frozenset[Phase]:
    return frozenset(phases)


# For each command: the phases in which it can be wished, the rule that says no in another one, and its function.
_RULES: dict[type[Command], tuple[frozenset[Phase], RefusalKind, Handler]] = {
    c.DraftApplication: (_only(Phase.ABSENT), r.EXISTS, _draft),
    c.SubmitApplication: (_only(Phase.DRAFT), r.NOT_DRAFT, _always(e.ApplicationSubmitted())),
    c.UploadDocument: (OPEN, r.CLOSED, _upload_document),
    c.RecordDocumentExtraction: (OPEN, r.CLOSED, _record_extraction),
    c.RouteToLane: (_CHECKABLE | {Phase.SUBMITTED}, r.NOT_QUEUEABLE, _route),
    c.StartVerification: (_only(Phase.SUBMITTED), r.NOT_SUBMITTED, _always(e.VerificationStarted())),
    c.RecordIdentityVerified: (_CHECKABLE, r.NOT_CHECKABLE, _confirmed(e.IdentityVerified)),
    c.RecordIdentityFailed: (_CHECKABLE, r.NOT_CHECKABLE, _denied(e.IdentityFailed)),
    c.RecordLivenessPassed: (_CHECKABLE, r.NOT_CHECKABLE, _confirmed(e.LivenessPassed)),
    c.RecordLivenessFailed: (_CHECKABLE, r.NOT_CHECKABLE, _denied(e.LivenessFailed)),
    c.RecordCarrierNameMatched: (_CHECKABLE, r.NOT_CHECKABLE, _confirmed(e.CarrierNameMatched)),
    c.RecordCarrierNameMismatched: (_CHECKABLE, r.NOT_CHECKABLE, _denied(e.CarrierNameMismatched)),
    c.IdentifyVehicle: (_CHECKABLE, r.NOT_CHECKABLE, _identify_vehicle),
    c.RecordOdometerReading: (_CHECKABLE, r.NOT_CHECKABLE, _record_odometer),
    c.CompleteVerification: (_only(Phase.VERIFYING), r.NOT_VERIFYING, _always(e.VerificationCompleted())),
    c.ReferApplication: (_only(Phase.DECIDING), r.NOT_DECIDING, _refer),
    c.RequestHumanReview: (EXISTING, r.UNKNOWN, _request_review),
    c.CompleteHumanReview: (EXISTING, r.UNKNOWN, _complete_review),
    c.FinaliseTerms: (_UNDER_DECISION, r.NOT_UNDER_DECISION, _finalise_terms),
    c.ApproveApplication: (_UNDER_DECISION, r.NOT_UNDER_DECISION, _approve),
    c.DeclineApplication: (_CHECKABLE, r.NOT_DECLINABLE, _decline),
    c.IssueAdverseNotice: (_only(Phase.DECLINED), r.NOT_DECLINED, _issue_notice),
    c.SelectOffer: (_OFFERING, r.OFFERS_NOT_OPEN, _select_offer),
    c.CreateOffer: (_OFFERING, r.OFFERS_NOT_OPEN, _create_offer),
    c.PresentOffer: (_OFFERING, r.OFFERS_NOT_OPEN, _present_offer),
    c.RecordOfferReturned: (_OFFERING, r.OFFERS_NOT_OPEN, _return_offer),
    c.AcceptOffer: (_only(Phase.APPROVED), r.NOT_APPROVED, _answer_offer(e.OfferAccepted)),
    c.CancelOffer: (_OFFERING, r.OFFERS_NOT_OPEN, _cancel_offer),
    c.DeclineOffer: (_OFFERING, r.OFFERS_NOT_OPEN, _answer_offer(e.OfferDeclined)),
    c.StartContracting: (
        _only(Phase.OFFER_ACCEPTED),
        r.OFFER_NOT_ACCEPTED,
        _always(e.ContractingStarted()),
    ),
    c.CompleteApplication: (_only(Phase.CONTRACTING), r.NOT_CONTRACTING, _always(e.ApplicationCompleted())),
    c.WithdrawApplication: (OPEN, r.CLOSED, _withdraw),
    c.ExpireApplication: (OPEN, r.CLOSED, _expire),
    c.ScheduleWork: (EXISTING, r.UNKNOWN, _schedule_work),
    c.StartWork: (EXISTING, r.UNKNOWN, _work(e.WorkStarted)),
    c.CompleteWork: (EXISTING, r.UNKNOWN, _work(e.WorkCompleted)),
}

COMMANDS: tuple[type[Command], ...] = tuple(_RULES)
"""Every command of the aggregate, in the order of a case's life."""


def decide(command: Command, state: ApplicationState, context: Context) -> tuple[Event, ...] | Refusal:
    """The events a command leads to, or the first refusal. Raises `TypeError` for a command of another aggregate."""
    rule = _RULES.get(type(command))
    if rule is None:
        raise TypeError(f"expected a command to an application, got {type(command).__name__}")
    phases, otherwise, handler = rule
    if state.phase in phases:
        return handler(command, state, context)
    return _out_of_phase(phases, otherwise, state.phase)


def _out_of_phase(phases: frozenset[Phase], otherwise: RefusalKind, phase: Phase) -> Refusal:
    if phase is Phase.ABSENT:
        return r.UNKNOWN()
    if phase in CLOSED and phases <= OPEN:
        return r.CLOSED(phase=phase)
    return otherwise(phase=phase)
