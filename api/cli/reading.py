"""Read models as commands ask them: up to date with the ledger, or as of an earlier position."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.frame import Report, Session
from api.language import text

if TYPE_CHECKING:
    from uuid import UUID

    from psycopg import Connection

_DIGITS_MAX = 15
"""Digits of the largest number that every reader of JSON holds exactly, less one."""


def digits(least: int) -> Callable[[Any], int]:
    """Reads a whole number of at least `least`, written with digits alone: no sign, no blank, no point."""

    def read(given: Any) -> int:
        said = str(given)
        if said.isascii() and said.isdigit() and len(said) <= _DIGITS_MAX and int(said) >= least:
            return int(said)
        raise typer.BadParameter(text("expected digits, at least {least}, got {got}", least=least, got=ascii(said)))

    return read


At = Annotated[
    int | None,
    typer.Option(
        "--as-of-position", metavar="P", parser=digits(0), help="As of this ledger position.", show_default=False
    ),
]


@contextmanager
def read_models(session: Session, at_position: int | None = None) -> Iterator[tuple[Connection[Any], UUID]]:
    """The read models, up to date with the ledger, and the tenant of the settings. Raises `PositionAhead`."""
    from adapters.postgres.connections import connect
    from api.queries.engine.read import reached

    with session.base() as on:
        with session.progress(text("Projecting"), text("events")) as report:
            catch_up(on.url, report)
        with connect(on.url) as connection:
            reached(connection, at_position)
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
