"""What can happen to a consent: every event type of the aggregate."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from domain.contracts.clause.values import ClauseRef
from domain.intake.application.values import Code, Digest
from domain.kernel.event import Event, event_type
from domain.parties.consent.values import Purpose, Recipients, Uses


@event_type("consent.requested.v1")
class ConsentRequested(Event, frozen=True):
    """A person was asked, in the words of this clause version; silence is no consent (个人信息保护法 14)."""

    subject: UUID
    purpose: Purpose
    recipients: Recipients
    clause: ClauseRef
    expires_on: date
    uses: Uses = ()


@event_type("consent.granted.v1")
class ConsentGranted(Event, frozen=True):
    """The person said yes, from this business date to `expires_on`, both included.

    `evidence` is the digest of the record of the act: a signed form, a recording of the screen.
    """

    purpose: Purpose
    recipients: Recipients
    clause: ClauseRef
    granted_on: date
    expires_on: date
    uses: Uses = ()
    evidence: Digest | None = None


@event_type("consent.declined.v1")
class ConsentDeclined(Event, frozen=True):
    """The person said no. Service goes on unless it cannot do without (个人信息保护法 16)."""

    channel: Code


@event_type("consent.renewed.v1")
class ConsentRenewed(Event, frozen=True):
    """The person said yes again to the same; what was granted is prolonged, or begins anew after it expired."""

    clause: ClauseRef
    renewed_on: date
    expires_on: date
    evidence: Digest | None = None


@event_type("consent.withdrawn.v1")
class ConsentWithdrawn(Event, frozen=True):
    """The person took it back; nothing from this business date on, nothing before it undone (个人信息保护法 15)."""

    withdrawn_on: date
    channel: Code


@event_type("consent.expired.v1")
class ConsentExpired(Event, frozen=True):
    """Its last business date passed."""

    business_date: date
