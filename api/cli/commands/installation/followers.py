"""What `doctor` sees of whatever follows the ledger: read models, roles, process managers and what they left."""

from __future__ import annotations

from typing import Any

from api.cli.commands.installation.findings import Health
from api.language import text


def look(health: Health, connection: Any) -> None:
    """Look at all of them; the facts of the ledger are known already."""
    _read_models(health, connection)
    _roles(health, connection)
    _left_to_people(health, connection)


def _read_models(health: Health, connection: Any) -> None:
    import msgspec

    from adapters.postgres.schema import SHARD
    from adapters.system import now
    from projections.engine import copies

    health.facts["read_models"] = []
    if connection.execute("SELECT to_regclass('read.projections')").fetchone() == (None,):
        return
    for lag in copies.lag(connection, SHARD, now()):
        health.facts["read_models"].append(msgspec.structs.asdict(lag))
        if lag.dead_letters:
            told = {"table": lag.table, "events": lag.dead_letters, "keys": lag.dead_keys, "name": lag.name}
            health.problem(
                text("read.{table}: {events} dead letters of {keys} keys", **told),
                text(
                    "read their errors in read.dead_letters, mend the cause, then: leaseledger rebuild {name}", **told
                ),
            )
        elif lag.behind:
            told = {"table": lag.table, "events": lag.behind}
            note = text("read.{table} is {events} events behind; `leaseledger project` or `up` catches up", **told)
            health.notes.append(note)


def _roles(health: Health, connection: Any) -> None:
    """Roles that work now, and how far what follows from events is behind; it waits when only `react` is missing."""
    from adapters.postgres import role_locks
    from adapters.processes.subscription import progress

    held = role_locks.held(connection, role_locks.ROLES)
    size = health.facts["ledger"]["size"]
    found = [
        {"name": name, "position": position, "behind": max(0, size - position)}
        for name, position in progress(connection)
    ]
    health.facts["roles"] = [{"name": name, "works": name in held} for name in role_locks.ROLES]
    health.facts["process_managers"] = found
    behind = max((one["behind"] for one in found), default=size)
    if held and role_locks.REACT not in held and behind:
        what = text("no `react` works, and what follows from {events} events waits", events=behind)
        health.problem(what, text("start `leaseledger up`, or `leaseledger role react` beside the roles that work"))


def _left_to_people(health: Health, connection: Any) -> None:
    """What should have followed from an event and was refused: a person has to look, and no one else was told."""
    if connection.execute("SELECT to_regclass('read.process_refusals')").fetchone() == (None,):
        return
    rows = connection.execute(
        "SELECT key, code, count(*) OVER () FROM read.process_refusals ORDER BY tenant, key LIMIT 1"
    ).fetchall()
    for key, code, count in rows:
        told = {"count": count, "key": key, "code": code}
        health.notes.append(
            text("read.process_refusals: {count} follow-up commands were refused, such as {key}: {code}", **told)
        )
