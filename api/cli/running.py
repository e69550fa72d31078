"""`leaseledger run`: the main job in one command, from an event log to a verified ledger.

import ─▶ checkpoint ─▶ read models ─▶ funnel, promises, work in progress ─▶ fsck ─▶ where to look next
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.evidence import claims
from api.cli.failures import REFUSED, sentence, status_of
from api.cli.frame import Session, command
from api.cli.importing import Imported, import_cases, import_file, publish, report_data, show_import
from api.cli.words import duration, number, seconds, share, table

if TYPE_CHECKING:
    from rich.console import Console

    from adapters.postgres.log import Published
    from api.cli.checking import Checked
    from api.compose import Base
    from projections.intake.decision_funnel import Funnel, Times
    from projections.intake.work_in_progress import WorkInProgress

GENERATED_CASES = 2_000
GENERATED_SEED = 2012
GENERATED_SOURCE = "generated"
SHOWN_FINDINGS = 5
BAR_CHARACTERS = 32
LABEL_CHARACTERS = 13


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    command(app, "run")(run)


def run(
    session: Session,
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]", help="Event log, .xes or .xes.gz; default: a made-up one.", show_default=False
        ),
    ] = None,
    cases: Annotated[int, typer.Option(min=1, max=1_000_000, help="Applications of the made-up history.")] = (
        GENERATED_CASES
    ),
    seed: Annotated[int, typer.Option(min=0, help="The same seed makes the same history.")] = GENERATED_SEED,
) -> None:
    """Import a history, show it, verify the ledger.

    Without FILE it imports a made-up history, so that it works for everybody. Prints the decision funnel, the
    promises and the work in progress, checks everything, and says where to look next. Running it again appends nothing.
    """
    with session.base() as on:
        done = import_file(session, on, file) if file else _generated(session, on, cases, seed)
        published = publish(on)
        view = _look(session, on)
        report = _verify(session, on)
        data = {**report_data(done, published), **view.as_data(), "fsck": report.as_data()}
        session.emit(data, lambda out: _show(out, session, done, published, view, report, file))
    if done.error is not None:
        session.say(f"leaseledger: {sentence(done.error)}")
        raise typer.Exit(status_of(done.error))
    if not report.ok:
        raise typer.Exit(REFUSED)


class View:
    """What the read models say."""

    def __init__(self, funnel: Funnel, work: WorkInProgress) -> None:
        self.funnel, self.work = funnel, work

    def as_data(self) -> dict[str, Any]:
        """For `--json`."""
        return {"funnel": self.funnel, "work_in_progress": self.work.lanes}


def _generated(session: Session, on: Base, cases: int, seed: int) -> Imported:
    from adapters.imports.generated import generate

    source = f"{GENERATED_SOURCE}-{seed}"
    name = f"a made-up history (seed {seed}); give a file for a real one"
    return import_cases(session, on, generate(cases, seed), name=name, source=source, total=cases)


def _look(session: Session, on: Base) -> View:
    from adapters.postgres.connections import connect
    from api.cli.models import catch_up
    from projections.intake.decision_funnel import funnel
    from projections.intake.work_in_progress import work_in_progress

    with session.progress("Projecting", "events") as report:
        catch_up(on.url, report)
    with connect(on.url) as connection:
        tenant = on.settings.tenant
        return View(funnel(connection, tenant), work_in_progress(connection, tenant))


def _verify(session: Session, on: Base) -> Checked:
    from api.cli.checking import check

    return check(session, on, None)


# --------------------------------------------------------------------------------------------------- words


def _show(
    out: Console,
    session: Session,
    done: Imported,
    published: Published,
    view: View,
    report: Checked,
    file: Path | None,
) -> None:
    show_import(out, done)
    _show_funnel(out, view.funnel)
    _show_promises(out, view.funnel)
    _show_lanes(out, view.work)
    _show_ledger(out, published, report)
    _show_next(out, session, published, file)


def _heading(out: Console, text: str) -> None:
    out.print()
    out.print(text, style="bold")


def _show_funnel(out: Console, funnel: Funnel) -> None:
    counts = {count.name: count.applications for count in funnel.stages}
    whole = counts["submitted"]
    _heading(out, "Decision funnel")
    for name, count in counts.items():
        if name == "drafted" and count == whole:
            continue
        bar = "█" * round(BAR_CHARACTERS * count / whole) if whole else ""
        out.print(f"  {name:<12}{number(count):>9}  {share(count, whole):>7}  {bar}".rstrip())
    ends = [f"{count.name} {number(count.applications)}" for count in funnel.outcomes if count.applications]
    out.print(f"  ended: {', '.join([*ends, f'still open {number(funnel.open)}'])}")


def _show_promises(out: Console, funnel: Funnel) -> None:
    _heading(out, "Promises (ours; the times are those of the history)")
    rows = [
        ("decided within 15 min of submission", *_times(funnel.decision)),
        ("automatic part within 3 s", *_times(funnel.automatic)),
    ]
    head = ("promise", "kept", "of", "", "half", "9 of 10", "99 of 100")
    out.print(table("lrrrrrr", rows, head=head, indent=2), soft_wrap=True)
    out.print(f"  decided without a person: {number(funnel.decided_alone)}")


def _times(times: Times) -> tuple[str, ...]:
    kept = number(times.within), number(times.measured), share(times.within, times.measured)
    return (*kept, *(duration(value) for value in (times.p50_ms, times.p90_ms, times.p99_ms)))


def _show_lanes(out: Console, work: WorkInProgress) -> None:
    from adapters.imports.bpi2012 import LANES

    if not work.lanes:
        return
    _heading(out, "Work in progress")
    rows = [
        (LANES.get(lane.lane, lane.lane), *map(number, (lane.scheduled, lane.started, lane.completed)),
         *map(number, (lane.waiting, lane.active)))
        for lane in work.lanes
    ]  # fmt: skip
    head = ("lane", "scheduled", "started", "completed", "waiting", "active")
    out.print(table("lrrrrr", rows, head=head, indent=2), soft_wrap=True)


def _show_ledger(out: Console, published: Published, report: Checked) -> None:
    _heading(out, "Ledger")
    out.print(f"  {'size':<{LABEL_CHARACTERS}}{number(published.size)} events")
    out.print(f"  {'root':<{LABEL_CHARACTERS}}{claims(published).root.hex()}")
    rate = f"{seconds(report.seconds)}, {number(report.events_per_s)} events/s"
    words = (
        f"every hash, the tree, the checkpoints, read models and vault agree ({rate})" if report.ok else "NOT in order:"
    )
    out.print(f"  {'fsck':<{LABEL_CHARACTERS}}{words}")
    for finding in report.findings[:SHOWN_FINDINGS]:
        out.print(f"    {finding.sentence()}", soft_wrap=True)


def _show_next(out: Console, session: Session, published: Published, file: Path | None) -> None:
    program = f"leaseledger --data {session.settings.data}"
    rows = [
        (f"{program} up", "HTTP interface, read models, checkpoints"),
        (f"{program} replay --from {published.size}", "events as JSON lines"),
        (f"{program} proof {published.size}", "proof that the last event is in the ledger"),
        (f"{program} tiles export DIR", "the log as files that anyone can check"),
        (f"{program} doctor", "versions, sizes, what is wrong"),
    ]
    if file is None:
        rows.append(("make run FILE=bpic2012.xes.gz", "the same with the real log (README: data)"))
    _heading(out, "Where to look next")
    out.print(table("ll", rows, indent=2), soft_wrap=True)
