"""The tenant lock: one holder at a time in all processes, other tenants in parallel, free again after any end."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from adapters.postgres.writing.tenant_lock import TenantLock, lock_of
from adapters.system import new_id
from api.compose import Running
from tests.adapters.postgres.story import TENANT


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


def test_locks_differ_by_tenant_and_fit() -> None:
    locks = {lock_of(UUID(int=number)) for number in range(1_000)}
    assert len(locks) == 1_000
    assert all(0 <= lock < 1 << 63 for lock in locks)
