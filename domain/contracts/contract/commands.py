"""Commands to a contract, in the order of its life."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from msgspec import Meta

from domain.contracts.contract.values import (
    TEXTS_MAX,
    ClauseRefs,
    Disclosures,
    GivenText,
    KeyTerms,
    Library,
    Parties,
    Signature,
)
from domain.kernel.command import Command
from domain.kernel.values import Code, Digest, Reference
from domain.pricing.parts import Form


class AssembleContract(Command, frozen=True):
    """Put a contract together from a plan, parties, key terms and clause versions in their order.

    With an `application` it is the contract of the offer that was accepted there.
    """

    reference: Reference
    form: Form
    plan: Code
    plan_digest: Digest
    parties: Parties
    key_terms: KeyTerms
    clauses: ClauseRefs
    library: Library
    application: UUID | None = None


class PresentContract(Command, frozen=True):
    """Record that the typeset contract was shown, with these key terms apart; again if it was shown before."""

    root: Digest
    document: Digest
    disclosed: Disclosures
    channel: Code


class AcknowledgeDisclosure(Command, frozen=True):
    """Record that a party confirmed the key terms one by one."""

    party: UUID
    root: Digest
    items: Disclosures


class SignContract(Command, frozen=True):
    """Record a party's signature."""

    signature: Signature


class AnchorContract(Command, frozen=True):
    """Record that somebody else's record holds the root."""

    root: Digest
    anchor: Code
    receipt: Digest


class ProposeAmendment(Command, frozen=True):
    """Put an amendment to the parties: all key terms and all clauses as they shall be."""

    key_terms: KeyTerms
    clauses: ClauseRefs
    library: Library
    document: Digest
    disclosed: Disclosures
    reason: Code


class SignAmendment(Command, frozen=True):
    """Record a party's signature under the pending amendment, and what it confirmed."""

    signature: Signature
    acknowledged: Disclosures = ()


class LapseAmendment(Command, frozen=True):
    """Give the pending amendment up."""

    reason: Code


class CheckTexts(Command, frozen=True):
    """Compare a copy of the clauses, in the order in which the copy has them, with what was agreed."""

    texts: Annotated[tuple[GivenText, ...], Meta(max_length=TEXTS_MAX)]


class TerminateContract(Command, frozen=True):
    """End a contract before it is performed."""

    reason: Code


class FulfilContract(Command, frozen=True):
    """End a contract that is performed."""


class VoidContract(Command, frozen=True):
    """Give a contract up before it is in force; one in force needs the `basis` on which it is void."""

    reason: Code
    basis: Digest | None = None
