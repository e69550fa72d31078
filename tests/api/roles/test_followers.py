"""Who follows the ledger and how long things wait: for whoever is not there as for whoever stands still."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import pytest
from psycopg import Connection
from psycopg_pool import AsyncConnectionPool

from adapters.connectors.payments.collecting import collector_name
from adapters.postgres import role_locks
from adapters.postgres.connections import connect, connect_async
from adapters.postgres.log import Log
from adapters.processes.subscription import Subscription
from adapters.system import now
from api.compose import Running
from api.demonstration.taking_over import take_over, taken_over_on
from api.followers import (
    CHECKPOINT,
    PATIENCE_S,
    READ_MODELS,
    Follower,
    Remembered,
    Watch,
    followers,
    late_calendars,
    roles,
    watched,
)
from api.roles.days import days
from domain.kernel.process import PROCESS_MANAGERS
from domain.leasing.lease.rules.decider import LEASE
from projections.engine.runner import Runner
from projections.registry import PROJECTIONS
from tests.adapters.processes.world import FIRST, TENANT, creation, lease_stream, make_lease, pool_of
from tests.tidy import checkout


@pytest.fixture
async def pool(program: Running) -> AsyncIterator[AsyncConnectionPool[Any]]:
    """Connections of a subscription."""
    with pool_of(program.url) as made:
        async with made:
            yield made


LATER = timedelta(seconds=PATIENCE_S + 5)


def late(connection: Connection[Any], after: timedelta = LATER) -> set[str]:
    """The roles that let things wait, some time from now."""
    return {one.name for one in roles(connection, followers(connection, now() + after, ())) if one.late}


def test_whoever_asks_knows_the_process_managers() -> None:
    """They are registered when their modules are imported, which a command that asks has no other reason for."""
    asked = "import api.followers, domain.kernel.process as p; print(sorted(p.PROCESS_MANAGERS))"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True, cwd=checkout.ROOT)
    assert done.stdout.strip() == str(sorted(PROCESS_MANAGERS))


async def test_an_empty_ledger_waits_for_nobody(program: Running) -> None:
    with connect(program.url) as connection:
        found = followers(connection, now() + LATER, ())
        assert {one.name for one in found} == {READ_MODELS, CHECKPOINT, *PROCESS_MANAGERS}
        assert [(one.behind, one.waits_s) for one in found] == [(0, 0.0)] * len(found)
        assert late(connection) == set()


async def test_everything_waits_for_those_who_do_not_work(program: Running) -> None:
    """A minute is no lateness, a little more is; a lock that somebody holds changes nothing about it."""
    await make_lease(program, 0)
    with connect(program.url) as connection:
        assert late(connection, timedelta(seconds=PATIENCE_S - 20)) == set()
        assert late(connection) == {"project", "react", "publish"}
        assert role_locks.take(connection, "react")
        assert late(connection) == {"project", "react", "publish"}


async def test_each_is_on_time_when_it_has_done_its_work(program: Running, pool: AsyncConnectionPool[Any]) -> None:
    await make_lease(program, 0)
    with connect(program.url) as connection:
        runner = Runner(connection, PROJECTIONS)
        runner.prepare()
        runner.catch_up()
        assert late(connection) == {"react", "publish"}
        for name in PROCESS_MANAGERS:
            subscription = Subscription(name, program.ledger, program.reader, pool, frozenset(), _nothing)
            await subscription.prepare()
            await subscription.catch_up()
        assert late(connection) == {"publish"}
        Log(connection).publish(program.signer, now())
        assert late(connection) == set()


async def test_banks_that_nobody_asks_keep_nobody_waiting(program: Running, pool: AsyncConnectionPool[Any]) -> None:
    """They stand in the database for ever, where they stopped."""
    name = collector_name(TENANT)
    once = Subscription(name, program.ledger, program.reader, pool, frozenset(), _nothing)
    await once.prepare()
    await make_lease(program, 0)
    with connect(program.url) as connection:
        assert name not in {one.name for one in followers(connection, now(), ())}
        (asked,) = [one for one in followers(connection, now(), (TENANT,)) if one.name == name]
        assert (asked.role, asked.position) == ("react", 0)
        assert asked.behind > 0


async def test_several_are_seen_in_a_role_until_the_last_is_gone(program: Running) -> None:
    def seen() -> bool:
        with connect(program.url) as connection:
            return "serve" in role_locks.held(connection, role_locks.ALL)

    async with await connect_async(program.url) as first:
        await role_locks.take_part(first, "serve")
        async with await connect_async(program.url) as second:
            await role_locks.take_part(second, "serve")
        assert seen()
    assert not seen()


async def _nothing(_: Any) -> tuple[()]:
    return ()


# ------------------------------------------------------------------------------------ clocks that were wrong


def follower(position: int, behind: int, *, ahead: bool = True) -> Follower:
    return Follower("react", "payments", position, behind, 0.0, ahead)


def test_who_moves_is_not_late_under_the_eyes_of_an_observer() -> None:
    """Behind at every look, and at another place each time; nothing is said of whoever has nothing behind."""
    ticks = iter((0.0, 50.0, 100.0, 200.0, 201.0))
    watch = Watch(lambda: next(ticks))
    looks = (follower(1, 5), follower(2, 5), follower(2, 5), follower(2, 0), follower(2, 1))
    assert [one.waits_s for seen in looks for one in watch.seen([seen])] == [0.0, 0.0, 50.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("positions", "looks", "waits_s"),
    [([7], PATIENCE_S + 2, PATIENCE_S + 1), ([7, 7, 8], 3, 0.0)],
    ids=["stands", "moves"],
)
def test_one_who_asks_once_watches_until_it_is_known(positions: list[int], looks: float, waits_s: float) -> None:
    """A minute of whoever stands still, where the stored times do not tell."""
    clock = Watched(positions)
    (one,) = watched(clock.look, Watch(lambda: clock.seconds), clock.pause)
    assert (clock.looks, one.waits_s) == (looks, waits_s)


def test_one_who_asks_once_does_not_watch_where_stored_times_tell() -> None:
    clock = Watched([7], ahead=False)
    watched(clock.look, Watch(lambda: clock.seconds), clock.pause)
    assert clock.looks == 1


class Watched:
    """A follower at these positions, one look after the other, and a clock that moves by pauses."""

    def __init__(self, positions: list[int], *, ahead: bool = True) -> None:
        self._positions, self._ahead = positions, ahead
        self.seconds, self.looks = 0.0, 0

    def look(self) -> list[Follower]:
        self.looks += 1
        return [follower(self._positions[min(self.looks, len(self._positions)) - 1], 3, ahead=self._ahead)]

    def pause(self, seconds: float) -> None:
        self.seconds += seconds


async def test_what_was_recorded_ahead_of_the_clock_is_known_to_be(program: Running) -> None:
    await make_lease(program, 0)
    with connect(program.url) as connection:
        assert {one.ahead for one in followers(connection, now(), ())} == {False}
        assert {one.ahead for one in followers(connection, now() - timedelta(hours=1), ())} == {True}


# ------------------------------------------------------------------------------------ days that nobody closes


async def test_days_that_nobody_closes_are_late_while_leases_run(
    program: Running, pool: AsyncConnectionPool[Any]
) -> None:
    """Yesterday may be open until the morning's run; the day before yesterday was missed."""
    closing = Subscription("x", program.ledger, program.reader, pool, frozenset(), _nothing)
    await closing.prepare()
    with connect(program.url) as connection:
        runner = Runner(connection, PROJECTIONS)

        def late_on(today: date) -> list[date | None]:
            runner.catch_up()
            found = late_calendars(connection, today)
            assert {one.tenant for one in found} <= {TENANT}
            return [one.business_date for one in found]

        assert late_calendars(connection, FIRST) == (), "there are no read models yet"
        runner.prepare()
        assert late_on(FIRST) == []
        waiting = lease_stream(1)
        await take_over(program, LEASE, waiting, taken_over_on(TENANT, waiting, FIRST), creation(1))
        assert late_on(FIRST) == [], "it has not begun"
        await make_lease(program, 0)
        assert late_on(FIRST) == [None]
        async with days(program, TENANT, {}) as composed:
            await composed.ending.open(FIRST)
        assert [late_on(FIRST + timedelta(days=n)) for n in (-40, 0, 1, 2)] == [[], [], [], [FIRST]]


def test_an_answer_is_kept_for_a_while_and_asked_for_again() -> None:
    at, asked = [0.0], list[int]()
    known = Remembered[int](lambda: at[0], 30.0)

    def ask() -> int:
        asked.append(len(asked))
        return asked[-1]

    assert [known.of(ask), known.of(ask)] == [0, 0]
    at[0] = 30.5
    assert (known.of(ask), asked) == (1, [0, 1])
