"""Contended streams: commands that are decided again because somebody else was quicker."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from adapters.postgres import ledger as module
from adapters.postgres.connections import connect
from adapters.postgres.ledger import Ledger, StreamBusy
from adapters.postgres.vault import Vault
from adapters.postgres.writing.group_commit import GroupCommit
from adapters.postgres.writing.sequencer import Append, Appended
from adapters.system import new_id, now, random_bytes
from api.compose import Base, Running
from domain.intake.application.events import ApplicationSubmitted
from domain.intake.application.refusals import UNKNOWN
from domain.intake.application.rules import APPLICATION
from domain.kernel.decider import ABSENT, DECIDERS, PRESENT, Decider, Rule, State
from tests.adapters.postgres.stored import check_whole
from tests.adapters.postgres.story import ANONYMOUS, SUBMIT, request, toys

AGAIN = ApplicationSubmitted()


class Interfering(GroupCommit):
    """A writer before whose appends somebody else is always quicker."""

    times = 0

    async def __aenter__(self) -> Interfering:
        await super().__aenter__()
        return self

    async def append(self, append: Append) -> Appended:
        if self.times:
            self.times -= 1
            lane = toys(append.stream, expected=append.parts[0].expected)
            await super().append(lane)
        return await super().append(append)


@pytest.fixture
def counting() -> Iterator[Decider[State]]:
    """An aggregate whose state is the number of its events, of any type: toys included."""
    yield Decider(
        name="counting_in_ledger_tests",
        initial=State(),
        rules={type(SUBMIT): Rule(ABSENT | PRESENT, UNKNOWN, lambda *_: (AGAIN,))},
        evolve={ApplicationSubmitted: lambda state, _: state},
    )
    del DECIDERS["counting_in_ledger_tests"]


@pytest.fixture
def any_type(monkeypatch: pytest.MonkeyPatch) -> None:
    """Toys decode as something, so that replay can count them."""
    monkeypatch.setattr("chain.entry.decode_body", lambda *_: AGAIN)


@pytest.mark.usefixtures("any_type")
@pytest.mark.parametrize("times", [1, 5, module.MAX_ATTEMPTS - 1])
async def test_contended_stream_is_decided_again(
    program: Running, url: str, counting: Decider[State], times: int
) -> None:
    async with Interfering(url, clock=now) as writer:
        writer.times = times
        ledger = Ledger(writer, program.reader, program.vault, keys=program.keys, new_id=new_id)
        told = await ledger.execute(counting, request(new_id(), SUBMIT))
    assert isinstance(told, Appended)
    assert told.seq == times + 1


@pytest.mark.usefixtures("any_type")
async def test_stream_that_never_rests(program: Running, url: str, counting: Decider[State]) -> None:
    stream = new_id()
    async with Interfering(url, clock=now) as writer:
        writer.times = 10_000
        ledger = Ledger(writer, program.reader, program.vault, keys=program.keys, new_id=new_id)
        with pytest.raises(StreamBusy, match=f"stream {stream} moved on {module.MAX_ATTEMPTS} times"):
            await ledger.execute(counting, request(stream, SUBMIT))
    with connect(url) as connection:
        check_whole(connection, events=module.MAX_ATTEMPTS)


async def test_many_commands_on_one_stream_all_find_their_place(program: Running, counting: Decider[State]) -> None:
    stream = new_id()
    other = Ledger(program.writer, program.reader, program.vault, keys=program.keys, new_id=new_id)
    told = await asyncio.gather(
        *[which.execute(counting, request(stream, SUBMIT)) for which in [program.ledger, other] * 5]
    )
    assert sorted(one.seq for one in told if isinstance(one, Appended)) == list(range(1, 11))


async def test_two_processes_with_their_own_writers(program: Running, composed: Base, url: str) -> None:
    stream = new_id()
    await program.ledger.execute(APPLICATION, request(stream, ANONYMOUS))
    async with GroupCommit(url, clock=now) as writer:
        vault = Vault(composed.keys, random_bytes)
        other = Ledger(writer, program.reader, vault, keys=composed.keys, new_id=new_id)
        told = await asyncio.gather(
            *[which.execute(APPLICATION, request(stream, SUBMIT)) for which in [program.ledger, other] * 4]
        )
    assert sorted(type(one).__name__ for one in told) == ["Appended"] + ["Refusal"] * 7
