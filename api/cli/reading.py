"""Read models as commands ask them: up to date with the ledger, or as of an earlier position."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.frame import Report, Session
from api.language import text

if TYPE_CHECKING:
    from uuid import UUID

    from psycopg import Connection

At = Annotated[
    int | None,
    typer.Option("--as-of-position", metavar="P", min=0, help="As of this ledger position.", show_default=False),
]


@contextmanager
def read_models(session: Session) -> Iterator[tuple[Connection[Any], UUID]]:
    """The read models, up to date with the ledger, and the tenant of the settings."""
    from adapters.postgres.connections import connect

    with session.base() as on:
        with session.progress(text("Projecting"), text("events")) as report:
            catch_up(on.url, report)
        with connect(on.url) as connection:
            yield connection, on.settings.tenant


def catch_up(url: str, report: Report) -> int:
    """Apply everything that read models lack; return the positions stepped over."""
    from adapters.postgres.connections import connect
    from projections.engine.runner import Runner
    from projections.registry import PROJECTIONS

    with connect(url) as connection:
        runner = Runner(connection, PROJECTIONS)
        runner.prepare()
        return runner.catch_up(report)
