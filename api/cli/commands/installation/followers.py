"""Checks of `doctor` on followers of the ledger: read models, roles, process managers and parked work."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from api.cli.commands.installation.findings import Health
from api.cli.wording.words import number
from api.language import text

if TYPE_CHECKING:
    from uuid import UUID

    from adapters.processes.parking import ParkedCount
    from api.followers import Role


KEY_WARNING_DAYS = 14
"""How long before its end `doctor` speaks of an API key."""


def look(health: Health, connection: Any, with_banks: Collection[UUID], tenant: UUID) -> None:
    """Look at all of them; the facts of the ledger are known already."""
    _read_models(health, connection)
    _roles(health, connection, with_banks)
    _calendars(health, connection, tenant)
    _keys_that_end(health, connection)
    _left_to_people(health, connection, with_banks)


def _read_models(health: Health, connection: Any) -> None:
    import msgspec

    from adapters.postgres.schema import SHARD
    from adapters.system import now
    from projections.engine import copies

    health.facts["read_models"] = []
    if not copies.prepared(connection):
        return
    for lag in copies.lag(connection, SHARD, now()):
        health.facts["read_models"].append(msgspec.structs.asdict(lag))
        if lag.dead_letters:
            told = {"table": lag.table, "events": lag.dead_letters, "keys": lag.dead_keys, "name": lag.name}
            health.problem(
                text("read.{table}: {events} dead letters of {keys} keys", **told),
                text(
                    "see `leaseledger list parked --kind event`, mend the cause, then: leaseledger rebuild {name}",
                    **told,
                ),
            )
        elif lag.behind:
            told = {"table": lag.table, "events": lag.behind}
            note = text("read.{table} is {events} events behind; `leaseledger project` or `up` catches up", **told)
            health.notes.append(note)


def _roles(health: Health, connection: Any, with_banks: Collection[UUID]) -> None:
    """Roles that work now, and how far who follows is behind; where one works, none may let things wait."""
    import msgspec

    from adapters.postgres import role_locks
    from adapters.system import now
    from api.followers import Watch, followers, roles, watched

    found = followers(connection, now(), with_banks)
    states = roles(connection, found)
    at_work = any(one.works for one in states)
    if at_work:
        found = watched(lambda: followers(connection, now(), with_banks), Watch(time.monotonic), time.sleep)
        states = roles(connection, found)
    health.facts["roles"] = [msgspec.structs.asdict(one) for one in states]
    health.facts["process_managers"] = [
        {"name": one.name, "position": one.position, "behind": one.behind}
        for one in found
        if one.role == role_locks.REACT and (at_work or one.position)
    ]
    if at_work:
        _judge(health, states)


def _judge(health: Health, states: Sequence[Role]) -> None:
    """Report roles that do not work and should, and those that let things wait."""
    from adapters.postgres import role_locks

    if [one.name for one in states if not one.works] == [role_locks.SERVE]:
        what = text("no `serve` works: nobody answers requests")
        health.problem(what, text("see what `up` says of it; `leaseledger role serve` tells its reason, too"))
    for late in states:
        if late.late:
            health.problem(*_late(late))


def _late(role: Role) -> tuple[str, str]:
    told = {"name": role.name, "seconds": number(round(role.waits_s))}
    if role.works:
        what = text("`{name}` works and lets things wait, the oldest for {seconds} s", **told)
        return what, text("look at what it says; should it stand still, end its process: `up` starts it again")
    what = text("no `{name}` works, and things wait for it, the oldest for {seconds} s", **told)
    return what, text("start `leaseledger up`, or `leaseledger role {name}` beside the roles that work", name=role.name)


def _keys_that_end(health: Health, connection: Any) -> None:
    """API keys that soon stop working, and that none works any more: whoever uses one finds out too late."""
    from datetime import timedelta

    from adapters.postgres.connections import has_table
    from adapters.postgres.schema import SHARD
    from adapters.system import now
    from domain.kernel.ids import format_id
    from domain.kernel.times import utc_text
    from projections.access.access_book import API_KEYS

    if not has_table(connection, f"read.{API_KEYS.table}"):
        return
    at = now()
    ending = connection.execute(
        f"SELECT id, label, role, expires_at FROM read.{API_KEYS.table} "
        "WHERE shard = %s AND state = 'live' AND expires_at > %s AND expires_at < %s ORDER BY expires_at, id",
        (SHARD, utc_text(at), utc_text(at + timedelta(days=KEY_WARNING_DAYS))),
    )
    for stream, label, role, expires_at in ending:
        told = {"key": format_id("api_key", stream), "label": label, "role": role, "instant": expires_at}
        health.notes.append(
            text("{key} ({label}, {role}) works until {instant}: `leaseledger api-key rotate` gives it more", **told)
        )
    alive = "state = 'live' AND expires_at > %s"
    known, working = connection.execute(
        f"SELECT count(*), count(*) FILTER (WHERE {alive}) FROM read.{API_KEYS.table} WHERE shard = %s",
        (utc_text(at), SHARD),
    ).fetchone()
    if known and not working:
        health.notes.append(text("no API key works any more: `leaseledger api-key make` gives a user one"))


def _calendars(health: Health, connection: Any, tenant: UUID) -> None:
    """Days that nobody closes though leases run: no bill is issued and nothing is debited, and all roles are well."""
    from datetime import timedelta

    from adapters.postgres.reading.opening import ledger_state
    from adapters.system import now
    from api.followers import late_calendars
    from domain.kernel.times import business_date

    if ledger_state(connection).demonstration:
        return
    today = business_date(now())
    for late in late_calendars(connection, today):
        told = {"tenant": late.tenant, "day": late.business_date}
        typed = f"leaseledger end-of-day --to {today - timedelta(days=1)}"
        if late.business_date is None:
            what = text(
                "leases of {tenant} run and its calendar was never opened: nothing is billed or debited", **told
            )
            typed = f"leaseledger end-of-day --open {today - timedelta(days=1)} --to {today - timedelta(days=1)}"
        else:
            what = text("leases of {tenant} run and its open day is {day}: nothing is billed or debited since", **told)
        typed += "" if late.tenant == tenant else f" --tenant {late.tenant}"
        health.problem(what, text("run it every day, and now: {command}", command=typed))


def _left_to_people(health: Health, connection: Any, with_banks: Collection[UUID]) -> None:
    """Report parked work, which people have to look at: no one else was told.

    Money that does not reach its lease is a problem, and so is what failed; other refusals may be right, and what
    waits for its day is.
    """
    from adapters.connectors.payments.collecting import COLLECTOR, collector_name
    from adapters.processes.held import TIMERS_PROCESS
    from adapters.processes.parking import STATEMENTS, parked_counts
    from domain.kernel.process import FAILED
    from domain.payments.lease_payments import LEASE_PAYMENTS, OF_MONEY

    asking = set(map(collector_name, with_banks))
    for one in parked_counts(connection, OF_MONEY):
        if (waits := _waiting(one)) is not None:
            health.notes.append(waits)
            continue
        if one.process == TIMERS_PROCESS:
            health.problem(*_held_out(one))
            continue
        told = {"process": text(one.process), "count": one.count, "key": one.key, "code": one.code}
        what = text("{process}: what should have followed did not ({count}), such as {key}: {code}", **told)
        if one.process == STATEMENTS:
            do = text(
                "mend the file, or let the bank send another; each `end-of-day` that has this bank tries it until it "
                "is taken"
            )
            health.problem(what, do)
            continue
        if one.code == FAILED.code and one.process.startswith(COLLECTOR) and one.process not in asking:
            do = text(
                "only an `end-of-day` with this tenant's banks tries it again: configure them as before, and run it"
            )
            health.problem(what, do)
        elif one.code == FAILED.code:
            health.problem(what, text("mend what it stumbles over, see what `react` says; it is tried again by itself"))
        elif one.money or one.process == LEASE_PAYMENTS.name:
            health.problem(what, _missing(one))
        else:
            health.notes.append(what)


def _waiting(one: ParkedCount) -> str | None:
    """What waits, and follows by itself."""
    from domain.kernel.process import HELD, NOT_YET

    told = {"process": text(one.process), "count": one.count, "key": one.key}
    if one.code == NOT_YET.code:
        return text("{process}: waiting for a business date: {count}, such as {key}", **told)
    if one.code == HELD.code:
        return text("{process}: waiting for what is held out of its days: {count}, such as {key}", **told)
    return None


def _held_out(one: ParkedCount) -> tuple[str, str]:
    """Timers that cannot be fired, and what to do about them."""
    told = {"count": one.count, "key": one.key, "code": one.code}
    what = text("held out of the days, for a timer cannot be fired: {count}, such as {key}: {code}", **told)
    return what, text(
        "mend what it stumbles over, the log says where; the next `end-of-day`, or `leaseledger parked retry` at "
        "once, makes up for their days, under the dates on which it was due"
    )


def _missing(one: ParkedCount) -> str:
    """The remedy for money that a payment or its lease refused; it is not debited there again."""
    from adapters.connectors.payments.collecting import COLLECTOR
    from domain.kernel.ids import format_id
    from domain.leasing.lease.refusals import PAYMENT_KNOWN
    from domain.leasing.lease.rules.decider import LEASE
    from domain.payments.payment.rules import PAYMENT

    if one.process.startswith(COLLECTOR):
        return text(
            "{payment} does not show what its bank answered, and its lease is not debited for it again: ask the bank "
            "what is right; the next `end-of-day` asks it again",
            payment=format_id(PAYMENT.name, one.stream),
        )
    told = {"lease": format_id(LEASE.name, one.stream)}
    if one.code == PAYMENT_KNOWN.code:
        return text(
            "{lease} knows this money in another amount or of another day: compare, and post what is missing by hand "
            "under a new id",
            **told,
        )
    return text(
        "{lease} does not show this money and is not debited for it again: mend what the refusal says; the next "
        "`end-of-day` asks again",
        **told,
    )
