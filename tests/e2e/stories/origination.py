"""What both stories begin with: the clause library, consents, an application with its checks, an offer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from hashlib import sha256
from uuid import UUID

from msgspec import Struct

from adapters.catalogue.clauses import shipped_clauses
from adapters.holidays import ChineseHolidays
from adapters.rates import solve_apr, solve_monthly
from domain.application import (
    APPLICATION,
    CompleteVerification,
    DocumentKind,
    RecordDocumentExtraction,
    SubmitApplication,
    UploadDocument,
)
from domain.application.values import Terms
from domain.contracting.clauses import CLAUSE
from domain.contracting.contract import (
    LibraryClause,
)
from domain.contracting.pricing import Offer, price
from domain.contracting.quoting import Quote, Request, quote
from domain.kernel import Actor, Command, Refusal
from domain.parties.consent import CONSENT, GrantConsent, Purpose, RequestConsent, permits_any
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


async def publish_library(story: Story) -> tuple[LibraryClause, ...]:
    """Write the shipped clauses into the ledger, release them today, and read the library back from their streams."""
    library: list[LibraryClause] = []
    for clause in shipped_clauses():
        stream = story.id(f"clause:{clause.clause}")
        await story.ask(CLAUSE, stream, clause.draft(), clause.publish(story.today), hidden=True)
        state = await story.state(CLAUSE, stream)
        library += [
            LibraryClause(
                clause=state.clause,
                version=version.number,
                digest=version.digest,
                title=version.title,
                forms=version.forms,
                mandatory=version.mandatory,
                effective_from=version.effective_from,
                withdrawn_from=version.withdrawn_from,
            )
            for version in state.versions
        ]
    return tuple(library)


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


async def permission(story: Story, purpose: Purpose, recipient: str, use: str | None = None) -> Refusal | None:
    """Whether any of the lessee's consents carries an act today; what is asked before the act."""
    states = [await story.state(CONSENT, _consent(story, one)) for one in Purpose]
    return permits_any(states, purpose, recipient, story.today, use=use)


async def may_not(story: Story, purpose: Purpose, recipient: str, code: str, use: str | None = None) -> None:
    """No consent, no act."""
    refusal = await permission(story, purpose, recipient, use)
    assert refusal is not None, f"{purpose} for {recipient}: expected {code}, got permission"
    story.refused(f"hand data to {recipient} for {purpose}", refusal, code)


async def may(story: Story, purpose: Purpose, recipient: str, use: str | None = None) -> None:
    """A consent stands, so the act may be done."""
    refusal = await permission(story, purpose, recipient, use)
    assert refusal is None, f"expected a consent, got {refusal}"
    story.show([f"    yes   hand data to {recipient} for {purpose}{f', to be used for {use}' if use else ''}"])


async def under_consent(
    story: Story, purpose: Purpose, recipient: str, stream: UUID, *commands: Command, use: str | None = None
) -> None:
    """An act that needs a consent, after it was asked for."""
    refusal = await permission(story, purpose, recipient, use)
    assert refusal is None, f"expected a consent, got {refusal}"
    await story.ask(APPLICATION, stream, *commands, by=SYSTEM)


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


def priced(request: Request) -> Offer:
    """A request worked out, its rates solved by one program and verified by another."""
    worked_out = quote(request, lambda day: ChineseHolidays().day(day).working)
    assert isinstance(worked_out, Quote), worked_out.sentence()
    return price(worked_out, solve_monthly(worked_out.flows), solve_apr(worked_out.dated_flows))


def terms_of(offer: Offer) -> Terms:
    """What the application decides about."""
    assert offer.rates is not None, "both stories are about offers with a rate"
    return Terms(
        amount_fen=offer.financed_fen if offer.business == "finance" else offer.price_fen,
        currency=offer.currency,
        months=offer.term,
        annual_rate=offer.rates.nominal_annual_rate,
        deposit_fen=offer.deposit_fen,
    )
