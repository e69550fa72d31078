"""Long-running roles: what each does until it is stopped, and the lock that lets one instance of it work at a time.

    serve    the HTTP interface and the console; several may serve one ledger
    project  read models, kept up to date with every commit
    react    process managers and the collector: from offer to lease, money to its lease, attempts to their providers
    publish  a signed checkpoint each second while the log grows

Beside them, under `up` alone, one process keeps the embedded server running.
A role keeps nothing in memory that it could not find again: one that was killed goes on where the ledger says it was.
An error ends the role; whoever supervises it starts it again.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress

import psycopg
import structlog

from adapters.connectors.payments.collecting import Collector, LedgerPayments
from adapters.connectors.payments.port import ProviderError
from adapters.keys import KeyFileError
from adapters.postgres import role_locks
from adapters.postgres.connections import Connection, DatabaseUnavailable, connect, connect_async, holding_pool_of
from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.log import Log
from adapters.processes.subscription import Subscription
from adapters.system import now
from api.compose import Base, Running
from api.roles.banks import banks
from api.roles.opening import opened
from api.roles.subscriptions import collector_of, managed
from domain.kernel.process import PROCESS_MANAGERS
from projections.engine.runner import Runner
from projections.registry import PROJECTIONS

CHECKPOINT_EVERY_S = 1.0
POLL_S = 0.2
"""How long an event waits to be noticed by a process manager."""

LOOK_EVERY_S = 2.0
"""How often an instance looks whether the database still sees it."""

TURN_EVERY_S = 1.0
"""How often a second instance looks whether the first one is gone."""

LOOK_AT_SERVER_EVERY_S = 0.5
"""How often it is looked whether the embedded server is there."""

Stop = threading.Event

_log = structlog.get_logger(__name__)


class RoleLockLost(RuntimeError):
    """A role whose lock went with its connection: another instance may have begun."""


@asynccontextmanager
async def seen(on: Base, name: str) -> AsyncIterator[None]:
    """Be seen at work in a role of which several instances work; a database that comes back sees it again."""
    keeping = asyncio.create_task(_be_seen(on, name), name=f"{name}-is-seen")
    try:
        yield
    finally:
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping


async def _be_seen(on: Base, name: str) -> None:
    while True:
        with suppress(psycopg.Error, DatabaseUnavailable):
            async with await connect_async(on.url) as connection:
                await role_locks.take_part(connection, name)
                while True:
                    await asyncio.sleep(LOOK_EVERY_S)
                    await connection.execute("SELECT")
        await asyncio.sleep(LOOK_EVERY_S)


@contextmanager
def alone(on: Base, name: str, stop: Stop, waits: Callable[[], None]) -> Iterator[bool]:
    """Wait until no other instance of a role works on this ledger; false when it was stopped before.

    The lock belongs to a connection: the database gives it back when the process dies, however it dies. Raises
    `RoleLockLost` when the connection died and the process did not.
    """
    with connect(on.url) as connection:
        waited = False
        while not role_locks.take(connection, name):
            if not waited:
                waited = True
                waits()
            if stop.wait(TURN_EVERY_S):
                yield False
                return
        over, lost = threading.Event(), threading.Event()
        watch = threading.Thread(target=_watch, args=(connection, over, lost, stop), name=f"{name}-lock", daemon=True)
        watch.start()
        try:
            yield True
        finally:
            over.set()
            watch.join()
        if lost.is_set():
            raise RoleLockLost(f"{name}: the database does not know this instance any more")


def _watch(connection: Connection, over: Stop, lost: Stop, stop: Stop) -> None:
    """Ask the connection that holds a role's lock, so that nobody lets it go for idleness, and stop without it."""
    while not over.wait(LOOK_EVERY_S):
        try:
            connection.execute("SELECT")
        except psycopg.Error:
            lost.set()
            stop.set()
            return


def project(on: Base, stop: Stop) -> None:
    """Keep every read model up to date."""
    with connect(on.url) as connection:
        runner = Runner(connection, PROJECTIONS)
        runner.prepare()
        runner.follow(stop.is_set)


def publish(on: Base, stop: Stop) -> None:
    """Publish a checkpoint each second while the log grows."""
    with connect(on.url) as connection:
        log = Log(connection)
        while not stop.wait(CHECKPOINT_EVERY_S):
            log.publish(on.signer, now())


def react(on: Base, stop: Stop) -> None:
    """Let everything that follows from events follow, within a moment."""
    asyncio.run(_react(on, stop))


async def _react(on: Base, stop: Stop) -> None:
    async with opened(on) as ledger, subscribed(ledger) as subscriptions, asyncio.TaskGroup() as group:
        for subscription in subscriptions:
            group.create_task(_follow(subscription, stop), name=subscription.name)


async def _follow(subscription: Subscription, stop: Stop) -> None:
    """Each at its own pace: a provider that takes its time keeps nothing else waiting."""
    while not stop.is_set():
        if not (await subscription.catch_up()).accepted:
            await asyncio.sleep(POLL_S)


@asynccontextmanager
async def subscribed(on: Running) -> AsyncIterator[list[Subscription]]:
    """The subscriptions of a running ledger; those to providers are of the settings' tenant, if it has banks."""
    async with AsyncExitStack() as stack:
        try:
            providers = stack.enter_context(banks(on, on.settings.tenant))
        except (KeyFileError, ProviderError, OSError) as error:
            # Whose banks cannot be opened asks none, and everybody's contracts and money go on.
            _log.error("react.banks_unusable", error=type(error).__name__, file=str(error).partition(":")[0])
            providers = {}
        # Each holds one that keeps its name for it, and asks on another.
        most = 2 * (len(PROCESS_MANAGERS) + bool(providers))
        pool = holding_pool_of(on.url, most=most)
        await stack.enter_async_context(pool)
        subscriptions = managed(on, pool)
        if providers:
            collector = Collector(providers, LedgerPayments(on.ledger, on.reader))
            subscriptions.append(collector_of(on, pool, on.settings.tenant, collector))
        await subscriptions[0].prepare()
        yield subscriptions


def keep_server(server: EmbeddedPostgres, stop: Stop, started: Callable[[], None]) -> None:
    """Start the embedded server again whenever its process is gone; `started` is told each time.

    Raises `EmbeddedPostgresError` when it does not start: whoever supervises this tries again after a while.
    """
    while not stop.wait(LOOK_AT_SERVER_EVERY_S):
        if server.start_again():
            started()


ROLES: Mapping[str, Callable[[Base, Stop], None]] = {
    role_locks.PROJECT: project,
    role_locks.REACT: react,
    role_locks.PUBLISH: publish,
}
"""The roles of which one instance works at a time."""
