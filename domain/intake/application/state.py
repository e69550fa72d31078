"""State of an application: one frozen value, folded from its events, without personal data."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from domain.intake.application.values import DocumentKind, Finding, Terms
from domain.intake.checklist import CHECKLISTS, StepState
from domain.kernel.decider import State
from domain.kernel.values import AssetClass


class ApplicationPhase(StrEnum):
    """The state machine's states; `ABSENT` is the empty stream."""

    ABSENT = "absent"
    DRAFT = "draft"
    SUBMITTED = "submitted"
    VERIFYING = "verifying"
    DECIDING = "deciding"
    REFERRED = "referred"
    APPROVED = "approved"
    OFFER_ACCEPTED = "offer_accepted"
    CONTRACTING = "contracting"
    COMPLETED = "completed"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


CLOSED = frozenset(
    {ApplicationPhase.COMPLETED, ApplicationPhase.DECLINED, ApplicationPhase.WITHDRAWN, ApplicationPhase.EXPIRED}
)
EXISTING = frozenset(ApplicationPhase) - {ApplicationPhase.ABSENT}
OPEN = EXISTING - CLOSED


class OfferStatus(StrEnum):
    """Status of the current offer."""

    CREATED = "created"
    PRESENTED = "presented"
    RETURNED = "returned"
    ACCEPTED = "accepted"


class Offer(Struct, frozen=True):
    """The one current offer."""

    number: int
    status: OfferStatus
    terms: Terms
    title: str = ""


class Document(Struct, frozen=True):
    """A document that was received."""

    digest: str
    kind: DocumentKind


class ApplicationState(State, frozen=True, kw_only=True):
    """One application.

    `steps` runs parallel to the steps of checklist number `checklist`. `offers` counts the
    offers ever selected, `selected` is the one that is selected and not created yet. `referred` says that the case was
    put to a person. `work` holds the lanes in which work was ever scheduled.
    """

    phase: ApplicationPhase = ApplicationPhase.ABSENT
    subject: UUID | None = None
    asset_class: AssetClass = AssetClass.UNSPECIFIED
    amount_fen: int = 0
    currency: str = ""
    expires_on: date | None = None
    checklist: int = 0
    steps: tuple[StepState, ...] = ()
    documents: tuple[Document, ...] = ()
    odometer_km: int | None = None
    lane: str | None = None
    review_pending: bool = False
    finding: Finding | None = None
    referred: bool = False
    terms: Terms | None = None
    reasons: tuple[str, ...] = ()
    notice_issued: bool = False
    offers: int = 0
    selected: int | None = None
    offer: Offer | None = None
    work: frozenset[str] = frozenset()

    @property
    def judged_by_a_person(self) -> bool:
        """Whether a person of the lessor judges the case, or looked at it on request (个人信息保护法 24)."""
        return self.referred or self.finding is not None

    def step_states(self) -> dict[str, StepState]:
        """The checklist as people read it: every step's name with its state, in order; empty before the draft."""
        if not self.checklist:
            return {}
        steps = CHECKLISTS[self.checklist].steps
        return {step.name: state for step, state in zip(steps, self.steps, strict=True)}

    def open_steps(self) -> tuple[str, ...]:
        """Names of the required steps that did not pass."""
        return CHECKLISTS[self.checklist].open_steps(self.steps)

    def document(self, digest: str) -> Document | None:
        """The received document with this digest."""
        return next((known for known in self.documents if known.digest == digest), None)
