"""What can be wished of a consent: one command per wish."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from domain.contracts.clause.values import ClauseRef
from domain.intake.application.values import Code, Digest
from domain.kernel.command import Command
from domain.parties.consent.values import Purpose, Recipients, Uses


class RequestConsent(Command, frozen=True):
    """Ask a person for consent to one purpose, until `expires_on` at the latest."""

    subject: UUID
    purpose: Purpose
    recipients: Recipients
    clause: ClauseRef
    expires_on: date
    uses: Uses = ()


class GrantConsent(Command, frozen=True):
    """Record the person's yes: to what was asked for, or to less of it."""

    recipients: Recipients
    clause: ClauseRef
    expires_on: date
    uses: Uses = ()
    evidence: Digest | None = None


class DeclineConsent(Command, frozen=True):
    """Record the person's no."""

    channel: Code


class RenewConsent(Command, frozen=True):
    """Record that the person said yes again, to the same recipients and uses, until a later day."""

    clause: ClauseRef
    expires_on: date
    evidence: Digest | None = None


class WithdrawConsent(Command, frozen=True):
    """Record that the person takes the consent back, which is as easy as giving it (个人信息保护法 15)."""

    channel: Code


class ExpireConsent(Command, frozen=True):
    """Close a consent whose last business date passed."""
