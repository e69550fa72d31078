"""What both stories begin with: the clause library, consents, an application with its checks, an offer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from hashlib import sha256
from uuid import UUID

import msgspec
from msgspec import Struct

from adapters.pricing.quotes import offer_of
from adapters.reference import policies, tenants
from adapters.reference import prudential as surroundings
from adapters.reference.clauses import shipped_clauses
from adapters.reference.tenants import TenantTerms
from domain.contracts.clause.decider import CLAUSE
from domain.contracts.contract.offered import priced_of, terms_of
from domain.intake.application.commands import (
    AcceptOffer,
    CompleteVerification,
    CreateOffer,
    PresentOffer,
    RecordDocumentExtraction,
    SelectOffer,
    SubmitApplication,
    UploadDocument,
)
from domain.intake.application.decider import APPLICATION
from domain.intake.application.values import DocumentKind, Terms
from domain.kernel.command import Actor
from domain.parties.consent.commands import GrantConsent, RequestConsent
from domain.parties.consent.decider import CONSENT
from domain.parties.consent.permission import permits_any
from domain.parties.consent.values import Purpose
from domain.pricing.guards import CostPolicy
from domain.pricing.offer import Offer
from domain.pricing.quoting import Request
from tests.e2e.stories.scene import APPLICANT, Story

SYSTEM = Actor("system", "intake")


class Person(Struct, frozen=True):
    """Somebody with a name; none of it may be found in the ledger."""

    name: str
    identity_number: str
    phone: str
    address: str


def file(name: str) -> str:
    """The digest of a document that the story names."""
    return sha256(name.encode()).hexdigest()


# ------------------------------------------------------------------------------------------------- library


async def publish_library(story: Story) -> None:
    """Write the shipped clauses into the ledger and release them today."""
    for clause in shipped_clauses():
        stream = story.id(f"clause:{clause.clause}")
        await story.ask(CLAUSE, stream, clause.draft(), clause.publish(story.today), hidden=True)


def in_business(story: Story, cost: CostPolicy, terms: TenantTerms) -> None:
    """What the tenant says of itself: what its offers may cost, and what its contracts say beside them."""
    write(story, policies.FILE, cost)
    write(story, tenants.FILE, terms)


def net_assets(story: Story, net_fen: int, total_fen: int) -> None:
    """What the tenant says of its balance sheet, from now on."""
    write(story, surroundings.FILE, {"net_assets_fen": net_fen, "total_assets_fen": total_fen})


def write(story: Story, name: str, row: object) -> None:
    """A file of the data directory with one tenant in it."""
    (story.program.settings.data / name).write_bytes(msgspec.json.encode({str(story.tenant): row}))


# ------------------------------------------------------------------------------------------------ consents


async def consent(
    story: Story, purpose: Purpose, recipients: Sequence[str], until: date, *, uses: Sequence[str] = (), clause: str
) -> None:
    """Ask a person and get a yes, in the words of a clause of the library."""
    reference = next(one.reference for one in shipped_clauses() if one.clause == clause)
    written = file(f"consent {purpose}")
    asked = RequestConsent(
        subject=story.id("lessee"),
        purpose=purpose,
        recipients=tuple(recipients),
        clause=reference,
        expires_on=until,
        uses=tuple(uses),
    )
    yes = GrantConsent(
        recipients=tuple(recipients), clause=reference, expires_on=until, uses=tuple(uses), evidence=written
    )
    await story.ask(CONSENT, _consent(story, purpose), asked, yes, by=APPLICANT)


def _consent(story: Story, purpose: Purpose) -> UUID:
    return story.id(f"consent:{purpose}")


async def may_not(story: Story, purpose: Purpose, recipient: str, code: str, use: str | None = None) -> None:
    """An act that no command of the ledger is about yet: no consent, no act."""
    states = [await story.state(CONSENT, _consent(story, one)) for one in Purpose]
    refusal = permits_any(states, purpose, recipient, story.today, use=use)
    assert refusal is not None, f"{purpose} for {recipient}: expected {code}, got permission"
    story.refused(f"hand data to {recipient} for {purpose}", refusal, code)


async def may(story: Story, purpose: Purpose, recipient: str, use: str | None = None) -> None:
    """A consent stands, so the act may be done."""
    states = [await story.state(CONSENT, _consent(story, one)) for one in Purpose]
    refusal = permits_any(states, purpose, recipient, story.today, use=use)
    assert refusal is None, f"expected a consent, got {refusal}"
    story.show([f"    yes   hand data to {recipient} for {purpose}{f', to be used for {use}' if use else ''}"])


# ------------------------------------------------------------------------------------------------- intake


async def hand_in(story: Story, application: UUID, documents: Sequence[tuple[DocumentKind, str]]) -> None:
    """Documents with the confidence they were read with, then the case is handed in."""
    for kind, confidence in documents:
        digest = file(f"{story.id('case')} {kind}")
        upload = UploadDocument(digest=digest, kind=kind, media_type="image/jpeg", size_bytes=181_000)
        await story.ask(APPLICATION, application, upload, by=APPLICANT)
        if confidence:
            read = RecordDocumentExtraction(digest=digest, confidence=confidence, provider="reader_a")
            await story.ask(APPLICATION, application, read, by=SYSTEM)
    await story.ask(APPLICATION, application, SubmitApplication(), by=APPLICANT)


async def checked(story: Story, application: UUID) -> None:
    """The checks are done; a machine would like to know what is open."""
    await story.ask(APPLICATION, application, CompleteVerification(), by=SYSTEM)


# -------------------------------------------------------------------------------------------------- offers


def priced(request: Request) -> tuple[Offer, Terms]:
    """A request worked out, and the terms that an application takes for it."""
    offer = offer_of(request)
    assert isinstance(offer, Offer), offer.sentence()
    return offer, terms_of(offer, priced_of(request, offer))


async def accepted(story: Story, application: UUID, *, title: str, forbidden: str = "") -> None:
    """The offer is drawn up, presented and accepted; from there on the chain goes by itself, to the contract."""
    await story.ask(APPLICATION, application, SelectOffer())
    if forbidden:
        await story.refuse(APPLICATION, application, CreateOffer(title=forbidden), "offer.forbidden_wording")
    await story.ask(APPLICATION, application, CreateOffer(title=title), PresentOffer())
    story.say("The applicant accepts; what follows from that is done by the process, not by people")
    await story.ask(APPLICATION, application, AcceptOffer(), by=APPLICANT)
