"""A primary with a synchronous standby, both real, and a standby that can be made to stop receiving."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

from adapters.postgres import embedded
from adapters.postgres.embedded import EmbeddedPostgres

PATIENCE_S = 60.0
"""How long a server may take to do what it was told; it is done in a moment, or never."""


class Standby:
    """The standby of a primary: `stopped` keeps it from receiving what the primary writes."""

    def __init__(self, primary: EmbeddedPostgres, place: Path) -> None:
        self.url = primary.url
        self._place = place

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """The process that receives stands still inside, as on a machine that hangs: nobody is told that it is gone."""
        pid = self._receiver()
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def _receiver(self) -> int:
        with psycopg.connect(f"postgresql://postgres@/postgres?host={self._place}", autocommit=True) as connection:
            row = connection.execute("SELECT pid FROM pg_stat_wal_receiver").fetchone()
            assert row is not None, "the standby does not receive"
            return int(row[0])


@contextmanager
def with_standby(primary: EmbeddedPostgres, place: Path) -> Iterator[Standby]:
    """A standby of the primary in an empty directory, for which every commit waits from here on."""
    account = embedded._account()
    identity = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}
    if account is not None:
        os.chown(place, account.pw_uid, account.pw_gid)
    place.chmod(0o700)
    host = primary.url.rpartition("host=")[2]

    def run(program: str, *arguments: str) -> None:
        command = [str(embedded.binaries() / program), *arguments]
        subprocess.run(command, check=True, capture_output=True, cwd="/", timeout=PATIENCE_S, **identity)  # type: ignore[call-overload]

    run("pg_basebackup", "-h", host, "-U", "postgres", "-D", str(place), "-R", "-X", "stream", "-c", "fast")
    (place / ".s.PGSQL.5432.lock").unlink(missing_ok=True)  # the primary's: its sockets lie among its data
    run("pg_ctl", "-D", str(place), "-l", str(place / "server.log"), "-w", "-o", f"-k {place}", "start")
    try:
        with psycopg.connect(primary.url, autocommit=True) as superuser:
            superuser.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            superuser.execute("SELECT pg_reload_conf()")
            _until(superuser, "SELECT true FROM pg_stat_replication WHERE sync_state = 'sync'")
        yield Standby(primary, place)
        with psycopg.connect(primary.url, autocommit=True) as superuser:
            superuser.execute("ALTER SYSTEM RESET synchronous_standby_names")
            superuser.execute("SELECT pg_reload_conf()")
    finally:
        run("pg_ctl", "-D", str(place), "-m", "immediate", "-w", "stop")


def _until(connection: psycopg.Connection[tuple[object, ...]], question: str) -> object:
    deadline = time.monotonic() + PATIENCE_S
    while (row := connection.execute(question.encode()).fetchone()) is None:
        assert time.monotonic() < deadline, f"never true: {question}"
        time.sleep(0.02)
    return row[0]


async def waiting_backend(superuser: psycopg.Connection[tuple[object, ...]]) -> int:
    """The server's process that waits for the standby, as soon as there is one."""
    question = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
    return int(str(await asyncio.to_thread(_until, superuser, question)))
