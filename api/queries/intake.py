"""Applications, the funnel, and the work in progress."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from api.exposed import Exposed
from api.permissions import Permission
from api.queries.engine.figures import figure
from api.queries.engine.read import ReadRequest
from api.queries.engine.resources import Resource, reads_of
from domain.intake.application.rules import APPLICATION
from domain.intake.application.state import ApplicationState, Document, Offer
from domain.intake.application.values import Finding, Terms
from domain.intake.checklist import StepState
from projections.intake import decision_funnel, work_in_progress
from projections.intake.application_book import APPLICATION_BOOK
from projections.intake.decision_funnel import DECISION_FUNNEL
from projections.intake.work_in_progress import WORK_IN_PROGRESS


class _Detail(Struct, frozen=True, kw_only=True):
    """What the state knows of an application beside its row."""

    subject: UUID | None
    reasons: tuple[str, ...]
    adverse_notice_issued: bool
    finding: Finding | None
    steps: dict[str, StepState]
    documents: tuple[Document, ...]
    terms: Terms | None
    offer: Offer | None


def _detail(state: ApplicationState) -> _Detail:
    return _Detail(
        subject=state.subject,
        reasons=state.reasons,
        adverse_notice_issued=state.notice_issued,
        finding=state.finding,
        steps=state.step_states(),
        documents=state.documents,
        terms=state.terms,
        offer=state.offer,
    )


def _funnel(request: ReadRequest) -> decision_funnel.Funnel:
    """How many applications reached each stage, how they ended, and how long the answers took."""
    return decision_funnel.funnel(request.connection, request.tenant, as_of_position=request.position)


def _work(request: ReadRequest) -> work_in_progress.WorkInProgress:
    """Per lane: work scheduled, started, completed; what waits or is being done, and since when."""
    return work_in_progress.work_in_progress(request.connection, request.tenant, as_of_position=request.position)


APPLICATIONS = Resource(APPLICATION, APPLICATION_BOOK, _Detail, _detail)

_P = Permission
EXPOSED = (
    Exposed(
        decider=APPLICATION,
        permissions={
            _P.INTAKE: "DraftApplication SubmitApplication UploadDocument RecordDocumentExtraction RouteToLane "
            "RequestHumanReview WithdrawApplication ExpireApplication",
            _P.VERIFY: "StartVerification RecordIdentityVerified RecordIdentityFailed RecordLivenessPassed "
            "RecordLivenessFailed RecordCarrierNameMatched RecordCarrierNameMismatched IdentifyVehicle "
            "RecordOdometerReading CompleteVerification",
            _P.DECIDE: "ReferApplication FinaliseTerms ApproveApplication DeclineApplication IssueAdverseNotice",
            _P.REVIEW: "CompleteHumanReview",
            _P.OFFER: "SelectOffer CreateOffer PresentOffer RecordOfferReturned AcceptOffer CancelOffer DeclineOffer "
            "StartContracting CompleteApplication",
            _P.WORK: "ScheduleWork StartWork CompleteWork",
        },
    ),
)

READS = (
    *reads_of(
        APPLICATIONS,
        Permission.READ_RECORDS,
        ("state",),
        columns="id reference state product amount_fen currency drafted_at",
    ),
    figure("/funnel", _funnel, DECISION_FUNNEL, tag="statistics"),
    figure("/work-in-progress", _work, WORK_IN_PROGRESS, tag="statistics"),
)
