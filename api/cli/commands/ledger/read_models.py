"""`project` and `rebuild`: read models brought up to date, or made anew from the events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.failures import REFUSED, Unusable
from api.cli.frame import Report, Session, command
from api.cli.reading import catch_up
from api.cli.wording.retelling import retold
from api.cli.wording.words import count, number, table
from api.language import text

if TYPE_CHECKING:
    from projections.engine.rebuild import Rebuilt


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    command(app, "project")(project)
    command(app, "rebuild")(rebuild)


def project(
    session: Session,
    follow: Annotated[bool, typer.Option("--follow", help="Stay and apply what comes, until interrupted.")] = False,
    retry: Annotated[
        bool, typer.Option("--retry", help="Apply dead letters again, once their cause is mended.")
    ] = False,
    drop_retired: Annotated[
        bool, typer.Option("--drop-retired", help="Drop the tables that newer versions have replaced.")
    ] = False,
) -> None:
    """Bring all read models up to date."""
    done: dict[str, Any] = {}
    with session.base() as on:
        with session.progress(text("Projecting"), text("events")) as report:
            applied = catch_up(on.url, report)
        if retry:
            done |= _retried(session, on.url)
        if drop_retired:
            done |= _dropped(session, on.url)
        if follow:
            session.say(text("Up to date ({events} events); following, Ctrl-C stops.", events=number(applied)))
            follow_ledger(on.url, lambda: False)
        lags = lag(on.url)
    session.emit(
        {"applied": applied, **done, "read_models": lags},
        lambda out: out.print(
            table(
                "llrrr",
                [(str(r["name"]), text(r["status"]), *(number(r[k]) for k in _COUNTS)) for r in lags],
                head=(text("read model"), text("status"), text("position"), text("behind"), text("dead letters")),
            )
        ),
    )


_COUNTS = ("position", "behind", "dead_letters")


def rebuild(
    session: Session,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Default: all.", show_default=False)] = None,
    compare: Annotated[
        bool, typer.Option("--compare", help="Compare the old rows with the new ones; exit 1 if they differ.")
    ] = False,
) -> None:
    """Make read models anew from the events.

    The new rows are built beside the old ones and take over in one transaction.
    """
    from projections.engine.model import ProjectionError
    from projections.registry import PROJECTIONS, find

    try:
        chosen = PROJECTIONS if name is None else (find(name),)
    except ProjectionError as error:
        said = str(error)
        raise Unusable(lambda: text("read model: {error}", error=retold(said))) from None
    done = []
    with session.base() as on:
        catch_up(on.url, lambda *_: None)
        for projection in chosen:
            with session.progress(projection.name, text("events")) as report:
                done.append(_rebuild(on.url, projection, compare, report))
    session.emit(
        [_rebuilt(one) for one in done], lambda out: out.print("\n".join(map(_sentence, done)), soft_wrap=True)
    )
    if any(one.compared is not None and one.compared.first is not None for one in done):
        raise typer.Exit(REFUSED)


def _retried(session: Session, url: str) -> dict[str, Any]:
    """Apply the dead letters of every read model again, and say how many were applied and how many are left."""
    from adapters.postgres.connections import connect
    from projections.engine.dead_letters import retry
    from projections.registry import PROJECTIONS

    with connect(url) as connection:
        found = [retry(connection, projection) for projection in PROJECTIONS]
    done = {"retried": sum(one.applied for one in found), "parked": sum(one.parked for one in found)}
    counts = {"events": number(done["retried"]), "parked": number(done["parked"])}
    session.say(text("Dead letters: {events} applied, {parked} left.", **counts))
    return done


def _dropped(session: Session, url: str) -> dict[str, Any]:
    """Drop the tables of retired versions, and say which."""
    from adapters.postgres.connections import connect
    from adapters.postgres.schema import SHARD
    from projections.engine.copies import drop_retired
    from projections.registry import PROJECTIONS

    with connect(url) as connection:
        tables = [table for one in PROJECTIONS for table in drop_retired(connection, one.name, SHARD)]
    session.say(text("Dropped: {tables}", tables=text(", ").join(tables) or "–"))
    return {"dropped": tables}


def follow_ledger(url: str, stop: Any) -> None:
    """Keep read models up to date until `stop()`."""
    from adapters.postgres.connections import connect
    from projections.engine.runner import Runner
    from projections.registry import PROJECTIONS

    with connect(url) as connection:
        runner = Runner(connection, PROJECTIONS)
        runner.prepare()
        runner.follow(stop)


def lag(url: str) -> list[dict[str, Any]]:
    """How far each read model is behind, as plain data; empty where none was made yet."""
    import msgspec

    from adapters.postgres.connections import connect
    from adapters.postgres.schema import SHARD
    from adapters.system import now
    from projections.engine import copies

    with connect(url) as connection:
        if not copies.prepared(connection):
            return []
        return [msgspec.structs.asdict(one) for one in copies.lag(connection, SHARD, now())]


def _rebuild(url: str, projection: Any, compare: bool, report: Report) -> Rebuilt:
    from adapters.postgres.connections import connect
    from projections.engine.rebuild import rebuild as rebuild_one

    with connect(url) as connection:
        return rebuild_one(connection, projection, progress=report, comparing=compare)


def _rebuilt(one: Rebuilt) -> dict[str, Any]:
    data: dict[str, Any] = {"table": one.table, "position": one.position, "rows": one.rows, "parked": one.parked}
    if one.compared is not None:
        first = one.compared.first
        data |= {"differences": one.compared.differences, "first": first.sentence() if first else None}
    return data


def _sentence(one: Rebuilt) -> str:
    rows, position = count(one.rows, "row"), number(one.position)
    said = text("read.{table}: {rows} at position {position}", table=one.table, rows=rows, position=position)
    if one.parked:
        said += text(", {events} dead letters", events=number(one.parked))
    if one.compared is None:
        return said
    if one.compared.first is None:
        return said + text(", equal to what was there")
    first = {"rows": number(one.compared.differences), "first": one.compared.first.sentence()}
    return said + text(", {rows} rows differed; the first: {first}", **first)
