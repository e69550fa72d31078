"""Reading: streams, ranges, keys and versions, each checked while it is read."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from psycopg import Connection

from adapters.postgres.reading.reader import LedgerBroken, Reader, StreamBroken, following, stored
from adapters.postgres.writing.sequencer import Appended, KnownCommand
from adapters.system import new_id
from api.compose import Running
from chain.entry import EntryError
from chain.merkle import leaf_hash
from domain.intake.application.events import ApplicationDrafted, ApplicationSubmitted
from domain.intake.application.rules import APPLICATION
from domain.kernel.event import UnknownEventType
from tests.adapters.postgres.story import ANONYMOUS, SUBMIT, TENANT, request, toys


@pytest.fixture
def reader(program: Running) -> Reader:
    return program.reader


async def events(reader: Reader, *args: Any, **more: Any) -> list[type]:
    return [type(entry.event()) async for entry in reader.stream_entries(*args, **more)]


async def test_stream_in_order_and_from_a_version(program: Running, reader: Reader) -> None:
    stream = new_id()
    for command in (ANONYMOUS, SUBMIT):
        await program.ledger.execute(APPLICATION, request(stream, command))
        await program.ledger.execute(APPLICATION, request(new_id(), ANONYMOUS))
    assert await events(reader, stream) == [ApplicationDrafted, ApplicationSubmitted]
    assert await events(reader, stream, after=1) == [ApplicationSubmitted]
    assert await events(reader, stream, after=2) == await events(reader, new_id()) == []
    assert [one.position for one in await reader.stream(stream)] == [1, 3]
    assert [one.position for one in await reader.stream(stream, up_to_position=2)] == [1]
    assert [leaf_hash(one.entry) for one in await reader.stream(stream)] == [
        one.leaf for one in await reader.stream(stream)
    ]


async def test_ranges(program: Running, reader: Reader) -> None:
    await program.writer.append(toys(events=5))
    assert [one.position for one in await reader.after(0, 2)] == [1, 2]
    assert [one.position for one in await reader.after(3, 10)] == [4, 5]
    assert await reader.after(5, 10) == []
    assert await reader.size() == 5


async def test_commands_and_versions(program: Running, reader: Reader) -> None:
    assert await reader.size() == 0
    append = toys(events=3, key="k")
    told = await program.writer.append(append)
    assert isinstance(told, Appended)
    assert await reader.command(TENANT, "k", system=True) == KnownCommand(append.digest, append.stream, 1, 3, 1, 3)
    assert await reader.command(TENANT, "k", system=False) is None
    assert await reader.command(new_id(), "k", system=True) is None
    assert await reader.command(TENANT, "other", system=True) is None
    assert await reader.known_keys(TENANT, ["k", "other"]) == {"k"}
    assert await reader.versions([append.stream, new_id()]) == {append.stream: 3}


REPLACE = """
UPDATE ledger.events SET entry = replace(convert_from(entry, 'UTF8'), '{}', '{}')::bytea WHERE position = 2"""


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ("DELETE FROM ledger.events WHERE position = 2", StreamBroken, "position 3: expected number 2"),
        ("DELETE FROM ledger.events WHERE position = 1", StreamBroken, "position 2: expected number 1"),
        ("UPDATE ledger.events SET entry = '{}' WHERE position = 2", EntryError, "expected a leaseledger.entry/2"),
        ("UPDATE ledger.events SET entry = '\\xff' WHERE position = 2", EntryError, "expected a leaseledger.entry/2"),
        (
            "UPDATE ledger.events SET entry = (SELECT entry FROM ledger.events WHERE position = 4) WHERE position = 2",
            StreamBroken,
            "position 2: expected number 2 of stream",
        ),
        (
            REPLACE.format("submitted", "forgotten"),
            UnknownEventType,
            "application.forgotten.v1",
        ),
        (
            REPLACE.format("{}", '{"x":1}'),
            msgspec.ValidationError,
            "unknown field",
        ),
    ],
)
async def test_broken_streams_are_not_replayed(
    program: Running, reader: Reader, superuser: Connection[Any], change: str, error: type[Exception], said: str
) -> None:
    stream = new_id()
    for command in (ANONYMOUS, SUBMIT):
        await program.ledger.execute(APPLICATION, request(stream, command))
    await program.writer.append(toys(stream, expected=2))
    await program.ledger.execute(APPLICATION, request(new_id(), ANONYMOUS))
    superuser.execute("SET session_replication_role = replica")
    superuser.execute(change.encode())
    with pytest.raises(error, match=said):
        await events(reader, stream)
    with pytest.raises(error, match=said):
        [entry.event() for entry in (await reader.entries_of([new_id(), stream]))[stream]]


async def test_several_streams_by_one_query(program: Running, reader: Reader) -> None:
    streams = [new_id() for _ in range(3)]
    for stream in (*streams, streams[0]):
        command = SUBMIT if await events(reader, stream) else ANONYMOUS
        await program.ledger.execute(APPLICATION, request(stream, command))
    found = await reader.entries_of([*streams[::-1], new_id()])
    assert found == {stream: [entry async for entry in reader.stream_entries(stream)] for stream in streams}
    assert [len(found[stream]) for stream in streams] == [2, 1, 1]
    assert await reader.entries_of([]) == {}


async def test_a_hole_in_positions_is_refused(program: Running, reader: Reader, superuser: Connection[Any]) -> None:
    """An event that is hidden or gone must not look as if it never happened."""
    await program.writer.append(toys(events=4))
    superuser.execute("SET session_replication_role = replica")
    superuser.execute("DELETE FROM ledger.events WHERE position = 2")
    with pytest.raises(LedgerBroken, match="position 2: expected a stored event, got none before 3"):
        await reader.after(0, 10)
    assert [one.position for one in await reader.after(2, 10)] == [3, 4]


def test_a_missing_end_is_refused() -> None:
    assert following(3, [], 3) == []
    with pytest.raises(LedgerBroken, match="position 4: expected a stored event, got none up to 5"):
        following(3, [], 5)


def test_a_row_without_bytes_is_refused() -> None:
    with pytest.raises(LedgerBroken, match="position 7: expected a stored entry and its leaf, got NULL"):
        stored((7, None, b"leaf"))
