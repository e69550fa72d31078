"""`leaseledger demo`: one telephone and one car, from the order to the last fen, on a ledger made for it, verified.

open for demonstration ─▶ live both leases ─▶ checkpoint ─▶ read models ─▶ summary ─▶ fsck ─▶ where to look
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from api.cli.commands.ledger.evidence import claims, publish
from api.cli.failures import REFUSED
from api.cli.frame import Session, command
from api.cli.wording.words import number, seconds, table
from api.language import amount, message, text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

    from adapters.postgres.log import Published
    from api.cli.commands.ledger.checking import Checked
    from api.compose import Base
    from api.demonstration.living import Part
    from api.demonstration.summary import Milestone
    from api.settings import Settings

FOLDER = "demonstration"
"""Below the data directory, so that it is never the ledger that `up` serves."""

ORIGIN = "localhost/leaseledger/demonstration/shard-0"
SHOWN_FINDINGS = 5
_TITLES = {
    "rental": message("A telephone, rented for a year, bought out after five months"),
    "auto": message("A car, leased for two years and settled early"),
}


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    command(app, "demo")(demo)


def demo(session: Session) -> None:
    """Live one rental and one car lease, verify the ledger.

    Everything is made up: persons, money, banks. It happens in DATA/demonstration, on a ledger whose first event says
    that it was opened for a demonstration. A second run shows what the first one left.
    """
    import asyncio

    session.settings = demonstration_settings(session.settings)
    with session.base() as on:
        lives = asyncio.run(_lives(session, on))
        published = publish(on)
        _catch_up(session, on)
        report = _verify(session, on)
        data = {
            "ok": report.ok,
            "leases": {part.name: [one.as_data() for one in happened] for part, happened in lives},
            "size": published.size,
            "root": claims(published).root.hex(),
            "fsck": report.as_data(),
        }
        session.emit(data, lambda out: _show(out, session, lives, published, report))
    if not report.ok:
        raise typer.Exit(REFUSED)


def demonstration_settings(given: Settings) -> Settings:
    """The settings of the demonstration that belongs to a data directory: nothing is shared with any other ledger,
    neither database nor keys nor the log's name, whatever the environment says.
    """
    from api.settings import DEFAULT_TENANT

    own = {"data": given.data / FOLDER, "origin": ORIGIN, "tenant": DEFAULT_TENANT}
    return given.model_copy(update={**own, "database_url": None, "keys": None, "trust": None, "sandbox_banks": ""})


def _catch_up(session: Session, on: Base) -> None:
    from api.cli.reading import catch_up

    with session.progress(text("Projecting"), text("events")) as report:
        catch_up(on.url, report)


async def _lives(session: Session, on: Base) -> list[tuple[Part, Sequence[Milestone]]]:
    """What happened in each life, lived now on an empty ledger."""
    from api.compose import running
    from api.demonstration import living, summary

    async with running(on) as program:
        with living.alone(on.settings.data):
            if not await living.lived_already(program):
                with session.waiting(text("Living one rental and one car lease, day by day: about a minute …")):
                    await living.live(program)
        stored = await program.reader.after(0, await program.reader.size())
    everything = [(one.position, one.parsed()) for one in stored]
    return [(part, summary.milestones(part.tenant, everything)) for part in living.parts(on.settings.tenant)]


def _verify(session: Session, on: Base) -> Checked:
    from api.cli.commands.ledger.checking import check

    return check(session, on, None)


# --------------------------------------------------------------------------------------------------- words


def _show(
    out: Console,
    session: Session,
    lives: list[tuple[Part, Sequence[Milestone]]],
    published: Published,
    report: Checked,
) -> None:
    for part, happened in lives:
        out.print(text(_TITLES[part.name]), style="bold")
        rows = [
            (str(one.day), f"#{one.position}", one.sentence, "" if one.fen is None else amount(one.fen))
            for one in happened
        ]
        out.print(table("lllr", rows, indent=2), soft_wrap=True)
        out.print()
    _show_ledger(out, published, report)
    _show_next(out, session.settings.data, lives)


def _show_ledger(out: Console, published: Published, report: Checked) -> None:
    out.print(text("Ledger"), style="bold")
    words = (
        text("every hash, the tree, the checkpoints, read models and vault agree")
        if report.ok
        else text("NOT in order:")
    )
    rows = [
        (text("events"), number(published.size)),
        (text("root"), claims(published).root.hex()),
        ("fsck", f"{words} ({seconds(report.seconds)})"),
    ]
    out.print(table("ll", rows, indent=2), soft_wrap=True)
    for finding in report.findings[:SHOWN_FINDINGS]:
        out.print(f"    {finding.sentence()}", soft_wrap=True)


def _show_next(out: Console, data: Path, lives: list[tuple[Part, Sequence[Milestone]]]) -> None:
    from api.cli.frame import program_name

    program = f"{program_name()} --data {data}"
    lessor = lives[1][0].tenant
    position = lives[0][1][-1].position
    rows = [
        (
            f"{program} up",
            text("pages and HTTP interface of the phone shop; its first start prints a key"),
        ),
        (f"LEASELEDGER_TENANT={lessor} {program} up", text("the same for the car lessor, a tenant of its own")),
        (f"{program} books", text("the trial balance of the phone shop")),
        (f"{program} proof {position}", text("proof that the last event of the rental is in the ledger")),
        (f"less {data / 'transcripts' / 'rental.txt'}", text("everything that happened, with every journal line")),
        (f"{program} doctor", text("versions, sizes, what is wrong")),
    ]
    out.print()
    out.print(text("Where to look next"), style="bold")
    out.print(table("ll", rows, indent=2), soft_wrap=True)
