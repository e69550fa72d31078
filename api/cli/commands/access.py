"""`keys` and `subject`: signing keys of the log, and the keys that personal data can be read with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NamedTuple
from uuid import UUID

import typer

from api.cli.commands.ledger.evidence import opened, published
from api.cli.failures import REFUSED, Failure, Unusable
from api.cli.frame import Session, command, group
from api.cli.wording.words import number, table
from api.language import text

if TYPE_CHECKING:
    from msgspec import UnsetType

    from api.compose import Base
    from api.queries.parties import Looked
    from domain.kernel.refusal import Refusal

keys = group("The keys that sign checkpoints.")
subjects = group("The persons that personal data is about.")


@command(keys, "list")
def show(session: Session) -> None:
    """List the log's verifier keys, oldest first; the last one signs."""
    from chain.note import Ed25519Signer

    with session.base() as on, opened(on) as log:
        since = {str(key): from_size for from_size, key in log.vkeys()}
        made = [str(Ed25519Signer(on.settings.origin, seed).vkey) for seed in on.keys.log_seeds()]
    rows = [{"vkey": key, "from_size": since.get(key)} for key in dict.fromkeys([*since, *made])]
    shown = [
        (number(size) if (size := since.get(str(r["vkey"]))) is not None else text("unused"), str(r["vkey"]))
        for r in rows
    ]
    session.emit(rows, lambda out: out.print(table("rl", shown, head=(text("from size"), text("verifier key")))))


@command(keys, "rotate")
def rotate(session: Session) -> None:
    """Make a new signing key. Checkpoints signed before stay valid under the older one."""
    with session.base() as on, opened(on) as log:
        # What the old key is still answerable for is signed by it before the new one exists.
        last = published(on, log)
        on.keys.rotate_log_key()
        key = str(on.signer.vkey)
    size = number(last.size)
    session.say(text("Checkpoints of more than {size} events are signed by the new key; hand it on:", size=size))
    session.emit({"vkey": key, "after_size": last.size}, lambda out: out.print(key, soft_wrap=True))


@command(subjects, "destroy-key")
def destroy_key(
    session: Session,
    subject: Annotated[str, typer.Argument(metavar="SUBJECT", help="The person's id.", show_default=False)],
    yes: Annotated[bool, typer.Option("--yes", help="Really: this cannot be undone.")] = False,
    tenant: Annotated[UUID | None, typer.Option(help="Whose data (LEASELEDGER_TENANT).", show_default=False)] = None,
) -> None:
    """Make what a tenant has of a person unreadable for ever.

    What other tenants have of the same person stays. The ledger and its digests stay as they are, and fsck stays clean;
    there is no way back.
    """
    from adapters.postgres.connections import connect
    from adapters.postgres.vault import destroy_key as destroy
    from adapters.system import now
    from domain.kernel.times import utc_text

    if not yes:
        raise Unusable(lambda: text("destroying a key cannot be undone: expected --yes, got none"))
    person = _id("subject", subject)
    with session.base() as on, connect(on.url) as connection:
        destroyed = destroy(connection, tenant or on.settings.tenant, person, utc_text(now()))
    words = text("destroyed") if destroyed else text("there was no living key of this subject")
    session.emit(
        {"subject": person, "destroyed": destroyed},
        lambda out: out.print(text("{name}: {sentence}", name=subject, sentence=words)),
    )
    if not destroyed:
        raise typer.Exit(REFUSED)


@command(subjects, "show")
def show_subject(
    session: Session,
    subject: Annotated[str, typer.Argument(metavar="SUBJECT", help="The person's id.", show_default=False)],
    purpose: Annotated[
        str,
        typer.Option(
            "--purpose",
            metavar="PURPOSE",
            help="For: contact, identity_check, contract, delivery, collection, court, subject_request, correction.",
            show_default=False,
        ),
    ],
    field: Annotated[
        list[str] | None, typer.Option("--field", metavar="FIELD", help="Only such values, as `application.phone`.")
    ] = None,
    about: Annotated[
        str | None,
        typer.Option("--about", metavar="CASE", help="The case they are needed for, as case_….", show_default=False),
    ] = None,
    tenant: Annotated[UUID | None, typer.Option(help="Whose data (LEASELEDGER_TENANT).", show_default=False)] = None,
) -> None:
    """Read back what the vault holds of a person.

    That somebody looked, and what for, becomes an event before anything is shown.
    """
    import asyncio

    from msgspec import UNSET, to_builtins

    from adapters.postgres.writing.sequencer import SubjectErased
    from domain.kernel.refusal import Refusal

    fields, case = tuple(field or ()), UNSET if about is None else _id("case", about)
    with session.base() as on:
        wanted = _Wanted(tenant or on.settings.tenant, _id("subject", subject), purpose, fields, case)
        try:
            looked = asyncio.run(_looked(on, wanted))
        except SubjectErased:
            raise Failure(
                lambda: text("{name}: the data was erased, nothing can be shown; your look is recorded", name=subject)
            ) from None
    if isinstance(looked, Refusal):
        raise Failure(looked.sentence)
    data = {"looked_at": looked.position, "values": [to_builtins(one) for one in looked.values]}
    rows = [(one.field, number(one.position), one.value) for one in looked.values]
    head = (text("field"), text("position"), text("value"))
    session.emit(data, lambda out: out.print(table("lrl", rows, head=head), markup=False, highlight=False))


class _Wanted(NamedTuple):
    """What is looked for, as it was typed."""

    tenant: UUID
    person: UUID
    purpose: str
    fields: tuple[str, ...]
    about: UUID | UnsetType


async def _looked(on: Base, given: _Wanted) -> Looked | Refusal:
    from api.queries.parties import Look, look_at
    from api.roles.opening import opened as at_work
    from domain.kernel.command import SYSTEM, Actor
    from domain.parties.subject import LookPurpose

    if given.purpose not in set(LookPurpose):
        known = text(", ").join(LookPurpose)
        raise Unusable(
            lambda: text("--purpose: expected one of {known}, got {value!r}", known=known, value=given.purpose)
        )
    async with at_work(on) as program:
        wanted = Look(
            tenant=given.tenant,
            actor=Actor(SYSTEM, "command-line"),
            subject=given.person,
            purpose=LookPurpose(given.purpose),
            fields=given.fields,
            about=given.about,
        )
        return await look_at(program.ledger, program.queries, program.vault, wanted)


def _id(noun: str, given: str) -> UUID:
    """An id as lists print it, or a bare UUID. Raises `IdError`."""
    from domain.kernel.ids import parse_id

    try:
        return UUID(given)
    except ValueError:
        return parse_id(noun, given)
