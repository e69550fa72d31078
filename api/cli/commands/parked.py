"""`parked retry`: whatever could not follow, and whatever timer could not be fired, tried again at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from api.cli.frame import Session, command, group
from api.cli.wording.words import number, table
from api.language import text

if TYPE_CHECKING:
    from adapters.processes.parking import Parked
    from api.compose import Base

parked = group("Follow-ups and timers that are parked.")


@parked.callback()
def _all() -> None:
    """Keep `retry` a command of its own."""


@command(parked, "retry")
def retry(
    session: Session,
    tenant: Annotated[
        UUID | None, typer.Option(help="Whose (LEASELEDGER_TENANT).", show_default=False)
    ] = None,
) -> None:  # fmt: skip
    """Try again whatever is parked, and say what is left.

    Timers are made up for under the business dates on which they were due; what waits for a day to come waits on.
    """
    import uvloop

    with session.base() as on:
        left = uvloop.run(_retried(on, tenant or on.settings.tenant))
    rows = [{"process": one.process, "key": one.key, "code": one.code} for one in left]
    session.say(text("Still parked: {count}.", count=number(len(left))))
    shown = [(one.process, one.key, one.code) for one in left]
    session.emit({"parked": rows}, lambda out: out.print(table("lll", shown)) if shown else None)


async def _retried(on: Base, tenant: UUID) -> list[Parked]:
    from api.roles.banks import banks
    from api.roles.days import days
    from api.roles.opening import opened

    async with opened(on) as ledger:
        with banks(ledger, tenant) as providers:
            async with days(ledger, tenant, providers) as composed:
                return list(await composed.retry(tenant))
