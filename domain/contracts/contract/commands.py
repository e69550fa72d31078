"""Commands to a contract, in the order of its life."""

from __future__ import annotations

from typing import Annotated

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
from domain.kernel.fields import (
    ChannelField,
    DocumentField,
    OptionalApplicationField,
    PartyField,
    PlanField,
    ReasonField,
    ReferenceField,
)
from domain.kernel.values import Code, Digest
from domain.pricing.parts import Form

KeyTermsField = Annotated[KeyTerms, Meta(description="What the contract costs and takes.")]
ClausesField = Annotated[
    ClauseRefs, Meta(description="Clause versions in the order of the contract, each with the digest of its text.")
]
RootField = Annotated[Digest, Meta(description="The contract root that this is about, lower-case hex.")]
DisclosedField = Annotated[Disclosures, Meta(description="Key terms that were shown apart from the small print.")]
SignatureField = Annotated[Signature, Meta(description="One signature of one party, by digests.")]


class AssembleContract(Command, frozen=True):
    """Put a contract together from a plan, parties, key terms and clause versions in their order.

    With an `application` it is the contract of the offer that was accepted there.
    """

    reference: ReferenceField
    form: Annotated[Form, Meta(description="Form of lease.")]
    plan: PlanField
    plan_digest: Digest
    parties: Annotated[Parties, Meta(description="Everybody who signs: exactly one lessor and one lessee among them.")]
    key_terms: KeyTermsField
    clauses: ClausesField
    library: Library
    application: OptionalApplicationField = None


class PresentContract(Command, frozen=True):
    """Record that the typeset contract was shown, with these key terms apart; again if it was shown before."""

    root: RootField
    document: DocumentField
    disclosed: DisclosedField
    channel: ChannelField


class AcknowledgeDisclosure(Command, frozen=True):
    """Record that a party confirmed the key terms one by one."""

    party: PartyField
    root: RootField
    items: Annotated[Disclosures, Meta(description="Key terms that the party confirmed one by one.")]


class SignContract(Command, frozen=True):
    """Record a party's signature."""

    signature: SignatureField


class AnchorContract(Command, frozen=True):
    """Record that somebody else's record holds the root."""

    root: RootField
    anchor: Annotated[Code, Meta(description="Whose record holds the root, as a code.")]
    receipt: Annotated[Digest, Meta(description="SHA-256 of what that record answered, lower-case hex.")]


class ProposeAmendment(Command, frozen=True):
    """Put an amendment to the parties: all key terms and all clauses as they shall be."""

    key_terms: KeyTermsField
    clauses: ClausesField
    library: Library
    document: DocumentField
    disclosed: DisclosedField
    reason: ReasonField


class SignAmendment(Command, frozen=True):
    """Record a party's signature under the pending amendment, and what it confirmed."""

    signature: SignatureField
    acknowledged: Annotated[
        Disclosures, Meta(description="Key terms that the signing party confirmed one by one.")
    ] = ()


class LapseAmendment(Command, frozen=True):
    """Give the pending amendment up."""

    reason: ReasonField


class CheckTexts(Command, frozen=True):
    """Compare a copy of the clauses, in the order in which the copy has them, with what was agreed."""

    texts: Annotated[
        tuple[GivenText, ...], Meta(max_length=TEXTS_MAX, description="The clauses of a copy, in its order.")
    ]


class TerminateContract(Command, frozen=True):
    """End a contract before it is performed."""

    reason: ReasonField


class FulfilContract(Command, frozen=True):
    """End a contract that is performed."""


class VoidContract(Command, frozen=True):
    """Give a contract up before it is in force; later, also when it has ended, it needs the `basis` of being void."""

    reason: ReasonField
    basis: Annotated[
        Digest | None, Meta(description="SHA-256 of the award, judgement or agreement, lower-case hex.")
    ] = None
