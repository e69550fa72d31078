"""Accepted means durable behind a synchronous standby, too: nobody hears "yes" of what only one server has."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from adapters.keys import FileKeys
from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.schema import ensure_schema
from adapters.postgres.writing.group_commit import GroupCommit
from adapters.system import new_id, now
from api.compose import running
from domain.intake.application.rules import APPLICATION
from tests.adapters.postgres.standby import Standby, waiting_backend, with_standby
from tests.adapters.postgres.stored import check_whole
from tests.adapters.postgres.story import ANONYMOUS, request, toys
from tests.ledger import ORIGIN, composed_on

A_WHILE_S = 0.5
"""How long an answer that must not come is waited for: waiting longer could only find more."""


@pytest.fixture(scope="module")
def standby() -> Iterator[Standby]:
    with (
        tempfile.TemporaryDirectory(prefix="leaseledger-primary-") as one,
        tempfile.TemporaryDirectory(prefix="leaseledger-standby-") as other,
        EmbeddedPostgres(Path(one)) as primary,
        with_standby(primary, Path(other)) as made,
    ):
        ensure_schema(primary.url, origin=ORIGIN)
        yield made


@pytest.fixture
def superuser(standby: Standby) -> Iterator[Connection[Any]]:
    with psycopg.connect(standby.url, autocommit=True) as connection:
        yield connection


async def check_unanswered(waiting: asyncio.Future[Any]) -> None:
    done, _ = await asyncio.wait({waiting}, timeout=A_WHILE_S)
    assert not done, f"answered although the standby has nothing: {waiting}"


def stored(superuser: Connection[Any], key: str) -> int:
    row = superuser.execute("SELECT count(*) FROM ledger.commands WHERE key = %s", (key,)).fetchone()
    assert row is not None
    return int(row[0])


async def test_an_append_waits_for_the_standby(standby: Standby, superuser: Connection[Any]) -> None:
    async with GroupCommit(standby.url, clock=now) as writer:
        with standby.stopped():
            waiting = asyncio.create_task(writer.append(toys(key="waits")))
            await waiting_backend(superuser)
            await check_unanswered(waiting)
            assert stored(superuser, "waits") == 0
        assert not (await waiting).replayed
    check_whole(superuser)


@pytest.mark.parametrize("ended_by", ["pg_cancel_backend", "pg_terminate_backend"])
async def test_a_wait_that_somebody_ends_is_no_answer(
    standby: Standby, superuser: Connection[Any], ended_by: str
) -> None:
    """Its transaction is committed here and seen by all; its caller hears of it when the standby has it."""
    async with GroupCommit(standby.url, clock=now) as writer:
        with standby.stopped():
            waiting = asyncio.create_task(writer.append(toys(key=ended_by)))
            superuser.execute(f"SELECT {ended_by}(%s)".encode(), (await waiting_backend(superuser),))
            await check_unanswered(waiting)
            assert stored(superuser, ended_by) == 1
        told = await waiting
    assert told.replayed
    assert stored(superuser, ended_by) == 1
    check_whole(superuser)


async def test_a_batch_of_repeated_commands_waits_for_the_standby(standby: Standby, superuser: Connection[Any]) -> None:
    once = toys(key="repeated")
    async with GroupCommit(standby.url, clock=now) as writer, GroupCommit(standby.url, clock=now) as other:
        with standby.stopped():
            first = asyncio.create_task(writer.append(once))
            superuser.execute("SELECT pg_cancel_backend(%s)", (await waiting_backend(superuser),))
            await check_unanswered(first)
            assert stored(superuser, "repeated") == 1
            again = asyncio.create_task(other.append(once))
            await check_unanswered(again)
        assert (await again).replayed
        assert (await first).position == (await again).position


async def test_what_is_read_as_known_already_is_told_when_the_standby_has_it(
    standby: Standby, superuser: Connection[Any], tmp_path: Path
) -> None:
    """The write path finds a repeated command by reading, too; the row it finds may be this one server's alone."""
    wanted = request(new_id(), ANONYMOUS, key="read")
    FileKeys(tmp_path / "keys")
    with composed_on(standby.url, tmp_path) as on:
        async with running(on) as one, running(on) as other:
            await one.ledger.execute(APPLICATION, request(new_id(), ANONYMOUS))
            with standby.stopped():
                first = asyncio.create_task(one.ledger.execute(APPLICATION, wanted))
                superuser.execute("SELECT pg_cancel_backend(%s)", (await waiting_backend(superuser),))
                await check_unanswered(first)
                assert stored(superuser, "read") == 1
                again = asyncio.create_task(other.ledger.execute(APPLICATION, wanted))
                await check_unanswered(again)
            assert (await again) == (await first)


async def test_whoever_gives_up_does_not_end_the_wait(standby: Standby, superuser: Connection[Any]) -> None:
    """A caller that goes away, or a program that is told to end, cancels nothing at the server."""
    writer = GroupCommit(standby.url, clock=now)
    await writer.__aenter__()
    with standby.stopped():
        waiting = asyncio.create_task(writer.append(toys(key="given up")))
        await waiting_backend(superuser)
        assert writer._task is not None
        for task in (waiting, writer._task):
            task.cancel()
            await check_unanswered(task)
        assert stored(superuser, "given up") == 0
    await asyncio.wait({waiting, writer._task})
    assert writer._connection is not None
    await writer._connection.close()
    assert stored(superuser, "given up") == 1
    check_whole(superuser)
