"""`contract paper` and `contract check`: what was agreed, on paper, and who signed it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.failures import REFUSED, Unusable
from api.cli.frame import Session, command, group
from api.cli.given_files import PDF_MAX_BYTES, content
from api.cli.reading import At, read_models
from api.cli.wording.retelling import retold
from api.cli.wording.words import table
from api.language import text

if TYPE_CHECKING:
    from adapters.documents.port import SignatureInvalid
    from adapters.documents.verify import SignatureFacts

contract = group("Contracts: what was agreed, on paper, and who signed it.")


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    command(contract, "paper")(paper)
    command(contract, "check")(check)
    app.add_typer(contract, name="contract")


def paper(
    session: Session,
    identifier: Annotated[str, typer.Argument(metavar="ID", help="The contract's id: contract_…")],
    at_position: At = None,
) -> None:
    """Print a contract as a PDF.

    The same version of a contract gives the same bytes; nobody's name is on it. With --json: its digest and size.
    """
    from adapters.documents.port import digest_of
    from api import papers
    from domain.kernel.ids import parse_id
    from projections.engine.reading import head_size

    stream = parse_id("contract", identifier)
    with read_models(session, at_position) as (connection, tenant):
        found = papers.agreed(connection, stream, head_size(connection, 0) if at_position is None else at_position)
        if found is None or found.tenant != tenant:
            raise Unusable(
                lambda: text("{id}: expected a contract of this tenant, got none at this position", id=identifier)
            )
        document = papers.paper(connection, session.settings.data, tenant, stream, found)
    pdf = papers.set_paper(session.settings.data, stream, document)
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
    under: Annotated[
        Path | None,
        typer.Option(
            "--paper", metavar="PDF", show_default=False,
            help="The contract's file: nothing but signatures may stand behind it.",
        ),
    ] = None,
) -> None:  # fmt: skip
    """Say who signed a file, and whether anything was changed since.

    What the first to sign changed is seen with --paper only.

    Needs no ledger. Exit status 1 when any signature does not hold, or there is none.
    """
    from adapters.documents.added import stands_under
    from adapters.documents.kept import trusted_roots
    from adapters.documents.port import digest_of
    from adapters.documents.verify import SignatureFacts, examined
    from adapters.system import now

    _silence_readers()
    roots, crls = trusted_roots(trust or session.settings.trust_directory)
    if not roots:
        where = trust or session.settings.trust_directory
        session.say(text("No trusted certificate in {path}: no signature can hold.", path=where))
    pdf = content(file, PDF_MAX_BYTES)
    before = None if under is None else content(under, PDF_MAX_BYTES)
    found = examined(pdf, roots, at=now(), crls=crls)
    told = [_told(one) for one in found]
    holds = bool(found) and all(isinstance(one, SignatureFacts) for one in found)
    same = before is None or stands_under(pdf, before)
    data = {"file": {"sha256": digest_of(pdf), "bytes": len(pdf)}, "intact": holds and same, "signatures": told}
    if before is not None:
        data["paper"] = {"sha256": digest_of(before), "holds": same}
    session.emit(data, lambda out: out.print(_shown(told, holds=holds, same=same), soft_wrap=True))
    if not (holds and same):
        raise typer.Exit(REFUSED)


def _silence_readers() -> None:
    """Let the libraries that read signatures write nothing: they would show traces, and the names on certificates."""
    import logging

    for name in ("pyhanko", "pyhanko_certvalidator"):
        logging.getLogger(name).addHandler(logging.NullHandler())


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


def _shown(told: list[dict[str, Any]], *, holds: bool, same: bool) -> str:
    rows = [
        (one["field"], text("holds"), one["party"] or "–", one["signed_at"], one["file_sha256"][:16])
        if one["holds"]
        else (one["field"], one["flaw"], "–", "–", retold(f"expected {one['expected']}, got {one['got']}"))
        for one in told
    ]
    intact = text("INTACT") if same else text("ANOTHER DOCUMENT THAN THE CONTRACT'S FILE")
    verdict = intact if holds else text("CHANGED OR NOT TRUSTED") if told else text("NOT SIGNED")
    head = (text("signature"), "", text("party"), text("signed at"), text("file after it"))
    return f"{verdict}\n{table('lllll', rows, head=head)}" if rows else verdict
