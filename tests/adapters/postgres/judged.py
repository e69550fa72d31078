"""Rules of tests over a ledger's own: who judges what, and what happens between a look and an append."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest

from adapters.postgres.ledger import Ledger
from adapters.postgres.reading.facts import FactLoader
from adapters.postgres.reading.states import States
from adapters.postgres.writing.sequencer import Append, Appended, Fence
from adapters.system import new_id
from api.compose import Running
from domain.intake.application.commands import SubmitApplication
from domain.intake.application.rules import APPLICATION
from domain.intake.application.state import ApplicationPhase
from domain.kernel import needs as module
from domain.kernel.needs import Candidate, CrossRule, Facts, Need, StreamState
from domain.kernel.refusal import REFUSALS, Refusal, RefusalKind, refusal
from tests.adapters.postgres.story import ANONYMOUS, request

Hook = Callable[[], Awaitable[object]]
Rules = dict[Any, list[CrossRule]]


@pytest.fixture
def not_today() -> Iterator[RefusalKind]:
    """A refusal of these tests."""
    yield refusal("rules.not_today", "Not today", "今日不可")
    del REFUSALS["rules.not_today"]


@pytest.fixture
def rules(monkeypatch: pytest.MonkeyPatch) -> Rules:
    """A table of rules that rules of these tests register in."""
    fresh: Rules = {}
    monkeypatch.setattr(module, "CROSS_RULES", fresh)
    return fresh


class Interposed:
    """A writer before whose appends something else happens: between the look and the append."""

    def __init__(self, program: Running, hook: Hook | None = None) -> None:
        self._writer = program.writer
        self.hook = hook

    async def append(self, append: Append) -> Appended:
        if self.hook is not None:
            await self.hook()
        return await self._writer.append(append)


@asynccontextmanager
async def nothing_held(tenant: UUID) -> AsyncIterator[Fence]:
    raise AssertionError("no sum is read")
    yield


def ruled(
    program: Running, rules: Rules, *, writer: Interposed | None = None, lock: Any = nothing_held, **tables: Any
) -> Ledger:
    """The program's ledger with rules of its own, and a memory of its own: another process."""
    given: dict[str, Any] = {"relations": {}, "references": {}, "sums": {}} | tables
    facts = FactLoader(program.reader, States(program.reader), lock, rules=rules, **given)
    return Ledger(
        writer or program.writer,  # type: ignore[arg-type]
        program.reader,
        program.vault,
        keys=program.keys,
        new_id=new_id,
        facts=facts,
    )


async def drafted(ledger: Ledger, stream: UUID | None = None) -> UUID:
    stream = stream or new_id()
    assert isinstance(await ledger.execute(APPLICATION, request(stream, ANONYMOUS)), Appended)
    return stream


def application(stream: UUID) -> StreamState:
    return StreamState(APPLICATION.name, stream)


class Watch:
    """A rule on handing in that remembers in which states it judged; says what it is told to, the last for ever."""

    def __init__(self, *answers: Refusal | None, needs: Iterable[Need] = ()) -> None:
        self.answers, self.needs = list(answers) or [None], tuple(needs)
        self.seen: list[ApplicationPhase] = []
        self.facts: list[Any] = []
        CrossRule(SubmitApplication, lambda _, __: self.needs, self.judge)

    def judge(self, candidate: Candidate, facts: Facts) -> Refusal | None:
        self.seen.append(candidate.state.phase)
        self.facts.append([facts[need] for need in self.needs])
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
