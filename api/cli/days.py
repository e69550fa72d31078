"""`leaseledger import uci FILE` and `leaseledger end-of-day`: a book that lives through its days."""

from __future__ import annotations

import time
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from api.cli.evidence import claims
from api.cli.failures import Unusable
from api.cli.frame import Report, Session, command
from api.cli.importing import publish, show_tree
from api.cli.words import count, number, refusal_rows, seconds, table

if TYPE_CHECKING:
    from rich.console import Console

    from adapters.imports.uci_history import HistoryReport
    from adapters.processes.end_of_day import ClosedDay
    from api.compose import Base

DAY = "%Y-%m-%d"


def register(imports: typer.Typer, app: typer.Typer) -> None:
    """Add the two commands."""
    command(imports, "uci")(uci)
    command(app, "end-of-day")(end_of_day)


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
        raise Unusable(f"{file}: expected the data set as CSV, got {'a directory' * file.is_dir() or 'nothing there'}")
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


def end_of_day(
    session: Session,
    to: Annotated[
        datetime, typer.Option("--to", formats=[DAY], metavar="DATE", help="Last business date to close.")
    ],
    start: Annotated[
        datetime | None,
        typer.Option("--open", formats=[DAY], metavar="DATE", help="Open the calendar at this date first.",
                     show_default=False),
    ] = None,
    tenant: Annotated[
        UUID | None, typer.Option(help="Whose days (LEASELEDGER_TENANT).", show_default=False)
    ] = None,
) -> None:  # fmt: skip
    """Close business dates, one after the other.

    Day by day, up to and including the date: fires every timer that is due, debits what is due under mandates, asks
    for open outcomes and reconciles statements. Without payment providers it fires timers only, and says so. A run that
    was interrupted goes on.
    """
    import uvloop

    with session.base() as on:
        whose = tenant or on.settings.tenant
        closed = uvloop.run(_close(on, whose, to.date(), start.date() if start else None))
        published = publish(on)
        providers = on.settings.sandbox_bank_names
    days = [{"day": str(one.day), "fired": one.fired, "repeated": one.repeated, "refused": dict(one.refused),
             **one.processed} for one in closed]  # fmt: skip

    def show(out: Console) -> None:
        out.print(_days(closed, providers))
        show_tree(out, published)

    session.emit({"ok": True, "days": days, "providers": providers, "size": published.size}, show)


def _days(closed: list[ClosedDay], providers: tuple[str, ...]) -> str:
    if not closed:
        return "Nothing to close."
    steps = list(closed[0].processed) if providers else []
    head = ("day", "timers fired", "refused", *steps)
    rows = [
        (str(one.day), number(one.fired), number(sum(one.refused.values())),
         *(number(one.processed.get(step, 0)) for step in steps)) for one in closed
    ]  # fmt: skip
    shown = table("lrr" + "r" * len(steps), [head, *rows])
    return shown if providers else f"{shown}\nNo payment provider is configured: nothing was collected or reconciled."


def _lived(session: Session, on: Base, file: Path, tenant: UUID) -> tuple[int, HistoryReport, int]:
    import uvloop

    with session.progress("Living through", "days") as report:
        return uvloop.run(_live(on, file, tenant, report))


async def _live(on: Base, file: Path, tenant: UUID, report: Report) -> tuple[int, HistoryReport, int]:
    from adapters.imports.uci import clients
    from adapters.imports.uci_history import FIRST_DAY, LAST_DAY, History
    from api.compose import running
    from api.roles.days import end_of_day

    total = (LAST_DAY - FIRST_DAY).days + 1
    async with running(on) as ledger, end_of_day(ledger, tenant) as ending:
        before = await ledger.reader.size()
        history = History(ledger.ledger, ledger.reader, ending)
        done = await history.run(clients(file), lambda day: report((day - FIRST_DAY).days + 1, total))
        return before, done, await ledger.reader.size()


async def _close(on: Base, tenant: UUID, to: date, start: date | None) -> list[ClosedDay]:
    from api.compose import running
    from api.roles.days import end_of_day

    async with running(on) as ledger, end_of_day(ledger, tenant) as ending:
        if start is not None:
            await ending.open(start)
        return await ending.catch_up(to)


def _fields(report: HistoryReport) -> dict[str, Any]:
    import msgspec

    return msgspec.structs.asdict(report)


def _show(out: Console, file: Path, report: HistoryReport, events: int, taken: float) -> None:
    out.print(f"{'Import':<13}{file}")
    out.print(f"{'':<13}{count(report.clients, 'client')} read, {number(report.leases_skipped)} leases already there")
    if events:
        out.print(
            f"{'':<13}{count(report.leases, 'lease')} opened, {count(report.payments, 'payment')} posted, "
            f"{count(report.fired, 'timer')} fired in {count(report.days, 'day')}"
        )
        rate = number(round(events / taken))
        out.print(f"{'':<13}{count(events, 'event')} appended in {seconds(taken)} ({rate} events/s)")
    else:
        out.print(f"{'':<13}nothing appended: everything in it had been imported before ({seconds(taken)})")
    if report.refusals:
        out.print(table("rll", refusal_rows(report.refusals), indent=13), soft_wrap=True)
