"""The tenant lock: one holder at a time in all processes, other tenants in parallel, free again after any end."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace
from psycopg import Connection

from adapters.postgres.connections import connect
from adapters.postgres.writing.tenant_lock import TenantLock, lock_of
from adapters.system import new_id
from api.compose import Running
from tests.adapters.postgres.hasty import hasty, outlast
from tests.adapters.postgres.story import TENANT, toys


async def test_locks_of_a_tenant_exclude_each_other_in_all_processes(program: Running) -> None:
    """Many at once in two processes: never two inside; another tenant's lock is not waited for."""
    inside, most = 0, 0
    stranger = new_id()

    async def book(lock: TenantLock) -> None:
        nonlocal inside, most
        async with lock.hold(TENANT):
            inside += 1
            most = max(most, inside)
            await program.reader.size()
            inside -= 1

    async with TenantLock(program.url) as here, TenantLock(program.url) as there:
        await asyncio.gather(*(book(one) for one in [here, there] * 8))
        async with here.hold(TENANT), there.hold(stranger):
            pass
    assert most == 1


async def test_a_lock_ends_with_an_error(program: Running) -> None:
    async with TenantLock(program.url) as lock:
        with pytest.raises(ZeroDivisionError):
            async with lock.hold(TENANT):
                raise ZeroDivisionError
        async with lock.hold(TENANT):
            pass


async def test_a_lock_that_was_lost_ends_quietly(program: Running, url: str) -> None:
    """What was done under it has been judged by the fence; the loss is nobody's error then."""
    async with TenantLock(program.url) as lock:
        async with lock.hold(TENANT) as fence:
            with connect(url, role=None) as superuser:
                superuser.execute("SELECT pg_terminate_backend(%s, 5000)", (fence.holder,))
        async with lock.hold(TENANT) as again:
            assert again.holder != fence.holder


async def test_whoever_gets_the_lock_waits_for_the_append_before(program: Running, url: str) -> None:
    """An append that passed the check and is not committed yet would be missing from the sum."""
    async with TenantLock(program.url) as lock:
        with connect(url, role=None) as writer:
            writer.execute("BEGIN; SELECT FROM ledger.head FOR UPDATE")
            waiting = asyncio.create_task(lock.hold(TENANT).__aenter__())
            for _ in range(100):
                if writer.execute(_WAITING).fetchone() == (1,):
                    break
                await asyncio.sleep(0.05)
            assert not waiting.done()
            writer.execute("COMMIT")
        await waiting


async def test_an_append_that_was_given_up_is_not_vouched_for_by_the_next_holder(program: Running, url: str) -> None:
    """The connection is the same one, and so is the fence; what began under the first holding ends under it."""
    order: list[str] = []
    holds, goes_on = asyncio.Event(), asyncio.Event()

    async def first(lock: TenantLock) -> None:
        async with lock.hold(TENANT) as fence:
            holds.set()
            await goes_on.wait()
            try:
                await program.writer.append(replace(toys(), fence=fence))
            finally:
                order.append("given up")

    async with TenantLock(program.url) as lock:
        giving_up = asyncio.create_task(first(lock))
        await holds.wait()
        with connect(url, role=None) as blocker:
            blocker.execute("BEGIN; SELECT FROM ledger.head FOR UPDATE")
            goes_on.set()
            await asyncio.sleep(0.3)
            giving_up.cancel()
            second = asyncio.create_task(lock.hold(TENANT).__aenter__())
            await asyncio.sleep(0.3)
            assert (order, second.done()) == ([], False)
            blocker.execute("COMMIT")
        with suppress(asyncio.CancelledError):
            await giving_up
        await second
        assert order == ["given up"]
        assert await program.reader.size() == 1


_WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype IN ('tuple', 'transactionid')"


def test_locks_differ_by_tenant_and_fit() -> None:
    locks = {lock_of(UUID(int=number)) for number in range(1_000)}
    assert len(locks) == 1_000
    assert all(0 <= lock < 1 << 63 for lock in locks)


async def test_a_tenants_lock_outlives_the_databases_patience(
    program: Running, url: str, superuser: Connection[Any]
) -> None:
    """Whoever works under it takes longer than an operator lets a transaction idle."""
    with hasty(superuser):
        async with TenantLock(program.url) as lock, lock.hold(TENANT) as fence:
            outlast(url)
            row = superuser.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", (fence.holder,)).fetchone()
            assert row == (1,)
