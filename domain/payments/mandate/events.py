"""What can happen to a mandate: every event type of the aggregate."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from domain.intake.application.values import Code, Digest, Reference
from domain.kernel.event import Event, event_type
from domain.payments.payment.values import Amount, CollectionPolicy


@event_type("mandate.granted.v1")
class MandateGranted(Event, frozen=True):
    """The lessee allows debits from this business date on.

    `reference` is the tenant's number of the paper, `limit_fen` the most that one debit may ask, `valid_until` the last
    day of it, `evidence` SHA-256 of the record of the lessee's act.
    """

    lease: UUID
    reference: Reference
    policy: CollectionPolicy
    granted_on: date
    limit_fen: Amount | None = None
    valid_until: date | None = None
    evidence: Digest | None = None


@event_type("mandate.suspended.v1")
class MandateSuspended(Event, frozen=True):
    """Nothing is debited for the time being."""

    reason: Code


@event_type("mandate.resumed.v1")
class MandateResumed(Event, frozen=True):
    """Debits go on."""


@event_type("mandate.revoked.v1")
class MandateRevoked(Event, frozen=True):
    """The lessee, or the lessee's bank, ended the mandate; from this day on nothing is debited."""

    revoked_on: date
    reason: Code


@event_type("mandate.expired.v1")
class MandateExpired(Event, frozen=True):
    """The last day of the mandate has passed."""

    business_date: date
