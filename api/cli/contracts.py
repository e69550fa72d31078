"""`contract list`, `paper` and `check`, `clauses` and `timers`: what was agreed, and what is due next."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.books import At, money, read_models, wide_table
from api.cli.failures import REFUSED, Unusable
from api.cli.frame import Session, command, group
from api.cli.words import number, table

if TYPE_CHECKING:
    from adapters.documents.port import SignatureInvalid
    from adapters.documents.verify import SignatureFacts

LIST_MAX = 100_000
"""More than a person reads; programs ask the HTTP interface page by page."""

contract = group("Contracts: what was agreed, on paper, and who signed it.")

State = Annotated[str | None, typer.Option("--state", metavar="STATE", help="Only in this state.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    command(contract, "list")(contracts)
    command(contract, "paper")(paper)
    command(contract, "check")(check)
    app.add_typer(contract, name="contract")
    command(app, "clauses")(clauses)
    command(app, "timers")(timers)


def contracts(session: Session, state: State = None, at_position: At = None) -> None:
    """List the contracts of the tenant."""
    from domain.kernel.ids import format_id
    from projections.contracts import contract_book

    with read_models(session) as (connection, tenant):
        where = contract_book.Filter(state=state)
        page = contract_book.listing(connection, tenant, where=where, limit=LIST_MAX, as_of_position=at_position)
    rows = [
        (format_id("contract", row.id), row.reference, row.state, row.plan, f"{row.signed} of {row.parties}",
         money(row.total_cost_fen), row.currency, str(row.assembled_on))
        for row in page.rows
    ]  # fmt: skip
    head = ("contract", "reference", "state", "plan", "signed", "total", "", "made on")
    session.emit(page, lambda out: out.print(wide_table("lllllrll", rows, head=head), soft_wrap=True))


def paper(
    session: Session,
    identifier: Annotated[str, typer.Argument(metavar="ID", help="The contract's id: contract_…")],
    at_position: At = None,
) -> None:
    """Print a contract as a PDF.

    The same version of a contract gives the same bytes; nobody's name is on it. With --json: its digest and size.
    """
    from adapters.documents.port import digest_of
    from adapters.documents.typeset import typeset
    from api import papers
    from domain.kernel.ids import parse_id
    from projections.engine.reading import head_size

    stream = parse_id("contract", identifier)
    with read_models(session) as (connection, tenant):
        found = papers.agreed(connection, stream, head_size(connection, 0) if at_position is None else at_position)
        if found is None or found.tenant != tenant:
            raise Unusable(f"{identifier}: expected a contract of this tenant, got none at this position")
        document = papers.paper(connection, session.settings.data, tenant, stream, found)
    pdf = typeset(document)
    if session.json:
        told = {"contract": identifier, "version": found.state.version, "sha256": digest_of(pdf), "bytes": len(pdf)}
        session.emit(told, lambda _: None)
    else:
        session.write(pdf)


def check(
    session: Session,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A signed PDF.", show_default=False)],
    trust: Annotated[
        Path | None,
        typer.Option(
            "--trust", metavar="DIR", show_default=False,
            help="Directory of trusted certificates (PEM); default: LEASELEDGER_TRUST, DATA/trust.",
        ),
    ] = None,
) -> None:  # fmt: skip
    """Say who signed a file, and whether anything was changed since.

    Needs no ledger. Exit status 1 when any signature does not hold, or there is none.
    """
    from adapters.documents.kept import trusted_roots
    from adapters.documents.port import digest_of
    from adapters.documents.verify import SignatureFacts, examined
    from adapters.system import now

    roots, crls = trusted_roots(trust or session.settings.trust_directory)
    if not roots:
        session.say(f"No trusted certificate in {trust or session.settings.trust_directory}: no signature can hold.")
    pdf = file.read_bytes()
    found = examined(pdf, roots, at=now(), crls=crls)
    told = [_told(one) for one in found]
    holds = bool(found) and all(isinstance(one, SignatureFacts) for one in found)
    data = {"file": {"sha256": digest_of(pdf), "bytes": len(pdf)}, "intact": holds, "signatures": told}
    session.emit(data, lambda out: out.print(_shown(told, holds=holds), soft_wrap=True))
    if not holds:
        raise typer.Exit(REFUSED)


def _told(one: SignatureFacts | SignatureInvalid) -> dict[str, Any]:
    from adapters.documents.port import SignatureInvalid
    from domain.kernel.times import utc_text

    if isinstance(one, SignatureInvalid):
        return {"field": one.field, "holds": False, "flaw": one.flaw.value, "expected": one.expected, "got": one.got}
    return {
        "field": one.field,
        "holds": True,
        "party": str(one.party) if one.party else None,
        "signed_at": utc_text(one.signed_at),
        "certificate_sha256": one.certificate,
        "file_sha256": one.covers,
        "time_stamp": one.stamped,
    }


def _shown(told: list[dict[str, Any]], *, holds: bool) -> str:
    rows = [
        (one["field"], "holds", one["party"] or "–", one["signed_at"], one["file_sha256"][:16])
        if one["holds"]
        else (one["field"], one["flaw"], "–", "–", f"expected {one['expected']}, got {one['got']}")
        for one in told
    ]
    verdict = "INTACT" if holds else "NOT SIGNED" if not told else "CHANGED OR NOT TRUSTED"
    head = ("signature", "", "party", "signed at", "file after it")
    return f"{verdict}\n{table('lllll', rows, head=head)}" if rows else verdict


def clauses(session: Session, state: State = None, at_position: At = None) -> None:
    """List the tenant's own clauses with their versions."""
    from projections.contracts import clause_library

    with read_models(session) as (connection, tenant):
        where = clause_library.Filter(state=state)
        page = clause_library.listing(connection, tenant, where=where, limit=LIST_MAX, as_of_position=at_position)
    told = [{"clause": row.clause, "versions": clause_library.versions_of(row)} for row in page.rows]
    rows = [
        (row.clause, number(one.number), one.state, one.title, " ".join(one.forms), str(one.effective_from or "–"),
         str(one.withdrawn_from or "–"), one.digest[:16])
        for row in page.rows
        for one in clause_library.versions_of(row)
    ]  # fmt: skip
    head = ("clause", "version", "state", "title", "forms", "from", "until", "digest")
    session.emit(
        {"position": page.position, "clauses": told},
        lambda out: out.print(wide_table("lrllllll", rows, head=head), soft_wrap=True),
    )


def timers(
    session: Session,
    kind: Annotated[str | None, typer.Option(metavar="KIND", help="Only of this kind.", show_default=False)] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="How many.")] = 50,
    at_position: At = None,
) -> None:
    """List what is due next, as the ends of days will fire it."""
    from domain.calendar.decider import calendar_stream
    from projections.calendar import timers as read_model
    from projections.calendar.business_day import business_day
    from projections.calendar.timer_kinds import KIND_OF
    from projections.engine.as_of import resolve

    if kind is not None and kind not in KIND_OF:
        raise Unusable(f"--kind: expected one of {', '.join(KIND_OF)}, got {kind!r}")
    with read_models(session) as (connection, tenant):
        position = resolve(connection, read_model.TIMERS, 0, at_position)
        day = business_day(connection, calendar_stream(tenant), position)
        where = read_model.Filter(kind=kind)
        page = read_model.listing(
            connection, tenant, day.business_date, where=where, limit=limit, as_of_position=at_position
        )
    rows = [(str(one.due_on), one.kind, str(one.stream), str(one.number or "")) for one in page.timers]
    session.emit(
        {"position": page.position, "business_date": day.business_date, "timers": page.timers},
        lambda out: out.print(table("lllr", rows, head=("due on", "kind", "of", "number")), soft_wrap=True),
    )
