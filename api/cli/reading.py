"""Read models as commands ask them: up to date with the ledger, or as of an earlier position."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.failures import Unusable
from api.cli.frame import Report, Session
from api.language import text

if TYPE_CHECKING:
    from datetime import date
    from uuid import UUID

    from psycopg import Connection

    from api.queries.engine.parameters import ParameterInvalid
    from api.queries.engine.read import Read, ReadResult

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
    """The read models, up to date with the ledger, and the tenant of the settings. Raises `PositionAhead`.

    Everything that is asked is asked of one moment, whatever is written meanwhile.
    """
    from psycopg import IsolationLevel

    from adapters.postgres.connections import connect
    from api.queries.engine.read import reached

    with session.base() as on:
        with session.progress(text("Projecting"), text("events")) as report:
            catch_up(on.url, report)
        with connect(on.url) as connection:
            connection.isolation_level = IsolationLevel.REPEATABLE_READ
            with connection.transaction():
                reached(connection, at_position)
                yield connection, on.settings.tenant


@contextmanager
def figures(session: Session, at_position: int | None = None) -> Iterator[Callable[..., ReadResult]]:
    """Asks for figures by the path of their read, with its filters as they are typed, and answers as the interface.

    Raises `Unusable` for a filter that does not fit, `PositionAhead`.
    """
    from api.queries.engine.parameters import read_parameters
    from api.queries.engine.read import ReadRequest
    from api.queries.registry import READS

    with read_models(session, at_position) as (connection, tenant):

        def ask(path: str, *, day: date | None = None, **given: str | None) -> ReadResult:
            read = next(one for one in READS if one.path == path)
            typed = {name: value for name, value in given.items() if value is not None}
            with fitting(read, typed):
                asked = ReadRequest(
                    connection=connection, tenant=tenant, data=session.settings.data, position=at_position, day=day,
                    filters=read_parameters(read.filters, typed),
                )  # fmt: skip
                answered = read.run(asked)
            assert answered is not None, "figures are there for every tenant"
            return answered

        yield ask


def with_position(answered: ReadResult) -> dict[str, Any]:
    """An answer for `--json`: what the interface says in its body, and the position that it says in a header."""
    from msgspec.structs import asdict

    return {"position": answered.position, **asdict(answered.value)}


@contextmanager
def fitting(read: Read, typed: Mapping[str, str]) -> Iterator[None]:
    """Where what was typed for the options of a read is used. Raises `Unusable` for what does not fit."""
    from api.queries.engine.parameters import ParameterInvalid

    try:
        yield
    except ParameterInvalid as error:
        raise Unusable(partial(_misfit, read, typed, error)) from None


def _misfit(read: Read, given: Mapping[str, str], error: ParameterInvalid) -> str:
    """What was expected of an option, in the words of the console, and what came; codes are those that one types."""
    from api.console.views import filters
    from api.queries.engine.parameters import STARTING_AFTER

    got = given.get(error.name, "")
    if "expected" in error.limits:
        said = filters.misfit(got, error.limits["expected"])
    elif error.name == STARTING_AFTER:
        said = filters.misfit(got, text("the place that an earlier answer names as `next`"))
    else:
        said = filters.sentence(read, given, error)
    return f"--{error.name.replace('_', '-')}: {said}"


def catch_up(url: str, report: Report) -> int:
    """Apply everything that read models lack; return the positions stepped over."""
    from adapters.postgres.connections import connect
    from projections.engine.runner import Runner
    from projections.registry import PROJECTIONS

    with connect(url) as connection:
        runner = Runner(connection, PROJECTIONS)
        runner.prepare()
        return runner.catch_up(report)
