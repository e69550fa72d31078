"""Who follows the ledger and how long things wait: for whoever is not there as for whoever stands still."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
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
from api.followers import CHECKPOINT, PATIENCE_S, READ_MODELS, followers, roles
from domain.kernel.process import PROCESS_MANAGERS
from projections.engine.runner import Runner
from projections.registry import PROJECTIONS
from tests.adapters.processes.world import TENANT, make_lease, pool_of
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
