"""Decider of an application: each command gives events, or the refusal of the first rule that says no.

The order of refusals is fixed and is the order in which a person would ask:

1. Is there a case (`unknown`), or should there be none (`exists`)?
2. Is it over (`closed`)?
3. Is it in a phase that this is for (`not_draft`, `not_verifying`, …)?
4. The command's own rules, top to bottom as written in its function.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import UNSET

from domain.access.values import is_machine
from domain.intake.application import commands as c
from domain.intake.application import events as e
from domain.intake.application import refusals as r
from domain.intake.application.evolve import EVOLVE
from domain.intake.application.state import CLOSED, EXISTING, OPEN, ApplicationPhase, ApplicationState, OfferStatus
from domain.intake.application.timers import TIMERS
from domain.intake.application.values import DOCUMENTS_MAX
from domain.intake.checklist import CURRENT_CHECKLIST
from domain.kernel.command import Actor, Command, Context
from domain.kernel.decider import Answer, Decider, Rule
from domain.kernel.event import Event
from domain.kernel.ids import looks_personal, vin_is_valid
from domain.kernel.values import AssetClass, is_line

Handler = Callable[[Any, ApplicationState, Context], Answer]

REVIEWERS = frozenset({"merchant_admin", "merchant_operator", "risk_officer"})
"""Roles of the lessor's own people; a look by a machine, the applicant or a stranger is no human review."""


def _always(event: Event) -> Handler:
    """A command without rules of its own: the phase alone decides."""
    answer = (event,)
    return lambda command, state, context: answer


# ------------------------------------------------------------------------------------------------- intake


def _draft(command: c.DraftApplication, state: ApplicationState, context: Context) -> Answer:
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


def _upload_document(command: c.UploadDocument, state: ApplicationState, context: Context) -> Answer:
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


def _record_extraction(command: c.RecordDocumentExtraction, state: ApplicationState, context: Context) -> Answer:
    if state.document(command.digest) is None:
        return r.DOCUMENT_UNKNOWN(digest=command.digest)
    return (e.DocumentExtracted(digest=command.digest, confidence=command.confidence, provider=command.provider),)


def _route(command: c.RouteToLane, state: ApplicationState, context: Context) -> Answer:
    if not is_line(command.lane):
        return r.LANE_NOT_EXACT()
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


def _identify_vehicle(command: c.IdentifyVehicle, state: ApplicationState, context: Context) -> Answer:
    if state.asset_class is not AssetClass.VEHICLE:
        return r.NOT_A_VEHICLE(asset_class=state.asset_class)
    subject = command.subject or state.subject
    if subject is None:
        return r.SUBJECT_MISSING()
    if not vin_is_valid(command.vin):
        return r.VIN_INVALID()
    return (e.VehicleIdentified(provider=command.provider, subject=subject, vin=command.vin),)


def _record_odometer(command: c.RecordOdometerReading, state: ApplicationState, context: Context) -> Answer:
    if state.asset_class is not AssetClass.VEHICLE:
        return r.NOT_A_VEHICLE(asset_class=state.asset_class)
    known = max(state.odometer_km or 0, command.last_known_km or 0)
    if command.reading_km < known:
        return (
            e.OdometerAnomalyDetected(reading_km=command.reading_km, last_known_km=known, provider=command.provider),
        )
    return (e.OdometerVerified(reading_km=command.reading_km, provider=command.provider),)


# ----------------------------------------------------------------------------------------------- decision


def _refer(command: c.ReferApplication, state: ApplicationState, context: Context) -> Answer:
    return (e.ApplicationReferred(reasons=command.reasons),)


def _request_review(command: c.RequestHumanReview, state: ApplicationState, context: Context) -> Answer:
    """A person may ask for human review in any phase, after a decline too (个人信息保护法 24)."""
    if state.review_pending:
        return r.HUMAN_REVIEW_REQUESTED_ALREADY()
    return (e.HumanReviewRequested(),)


def is_reviewer(actor: Actor) -> bool:
    """Whether a person of the lessor acts: a machine in a reviewer's role is none (个人信息保护法 24)."""
    return actor.role in REVIEWERS and not is_machine(actor.id)


def _complete_review(command: c.CompleteHumanReview, state: ApplicationState, context: Context) -> Answer:
    if not state.review_pending:
        return r.NO_HUMAN_REVIEW()
    if not is_reviewer(context.actor):
        return r.REVIEWER_NOT_ENTITLED(role=context.actor.role)
    return (e.HumanReviewCompleted(finding=command.finding),)


def _finalise_terms(command: c.FinaliseTerms, state: ApplicationState, context: Context) -> Answer:
    """Terms change only while no offer stands, so an offer is always on the final terms."""
    if command.terms.currency != state.currency:
        return r.CURRENCY_DIFFERS(expected=state.currency, got=command.terms.currency)
    if state.offer is not None:
        return r.OFFER_OUTSTANDING(offer=state.offer.number)
    return (e.TermsFinalised(terms=command.terms),)


def _approve(command: c.ApproveApplication, state: ApplicationState, context: Context) -> Answer:
    """A case that is being decided is approved by a machine only if every required check passed."""
    if state.review_pending:
        return r.HUMAN_REVIEW_PENDING()
    if state.phase is ApplicationPhase.DECIDING and (missing := state.open_steps()):
        return r.CHECKS_OPEN(steps=" ".join(missing))
    if command.terms.currency != state.currency:
        return r.CURRENCY_DIFFERS(expected=state.currency, got=command.terms.currency)
    if state.terms is not None and command.terms != state.terms:
        return r.TERMS_DIFFER()
    return (e.ApplicationApproved(terms=command.terms),)


def _decline(command: c.DeclineApplication, state: ApplicationState, context: Context) -> Answer:
    if state.review_pending:
        return r.HUMAN_REVIEW_PENDING()
    return (e.ApplicationDeclined(reasons=command.reasons),)


def _issue_notice(command: c.IssueAdverseNotice, state: ApplicationState, context: Context) -> Answer:
    if state.notice_issued:
        return r.NOTICE_ISSUED_ALREADY()
    return (e.AdverseNoticeIssued(document=command.document, channel=command.channel),)


# ------------------------------------------------------------------------------------------------- offers


def _select_offer(command: c.SelectOffer, state: ApplicationState, context: Context) -> Answer:
    if state.selected is not None:
        return r.OFFER_SELECTED_ALREADY(offer=state.selected)
    return (e.OfferSelected(offer=state.offers + 1),)


def _create_offer(command: c.CreateOffer, state: ApplicationState, context: Context) -> Answer:
    if state.selected is None:
        return r.NO_OFFER_SELECTED()
    if state.offer is not None:
        return r.OFFER_OUTSTANDING(offer=state.offer.number)
    if state.terms is None:
        return r.TERMS_NOT_FINAL()
    if command.title is not UNSET and not is_line(command.title):
        return r.TITLE_NOT_EXACT()
    if command.title is not UNSET and looks_personal(command.title):
        return r.TITLE_PERSONAL()
    return (e.OfferCreated(offer=state.selected, terms=state.terms, title=command.title),)


def _present_offer(command: c.PresentOffer, state: ApplicationState, context: Context) -> Answer:
    if state.offer is None:
        return r.NO_OFFER()
    if state.offer.status is not OfferStatus.CREATED:
        return r.OFFER_PRESENTED_ALREADY(offer=state.offer.number)
    return (e.OfferPresented(offer=state.offer.number),)


def _return_offer(command: c.RecordOfferReturned, state: ApplicationState, context: Context) -> Answer:
    if state.offer is None:
        return r.NO_OFFER()
    if state.offer.status is OfferStatus.CREATED:
        return r.OFFER_NOT_PRESENTED(offer=state.offer.number)
    if state.offer.status is OfferStatus.RETURNED:
        return r.OFFER_RETURNED_ALREADY(offer=state.offer.number)
    return (e.OfferReturned(offer=state.offer.number),)


def _answer_offer(make: Callable[..., Event]) -> Handler:
    """Yes and no are answers to an offer that was presented, whether or not it was sent back."""

    def answer(command: Command, state: ApplicationState, context: Context) -> Answer:
        if state.offer is None:
            return r.NO_OFFER()
        if state.offer.status is OfferStatus.CREATED:
            return r.OFFER_NOT_PRESENTED(offer=state.offer.number)
        return (make(offer=state.offer.number),)

    return answer


def _cancel_offer(command: c.CancelOffer, state: ApplicationState, context: Context) -> Answer:
    number = state.offer.number if state.offer is not None else state.selected
    if number is None:
        return r.NO_OFFER()
    return (e.OfferCancelled(offer=number),)


# ------------------------------------------------------------------------------------------- end and work


def _withdraw(command: c.WithdrawApplication, state: ApplicationState, context: Context) -> Answer:
    return (e.ApplicationWithdrawn(reason=command.reason),)


def _expire(command: c.ExpireApplication, state: ApplicationState, context: Context) -> Answer:
    if state.expires_on is None or context.business_date <= state.expires_on:
        return r.NOT_YET_EXPIRED(expires_on=state.expires_on, business_date=context.business_date)
    return (e.ApplicationExpired(business_date=context.business_date),)


def _schedule_work(command: c.ScheduleWork, state: ApplicationState, context: Context) -> Answer:
    return (e.WorkScheduled(lane=command.lane),) if is_line(command.lane) else r.LANE_NOT_EXACT()


def _work(make: Callable[..., Event]) -> Handler:
    """Work is a fact: it is recorded whenever it happens, as long as the lane was ever scheduled."""

    def work(command: c.StartWork | c.CompleteWork, state: ApplicationState, context: Context) -> Answer:
        if command.lane not in state.work:
            return r.WORK_NOT_SCHEDULED(lane=command.lane)
        return (make(lane=command.lane),)

    return work


_CHECKABLE = frozenset({ApplicationPhase.VERIFYING, ApplicationPhase.DECIDING, ApplicationPhase.REFERRED})
_UNDER_DECISION = frozenset({ApplicationPhase.DECIDING, ApplicationPhase.REFERRED})
_OFFERING = frozenset({ApplicationPhase.REFERRED, ApplicationPhase.APPROVED})


def _only(*phases: ApplicationPhase) -> frozenset[ApplicationPhase]:
    return frozenset(phases)


APPLICATION = Decider(
    name="application",
    initial=ApplicationState(),
    unknown=r.UNKNOWN,
    closed=(CLOSED, r.CLOSED),
    rules={
        c.DraftApplication: Rule(_only(ApplicationPhase.ABSENT), r.EXISTS, _draft),
        c.SubmitApplication: Rule(_only(ApplicationPhase.DRAFT), r.NOT_DRAFT, _always(e.ApplicationSubmitted())),
        c.UploadDocument: Rule(OPEN, r.CLOSED, _upload_document),
        c.RecordDocumentExtraction: Rule(OPEN, r.CLOSED, _record_extraction),
        c.RouteToLane: Rule(_CHECKABLE | {ApplicationPhase.SUBMITTED}, r.NOT_QUEUEABLE, _route),
        c.StartVerification: Rule(_only(ApplicationPhase.SUBMITTED), r.NOT_SUBMITTED, _always(e.VerificationStarted())),
        c.RecordIdentityVerified: Rule(_CHECKABLE, r.NOT_CHECKABLE, _confirmed(e.IdentityVerified)),
        c.RecordIdentityFailed: Rule(_CHECKABLE, r.NOT_CHECKABLE, _denied(e.IdentityFailed)),
        c.RecordLivenessPassed: Rule(_CHECKABLE, r.NOT_CHECKABLE, _confirmed(e.LivenessPassed)),
        c.RecordLivenessFailed: Rule(_CHECKABLE, r.NOT_CHECKABLE, _denied(e.LivenessFailed)),
        c.RecordCarrierNameMatched: Rule(_CHECKABLE, r.NOT_CHECKABLE, _confirmed(e.CarrierNameMatched)),
        c.RecordCarrierNameMismatched: Rule(_CHECKABLE, r.NOT_CHECKABLE, _denied(e.CarrierNameMismatched)),
        c.IdentifyVehicle: Rule(_CHECKABLE, r.NOT_CHECKABLE, _identify_vehicle),
        c.RecordOdometerReading: Rule(_CHECKABLE, r.NOT_CHECKABLE, _record_odometer),
        c.CompleteVerification: Rule(
            _only(ApplicationPhase.VERIFYING), r.NOT_VERIFYING, _always(e.VerificationCompleted())
        ),
        c.ReferApplication: Rule(_only(ApplicationPhase.DECIDING), r.NOT_DECIDING, _refer),
        c.RequestHumanReview: Rule(EXISTING, r.UNKNOWN, _request_review),
        c.CompleteHumanReview: Rule(EXISTING, r.UNKNOWN, _complete_review),
        c.FinaliseTerms: Rule(_UNDER_DECISION, r.NOT_UNDER_DECISION, _finalise_terms),
        c.ApproveApplication: Rule(_UNDER_DECISION, r.NOT_UNDER_DECISION, _approve),
        c.DeclineApplication: Rule(_CHECKABLE, r.NOT_DECLINABLE, _decline),
        c.IssueAdverseNotice: Rule(_only(ApplicationPhase.DECLINED), r.NOT_DECLINED, _issue_notice),
        c.SelectOffer: Rule(_OFFERING, r.OFFERS_NOT_OPEN, _select_offer),
        c.CreateOffer: Rule(_OFFERING, r.OFFERS_NOT_OPEN, _create_offer),
        c.PresentOffer: Rule(_OFFERING, r.OFFERS_NOT_OPEN, _present_offer),
        c.RecordOfferReturned: Rule(_OFFERING, r.OFFERS_NOT_OPEN, _return_offer),
        c.AcceptOffer: Rule(_only(ApplicationPhase.APPROVED), r.NOT_APPROVED, _answer_offer(e.OfferAccepted)),
        c.CancelOffer: Rule(_OFFERING, r.OFFERS_NOT_OPEN, _cancel_offer),
        c.DeclineOffer: Rule(_OFFERING, r.OFFERS_NOT_OPEN, _answer_offer(e.OfferDeclined)),
        c.StartContracting: Rule(
            _only(ApplicationPhase.OFFER_ACCEPTED),
            r.OFFER_NOT_ACCEPTED,
            _always(e.ContractingStarted()),
        ),
        c.CompleteApplication: Rule(
            _only(ApplicationPhase.CONTRACTING), r.NOT_CONTRACTING, _always(e.ApplicationCompleted())
        ),
        c.WithdrawApplication: Rule(OPEN, r.CLOSED, _withdraw),
        c.ExpireApplication: Rule(OPEN, r.CLOSED, _expire),
        c.ScheduleWork: Rule(EXISTING, r.UNKNOWN, _schedule_work),
        c.StartWork: Rule(EXISTING, r.UNKNOWN, _work(e.WorkStarted)),
        c.CompleteWork: Rule(EXISTING, r.UNKNOWN, _work(e.WorkCompleted)),
    },
    evolve=EVOLVE,
    timers=TIMERS,
)
