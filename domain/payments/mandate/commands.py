"""What can be wished of a mandate."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from domain.intake.application.values import Code, Digest, Reference
from domain.kernel.command import Command
from domain.payments.payment.values import Amount, CollectionPolicy


class GrantMandate(Command, frozen=True):
    """Record that the lessee allows debits: how they are tried, up to which amount each, until which day."""

    lease: UUID
    reference: Reference
    policy: CollectionPolicy
    limit_fen: Amount | None = None
    valid_until: date | None = None
    evidence: Digest | None = None


class SuspendMandate(Command, frozen=True):
    """Debit nothing for the time being."""

    reason: Code


class ResumeMandate(Command, frozen=True):
    """Debit again."""


class RevokeMandate(Command, frozen=True):
    """Record that the lessee, or the lessee's bank, ended the mandate."""

    reason: Code


class ExpireMandate(Command, frozen=True):
    """End a mandate whose last day has passed."""
