"""Needs of rules about persons: the consents of one of them."""

from __future__ import annotations

from uuid import UUID

from domain.kernel.needs import Related
from domain.parties.consent import CONSENT

CONSENTS_BY_PERSON = "consents_by_person"


def consents_of(subject: UUID) -> Related:
    """A person's consents with the tenant."""
    return Related(CONSENT.name, CONSENTS_BY_PERSON, subject)
