"""`import xes FILE`: an event log becomes commands that are decided like any other.

    FILE ─cases─▶ commands ─decide─▶ events and refusals ─▶ checkpoint ─▶ report (with size and root)

What was imported before an error stays and is reported with it; a second run goes on there, or changes nothing.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from api.cli.commands.importing.report import LABEL_CHARACTERS, nothing_new, show_lines, show_tree
from api.cli.commands.importing.turns import alone_in
from api.cli.commands.ledger.evidence import claims, publish
from api.cli.failures import Unusable, as_data, sentence, status_of
from api.cli.frame import Report, Session, command
from api.cli.given_files import instead
from api.cli.wording.words import count, number, refusal_rows, seconds, table
from api.language import text

if TYPE_CHECKING:
    from msgspec import Struct
    from rich.console import Console

    from adapters.imports.importer import ImportReport
    from adapters.imports.xes import Case
    from adapters.postgres.log import Published
    from api.compose import Base

_TRACE = b"<trace"
_CHUNK_BYTES = 1 << 20


def register(app: typer.Typer) -> None:
    """Add the command to the group `import`."""
    command(app, "xes")(xes)


def xes(
    session: Session,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Event log, .xes or .xes.gz.", show_default=False)],
    source: Annotated[
        str | None, typer.Option(help="Name that ids are made of; default: the log's own.", show_default=False)
    ] = None,
    tenant: Annotated[
        UUID | None, typer.Option(help="Tenant the applications belong to (LEASELEDGER_TENANT).", show_default=False)
    ] = None,
) -> None:
    """Import an event log (XES) as commands.

    Takes the log of the BPI Challenge 2012, plain or gzip: every row becomes a command that the ledger accepts or
    refuses. Importing the same file again changes nothing.
    """
    with session.base() as on:
        done = import_file(session, on, file, source=source, tenant=tenant)
        published = publish(on)
    session.emit(report_data(done, published), lambda out: show(out, done, published))
    if done.error is not None:
        session.say(f"leaseledger: {sentence(done.error)}")
        session.say(text("What was imported before it stays. Mend the file and run the command again."))
        raise typer.Exit(status_of(done.error))


class Imported:
    """What an import did, and the error that ended it early, if one did."""

    def __init__(self, name: str, report: ImportReport, error: Exception | None = None) -> None:
        self.name, self.report, self.error = name, report, error


def import_file(
    session: Session, on: Base, file: Path, *, source: str | None = None, tenant: UUID | None = None
) -> Imported:
    """Import the event log at `file`. Raises `Unusable` when it cannot be opened."""
    from adapters.imports.bpi2012 import DEFAULT_SOURCE
    from adapters.imports.errors import LogError
    from adapters.imports.xes import cases, log_name

    if not file.is_file():
        got = instead(file)
        raise Unusable(lambda: text("{path}: expected an event log (.xes or .xes.gz), got {got}", path=file, got=got))
    if source is None:
        try:
            source = log_name(file) or DEFAULT_SOURCE
        except LogError:
            # The import itself meets the same error and reports it with what was done before it.
            source = DEFAULT_SOURCE
    total = _count_cases(file) if session.err.is_terminal else 0
    return import_cases(session, on, cases(file), name=str(file), source=source, tenant=tenant, total=total)


def import_cases(
    session: Session,
    on: Base,
    cases: Iterable[Case],
    *,
    name: str,
    source: str,
    tenant: UUID | None = None,
    total: int = 0,
) -> Imported:
    """Import cases with a progress bar; an error of the cases themselves is part of the result."""
    import asyncio

    with session.progress(text("Importing"), text("applications")) as report:
        whose = tenant or on.settings.tenant
        return asyncio.run(_import(session, on, cases, name, source, whose, total, report))


async def _import(
    session: Session, on: Base, cases: Iterable[Case], name: str, source: str, tenant: UUID, total: int, report: Report
) -> Imported:
    import asyncio
    import time

    import msgspec

    from adapters.imports.errors import LogError
    from adapters.imports.importer import Importer
    from api.roles.opening import opened

    whole = _UntilError(cases)
    async with alone_in(session, on, tenant), opened(on) as ledger:
        importer = Importer(ledger.ledger, ledger.reader, source=source, tenant=tenant, timer=time.monotonic)
        work = asyncio.create_task(importer.run(whole, lambda so_far: report(so_far.cases, total)))
        try:
            done = await asyncio.shield(work)
        except asyncio.CancelledError:
            # An interrupt ends the reading; what was read is finished, so that every application is there wholly.
            whole.stop()
            await work
            raise
        except LogError as error:
            # The mapping of a case knows the source only; people look for the file.
            place = msgspec.structs.replace(error.place, file=name)
            return Imported(name, importer.report(), type(error)(place, error.expected, error.got))
        return Imported(name, done, whole.error)


class _UntilError:
    """The cases before an error of the reader or a `stop`, so that all of them are imported; the error is kept."""

    def __init__(self, cases: Iterable[Case]) -> None:
        self._cases = cases
        self._stopped = False
        self.error: Exception | None = None

    def stop(self) -> None:
        """Hand out no more."""
        self._stopped = True

    def __iter__(self) -> Iterator[Case]:
        from adapters.imports.errors import LogError

        try:
            for case in self._cases:
                if self._stopped:
                    return
                yield case
        except LogError as error:
            self.error = error


def report_data(done: Imported, published: Published) -> dict[str, Any]:
    """The report for `--json`: counts, refusals by code, size and root (hexadecimal), the error if there is one."""
    import msgspec

    report: Struct = done.report
    data = {
        "ok": done.error is None and not done.report.diverged,
        "from": done.name,
        **msgspec.structs.asdict(report),
        "size": published.size,
        "root": claims(published).root.hex(),
    }
    return data if done.error is None else data | {"error": as_data(done.error)}


def show(out: Console, done: Imported, published: Published) -> None:
    """The report for people."""
    show_import(out, done)
    out.print()
    show_tree(out, published)


def show_import(out: Console, done: Imported) -> None:
    """What was imported and what was refused."""
    report = done.report
    new = report.cases - report.cases_skipped
    read = {"applications": count(report.cases, "application"), "skipped": number(report.cases_skipped)}
    lines = [done.name, text("{applications} read, {skipped} already in the ledger", **read)]
    if new:
        lines.append(_appended(report))
    elif report.cases:
        lines.append(nothing_new(report.seconds))
    refused = sum(report.refusals.values())
    if refused:
        lines.append(text("{commands} refused:", commands=count(refused, "command")))
    show_lines(out, text("Import"), lines)
    if refused:
        out.print(table("rll", refusal_rows(report.refusals), indent=LABEL_CHARACTERS), soft_wrap=True)
    show_lines(out, "", report.diverged)


def _appended(report: ImportReport) -> str:
    counts = {"commands": count(report.commands, "command"), "events": count(report.events, "event")}
    said = text("{commands} decided, {events} appended in {seconds}", seconds=seconds(report.seconds), **counts)
    if not (report.seconds and report.events):
        return said
    return said + text(" ({rate} events/s)", rate=number(round(report.events / report.seconds)))


def _count_cases(file: Path) -> int:
    """About how many cases a log has, for the progress bar only: 0 where that cannot be said."""
    try:
        with file.open("rb") as raw:
            zipped = raw.read(2) == b"\x1f\x8b"
        count, tail = 0, b""
        with gzip.open(file) if zipped else file.open("rb") as data:
            while chunk := data.read(_CHUNK_BYTES):
                count += (tail + chunk).count(_TRACE)
                tail = chunk[1 - len(_TRACE) :]
    except (OSError, EOFError, zlib.error):
        return 0
    return count
