"""The gate of the write path: asked after the decider agreed, at every attempt, in turn where that is needed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest

from adapters.postgres.ledger import Gate, Gates, Guard, Ledger, Request, Turn
from adapters.postgres.sequencer import Appended, VersionConflict
from adapters.postgres.tenant_lock import Turns, lock_of
from adapters.system import new_id
from api.compose import Running
from domain.intake.application.commands import ScheduleWork, StartVerification, SubmitApplication
from domain.intake.application.rules import APPLICATION
from domain.intake.application.state import ApplicationPhase, ApplicationState
from domain.kernel.refusal import Refusal, refusal
from tests.adapters.postgres.story import ANONYMOUS, SUBMIT, TENANT, request

NOT_TODAY = refusal("gate.not_today", "Not today", "今日不可")


class Watch:
    """A guard that remembers what it saw and says what it is told to say."""

    def __init__(self, *answers: Refusal | None) -> None:
        self.answers = list(answers)
        self.seen: list[tuple[str, ApplicationPhase]] = []

    async def guard(self, asked: Request, state: ApplicationState) -> Refusal | None:
        """The next answer, the last one for ever."""
        self.seen.append((type(asked.command).__name__, state.phase))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def gated(program: Running, gates: Gates, turn: Turn | None = None) -> Ledger:
    """The program's ledger with gates of its own."""
    return Ledger(
        program.writer, program.reader, program.vault, digest=program.keys.digest, new_id=new_id, gates=gates, turn=turn
    )


def before(guard: Guard) -> Gates:
    """A guard before handing in, and nothing else."""
    return {SubmitApplication: Gate(guard)}


async def drafted(ledger: Ledger) -> UUID:
    stream = new_id()
    assert isinstance(await ledger.execute(APPLICATION, request(stream, ANONYMOUS)), Appended)
    return stream


async def test_a_guard_says_no_and_nothing_is_written(program: Running) -> None:
    watch = Watch(NOT_TODAY(), None)
    ledger = gated(program, before(watch.guard))
    stream = await drafted(ledger)
    assert watch.seen == [], "other commands are nobody's business"
    size = await program.reader.size()
    asked = request(stream, SUBMIT)
    assert await ledger.execute(APPLICATION, asked) == NOT_TODAY()
    assert await program.reader.size() == size
    assert isinstance(await ledger.execute(APPLICATION, asked), Appended), "a refusal uses no key up"
    assert watch.seen == [("SubmitApplication", ApplicationPhase.DRAFT)] * 2


async def test_what_the_aggregate_refuses_is_not_asked_about(program: Running) -> None:
    watch = Watch(NOT_TODAY())
    ledger = gated(program, before(watch.guard))
    told = await ledger.execute(APPLICATION, request(new_id(), SUBMIT))
    assert isinstance(told, Refusal)
    assert (told.code, watch.seen) == ("application.unknown", [])


async def test_a_repeated_command_gets_its_first_outcome(program: Running) -> None:
    """What was true of it once need not be true again."""
    watch = Watch(None, NOT_TODAY())
    ledger = gated(program, before(watch.guard))
    stream = await drafted(ledger)
    asked = request(stream, SUBMIT)
    first = await ledger.execute(APPLICATION, asked)
    again = await ledger.execute(APPLICATION, asked)
    assert isinstance(first, Appended)
    assert isinstance(again, Appended)
    assert (again.position, again.replayed) == (first.position, True)


async def test_a_conflict_asks_again(program: Running) -> None:
    """The stream moves on while the guard looks elsewhere: the second attempt asks once more, on the newer state."""
    other = gated(program, {})
    stream = await drafted(other)
    watch = Watch(None)

    async def slow(asked: Request, state: ApplicationState) -> Refusal | None:
        if not watch.seen:
            await other.execute(APPLICATION, request(stream, SUBMIT))
        return await watch.guard(asked, state)

    ledger = gated(program, {StartVerification: Gate(watch.guard), SubmitApplication: Gate(slow)})
    told = await ledger.execute(APPLICATION, request(stream, SUBMIT))
    assert isinstance(told, Refusal)
    assert told.code == "application.not_draft", "the second attempt is decided on what the other one wrote"
    assert watch.seen == [("SubmitApplication", ApplicationPhase.DRAFT)]
    moving = Watch(None)

    async def moved(asked: Request, state: ApplicationState) -> Refusal | None:
        if not moving.seen:
            await other.execute(APPLICATION, request(stream, ScheduleWork(lane="x")))
        return await moving.guard(asked, state)

    ledger = gated(program, {StartVerification: Gate(moved)})
    assert isinstance(await ledger.execute(APPLICATION, request(stream, StartVerification())), Appended)
    assert len(moving.seen) == 2


async def test_a_version_that_the_caller_insists_on_comes_first(program: Running) -> None:
    watch = Watch(None)
    ledger = gated(program, before(watch.guard))
    stream = await drafted(ledger)
    with pytest.raises(VersionConflict):
        await ledger.execute(APPLICATION, request(stream, SUBMIT, expected=7))
    assert watch.seen == []


async def test_commands_in_turn_hold_it_until_they_are_written(program: Running) -> None:
    order: list[str] = []

    @asynccontextmanager
    async def turn(tenant: UUID) -> AsyncIterator[None]:
        order.append(f"in {tenant == TENANT}")
        yield
        order.append(f"out at {await program.reader.size()}")

    async def guard(*_: Any) -> None:
        order.append("asked")

    ledger = gated(program, {SubmitApplication: Gate(guard, in_turn=True)}, turn)
    stream = await drafted(ledger)
    size = await program.reader.size()
    await ledger.execute(APPLICATION, request(stream, SUBMIT))
    assert order == ["in True", "asked", f"out at {size + 1}"]


# ------------------------------------------------------------------------------------------------------------ turns


async def test_turns_of_a_tenant_exclude_each_other_in_all_processes(program: Running) -> None:
    """Many at once in two processes: never two inside; another tenant's turn is not waited for."""
    inside, most = 0, 0
    stranger = new_id()

    async def book(turns: Turns) -> None:
        nonlocal inside, most
        async with turns.turn(TENANT):
            inside += 1
            most = max(most, inside)
            await program.reader.size()
            inside -= 1

    async with Turns(program.url) as here, Turns(program.url) as there:
        await asyncio.gather(*(book(one) for one in [here, there] * 8))
        async with here.turn(TENANT), there.turn(stranger):
            pass
    assert most == 1


async def test_a_turn_ends_with_an_error(program: Running) -> None:
    async with Turns(program.url) as turns:
        with pytest.raises(ZeroDivisionError):
            async with turns.turn(TENANT):
                raise ZeroDivisionError
        async with turns.turn(TENANT):
            pass


def test_locks_differ_by_tenant_and_fit() -> None:
    locks = {lock_of(UUID(int=number)) for number in range(1_000)}
    assert len(locks) == 1_000
    assert all(0 <= lock < 1 << 63 for lock in locks)
