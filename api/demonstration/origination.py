"""Beginning of both lives: the clause library, consents, an application with its checks, an offer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from hashlib import sha256
from uuid import UUID

import msgspec
from msgspec import Struct

from adapters.files import write_private
from adapters.pricing.quotes import offer_of
from adapters.reference import policies, prudential, tenants
from adapters.reference.clauses import shipped_clauses
from api.demonstration.scene import APPLICANT, Demonstration
from domain.contracts.clause import CLAUSE
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
from domain.intake.application.rules import APPLICATION
from domain.intake.application.values import DocumentKind, Terms
from domain.intake.offers import priced_of, terms_of
from domain.kernel.command import Actor
from domain.leasing.terms_of_business import TenantTerms
from domain.parties.consent import CONSENT, GrantConsent, RequestConsent
from domain.parties.permission import permits_any
from domain.parties.purposes import Purpose
from domain.pricing.guards import CostPolicy
from domain.pricing.offer import Offer
from domain.pricing.quoting import QuoteRequest

SYSTEM = Actor("system", "intake")


class Person(Struct, frozen=True):
    """Somebody with a name; none of it may be found in the ledger."""

    name: str
    identity_number: str
    phone: str
    address: str


def file(name: str) -> str:
    """The digest of a document by its name."""
    return sha256(name.encode()).hexdigest()


# ------------------------------------------------------------------------------------------------- library


async def publish_library(demo: Demonstration) -> None:
    """Write the shipped clauses into the ledger and release them today."""
    for clause in shipped_clauses():
        stream = demo.id(f"clause:{clause.clause}")
        await demo.ask(CLAUSE, stream, clause.draft(), clause.publish(demo.today), hidden=True)


def in_business(demo: Demonstration, cost: CostPolicy, terms: TenantTerms) -> None:
    """What the tenant says of itself: what its offers may cost, and what its contracts say beside them."""
    write(demo, policies.FILE, cost)
    write(demo, tenants.FILE, terms)


def net_assets(demo: Demonstration, net_fen: int, total_fen: int) -> None:
    """What the tenant says of its balance sheet, from now on."""
    write(demo, prudential.FILE, {"net_assets_fen": net_fen, "total_assets_fen": total_fen})


def write(demo: Demonstration, name: str, row: object) -> None:
    """The tenant's row in a file of the data directory."""
    path = demo.program.settings.data / name
    rows: dict[str, object] = msgspec.json.decode(path.read_bytes()) if path.exists() else {}
    write_private(path, msgspec.json.encode(rows | {str(demo.tenant): row}))


# ------------------------------------------------------------------------------------------------ consents


async def consent(
    demo: Demonstration,
    purpose: Purpose,
    recipients: Sequence[str],
    until: date,
    *,
    uses: Sequence[str] = (),
    clause: str,
) -> None:
    """Ask a person and get a yes, in the words of a clause of the library."""
    reference = next(one.reference for one in shipped_clauses() if one.clause == clause)
    written = file(f"consent {purpose}")
    asked = RequestConsent(
        subject=demo.id("lessee"),
        purpose=purpose,
        recipients=tuple(recipients),
        clause=reference,
        expires_on=until,
        uses=tuple(uses),
    )
    yes = GrantConsent(
        recipients=tuple(recipients), clause=reference, expires_on=until, uses=tuple(uses), evidence=written
    )
    await demo.ask(CONSENT, _consent(demo, purpose), asked, yes, by=APPLICANT)


def _consent(demo: Demonstration, purpose: Purpose) -> UUID:
    return demo.id(f"consent:{purpose}")


async def may_not(demo: Demonstration, purpose: Purpose, recipient: str, code: str, use: str | None = None) -> None:
    """An act that no command of the ledger is about yet: no consent, no act."""
    states = [await demo.state(CONSENT, _consent(demo, one)) for one in Purpose]
    refusal = permits_any(states, purpose, recipient, demo.today, use=use)
    assert refusal is not None, f"{purpose} for {recipient}: expected {code}, got permission"
    demo.refused(f"hand data to {recipient} for {purpose}", refusal, code)


async def may(demo: Demonstration, purpose: Purpose, recipient: str, use: str | None = None) -> None:
    """A consent stands, so the act may be done."""
    states = [await demo.state(CONSENT, _consent(demo, one)) for one in Purpose]
    refusal = permits_any(states, purpose, recipient, demo.today, use=use)
    assert refusal is None, f"expected a consent, got {refusal}"
    demo.show([f"    yes   hand data to {recipient} for {purpose}{f', to be used for {use}' if use else ''}"])


# ------------------------------------------------------------------------------------------------- intake


async def hand_in(demo: Demonstration, application: UUID, documents: Sequence[tuple[DocumentKind, str]]) -> None:
    """Documents with the confidence they were read with, then the case is handed in."""
    for kind, confidence in documents:
        digest = file(f"{demo.id('case')} {kind}")
        upload = UploadDocument(digest=digest, kind=kind, media_type="image/jpeg", size_bytes=181_000)
        await demo.ask(APPLICATION, application, upload, by=APPLICANT)
        if confidence:
            read = RecordDocumentExtraction(digest=digest, confidence=confidence, provider="reader_a")
            await demo.ask(APPLICATION, application, read, by=SYSTEM)
    await demo.ask(APPLICATION, application, SubmitApplication(), by=APPLICANT)


async def checked(demo: Demonstration, application: UUID) -> None:
    """The checks are done; a machine would like to know what is open."""
    await demo.ask(APPLICATION, application, CompleteVerification(), by=SYSTEM)


# -------------------------------------------------------------------------------------------------- offers


def priced(request: QuoteRequest) -> tuple[Offer, Terms]:
    """A request worked out, and the terms that an application takes for it."""
    offer = offer_of(request)
    assert isinstance(offer, Offer), offer.sentence()
    return offer, terms_of(offer, priced_of(request, offer))


async def accepted(demo: Demonstration, application: UUID, *, title: str, forbidden: str = "") -> None:
    """The offer is drawn up, presented and accepted; from there on the chain goes by itself, to the contract."""
    await demo.ask(APPLICATION, application, SelectOffer())
    if forbidden:
        await demo.refuse(APPLICATION, application, CreateOffer(title=forbidden), "offer.forbidden_wording")
    await demo.ask(APPLICATION, application, CreateOffer(title=title), PresentOffer())
    demo.say("The applicant accepts; what follows from that is done by the process, not by people")
    await demo.ask(APPLICATION, application, AcceptOffer(), by=APPLICANT)
