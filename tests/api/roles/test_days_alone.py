"""One run at a time ends a day: nothing takes its lock away, and who lost it does not go on."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg import Connection

from adapters.postgres.advisory import LockLost
from adapters.processes.end_of_day import ClosedDay, EndOfDay
from adapters.processes.subscription import Subscription
from api.roles.days import days
from domain.payments.lease_payments import LEASE_PAYMENTS
from tests.adapters.postgres.hasty import hasty, outlast
from tests.adapters.processes.world import TENANT, World
from tests.api.roles.steps.test_collection import DAY, DUE, begun
from tests.api.roles.steps.test_unposted import pays, told

_END_HOLDERS = """
SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE locktype = 'advisory' AND granted AND datname = current_database()"""


async def test_a_day_keeps_its_lock_however_hasty_the_database_is(
    world: World, monkeypatch: pytest.MonkeyPatch, url: str, superuser: Connection[Any]
) -> None:
    """An operator ends whatever idles in a transaction; whoever holds a lock idles there while others work for it."""
    await begun(world)
    real = EndOfDay._step

    async def slow(ending: EndOfDay, *of: Any, **more: Any) -> int:
        outlast(url)
        return await real(ending, *of, **more)

    monkeypatch.setattr(EndOfDay, "_step", slow)
    with hasty(superuser):
        async with days(world.program, TENANT, world.banks) as hurried:
            closed = await hurried.ending.catch_up(DUE - DAY)
    assert closed[-1].day == DUE - DAY
    assert len(closed) > 1


async def test_who_lost_the_lock_of_a_day_does_not_go_on_and_the_next_run_does(
    world: World, monkeypatch: pytest.MonkeyPatch, superuser: Connection[Any]
) -> None:
    """A second run may end the same day already. What was closed before is told."""
    await begun(world)
    await world.end_of_day.catch_up(DUE - 2 * DAY)
    real, begun_steps, closed = EndOfDay._step, [], list[ClosedDay]()

    async def loses(ending: EndOfDay, name: str, day: Any, *of: Any, **more: Any) -> int:
        begun_steps.append((day, name))
        done = await real(ending, name, day, *of, **more)
        if (day, name) == (DUE, "timers"):
            superuser.execute(_END_HOLDERS)
        return done

    with monkeypatch.context() as patched:
        patched.setattr(EndOfDay, "_step", loses)
        with pytest.raises(LockLost, match="expected to work alone"):
            await world.end_of_day.catch_up(DUE, closed.append)
    assert begun_steps[-1] == (DUE, "timers")
    assert [one.day for one in closed] == [DUE - DAY]
    assert [one.day for one in await world.end_of_day.catch_up(DUE)] == [DUE]


async def test_a_subscription_that_lost_its_lock_does_not_go_on(
    world: World, monkeypatch: pytest.MonkeyPatch, superuser: Connection[Any]
) -> None:
    """A second instance may follow from there already; what was done is known by its keys."""
    lease = await begun(world)
    await world.end_of_day.catch_up(DUE - DAY)
    await pays(world, lease, DUE)
    subscription = next(one for one in world.days.subscriptions if one.name == LEASE_PAYMENTS.name)
    before = await subscription.position()
    real = Subscription._take

    async def loses(one: Subscription, *of: Any) -> int:
        done = await real(one, *of)
        superuser.execute(_END_HOLDERS)
        return done

    with monkeypatch.context() as patched:
        patched.setattr(Subscription, "_take", loses)
        with pytest.raises(LockLost):
            await subscription.catch_up()
    assert await subscription.position() == before
    await world.settle()
    assert await told(world, "lease.payment_posted.v1") == [(lease, DUE)]
