"""Consents of persons."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from adapters.postgres.connections import Connection
from adapters.postgres.ledger import Ledger, Request
from adapters.postgres.reading.personal import PersonalValue, fields_of, values_of
from adapters.postgres.vault import Vault
from adapters.postgres.writing.sequencer import Appended
from adapters.system import new_id, now
from api.exposed import Exposed
from api.permissions import Permission
from api.queries.engine.resources import Filter, Resource, reads_of
from api.queries.engine.threads import Queries
from domain.kernel.command import Actor, Context
from domain.kernel.refusal import Refusal
from domain.kernel.times import business_date
from domain.parties.consent import CONSENT, ConsentState
from domain.parties.subject import SUBJECT, UNKNOWN, LookAtSubject, LookPurpose, subject_stream
from projections.parties.consents import CONSENTS

_P = Permission
EXPOSED = (
    Exposed(
        decider=CONSENT,
        permissions={
            _P.CONSENT: "RequestConsent GrantConsent DeclineConsent RenewConsent WithdrawConsent ExpireConsent",
        },
    ),
)

READS = reads_of(
    Resource(CONSENT, CONSENTS, ConsentState, renamed={"person": "subject"}),
    Permission.READ_RECORDS,
    (
        Filter("subject", column="person", about="Only of this person."),
        Filter("purpose", about="Only for this purpose."),
        "state",
    ),
    columns="id subject purpose state granted_on expires_on withdrawn_on",
)


class Look(Struct, frozen=True, kw_only=True):
    """What is wanted of whom, by whom and what for; without `fields`, everything that is kept."""

    tenant: UUID
    actor: Actor
    subject: UUID
    purpose: LookPurpose
    fields: Sequence[str] = ()
    about: UUID | UnsetType = UNSET


class Looked(Struct, frozen=True):
    """The position of the event that says so, and the values."""

    position: int
    values: tuple[PersonalValue, ...]


async def look_at(ledger: Ledger, queries: Queries, vault: Vault, wanted: Look) -> Looked | Refusal:
    """Record a look, then tell the values. Raises `SubjectErased` once the person's key was destroyed, recorded too.

    The key of the command is made here: a caller's would give values again without an event.
    """

    def kept(connection: Connection) -> tuple[str, ...]:
        return fields_of(connection, wanted.tenant, wanted.subject)

    known = await queries.run(kept)
    fields = tuple(field for field in known if not wanted.fields or field in wanted.fields)
    if not fields:
        return UNKNOWN()
    done = await ledger.execute(SUBJECT, _request(wanted, fields))
    if isinstance(done, Refusal):
        return done
    assert isinstance(done, Appended)

    def values(connection: Connection) -> tuple[PersonalValue, ...]:
        return values_of(connection, vault, wanted.tenant, wanted.subject, fields)

    return Looked(done.position, await queries.run(values))


def _request(wanted: Look, fields: tuple[str, ...]) -> Request:
    stream, at = subject_stream(wanted.tenant, wanted.subject), now()
    context = Context(
        tenant=wanted.tenant,
        actor=wanted.actor,
        correlation=stream,
        now=at,
        business_date=business_date(at),
    )
    look = LookAtSubject(subject=wanted.subject, purpose=wanted.purpose, fields=fields, about=wanted.about)
    return Request(stream=stream, key=f"look:{new_id().hex}", command=look, context=context)
