"""`import uci FILE`: a book of leases that lives through its days."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from api.cli.commands.importing.report import LABEL_CHARACTERS, nothing_new, show_lines, show_tree
from api.cli.commands.importing.turns import alone_in
from api.cli.commands.ledger.evidence import claims, publish
from api.cli.failures import Unusable
from api.cli.frame import Report, Session, command
from api.cli.given_files import instead
from api.cli.wording.words import count, number, refusal_rows, seconds, table
from api.language import text

if TYPE_CHECKING:
    from rich.console import Console

    from adapters.imports.uci_history import HistoryReport
    from api.compose import Base


def register(app: typer.Typer) -> None:
    """Add the command to the group `import`."""
    command(app, "uci")(uci)


def uci(
    session: Session,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="uci_credit_card.csv", show_default=False)],
    tenant: Annotated[
        UUID | None, typer.Option(help="Tenant the leases belong to (LEASELEDGER_TENANT).", show_default=False)
    ] = None,
) -> None:
    """Import the UCI credit card clients as leases.

    Every client becomes a lease with bills, payments and lateness, day by day from April to September 2005.
    Importing the same file again changes nothing.
    """
    if not file.is_file():
        got = instead(file)
        raise Unusable(lambda: text("{path}: expected the data set as CSV, got {got}", path=file, got=got))
    began = time.monotonic()
    with session.base() as on:
        before, report, size = _lived(session, on, file, tenant or on.settings.tenant)
        published = publish(on)
    taken = time.monotonic() - began
    rate = round((size - before) / taken)
    data = {"ok": True, "from": str(file), **_fields(report), "events": size - before, "seconds": round(taken, 3)}
    data |= {"events_per_s": rate, "size": published.size, "root": claims(published).root.hex()}

    def show(out: Console) -> None:
        _show(out, file, report, size - before, taken)
        out.print()
        show_tree(out, published)

    session.emit(data, show)


def _lived(session: Session, on: Base, file: Path, tenant: UUID) -> tuple[int, HistoryReport, int]:
    import uvloop

    with session.progress(text("Living through"), text("days")) as report:
        return uvloop.run(_live(session, on, file, tenant, report))


async def _live(session: Session, on: Base, file: Path, tenant: UUID, report: Report) -> tuple[int, HistoryReport, int]:
    from adapters.imports.uci import clients
    from adapters.imports.uci_history import FIRST_DAY, LAST_DAY, History
    from api.roles.days import end_of_day
    from api.roles.opening import opened

    total = (LAST_DAY - FIRST_DAY).days + 1
    async with alone_in(session, on, tenant), opened(on) as ledger, end_of_day(ledger, tenant) as ending:
        before = await ledger.reader.size()
        history = History(ledger.ledger, ledger.reader, ending)
        done = await history.run(clients(file), lambda day: report((day - FIRST_DAY).days + 1, total))
        return before, done, await ledger.reader.size()


def _fields(report: HistoryReport) -> dict[str, Any]:
    import msgspec

    return msgspec.structs.asdict(report)


def _show(out: Console, file: Path, report: HistoryReport, events: int, taken: float) -> None:
    read = {"clients": count(report.clients, "client"), "skipped": number(report.leases_skipped)}
    lines = [str(file), text("{clients} read, {skipped} leases already there", **read)]
    if events:
        counts = {"leases": count(report.leases, "lease"), "payments": count(report.payments, "payment")}
        counts |= {"timers": count(report.fired, "timer"), "days": count(report.days, "day")}
        lines.append(text("{leases} opened, {payments} posted, {timers} fired in {days}", **counts))
        speed = {"events": count(events, "event"), "seconds": seconds(taken), "rate": number(round(events / taken))}
        lines.append(text("{events} appended in {seconds} ({rate} events/s)", **speed))
    else:
        lines.append(nothing_new(taken))
    show_lines(out, text("Import"), lines)
    if report.refusals:
        out.print(table("rll", refusal_rows(report.refusals), indent=LABEL_CHARACTERS), soft_wrap=True)
