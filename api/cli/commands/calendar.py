"""`end-of-day`: business dates closed, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from api.cli.commands.importing.report import show_tree
from api.cli.commands.ledger.evidence import publish
from api.cli.frame import Session, command
from api.cli.wording.words import number, table
from api.language import text

if TYPE_CHECKING:
    from rich.console import Console

    from adapters.processes.end_of_day import ClosedDay
    from api.compose import Base

DAY = "%Y-%m-%d"


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "end-of-day")(end_of_day)


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
        providers = on.settings.sandbox_bank_names
        closed: list[ClosedDay] = []
        try:
            parked = uvloop.run(_close(on, whose, to.date(), start.date() if start else None, closed.append))
        except BaseException:
            # What is done is done, and is said before why it did not go on.
            if closed:
                (session.err if session.json else session.out).print(_days(closed, providers))
            raise
        published = publish(on)
    days = [{"day": str(one.day), "fired": one.fired, "repeated": one.repeated, "refused": dict(one.refused),
             **one.processed} for one in closed]  # fmt: skip

    def show(out: Console) -> None:
        out.print(_days(closed, providers))
        show_tree(out, published)

    told = {"ok": True, "days": days, "providers": providers, "size": published.size, "parked": parked}
    session.emit(told, show)
    if parked:
        session.say(text("{count} are parked: `leaseledger list parked` says what, and what keeps it.",
                         count=number(parked)))  # fmt: skip


def _days(closed: list[ClosedDay], providers: tuple[str, ...]) -> str:
    if not closed:
        return text("Nothing to close.")
    steps = list(closed[0].processed) if providers else []
    head = (text("day"), text("timers fired"), text("refused"), *map(text, steps))
    rows = [
        (str(one.day), number(one.fired), number(sum(one.refused.values())),
         *(number(one.processed.get(step, 0)) for step in steps)) for one in closed
    ]  # fmt: skip
    shown = table("lrr" + "r" * len(steps), [head, *rows])
    nothing = text("No payment provider is configured: nothing was collected or reconciled.")
    return shown if providers else f"{shown}\n{nothing}"


async def _close(on: Base, tenant: UUID, to: date, start: date | None, tell: Callable[[ClosedDay], None]) -> int:
    """Close the days; how much is parked then that somebody has to look at."""
    from adapters.postgres.connections import connect
    from api.queries.parked import how_many
    from api.roles.days import end_of_day
    from api.roles.opening import opened

    async with opened(on) as ledger, end_of_day(ledger, tenant) as ending:
        # First of all, so that a slip of the pen does not open a calendar either.
        ending.allow(to)
        if start is not None:
            await ending.open(start)
        await ending.catch_up(to, tell)
    with connect(on.url) as connection:
        return how_many(connection, tenant)
