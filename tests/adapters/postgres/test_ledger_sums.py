"""Rules that read a sum: under the tenant lock until what was judged is written, and again where the lock was lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from adapters.postgres.connections import connect
from adapters.postgres.writing.sequencer import Appended, Fence
from adapters.postgres.writing.tenant_lock import TenantLock
from api.compose import Running
from domain.intake.application.rules import APPLICATION
from domain.kernel.needs import Sum
from tests.adapters.postgres.judged import Interposed, Rules, Watch, drafted, ruled, rules
from tests.adapters.postgres.story import SUBMIT, TENANT, request

__all__ = ["rules"]


async def test_whoever_reads_a_sum_holds_the_lock_until_it_is_written(program: Running, rules: Rules) -> None:
    order: list[str] = []

    @asynccontextmanager
    async def hold(tenant: UUID) -> AsyncIterator[Fence]:
        async with TenantLock(program.url) as lock, lock.hold(tenant) as fence:
            order.append(f"in {tenant == TENANT}")
            yield fence
        order.append(f"out at {await program.reader.size()}")

    async def total(_: UUID, key: object) -> str:
        order.append(f"read {key}")
        return "sum"

    Watch(needs=(Sum("total", "a"), Sum("total", "b")))
    ledger = ruled(program, rules, lock=hold, sums={"total": total})
    stream = await drafted(ledger)
    size = await program.reader.size()
    await ledger.execute(APPLICATION, request(stream, SUBMIT))
    assert order == ["in True", "read a", "read b", f"out at {size + 1}"]


async def test_a_sum_is_read_again_when_its_lock_was_lost(program: Running, rules: Rules, url: str) -> None:
    """The connection that holds it dies between look and append, and somebody else writes under the lock meanwhile."""
    sums: list[int] = []

    async def total(_: UUID, key: object) -> int:
        sums.append(await program.reader.size())
        return sums[-1]

    async def loses() -> None:
        if len(sums) == 1:
            with connect(url, role=None) as superuser:
                assert superuser.execute(_END_HOLDERS).rowcount == 1
            async with TenantLock(program.url) as elsewhere, elsewhere.hold(TENANT):
                await drafted(program.ledger)

    watch = Watch(needs=(Sum("total"),))
    async with TenantLock(program.url) as lock:
        ledger = ruled(program, rules, writer=Interposed(program, loses), lock=lock.hold, sums={"total": total})
        stream = await drafted(program.ledger)
        assert isinstance(await ledger.execute(APPLICATION, request(stream, SUBMIT)), Appended)
    assert (len(watch.seen), sums[1]) == (2, sums[0] + 1)


_END_HOLDERS = "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory' AND granted"
